"""Frames off a socket, whole, in pieces, lying, and garbage."""

from __future__ import annotations

import itertools
import os
import random
import socket
import struct
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from rrbridge_bridge.live import websocket
from rrbridge_bridge.live.foxglove import DEFAULT_URL
from rrbridge_bridge.live.websocket import BINARY, TEXT, Arrivals, TooLarge, WebSocketClient
from rrbridge_bridge.live.websocket_handshake import SocketLostError, open_websocket, without_password
from rrbridge_bridge.live.websocket_session import server_url

LARGE = websocket.LARGE_BYTES
KINDS = {TEXT: Opcode.TEXT, BINARY: Opcode.BINARY}


def frame(opcode: Opcode, payload: bytes, *, final: bool = True) -> bytes:
    """As the package `websockets` writes a server's frame."""
    return bytes(Frame(opcode, payload, fin=final).serialize(mask=False, extensions=[]))


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    with near, far:
        yield near, far


def test_a_message_that_is_half_sent_holds_nobody_up(ends: tuple[socket.socket, socket.socket]) -> None:
    near, far = ends
    client = WebSocketClient(near)
    payload = random.Random(3).randbytes(LARGE + 1000)
    sent = frame(Opcode.BINARY, b"before") + frame(Opcode.BINARY, payload) + frame(Opcode.TEXT, b"after")
    far.sendall(sent[:5000])
    found = client.receive(5.0, 0.0)
    assert found is not None
    assert bytes(found.message(0)) == b"before"
    assert client.receive(0.01, 0.0) is None
    far.sendall(sent[5000:6000])
    assert client.receive(0.01, 0.0) is None
    threading.Thread(target=far.sendall, args=(sent[6000:],), daemon=True).start()
    messages: list[bytes] = []
    while len(messages) < 2:
        if (found := client.receive(5.0, 0.0)) is not None:
            messages += [bytes(found.message(row)) for row in range(len(found.kinds))]
    assert messages == [payload, b"after"]


def read_all(client: WebSocketClient) -> tuple[list[tuple[int, bytes]], list[TooLarge], str]:
    """Everything up to the end of the connection, and how that is explained."""
    messages: list[tuple[int, bytes]] = []
    too_large: list[TooLarge] = []
    while True:
        try:
            found = client.receive(5.0, 0.0)
        except SocketLostError as err:
            return messages, too_large, str(err)
        if found is None:
            continue  # a part of a message
        too_large += found.too_large
        messages += [(int(kind), bytes(found.message(row))) for row, kind in enumerate(found.kinds)]
        assert (found.time_nanos > 0).all()


def served(
    data: bytes, *, cuts: list[int] | None = None, max_message_bytes: int = 256 << 20
) -> tuple[list[tuple[int, bytes]], list[TooLarge], str]:
    """What is read when a server sends this and leaves. `cuts`: where its writes begin."""
    near, far = socket.socketpair()
    bounds = [0, *sorted(cuts or []), len(data)]

    def send() -> None:
        try:
            for a, b in itertools.pairwise(bounds):
                far.sendall(data[a:b])
        except OSError:
            pass  # the reader has had enough
        far.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=send)
    with near, far:
        thread.start()
        client = WebSocketClient(near, max_message_bytes=max_message_bytes)
        try:
            return read_all(client)
        finally:
            client.close()
            thread.join()


sizes = st.one_of(
    st.integers(0, 300), st.sampled_from([125, 126, 65_535, 65_536, LARGE - 1, LARGE, LARGE + 1, 200_000])
)
messages = st.lists(st.tuples(st.sampled_from([TEXT, BINARY]), sizes, st.integers(1, 4), st.booleans()), max_size=12)


@settings(max_examples=int(os.environ.get("RRBRIDGE_WEBSOCKET_EXAMPLES", "60")), deadline=None)
@given(messages, st.integers(0, 2**32))
def test_messages_are_read_however_they_are_cut(parts: list[tuple[int, int, int, bool]], seed: int) -> None:
    source = random.Random(seed)
    data, expected = bytearray(), []
    for kind, size, pieces, with_ping in parts:
        payload = source.randbytes(size)
        expected.append((kind, payload))
        bounds = [0, *sorted(source.randint(0, size) for _ in range(pieces - 1)), size]
        for piece in range(pieces):
            opcode = KINDS[kind] if piece == 0 else Opcode.CONT
            data += frame(opcode, payload[bounds[piece] : bounds[piece + 1]], final=piece == pieces - 1)
            if with_ping:
                data += frame(Opcode.PONG, b"in between")
    cuts = [source.randint(0, len(data)) for _ in range(source.randint(0, 20))]
    found, too_large, _ = served(bytes(data), cuts=cuts)
    assert found == expected
    assert not too_large


def test_many_small_messages_come_as_one_batch(ends: tuple[socket.socket, socket.socket]) -> None:
    near, far = ends
    far.sendall(b"".join(frame(Opcode.BINARY, bytes([n])) for n in range(200)))
    found = WebSocketClient(near).receive(5.0, 0.0)
    assert isinstance(found, Arrivals)
    assert [bytes(found.message(row)) for row in range(200)] == [bytes([n]) for n in range(200)]


