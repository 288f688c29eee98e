"""What the wheel lays beside a robot: found by ROS 1 and ROS 2 under their own names, and started by them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from launch_standin import ExecuteProcess, processes
from ros1_world import Ros1World
from waiting import WAIT_SECS

from rrbridge_bridge.commands.play import play
from rrbridge_bridge.commands.record import record

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SHARED: dict[str, str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
SHARE = Path("share/rrbridge")


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """A folder as pip leaves it."""
    made = tmp_path / "opt" / "rrbridge"
    for source, place in SHARED.items():
        (made / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / source, made / place)
    (made / "bin").mkdir()
    (made / "bin" / "rrbridge").symlink_to(Path(sys.executable).with_name("rrbridge"))
    return made


def sourced(prefix: Path, shell: str, name: str, **before: str) -> str:
    """A variable after `local_setup.sh` was sourced."""
    script = f'. "{prefix / SHARE / "local_setup.sh"}" "$1" && printf %s "${name}"'
    argument = str(prefix) if shell == "sh" else ""
    found = subprocess.run(
        [shell, "-eu", "-c", script, shell, argument],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin"} | before,
    )
    assert (found.returncode, found.stderr) == (0, "")
    return found.stdout


@pytest.mark.parametrize("shell", ["bash", "sh", "zsh"])
def test_sourcing_adds_to_what_was_sourced_before(prefix: Path, shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    assert sourced(prefix, shell, "AMENT_PREFIX_PATH") == str(prefix)
    assert sourced(prefix, shell, "AMENT_PREFIX_PATH", AMENT_PREFIX_PATH="/opt/ros/x") == f"{prefix}:/opt/ros/x"
    assert sourced(prefix, shell, "ROS_PACKAGE_PATH", ROS_PACKAGE_PATH="/a:/b") == f"{prefix}/share:/a:/b"
    assert sourced(prefix, shell, "PATH") == "/usr/bin:/bin"


def test_ros_2_finds_the_package_and_each_launch_file_once(prefix: Path, ros_python: Path) -> None:
    """With ROS 2's own index; `ros2 launch` takes the one file of that name below the folder that it says."""
    script = "import ament_index_python as a; print(a.get_package_share_directory('rrbridge'))"
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"AMENT_PREFIX_PATH": str(prefix)}
    found = subprocess.run([ros_python, "-c", script], capture_output=True, text=True, env=env, check=True)
    share = Path(found.stdout.strip())
    assert share == prefix / SHARE
    for name in ("record.launch.py", "replay.launch.py"):
        assert len(list(share.rglob(name))) == 1


def test_what_ros_is_told_of_the_package() -> None:
    package = ET.parse(ROOT / "launch" / "package.xml").getroot()
    assert package.findtext("name") == PROJECT["project"]["name"]
    assert package.findtext("version") == PROJECT["project"]["version"]
    assert {e.text for e in package.findall("license")} == set(PROJECT["project"]["license"].split(" OR "))


def launched(prefix: Path, name: str, given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> ExecuteProcess:
    (process,) = processes(prefix / SHARE / "launch" / name, given, monkeypatch)
    return process


def test_the_record_launch_file_starts_a_command_that_exists(prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = launched(prefix, "record.launch.py", {}, monkeypatch)
    program, command, *rest = process.cmd
    assert (program, command) == (str(prefix / "bin" / "rrbridge"), "record")
    options = record.make_context("record", rest).params
    assert options["every"]
    assert not options["output"]
    assert options["ros_python"] == sys.executable
    assert int(process.sigterm_timeout) > 10, "it needs time to finish its file"
    given = {"output": "run.rrd", "args": "-x '^/camera' --duration 10m", "rrbridge": "/elsewhere/rrbridge"}
    program, command, *rest = launched(prefix, "record.launch.py", given, monkeypatch).cmd
    options = record.make_context("record", rest).params
    assert program == "/elsewhere/rrbridge"
    assert (options["output"], options["exclude"], options["duration"]) == ((Path("run.rrd"),), ("^/camera",), 600.0)


def test_the_replay_launch_file_plays_or_shows(prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"file": "run.rrd", "args": "--rate 2"}
    _, command, *rest = launched(prefix, "replay.launch.py", given, monkeypatch).cmd
    assert command == "play"
    options = play.make_context("play", rest).params
    assert options["rate"] == 2
    assert options["clock"]
    _, command, *rest = launched(prefix, "replay.launch.py", {**given, "clock": "False"}, monkeypatch).cmd
    assert not play.make_context("play", rest).params["clock"]
    _, *rest = launched(prefix, "replay.launch.py", {"file": "run.rrd", "view": "true"}, monkeypatch).cmd
    assert rest == ["view", "run.rrd"]


@pytest.fixture
def ros1(tmp_path: Path) -> Iterator[Ros1World]:
    with ExitStack() as stack:
        yield Ros1World(tmp_path, stack)


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.xdist_group("live")
def test_roslaunch_records_beside_a_robot_and_plays_it(prefix: Path, ros1: Ros1World, tmp_path: Path) -> None:
    """The real one: it finds the file by the package's name, starts the recorder as a node, and ends it in good order."""
    chatter = {"topic": "/chatter", "type": "std_msgs/String", "count": 40, "hertz": 20}
    sender = ros1.publish("sender", chatter)
    out = tmp_path / "run 1.rrd"
    paths = {"ROS_PACKAGE_PATH": sourced(prefix, "bash", "ROS_PACKAGE_PATH")}
    launch = ros1.run("/usr/bin/roslaunch", "rrbridge", "record.launch", f"output:={out}", env=paths)
    sender.said("done")
    launch.process.terminate()
    assert launch.process.wait(WAIT_SECS) == 0
    assert not out.with_name("run 1.rrd.active").exists()
    from scripted_session import payloads_of

    assert payloads_of(out)["/chatter"] == sender.sent("/chatter")
    sender.leave()
    listener = ros1.listen("listener", {"/chatter": "std_msgs/String"})
    given = (f"file:={out}", "args:=--topics /chatter --wait-for-subscribers")
    replay = ros1.run("/usr/bin/roslaunch", "rrbridge", "replay.launch", *given, env=paths)
    ros1.until(lambda: len(listener.heard("/chatter")) == 40, "what is played")
    assert listener.heard("/chatter") == sender.sent("/chatter")
    assert replay.process.wait(WAIT_SECS) == 0, "it ends with its only node"


@pytest.mark.slow
def test_the_wheel_has_it_all(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(ROOT)]
    began = time.monotonic()
    done = subprocess.run(build, capture_output=True, text=True)
    if done.returncode and "hatchling" in done.stderr:
        pytest.skip(f"no hatchling to build with, after {time.monotonic() - began:.0f} s")
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        data = {i.filename.partition(".data/data/")[2]: i for i in archive.infolist() if ".data/data/" in i.filename}
    assert set(data) == set(SHARED.values())
    runs = {name for name, entry in data.items() if entry.external_attr >> 16 & 0o111}
    assert runs == {"share/rrbridge/scripts/rrbridge"}
