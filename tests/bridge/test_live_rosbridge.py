"""Listening to rosbridge, of ROS 1 and ROS 2: a scripted server that sends the frames of the real ones."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from listening import Listening
from ports import free_port
from ros_world import Recording, chunks_of, payloads_of
from rosbags.typesys import Stores, get_typestore
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from rrbridge.errors import RecorderError
from rrbridge_bridge.live import rosbridge as live_rosbridge
from rrbridge_bridge.live.qos_overrides import QosProfile
from rrbridge_bridge.live.rosbridge_cbor import CborError, RawMessage, RawMessages, raw_message, read_value
from rrbridge_bridge.live.source import Announced, Discovered, Notice, Received, Severity, SourceOptions
from rrbridge_bridge.live.websocket_session import WebSocketSession

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("live")]

ROS2 = {"/chatter": "std_msgs/msg/String", "/empty": "std_msgs/msg/Empty"}
DEFINITIONS = {
    "std_msgs/msg/String": "string data\n",
    "std_msgs/msg/Empty": "",
    "std_msgs/String": "string data\n",
    "std_msgs/UInt8": "uint8 data",
}


@dataclass
class Rosbridge:
    """A server that has topics, lets clients call rosapi and subscribe, and publishes what a test tells it to."""

    topics: dict[str, str] = field(default_factory=lambda: dict(ROS2))
    definitions: dict[str, str] = field(default_factory=lambda: dict(DEFINITIONS))
    rosapi: dict[str, str] = field(default_factory=dict)
    """Services that fail, and what they answer."""
    silent: set[str] = field(default_factory=set)
    """Services that do not answer."""
    port: int = 0
    calls: list[str] = field(default_factory=list)
    subscribed: dict[str, dict[str, Any]] = field(default_factory=dict)
    clients: list[ServerConnection] = field(default_factory=list)
    server: Server | None = None
    thread: threading.Thread | None = None

    def start(self) -> None:
        self.server = serve(self._client, "127.0.0.1", self.port, compression=None)
        self.port = self.server.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self) -> None:
        if self.server is not None and self.thread is not None:
            self.server.shutdown()
            for client in self.clients:
                client.close()
            self.thread.join()
            self.clients, self.subscribed, self.server = [], {}, None

    def _client(self, client: ServerConnection) -> None:
        self.clients.append(client)
        try:
            for text in client:
                self._asked(client, json.loads(text))
        except ConnectionClosed:
            pass

    def _asked(self, client: ServerConnection, facts: dict[str, Any]) -> None:
        if facts["op"] == "subscribe":
            self.subscribed[facts["topic"]] = facts
            return
        assert facts["op"] == "call_service"
        service = facts["service"]
        self.calls.append(service)
        if service in self.silent:
            return
        answer: dict[str, Any] = {"op": "service_response", "service": service, "id": facts["id"], "result": True}
        names, types = list(self.topics), list(self.topics.values())
        if service in self.rosapi:
            answer |= {"result": False, "values": self.rosapi[service]}
        elif service == "/rosapi/topics":
            answer["values"] = {"topics": names, "types": types}
        elif service == "/rosapi/topics_and_raw_types":
            texts = [self.definitions[told] for told in types]
            answer["values"] = {"topics": names, "types": types, "typedefs_full_text": texts}
        client.send(json.dumps(answer))

    def publish(self, topic: str, payload: bytes, secs: int = 12, nsecs: int = 34) -> None:
        message = {"op": "publish", "topic": topic, "msg": {"secs": secs, "nsecs": nsecs, "bytes": payload}}
        self.send(cbor2.dumps(message))

    def send(self, message: bytes | dict[str, Any]) -> None:
        for client in self.clients:
            client.send(message if isinstance(message, bytes) else json.dumps(message))

    def session(self, **options: Any) -> WebSocketSession:
        return live_rosbridge.source.start(SourceOptions(address=f"127.0.0.1:{self.port}", **options))


@pytest.fixture
def rosbridge(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Rosbridge]]:
    monkeypatch.setattr(live_rosbridge, "POLL_SECS", 0.1)
    made: list[Rosbridge] = []

    def make(**options: Any) -> Rosbridge:
        made.append(Rosbridge(**options))
        made[-1].start()
        return made[-1]

    yield make
    for server in made:
        server.stop()


def test_every_byte_of_ros2_arrives(rosbridge: Callable[..., Rosbridge]) -> None:
    server = rosbridge()
    with Listening(server.session()) as listening:
        listening.until(lambda: set(server.subscribed) == set(ROS2))
        source = random.Random(3)
        sent: dict[str, list[bytes]] = {topic: [] for topic in ROS2}
        for number in range(300):
            topic = source.choice(list(ROS2))
            sent[topic].append(source.randbytes(source.choice([0, 4, 23, 24, 255, 256, 70_000])))
            server.publish(topic, sent[topic][-1], 1_700_000_000, number)
        listening.until(lambda: sum(map(listening.count, ROS2)) == 300)
        assert not listening.stop().error
    for topic in ROS2:
        assert listening.payloads(topic) == sent[topic]
    for event in listening.of(Received):
        assert (event.batch.publish_time_nanos // 1_000_000_000 == 1_700_000_000).all()
        assert (event.sequences == -1).all()
    chatter, empty = listening.announced["/chatter"], listening.announced["/empty"]
    assert (chatter.msgtype, chatter.encoding, chatter.definition) == ("std_msgs/msg/String", "cdr", "string data\n")
    assert (empty.definition, empty.definition_format) == ("", "ros2msg")
    asked = server.subscribed["/chatter"]
    assert (asked["compression"], asked["type"], asked["queue_length"]) == ("cbor-raw", "std_msgs/msg/String", 0)


def test_every_byte_of_ros1_arrives(rosbridge: Callable[..., Rosbridge]) -> None:
    server = rosbridge(topics={"/chatter": "std_msgs/String", "/tf_static": "std_msgs/UInt8"})
    with Listening(server.session()) as listening:
        listening.until(lambda: len(server.subscribed) == 2)
        server.publish("/chatter", b"\2\0\0\0hi")
        listening.until(lambda: listening.count("/chatter"))
    assert listening.payloads("/chatter") == [b"\2\0\0\0hi"]
    connection = listening.announced["/chatter"]
    assert (connection.msgtype, connection.schema_name) == ("std_msgs/msg/String", "std_msgs/String")
    assert (connection.encoding, connection.definition_format) == ("ros1", "ros1msg")
    assert server.subscribed["/chatter"]["type"] == "std_msgs/String"
    assert {event.connection.topic: event.latched for event in listening.of(Announced)} == {
        "/chatter": False,
        "/tf_static": True,
    }


def test_topics_come_and_go_and_definitions_are_asked_for_only_when_needed(rosbridge: Callable[..., Rosbridge]) -> None:
    server = rosbridge()
    with Listening(server.session(), wants=lambda topic: topic != "/empty") as listening:
        listening.until(lambda: server.calls.count("/rosapi/topics") >= 2)
        assert server.calls.count("/rosapi/topics_and_raw_types") == 1
        server.topics = {"/chatter": "std_msgs/msg/String", "/late": "std_msgs/UInt8"}
        listening.until(lambda: "/late" in server.subscribed)
        assert server.calls.count("/rosapi/topics_and_raw_types") == 2
    last = {event.topic: event.msgtypes for event in listening.of(Discovered)}
    assert last == {"/chatter": ("std_msgs/msg/String",), "/empty": (), "/late": ("std_msgs/msg/UInt8",)}
    assert "/empty" not in server.subscribed


def test_a_server_that_is_started_anew_is_found_again(rosbridge: Callable[..., Rosbridge]) -> None:
    server = rosbridge()
    with Listening(server.session()) as listening:
        listening.until(lambda: set(server.subscribed) == set(ROS2))
        server.publish("/chatter", b"before")
        listening.until(lambda: listening.count("/chatter") == 1)
        server.stop()
        listening.until(lambda: any("is lost" in text for text in listening.texts))
        server.start()
        listening.until(lambda: set(server.subscribed) == set(ROS2))
        server.publish("/chatter", b"after")
        listening.until(lambda: listening.count("/chatter") == 2)
        assert not listening.stop().error
    assert listening.payloads("/chatter") == [b"before", b"after"]
    assert len(listening.of(Announced)) == 2  # once each


def test_quality_of_service_is_asked_for_where_somebody_asked_for_it(rosbridge: Callable[..., Rosbridge]) -> None:
    server = rosbridge()
    asked = {"/chatter": QosProfile(reliability="reliable", depth=1000, durability="system_default")}
    with Listening(server.session(qos_overrides=asked)) as listening:
        listening.until(lambda: set(server.subscribed) == set(ROS2))
    assert server.subscribed["/chatter"]["qos"] == {"reliability": "reliable", "depth": 1000}
    assert "qos" not in server.subscribed["/empty"]


def test_without_rosapi_it_is_told_what_to_do(rosbridge: Callable[..., Rosbridge]) -> None:
    server = rosbridge(rosapi={"/rosapi/topics": "Service /rosapi/topics does not exist"})
    with Listening(server.session()) as listening:
        listening.until(lambda: server.calls.count("/rosapi/topics") >= 2)
        (notice,) = listening.of(Notice)
        assert notice.severity == Severity.ERROR
        assert "does not exist" in notice.text
        assert "start it beside rosbridge" in notice.text
        server.rosapi.clear()
        listening.until(lambda: set(server.subscribed) == set(ROS2))


def test_types_that_rosapi_does_not_know_are_recorded_all_the_same(rosbridge: Callable[..., Rosbridge]) -> None:
    server = rosbridge(rosapi={"/rosapi/topics_and_raw_types": "no such file"})
    with Listening(server.session()) as listening:
        listening.until(lambda: set(server.subscribed) == set(ROS2))
        server.publish("/chatter", b"bytes")
        listening.until(lambda: listening.count("/chatter"))
        assert listening.announced["/chatter"].definition_format == ""
        server.rosapi.clear()
        server.topics |= {"/late": "std_msgs/UInt8"}
        listening.until(lambda: listening.announced["/chatter"].definition)
    assert any("made of: no such file" in text for text in listening.texts)


def test_a_rosapi_that_hangs_is_told(rosbridge: Callable[..., Rosbridge], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_rosbridge, "ANSWER_SECS", 0.2)
    server = rosbridge(silent={"/rosapi/topics"})
    with Listening(server.session()) as listening:
        listening.until(lambda: any("no answer within" in text for text in listening.texts))


def test_what_is_not_of_the_protocol_is_told_and_the_rest_recorded(rosbridge: Callable[..., Rosbridge]) -> None:
    server = rosbridge()
    with Listening(server.session()) as listening:
        listening.until(lambda: set(server.subscribed) == set(ROS2))
        raw = {"op": "publish", "topic": "/chatter", "msg": {"secs": 1, "nsecs": 2, "bytes": b"good"}}
        good = cbor2.dumps(raw)
        wrong = [
            good[:-1],
            good + b"\0",
            b"",
            b"\xff",
            cbor2.dumps([raw]),
            cbor2.dumps(raw | {"topic": 5}),
            cbor2.dumps(raw | {"msg": {"data": "decoded"}}),
            cbor2.dumps(raw | {"msg": {"secs": "1", "nsecs": 2, "bytes": b""}}),
            cbor2.dumps({"op": "publish", "topic": "/chatter", "msg": cbor2.CBORTag(24, b"x")}),
            b"\xa1" * 1000,
        ]
        for message in wrong:
            server.send(message)
        for client in server.clients:
            client.send("no json")
            client.send("[]")
        server.send({"op": "service_response", "id": "another", "values": {}})
        server.send({"op": "status", "level": "error", "msg": "subscribe: no such type"})
        server.send({"op": "publish", "topic": "/json", "msg": {"data": "x"}})
        server.send(cbor2.dumps({"op": "other"}))
        server.publish("/nobody", b"x")
        server.publish("/chatter", b"early", -5)
        server.publish("/chatter", b"late", 2**40)
        server.publish("/chatter", b"good")
        listening.until(lambda: listening.count("/chatter") == 3)
        assert not listening.stop().error
    assert listening.payloads("/chatter") == [b"early", b"late", b"good"]
    stamps = [int(t) for event in listening.of(Received) for t in event.batch.publish_time_nanos]
    assert all(abs(stamp - time.time_ns()) < 600e9 for stamp in stamps[:2])
    assert stamps[2] == 12_000_000_034
    told = "\n".join(listening.texts)
    for part in (
        "8 messages could not be read",
        "not of its protocol",
        "no such type",
        "'/nobody'",
        "raw bytes (cbor-raw)",
    ):
        assert part in told, part


@pytest.mark.parametrize("version", [1, 2])
def test_the_command_records_every_byte(rosbridge: Callable[..., Rosbridge], tmp_path: Path, version: int) -> None:
    told = "std_msgs/String" if version == 1 else "std_msgs/msg/String"
    server = rosbridge(topics={"/chatter": told})
    store = get_typestore(Stores.ROS1_NOETIC if version == 1 else Stores.ROS2_JAZZY)
    write = store.serialize_ros1 if version == 1 else store.serialize_cdr
    sent = [bytes(write(store.types["std_msgs/msg/String"](str(n)), "std_msgs/msg/String")) for n in range(2000)]
    recording = Recording(None, tmp_path / "run.rrd", "/chatter", "--from", f"rosbridge:ws://127.0.0.1:{server.port}")
    try:
        recording.until(lambda event: event["event"] == "status" and "/chatter" in server.subscribed)
        for payload in sent:
            server.publish("/chatter", payload)
        status, _ = recording.end()  # what was sent before the end is recorded
    finally:
        recording.close()
    assert status == 0
    assert payloads_of(recording.path)["/chatter"] == sent
    texts = [
        cell[0]["data"]
        for chunk in chunks_of(recording.path)
        for name, column in chunk.components.items()
        if name.endswith("String:message")
        for cell in column.cells.to_pylist()
    ]
    assert texts == [str(number) for number in range(2000)]


def test_no_server_is_told_with_what_to_do() -> None:
    port = free_port()
    with pytest.raises(
        RecorderError, match=r"no rosbridge server at ws://127.0.0.1:\d+: .*--from rosbridge:ws://HOST:PORT"
    ):
        live_rosbridge.source.start(SourceOptions(address=f"127.0.0.1:{port}"))


texts = st.text(max_size=30)
simple = st.one_of(
    st.integers(-(2**64), 2**64 - 1),
    st.floats(allow_nan=False),
    texts,
    st.booleans(),
    st.none(),
    st.binary(max_size=300),
)
values = st.recursive(
    simple, lambda own: st.one_of(st.lists(own, max_size=30), st.dictionaries(texts, own, max_size=30)), max_leaves=30
)


def in_place(value: Any, data: bytes) -> Any:
    """A read value with the bytes that its spans stand for."""
    if isinstance(value, list):
        return [in_place(item, data) for item in value]
    if isinstance(value, dict):
        return {key: in_place(item, data) for key, item in value.items()}
    return data[value.start : value.start + value.size] if hasattr(value, "start") else value


def depth(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, inside), default=-1)


EXAMPLES = int(os.environ.get("RRBRIDGE_CBOR_EXAMPLES", "100"))


@settings(max_examples=EXAMPLES, deadline=None)
@given(values)
def test_cbor_is_read_as_it_was_written(value: Any) -> None:
    assume(depth(value) <= 8)
    data = cbor2.dumps(value)
    found, end = read_value(memoryview(b"before" + data + b"after"), 6, 6 + len(data))
    assert end == 6 + len(data)
    assert in_place(found, b"before" + data) == value


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 100), st.binary(max_size=3))
def test_lying_cbor_is_refused(payload: bytes, at: int, change: bytes) -> None:
    raw = {"op": "publish", "topic": "/a"}
    data = bytearray(cbor2.dumps(raw | {"msg": {"secs": 1, "nsecs": 2, "bytes": payload}}))
    data[at : at + len(change)] = change
    messages = RawMessages()
    messages.read(cbor2.dumps(raw | {"msg": {"secs": 1, "nsecs": 2, "bytes": b""}}), 0, 46)  # learns what they are like
    try:
        found = raw_message(memoryview(data), 0, len(data))
    except CborError:
        with pytest.raises(CborError):
            messages.read(bytes(data), 0, len(data))
        return
    assert messages.read(bytes(data), 0, len(data)) == found
    if isinstance(found, RawMessage):
        assert 0 <= found.payload.start <= found.payload.start + found.payload.size <= len(data)
