"""Our Foxglove WebSocket server: watched by our own client, and by the frames of an independent one."""

from __future__ import annotations

import http.client
import json
import random
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import foxglove
import numpy as np
import pytest
from foxglove.websocket import PlaybackCommand, PlaybackState, PlaybackStatus
from listening import Listening
from ports import free_port
from ros_world import Recording
from waiting import WAIT_SECS, until
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from rrbridge.errors import RecorderError
from rrbridge_bridge.live import foxglove as live_foxglove
from rrbridge_bridge.live.foxglove_protocol import parse_control, playback_state, seconds
from rrbridge_bridge.live.foxglove_sink import FoxgloveSinkSession, parse_address, sink
from rrbridge_bridge.live.outgoing import OVERHEAD_BYTES, Outgoing
from rrbridge_bridge.live.sink import PlayState, SinkOptions, Wish
from rrbridge_bridge.live.source import Announced, Received, SourceOptions
from rrbridge_bridge.live.websocket_server import objection_to
from rrbridge_bridge.raw import Connection
from rrbridge_bridge.readers import open_bag

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("live")]

SECOND = 1_000_000_000
BIN = Path(sys.executable).parent
CHATTER = Connection(5, "/chatter", "std_msgs/msg/String", "cdr", "string data", "ros2msg")
STATIC = Connection(9, "/tf_static", "tf2_msgs/msg/TFMessage", "cdr", "# nothing", "ros2msg", {"k": "v"})
KINDS = [
    CHATTER,
    Connection(6, "/ros1", "std_msgs/msg/String", "ros1", "string data", "ros1msg", schema_name="std_msgs/String"),
    Connection(7, "/proto", "a.B", "protobuf", bytes(range(256)).decode("latin-1"), "protobuf"),
    Connection(8, "/flat", "A", "flatbuffer", "\xff\0\x80", "flatbuffer"),
    Connection(10, "/json", "J", "json", '{"ü": 1}', "jsonschema"),
    Connection(11, "/free", "", "json"),
    Connection(12, "/empty", "std_msgs/msg/Empty", "cdr", "", "ros2msg"),
    Connection(13, "/idl", "a/msg/B", "cdr", "module a {};", "ros2idl"),
]


@pytest.fixture
def serve() -> Iterator[Callable[..., FoxgloveSinkSession]]:
    made: list[FoxgloveSinkSession] = []

    def make(*connections: Connection, **options: Any) -> FoxgloveSinkSession:
        session = FoxgloveSinkSession("127.0.0.1", 0, **options)
        made.append(session)
        for connection in connections:
            assert session.advertise(connection, connection is STATIC) == ""
        return session

    yield make
    for session in made:
        session.close()


def address(session: FoxgloveSinkSession) -> str:
    return f"ws://127.0.0.1:{session.port}"


def listen(session: FoxgloveSinkSession, **options: Any) -> Listening:
    return Listening(live_foxglove.source.start(SourceOptions(address=address(session))), **options)


def send(session: FoxgloveSinkSession, connection: Connection, payload: bytes, nanos: int = SECOND) -> None:
    session.publish(connection.id, memoryview(payload), nanos, nanos)


def watch(session: FoxgloveSinkSession, subprotocol: str = "foxglove.sdk.v1", **options: Any) -> Any:
    offered: Any = [subprotocol]
    return connect(address(session), subprotocols=offered, compression=None, max_size=None, **options)


def told(client: ClientConnection, op: str) -> dict[str, Any]:
    """The next message of a kind."""
    while True:
        message = client.recv(timeout=WAIT_SECS)
        if isinstance(message, str) and json.loads(message)["op"] == op:
            return dict(json.loads(message))


def data(client: ClientConnection, opcode: int = 1) -> bytes:
    """The next binary message of a kind."""
    while True:
        message = client.recv(timeout=WAIT_SECS)
        if isinstance(message, bytes) and message[0] == opcode:
            return message


