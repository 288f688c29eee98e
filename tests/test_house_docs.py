"""The documentation names what exists, and what exists is documented."""

from __future__ import annotations

import importlib.util
import re
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest

from rrbridge.adapters import Adapters
from rrbridge_bridge.cli import app

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS = sorted(
    entry.name for entry in entry_points(group="rrbridge.commands") if entry.value.startswith("rrbridge_")
)
ENTRY_POINT_GROUPS = {
    f"rrbridge.{name}"
    for name in ("importers", "adapters", "live", "live_sinks", "feeds", "views", "commands", "visualizers")
}


def command(name: str) -> click.Command:
    found = app.get_command(click.Context(app), name)
    assert found is not None
    return found


def named_in(line: str) -> click.Command:
    """The command that a line runs, of a group too."""
    words = line.split("#")[0].split()[1:]
    found = command(words[0])
    while isinstance(found, click.Group):
        words = words[1:]
        inner = found.get_command(click.Context(found), words[0])
        assert inner is not None, line
        found = inner
    return found


def every_command() -> list[tuple[str, click.Command]]:
    """Commands, and those of groups as `rrd stats`."""
    found = [(name, command(name)) for name in COMMANDS]
    for name, group in list(found):
        if isinstance(group, click.Group):
            context = click.Context(group)
            for inner in group.list_commands(context):
                one = group.get_command(context, inner)
                assert one is not None
                found.append((f"{name} {inner}", one))
    return found


def fenced(text: str) -> list[str]:
    """The lines of a page's code blocks, continuation lines joined."""
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]


def named_commands() -> list[tuple[str, str]]:
    return [
        (page.relative_to(ROOT).as_posix(), line)
        for page in PAGES
        for line in fenced(page.read_text())
        if re.match(r"rrbridge [a-z]", line)
    ]


@pytest.mark.parametrize(("name", "found"), every_command())
def test_every_command_is_documented_and_has_help(name: str, found: click.Command) -> None:
    text = "\n".join(page.read_text() for page in PAGES)
    if name != "rrd recover":
        assert re.search(rf"rrbridge {name}\b", text), f"`rrbridge {name}` stands in no page"
    assert found.help
    without = [p.name for p in found.params if isinstance(p, click.Option) and not p.help and p.name != "help"]
    assert without == []


@pytest.mark.parametrize(("page", "line"), named_commands())
def test_commands_in_pages_exist(page: str, line: str) -> None:
    words = line.split("#")[0].split()
    found = named_in(line)
    known = {option for p in found.params for option in (*p.opts, *p.secondary_opts)} | {"--help", "-h"}
    unknown = [w.split("=")[0] for w in words[2:] if re.match(r"--?[a-z]", w) and w.split("=")[0] not in known]
    assert unknown == [], f"{page}: {line}"


def test_every_adapted_type_is_documented() -> None:
    page = (ROOT / "docs" / "messages.md").read_text()
    missing = [msgtype for msgtype in Adapters.discover().by_type if re.split("[/.]", msgtype)[-1] not in page]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_modules_and_links_exist(page: Path) -> None:
    text = page.read_text()
    modules = set(re.findall(r"`(rrbridge(?:_bridge|_viewer)?(?:\.[a-z_0-9]+)+)`", text)) - ENTRY_POINT_GROUPS
    gone = []
    for name in sorted(modules):
        parent, _, last = name.rpartition(".")
        if importlib.util.find_spec(parent) is None or (
            importlib.util.find_spec(name) is None and not hasattr(importlib.import_module(parent), last)
        ):
            gone.append(name)
    assert gone == []
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    assert [page.name for page in PAGES[1:] if page.name not in index and page.name != "README.md"] == []
