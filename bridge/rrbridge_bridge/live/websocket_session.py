"""A live session over a WebSocket: keeps the connection, makes it anew when it is lost, and hands what arrives to a dialect.

A dialect is what two ends say to each other over the socket: Foxglove's protocol, or rosbridge's.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Protocol, TypeAlias

import numpy as np

from rrbridge_bridge.live.source import Ended, Event, Notice, Received, Severity
from rrbridge_bridge.live.websocket import Arrivals, WebSocketClient
from rrbridge_bridge.live.websocket_handshake import SocketLostError

__all__ = ["LATCHED_NAMES", "Dialect", "Send", "WebSocketSession", "server_url"]

WAIT_SECS = 0.1
COLLECT_SECS = 0.02
"""Messages of so long go on together: what comes behind costs by the batch."""
PING_SECS = 1.0
"""After so long a silence the server is asked whether it is alive."""
UNANSWERED_PINGS = 60
"""After so many questions without an answer the connection is given up. A machine that was switched off says so when it is back;
until then a radio link that comes back in time delivers what the server has kept."""
RETRY_SECS = (0.2, 0.5, 1.0, 2.0, 3.0, 5.0)
STEADY_SECS = 10.0
"""A connection that lasts less was none: the next attempt waits longer than the one before."""
QUIET_SECS = 0.3
"""A server that has something to send does not pause for so long."""
LATENCY_NANOS = 400_000_000
"""No quickest message took longer than this."""
JUMP_NANOS = 1_000_000_000
OTHER_CLOCK_NANOS = 60_000_000_000
"""Stamps so far away are of a simulation, or of something that is played."""
LAST_WORD = b"rrbridge-stop"
INT64_MAX = 2**63 - 1
LATCHED_NAMES = frozenset({"tf_static", "robot_description"})
"""What these protocols do not tell: which topics are latched. These are, in every ROS."""

Send: TypeAlias = Callable[[str], None]


class Dialect(Protocol):
    """What is said over the socket. Its methods are all called from the thread that iterates the session's events."""

    def opened(self, send: Send) -> Iterable[Event]:
        """The connection stands, for the first time or again. Messages are sent by `send`, as long as it stands."""

    def arrived(self, arrivals: Arrivals) -> Iterable[Event]:
        """Messages came."""

    def tick(self) -> Iterable[Event]:
        """Time has passed: at least ten times a second."""

    def subscribe(self, topic: str, msgtype: str) -> Iterable[Event]:
        """A topic is wanted; answered as `LiveSession.subscribe` says."""

    def closed(self) -> None:
        """The connection was lost."""


