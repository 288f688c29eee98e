"""rrbridge runs on its own packages, whatever a sourced ROS has put on PYTHONPATH."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rrbridge_bridge.program import own_packages_first

OURS = f"{sys.version_info.major}.{sys.version_info.minor}"
START = "import sys; from rrbridge_bridge.program import main; sys.argv = ['rrbridge', *sys.argv[1:]]; sys.exit(main())"


@pytest.mark.parametrize(
    ("folder", "place"),
    [
        ("/opt/ros/humble/lib/python3.10/site-packages", "gone"),
        ("/opt/ros/humble/local/lib/python3.10/dist-packages", "gone"),
        ("/opt/ros/jazzy/lib/python3.12/site-packages", "last"),
        ("/opt/ros/noetic/lib/python3/dist-packages", "last"),
        ("/home/robot/ws/install/my_msgs/lib/python3.12/site-packages/", "last"),
        ("/home/robot/src/rrbridge/sdk", "first"),
        ("/home/robot/python3.10", "first"),
    ],
)
def test_where_a_folder_of_pythonpath_goes(folder: str, place: str) -> None:
    own = ["/usr/lib/python3.12", "/opt/rrbridge/lib/python3.12/site-packages"]
    expected = {"gone": own, "last": [*own, folder], "first": [folder, *own]}[place]
    assert own_packages_first([folder, *own], f"/elsewhere:{folder}", "3.12") == expected
    assert own_packages_first([folder, *own], "/elsewhere", "3.12") == [folder, *own], (
        "only what PYTHONPATH names moves"
    )


@pytest.fixture
def foreign(tmp_path: Path) -> dict[str, str]:
    """An environment in which another Python's packages, and older ones of our own, come first."""
    folders = [tmp_path / f"lib/python{version}/site-packages" for version in ("3.9", OURS)]
    for folder in folders:
        for name in ("numpy", "pyarrow", "click", "rich_click", "mcap", "yaml", "rosbags"):
            (folder / name).mkdir(parents=True)
            (folder / name / "__init__.py").write_text(f"raise SystemExit('{name} of {folder} was imported')\n")
    before = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, folders), *filter(None, [before])])}


def test_no_command_takes_packages_of_another_python(foreign: dict[str, str], tmp_path: Path) -> None:
    """Nor do the processes that it starts: each of two files is converted by one."""
    bags = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.mcap"
        _write(path)
        bags.append(path)
    out = tmp_path / "out"
    command = [sys.executable, "-c", START, "convert", "--jobs", "2", "-o", f"{out}/", *map(str, bags)]
    done = subprocess.run(command, env=foreign, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in out.iterdir()} >= {"a.rrd", "b.rrd"}


def test_a_plug_in_of_a_sourced_workspace_is_found(tmp_path: Path) -> None:
    folder = tmp_path / f"install/my_msgs/lib/python{OURS}/site-packages"
    info = folder / "my_msgs-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: my-msgs\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[rrbridge.adapters]\nmine = my_msgs:adapters\n")
    (folder / "my_msgs.py").write_text(
        "from rrbridge.adapters import Adapters\nadapters = Adapters()\n"
        "@adapters('my_msgs/msg/Gripper')\ndef gripper(msgs):\n    yield from ()\n"
    )
    before = os.environ.get("PYTHONPATH", "")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [before])])}
    done = subprocess.run(
        [sys.executable, "-c", START, "adapters", "--json"], env=env, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    assert "my_msgs/msg/Gripper" in json.dumps(json.loads(done.stdout))


def _write(path: Path) -> None:
    from mcap.writer import Writer

    with path.open("wb") as file:
        writer = Writer(file)
        writer.start("ros2")
        schema = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data\n")
        channel = writer.register_channel("/chatter", "cdr", schema)
        for number in range(3):
            writer.add_message(channel, number, b"\0\1\0\0\2\0\0\0a\0", number)
        writer.finish()  # type: ignore[no-untyped-call]
