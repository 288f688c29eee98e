"""ROS 1 for real: Debian's master and rospy, and the C++ `rosbag record` beside ours on the same publishers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ros1_world import Ros1World
from rosbags.interfaces import ConnectionExtRosbag1
from rosbags.rosbag1 import Reader
from waiting import WAIT_SECS, until

from rrbridge_bridge.live.ros1 import Ros1Session, source
from rrbridge_bridge.live.ros1_links import Link
from rrbridge_bridge.live.ros1_reading import Lost
from rrbridge_bridge.live.source import Announced, Discovered, Ended, Notice, Received, SourceOptions
from rrbridge_bridge.raw import Connection
from rrbridge_bridge.record.counters import LossCounter

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.xdist_group("live")]

STRING: dict[str, Any] = {"type": "std_msgs/String", "topic": "/chatter"}
IMU: dict[str, Any] = {"type": "sensor_msgs/Imu", "topic": "/imu"}
IMAGE: dict[str, Any] = {"type": "sensor_msgs/Image", "topic": "/camera"}
STATIC: dict[str, Any] = {
    "type": "tf2_msgs/TFMessage",
    "topic": "/tf_static",
    "latched": True,
    "subscribers": 0,
    "count": 1,
}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Ros1World]:
    with ExitStack() as stack:
        world = Ros1World(tmp_path, stack, roscore=getattr(request, "param", False))
        monkeypatch.setenv("ROS_MASTER_URI", world.uri)
        monkeypatch.setenv("ROS_IP", "127.0.0.1")
        monkeypatch.delenv("ROS_HOSTNAME", raising=False)
        yield world


class Listener:
    """Hears some topics in a thread, as the recorder does."""

    def __init__(self, *topics: str) -> None:
        self.session: Ros1Session = source.start(SourceOptions())
        self.topics = topics
        self.payloads: defaultdict[str, list[bytes]] = defaultdict(list)
        self.sequences: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
        self.connections: list[Connection] = []
        self.latched: dict[int, bool] = {}
        self.losses = LossCounter()
        self.notices: list[Notice] = []
        self.end: Ended | None = None
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        for event in self.session.events():
            match event:
                case Discovered(topic, msgtypes):
                    if topic in self.topics:
                        self.session.subscribe(topic, msgtypes[0])
                case Announced(connection, latched):
                    self.connections.append(connection)
                    self.latched[connection.id] = latched
                case Received(batch, sequences, publishers):
                    self.losses.received(event)
                    topic = batch.connection.topic
                    self.payloads[topic] += [batch.payload(row).tobytes() for row in range(len(batch))]
                    for number, publisher in zip(sequences.tolist(), publishers.tolist(), strict=True):
                        self.sequences[topic, publisher].append(number)
                case Notice():
                    self.notices.append(event)
                case Ended():
                    self.end = event

    def until(self, holds: Callable[[], object], what: str) -> None:
        until(holds, lambda: f"{what}; {self.notices}")

    def until_heard(self, **counts: int) -> None:
        self.until(lambda: all(len(self.payloads[f"/{t}"]) >= n for t, n in counts.items()), f"{counts}")

    def stop(self) -> None:
        self.session.stop()
        self._thread.join(WAIT_SECS)
        assert not self._thread.is_alive()


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    with ExitStack() as stack:

        def start(*topics: str) -> Listener:
            listener = Listener(*topics)
            stack.callback(listener.stop)
            return listener

        yield start


def test_every_byte_arrives_and_nothing_is_left_behind(world: Ros1World, listen: Callable[..., Listener]) -> None:
    listener = listen("/chatter", "/imu", "/camera", "/tf_static")
    publisher = world.publish(
        "talker",
        STRING | {"count": 3000, "hertz": 3000},
        IMU | {"count": 300, "hertz": 300},
        IMAGE | {"count": 30, "hertz": 60, "bytes": 1_000_003},
        STATIC,
    )
    publisher.said("done")
    listener.until_heard(chatter=3000, imu=300, camera=30, tf_static=1)
    listener.stop()
    assert listener.end == Ended("")
    for topic in ("/chatter", "/imu", "/camera", "/tf_static"):
        assert listener.payloads[topic] == publisher.sent(topic), topic
    assert {c.topic: listener.latched[c.id] for c in listener.connections} == {
        "/chatter": False,
        "/imu": False,
        "/camera": False,
        "/tf_static": True,
    }
    numbers = {topic: seen for (topic, _), seen in listener.sequences.items()}
    assert numbers["/imu"] == list(range(1, 301))
    assert set(numbers["/chatter"]) == {-1}
    assert world.subscribers("/chatter") == []
    assert listener.session.name not in str(world.asks("getSystemState"))


def test_a_publisher_that_comes_back_is_heard_again(world: Ros1World, listen: Callable[..., Listener]) -> None:
    listener = listen("/imu", "/tf_static")
    spec = (IMU | {"count": 50, "hertz": 500}, STATIC)
    first = world.publish("talker", *spec)
    listener.until_heard(imu=50, tf_static=1)
    first.kill()  # so that the master still lists it, where nobody is any more
    second = world.publish("talker", *spec)
    listener.until_heard(imu=100, tf_static=2)
    assert listener.payloads["/imu"] == first.sent("/imu") + second.sent("/imu")
    assert sorted(map(tuple, listener.sequences.values())) == [(-1,), (-1,), (*range(1, 51),), (*range(1, 51),)]
    assert len(listener.connections) == 2, "the same caller with the same header is one connection, as in a bag"


def test_a_master_that_comes_back_tells_of_new_publishers(world: Ros1World, listen: Callable[..., Listener]) -> None:
    listener = listen("/imu", "/chatter", "/tf_static")
    old = world.publish("old", IMU | {"count": 20_000, "hertz": 200})
    ending = world.publish("ending", STATIC)
    listener.until_heard(imu=20, tf_static=1)
    world.master.kill()
    ending.kill()
    listener.until(lambda: any("does not answer" in n.text for n in listener.notices), "the loss of the master")
    heard = len(listener.payloads["/imu"])
    listener.until_heard(imu=heard + 150)
    assert not any("does not tell" in n.text for n in listener.notices), "one notice is enough"
    world.start_master()
    new = world.publish("new", STRING | {"count": 100, "hertz": 100})
    listener.until_heard(chatter=100)
    assert listener.payloads["/chatter"] == new.sent("/chatter")
    assert any("registered again" in n.text for n in listener.notices)
    heard = len(listener.payloads["/imu"])
    listener.until_heard(imu=heard + 20)
    assert listener.payloads["/imu"] == old.sent("/imu")[: len(listener.payloads["/imu"])]
    assert world.subscribers("/chatter") == [listener.session.name]


def test_losses_in_a_publishers_queue_are_counted(
    world: Ros1World, listen: Callable[..., Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The listener takes nothing for a while, and the publisher's queue holds two messages."""
    listener = listen("/camera")
    publisher = world.publish("camera", IMAGE | {"count": 400, "hertz": 200, "bytes": 300_000, "queue": 2})
    listener.until_heard(camera=20)
    read = listener.session._reader._read

    def slow_read(link: Link) -> int | Lost:
        time.sleep(1.0)
        return read(link)

    monkeypatch.setattr(listener.session._reader, "_read", slow_read)
    listener.until(lambda: len(publisher.sent("/camera")) >= 200, "messages")
    monkeypatch.setattr(listener.session._reader, "_read", read)
    publisher.said("done")
    sent = publisher.sent("/camera")
    listener.until(lambda: listener.payloads["/camera"][-1:] == sent[-1:], "the last message")
    ((_, numbers),) = listener.sequences.items()
    assert listener.payloads["/camera"] == [sent[number - 1] for number in numbers]
    assert 20 < len(numbers) < 400
    assert listener.losses.lost == 400 - len(numbers)