class WebSocketSession:
    """A connection that stays."""

    def __init__(
        self,
        client: WebSocketClient,
        connect: Callable[[], WebSocketClient],
        dialect: Dialect,
        description: str,
        drain_secs: float,
    ) -> None:
        """`connect` makes a connection as `client` is one; it raises SocketLostError."""
        self.description = description
        self._client = client
        self._connect = connect
        self._dialect = dialect
        self._drain_secs = drain_secs
        self._pending: deque[Event] = deque()
        self._stop = threading.Event()
        self._closed = False
        self._pinged = 0.0
        self._unanswered = 0
        self._last_word_until = 0.0
        self._stopped_nanos: int | None = None
        """When the stop was seen, by the wall clock."""
        self._quickest_nanos: dict[int, int] = {}
        """By connection: the least time from the server's stamp to arrival, with what the clocks differ by."""
        self._latest_nanos: dict[int, int] = {}
        """By connection: the last of the server's stamps."""
        self._is_caught_up = False
        self._connected_at = time.monotonic()
        self._waits = 0
        """How often it was waited before an attempt to connect, since a connection lasted."""
        self._is_lost = False
        """Whether there is no connection, which was told."""

    @property
    def silent_secs(self) -> float:
        """How long the server, which is asked every second, has said nothing."""
        return time.monotonic() - self._client.heard

    def subscribe(self, topic: str, msgtype: str) -> None:
        """Ask for a topic."""
        self._pending.extend(self._dialect.subscribe(topic, msgtype))

    def stop(self) -> None:
        """Ask to read what the server has sent until now."""
        self._stop.set()

    def close(self) -> None:
        """End now."""
        self._closed = True
        self._stop.set()
        self._client.close()

    def events(self) -> Iterator[Event]:
        """Everything that happens, until it is stopped."""
        try:
            yield from self._told(self._dialect.opened(self._client.send_text))
            while not self._is_over():
                try:
                    arrivals = self._client.receive(WAIT_SECS, COLLECT_SECS)
                    self._ask_for_life()
                except SocketLostError as err:
                    if self._stop.is_set():
                        self._is_caught_up = LAST_WORD in self._client.pongs  # it went after it had answered
                        break
                    yield from self._again(str(err))
                    continue
                if arrivals is not None:
                    yield from self._told(self._dialect.arrived(arrivals))
                yield from self._told(self._dialect.tick())
            yield from self._farewell()
        finally:
            self._client.leave()

    def _told(self, events: Iterable[Event]) -> Iterator[Event]:
        """Events, and those that are answers to them."""
        for event in events:
            if isinstance(event, Received) and len(event.batch):
                self._follow(event)
            yield event
            while self._pending:
                yield self._pending.popleft()

    def _follow(self, received: Received) -> None:
        """Whether what arrives now was sent after the stop: by the server's own stamps, as its clock may be another.

        The quickest message of a connection shows what a stamp means on our clock, but for the time that it took.
        """
        batch = received.batch
        number, stamps = batch.connection.id, batch.publish_time_nanos
        jumps = np.flatnonzero(np.diff(stamps, prepend=self._latest_nanos.get(number, stamps[0])) < -JUMP_NANOS)
        if len(jumps):  # played in a loop, or the simulation was started anew
            stamps = stamps[jumps[-1] :]
            self._quickest_nanos.pop(number, None)
        lags = batch.log_time_nanos[-len(stamps) :] - stamps
        quickest = min(self._quickest_nanos.get(number, INT64_MAX), int(lags.min()))
        self._quickest_nanos[number], self._latest_nanos[number] = quickest, int(stamps[-1])
        if self._stopped_nanos is not None:
            newest = int(stamps.max()) + quickest
            # a clock that is none of today, and slower than ours: nothing follows from its stamps
            is_slow = abs(quickest) > OTHER_CLOCK_NANOS and int(lags[-1]) - quickest > JUMP_NANOS
            self._is_caught_up |= is_slow or newest >= self._stopped_nanos + LATENCY_NANOS

    def _is_over(self) -> bool:
        """Whether everything was read that the server had sent when the stop was asked for."""
        if self._closed or not self._stop.is_set():
            return self._closed
        if self._is_lost:
            return True
        if self._stopped_nanos is None:
            self._stopped_nanos = time.time_ns()
            self._last_word_until = time.monotonic() + self._drain_secs
            self._client.ping(LAST_WORD)
        # A pong may overtake what waits in the server's own queues.
        is_answered = LAST_WORD in self._client.pongs and (self._is_quiet or self._is_caught_up)
        return is_answered or time.monotonic() > self._last_word_until

    @property
    def _is_quiet(self) -> bool:
        return self.silent_secs > QUIET_SECS

    def _farewell(self) -> Iterator[Event]:
        if self._closed:
            yield Ended("the connection was given up before everything was read")
            return
        text = ""
        if self._is_lost:
            pass  # nothing more can come of it, and that something may be missing was told
        elif LAST_WORD not in self._client.pongs:
            text = f"{self.description} did not answer to the stop: whether its last messages are missing is unknown"
        elif not (self._is_quiet or self._is_caught_up):
            text = f"{self.description} was still sending what it had kept when the time to drain was over: the rest is missing"
        if text:
            yield Notice(Severity.WARNING, text)
        yield Ended()

    def _ask_for_life(self) -> None:
        now = time.monotonic()
        if now - self._client.heard <= PING_SECS:
            self._unanswered = 0
        elif now - self._pinged > PING_SECS:
            # Counted, not timed: who was suspended for a minute has not heard anything either.
            if self._unanswered >= UNANSWERED_PINGS:
                raise SocketLostError(f"no sign of life for {now - self._client.heard:.0f} s")
            self._unanswered += 1
            self._pinged = now
            self._client.pongs.clear()
            self._client.ping(b"rrbridge")

    def _again(self, reason: str) -> Iterator[Event]:
        """Connect again, however long it takes."""
        lost_at, self._is_lost = self._client.heard, True
        self._dialect.closed()
        self._client.close()
        text = f"the connection to {self.description} is lost: {reason}; it is tried again, and what is sent meanwhile is missing"
        yield Notice(Severity.WARNING, text)
        attempt, told = 0, ""
        if time.monotonic() - self._connected_at > STEADY_SECS:
            self._waits = 0
        while not self._stop.wait(RETRY_SECS[min(self._waits, len(RETRY_SECS) - 1)]):
            attempt += 1
            self._waits += 1
            try:
                client = self._attempt()
            except SocketLostError as err:
                if str(err) != told and attempt > 1:
                    told = str(err)
                    yield Notice(Severity.INFO, f"still no connection to {self.description}: {told}")
                continue
            if client is None:
                return
            self._client, self._is_lost = client, False
            self._unanswered = 0
            self._connected_at = time.monotonic()
            if self._closed:
                self._client.close()
            secs = time.monotonic() - lost_at
            yield Notice(Severity.INFO, f"connected to {self.description} again, after {secs:.1f} s")
            yield from self._told(self._dialect.opened(self._client.send_text))
            return

    def _attempt(self) -> WebSocketClient | None:
        """A new connection; None if the stop came first, as an address that swallows everything is tried for long.

        Raises SocketLostError.
        """
        made: queue.SimpleQueue[WebSocketClient | SocketLostError] = queue.SimpleQueue()

        def connect() -> None:
            try:
                made.put(self._connect())
            except SocketLostError as err:
                made.put(err)

        threading.Thread(target=connect, name="websocket-connect", daemon=True).start()
        while not self._stop.is_set():
            with suppress(queue.Empty):
                found = made.get(timeout=WAIT_SECS)
                if isinstance(found, SocketLostError):
                    raise found
                return found
        return None


def server_url(address: str, default: str) -> str:
    """The address as a WebSocket's: `host`, `host:port` and `ws://…` are all understood."""
    if not address:
        return default
    if "://" in address:
        return address
    port = default.rpartition(":")[2]
    return f"ws://{address}" if ":" in address.rpartition("]")[2] else f"ws://{address}:{port}"
