"""Who may know what: state and layout know no window, and only the window knows pyglet."""

from __future__ import annotations

import ast
from pathlib import Path

import rrbridge_viewer

ROOT = Path(rrbridge_viewer.__file__).parent
KNOW_PYGLET = {"window.py", "imgui_backend.py"}
PURE = {
    "blueprint.py",
    "clock.py",
    "commands.py",
    "state.py",
    "times.py",
    "series.py",
    "ticks.py",
    "layout.py",
    "entity_tree.py",
    "values.py",
    "message_fields.py",
    "plotted_fields.py",
}
NO_SCREEN = PURE | {"query.py", "recordings.py", "pinholes.py", "video_samples.py", "loading.py", "facts.py"}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def test_only_the_window_knows_pyglet() -> None:
    knowing = {path.name for path in ROOT.rglob("*.py") if "pyglet" in imported(path) and path.name != "command.py"}
    assert knowing == KNOW_PYGLET


def test_state_layout_and_queries_know_no_screen() -> None:
    for name in NO_SCREEN:
        assert not imported(ROOT / name) & {"pyglet", "imgui_bundle", "moderngl"}, name
