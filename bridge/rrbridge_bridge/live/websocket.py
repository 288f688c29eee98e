"""A WebSocket client that reads many messages at once: what arrives is one buffer plus offsets, each message with its own stamp.

The package `websockets` makes the handshake and the frames that are sent. Frames that arrive are taken apart here, because
a server's frames are unmasked bytes that only have to be counted: a robot sends tens of thousands a second, and an object
and a queue for each would cost more than writing them.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rrbridge._arrow import empty
from rrbridge_bridge.live.websocket_handshake import SocketLostError, open_websocket, sentence
from rrbridge_bridge.raw import Bytes, Int64s

__all__ = ["BINARY", "TEXT", "Arrivals", "TooLarge", "WebSocketClient"]

UInt8s: TypeAlias = npt.NDArray[np.uint8]

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FINAL = 0x80
ARENA_BYTES = 1 << 20
LARGE_BYTES = 64 << 10
"""Messages from this size on are read straight into a buffer of their own."""
MAX_MESSAGE_BYTES = 256 << 20
MAX_SKIPPED_BYTES = 4 << 30
"""What is announced to be longer is no message, but a sign that the server and we do not understand each other."""
MAX_CONTROL_BYTES = 125
PART_OVERHEAD_BYTES = 256
HEAD_BYTES = 64
STALL_SECS = 60.0
"""How long a message may stay half sent."""
SEND_SECS = 10.0


@dataclass(frozen=True, slots=True)
class TooLarge:
    """A message that was left out because of its size."""

    size: int
    head: bytes
    """Its first bytes, up to 64."""


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """N messages in the order in which they came. Message i is `buffer[starts[i] : starts[i] + sizes[i]]`."""

    buffer: Bytes
    kinds: UInt8s
    """`TEXT` or `BINARY`; shape (N,)."""
    starts: Int64s
    sizes: Int64s
    time_nanos: Int64s
    """When the last byte of each message was read, nanoseconds since the Unix epoch; shape (N,)."""
    too_large: tuple[TooLarge, ...] = ()

    def message(self, row: int) -> memoryview:
        """One message's bytes."""
        start = int(self.starts[row])
        return self.buffer[start : start + int(self.sizes[row])].data


@dataclass(slots=True)
class _Taken:
    """Messages found in the arena so far."""

    kinds: bytearray = field(default_factory=bytearray)
    starts: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)

    def arrivals(self, buffer: bytes) -> Arrivals:
        return Arrivals(
            np.frombuffer(buffer, np.uint8),
            np.frombuffer(self.kinds, np.uint8),
            np.array(self.starts, np.int64),
            np.array(self.sizes, np.int64),
            np.array(self.times, np.int64),
        )


@dataclass(slots=True, eq=False)
class _Large:
    """A large frame that is being read into a buffer of its own."""

    first: int
    payload: Bytes
    filled: int


def _single(buffer: Bytes, kind: int) -> Arrivals:
    nanos = np.array([time.time_ns()], np.int64)
    size = np.array([len(buffer)], np.int64)
    return Arrivals(buffer, np.array([kind], np.uint8), np.zeros(1, np.int64), size, nanos)


def _left_out(size: int, head: bytes) -> Arrivals:
    none = np.zeros(0, np.int64)
    return Arrivals(np.zeros(0, np.uint8), np.zeros(0, np.uint8), none, none, none, (TooLarge(size, head),))