def test_a_message_above_the_limit_is_left_out_and_told() -> None:
    data = frame(Opcode.BINARY, b"before") + frame(Opcode.BINARY, b"large" * 100_000) + frame(Opcode.TEXT, b"after")
    found, too_large, _ = served(data, max_message_bytes=100_000)
    assert found == [(BINARY, b"before"), (TEXT, b"after")]
    assert [(item.size, item.head[:10]) for item in too_large] == [(500_000, b"largelarge")]


def test_a_message_above_the_limit_in_pieces_ends_the_connection() -> None:
    data = b"".join(frame(Opcode.CONT if n else Opcode.BINARY, bytes(10_000), final=False) for n in range(30))
    found, _, reason = served(data, max_message_bytes=100_000)
    assert not found
    assert "100000 bytes as one message in pieces" in reason


def test_many_empty_pieces_are_bounded_too() -> None:
    data = frame(Opcode.BINARY, b"", final=False) + frame(Opcode.CONT, b"", final=False) * 10_000
    assert "in pieces" in served(data, max_message_bytes=100_000)[2]


@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        (struct.pack(">BBQ", 0x82, 127, 1 << 62), "announced a message of 4611686018427387904 bytes"),
        (struct.pack(">BBQ", 0x82, 127, 200_000) + bytes(5), "the server closed the connection"),
        (struct.pack(">BBQ", 0x82, 127, (1 << 64) - 1), "announced a message of"),
        (b"\x82\x85\0\0\0\0hello", "masked"),
        (b"\xc2\x05hello", "an extension that was not agreed upon"),
        (b"\x83\x00", "kind 3 out of turn"),
        (b"\x80\x00", "kind 0 out of turn"),
        (b"\x02\x01a\x82\x01b", "kind 2 out of turn"),
        (b"\x09\x00", "control frame"),
        (b"\x89\x7e\x00\xff" + bytes(255), "control frame"),
        (b"\x88\x02\x03\xe9", "code 1001"),
        (b"\x88\x08\x03\xf0no way", "code 1008: no way"),
        (b"\x88\x00", "the server closed the connection"),
        (b"\x82", "the server closed the connection"),
        (b"", "the server closed the connection"),
    ],
)
def test_what_is_no_frame_ends_the_connection_after_what_came_before(tail: bytes, reason: str) -> None:
    found, _, told = served(frame(Opcode.BINARY, b"good") * 3 + tail)
    assert found == [(BINARY, b"good")] * 3
    assert reason in told


@settings(max_examples=int(os.environ.get("RRBRIDGE_WEBSOCKET_EXAMPLES", "200")), deadline=None)
@given(st.binary(max_size=400))
def test_garbage_ends_the_connection(data: bytes) -> None:
    assert served(data, max_message_bytes=1 << 20)[2]


def test_pings_are_answered_and_pongs_kept(ends: tuple[socket.socket, socket.socket]) -> None:
    near, far = ends
    client = WebSocketClient(near)
    far.sendall(frame(Opcode.PING, b"are you there") + frame(Opcode.PONG, b"yes"))
    assert client.receive(0.2, 0.0) is None
    assert client.pongs == {b"yes"}
    client.send_text("t" * 300)
    client.ping(b"and you")
    protocol = ServerProtocol(state=State.OPEN, max_size=None)
    while len(events := protocol.events_received()) or True:
        if events:
            break
        protocol.receive_data(far.recv(1 << 20))
    frames = [event for event in events if isinstance(event, Frame)]
    assert (frames[0].opcode, bytes(frames[0].data)) == (Opcode.PONG, b"are you there")


def test_closing_from_another_thread_ends_the_wait(ends: tuple[socket.socket, socket.socket]) -> None:
    client = WebSocketClient(ends[0])
    timer = threading.Timer(0.05, client.close)
    timer.start()
    with pytest.raises(SocketLostError, match="closed"):
        client.receive(30.0, 0.0)
    timer.join()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\nnothing here", "404 Not Found (nothing here)"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "SSH-2.0"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "handshake"),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
            "Accept",
        ),
        (b"\xff" * 100_000, "does not end"),
        (b"", "closed the connection in the handshake"),
    ],
)
def test_handshakes_that_fail_are_told(answer: bytes, reason: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            sock, _ = server.accept()
            with sock:
                sock.recv(65536)
                sock.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(SocketLostError) as caught:
            open_websocket(f"ws://127.0.0.1:{server.getsockname()[1]}", ["x"], 3.0)
        thread.join()
    assert reason in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost:1", "ws://", "ws://localhost:notaport", "ws:localhost"])
def test_addresses_that_are_none_are_told(url: str) -> None:
    with pytest.raises(SocketLostError, match="no address"):
        open_websocket(url)


def test_passwords_are_not_shown() -> None:
    assert without_password("wss://me:secret@robot:8765/x?y=z") == "wss://robot:8765/x?y=z"


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("", "ws://localhost:8765"),
        ("robot", "ws://robot:8765"),
        ("robot:1", "ws://robot:1"),
        ("[::1]", "ws://[::1]:8765"),
        ("[::1]:5", "ws://[::1]:5"),
        ("wss://u@h/p", "wss://u@h/p"),
    ],
)
def test_addresses_are_completed(address: str, url: str) -> None:
    assert server_url(address, DEFAULT_URL) == url
