"""Entry points are found as `importlib.metadata` finds them, without importing it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from rrbridge._entry_points import EntryPoint, entry_points

GROUPS = ("adapters", "importers", "live", "commands", "views", "visualizers")
TEXT = """
[console_scripts]
stranger = stranger:main

[rrbridge.adapters]
# a comment
one = stranger.parts:adapters
two=stranger:Class.member [extra]

[rrbridge.views]
view = stranger.view:View
"""


def told(group: str) -> list[tuple[str, str, str, str]]:
    return sorted(
        (e.name, e.value, e.dist.name, e.dist.version) for e in metadata.entry_points(group=group) if e.dist is not None
    )


def found(group: str) -> list[tuple[str, str, str, str]]:
    entries = entry_points(group=group)
    assert {entry.group for entry in entries} <= {group}
    return sorted((e.name, e.value, e.dist.name, e.dist.version) for e in entries if e.dist is not None)


def install(folder: Path, name: str, version: str, text: str = TEXT, kind: str = "dist-info") -> None:
    info = folder / f"{name}-{version}.{kind}"
    info.mkdir(parents=True)
    (info / ("METADATA" if kind == "dist-info" else "PKG-INFO")).write_text(f"Name: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(text)


def test_the_installed_ones_are_those_of_importlib() -> None:
    assert len(found("rrbridge.commands")) > 5
    for group in GROUPS:
        assert found(f"rrbridge.{group}") == told(f"rrbridge.{group}")


@pytest.mark.parametrize("kind", ["dist-info", "egg-info"])
def test_a_strangers_package(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "near", "stranger", "1.5", kind=kind)
    install(tmp_path / "far", "stranger", "1.0", TEXT.replace("one", "old"), kind)
    install(tmp_path / "far", "other", "2", TEXT.replace("rrbridge", "something"), kind)
    monkeypatch.syspath_prepend(tmp_path / "far")
    monkeypatch.syspath_prepend(tmp_path / "near")
    for group in GROUPS:
        assert found(f"rrbridge.{group}") == told(f"rrbridge.{group}")
    assert ("one", "stranger.parts:adapters", "stranger", "1.5") in found("rrbridge.adapters")


def test_a_package_in_a_zip_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "unpacked", "stranger", "1")
    with zipfile.ZipFile(tmp_path / "packages.zip", "w") as archive:
        for path in (tmp_path / "unpacked").rglob("*"):
            archive.write(path, path.relative_to(tmp_path / "unpacked"))
    monkeypatch.syspath_prepend(tmp_path / "packages.zip")
    assert ("one", "stranger.parts:adapters", "stranger", "1") in found("rrbridge.adapters")


@pytest.mark.parametrize("value", ["json:loads", "json.decoder:JSONDecoder.decode", "json", "json:dumps [extra]"])
def test_loading_gives_the_same_object(value: str) -> None:
    theirs = metadata.EntryPoint("name", value, "group").load()
    assert EntryPoint("name", value, "group").load() is theirs


def test_loading_what_is_not_there_fails() -> None:
    with pytest.raises(ModuleNotFoundError):
        EntryPoint("name", "no_such_module:x", "group").load()
    with pytest.raises(AttributeError):
        EntryPoint("name", "json:no_such_thing", "group").load()


def test_importlib_metadata_stays_unloaded() -> None:
    code = "import sys, rrbridge.plugins as p; list(p.load('rrbridge.views')); sys.exit('importlib.metadata' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