def test_a_robot_whose_name_is_unknown_here_is_told_of(world: Ros1World, listen: Callable[..., Listener]) -> None:
    """The usual trouble: nobody has set ROS_IP on the robot."""
    listener = listen("/imu", "/chatter")
    unset = {"ROS_IP": "", "ROS_HOSTNAME": "robot-nuc.invalid"}
    world.publish("far", IMU | {"count": 1}, STRING | {"count": 1}, env=unset)
    listener.until(lambda: any("/far" in n.text for n in listener.notices), "a notice")
    near = world.publish("near", STRING | {"count": 100, "hertz": 500})
    listener.until_heard(chatter=100)
    assert listener.payloads["/chatter"] == near.sent("/chatter")
    (text,) = [notice.text for notice in listener.notices]
    assert text.startswith(
        "/far says that it is at 'robot-nuc.invalid', a name that cannot be resolved here: set ROS_IP on"
    )


def test_rosnode_kill_ends_the_session_in_good_order(world: Ros1World, listen: Callable[..., Listener]) -> None:
    listener = listen("/imu")
    publisher = world.publish("talker", IMU | {"count": 100, "hertz": 1000})
    listener.until_heard(imu=100)
    world.run("rosnode", "kill", listener.session.name)
    listener.until(lambda: listener.end, "the end")
    assert listener.end == Ended("")
    assert any("asks to end" in n.text for n in listener.notices)
    assert listener.payloads["/imu"] == publisher.sent("/imu")


