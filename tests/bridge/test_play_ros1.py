"""`rrbridge play` and what is recorded of it, through a real ROS 1: master, rospy, the C++ `rosbag record`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from live_loopback import LoopbackSession, LoopbackSink
from ros1_world import Process, Ros1World
from rosbags.rosbag1 import Reader, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from waiting import WAIT_SECS

from rrbridge_bridge.cli import main
from rrbridge_bridge.play import run
from rrbridge_bridge.readers import open_bag

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.xdist_group("live")]

STORE = get_typestore(Stores.ROS1_NOETIC)
STORE.register(get_types_from_msg("geometry_msgs/TransformStamped[] transforms", "tf2_msgs/msg/TFMessage"))
SECOND = 10**9
START = 1_700_000_000 * SECOND
RRBRIDGE = [sys.executable, "-c", "import sys; from rrbridge_bridge.cli import main; sys.exit(main(sys.argv[1:]))"]
ENV = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Ros1World]:
    with ExitStack() as stack:
        yield Ros1World(tmp_path, stack)


def transform(parent: str, child: str, x: float, seconds: float) -> bytes:
    types = STORE.types
    stamp = types["builtin_interfaces/msg/Time"](int(START // SECOND + seconds), int(seconds % 1 * 1e9))
    edge = types["geometry_msgs/msg/TransformStamped"](
        header=types["std_msgs/msg/Header"](seq=0, stamp=stamp, frame_id=parent),
        child_frame_id=child,
        transform=types["geometry_msgs/msg/Transform"](
            types["geometry_msgs/msg/Vector3"](x, 0.0, 0.0), types["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0)
        ),
    )
    return bytes(STORE.serialize_ros1(types["tf2_msgs/msg/TFMessage"]([edge]), "tf2_msgs/msg/TFMessage"))


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """4 s: /tf 50 times a second, /blob of any bytes and sizes, /tf_static of two broadcasters."""
    path = tmp_path / "robot.bag"
    rng = np.random.default_rng(3)
    with Writer(path) as writer:
        tf = writer.add_connection("/tf", "tf2_msgs/msg/TFMessage", typestore=STORE)
        blob = writer.add_connection("/blob", "std_msgs/msg/String", typestore=STORE)
        for caller, child in (("/left", "laser"), ("/right", "camera")):
            static = writer.add_connection(
                "/tf_static", "tf2_msgs/msg/TFMessage", typestore=STORE, callerid=caller, latching=1
            )
            writer.write(static, START, transform("base_link", child, 0.25, 0))
        for i in range(200):
            writer.write(tf, START + i * SECOND // 50, transform("map", "base_link", i / 100, i / 50))
            if i % 5 == 0:
                payload = rng.bytes(int(rng.integers(0, 40_000)))
                writer.write(blob, START + i * SECOND // 50, len(payload).to_bytes(4, "little") + payload)
    return path


def recorded(path: Path) -> dict[str, list[bytes]]:
    """Of any bag, by topic in order."""
    found: defaultdict[str, list[tuple[int, bytes]]] = defaultdict(list)
    with open_bag(path) as reader:
        topics = {connection.id: connection.topic for connection in reader.connections}
        for rows in reader.rows():
            for i in range(len(rows)):
                payload = rows.buffer[rows.starts[i] : rows.starts[i] + rows.sizes[i]].tobytes()
                found[topics[int(rows.connection_ids[i])]].append((int(rows.log_time_nanos[i]), payload))
    return {
        topic: [payload for _, payload in sorted(messages, key=lambda m: m[0])] for topic, messages in found.items()
    }


Rrbridge = Callable[..., Process]


@pytest.fixture
def rrbridge(world: Ros1World) -> Rrbridge:
    return lambda *arguments: world.run(*RRBRIDGE, *arguments, env=ENV)


def ended(process: Process) -> tuple[int, str]:
    out, _ = process.process.communicate(timeout=WAIT_SECS)
    return process.process.returncode, out


def told(process: Process, enough: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The JSON line that is enough; then it is ended in good order."""
    assert process.process.stdout is not None
    found = next(found for line in process.process.stdout if enough(found := json.loads(line)))
    process.process.send_signal(signal.SIGINT)
    assert ended(process)[0] == 0
    return dict(found)


