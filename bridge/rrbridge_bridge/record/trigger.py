"""A message of a topic asks for a snapshot."""

from __future__ import annotations

import time
from collections.abc import Callable

from rrbridge_bridge.live.source import Received

__all__ = ["Trigger"]


class Trigger:
    """Hears a topic; what it then does is told when the recorder is there."""

    def __init__(self) -> None:
        self._began_nanos = time.time_ns()
        self._fire: Callable[[], object] | None = None

    def connect(self, fire: Callable[[], object]) -> None:
        """Do this with each message from now on."""
        self._fire = fire

    def hear(self, received: Received) -> None:
        """Messages arrived; one that was sent before the recorder was there (and latched) asks for nothing."""
        batch = received.batch
        if self._fire and len(batch) and int(batch.publish_time_nanos[-1]) >= self._began_nanos:
            self._fire()