def subscribe(client: ClientConnection, subscription: int, channel: int) -> None:
    client.send(json.dumps({"op": "subscribe", "subscriptions": [{"id": subscription, "channelId": channel}]}))


def test_our_client_gets_every_byte_of_every_kind(serve: Callable[..., FoxgloveSinkSession]) -> None:
    session = serve(*KINDS)
    source = random.Random(1)
    sent: dict[str, list[tuple[int, bytes]]] = {connection.topic: [] for connection in KINDS}
    with listen(session) as listening:
        until(lambda: all(session.subscribers(connection.id) == 1 for connection in KINDS))
        for number in range(1000):
            connection = source.choice(KINDS)
            payload = source.randbytes(source.choice([0, 1, 100, 125, 126, 200_000]))
            sent[connection.topic].append((1_700_000_000 * SECOND + number, payload))
            send(session, connection, payload, sent[connection.topic][-1][0])
        session.close()  # hands over what waits
        listening.until(lambda: sum(listening.count(topic) for topic in sent) == 1000)
        for connection in KINDS:
            batches = [e.batch for e in listening.of(Received) if e.batch.connection.topic == connection.topic]
            times = [int(nanos) for batch in batches for nanos in batch.publish_time_nanos]
            payloads = listening.payloads(connection.topic)
            assert list(zip(times, payloads, strict=True)) == sent[connection.topic]
            assert replace(listening.announced[connection.topic], id=connection.id) == connection


@pytest.mark.parametrize("subprotocol", ["foxglove.sdk.v1", "foxglove.websocket.v1"])
def test_frames_are_those_of_the_specification(serve: Callable[..., FoxgloveSinkSession], subprotocol: str) -> None:
    proto = replace(KINDS[2], definition="\0\xff\x80")
    session = serve(KINDS[1], proto)
    with watch(session, subprotocol) as client:
        assert client.subprotocol == subprotocol
        info = json.loads(client.recv(timeout=WAIT_SECS))
        assert (info["op"], info["capabilities"]) == ("serverInfo", ["time"])
        assert isinstance(info["sessionId"], str)
        advertised = json.loads(client.recv(timeout=WAIT_SECS))
        assert advertised == {
            "op": "advertise",
            "channels": [
                {
                    "id": 1,
                    "topic": "/ros1",
                    "encoding": "ros1",
                    "schemaName": "std_msgs/String",
                    "schemaEncoding": "ros1msg",
                    "schema": "string data",
                },
                {
                    "id": 2,
                    "topic": "/proto",
                    "encoding": "protobuf",
                    "schemaName": "a.B",
                    "schemaEncoding": "protobuf",
                    "schema": "AP+A",
                },
            ],
        }
        subscribe(client, 4_000_000_000, 2)
        until(lambda: session.subscribers(7) == 1)
        send(session, proto, b"payload", 123_456_789_012)
        assert data(client, 2) == b"\x02" + struct.pack("<Q", 123_456_789_012)
        assert data(client) == b"\x01" + struct.pack("<IQ", 4_000_000_000, 123_456_789_012) + b"payload"
        late = replace(CHATTER, id=99, topic="/late")
        session.advertise(late, latched=False)
        assert told(client, "advertise")["channels"][0]["topic"] == "/late"
        client.send(json.dumps({"op": "unsubscribe", "subscriptionIds": [4_000_000_000]}))
        until(lambda: session.subscribers(7) == 0)
        session.clock(7)
        assert data(client, 2) == b"\x02" + struct.pack("<Q", 7)