class WebSocketClient:
    """A connection. All methods but `close` are for one thread."""

    def __init__(
        self,
        sock: socket.socket,
        subprotocol: str | None = None,
        rest: bytes = b"",
        max_message_bytes: int = MAX_MESSAGE_BYTES,
    ) -> None:
        """Over a socket on which the handshake was made; `rest` is what came behind it."""
        self.subprotocol = subprotocol
        self._socket = sock
        self.heard = time.monotonic()
        """When anything was last read, on the monotonic clock."""
        self.pongs: set[bytes] = set()
        """Answers to `ping` that were not yet looked at."""
        self._max_message_bytes = max_message_bytes
        self._arena = bytearray(ARENA_BYTES)
        self._view = memoryview(self._arena)
        self._view[: len(rest)] = rest
        self._at = 0
        self._filled = len(rest)
        self._ready: deque[Arrivals] = deque()
        self._parts: list[Bytes] = []
        self._parts_kind = 0
        self._parts_bytes = 0
        self._left_to_skip = 0
        self._large: _Large | None = None
        self._ending = ""
        """Why nothing more will come."""
        self._deaf = ""
        """Why nothing more can be sent; what has arrived can still be read."""
        self._closed = False

    @classmethod
    def to(cls, url: str, subprotocols: Sequence[str] = ()) -> WebSocketClient:
        """Connect to an address. Raises SocketLostError."""
        return cls(*open_websocket(url, subprotocols))

    def send_text(self, text: str) -> None:
        """Send a text message. That it failed is told by `receive`, after what has arrived."""
        self._send(TEXT, text.encode())

    def ping(self, payload: bytes) -> None:
        """Ask for a sign of life; the answer will be in `pongs`."""
        self._send(PING, payload)

    def leave(self) -> None:
        """Take leave of the server."""
        self._send(CLOSE, (1000).to_bytes(2, "big"))
        self.close()

    def close(self) -> None:
        """Let go of the connection, from any thread; what waits for it is told. Safe to call twice."""
        if not self._closed:
            self._closed = True
            with suppress(OSError):  # not connected any more
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # nothing of TLS: another thread may be in it
            self._socket.close()

    def receive(self, wait_secs: float, collect_secs: float) -> Arrivals | None:
        """What has arrived: waits for something to come, then goes on reading for `collect_secs`, or until enough is there.

        None when no whole message has come within `wait_secs`, or only a part of one. Raises SocketLostError after
        everything that came was handed over.
        """
        is_amid = self._skipping(wait_secs) or self._filling(wait_secs)
        if self._ready:
            return self._ready.popleft()
        taken = _Taken()
        large = None if is_amid else self._parse(taken)
        until = time.monotonic() + (collect_secs if taken.starts else wait_secs)
        while large is None and not (is_amid or self._ready or self._ending) and self._filled < ARENA_BYTES:
            left = until - time.monotonic()
            if left <= 0 or not self._read(left):
                break
            is_first = not taken.starts
            large = self._parse(taken)
            if is_first and taken.starts:
                until = time.monotonic() + collect_secs
        found = taken.arrivals(bytes(self._view[: self._at])) if taken.starts else None
        self._compact()
        if found is None and large is not None and not self._ready:
            self._take_large(*large)
            self._filling(wait_secs)
        if found is None and self._ready:
            found = self._ready.popleft()
        if found is None and (self._ending or self._deaf):
            raise SocketLostError(self._ending or self._deaf)
        return found

    def _parse(self, taken: _Taken) -> tuple[int, int, int] | None:
        """Take whole frames out of the arena. Answers `(first byte, header's length, size)` of a large one that is next."""
        arena, at, end, now = self._arena, self._at, self._filled, time.time_ns()
        kinds, starts, sizes, times = taken.kinds, taken.starts, taken.sizes, taken.times
        large = None
        while end - at >= 2 and not self._ending:
            first, size, head = arena[at], arena[at + 1], 2
            if size == 126:
                if end - at < 4:
                    break
                size, head = arena[at + 2] << 8 | arena[at + 3], 4
            elif size == 127:
                if end - at < 10:
                    break
                size, head = int.from_bytes(arena[at + 2 : at + 10], "big"), 10
            elif size > 127:
                self._ending = "the server sent a masked frame, which no server does"
                break
            if size >= LARGE_BYTES:
                large = (first, head, size)
                break
            if end - at < head + size:
                break
            start = at + head
            at = start + size
            if (first == FINAL | BINARY or first == FINAL | TEXT) and not self._parts_kind:
                kinds.append(first & 0x0F)
                starts.append(start)
                sizes.append(size)
                times.append(now)
            else:
                self._unusual(first, np.frombuffer(bytes(self._view[start:at]), np.uint8))
                if self._ready:
                    break
        self._at = at
        return large

    def _unusual(self, first: int, payload: Bytes) -> None:
        """A control frame, or a piece of a message that comes in pieces."""
        kind = first & 0x0F
        if first & 0x70:
            self._ending = "the server uses an extension that was not agreed upon"
        elif kind >= CLOSE and (not first & FINAL or len(payload) > MAX_CONTROL_BYTES):
            self._ending = "the server sent a control frame that breaks the rules"
        elif kind == PING:
            self._send(PONG, payload.tobytes())
        elif kind == PONG:
            self.pongs.add(payload.tobytes())
        elif kind == CLOSE:
            self._ending = _closing(payload.tobytes())
        elif kind in (TEXT, BINARY) and not self._parts_kind:
            self._parts_kind = kind
            self._add_part(first, payload)
        elif kind == CONTINUATION and self._parts_kind:
            self._add_part(first, payload)
        else:
            self._ending = f"the server sent a frame of kind {kind} out of turn"

    def _add_part(self, first: int, payload: Bytes) -> None:
        self._parts.append(payload)
        self._parts_bytes += len(payload) + PART_OVERHEAD_BYTES
        if self._parts_bytes > self._max_message_bytes:
            self._ending = f"the server sent more than {self._max_message_bytes} bytes as one message in pieces"
        elif first & FINAL:
            self._ready.append(_single(np.concatenate(self._parts), self._parts_kind))
            self._parts, self._parts_kind, self._parts_bytes = [], 0, 0

    def _take_large(self, first: int, head: int, size: int) -> None:
        """Begin to read a large frame, whose head stands at the arena's start."""
        if size > MAX_SKIPPED_BYTES:
            self._ending = f"the server announced a message of {size} bytes"
            return
        here = min(self._filled - head, size)
        if size > self._max_message_bytes:
            self._ready.append(_left_out(size, bytes(self._view[head : head + min(here, HEAD_BYTES)])))
            self._at = head + here
            self._left_to_skip = size - here
            self._compact()
            return
        payload = empty((size,), np.uint8)
        view = payload.data
        view[:here] = self._view[head : head + here]
        self._at = head + here
        self._compact()
        self._large = _Large(first, payload, here)

    def _filling(self, wait_secs: float) -> bool:
        """Read on in a large frame; whether it goes on."""
        large = self._large
        if large is None:
            return False
        until, size = time.monotonic() + wait_secs, len(large.payload)
        while large.filled < size and (left := until - time.monotonic()) > 0:
            count = self._read_into(large.payload.data[large.filled :], left)
            if not count:
                break
            large.filled += count
        if large.filled < size:
            if time.monotonic() - self.heard > STALL_SECS:
                self._ending = self._ending or f"the server stopped after {large.filled} of {size} bytes of a message"
            return True
        self._large = None
        if large.first in (FINAL | TEXT, FINAL | BINARY) and not self._parts_kind:
            self._ready.append(_single(large.payload, large.first & 0x0F))
        else:
            self._unusual(large.first, large.payload)
        return False

    def _skipping(self, wait_secs: float) -> bool:
        """Read on through a message that is left out; whether it goes on."""
        until = time.monotonic() + wait_secs
        while self._left_to_skip and (left := until - time.monotonic()) > 0:
            count = self._read_into(self._view[: min(self._left_to_skip, ARENA_BYTES)], left)
            if not count:
                break
            self._left_to_skip -= count
        return self._left_to_skip > 0

    def _compact(self) -> None:
        """Move what is not yet taken to the arena's start."""
        rest = self._filled - self._at
        if self._at:
            self._view[:rest] = bytes(self._view[self._at : self._filled])
        self._at, self._filled = 0, rest

    def _read(self, wait_secs: float) -> int:
        count = self._read_into(self._view[self._filled :], wait_secs)
        self._filled += count
        return count

    def _read_into(self, view: memoryview, wait_secs: float) -> int:
        """Bytes read; 0 when nothing comes in time, or ever again (`_ending`)."""
        try:
            self._socket.settimeout(max(wait_secs, 1e-4))
            count = self._socket.recv_into(view)
        except (TimeoutError, ssl.SSLWantReadError):
            return 0
        except (OSError, ValueError) as err:
            self._ending = "closed" if self._closed else sentence(err)
            return 0
        if not count:
            self._ending = "closed" if self._closed else "the server closed the connection"
            return 0
        self.heard = time.monotonic()
        return count

    def _send(self, kind: int, payload: bytes) -> None:
        if self._deaf or self._closed:
            return
        try:
            self._socket.settimeout(SEND_SECS)
            self._socket.sendall(_frame(kind, payload))
        except (OSError, ValueError) as err:
            self._deaf = sentence(err)


def _frame(kind: int, payload: bytes) -> bytes:
    """A frame as clients send it: masked."""
    size = len(payload)
    head = bytes([FINAL | kind])
    if size < 126:
        head += bytes([FINAL | size])
    elif size < 1 << 16:
        head += bytes([FINAL | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([FINAL | 127]) + size.to_bytes(8, "big")
    mask = os.urandom(4)
    key = np.frombuffer((mask * (size // 4 + 1))[:size], np.uint8)
    return head + mask + (np.frombuffer(payload, np.uint8) ^ key).tobytes()


def _closing(payload: bytes) -> str:
    if len(payload) < 2:
        return "the server closed the connection"
    code, reason = int.from_bytes(payload[:2], "big"), payload[2:].decode("utf-8", "replace")
    return f"the server closed the connection (code {code}{f': {reason}' if reason else ''})"
