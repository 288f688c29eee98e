"""Listening to a real server of Foxglove's SDK, and to scripted ones that lie."""

from __future__ import annotations

import json
import random
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import foxglove
import pytest
import yaml
from foxglove.websocket import Capability, StatusLevel, WebSocketServer
from listening import Listening
from ports import free_port, until_free
from ros_world import Recording, chunks_of, payloads_of
from websockets.exceptions import ConnectionClosed
from websockets.server import ServerProtocol
from websockets.sync.server import Server, ServerConnection, serve

from rrbridge.errors import RecorderError
from rrbridge_bridge.live import foxglove as live_foxglove
from rrbridge_bridge.live import websocket_session
from rrbridge_bridge.live.foxglove import FoxgloveDialect
from rrbridge_bridge.live.foxglove_protocol import SUBPROTOCOLS
from rrbridge_bridge.live.source import (
    Announced,
    Discovered,
    Ended,
    Notice,
    Received,
    Refused,
    Severity,
    SourceOptions,
)
from rrbridge_bridge.live.websocket import WebSocketClient
from rrbridge_bridge.live.websocket_handshake import HANDSHAKE_SECS, open_websocket
from rrbridge_bridge.live.websocket_session import WebSocketSession
from rrbridge_bridge.raw import Connection
from rrbridge_bridge.readers.mcap import McapReader

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("live")]


def schema(name: str, encoding: str, data: bytes) -> foxglove.Schema:
    return foxglove.Schema(name=name, encoding=encoding, data=data)


STRING = schema("std_msgs/msg/String", "ros2msg", b"string data")
IMAGE_DEFINITION = b"std_msgs/Header header\nuint8[] data\n" + b"=" * 80 + b"\nMSG: std_msgs/Header\nstring frame_id"


class Subscriptions:
    """What the server's clients have subscribed to: only from then on are they sent messages."""

    def __init__(self) -> None:
        self.topics: list[str] = []

    def on_subscribe(self, client: Any, channel: Any) -> None:
        self.topics.append(channel.topic)

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


class Robot:
    """A program that uses Foxglove's SDK, with topics of its own."""

    def __init__(self, **options: Any) -> None:
        self.context = foxglove.Context()
        self.port = free_port()
        self.subscriptions = Subscriptions()
        self.options = {"server_listener": self.subscriptions} | options
        self.server: WebSocketServer | None = None
        self.start()

    def start(self) -> None:
        self.server = foxglove.start_server(
            port=self.port, name="robot", context=self.context, message_backlog_size=200_000, **self.options
        )

    def stop(self) -> None:
        if self.server is not None:
            self.server.stop()
            self.server = None
            until_free(self.port)

    def until_subscribed(self, *topics: str) -> None:
        deadline = time.monotonic() + 60
        while not set(topics) <= set(self.subscriptions.topics):
            assert time.monotonic() < deadline, f"subscribed is only {self.subscriptions.topics}"
            time.sleep(0.002)

    def channel(
        self, topic: str, schema: foxglove.Schema | None = STRING, encoding: str = "cdr", **more: Any
    ) -> foxglove.Channel:
        return foxglove.Channel(topic, message_encoding=encoding, schema=schema, context=self.context, **more)

    def session(self, **options: Any) -> WebSocketSession:
        return live_foxglove.source.start(SourceOptions(address=f"127.0.0.1:{self.port}", **options))


@pytest.fixture
def robots() -> Iterator[Callable[..., Robot]]:
    made: list[Robot] = []

    def make(**options: Any) -> Robot:
        made.append(Robot(**options))
        return made[-1]

    yield make
    for robot in made:
        robot.stop()


def nameless(connection: Connection) -> Connection:
    """Without what differs by nature between a file and a live session."""
    return replace(connection, id=0, schema_id=0)


