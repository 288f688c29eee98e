"""Playing to ROS 1: rospy, rostopic and the C++ `rosbag record` listen to what our sink publishes."""

from __future__ import annotations

import signal
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from ros1_world import Ros1World
from rosbags.rosbag1 import Reader
from rosbags.typesys import Stores, get_typestore
from waiting import WAIT_SECS

from rrbridge.errors import RecorderError
from rrbridge_bridge.live import ros1_server
from rrbridge_bridge.live.ros1_links import Dialer, LinkFailed
from rrbridge_bridge.live.ros1_sink import Ros1SinkSession, sink
from rrbridge_bridge.live.ros1_wire import header_of
from rrbridge_bridge.live.sink import SinkOptions
from rrbridge_bridge.raw import Connection

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.xdist_group("live")]

STORE = get_typestore(Stores.ROS1_NOETIC)


def connection(number: int, topic: str, msgtype: str, *, md5: bool = True) -> Connection:
    text, md5sum = STORE.generate_msgdef(msgtype, ros_version=1)
    return Connection(number, topic, msgtype, "ros1", text, "ros1msg", {"md5sum": md5sum} if md5 else {})


def string(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode()


CHATTER = connection(0, "/chatter", "std_msgs/msg/String")
CAMERA = connection(1, "/camera", "sensor_msgs/msg/Image", md5=False)
STATIC = connection(2, "/tf_static", "std_msgs/msg/String")
TYPES = {"/chatter": "std_msgs/String", "/camera": "sensor_msgs/Image", "/tf_static": "std_msgs/String"}


def image(number: int, size: int = 300_000) -> bytes:
    head = struct.pack("<III", number, 5, 6) + string("camera") + struct.pack("<II", 1, size) + string("mono8")
    return head + struct.pack("<BII", 0, size, size) + np.full(size, number % 251, np.uint8).tobytes()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ros1World]:
    with ExitStack() as stack:
        world = Ros1World(tmp_path, stack)
        monkeypatch.setenv("ROS_MASTER_URI", world.uri)
        monkeypatch.setenv("ROS_IP", "127.0.0.1")
        monkeypatch.delenv("ROS_HOSTNAME", raising=False)
        yield world


@pytest.fixture
def session(world: Ros1World) -> Iterator[Ros1SinkSession]:
    session = sink.open(SinkOptions())
    yield session
    session.close()


def until_heard_by(world: Ros1World, session: Ros1SinkSession, count: int, *connections: Connection) -> None:
    world.until(lambda: all((session.subscribers(c.id) or 0) >= count for c in connections), f"{count} subscribers")


def test_every_byte_arrives_at_rospy_and_roscpp(world: Ros1World, session: Ros1SinkSession, tmp_path: Path) -> None:
    bag = tmp_path / "heard.bag"
    listener = world.listen("listener", TYPES)
    rosbag = world.rosbag_record(bag, *TYPES)
    assert [session.advertise(c, latched=c is STATIC, keep=2) for c in (CHATTER, CAMERA, STATIC)] == ["", "", ""]
    until_heard_by(world, session, 2, CHATTER, CAMERA, STATIC)
    sent = [
        (CHATTER, [string(f"{n} {'x' * (n % 50)}") for n in range(2000)]),
        (CAMERA, [image(n) for n in range(40)]),
        (STATIC, [string("a"), string("b"), string("c")]),
    ]
    for number in range(2000):
        for played, payloads in sent:
            if number < len(payloads):
                session.publish(played.id, memoryview(payloads[number]), 0, 0)
        if number % 20 == 0:
            time.sleep(0.01)
    world.until(lambda: len(listener.heard("/chatter")) == 2000, "messages")
    for played, payloads in sent:
        assert listener.heard(played.topic) == payloads
    late = world.listen("late", {"/tf_static": "std_msgs/String"})
    world.until(lambda: len(late.heard("/tf_static")) == 2, "what was latched")
    assert late.heard("/tf_static") == [string("b"), string("c")]
    time.sleep(0.5)
    rosbag.process.send_signal(signal.SIGINT)
    rosbag.process.wait(WAIT_SECS)
    with Reader(bag) as reader:
        for played, payloads in sent:
            (heard,) = [c for c in reader.connections if c.topic == played.topic]
            kept = [bytes(data) for _, _, data in reader.messages([heard])]
            rest = iter(payloads)
            assert all(payload in rest for payload in kept), played.topic
            assert len(kept) > 0.5 * len(payloads), "rosbag drops what it cannot take at once, but not most"
            assert heard.msgdef.data.split() == played.definition.split()
            assert heard.digest == STORE.generate_msgdef(played.msgtype, ros_version=1)[1]
            assert heard.ext.latching == (played is STATIC)  # type: ignore[union-attr]
    session.close()
    assert session.name not in str(world.asks("getSystemState"))


def test_the_clock_and_a_master_that_comes_back(world: Ros1World, session: Ros1SinkSession) -> None:
    session.clock(1_500_000_000_250_000_000)
    world.until(lambda: session.name in str(world.asks("getSystemState")), "the publisher")
    echo = world.run("rostopic", "echo", "-n1", "/clock")
    world.until(lambda: session.subscribers(-1), "a subscriber")
    session.clock(1_500_000_000_250_000_000)
    output, _ = echo.process.communicate(timeout=WAIT_SECS)
    assert "secs: 1500000000" in output
    assert "nsecs: 250000000" in output
    world.master.kill()
    world.start_master()
    world.until(lambda: session.name in str(world.asks("getSystemState")), "the publisher again")
    assert any("registered again" in notice.text for notice in session.notices())


