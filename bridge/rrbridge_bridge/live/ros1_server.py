"""The publishing end of TCPROS: who subscribes is accepted, told what a topic is, and sent its messages.

A message is sent at once, by the thread that publishes it, as far as each subscriber's socket takes it; the rest waits in a
queue of the subscriber's own, bounded in bytes, which a thread of ours empties. A subscriber whose queue stays full for longer
than a publisher may be held up loses the oldest messages, and that is told.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from rrbridge_bridge.live.ros1_wire import MAX_HEADER_BYTES, U32, header_of
from rrbridge_bridge.readers._bag_records import fields_of

__all__ = ["Publication", "TopicServer"]

QUEUE_BYTES = 64 << 20
"""Of one subscriber. A single message may be longer."""
HOLD_UP_SECS = 0.5
"""So long publishing waits for a subscriber whose queue is full."""
HANDSHAKE_SECS = 5.0
IDLE_SECS = 0.25
GATHERED = 64
"""So many parts are handed to the system at once."""


@dataclass(eq=False)
class Publication:
    """One topic as subscribers see it."""

    topic: str
    msgtype: str
    """As ROS 1 writes it."""
    md5sum: str
    definition: str
    is_latched: bool = False
    kept: dict[int, deque[bytes]] = field(default_factory=dict)
    """What a late subscriber is given, by connection of the recording."""
    subscribers: list[_Subscriber] = field(default_factory=list)
    """Those that were accepted."""

    def header(self, caller: str) -> bytes:
        """What is answered to a subscriber."""
        return header_of(
            {
                "callerid": caller,
                "latching": "1" if self.is_latched else "0",
                "md5sum": self.md5sum,
                "message_definition": self.definition,
                "topic": self.topic,
                "type": self.msgtype,
            }
        )

    def mismatch(self, wanted: Mapping[bytes, bytes]) -> str:
        """Why a subscriber's header does not fit; empty if it does."""
        for name, mine in (("md5sum", self.md5sum), ("type", self.msgtype)):
            theirs = wanted.get(name.encode(), b"*").decode("utf-8", "replace")
            if theirs not in ("*", mine):
                return f"{self.topic} has the {name} {mine}, and the subscriber wants {theirs}"
        return ""