def test_every_byte_arrives_and_connections_are_those_of_an_mcap_file(
    robots: Callable[..., Robot], tmp_path: Path
) -> None:
    robot = robots()
    channels = {
        "/cdr": robot.channel("/cdr"),
        "/image": robot.channel("/image", schema("sensor_msgs/msg/Image", "ros2msg", IMAGE_DEFINITION)),
        "/ros1": robot.channel("/ros1", schema("std_msgs/String", "ros1msg", b"string data"), "ros1"),
        "/protobuf": robot.channel("/protobuf", schema("a.B", "protobuf", bytes(range(256))), "protobuf"),
        "/flatbuffer": robot.channel("/flatbuffer", schema("A", "flatbuffer", b"\xff\0\x80"), "flatbuffer"),
        "/json": robot.channel("/json", schema("J", "jsonschema", '{"ü": 1}'.encode()), "json"),
        "/free": robot.channel("/free", None, "json", metadata={"key": "value"}),
    }
    with foxglove.open_mcap(tmp_path / "x.mcap", context=robot.context), Listening(robot.session()) as listening:
        robot.until_subscribed(*channels)
        source = random.Random(1)
        sent: dict[str, list[tuple[int, bytes]]] = {topic: [] for topic in channels}
        for number in range(400):
            topic = source.choice(list(channels))
            payload = source.randbytes(source.choice([0, 1, 50, 300, 70_000]))
            sent[topic].append((1_700_000_000_000_000_000 + number, payload))
            channels[topic].log(payload, log_time=sent[topic][-1][0])
        listening.until(lambda: sum(map(listening.count, channels)) == 400)
        assert not listening.stop().error
    with McapReader(tmp_path / "x.mcap") as reader:
        in_file = {connection.topic: nameless(connection) for connection in reader.connections}
    for topic in channels:
        assert listening.payloads(topic) == [payload for _, payload in sent[topic]], topic
        batches = [event.batch for event in listening.of(Received) if event.batch.connection.topic == topic]
        assert [int(t) for batch in batches for t in batch.publish_time_nanos] == [time for time, _ in sent[topic]]
        assert nameless(listening.announced[topic]) == in_file[topic]


def test_thousands_of_messages_arrive_in_order(robots: Callable[..., Robot]) -> None:
    robot = robots()
    channel = robot.channel("/count")
    with Listening(robot.session()) as listening:
        robot.until_subscribed("/count")
        for number in range(60_000):
            channel.log(struct.pack("<Q", number))
        assert not listening.stop().error  # what was sent before the stop is read
    assert listening.payloads("/count") == [struct.pack("<Q", number) for number in range(60_000)]
    for event in listening.of(Received):
        assert (event.sequences == -1).all()  # nothing tells what the server left out


def test_what_waits_in_the_server_is_read_before_the_end(robots: Callable[..., Robot]) -> None:
    """The server's answer to the last ping overtakes it."""
    robot = robots()
    channel = robot.channel("/a")
    with Listening(robot.session(drain_secs=50.0)) as listening:
        robot.until_subscribed("/a")
        for number in range(150):
            channel.log(struct.pack("<I", number) + bytes(1_000_000))
        assert not listening.stop().error
    assert [payload[:4] for payload in listening.payloads("/a")] == [struct.pack("<I", n) for n in range(150)]
    assert not listening.texts


@pytest.mark.parametrize("clock", ["today's", "played in a loop", "of a simulation that stands"])
def test_a_stream_that_goes_on_is_left_when_the_stop_is_reached(robots: Callable[..., Robot], clock: str) -> None:
    robot = robots()
    channel = robot.channel("/a")
    ended = threading.Event()
    began = time.time_ns()

    def stamp() -> int | None:
        looped = 10**9 + (time.time_ns() - began + 1_300_000_000) % 1_500_000_000
        return {"today's": None, "played in a loop": looped}.get(clock, 10**9)

    def say() -> None:
        while not ended.wait(0.002):
            channel.log(b"x", log_time=stamp())

    thread = threading.Thread(target=say)
    thread.start()
    with Listening(robot.session(drain_secs=1000.0)) as listening:
        listening.until(lambda: listening.count("/a") > 20)
        assert not listening.stop().error
    ended.set()
    thread.join()
    assert not listening.texts


