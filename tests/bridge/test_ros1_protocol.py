"""What the ROS 1 source makes of bytes, numbers and nodes that are not as they should be; no ROS needed."""

from __future__ import annotations

import socket
import struct
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from functools import partial
from typing import Any
from xmlrpc.client import Binary

import numpy as np
import pytest
import yaml
from ports import free_port
from waiting import WAIT_SECS

from rrbridge.errors import RecorderError
from rrbridge_bridge.live.ros1 import Ros1Session, Ros1Source
from rrbridge_bridge.live.ros1_links import Link, Linked
from rrbridge_bridge.live.ros1_reading import LinkReader
from rrbridge_bridge.live.ros1_rpc import Slave, own_address
from rrbridge_bridge.live.ros1_sequences import PROBATION_STEPS, SequenceJudge, has_numbers
from rrbridge_bridge.live.ros1_where import check_master, master_uri
from rrbridge_bridge.live.ros1_wire import FrameBuffer, Frames, header_of
from rrbridge_bridge.live.source import Announced, Discovered, Document, Ended, Notice, Received
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.record.counters import LossCounter

NOTHING: Mapping[str, str] = {}
STRING = {
    "type": "std_msgs/String",
    "md5sum": "992ce8a1687cec8c8bd883ec73ca41d1",
    "message_definition": "string data\n",
}


def framed(payload: bytes) -> bytes:
    return struct.pack("<I", len(payload)) + payload


# Messages out of a stream of bytes.


@pytest.mark.parametrize("seed", range(12))
def test_messages_come_out_whole_however_the_stream_is_cut(seed: int) -> None:
    rng = np.random.default_rng(seed)
    longest = [40, 3000, 200_000, 9_000_000][seed % 4]
    payloads = [rng.bytes(int(rng.integers(0, longest))) for _ in range([2000, 500, 60, 4][seed % 4])]
    stream = b"".join(map(framed, payloads))
    buffer, at, got, times = FrameBuffer(), 0, [], []
    while at < len(stream):
        space = buffer.space()
        assert len(space)
        count = min(int(rng.integers(1, [50, 5000, 300_000, 3_000_000][seed % 4])), len(space), len(stream) - at)
        space[:count] = stream[at : at + count]
        at += count
        buffer.arrived(count, at)
        if rng.random() < 0.3 or at == len(stream):
            for frames in buffer.take():
                got += [frames.buffer[a : a + n].tobytes() for a, n in zip(frames.starts, frames.sizes, strict=True)]
                times += frames.arrival_nanos.tolist()
    assert got == payloads
    ends = np.cumsum([4 + len(payload) for payload in payloads])
    assert (np.array(times) >= ends).all()
    assert times == sorted(times)
    assert not buffer.has_part


def test_what_was_taken_does_not_change_any_more() -> None:
    buffer = FrameBuffer()
    taken: list[tuple[Frames, bytes]] = []
    for number in range(200):
        stream = framed(bytes([number]) * (number * 997 % 30_000))
        while stream:
            space = buffer.space()
            count = min(len(space), len(stream))
            space[:count] = stream[:count]
            buffer.arrived(count, 0)
            stream = stream[count:]
        taken += [(frames, frames.buffer.tobytes()) for frames in buffer.take()]
    assert all(frames.buffer.tobytes() == before for frames, before in taken)
    assert sum(len(frames.sizes) for frames, _ in taken) == 200


def test_memory_for_a_long_message_is_taken_as_it_comes() -> None:
    tracemalloc.start()
    try:
        buffer = FrameBuffer()
        buffer.space()[:4] = struct.pack("<I", 1 << 30)
        buffer.arrived(4, 0)
        buffer.space()
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()
    other = FrameBuffer()
    other.space()[:4] = struct.pack("<I", (1 << 30) + 1)
    with pytest.raises(ValueError, match="1073741825 bytes"):
        other.arrived(4, 0)


# Numbers.


def frames_of(numbers: list[int]) -> Frames:
    data = np.array(numbers, "<u4")
    starts = np.arange(len(numbers)) * 4
    return Frames(data.view(np.uint8), starts, np.full(len(numbers), 4), np.zeros(len(numbers), np.int64))


def lost(numbers: list[int], cuts: int = 7) -> int | None:
    """What the recorder counts as lost of a publisher that sent these."""
    judge, counter = SequenceJudge(), LossCounter()
    connection = Connection(0, "/a", "sensor_msgs/msg/Imu", "ros1")
    for at in range(0, len(numbers), cuts):
        frames = frames_of(numbers[at : at + cuts])
        batch = RawBatch.of(connection, [b"abcd"] * len(frames.sizes), frames.arrival_nanos)
        counter.received(Received(batch, judge.judge(frames), np.ones(len(batch), np.int64)))
    return counter.lost