def test_many_callers_of_one_topic(
    world: Ros1World, listen: Callable[..., Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rrbridge_bridge.live.ros1_identities.MAX_CALLERS", 1)
    listener = listen("/chatter")
    sent = Counter[bytes]()
    for name in ("a", "b", "c"):
        publisher = world.publish(name, STRING | {"count": 5, "hertz": 100})
        publisher.said("done")
        sent.update(publisher.sent("/chatter"))
        publisher.leave()
    listener.until_heard(chatter=15)
    assert Counter(listener.payloads["/chatter"]) == sent
    assert [c.metadata.get("callerid") for c in listener.connections] == ["/a", None]


class Recording:
    """`rrbridge record` as a process."""

    def __init__(self, world: Ros1World, path: Path, *arguments: str | Path) -> None:
        self.path = path
        command = [Path(sys.executable).with_name("rrbridge"), "record", "--json", "-o", path, *arguments]
        self._process = world.run(*command, env={name: os.environ[name] for name in OURS if name in os.environ})
        self.events: list[dict[str, Any]] = []
        self.until(lambda event: event["event"] == "begin")

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        assert self._process.process.stdout is not None
        for line in self._process.process.stdout:
            self.events.append(json.loads(line))
            if wanted(self.events[-1]):
                return self.events[-1]
        raise AssertionError(f"the recorder ended; heard {self.events[-3:]}")

    def until_received(self, **counts: int) -> None:
        def enough(event: dict[str, Any]) -> bool:
            have = Counter[str]()
            for topic in event.get("topics", ()):
                have[topic["topic"].strip("/")] += topic["received"]
            return all(have[name] >= count for name, count in counts.items())

        self.until(lambda event: event["event"] == "status" and enough(event))

    def end(self) -> int:
        self._process.process.send_signal(signal.SIGINT)
        self.until(lambda event: event["event"] == "end")
        return self._process.process.wait(WAIT_SECS)


OURS = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
BagContent = dict[tuple[str, str, str, str, str, int], list[tuple[int, bytes]]]


def bag_content(path: Path) -> BagContent:
    """By topic, type, md5 sum, definition, caller id and latching: log times and bytes."""
    found: BagContent = {}
    with Reader(path) as reader:
        for connection, nanos, data in reader.messages():
            more = connection.ext
            assert isinstance(more, ConnectionExtRosbag1)
            key = (
                connection.topic,
                connection.msgtype,
                connection.digest,
                connection.msgdef.data,
                more.callerid or "",
                more.latching or 0,
            )
            found.setdefault(key, []).append((nanos, bytes(data)))
    return found


@pytest.mark.parametrize("world", [True], ids=["roscore"], indirect=True)
def test_the_bag_that_rosbag_record_makes(world: Ros1World, tmp_path: Path) -> None:
    """Both recorders hear the same publishers; ours, converted, has all that theirs has, byte by byte, and all that was sent."""
    theirs, ours, converted = tmp_path / "theirs.bag", tmp_path / "ours.rrd", tmp_path / "ours.bag"
    world.asks("setParam", "/robot_description", "<robot name='r'><link name='base'/></robot>")
    mcap = tmp_path / "ours.mcap"
    recording = Recording(world, ours, "-o", mcap, "-a", "--from", "ros1")
    rosbag = world.rosbag_record(theirs, "--buffsize=0", "/chatter", "/imu", "/camera", "/clock", "/tf_static")
    world.until(lambda: Path(f"{theirs}.active").exists(), "rosbag record")
    spec: list[dict[str, Any]] = [
        STRING | {"count": 200, "hertz": 200, "subscribers": 2},
        IMU | {"count": 200, "hertz": 200, "subscribers": 2},
        IMAGE | {"count": 30, "hertz": 30, "bytes": 500_000, "subscribers": 2},
        {"type": "rosgraph_msgs/Clock", "topic": "/clock", "count": 100, "hertz": 100, "subscribers": 2},
        STATIC,
    ]
    first = world.publish("talker", *spec)
    first.said("done")
    recording.until_received(chatter=200, imu=200, camera=30, clock=100, tf_static=1)
    first.leave()
    second = world.publish("talker", *spec)  # the same node started again
    third = world.publish("other", STRING | {"count": 50, "hertz": 100, "subscribers": 2}, STATIC)
    second.said("done")
    third.said("done")
    recording.until_received(chatter=450, imu=400, camera=60, clock=200, tf_static=3)
    rosbag.process.send_signal(signal.SIGINT)
    rosbag.process.wait(WAIT_SECS)
    assert recording.end() == 0
    without = ("-x", "^/rosout", "-x", "^/robot_description")
    for recorded, bag in ((ours, converted), (mcap, tmp_path / "mcap.bag")):
        command = (Path(sys.executable).with_name("rrbridge"), "convert", recorded, "-o", bag, *without)
        done = subprocess.run(list(map(str, command)), check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "attachments" not in done.stderr + done.stdout

    mine, his = bag_content(converted), bag_content(theirs)
    assert mine.keys() == his.keys()
    assert bag_content(tmp_path / "mcap.bag") == mine
    assert len(his) == 7, "the two /chatter and /tf_static are told apart by their callers"
    for key, kept in his.items():  # on a busy machine rosbag drops messages, without a word
        times = iter(mine[key])
        ours_of_his = [next(t for t, data in times if data == wanted) for _, wanted in kept]
        apart_nanos = np.abs(np.array(ours_of_his) - [t for t, _ in kept])
        assert np.median(apart_nanos) < 1e9, key
        assert len(kept) > 0.5 * len(mine[key])
    chatter = [data for key, rows in mine.items() if key[0] == "/chatter" for _, data in rows]
    assert Counter(chatter) == Counter(first.sent("/chatter") + second.sent("/chatter") + third.sent("/chatter"))
    for topic in ("/imu", "/camera", "/clock"):
        (rows,) = [rows for key, rows in mine.items() if key[0] == topic]
        assert [data for _, data in rows] == first.sent(topic) + second.sent(topic)