class _Subscriber:
    """A connection; `publication` is known once its header was read."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.publication: Publication | None = None
        self.caller = ""
        self.began = time.monotonic()
        self.head = bytearray()
        """Of its header, what has come."""
        self.queue: deque[bytes | memoryview] = deque()
        """Messages with their lengths; of the first, what was not sent yet."""
        self.queued_bytes = 0
        self.has_begun = False
        """Whether a part of the first was sent."""
        self.is_slow = False
        """Whether it has lost messages and is still behind."""
        self.is_gone = False


class TopicServer:
    """Listens for subscribers, and sends to them."""

    def __init__(self, address: str, name: str, lost: Callable[[str, str, int], None]) -> None:
        """`lost` is told the subscriber, the topic and how many messages it has not been sent. Raises OSError."""
        self._name = name
        self._lost = lost
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listening = socket.create_server((address, 0), family=family)
        self._listening.setblocking(False)
        self.port = int(self._listening.getsockname()[1])
        self._publications: dict[str, Publication] = {}
        self._lock = threading.Lock()
        """Of everything that subscribers have."""
        self._room = threading.Condition(self._lock)
        self._selector = selectors.DefaultSelector()
        self._woken, self._waker = socket.socketpair()
        for side in (self._woken, self._waker):
            side.setblocking(False)
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._all: set[_Subscriber] = set()
        self._gone: list[_Subscriber] = []
        """Whose sockets are still to be closed, by the thread that waits for them."""
        self._is_closing = False
        self._thread = threading.Thread(target=self._serve, name="ros1-publish", daemon=True)
        self._thread.start()

    def add(self, publication: Publication) -> None:
        """Offer a topic."""
        with self._lock:
            self._publications[publication.topic] = publication

    def links(self) -> list[tuple[str, str]]:
        """Subscriber and topic of each connection."""
        with self._lock:
            return [(s.caller, s.publication.topic) for s in self._all if s.publication]

    def publish(self, publication: Publication, payload: memoryview, connection_id: int, keep: int) -> None:
        """Send a message to all who listen; the last `keep` of a connection are given to who comes later."""
        head = U32.pack(len(payload))
        with self._lock:
            if keep:
                publication.kept.setdefault(connection_id, deque(maxlen=keep)).append(bytes(payload))
            for subscriber in list(publication.subscribers):
                self._send(subscriber, head, payload)

    def close(self, wait_secs: float) -> None:
        """Send what waits, within some time, and end all connections. Safe to call twice."""
        until = time.monotonic() + wait_secs
        with self._lock:
            self._room.wait_for(lambda: not any(s.queue for s in self._all), max(until - time.monotonic(), 0.0))
            self._is_closing = True
        self._wake()
        self._thread.join()

    # Sending; under the lock.

    def _send(self, subscriber: _Subscriber, head: bytes, payload: memoryview) -> None:
        sent = 0
        if not subscriber.queue:
            try:
                sent = subscriber.socket.sendmsg([head, payload])
            except BlockingIOError:
                sent = 0
            except OSError:
                self._forget(subscriber)
                return
        size = len(head) + len(payload)
        if sent == size or not self._has_room(subscriber, size):
            return
        subscriber.has_begun |= sent > 0
        self._enqueue(subscriber, b"".join([head[sent:], payload[max(sent - len(head), 0) :]]))

    def _enqueue(self, subscriber: _Subscriber, frame: bytes) -> None:
        subscriber.queue.append(frame)
        subscriber.queued_bytes += len(frame)
        self._wake()

    def _has_room(self, subscriber: _Subscriber, size: int) -> bool:
        """Make room in a queue; whether there still is somebody to have it for."""

        def fits() -> bool:
            return subscriber.is_gone or not subscriber.queue or subscriber.queued_bytes + size <= QUEUE_BYTES

        if not fits() and not subscriber.is_slow:
            self._room.wait_for(fits, HOLD_UP_SECS)
        dropped = 0
        while not fits() and len(subscriber.queue) > subscriber.has_begun:
            oldest = subscriber.queue[int(subscriber.has_begun)]
            del subscriber.queue[int(subscriber.has_begun)]
            subscriber.queued_bytes -= len(oldest)
            dropped += 1
        if dropped and subscriber.publication:
            subscriber.is_slow = True
            self._lost(subscriber.caller, subscriber.publication.topic, dropped)
        return not subscriber.is_gone

    def _flush(self, subscriber: _Subscriber) -> None:
        """Send of the queue what the socket takes."""
        try:
            sent = subscriber.socket.sendmsg(list(islice(subscriber.queue, GATHERED)))
        except BlockingIOError:
            return
        except OSError:
            self._forget(subscriber)
            return
        subscriber.queued_bytes -= sent
        while sent:
            first = subscriber.queue.popleft()
            subscriber.has_begun = sent < len(first)
            if subscriber.has_begun:
                subscriber.queue.appendleft(memoryview(first)[sent:])
            sent -= min(sent, len(first))
        if subscriber.queued_bytes < QUEUE_BYTES // 2:
            subscriber.is_slow = False
        self._room.notify_all()

    def _forget(self, subscriber: _Subscriber) -> None:
        if not subscriber.is_gone:
            subscriber.is_gone = True
            subscriber.queue.clear()
            self._all.discard(subscriber)
            if subscriber.publication:
                subscriber.publication.subscribers.remove(subscriber)
            self._gone.append(subscriber)
            self._room.notify_all()
            self._wake()

    # The serving thread.

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # it is awake already, or has ended
            self._waker.send(b"!")

    def _serve(self) -> None:
        while not self._is_closing:
            ready = self._selector.select(IDLE_SECS)
            with self._lock:
                for key, events in ready:
                    self._serve_one(key, events)
                now = time.monotonic()
                for subscriber in list(self._all):
                    if subscriber.publication is None and now - subscriber.began > HANDSHAKE_SECS:
                        self._forget(subscriber)
                    elif not subscriber.is_gone:
                        self._watch(subscriber)
                for subscriber in self._gone:
                    self._selector.unregister(subscriber.socket)
                    subscriber.socket.close()
                self._gone.clear()
        with self._lock:
            for subscriber in [*self._all, *self._gone]:
                subscriber.is_gone = True
                subscriber.socket.close()
            self._listening.close()
            self._selector.close()
            self._woken.close()
            self._waker.close()

    def _serve_one(self, key: selectors.SelectorKey, events: int) -> None:
        if key.fileobj is self._woken:
            self._woken.recv(4096)
        elif key.fileobj is self._listening:
            self._accept()
        elif not (subscriber := key.data).is_gone:
            if events & selectors.EVENT_READ:
                self._hear(subscriber)
            if events & selectors.EVENT_WRITE and subscriber.queue:
                self._flush(subscriber)

    def _watch(self, subscriber: _Subscriber) -> None:
        """Wait for room in its socket only while there is something to send."""
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if subscriber.queue else 0)
        if self._selector.get_key(subscriber.socket).events != wanted:
            self._selector.modify(subscriber.socket, wanted, subscriber)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # who left again, or for whom there is no descriptor left
            connected, _ = self._listening.accept()
            connected.setblocking(False)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            subscriber = _Subscriber(connected)
            self._all.add(subscriber)
            self._selector.register(connected, selectors.EVENT_READ, subscriber)

    def _hear(self, subscriber: _Subscriber) -> None:
        """Read a header; after it, a subscriber says nothing more until it leaves."""
        try:
            came = subscriber.socket.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            came = b""
        if not came:
            self._forget(subscriber)
            return
        if subscriber.publication is not None:
            return
        subscriber.head += came
        if len(subscriber.head) < U32.size:
            return
        (size,) = U32.unpack_from(subscriber.head)
        if size > MAX_HEADER_BYTES:
            self._forget(subscriber)
        elif len(subscriber.head) >= U32.size + size:
            self._answer(subscriber, bytes(subscriber.head[U32.size : U32.size + size]))

    def _answer(self, subscriber: _Subscriber, header: bytes) -> None:
        try:
            wanted = fields_of(header)
        except ValueError as err:
            self._refuse(subscriber, str(err))
            return
        topic = wanted.get(b"topic", b"").decode("utf-8", "replace")
        publication = self._publications.get(topic)
        why = f"{topic!r} is not published here" if publication is None else publication.mismatch(wanted)
        if publication is None or why:
            self._refuse(subscriber, why)
            return
        subscriber.caller = wanted.get(b"callerid", b"").decode("utf-8", "replace")
        subscriber.publication = publication
        subscriber.head.clear()
        publication.subscribers.append(subscriber)
        self._enqueue(subscriber, publication.header(self._name))
        for kept in publication.kept.values():
            for payload in kept:
                self._enqueue(subscriber, U32.pack(len(payload)) + payload)
        self._flush(subscriber)

    def _refuse(self, subscriber: _Subscriber, why: str) -> None:
        with contextlib.suppress(OSError):
            subscriber.socket.send(header_of({"error": why}))
        self._forget(subscriber)