def test_the_time_goes_back_for_jumps_alone(serve: Callable[..., FoxgloveSinkSession]) -> None:
    """Viewers forget everything when it does."""
    session = serve(CHATTER)
    with watch(session) as client:
        subscribe(client, 1, 1)
        until(lambda: session.subscribers(5) == 1)
        for nanos in (5 * SECOND, 5 * SECOND - 10_000_000, 6 * SECOND, 6 * SECOND - 500_000_000, 2 * SECOND):
            time.sleep(0.02)
            send(session, CHATTER, b"x", nanos)
        send(session, CHATTER, b"seen", 2 * SECOND)
        times = times_before(client, b"seen")
        session.seeked()
        send(session, CHATTER, b"end", SECOND + 999_999_999)
        times += times_before(client, b"end")
    assert times == [5 * SECOND, 6 * SECOND, 2 * SECOND, SECOND + 999_999_999]


def times_before(client: ClientConnection, payload: bytes) -> list[int]:
    """The times that were told before a message."""
    times = []
    while (message := client.recv(timeout=WAIT_SECS))[13:] != payload:
        if message[0] == 2:
            times.append(struct.unpack_from("<Q", bytes(message), 1)[0])  # type: ignore[arg-type]
    return times


def test_late_listeners_get_what_is_latched(serve: Callable[..., FoxgloveSinkSession]) -> None:
    session = serve(CHATTER)
    session.advertise(STATIC, latched=True, keep=3)
    for number in range(5):
        send(session, STATIC, bytes([number]), number)
        send(session, CHATTER, b"gone", number)
    for _ in range(2):
        with listen(session) as listening:
            listening.until(lambda: listening.count("/tf_static") == 3)
            assert listening.payloads("/tf_static") == [b"\2", b"\3", b"\4"]
            assert not listening.count("/chatter")
    with watch(session) as client:
        assert data(client, 2) == b"\x02" + struct.pack("<Q", 0)  # the time is known at once, too


def test_a_jump_begins_a_new_session_and_forgets(serve: Callable[..., FoxgloveSinkSession]) -> None:
    session = serve(CHATTER)
    session.advertise(STATIC, latched=True)
    send(session, STATIC, b"old")
    with watch(session) as client:
        before = told(client, "serverInfo")["sessionId"]
        session.seeked()
        assert told(client, "serverInfo")["sessionId"] != before
        send(session, STATIC, b"new")
        subscribe(client, 1, 2)
        assert data(client)[13:] == b"new"
    with listen(session) as listening:
        listening.until(lambda: listening.count("/tf_static"))
        session.seeked()
        listening.until(lambda: any("new session" in text for text in listening.texts))
        send(session, CHATTER, b"after")
        listening.until(lambda: listening.count("/chatter"))
    assert [event.connection.topic for event in listening.of(Announced)].count("/chatter") == 1


def test_a_slow_listener_loses_the_oldest_is_told_and_holds_nobody_up(
    serve: Callable[..., FoxgloveSinkSession],
) -> None:
    session = serve(CHATTER, STATIC, limit_bytes=2_000_000)
    with watch(session, max_queue=1) as slow, listen(session) as quick:
        subscribe(slow, 1, 1)
        subscribe(slow, 2, 2)
        until(lambda: session.subscribers(5) == 2 and session.subscribers(9) == 2)
        send(session, STATIC, b"static")
        count = 300
        for number in range(count):  # 30 MB, of which the quick one takes all
            send(session, CHATTER, struct.pack("<I", number) + bytes(100_000), number)
            if number % 10 == 9:
                quick.until(lambda number=number: quick.count("/chatter") == number + 1)  # type: ignore[misc]
        warnings = [notice for notice in session.notices() if "dropped" in notice.text]
        (warning,) = warnings
        assert warning.topic == "/chatter"
        lost = int(warning.text.split()[0])
        seen: list[int] = []
        statics = 0
        statuses: list[str] = []
        while not statuses or not seen or seen[-1] < count - 1:
            message = slow.recv(timeout=WAIT_SECS)
            if isinstance(message, str):
                statuses += [json.loads(message)["message"]] if '"status"' in message else []
            elif message[0] == 1 and message[13:] == b"static":
                statics += 1
            elif message[0] == 1:
                seen.append(struct.unpack_from("<I", message, 13)[0])
        assert (len(seen), seen) == (count - lost, sorted(seen))
        assert statics == 1
        assert len(statuses) == 1
        assert statuses[0].startswith(f"/chatter: {lost} messages were dropped")
    assert [len(payload) for payload in quick.payloads("/chatter")] == [100_004] * count