def test_rosnode_knows_us_and_can_end_us(world: Ros1World, session: Ros1SinkSession) -> None:
    session.advertise(CHATTER, latched=False)
    world.until(lambda: session.name in str(world.asks("getSystemState")), "the publisher")
    world.listen("listener", {"/chatter": "std_msgs/String"})
    until_heard_by(world, session, 1, CHATTER)
    output, _ = world.run("rosnode", "info", session.name).process.communicate(timeout=WAIT_SECS)
    assert "/chatter [std_msgs/String]" in output
    assert "to: /listener" in output
    world.run("rosnode", "kill", session.name).process.wait(WAIT_SECS)
    with pytest.raises(RecorderError, match="asks to end"):
        session.publish(CHATTER.id, memoryview(string("too late")), 0, 0)


def test_topics_that_cannot_be(world: Ros1World, session: Ros1SinkSession) -> None:
    assert session.advertise(CHATTER, latched=False) == ""
    other = connection(7, "/chatter", "std_msgs/msg/UInt64")
    assert session.advertise(other, latched=False).startswith("the topic is published as std_msgs/String")
    unknown = Connection(8, "/other", "my_msgs/msg/Thing", "ros1")
    assert "my_msgs/msg/Thing" in session.advertise(unknown, latched=False)


def connected(session: Ros1SinkSession, topic: str, **more: str) -> tuple[socket.socket, bytes]:
    """A subscriber of our own making, and what it was answered."""
    peer = socket.create_connection(("127.0.0.1", session._server.port))
    peer.sendall(header_of({"callerid": "/mine", "topic": topic, "md5sum": "*", "type": "*", **more}))
    (size,) = struct.unpack("<I", peer.recv(4, socket.MSG_WAITALL))
    return peer, peer.recv(size, socket.MSG_WAITALL)


def test_who_is_refused(world: Ros1World, session: Ros1SinkSession) -> None:
    session.advertise(CHATTER, latched=False)
    for topic, more, why in (
        ("/nothing", {}, b"'/nothing' is not published here"),
        ("/chatter", {"md5sum": "00"}, b"/chatter has the md5sum 992ce8a1687cec8c8bd883ec73ca41d1, and"),
        ("/chatter", {"type": "std_msgs/Int8"}, b"/chatter has the type std_msgs/String, and"),
    ):
        peer, answer = connected(session, topic, **more)
        assert b"error=" + why in answer
        assert peer.recv(1) == b""
        peer.close()
    with socket.create_connection(("127.0.0.1", session._server.port)) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert peer.recv(1) == b""
    world.until(lambda: session.subscribers(CHATTER.id) == 0, "nobody")


def test_who_is_slow_loses_the_oldest_and_holds_up_nobody(
    world: Ros1World, session: Ros1SinkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ros1_server, "QUEUE_BYTES", 20 << 20)
    monkeypatch.setattr(ros1_server, "HOLD_UP_SECS", 0.05)
    session.advertise(CAMERA, latched=False)
    listener = world.listen("listener", {"/camera": "sensor_msgs/Image"})
    slow, _ = connected(session, "/camera")
    until_heard_by(world, session, 2, CAMERA)
    sent = [image(number) for number in range(250)]
    written = 0
    for payload in sent:
        session.publish(CAMERA.id, memoryview(payload), 0, 0)
        written += 8 + len(payload)
        behind = written - 15 * len(payload)  # so that the other one is never slow, however busy the machine
        world.until(lambda behind=behind: listener.log.stat().st_size >= behind, "the listener")
    world.until(lambda: listener.log.stat().st_size == written, "all messages")
    assert listener.heard("/camera") == sent
    (notice,) = session.notices()
    got: list[bytes] = []
    with slow, slow.makefile("rb") as stream:
        while len(got) == 0 or got[-1] != sent[-1]:
            (size,) = struct.unpack("<I", stream.read(4))
            got.append(stream.read(size))
    numbers = [struct.unpack_from("<I", payload)[0] for payload in got]
    assert got == [sent[number] for number in numbers], "what arrives is whole"
    assert numbers == sorted(set(numbers))
    assert notice.text == f"/mine takes messages too slowly: {250 - len(got)} were not sent to it"
    assert 50 < len(got) < 200


def test_a_subscriber_refused_by_our_publisher_tells_why(world: Ros1World, session: Ros1SinkSession) -> None:
    """Our source and our sink, at odds."""
    session.advertise(CHATTER, latched=False)
    world.until(lambda: session.name in str(world.asks("getSystemState")), "the publisher")
    outcomes: list[object] = []
    dialer = Dialer(world.uri, "/mine", outcomes.append)
    dialer.dial("/nothing", session.name)
    world.until(lambda: outcomes, "an answer")
    dialer.close()
    (failed,) = outcomes
    assert isinstance(failed, LinkFailed)
    assert failed.text == f"{session.name} does not let us subscribe: /nothing is not published here"