def test_a_server_that_goes_after_it_has_answered_leaves_nothing_unknown(
    scripted: Callable[..., SourceOptions], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rrbridge_bridge.live.websocket_session.QUIET_SECS", 50.0)
    script = [INFO, {"op": "advertise", "channels": [CHANNEL]}, "subscribed", data(1, b"x")]
    options = replace(scripted(*script, leaves_after_secs=1.0), drain_secs=50.0)
    with Listening(live_foxglove.source.start(options)) as listening:
        listening.until(lambda: listening.count("/a"))
        assert not listening.stop().error
    assert not listening.texts


def test_topics_come_and_go(robots: Callable[..., Robot]) -> None:
    robot = robots()
    with Listening(robot.session(), wants=lambda topic: topic != "/unwanted") as listening:
        first = robot.channel("/later")
        robot.channel("/unwanted")
        robot.until_subscribed("/later")
        listening.until(lambda: any(event.topic == "/unwanted" for event in listening.of(Discovered)))
        first.log(b"one")
        listening.until(lambda: listening.count("/later") == 1)
        first.close()
        listening.until(lambda: [e.msgtypes for e in listening.of(Discovered) if e.topic == "/later"][-1] == ())
        again = robot.channel("/later")
        listening.until(lambda: [e.msgtypes for e in listening.of(Discovered) if e.topic == "/later"][-1] != ())
        server = robot.server
        assert server is not None
        while listening.count("/later") < 2:  # the server learns of the subscription a little later
            again.log(b"two")
            time.sleep(0.01)
    assert set(listening.payloads("/later")) == {b"one", b"two"}
    assert len({event.connection.id for event in listening.of(Announced)}) == 1
    assert "/unwanted" not in listening.announced


def test_a_server_that_is_started_anew_is_found_again(robots: Callable[..., Robot]) -> None:
    robot = robots()
    channel = robot.channel("/a")
    with Listening(robot.session()) as listening:
        robot.until_subscribed("/a")
        channel.log(b"before")
        listening.until(lambda: listening.count("/a") == 1)
        robot.stop()
        listening.until(lambda: any("is lost" in text for text in listening.texts))
        robot.start()
        listening.until(lambda: any("started anew" in text for text in listening.texts))
        while listening.count("/a") < 2:
            channel.log(b"after")
            time.sleep(0.01)
        assert not listening.stop().error
    assert set(listening.payloads("/a")) == {b"before", b"after"}
    assert len(listening.of(Announced)) == 1


def test_a_connection_that_breaks_is_made_again(robots: Callable[..., Robot]) -> None:
    robot = robots(session_id="the same")
    channel = robot.channel("/a")
    session = robot.session()
    with Listening(session) as listening:
        listening.until(lambda: listening.announced)
        session._client._socket.shutdown(socket.SHUT_RDWR)
        listening.until(lambda: "the server is the same as before" in listening.texts)
        while not listening.count("/a"):
            channel.log(b"x")
            time.sleep(0.01)
    assert len(listening.of(Announced)) == 1


def test_a_server_that_says_nothing_more_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one whose cable was pulled: the connection stands, but nobody answers."""
    monkeypatch.setattr("rrbridge_bridge.live.websocket_session.PING_SECS", 0.1)
    monkeypatch.setattr("rrbridge_bridge.live.websocket_session.UNANSWERED_PINGS", 3)
    accepted: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            for _ in range(2):
                sock, _ = server.accept()
                protocol = ServerProtocol(subprotocols=SUBPROTOCOLS)  # type: ignore[arg-type]
                protocol.receive_data(sock.recv(65536))
                (request,) = protocol.events_received()
                protocol.send_response(protocol.accept(request))  # type: ignore[arg-type]
                sock.sendall(b"".join(protocol.data_to_send()))
                accepted.append(sock)

        thread = threading.Thread(target=accept)
        thread.start()
        options = SourceOptions(address=f"127.0.0.1:{server.getsockname()[1]}", drain_secs=0.2)
        with Listening(live_foxglove.source.start(options)) as listening:
            listening.until(lambda: len(accepted) == 2)
            assert "no sign of life" in listening.texts[0]
            assert not listening.stop().error
            assert "did not answer to the stop" in listening.texts[-1]
        thread.join()
        for sock in accepted:
            sock.close()


def test_stopping_while_the_server_is_away_ends(robots: Callable[..., Robot]) -> None:
    robot = robots()
    with Listening(robot.session()) as listening:
        robot.stop()
        listening.until(lambda: any("is lost" in text for text in listening.texts))
        assert not listening.stop().error


def test_an_address_that_swallows_everything_does_not_hold_up_the_end(robots: Callable[..., Robot]) -> None:
    robot = robots()
    with Listening(robot.session()) as heard, ExitStack() as stack:
        robot.stop()
        mute = stack.enter_context(socket.socket())
        mute.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        mute.bind(("127.0.0.1", robot.port))
        mute.listen()  # and never accepts, so that handshakes are not answered
        heard.until(lambda: heard.of(Notice))
        mute.settimeout(60)
        stack.enter_context(mute.accept()[0])
        began = time.monotonic()
        assert heard.stop() == Ended(), "all that can come has come, and that something is missing was told"
        assert time.monotonic() - began < HANDSHAKE_SECS / 2
    assert not [text for text in heard.texts if "did not answer" in text]


def test_status_messages_are_told_once(robots: Callable[..., Robot]) -> None:
    robot = robots()
    assert robot.server is not None
    with Listening(robot.session()) as listening:
        listening.until(lambda: robot.context is not None)
        for _ in range(3):
            robot.server.publish_status("low battery", StatusLevel.Warning)
        robot.server.publish_status("on fire", StatusLevel.Error)
        listening.until(lambda: len(listening.texts) >= 2)
        listening.stop()
    told = [(event.severity, event.text) for event in listening.of(Notice)]
    assert told == [
        (Severity.WARNING, "the server says: low battery"),
        (Severity.ERROR, "the server says: on fire"),
    ]


class Parameters:
    """Answers a client that asks for parameters."""

    def on_get_parameters(
        self, client: Any, names: list[str], request_id: str | None = None
    ) -> list[foxglove.Parameter]:
        return [
            foxglove.Parameter("/camera/driver.exposure", value=3.5),
            foxglove.Parameter("/camera/driver.name", value="front"),
            foxglove.Parameter("/camera/driver.key", value=b"\0\xff"),
            foxglove.Parameter("/lidar.rates", value=[1, 2]),
            foxglove.Parameter("/use_sim_time", value=True),
        ]


def test_parameters_become_documents_where_asked_for(robots: Callable[..., Robot]) -> None:
    robot = robots(capabilities=[Capability.Parameters], server_listener=Parameters())
    with Listening(robot.session(parameters=True)) as listening:
        listening.until(lambda: len(listening.documents) == 3)
    assert {entity: yaml.safe_load(text) for entity, text in listening.documents.items()} == {
        "/__parameters/camera/driver": {
            "/camera/driver": {"ros__parameters": {"exposure": 3.5, "name": "front", "key": b"\0\xff"}}
        },
        "/__parameters/lidar": {"/lidar": {"ros__parameters": {"rates": [1, 2]}}},
        "/__parameters/server": {"/use_sim_time": True},
    }
    with Listening(robot.session()) as listening:
        robot.channel("/a")
        listening.until(lambda: listening.announced)
    assert not listening.documents


def test_the_servers_time_is_offered_as_clock(robots: Callable[..., Robot]) -> None:
    robot = robots(capabilities=[Capability.Time])
    assert robot.server is not None
    with Listening(robot.session()) as listening:
        while not listening.count("/clock"):
            robot.server.broadcast_time(5_000_000_007)
            time.sleep(0.01)
        robot.server.broadcast_time(2**63)
        listening.until(lambda: struct.pack("<iI", 2**31 - 1, 0) in listening.payloads("/clock")[-1])
    assert listening.announced["/clock"].msgtype == "rosgraph_msgs/msg/Clock"
    assert listening.payloads("/clock")[0] == b"\0\1\0\0" + struct.pack("<iI", 5, 7)


def test_a_clock_topic_of_its_own_goes_before_the_servers_time(robots: Callable[..., Robot]) -> None:
    robot = robots(capabilities=[Capability.Time])
    assert robot.server is not None
    clock = robot.channel("/clock")
    with Listening(robot.session()) as listening:
        listening.until(lambda: listening.announced)
        while not listening.count("/clock"):
            robot.server.broadcast_time(5)
            clock.log(b"own")
            time.sleep(0.01)
    assert set(listening.payloads("/clock")) == {b"own"}


def test_publishers_are_those_of_the_connection_graph(robots: Callable[..., Robot]) -> None:
    robot = robots(capabilities=[Capability.ConnectionGraph])
    assert robot.server is not None
    robot.channel("/a")
    robot.channel("/b")
    graph = foxglove.ConnectionGraph()
    graph.set_published_topic("/a", ["/talker", "/other"])
    graph.set_published_topic("/not/offered", ["/talker"])
    robot.server.publish_connection_graph(graph)
    with Listening(robot.session()) as listening:
        listening.until(lambda: any(event.nodes for event in listening.of(Discovered)))
    found = {event.topic: event for event in listening.of(Discovered)}
    assert found["/a"].publishers == {"/talker", "/other"}
    assert found["/a"].nodes == ("/other", "/talker")
    assert len(found["/b"].publishers) == 1
    assert "/not/offered" not in found


def test_secure_servers_need_a_trusted_certificate(
    robots: Callable[..., Robot], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    arguments = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([openssl, *arguments, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    robot = robots(tls_cert=certificate.read_bytes(), tls_key=key.read_bytes())
    channel = robot.channel("/a")
    options = SourceOptions(address=f"wss://localhost:{robot.port}")
    with pytest.raises(RecorderError, match="certificate is not trusted"):
        live_foxglove.source.start(options)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with Listening(live_foxglove.source.start(options)) as listening:
        robot.until_subscribed("/a")
        payload = random.Random(2).randbytes(3_000_000)
        channel.log(payload)
        channel.log(b"small")
        listening.until(lambda: listening.count("/a") == 2)
        assert not listening.stop().error
    assert listening.payloads("/a") == [payload, b"small"]


def test_the_command_records_every_byte_also_when_the_server_is_started_anew(
    robots: Callable[..., Robot], tmp_path: Path
) -> None:
    robot = robots()
    chatter, image = robot.channel("/chatter"), robot.channel("/image", schema("a.B", "protobuf", b"\n\0"), "protobuf")
    source, sent = random.Random(4), list[bytes]()
    images = [source.randbytes(1_000_000) for _ in range(20)]
    recording = Recording(None, tmp_path / "run.rrd", "-a", "--from", f"ws://127.0.0.1:{robot.port}")

    def say(count: int) -> None:
        for _ in range(count):
            text = b"%d" % len(sent)
            sent.append(b"\0\1\0\0" + struct.pack("<I", len(text) + 1) + text + b"\0")
            chatter.log(sent[-1])

    try:
        robot.until_subscribed("/chatter", "/image")
        say(5000)
        for payload in images:
            image.log(payload)
        recording.until_received(chatter=5000, image=20)
        robot.stop()
        recording.until(lambda event: "is lost" in event.get("text", ""))
        robot.subscriptions.topics.clear()
        robot.start()
        robot.until_subscribed("/chatter")
        say(5000)
        status, last = recording.end()  # what was sent before the end is recorded
    finally:
        recording.close()
    assert status == 0, last
    assert payloads_of(recording.path) == {"/chatter": sent, "/image": images}
    accounts = {topic["topic"]: (topic["lost"], topic["dropped"], topic["written"]) for topic in last["topics"]}
    assert accounts == {"/chatter": (None, 0, 10_000), "/image": (None, 0, 20)}  # what was lost is not known
    texts = [
        cell[0]["data"]
        for chunk in chunks_of(recording.path)
        for name, column in chunk.components.items()
        if name == "std_msgs.msg.String:message"
        for cell in column.cells.to_pylist()
    ]
    assert texts == [str(number) for number in range(10_000)]


def test_an_mcap_file_is_recorded_as_the_sdk_would_write_it(robots: Callable[..., Robot], tmp_path: Path) -> None:
    robot = robots()
    channels = [robot.channel("/a"), robot.channel("/j", schema("J", "jsonschema", b"{}"), "json", metadata={"k": "v"})]
    with foxglove.open_mcap(tmp_path / "sdk.mcap", context=robot.context):
        recording = Recording(None, tmp_path / "ours.mcap", "-a", "--from", f"ws://127.0.0.1:{robot.port}")
        try:
            robot.until_subscribed("/a", "/j")
            for number in range(100):
                channels[number % 2].log(b'{"number": %d}' % number, log_time=1_700_000_000_000_000_000 + number)
            recording.until_received(a=50, j=50)
            status, _ = recording.end()
        finally:
            recording.close()
    assert status == 0

    def content(path: Path) -> dict[str, tuple[Connection, list[tuple[int, bytes]]]]:
        with McapReader(path) as reader:
            found = {c.id: (nameless(c), list[tuple[int, bytes]]()) for c in reader.connections}
            for rows in reader.rows():
                for i in range(len(rows)):
                    payload = rows.buffer[rows.starts[i] : rows.starts[i] + rows.sizes[i]].tobytes()
                    found[int(rows.connection_ids[i])][1].append((int(rows.publish_time_nanos[i]), payload))
        return {connection.topic: (connection, messages) for connection, messages in found.values()}

    ours, theirs = content(tmp_path / "ours.mcap"), content(tmp_path / "sdk.mcap")
    assert {topic: messages for topic, (_, messages) in ours.items()} == {t: m for t, (_, m) in theirs.items()}
    for topic, (connection, _) in theirs.items():
        assert ours[topic][0] == connection


INFO = {"op": "serverInfo", "name": "x", "capabilities": [], "sessionId": "1"}
CHANNEL = {"id": 7, "topic": "/a", "encoding": "cdr", "schemaName": "std_msgs/String", "schema": "string data"}


def data(subscription: int, payload: bytes, time_nanos: int = 1) -> bytes:
    return struct.pack("<BIQ", 1, subscription, time_nanos) + payload


@pytest.fixture
def scripted() -> Iterator[Callable[..., SourceOptions]]:
    """Starts a server that sends what it is given, waits for a subscription where it says so, and stays."""
    made: list[tuple[Server, threading.Thread]] = []

    def make(
        *script: object, subprotocol: str | None = "foxglove.websocket.v1", leaves_after_secs: float = 1e6
    ) -> SourceOptions:
        def handle(connection: ServerConnection) -> None:
            for item in script:
                if item == "subscribed":
                    facts = json.loads(connection.recv())
                    assert facts["op"] == "subscribe"
                else:
                    connection.send(json.dumps(item) if isinstance(item, (dict, list)) else item)  # type: ignore[arg-type]
            with suppress(TimeoutError, ConnectionClosed):
                while True:
                    connection.recv(timeout=leaves_after_secs)

        offered = [subprotocol] if subprotocol else None
        server = serve(handle, "127.0.0.1", 0, subprotocols=offered, compression=None)  # type: ignore[arg-type]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        made.append((server, thread))
        return SourceOptions(address=f"ws://127.0.0.1:{server.socket.getsockname()[1]}")

    yield make
    for server, thread in made:
        server.shutdown()
        thread.join()


def test_servers_of_the_older_protocol_are_understood(scripted: Callable[..., SourceOptions]) -> None:
    """They name no schema encoding: it follows from the message encoding."""
    proto = {"id": 8, "topic": "/p", "encoding": "protobuf", "schemaName": "A", "schema": "/wA="}
    options = scripted(
        INFO, {"op": "advertise", "channels": [CHANNEL, proto]}, "subscribed", data(1, b"x"), data(2, b"y")
    )
    with Listening(live_foxglove.source.start(options)) as listening:
        listening.until(lambda: listening.count("/p") == 1)
    found = listening.announced
    assert (found["/a"].msgtype, found["/a"].definition_format) == ("std_msgs/msg/String", "ros2msg")
    assert (found["/p"].definition, found["/p"].definition_format) == ("\xff\0", "protobuf")
    assert "websocket.v1" in listening.session.description
    assert listening.payloads("/a") == [b"x"]


def test_what_is_not_of_the_protocol_is_told_and_the_rest_recorded(scripted: Callable[..., SourceOptions]) -> None:
    options = scripted(
        INFO,
        "no json",
        "[1, 2]",
        "[" * 100_000,
        '{"op": "advertise"}',
        {"op": "advertise", "channels": [{"id": "x"}, {"id": 1, "topic": 5}, CHANNEL | {"id": 3, "schema": 5}]},
        {"op": "advertise", "channels": [CHANNEL | {"id": 4, "encoding": "protobuf", "schema": "not base64!"}]},
        {"op": "advertise", "channels": [5, [], {}, "x", CHANNEL | {"id": 5, "topic": "/beside"}]},
        {"op": "unadvertise", "channelIds": [99]},
        '{"op": "unadvertise", "channelIds": [1e400]}',
        '{"op": "advertise", "channels": [{"id": 1e400}]}',
        {"op": "unknown"},
        b"",
        b"\x01",
        b"\x63what",
        {"op": "advertise", "channels": [CHANNEL]},
        "subscribed",
        "subscribed",
        data(99, b"nobody's"),
        data(2, b""),
        data(2, b"late", 2**64 - 1),
    )
    with Listening(live_foxglove.source.start(options)) as listening:
        listening.until(lambda: listening.count("/a") == 2)
        assert not listening.stop().error
    assert listening.payloads("/a") == [b"", b"late"]
    (stamp,) = [e.batch.publish_time_nanos[-1] for e in listening.of(Received)][-1:]
    assert stamp > 1  # what no time can be is replaced by that of arrival
    told = "\n".join(listening.texts)
    for part in ("not of its protocol", "without 'topic'", "not base64", "subscription 99", "too short"):
        assert part in told, part


def limited(options: SourceOptions, dialect: FoxgloveDialect, max_message_bytes: int) -> WebSocketSession:
    client = WebSocketClient(*open_websocket(options.address, SUBPROTOCOLS), max_message_bytes)
    return WebSocketSession(client, lambda: client, dialect, "a server", 1.0)


def test_messages_above_the_limit_are_told_by_topic(scripted: Callable[..., SourceOptions]) -> None:
    large = [data(1, bytes(200_000))] * 5
    options = scripted(INFO, {"op": "advertise", "channels": [CHANNEL]}, "subscribed", *large, data(1, b"small"))
    with Listening(limited(options, FoxgloveDialect(), 1000)) as listening:
        listening.until(lambda: listening.count("/a") == 1)
    told = [(event.topic, event.text.split(",")[0]) for event in listening.of(Notice)]
    assert told == [("/a", f"{count} messages were left out because of their size") for count in (1, 2, 4)]


def test_more_topics_than_fit_are_told(scripted: Callable[..., SourceOptions]) -> None:
    channels = [CHANNEL | {"id": n, "topic": f"/{n}"} for n in range(4)]
    options = scripted(INFO, {"op": "advertise", "channels": channels})
    with Listening(limited(options, FoxgloveDialect(max_connections=2), 1000)) as listening:
        listening.until(lambda: len(listening.of(Refused)) == 2)
    assert [(event.topic, event.reason[:16]) for event in listening.of(Refused)] == [
        (topic, "more than 2 topi") for topic in ("/2", "/3")
    ]
    assert len(listening.announced) == 2


def test_a_server_of_many_topics_costs_no_more_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0

    def counted(connection: Connection, **changes: Any) -> Connection:
        nonlocal compared
        compared += 1
        return replace(connection, **changes)

    monkeypatch.setattr(live_foxglove, "replace", counted)
    dialect, said = FoxgloveDialect(), list[str]()
    channels = [CHANNEL | {"id": number, "topic": f"/t{number}"} for number in range(1, 301)]
    for _ in range(2):  # the second time the server is back
        list(dialect.opened(said.append))
        for event in dialect._fact({"op": "advertise", "channels": channels}):
            if isinstance(event, Discovered):
                list(dialect.subscribe(event.topic, event.msgtypes[0]))
        dialect.closed()
    assert compared <= 2 * len(channels)
    assert sum(len(json.loads(text)["subscriptions"]) for text in said) == 2 * len(channels)


def test_a_server_that_sends_everybody_away_is_asked_less_and_less(
    scripted: Callable[..., SourceOptions], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_session, "RETRY_SECS", (0.01, 0.02, 60.0))
    with Listening(live_foxglove.source.start(scripted(INFO, leaves_after_secs=0.01))) as listening:
        listening.until(lambda: sum("is lost" in text for text in listening.texts) == 3)
        time.sleep(0.3)
        assert sum("again, after" in text for text in listening.texts) == 2
        assert listening.stop() == Ended()


def test_other_websockets_are_told(scripted: Callable[..., SourceOptions]) -> None:
    with pytest.raises(RecorderError, match="not one of Foxglove's"):
        live_foxglove.source.start(scripted(subprotocol=None))


def test_no_server_is_told_with_what_to_do() -> None:
    port = free_port()
    with pytest.raises(
        RecorderError, match=r"no Foxglove WebSocket server at ws://127.0.0.1:\d+: .*refused.*--from ws://HOST:PORT"
    ):
        live_foxglove.source.start(SourceOptions(address=f"127.0.0.1:{port}"))
