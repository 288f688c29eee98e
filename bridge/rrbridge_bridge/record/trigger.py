"""A message of a topic asks for a snapshot."""

from __future__ import annotations

import time
from collections.abc import Callable

from rrbridge_bridge.live.source import Received

__all__ = ["Trigger"]

ONCE_IN_SECS = 0.5


class Trigger:
    """Hears a topic; what it then does is told when the recorder is there. Of many messages in a moment two are enough: the
    first is followed at once, the others together when the moment is over."""

    def __init__(self) -> None:
        self._began_nanos = time.time_ns()
        self._fired = -ONCE_IN_SECS
        self._is_due = False
        self._fire: Callable[[], object] | None = None

    def connect(self, fire: Callable[[], object]) -> None:
        """Do this from now on."""
        self._fire = fire

    def hear(self, received: Received) -> None:
        """Messages arrived; one that was sent before the recorder was there (and latched) asks for nothing."""
        batch = received.batch
        if len(batch) and int(batch.publish_time_nanos[-1]) >= self._began_nanos:
            self._is_due = True
            self.look()

    def look(self) -> None:
        """Do what is due; to be called now and then."""
        if self._is_due and self._fire and time.monotonic() - self._fired >= ONCE_IN_SECS:
            self._is_due = False
            self._fired = time.monotonic()
            self._fire()