def test_many_listen_at_once(serve: Callable[..., FoxgloveSinkSession]) -> None:
    session = serve(CHATTER)
    listeners = [listen(session) for _ in range(20)]
    for listening in listeners:
        listening.__enter__()
    until(lambda: session.subscribers(5) == 20)
    for number in range(500):
        send(session, CHATTER, struct.pack("<I", number))
    session.close()
    for listening in listeners:
        listening.until(lambda listening=listening: listening.count("/chatter") == 500)  # type: ignore[misc]
        listening.__exit__(None, None, None)
    assert sum("watches" in notice.text for notice in session.notices()) == 20


def test_what_is_not_understood_is_answered_by_a_status(serve: Callable[..., FoxgloveSinkSession]) -> None:
    session = serve(CHATTER)
    with watch(session) as client:
        messages: list[tuple[str | bytes, str]] = [
            ("no json", "JSONDecodeError"),
            ("[]", "TypeError"),
            ("{}", "KeyError"),
            ("[" * 100_000, "RecursionError"),
            (b"\x01binary", "binary"),
            ('{"op": "getParameters"}', "'getParameters' is not offered"),
            ('{"op": "subscribe", "subscriptions": [{"id": 1, "channelId": 99}]}', "no channel 99"),
            ('{"op": "subscribe", "subscriptions": [{"id": -1, "channelId": 1}]}', "subscription -1 is taken"),
            ('{"op": "subscribe", "subscriptions": [{"id": 4294967296, "channelId": 1}]}', "4294967296 is taken"),
            ('{"op": "unsubscribe", "subscriptionIds": [7]}', "no subscription 7"),
        ]
        for message, reason in messages:
            client.send(message)
            assert reason in told(client, "status")["message"]
        subscribe(client, 1, 1)
        subscribe(client, 2, 1)
        assert "channel 1 is subscribed to already" in told(client, "status")["message"]
        client.send(["fragments of ", "no json"])
        assert "JSONDecodeError" in told(client, "status")["message"]
        client.ping().wait(WAIT_SECS)
        send(session, CHATTER, b"still here")
        assert data(client)[13:] == b"still here"


def test_those_who_break_the_rules_are_let_go_and_the_others_stay(serve: Callable[..., FoxgloveSinkSession]) -> None:
    session = serve(CHATTER)
    with listen(session) as listening:
        until(lambda: session.subscribers(5) == 1)
        for garbage in (b"\x82\x05hello", b"\xff" * 50, b"\x81\xff" + b"\x7f" * 12, b"\x83\x80\0\0\0\0"):
            with watch(session) as client:
                client.socket.sendall(garbage)
                with pytest.raises(ConnectionClosed):
                    told(client, "nothing")
        with watch(session) as client:
            client.send("x" * 2_000_000)
            with pytest.raises(ConnectionClosed):
                told(client, "nothing")
        for raw in (b"", b"GET /", b"\0" * 100):
            with socket.create_connection(("127.0.0.1", session.port)) as sock:
                sock.sendall(raw)
        until(lambda: len(session._server.listeners()) == 1)
        send(session, CHATTER, b"x")
        listening.until(lambda: listening.count("/chatter"))


def test_a_browser_that_comes_by_is_answered(serve: Callable[..., FoxgloveSinkSession]) -> None:
    client = http.client.HTTPConnection("127.0.0.1", serve().port, timeout=WAIT_SECS)
    client.request("GET", "/")
    assert client.getresponse().status == 426
    client.close()


