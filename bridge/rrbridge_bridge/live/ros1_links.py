"""Connections to ROS 1 publishers: found, opened, shaken hands; and, where that fails, a sentence that says what to do."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from rrbridge_bridge.live.ros1_rpc import CallError, Remote, host_and_port
from rrbridge_bridge.live.ros1_sequences import SequenceJudge, has_numbers
from rrbridge_bridge.live.ros1_wire import MAX_HEADER_BYTES, U32, FrameBuffer, header_of
from rrbridge_bridge.raw import Connection
from rrbridge_bridge.readers._bag_records import connection_of, fields_of

__all__ = ["Dialer", "Link", "LinkFailed", "Linked", "is_loopback", "unreachable"]

DIAL_SECS = 5.0
KEEP_ALIVE = {"TCP_KEEPIDLE": 20, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 4}
"""A machine that lost its power is noticed after 40 s; without this, never."""
IDLE_SECS = 2.0
KNOWN_SECS = 0.3
"""So long the address of a node is taken to be right: a robot's driver may publish hundreds of topics."""


@dataclass(frozen=True, slots=True, eq=False)
class Linked:
    """A publisher has accepted us."""

    topic: str
    node: str
    uri: str
    """Of the node's server; a node that was restarted has another."""
    socket: socket.socket
    connection: Connection
    """As a bag's reader has it; its id is 0."""


@dataclass(frozen=True, slots=True)
class LinkFailed:
    """A publisher could not be reached, or refused."""

    topic: str
    node: str
    text: str
    """Empty where the master cannot be reached, which is told by whoever watches it."""
    is_of_node: bool
    """Whether the trouble is the node's, the same for all of its topics."""


Outcome: TypeAlias = Linked | LinkFailed


class _DialError(Exception):
    def __init__(self, text: str, *, is_of_node: bool = True) -> None:
        super().__init__(text)
        self.is_of_node = is_of_node


@dataclass(eq=False)
class _NodeQueue:
    topics: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)
    thread: threading.Thread | None = None
    uri: str = ""
    """Where the node is, as the master said last; empty: to be asked again."""
    asked: float = 0.0


class Dialer:
    """Connects to publishers, each node's topics one after the other in a thread of the node's own.

    So a node that cannot be reached, or a name that takes long to be found unknown, holds up no other.
    """

    def __init__(self, master_uri: str, name: str, tell: Callable[[Outcome], None]) -> None:
        self._master_uri = master_uri
        self._name = name
        self._tell = tell
        self._lock = threading.Lock()
        self._nodes: dict[str, _NodeQueue] = {}
        self._is_closed = False

    def dial(self, topic: str, node: str) -> None:
        """Connect; `tell` is called with what became of it, in another thread."""
        with self._lock:
            waiting = self._nodes.setdefault(node, _NodeQueue())
            waiting.topics.put(topic)
            if waiting.thread is None:
                waiting.thread = threading.Thread(
                    target=self._dial_all, args=(node, waiting), name=f"ros1-dial{node}", daemon=True
                )
                waiting.thread.start()

    def close(self) -> None:
        """Begin nothing any more."""
        self._is_closed = True

    def _dial_all(self, node: str, waiting: _NodeQueue) -> None:
        while not self._is_closed:
            try:
                topic = waiting.topics.get(timeout=IDLE_SECS)
            except queue.Empty:
                with self._lock:
                    if waiting.topics.empty():
                        waiting.thread = None
                        return
                continue
            try:
                outcome: Outcome = self._dialed(topic, node, waiting)
            except _DialError as err:
                waiting.uri = ""
                outcome = LinkFailed(topic, node, str(err), err.is_of_node)
            self._tell(outcome)

    def _where(self, node: str, waiting: _NodeQueue) -> str:
        """A node's address. Raises _DialError."""
        if not waiting.uri or time.monotonic() - waiting.asked > KNOWN_SECS:
            try:
                with Remote(self._master_uri, DIAL_SECS) as master:
                    waiting.uri = str(master.call("lookupNode", self._name, node))
            except CallError as err:
                told = "" if err.cause else f"the master does not tell where {node} is: {err}"
                raise _DialError(told) from err
            waiting.asked = time.monotonic()
        return waiting.uri

    def _dialed(self, topic: str, node: str, waiting: _NodeQueue) -> Linked:
        """Raises _DialError."""
        uri = self._where(node, waiting)
        try:
            with Remote(uri, DIAL_SECS) as publisher:
                told = publisher.call("requestTopic", self._name, topic, [["TCPROS"]])
        except CallError as err:
            if err.cause is None:
                raise _DialError(f"{node} does not let us subscribe: {err}", is_of_node=False) from err
            raise _DialError(unreachable(node, uri, err.cause)) from err
        host, port = _tcpros(node, told)
        try:
            connected = socket.create_connection((host, port), DIAL_SECS)
        except (OSError, OverflowError, UnicodeError) as err:
            raise _DialError(unreachable(node, f"http://{host}:{port}", err)) from err
        try:
            connection = self._shaken(connected, topic, node)
        except BaseException:
            connected.close()
            raise
        return Linked(topic, node, uri, connected, connection)

    def _shaken(self, connected: socket.socket, topic: str, node: str) -> Connection:
        """Raises _DialError."""
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEP_ALIVE.items():
            if hasattr(socket, option):
                connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        ours = {"callerid": self._name, "topic": topic, "md5sum": "*", "type": "*", "tcp_nodelay": "1"}
        try:
            connected.sendall(header_of(ours))
            (size,) = U32.unpack(_read(connected, U32.size))
            if size > MAX_HEADER_BYTES:
                raise _DialError(f"{node} announced a header of {size} bytes; it is not believed", is_of_node=False)
            reply = _read(connected, size)
            fields = fields_of(reply)
            if b"error" in fields:
                text = fields[b"error"].decode("utf-8", "replace")
                raise _DialError(f"{node} refuses: {text}", is_of_node=False)
            connection = connection_of({b"conn": U32.pack(0), b"topic": topic.encode()}, reply)
        except OSError as err:
            raise _DialError(f"{node} hung up: {err.strerror or err}", is_of_node=False) from err
        except ValueError as err:
            raise _DialError(f"{node} does not answer as ROS 1 publishers do: {err}", is_of_node=False) from err
        if not connection.msgtype:
            raise _DialError(f"{node} does not tell the type of its messages", is_of_node=False)
        connected.setblocking(False)
        return connection


