"""Broken plug-ins are reported once and left out: every command does its work without them."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from rrbridge import importers, plugins
from rrbridge.adapters import Adapters
from rrbridge_bridge.cli import main

STORE = get_typestore(Stores.ROS2_HUMBLE)
MODULES = {
    "plug_good": """
import numpy as np
import rrbridge as rr
from rrbridge.adapters import Adapters
from rrbridge.columns import Emit
adapters, wrong = Adapters(), 42
@adapters("std_msgs/msg/Int32")
def mine(msgs):
    yield Emit(rr.Scalars.columns(scalars=-msgs.data.astype(float)))
@adapters.stage("std_msgs/msg/Int64", start=0)
def counting(state, msgs):
    seen = state + 1 + np.arange(len(msgs))
    return seen[-1], [Emit(rr.Scalars.columns(scalars=seen), at="seen")]
""",
    "plug_raising": "raise ValueError('broken at import')",
    "plug_leaving": "import sys; sys.exit(9)",
    "plug_importer": """
class Importer:
    name = "XYZ"
    def probe(self, path, head): raise RuntimeError("probe boom")
    def info(self, path): ...
    def chunks(self, path, options): ...
    def recording_id(self, path): ...
class Leaving(Importer):
    name = "leaving"
    def probe(self, path, head): raise SystemExit(4)
first, second, nothing = Importer(), Leaving(), None
""",
}
ENTRIES = [
    EntryPoint(name, value, f"rrbridge.{group}")
    for group, name, value in (
        ("adapters", "number", "plug_good:wrong"),
        ("adapters", "missing", "plug_good:not_there"),
        ("adapters", "raising", "plug_raising:adapters"),
        ("adapters", "leaving", "plug_leaving:adapters"),
        ("adapters", "zgood", "plug_good:adapters"),
        ("importers", "nothing", "plug_importer:nothing"),
        ("importers", "probing", "plug_importer:first"),
        ("importers", "probing2", "plug_importer:second"),
        ("importers", "leaving", "plug_leaving:importer"),
        ("commands", "leaving", "plug_leaving:command"),
    )
]


class Strangers:
    """Entry points of a stranger's package, sorted before ours where the order is by name only."""

    def __call__(self, *, group: str, name: str | None = None) -> list[EntryPoint]:
        ours = entry_points(group=group) if name is None else entry_points(group=group, name=name)
        return [e for e in ENTRIES if e.group == group and name in (None, e.name)] + list(ours)


@pytest.fixture(autouse=True)
def strangers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "packages"
    folder.mkdir()
    for name, text in MODULES.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr("rrbridge.plugins.entry_points", Strangers())
    monkeypatch.setattr("rrbridge_bridge.cli.entry_points", Strangers())
    monkeypatch.setattr("rrbridge.plugins._reported", set())
    importers.installed.cache_clear()
    yield
    importers.installed.cache_clear()
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    with Writer(tmp_path / "run", version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        for kind in ("Int32", "Int64"):
            msgtype = f"std_msgs/msg/{kind}"
            connection = writer.add_connection(f"/{kind}", msgtype, typestore=STORE)
            writer.write(connection, 1, STORE.serialize_cdr(STORE.types[msgtype](data=7), msgtype))
    return tmp_path / "run" / "run.mcap"


def test_every_command_works_and_says_what_it_left_out(
    bag: Path, tmp_path: Path, capsys: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    assert main(["adapters"]) == 0
    assert main(["info", str(bag)]) == 0
    text = tmp_path / "text"
    text.write_text("no recording")
    assert main(["info", str(text)]) == 1, "every importer was asked"
    for number in range(2):
        assert main(["convert", str(bag), "-o", str(tmp_path / f"{number}.rrd")]) == 0
    printed = capsys.readouterr()
    assert "plug_good.mine" in printed.out
    assert "it opens ROS 1 bag, " in " ".join(printed.err.split())
    told = sorted(record.getMessage() for record in caplog.records)
    assert len(told) == len(set(told)), "each once"
    assert told == [
        "plug-in XYZ (plug_importer:Importer) was left out: its probe failed: RuntimeError: probe boom",
        "plug-in leaving (plug_importer:Leaving) was left out: its probe failed: SystemExit: 4",
        "plug-in leaving (plug_leaving:adapters) was left out: SystemExit: 9",
        "plug-in leaving (plug_leaving:importer) was left out: SystemExit: 9",
        "plug-in missing (plug_good:not_there) was left out: AttributeError: module 'plug_good' has no attribute 'not_there'",
        "plug-in nothing (plug_importer:nothing) was left out: NoneType is not rrbridge.importers.Importer",
        "plug-in number (plug_good:wrong) was left out: int is not rrbridge.adapters.Adapters",
        "plug-in raising (plug_raising:adapters) was left out: ValueError: broken at import",
    ]


def test_stages_are_listed_and_used(bag: Path, tmp_path: Path, capsys: Any) -> None:
    assert main(["adapters", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [entry for entry in listed if entry.get("stage") == "plug_good.counting"] == [
        {"type": "std_msgs/msg/Int64", "stage": "plug_good.counting", "topic": None, "reference": False}
    ]
    assert main(["adapters"]) == 0
    assert "plug_good.counting (stage)" in capsys.readouterr().out
    assert main(["convert", str(bag), "-o", str(tmp_path / "x.rrd"), "--json"]) == 0
    (topic,) = [t for t in json.loads(capsys.readouterr().out)["topics"] if t["topic"] == "/Int64"]
    assert "/Int64/seen" in topic["entities"]


def test_a_command_that_leaves_at_import_is_explained(capsys: Any) -> None:
    assert main(["--help"]) == 0
    assert main(["leaving"]) == 1
    assert "cannot be loaded: SystemExit: 9" in " ".join(capsys.readouterr().err.split())


def test_good_plugins_of_a_package_with_bad_ones_are_used() -> None:
    found = Adapters.discover().by_type
    assert found["std_msgs/msg/Int32"].name == "plug_good.mine"
    assert found["std_msgs/msg/Int64"].name == "rrbridge_bridge.messages.std_msgs.number"
    assert [p.name for p in plugins.load("rrbridge.importers", importers.Importer)][:1] != ["nothing"]
