"""At most so many messages of each topic, as `rosbag record --limit` has it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rrbridge_bridge.live.source import Announced, Event, LiveSession, Received
from rrbridge_bridge.record.throttle import taken
from rrbridge_bridge.record.wrapped import WrappedSession

__all__ = ["LimitedSession"]


class LimitedSession(WrappedSession):
    """Passes on the first messages of each topic; what comes after them was not asked for and is not counted."""

    def __init__(self, inner: LiveSession, limit: int) -> None:
        super().__init__(inner)
        self._limit = limit
        self._left: dict[int, int] = {}

    @property
    def is_reached(self) -> bool:
        """Whether every topic that is recorded has brought its messages, and there is one."""
        left = list(self._left.values())
        return bool(left) and not any(left)

    def events(self) -> Iterator[Event]:
        """What the inner session says, without messages beyond the limit."""
        for event in self._inner.events():
            match event:
                case Announced(connection):
                    self._left.setdefault(connection.id, self._limit)
                    yield event
                case Received(batch):
                    left = self._left[batch.connection.id]
                    count = min(left, len(batch))
                    if count:
                        yield event if count == len(batch) else taken(event, np.arange(len(batch)) < count)
                    self._left[batch.connection.id] = left - count
                case _:
                    yield event