def test_what_is_recorded_of_a_played_bag_is_the_bag(
    world: Ros1World, rrbridge: Rrbridge, bag: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By ROS's own recorder and by ours, at once, converted back from our format."""
    theirs, ours = tmp_path / "theirs.bag", tmp_path / "ours.rrd"
    topics = ["/tf", "/blob", "/tf_static"]
    recorder = rrbridge("record", "--from", "ros1", "-o", ours, *topics, "--min-free", "0")
    playing = rrbridge("play", bag, "--to", "ros1", "--wait-for-subscribers", "-d", "2", "--json")
    world.until(lambda: all(world.subscribers(topic) for topic in topics), "our recorder")
    rosbag = world.rosbag_record(theirs, *topics)
    code, out = ended(playing)
    assert code == 0
    end = json.loads(out.splitlines()[-1])
    assert (end["messages"], end["finished"]) == (242, True)
    time.sleep(0.5)
    for process in (rosbag, recorder):
        process.process.send_signal(signal.SIGINT)
        process.process.wait(WAIT_SECS)
    back = tmp_path / "ours.bag"
    assert subprocess.run([*RRBRIDGE, "convert", ours, "-o", back], env=os.environ | ENV, check=False).returncode == 0
    sent = recorded(bag)
    assert recorded(back) == sent
    for topic, heard in recorded(theirs).items():
        numbers = [sent[topic].index(payload) for payload in heard]
        assert numbers == sorted(set(numbers))
        assert len(numbers) > 0.5 * len(sent[topic]), "it comes late, and on a busy machine it drops some"
    session = LoopbackSession()
    monkeypatch.setattr(run, "installed", lambda: {"loopback": LoopbackSink(session)})
    assert main(["play", str(ours), "--to", "loopback", "-r", "1000", "-d", "0"]) == 0
    assert session.payloads() == sent
    assert sorted(session.advertised[number].topic for number in session.latched) == ["/tf_static"]
    with Reader(theirs) as reader:  # times between messages are those of the bag, but for what a busy machine takes
        (tf,) = [c for c in reader.connections if c.topic == "/tf"]
        rows = [(stamp / 1e9, sent["/tf"].index(data) / 50) for _, stamp, data in reader.messages([tf])]
    late = np.subtract(*np.array(rows).T)
    assert np.median(np.abs(late - np.median(late))) < 0.2


def test_a_ros2_recording_is_played_to_ros1(world: Ros1World, rrbridge: Rrbridge, bag: Path, tmp_path: Path) -> None:
    assert (
        subprocess.run(
            [*RRBRIDGE, "convert", bag, "-o", tmp_path / "two", "--to", "rosbag2"], env=os.environ | ENV, check=False
        ).returncode
        == 0
    )
    listener = world.listen("listener", {"/tf": "tf2_msgs/TFMessage"})
    code, out = ended(rrbridge("play", tmp_path / "two", "/tf", "--to", "ros1", "--wait-for-subscribers", "-r", "4"))
    assert (code, out) == (0, "")
    sent = recorded(bag)["/tf"]
    world.until(lambda: len(listener.heard("/tf")) == len(sent), "all transforms")
    assert listener.heard("/tf") == sent


def test_the_robot_is_looked_at_while_it_is_played(world: Ros1World, rrbridge: Rrbridge, bag: Path) -> None:
    playing = rrbridge("play", bag, "--to", "ros1", "-s", "1", "--loop", "--clock", "100", "--json")
    early = world.listen("early", {"/tf": "tf2_msgs/TFMessage"})
    world.until(lambda: len(early.heard("/tf")) > 10, "transforms")
    late = world.listen("late", {"/tf_static": "tf2_msgs/TFMessage"})
    hz = rrbridge("hz", "/tf", "--from", "ros1", "--json")
    tf = rrbridge("tf", "map", "laser", "--from", "ros1", "--json")
    echo = rrbridge("echo", "/tf_static/transforms[0]/child_frame_id", "--from", "ros1", "-n", "2")
    info = rrbridge("info", "--from", "ros1", "--json")
    found = told(tf, lambda found: bool(found["chain"]))
    assert found["chain"] == ["map", "base_link", "laser"]
    assert 0.25 <= found["translation"][0] <= 2.25
    code, out = ended(echo)
    assert (code, set(out.split())) == (0, {"laser", "camera", "---"})
    code, out = ended(info)
    assert {"/tf", "/tf_static", "/blob", "/clock"} <= {one["topic"] for one in json.loads(out)}
    assert 5 < told(hz, lambda found: found["total"] > 50)["hertz"] < 250
    assert set(late.heard("/tf_static")) == set(recorded(bag)["/tf_static"])
    playing.process.send_signal(signal.SIGINT)
    assert ended(playing)[0] == 130


def test_a_real_robot_is_looked_at(world: Ros1World, rrbridge: Rrbridge) -> None:
    spec = {"topic": "/tf", "type": "tf2_msgs/TFMessage", "count": 3000, "hertz": 50}
    image = {"topic": "/camera", "type": "sensor_msgs/Image", "count": 3000, "hertz": 20, "bytes": 100_000}
    world.publish("robot", spec, image)
    bw = rrbridge("bw", "/camera", "--from", "ros1", "--json")
    tree = rrbridge("tf", "--from", "ros1", "--for", "3", "--json")
    last = told(bw, lambda found: found["total"] > 20)
    assert last["mean_bytes"] == pytest.approx(100_050, abs=50)
    assert 2e5 < last["bytes_per_sec"] < 1e7
    parents = json.loads(ended(tree)[1])["parents"]
    assert parents["laser_0"] == "base_link"
