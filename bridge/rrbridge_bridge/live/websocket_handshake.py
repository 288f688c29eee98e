"""The handshake that opens a WebSocket: made by the package `websockets`, over a socket that stays ours."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

from rrbridge.errors import MissingExtraError, RecorderError

__all__ = ["HANDSHAKE_SECS", "SocketLostError", "open_websocket", "sentence", "without_password"]

MAX_HANDSHAKE_BYTES = 64 << 10
HANDSHAKE_SECS = 10.0


class SocketLostError(RecorderError):
    """The connection could not be made, was closed, or brought what is no WebSocket frame."""


def without_password(url: str) -> str:
    """The address as it may be shown."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def open_websocket(
    url: str, subprotocols: Sequence[str] = (), timeout_secs: float = HANDSHAKE_SECS
) -> tuple[socket.socket, str | None, bytes]:
    """Connect to `ws://…` or `wss://…`, the latter with the certificate checked. Raises SocketLostError.

    Answers the socket, the subprotocol that the server chose, and what came behind the handshake.
    """
    try:
        from websockets.client import ClientProtocol
        from websockets.exceptions import InvalidURI
        from websockets.typing import Subprotocol
        from websockets.uri import parse_uri
    except ImportError:
        raise MissingExtraError("listening to WebSockets", "live") from None
    try:
        uri = parse_uri(url)
    except (InvalidURI, ValueError) as err:
        raise SocketLostError(f"{url!r} is no address of the form ws://host:port ({err})") from None
    protocol = ClientProtocol(uri, subprotocols=[Subprotocol(name) for name in subprotocols] or None)
    sock = _open(uri.host, uri.port, secure=uri.secure, timeout_secs=timeout_secs)
    try:
        request = protocol.connect()
        request.headers["User-Agent"] = "rrbridge"
        protocol.send_request(request)
        sock.sendall(b"".join(protocol.data_to_send()))
        head, rest = _response(sock, time.monotonic() + timeout_secs)
    except SocketLostError:
        sock.close()
        raise
    except OSError as err:
        sock.close()
        raise SocketLostError(f"the handshake failed: {sentence(err)}") from None
    protocol.receive_data(head)
    if protocol.handshake_exc is not None:
        sock.close()
        raise SocketLostError(f"no WebSocket handshake: {protocol.handshake_exc}")
    return sock, protocol.subprotocol, rest


def _open(host: str, port: int, *, secure: bool, timeout_secs: float) -> socket.socket:
    """A TCP connection, with TLS if `secure`. Raises SocketLostError."""
    try:
        sock = socket.create_connection((host, port), timeout_secs)
    except OSError as err:
        raise SocketLostError(f"no connection to {host}, port {port}: {sentence(err)}") from None
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return ssl.create_default_context().wrap_socket(sock, server_hostname=host) if secure else sock
    except OSError as err:
        sock.close()
        raise SocketLostError(f"no secure connection to {host}, port {port}: {sentence(err)}") from None


def _response(sock: socket.socket, deadline: float) -> tuple[bytes, bytes]:
    """The head of the server's answer to the handshake, and what came behind it. Raises SocketLostError."""
    data = b""
    while b"\r\n\r\n" not in data:
        if len(data) > MAX_HANDSHAKE_BYTES or time.monotonic() > deadline:
            raise SocketLostError("the server's answer to the handshake does not end")
        sock.settimeout(max(deadline - time.monotonic(), 1e-3))
        piece = sock.recv(4096)
        if not piece:
            raise SocketLostError("the server closed the connection in the handshake")
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    status = head.split(b"\r\n", 1)[0].decode("latin-1")
    if " 101 " not in status + " ":
        reason = rest.decode("utf-8", "replace").strip()[:200]
        raise SocketLostError(
            f"the server refuses: {status}{f' ({reason})' if reason.isprintable() and reason else ''}"
        )
    return head + b"\r\n\r\n", rest


def sentence(err: Exception) -> str:
    """What went wrong, for people."""
    if isinstance(err, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({err.verify_message}); SSL_CERT_FILE names another authority to trust"
    if isinstance(err, TimeoutError):
        return "no answer in time"
    return getattr(err, "strerror", None) or str(err) or type(err).__name__
