"""A WebSocket server for many listeners that take much and say little.

The package `websockets` makes the handshake and reads what listeners send. What is sent to them is put together here, many
messages with one call.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from rrbridge.errors import MissingExtraError, RecorderError
from rrbridge_bridge.live.outgoing import Outgoing
from rrbridge_bridge.live.websocket import BINARY, FINAL, PING, TEXT
from rrbridge_bridge.live.websocket_handshake import sentence

if TYPE_CHECKING:
    from websockets.frames import Frame
    from websockets.http11 import Request

__all__ = ["Listener", "ListenerHandler", "WebSocketServer", "frame_head"]

log = logging.getLogger(__name__)

POLL_SECS = 0.5
HANDSHAKE_SECS = 10.0
LEAVE_SECS = 0.3
"""How long a listener may take to close its side."""
STALL_SECS = 30.0
"""A listener that takes nothing for so long is left."""
PING_SECS = 20.0
SILENT_SECS = 90.0
WRITE_BYTES = 1 << 20
JOIN_BYTES = 64 << 10
MAX_INCOMING_BYTES = 1 << 20
MAX_LISTENERS = 64
LIMIT_BYTES = 64 << 20
CONTROL_LIMIT_BYTES = 256 << 20
CLOSING = b"\x88\x02\x03\xe9"  # 1001, going away


def frame_head(kind: int, size: int) -> bytes:
    """What stands before a server's message of so many bytes."""
    first = FINAL | kind
    if size < 126:
        return bytes((first, size))
    if size < 1 << 16:
        return bytes((first, 126)) + size.to_bytes(2, "big")
    return bytes((first, 127)) + size.to_bytes(8, "big")


class ListenerHandler(Protocol):
    """What is to be done about listeners; called from their threads."""

    def joined(self, listener: Listener) -> None:
        """Its handshake is done."""

    def said(self, listener: Listener, kind: int, message: bytes) -> None:
        """It sent a `TEXT` or a `BINARY` message."""

    def left(self, listener: Listener) -> None:
        """It is gone; told once of each that joined."""

    def refused(self, name: str, reason: str) -> None:
        """Somebody was not let in."""


class Listener:
    """One connection, with a thread that reads and one that writes."""

    def __init__(self, sock: socket.socket, name: str, server: WebSocketServer) -> None:
        from websockets.server import ServerProtocol
        from websockets.typing import Subprotocol

        offered = [Subprotocol(own) for own in server.subprotocols]
        self.name = name
        self._protocol = ServerProtocol(subprotocols=offered, max_size=MAX_INCOMING_BYTES)
        self.outgoing = Outgoing(server.limit_bytes, CONTROL_LIMIT_BYTES)
        self._socket = sock
        self._server = server
        self._ending = threading.Event()
        self._parts: list[bytes] = []
        self._parts_kind = 0
        self._reader = threading.Thread(target=self._read, name=f"listener-{name}-read", daemon=True)
        self._writer = threading.Thread(target=self._write, name=f"listener-{name}-write", daemon=True)

    @property
    def subprotocol(self) -> str | None:
        """The one that was agreed upon, once it has joined."""
        return self._protocol.subprotocol

    def start(self) -> None:
        """Begin with the handshake."""
        self._reader.start()

    def send_text(self, text: str) -> None:
        """A message of control."""
        data = text.encode()
        self.outgoing.put_control(frame_head(TEXT, len(data)), data)

    def leave(self, deadline: float) -> None:
        """Hand over what waits until a time on the monotonic clock, and end."""
        self.outgoing.finish()
        if self._writer.ident is not None:
            self._writer.join(max(deadline - time.monotonic(), 0))
            self._reader.join(max(min(deadline - time.monotonic(), LEAVE_SECS), 0))
        self.end()
        for thread in (self._reader, self._writer):
            if thread.ident is not None:
                thread.join(POLL_SECS * 4)

    def end(self) -> None:
        """Let go of the connection; from any thread."""
        self._ending.set()
        self.outgoing.finish()
        with suppress(OSError):  # not connected any more
            self._socket.shutdown(socket.SHUT_RDWR)

    def _read(self) -> None:
        joined = False
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.settimeout(POLL_SECS)
            joined = self._shake_hands()
            if joined:
                self._writer.start()
                self._server.handler.joined(self)
                self._listen()
        except OSError as err:
            log.debug("%s: %s", self.name, err)
        except Exception:  # one listener's trouble is not that of the others
            log.exception("listener %s", self.name)
        finally:
            self.end()
            if self._writer.ident is not None:
                self._writer.join(STALL_SECS)
            self._socket.close()
            self._server.forget(self)
            if joined:
                self._server.handler.left(self)

    def _shake_hands(self) -> bool:
        deadline = time.monotonic() + HANDSHAKE_SECS
        while time.monotonic() < deadline and not self._ending.is_set():
            data = self._some()
            if data is None:
                continue
            if not data:
                return False
            self._protocol.receive_data(data)
            for request in self._protocol.events_received():
                return self._answer(request)  # type: ignore[arg-type]
            if self._protocol.handshake_exc is not None:
                return False
        return False

    def _answer(self, request: Request) -> bool:
        import http

        origin = request.headers.get("Origin")
        if reason := self._server.objection(origin):
            self._server.handler.refused(self.name, reason)
            response = self._protocol.reject(http.HTTPStatus.FORBIDDEN, f"{reason}\n")
        else:
            response = self._protocol.accept(request)
        self._protocol.send_response(response)
        self._send_all(b"".join(self._protocol.data_to_send()))
        return response.status_code == 101

    def _listen(self) -> None:
        heard = pinged = time.monotonic()
        while not self._ending.is_set() and not self.outgoing.is_overrun:
            data = self._some()
            now = time.monotonic()
            if data is None:
                if now - heard > SILENT_SECS:
                    return
                if now - max(heard, pinged) > PING_SECS:
                    pinged = now
                    self.outgoing.put_control(frame_head(PING, 0))
                continue
            heard = now
            if data:
                self._protocol.receive_data(data)
            else:
                self._protocol.receive_eof()
            for event in self._protocol.events_received():
                self._frame(event)  # type: ignore[arg-type]
            answers = self._protocol.data_to_send()
            if answers:
                self.outgoing.put_control(*answers)
            if not data or self._protocol.close_expected():
                return

    def _frame(self, frame: Frame) -> None:
        """Its size, also in pieces, is bounded by the protocol."""
        if frame.opcode in (TEXT, BINARY):
            self._parts, self._parts_kind = [], int(frame.opcode)
        elif frame.opcode != 0:
            return
        self._parts.append(bytes(frame.data))
        if frame.fin:
            message, self._parts = b"".join(self._parts), []
            self._server.handler.said(self, self._parts_kind, message)

    def _some(self) -> bytes | None:
        """What the listener sent; empty at the end, None when nothing came for a while."""
        try:
            return self._socket.recv(65536)
        except TimeoutError:
            return None

    def _write(self) -> None:
        try:
            while not self.outgoing.is_done:
                self._send_parts(self.outgoing.take(WRITE_BYTES, POLL_SECS))
            self._send_all(CLOSING)
            self._socket.shutdown(socket.SHUT_WR)  # what was sent still arrives; the listener closes its side
        except OSError as err:
            log.debug("%s: %s", self.name, err)
            self.end()

    def _send_parts(self, parts: Sequence[bytes]) -> None:
        """Small ones together, large ones as they are."""
        joined: list[bytes] = []
        for part in parts:
            if len(part) < JOIN_BYTES:
                joined.append(part)
                continue
            self._send_all(b"".join(joined))
            joined.clear()
            self._send_all(part)
        self._send_all(b"".join(joined))

    def _send_all(self, data: bytes) -> None:
        view, since = memoryview(data), time.monotonic()
        while view:
            try:
                view = view[self._socket.send(view) :]
                since = time.monotonic()
            except TimeoutError:
                if self._ending.is_set() or time.monotonic() - since > STALL_SECS:
                    raise


