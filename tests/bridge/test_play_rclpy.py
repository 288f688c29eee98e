"""`rrbridge play`, and a look at what it plays, through a real ROS 2: rclpy publishes, rclpy listens."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from ros_world import BIN, STRING, World, payloads_of, ros_domain, ros_env, ros_python, world
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from waiting import WAIT_SECS

__all__ = ["ros_domain", "ros_env", "ros_python", "world"]

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.xdist_group("live")]

STORE = get_typestore(Stores.ROS2_KILTED) if hasattr(Stores, "ROS2_KILTED") else get_typestore(Stores.ROS2_JAZZY)
SECOND = 10**9
START = 1_700_000_000 * SECOND
TYPES = {
    "/chatter": "std_msgs/msg/String",
    "/camera": "sensor_msgs/msg/CompressedImage",
    "/tf_static": "geometry_msgs/msg/TransformStamped",
}


def message(topic: str, number: int) -> bytes:
    types = STORE.types
    msgtype = TYPES[topic]
    stamp = types["builtin_interfaces/msg/Time"](1_700_000_000 + number, 5)
    header = types["std_msgs/msg/Header"](stamp, "base_link")
    if topic == "/chatter":
        made = types[msgtype](f"{number} " + "x" * (number % 61))
    elif topic == "/camera":
        data = np.random.default_rng(number).integers(0, 256, 60_000 + 13 * number).astype(np.uint8)
        made = types[msgtype](header, "jpeg", data)
    else:
        vector = types["geometry_msgs/msg/Vector3"](0.5 + number, 0.0, 0.0)
        turn = types["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0)
        made = types[msgtype](header, f"laser_{number}", types["geometry_msgs/msg/Transform"](vector, turn))
    payload = bytes(STORE.serialize_cdr(made, msgtype))
    return payload + bytes(-len(payload) % 4)  # DDS pads to whole words on the wire


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """8 s: 25 strings and 5 pictures a second, and three static transforms at the start."""
    path = tmp_path / "robot"
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connections = {t: writer.add_connection(t, m, typestore=STORE) for t, m in TYPES.items()}
        for i in range(3):
            writer.write(connections["/tf_static"], START + i, message("/tf_static", i))
        for i in range(200):
            at = START + (i + 1) * SECOND // 25
            writer.write(connections["/chatter"], at, message("/chatter", i))
            if i % 5 == 0:
                writer.write(connections["/camera"], at, message("/camera", i))
    return path


Rrbridge = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def rrbridge(world: World) -> Iterator[Rrbridge]:
    with ExitStack() as stack:

        def start(command: str, *arguments: object) -> subprocess.Popen[str]:
            full = [str(BIN / "rrbridge"), command, *map(str, arguments), "--ros-python", str(world.python)]
            process = subprocess.Popen(full, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            stack.callback(process.__exit__, None, None, None)
            stack.callback(process.kill)
            return process

        yield start
        world.note()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, told = process.communicate(timeout=WAIT_SECS)
    assert process.returncode in (0, 130), told
    return process.returncode, out


def test_what_is_recorded_of_a_played_recording_is_the_recording(world: World, rrbridge: Rrbridge, bag: Path) -> None:
    recording = world.record("--from", "rclpy", *TYPES, "--min-free", "0")
    how = ("--wait-for-subscribers", "-d", "1", "--clock", "--json")
    playing = rrbridge("play", bag, "--to", "rclpy", "--loop", *how)
    recording.until_received(chatter=1)
    # Who comes late gets every static transform, and looks at the rest.
    echo = rrbridge("echo", "/tf_static", "--from", "rclpy", "--field", "child_frame_id", "-n", "3")
    info = rrbridge("info", "--from", "rclpy", "--json")
    code, out = ended(echo)
    assert (code, set(out.split())) == (0, {"laser_0", "laser_1", "laser_2", "---"})
    assert {*TYPES, "/clock"} <= {one["topic"] for one in json.loads(ended(info)[1])}
    recording.until_received(chatter=200, camera=40, tf_static=3)
    playing.send_signal(signal.SIGINT)
    code, out = ended(playing)
    end = json.loads(out.splitlines()[-1])
    assert recording.end()[0] == 0
    heard = payloads_of(recording.path)
    assert (code, end["messages"]) == (130, sum(map(len, heard.values())))
    sent = {"/chatter": range(200), "/camera": range(0, 200, 5), "/tf_static": range(3)}
    for topic, numbers in sent.items():
        in_turn = itertools.cycle([message(topic, number) for number in numbers])
        assert heard[topic] == list(itertools.islice(in_turn, len(heard[topic])))


def test_a_real_publisher_is_looked_at(world: World, rrbridge: Rrbridge) -> None:
    """It publishes until it is ended; what is printed is what it sent."""
    world.publish({**STRING, "count": 100_000, "hertz": 40, "bytes": 30, "wait": False, "depth": 1000})
    hz = rrbridge("hz", "/chatter", "--from", "rclpy", "--for", "4.5", "--json")
    bw = rrbridge("bw", "/chatter", "--from", "rclpy", "--for", "4.5", "--json")
    echo = rrbridge("echo", "chatter/data", "--from", "rclpy", "-n", "20")
    lines = [line for line in ended(echo)[1].splitlines() if line != "---"]
    first = int(lines[0].split()[0].strip("'\""))
    assert lines == [f"{first + i} {'x' * 30}" for i in range(20)]
    last = json.loads(ended(hz)[1].splitlines()[-1])
    assert (last["topic"], last["messages"] > 5, 5 < last["hertz"] < 200) == ("/chatter", True, True)
    last = json.loads(ended(bw)[1].splitlines()[-1])
    assert (last["topic"], 38 <= last["mean_bytes"] <= 48) == ("/chatter", True)
