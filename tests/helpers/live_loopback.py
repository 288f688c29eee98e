"""A live sink that keeps what it is given, as the graph would see it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rrbridge_bridge.live.sink import SinkOptions
from rrbridge_bridge.live.source import Notice
from rrbridge_bridge.raw import Connection


@dataclass(frozen=True, slots=True)
class Published:
    """One message as it left."""

    connection: Connection
    payload: bytes
    log_time_nanos: int
    publish_time_nanos: int
    sent_secs: float
    """By the session's clock."""


@dataclass(eq=False)
class LoopbackSession:
    """Everything in order: `published`, `clocks`, and both with jumps in `events`."""

    description: str = "loopback"
    encodings: frozenset[str] = frozenset()
    now_secs: Callable[[], float] = time.monotonic
    refused: Mapping[str, str] = field(default_factory=dict)
    """By topic, why it is not advertised."""
    listeners: int | None = 1
    advertised: dict[int, Connection] = field(default_factory=dict)
    latched: dict[int, int] = field(default_factory=dict)
    """How many messages latched connections keep."""
    events: list[Published | int | str] = field(default_factory=list)
    """Messages, times of the clock, and `seeked`."""
    closed: bool = False

    @property
    def published(self) -> list[Published]:
        """Messages only."""
        return [event for event in self.events if isinstance(event, Published)]

    @property
    def clocks(self) -> list[int]:
        """Times that the clock told."""
        return [event for event in self.events if isinstance(event, int)]

    def payloads(self) -> dict[str, list[bytes]]:
        """By topic."""
        found: dict[str, list[bytes]] = {}
        for one in self.published:
            found.setdefault(one.connection.topic, []).append(one.payload)
        return found

    def advertise(self, connection: Connection, latched: bool, keep: int = 1) -> str:
        """Of the protocol."""
        assert connection.id not in self.advertised, "ids are new to the session"
        assert not self.encodings or connection.encoding in self.encodings
        if connection.topic in self.refused:
            return self.refused[connection.topic]
        self.advertised[connection.id] = connection
        if latched:
            self.latched[connection.id] = keep
        return ""

    def publish(self, connection_id: int, payload: memoryview, log_time_nanos: int, publish_time_nanos: int) -> None:
        """Of the protocol."""
        connection = self.advertised[connection_id]
        self.events.append(Published(connection, bytes(payload), log_time_nanos, publish_time_nanos, self.now_secs()))

    def clock(self, nanos: int) -> None:
        """Of the protocol."""
        self.events.append(nanos)

    def subscribers(self, connection_id: int) -> int | None:
        """Of the protocol."""
        assert connection_id in self.advertised
        return self.listeners

    def seeked(self) -> None:
        """Of the protocol."""
        self.events.append("seeked")

    def notices(self) -> Sequence[Notice]:
        """Of the protocol."""
        return ()

    def close(self) -> None:
        """Of the protocol."""
        self.closed = True


@dataclass(eq=False)
class LoopbackSink:
    """Opens the session that it is given."""

    session: LoopbackSession = field(default_factory=LoopbackSession)
    name: str = "loopback"
    priority: int = 0
    asked: SinkOptions | None = None

    def signs(self, environment: Mapping[str, str]) -> str:
        """Of the protocol."""
        return environment.get("LOOPBACK", "")

    def open(self, options: SinkOptions) -> LoopbackSession:
        """Of the protocol."""
        self.asked = options
        return self.session