@pytest.mark.parametrize("first", [0, 1, 12345, 2**32 - 50])
def test_gaps_of_a_counter_are_losses(first: int) -> None:
    rng = np.random.default_rng(first)
    kept = np.flatnonzero(rng.random(500) < 0.9)
    numbers = ((first + kept) % 2**32).tolist()
    assert lost(numbers) == kept[-1] - kept[0] + 1 - len(kept)


@pytest.mark.parametrize(
    "numbers",
    [
        [0] * 50,
        list(range(0, 500, 10)),
        [*range(100), *range(100)],
        [*range(50), *range(10_000_000, 10_000_050)],
        list(range(50, 0, -1)),
    ],
    ids=["never set", "throttled", "played in a loop", "set by something else", "backwards"],
)
def test_numbers_that_are_no_counter_tell_nothing(numbers: list[int]) -> None:
    assert lost(numbers) is None


def test_a_throttled_topic_is_never_taken_for_one_with_losses() -> None:
    for count in range(1, PROBATION_STEPS + 10):
        assert not lost(list(range(0, count * 5, 5)), cuts=1)


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("# an Imu\n\nHeader header # with a comment\nfloat64 x\n", True),
        ("std_msgs/Header header\n", True),
        ("uint8 A=1\nuint8 B = 2\nHeader h\n", True),
        ("uint8 a\nHeader header\n", False),
        ("Header[] headers\n", False),
        ("", False),
    ],
)
def test_a_definition_tells_whether_its_messages_are_numbered(text: str, begins: bool) -> None:
    connection = Connection(0, "/a", "a/msg/B", "ros1", text, "ros1msg", {"latching": "0"})
    assert has_numbers(connection) is begins
    assert not has_numbers(Connection(0, "/a", "a/msg/B", "ros1", text, "ros1msg", {"latching": "1"}))


# Nodes.


class FakeNode:
    """A publisher that answers as a test wants it to."""

    def __init__(self, stack: ExitStack, answer: Callable[[socket.socket], None], host: str = "127.0.0.1") -> None:
        self._answer = answer
        self.asked = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        stack.callback(self._listening.close)
        self.told: list[Any] = ["TCPROS", host, self._listening.getsockname()[1]]
        slave = Slave("127.0.0.1", "127.0.0.1", "", {"requestTopic": lambda *_: self.told})
        stack.callback(slave.close)
        self.uri = slave.uri
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.asked += 1
            with closing(connection):
                try:
                    (size,) = struct.unpack("<I", connection.recv(4, socket.MSG_WAITALL))
                    connection.recv(size, socket.MSG_WAITALL)
                    self._answer(connection)
                except OSError:
                    pass


class FakeMaster:
    """A master that knows one topic."""

    def __init__(self, stack: ExitStack, node_uri: str, **answers: Any) -> None:
        self.registered: list[str] = []

        def register(_: str, topic: str, __: str, ___: str) -> list[str]:
            self.registered.append(topic)
            return [node_uri]

        def unregister(_: str, topic: str, __: str) -> int:
            self.registered.remove(topic)
            return 1

        def state(name: str) -> Any:
            return [[["/a", ["/node"]]], [[topic, [name]] for topic in self.registered], []]

        known: dict[str, Any] = {
            "getParam": lambda *_: {},
            "getSystemState": state,
            "getTopicTypes": lambda _: [["/a", "std_msgs/String"]],
            "lookupNode": lambda *_: node_uri,
            "registerSubscriber": register,
            "unregisterSubscriber": unregister,
        }
        slave = Slave("127.0.0.1", "127.0.0.1", "", known | answers)
        stack.callback(slave.close)
        self.uri = slave.uri


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def heard(
    stack: ExitStack,
    master: FakeMaster,
    enough: Callable[[list[Any]], object],
    environment: Mapping[str, str] = NOTHING,
) -> list[Any]:
    """Events of a session until there are enough of them."""
    session = Ros1Session(master.uri, environment)
    stack.callback(session.close)
    killer = threading.Timer(WAIT_SECS, session.close)
    killer.start()
    events: list[Any] = []
    for event in session.events():
        events.append(event)
        if isinstance(event, Discovered):
            session.subscribe(event.topic, event.msgtypes[0])
        if enough(events):
            session.stop()
    killer.cancel()
    assert events[-1] == Ended(""), events
    return events


def told(events: list[Any]) -> list[str]:
    return [event.text for event in events if isinstance(event, Notice)]


def messages(events: list[Any]) -> list[bytes]:
    received = [event.batch for event in events if isinstance(event, Received)]
    return [batch.payload(row).tobytes() for batch in received for row in range(len(batch))]