class WebSocketServer:
    """Accepts listeners until it is closed."""

    def __init__(
        self,
        host: str,
        port: int,
        subprotocols: Sequence[str],
        handler: ListenerHandler,
        objection: Callable[[str | None], str],
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        """Listen at an address; `objection` says why a web page of that origin is not let in. Raises RecorderError."""
        try:
            import websockets.server  # noqa: F401
        except ImportError:
            raise MissingExtraError("serving WebSockets", "live") from None
        self.subprotocols = tuple(subprotocols)
        self.handler = handler
        self.objection = objection
        self.limit_bytes = limit_bytes
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
            self._socket = socket.create_server((host, port), family=family)
        except OSError as err:
            raise RecorderError(f"cannot listen at {host}, port {port}: {sentence(err)}") from None
        self.port: int = self._socket.getsockname()[1]
        self._lock = threading.Lock()
        self._listeners: dict[Listener, None] = {}
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._accept, name="websocket-accept", daemon=True)
        self._thread.start()

    def listeners(self) -> list[Listener]:
        """Who is connected."""
        with self._lock:
            return list(self._listeners)

    def forget(self, listener: Listener) -> None:
        """It is gone."""
        with self._lock:
            self._listeners.pop(listener, None)

    def close(self, wait_secs: float) -> None:
        """Hand over what waits, no longer than that, and let everybody go. Safe to call twice."""
        if self._closed.is_set():
            return
        self._closed.set()
        with suppress(OSError):  # some systems do not shut down what listens
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(POLL_SECS * 4)
        deadline = time.monotonic() + wait_secs
        listeners = self.listeners()
        for listener in listeners:
            listener.outgoing.finish()
        for listener in listeners:
            listener.leave(deadline)

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                sock, address = self._socket.accept()
            except OSError as err:
                if not self._closed.is_set():
                    log.warning("accepting listeners: %s", err)
                    self._closed.wait(POLL_SECS)  # too many open files, for instance, which others may close
                continue
            name = f"{address[0]}:{address[1]}"
            with self._lock:
                is_full = len(self._listeners) >= MAX_LISTENERS
                if not is_full:
                    listener = Listener(sock, name, self)
                    self._listeners[listener] = None
            if is_full:
                sock.close()
                self.handler.refused(name, f"there are {MAX_LISTENERS} listeners already")
                continue
            listener.start()


LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
TRUSTED_DOMAINS = ("foxglove.dev",)


def objection_to(origin: str | None, allowed: Sequence[str]) -> str:
    """Why a web page of that origin may not listen; empty if it may.

    Any page that somebody opens can make a browser connect to this machine. Programs that are no browsers send no origin,
    or one that is not of the web.
    """
    if origin is None or origin in allowed or "*" in allowed:
        return ""
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") and origin != "null":
        return ""
    host = parts.hostname or ""
    if host in LOCAL_HOSTS or any(host == name or host.endswith(f".{name}") for name in TRUSTED_DOMAINS):
        return ""
    return f"a web page of {origin[:200]} wanted to listen"
