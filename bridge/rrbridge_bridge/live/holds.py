"""Messages that came before the definition of their type, which somebody was asked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from rrbridge_bridge.live.source import Received
from rrbridge_bridge.raw import Connection

__all__ = ["Holds"]

MAX_BYTES = 64 << 20
"""A connection that holds more does not wait any longer."""


@dataclass(eq=False)
class _Hold:
    until: float
    messages: list[Received] = field(default_factory=list)
    nbytes: int = 0


class Holds:
    """The connections that wait, by number, each with what has come meanwhile."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._holds: dict[int, _Hold] = {}

    def __contains__(self, number: int) -> bool:
        """Whether a connection waits."""
        return number in self._holds

    def wait(self, number: int, secs: float) -> None:
        """Let a connection wait for so long from now, whether or not it does already."""
        self._holds.setdefault(number, _Hold(0.0)).until = self._clock() + secs

    def take(self, received: Received) -> bool:
        """Keep messages whose connection waits; whether it does."""
        hold = self._holds.get(received.batch.connection.id)
        if hold is None:
            return False
        hold.messages.append(received)
        hold.nbytes += received.batch.payload_bytes
        return True

    def overdue(self) -> list[int]:
        """Those that have waited long enough, or hold too much."""
        now = self._clock() if self._holds else 0.0
        return [number for number, hold in self._holds.items() if now > hold.until or hold.nbytes > MAX_BYTES]

    def end(self, connection: Connection) -> list[Received]:
        """What has come, as of this connection; it waits no more."""
        hold = self._holds.pop(connection.id, None)
        messages = hold.messages if hold else []
        return [replace(received, batch=replace(received.batch, connection=connection)) for received in messages]