def test_other_subprotocols_are_refused(serve: Callable[..., FoxgloveSinkSession]) -> None:
    session = serve()
    with pytest.raises(InvalidStatus), connect(address(session)):
        pass
    with pytest.raises(InvalidStatus), watch(session, "something.else"):
        pass


@pytest.mark.parametrize(
    ("origin", "is_let_in"),
    [
        (None, True),
        ("https://app.foxglove.dev", True),
        ("http://localhost:8080", True),
        ("file://", True),
        ("https://evil.example", False),
        ("https://notfoxglove.dev", False),
        ("https://foxglove.dev.evil.example", False),
        ("null", False),
        ("https://viewer.lab.example", True),
    ],
)
def test_web_pages_are_let_in_by_their_origin(
    serve: Callable[..., FoxgloveSinkSession], origin: Any, is_let_in: bool
) -> None:
    allowed = ("https://viewer.lab.example",)
    assert (objection_to(origin, allowed) == "") == is_let_in
    session = serve(origins=allowed)
    if is_let_in:
        with watch(session, origin=origin):
            return
    with pytest.raises(InvalidStatus, match="403"), watch(session, origin=origin):
        pass
    (notice,) = session.notices()
    assert f"?origin={origin}" in notice.text


def test_a_definition_that_is_missing_is_told(serve: Callable[..., FoxgloveSinkSession]) -> None:
    session = serve()
    assert "definition is missing" in session.advertise(Connection(1, "/a", "x/msg/Y", "cdr"), latched=False)


def test_a_port_that_is_taken_is_told_with_another(serve: Callable[..., FoxgloveSinkSession]) -> None:
    port = serve().port
    with pytest.raises(
        RecorderError, match=rf"cannot listen at 127.0.0.1, port {port}: .*--to foxglove:127.0.0.1:{port + 1}"
    ):
        sink.open(SinkOptions(address=str(port)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("127.0.0.1", 8765, ())),
        ("9000", ("127.0.0.1", 9000, ())),
        ("localhost:9000", ("127.0.0.1", 9000, ())),
        (":9000", ("127.0.0.1", 9000, ())),
        ("0.0.0.0", ("0.0.0.0", 8765, ())),
        ("[::1]:5", ("::1", 5, ())),
        ("ws://0.0.0.0:1?origin=https://a&origin=https://b", ("0.0.0.0", 1, ("https://a", "https://b"))),
    ],
)
def test_addresses_are_completed(text: str, expected: object) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize("text", ["wss://x", "host:port", "host:99999"])
def test_addresses_that_are_none_are_told(text: str) -> None:
    with pytest.raises(RecorderError):
        parse_address(text)


def test_listening_for_others_is_told() -> None:
    session = FoxgloveSinkSession("0.0.0.0", 0)
    assert any("everybody" in notice.text for notice in session.notices())
    session.close()
    session.close()