def _tcpros(node: str, told: Any) -> tuple[str, int]:
    """Raises _DialError."""
    match told:
        case ["TCPROS", str(host), int(port), *_]:
            return host, port
    raise _DialError(f"{node} does not offer this topic by TCP", is_of_node=False)


def _read(connected: socket.socket, size: int) -> bytes:
    """Raises OSError."""
    parts = bytearray()
    while len(parts) < size:
        part = connected.recv(min(size - len(parts), 1 << 16))
        if not part:
            raise ConnectionError("the connection ended in its header")
        parts += part
    return bytes(parts)


def unreachable(node: str, uri: str, cause: Exception) -> str:
    """What to do about a node that cannot be reached at the address that it gives."""
    try:
        host, port = host_and_port(uri)
    except CallError as err:
        return f"{node} gives an address that is none: {err}"
    on_its_machine = (
        f"set ROS_IP on the machine of {node} to an address that this machine reaches, and restart the node"
    )
    if isinstance(cause, socket.gaierror | UnicodeError):
        return (
            f"{node} says that it is at {host!r}, a name that cannot be resolved here: {on_its_machine}; "
            f"or put {host!r} into this machine's /etc/hosts"
        )
    why = "no answer" if isinstance(cause, TimeoutError) else getattr(cause, "strerror", None) or str(cause)
    if is_loopback(host):
        return (
            f"{node} does not answer at {host}:{port}, on this machine ({why}): if it has ended, `rosnode cleanup` makes the "
            f"master forget it; if it runs on another machine, {on_its_machine}"
        )
    return (
        f"{node} does not answer at {host}:{port} ({why}): if it has ended, `rosnode cleanup` makes the master forget it; else "
        f"see whether a firewall is between, and if that is not its address, {on_its_machine}"
    )


def is_loopback(host: str) -> bool:
    """Whether it names the machine that asks."""
    return host in {"localhost", "::1", "0.0.0.0"} or host.startswith("127.")  # noqa: S104 - a name, nothing is bound


class Link:
    """An open connection and what it has brought."""

    def __init__(self, linked: Linked, connection: Connection, number: int, judge: SequenceJudge) -> None:
        self.topic = linked.topic
        self.node = linked.node
        self.uri = linked.uri
        self.socket = linked.socket
        self.connection = connection
        self.number = number
        """The publisher's."""
        self.judge = judge
        self.frames = FrameBuffer()
        self.has_numbers = has_numbers(connection)