def test_a_definition_of_none_is_recorded_all_the_same(stack: ExitStack) -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(header_of({"type": "my_msgs/Thing", "md5sum": "*"}) + framed(b"abc") + framed(b""))
        connection.recv(1)

    master = FakeMaster(stack, FakeNode(stack, answer).uri)
    events = heard(stack, master, lambda events: len(messages(events)) == 2)
    (announced,) = [event for event in events if isinstance(event, Announced)]
    assert announced == Announced(
        Connection(0, "/a", "my_msgs/msg/Thing", "ros1", metadata={"md5sum": "*"}), latched=False
    )
    assert messages(events) == [b"abc", b""]
    assert master.registered == []


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (header_of({"error": "md5sum mismatch: a, b"}), "/node refuses: md5sum mismatch: a, b"),
        (struct.pack("<I", 2**32 - 1), "announced a header of 4294967295 bytes"),
        (struct.pack("<III", 8, 2**31, 0), "does not answer as ROS 1 publishers do"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "announced a header of 1347703880 bytes"),
        (header_of({"md5sum": "*"}), "does not tell the type"),
        (b"", "hung up"),
    ],
    ids=["error", "long header", "torn header", "no ROS", "no type", "nothing"],
)
def test_what_a_publisher_does_wrong_is_told(stack: ExitStack, answer: bytes, text: str) -> None:
    node = FakeNode(stack, lambda connection: connection.sendall(answer))
    events = heard(stack, FakeMaster(stack, node.uri), lambda events: any(text in t for t in told(events)))
    assert sum(text in t for t in told(events)) == 1
    assert messages(events) == []
    assert node.asked >= 2, "it is tried again"


def test_a_message_of_impossible_length_is_not_waited_for(stack: ExitStack) -> None:
    answer = header_of(STRING) + framed(b"good") + struct.pack("<I", 2**31) + b"bad"
    node = FakeNode(stack, lambda connection: connection.sendall(answer))
    (text,) = told(events := heard(stack, FakeMaster(stack, node.uri), told))
    assert text.startswith("/node announced a message of 2147483648 bytes, which is more than")
    assert messages(events) == [b"good"]