REAL = ["cruise-automation+rosbag.js/example-lz4.bag", "rerun-io+rerun/rosbag2_2025_09_10-13_03_56_0.mcap"]


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_what_is_played_and_recorded_again_is_what_it_was(shared_data: Path, tmp_path: Path, name: str) -> None:
    port = free_port()
    command: list[Any] = [BIN / "rrbridge", "play", shared_data / name, "--to", f"foxglove:127.0.0.1:{port}", "--json"]
    options = ["--wait-for-subscribers", "-r", "1000", "--disable-keyboard-controls"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as player:
        try:
            assert player.stdout is not None
            assert json.loads(player.stdout.readline())["event"] == "begin"
            recording = Recording(None, tmp_path / "again.mcap", "-a", "--from", f"ws://127.0.0.1:{port}")
            try:
                recording.until(lambda event: "is lost" in event.get("text", ""))  # it was played to its end
                status, _ = recording.end()
            finally:
                recording.close()
            assert player.wait(WAIT_SECS) == 0
        finally:
            player.kill()
    assert status == 0
    before, after = content(shared_data / name), content(tmp_path / "again.mcap")
    after.pop("/clock", None)
    assert after == before


def content(path: Path) -> dict[str, list[tuple[int, str, bytes]]]:
    """By topic: when, of what type and which bytes, in that order."""
    found: dict[str, list[tuple[int, str, bytes]]] = {}
    with open_bag(path) as reader:
        connections = {connection.id: connection for connection in reader.connections}
        for rows in reader.rows():
            times = rows.publish_time_nanos if path.name == "again.mcap" else rows.log_time_nanos
            for i in range(len(rows)):
                connection = connections[int(rows.connection_ids[i])]
                payload = rows.buffer[rows.starts[i] : rows.starts[i] + rows.sizes[i]].tobytes()
                found.setdefault(connection.topic, []).append((int(times[i]), connection.msgtype, payload))
    return {topic: sorted(messages) for topic, messages in found.items()}


def control(command: int, rate: float, position: int | None, request: bytes) -> bytes:
    return struct.pack("<BBfBQI", 3, command, rate, position is not None, position or 0, len(request)) + request


class Asked:
    """Remembers what the SDK's server understood of a request."""

    def __init__(self) -> None:
        self.requests: list[Any] = []

    def on_playback_control_request(self, request: Any) -> PlaybackState:
        self.requests.append(request)
        return PlaybackState(PlaybackStatus.Paused, 12345, 1.5, True, request.request_id)


def test_playback_control_is_that_of_the_sdk() -> None:
    asked: Any = Asked()
    server = foxglove.start_server(
        port=0, context=foxglove.Context(), playback_time_range=(1, 5_000_000_007), server_listener=asked
    )
    offered: Any = ["foxglove.sdk.v1"]
    with connect(f"ws://127.0.0.1:{server.port}", subprotocols=offered, compression=None) as client:
        info = told(client, "serverInfo")
        assert "playbackControl" in info["capabilities"]
        assert (info["dataStartTime"], info["dataEndTime"]) == (seconds(1), seconds(5_000_000_007))
        messages = [control(0, 2.0, 77, b"one"), control(1, 0.5, None, "zwölf".encode())]
        for message in messages:
            client.send(message)
            answer = data(client, 5)
            wish, request = parse_control(message)
            assert answer == playback_state(PlayState(12345, 1.5, is_paused=True, has_jumped=True), request)
            theirs = asked.requests[-1]
            assert wish == Wish(
                theirs.playback_command == PlaybackCommand.Pause, theirs.playback_speed, theirs.seek_time
            )
        server.broadcast_playback_state(PlaybackState(PlaybackStatus.Ended, 7, 1.0, False, None))
        assert data(client, 5) == playback_state(PlayState(7, 1.0, is_paused=False, has_ended=True))
    server.stop()


@pytest.mark.parametrize(
    "message",
    [
        b"\x03",
        control(2, 1.0, None, b""),
        control(0, 0.0, None, b""),
        control(0, -1.0, None, b""),
        control(0, float("nan"), None, b""),
        control(0, float("inf"), None, b""),
        control(0, 1.0, None, b"id")[:-1],
        control(0, 1.0, None, b"x" * 2000),
    ],
)
def test_control_that_lies_is_answered_by_a_status(serve: Callable[..., FoxgloveSinkSession], message: bytes) -> None:
    session = serve(CHATTER)
    session.offer(0, SECOND)
    with watch(session) as client:
        client.send(message)
        assert "not understood" in told(client, "status")["message"]
        assert not session.wishes()


@pytest.mark.real_data
def test_viewers_pause_jump_and_change_the_rate(shared_data: Path) -> None:
    path = shared_data / REAL[1]
    with open_bag(path) as reader:
        times = np.sort(np.concatenate([rows.log_time_nanos for rows in reader.rows()]))
    place = int(times[len(times) // 2])
    port = free_port()
    command: list[Any] = [
        BIN / "rrbridge",
        "play",
        path,
        "--to",
        f"foxglove:127.0.0.1:{port}",
        "--json",
        "-p",
        "--loop",
    ]
    with subprocess.Popen([*command, "--disable-keyboard-controls"], stdout=subprocess.PIPE, text=True) as player:
        try:
            assert player.stdout is not None
            assert json.loads(player.stdout.readline())["event"] == "begin"
            offered: Any = ["foxglove.sdk.v1"]
            with connect(f"ws://127.0.0.1:{port}", subprotocols=offered, compression=None, max_size=None) as client:
                info = told(client, "serverInfo")
                while "playbackControl" not in info["capabilities"]:
                    info = told(client, "serverInfo")
                assert (info["dataStartTime"], info["dataEndTime"]) == (seconds(int(times[0])), seconds(int(times[-1])))
                channels = told(client, "advertise")["channels"]
                wanted = [{"id": channel["id"], "channelId": channel["id"]} for channel in channels]
                client.send(json.dumps({"op": "subscribe", "subscriptions": wanted}))
                client.send(control(1, 1.0, place, b"there"))
                answer = answered(client, b"there")
                assert answer == playback_state(PlayState(place, 1.0, is_paused=True, has_jumped=True), b"there")
                client.send(control(0, 0.25, None, b"go"))
                assert answered(client, b"go")[:2] == b"\x05\x00"
                first = data(client)
                while (stamp := struct.unpack_from("<Q", first, 5)[0]) < place:  # what is latched comes first
                    first = data(client)
                assert stamp == place
        finally:
            player.send_signal(signal.SIGINT)
            player.wait(WAIT_SECS)


def answered(client: ClientConnection, request: bytes) -> bytes:
    """The state that answers a request."""
    while not (message := data(client, 5)).endswith(request):
        pass
    return message


def test_the_queue_is_bounded_and_gives_up_the_oldest_of_a_channel() -> None:
    source = random.Random(5)
    for _ in range(200):
        limit = source.randint(1, 20) * 300
        outgoing = Outgoing(limit, 1 << 30)
        put: list[tuple[int | None, bytes]] = []
        """Channel, None: may not go; and bytes."""
        last = 0
        for number in range(60):
            payload = number.to_bytes(2, "big") + bytes(source.choice([0, 100, 3000]))
            channel = source.choice([None, 0, 1, 2, 3])
            put.append((channel, payload))
            if channel is not None:
                outgoing.put(channel, payload)
                last = len(payload) + OVERHEAD_BYTES
            elif source.random() < 0.5:
                outgoing.put_control(payload)
            else:
                outgoing.put(0, payload, can_go=False)
        kept = outgoing.take(1 << 30, 0.0)
        assert kept == [payload for _, payload in put if payload in kept]  # in order
        dropped = outgoing.dropped()
        held = 0
        for channel in (None, 0, 1, 2, 3):
            own = [payload for c, payload in put if c == channel]
            rest = [payload for payload in own if payload in kept]
            assert rest == own[len(own) - len(rest) :]
            assert dropped.get(channel, 0) == len(own) - len(rest)  # type: ignore[arg-type]
            held += sum(len(payload) + OVERHEAD_BYTES for payload in rest if channel is not None)
        assert held <= max(limit, last)


def test_the_heaviest_channel_goes_first() -> None:
    outgoing = Outgoing(10_000, 1 << 30)
    outgoing.put(1, b"small")
    for _ in range(10):
        outgoing.put(2, bytes(3000))
    assert b"small" in outgoing.take(1 << 30, 0.0)
    assert outgoing.dropped() == {2: 7}


def test_what_may_not_be_given_up_is_bounded_too() -> None:
    outgoing = Outgoing(1000, 1000)
    outgoing.put_control(bytes(500))
    assert not outgoing.is_overrun
    outgoing.put(1, bytes(500), can_go=False)
    assert outgoing.is_overrun
