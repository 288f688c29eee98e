"""Importing does nothing: no window, no thread, no plug-in, no heavy package."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = (
    "pyglet", "moderngl", "imgui_bundle", "trimesh", "collada", "PIL", "av", "rosbags", "mcap", "rclpy", "zenoh", "grpc",
    "google.protobuf", "duckdb", "polars", "pandas", "click", "rich", "websockets", "rerun",
)  # fmt: skip

PROBE = """
import json, os, sys, threading
before = set(os.listdir("/proc/self/fd"))
import {module}
print(json.dumps({{
    "modules": sorted(sys.modules),
    "threads": [t.name for t in threading.enumerate()],
    "children": open(f"/proc/self/task/{{os.getpid()}}/children").read().split(),
    "opened": [os.readlink(f"/proc/self/fd/{{n}}") for n in set(os.listdir("/proc/self/fd")) - before
               if os.path.exists(f"/proc/self/fd/{{n}}")],
}}))
"""


def imported(module: str) -> dict[str, list[str]]:
    """What a fresh Python looks like after one import."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROBE.format(module=module)], capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    state: dict[str, list[str]] = json.loads(done.stdout)
    return state


def test_import_of_the_sdk_is_light() -> None:
    state = imported("rrbridge")
    loaded = [m for m in HEAVY if m in state["modules"]]
    assert loaded == []
    assert not [m for m in state["modules"] if m.startswith(("rrbridge_bridge", "rrbridge_viewer"))]


@pytest.mark.parametrize("module", ["rrbridge", "rrbridge_bridge", "rrbridge_viewer", "rrbridge_bridge.cli"])
def test_import_starts_nothing(module: str) -> None:
    state = imported(module)
    assert state["threads"] == ["MainThread"]
    assert state["children"] == []
    assert [path for path in state["opened"] if not path.startswith("/proc")] == []
    assert not {"pyglet", "moderngl", "imgui_bundle", "rclpy"} & set(state["modules"])


def test_top_folders_are_not_packages() -> None:
    found = [f for f in ("sdk", "bridge", "viewer", "launch", "tests") if (ROOT / f / "__init__.py").exists()]
    assert found == []
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.parametrize("package", ["sdk/rrbridge", "bridge/rrbridge_bridge", "viewer/rrbridge_viewer"])
def test_packages_are_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()