class NeverDry(socket.socket):
    """There always is something to read: messages of 1000 bytes."""

    def recv_into(self, buffer: Any, *_: Any) -> int:
        stream = framed(bytes(1000)) * (len(buffer) // 1004 + 2)
        at = self.given % 1004
        buffer[:] = stream[at : at + len(buffer)]
        self.given += len(buffer)
        return len(buffer)

    given = 0


def test_at_the_end_everyone_is_heard_out_and_nobody_for_ever(stack: ExitStack) -> None:
    """One publisher never pauses; another has sent a message and begun a second one, which it finishes a little later."""
    reader = LinkReader()
    stack.callback(reader.close)
    flood = NeverDry()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    stack.callback(theirs.close)
    for number, (topic, its) in enumerate({"/flood": flood, "/a": ours}.items()):
        connection = Connection(number, topic, "std_msgs/msg/String", "ros1")
        reader.add(Link(Linked(topic, "/node", "", its, connection), connection, number, SequenceJudge()))
    message = framed(b"second")
    theirs.sendall(framed(b"first") + message[:6])
    later = threading.Timer(0.1, theirs.sendall, [message[6:]])
    later.start()
    reader.read_last()
    later.join()
    got: dict[str, list[bytes]] = {"/flood": [], "/a": []}
    for link, received in reader.batches():
        got[link.topic] += [received.batch.payload(row).tobytes() for row in range(len(received.batch))]
    assert got["/a"] == [b"first", b"second"]
    assert 0 < flood.given < 1 << 20
    assert got["/flood"] == [bytes(1000)] * (flood.given // 1004)


def test_a_publisher_whose_name_cannot_be_resolved(stack: ExitStack) -> None:
    by_uri = FakeMaster(stack, "http://robot-nuc.invalid:4567/")
    node = FakeNode(stack, lambda connection: None, host="robot-nuc.invalid")
    for master in (by_uri, FakeMaster(stack, node.uri)):
        (text,) = told(heard(stack, master, told))
        assert "/node says that it is at 'robot-nuc.invalid', a name that cannot be resolved here" in text
        assert "set ROS_IP on the machine of /node" in text
        assert "/etc/hosts" in text


def test_a_publisher_that_is_not_where_it_says(stack: ExitStack) -> None:
    port = free_port()
    (text,) = told(heard(stack, FakeMaster(stack, f"http://127.0.0.1:{port}/"), told))
    assert text.startswith(f"/node does not answer at 127.0.0.1:{port}, on this machine (Connection refused)")
    assert "rosnode cleanup" in text
    assert "set ROS_IP" in text


@pytest.mark.parametrize("answer", [[], 7, [1, 2, 3], [["/a"]], None, "x" * 100])
def test_a_master_that_answers_nonsense_is_told(stack: ExitStack, answer: Any) -> None:
    node = FakeNode(stack, lambda connection: None)
    master = FakeMaster(stack, node.uri, getSystemState=lambda _: answer)
    (text,) = told(heard(stack, master, told))
    assert "does not answer as ROS 1 masters do" in text or "does not answer (" in text


URDF = "<robot name='r'><link name='base'/></robot>"


def test_parameters_and_the_robots_in_them(stack: ExitStack) -> None:
    tree = {
        "rosdistro": "noetic\n",
        "use_sim_time": True,
        "gains": {"p": [1.5, 2], "é": Binary(b"\0\xff")},
        "arm": {"robot_description": URDF},
    }
    node = FakeNode(stack, lambda connection: connection.sendall(header_of(STRING)))
    master = FakeMaster(stack, node.uri, getParam=lambda _, key: tree if key == "/" else None)
    events = heard(stack, master, messages)
    (document,) = [event for event in events if isinstance(event, Document)]
    assert document.entity == "/__parameters"
    gains = {"p": [1.5, 2], "é": b"\0\xff"}
    assert yaml.safe_load(document.text) == tree | {"gains": gains}
    assert messages(events) == [struct.pack("<I", len(URDF)) + URDF.encode()]
    (topic,) = [event.connection.topic for event in events if isinstance(event, Announced) and event.latched]
    assert topic == "/arm/robot_description"
    assert any("/use_sim_time" in text for text in told(events))


def _always(answer: Any, *_: Any) -> Any:
    return answer


def test_parameters_that_are_none(stack: ExitStack) -> None:
    deep: Any = 1
    for _ in range(100):
        deep = {"a": deep}
    node = FakeNode(stack, lambda connection: None)
    answers: list[Any] = [7, [], deep]
    for answer in answers:
        master = FakeMaster(stack, node.uri, getParam=partial(_always, answer))
        assert told(heard(stack, master, told))[0].startswith("the parameters are not recorded: ")


def test_where_the_master_is() -> None:
    assert master_uri("", {}) == "http://localhost:11311"
    assert master_uri("", {"ROS_MASTER_URI": "http://robot:11311/"}) == "http://robot:11311"
    assert master_uri("http://10.0.0.2:1", {"ROS_MASTER_URI": "http://robot:11311"}) == "http://10.0.0.2:1"
    assert master_uri("robot", {}) == "http://robot:11311"
    with pytest.raises(RecorderError, match="no ROS master: 'ftp://robot:1'"):
        master_uri("ftp://robot:1", {})
    with pytest.raises(
        RecorderError, match=r"'nowhere\.invalid' of the ROS master cannot be resolved; set ROS_MASTER_URI"
    ):
        check_master("http://nowhere.invalid:11311")
    port = free_port()
    with pytest.raises(RecorderError, match="start roscore there, or set ROS_MASTER_URI"):
        check_master(f"http://127.0.0.1:{port}")


def test_where_we_listen() -> None:
    assert own_address({}) == ("127.0.0.1", "127.0.0.1")
    assert own_address({"ROS_IP": "127.0.0.1"}) == ("127.0.0.1", "127.0.0.1")
    assert own_address({"ROS_HOSTNAME": "localhost", "ROS_IP": "192.0.2.1"})[1] == "localhost"
    with pytest.raises(RecorderError, match=r"ROS_IP=192\.0\.2\.1 is not an address of this machine"):
        own_address({"ROS_IP": "192.0.2.1"})
    with pytest.raises(RecorderError, match=r"ROS_HOSTNAME=nobody\.invalid cannot be resolved"):
        own_address({"ROS_HOSTNAME": "nobody.invalid"})


def test_a_wrong_address_of_our_own_keeps_nothing_from_being_recorded(stack: ExitStack) -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(header_of(STRING) + framed(b"abc"))
        connection.recv(1)

    master = FakeMaster(stack, FakeNode(stack, answer).uri)
    events = heard(stack, master, messages, {"ROS_IP": "192.0.2.1"})
    assert messages(events) == [b"abc"]
    (text,) = told(events)
    assert text.startswith("ROS_IP=192.0.2.1 is not an address of this machine; set ROS_IP to one")


def test_what_speaks_for_ros1() -> None:
    assert Ros1Source().signs({"ROS_MASTER_URI": "http://robot:11311"}) == "ROS_MASTER_URI is set"
    assert not Ros1Source().signs({"ROS_MASTER_URI": "http://robot:11311", "ROS_VERSION": "2"})
    assert not Ros1Source().signs({})
