"""The latest messages in memory, bounded in bytes and seconds: what a snapshot is made of."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from rrbridge_bridge.live.source import Received
from rrbridge_bridge.record.backlog import weight
from rrbridge_bridge.record.throttle import taken

__all__ = ["Window"]


class Window:
    """Batches in the order of their arrival; the oldest leave first.

    How old a message is follows from its own time of arrival, whenever its batch is added, and is not changed by the wall clock
    being set after that.
    """

    def __init__(
        self,
        limit_bytes: int,
        limit_secs: float | None,
        steady_nanos: Callable[[], int] = time.monotonic_ns,
        wall_nanos: Callable[[], int] = time.time_ns,
    ) -> None:
        self._limit_bytes = limit_bytes
        self._limit_nanos = None if limit_secs is None else round(limit_secs * 1e9)
        self._steady_nanos = steady_nanos
        self._wall_nanos = wall_nanos
        self._batches: deque[tuple[int, int, Received]] = deque()
        """What the steady clock was ahead of the wall's, weight, batch."""
        self.nbytes = 0
        """What it holds, in the measure of `weight`."""

    def add(self, received: Received) -> None:
        """Take a batch in. A batch keeps its whole buffer in memory, so one that shares it comes as its own."""
        size = weight(received)
        self._batches.append((self._steady_nanos() - self._wall_nanos(), size, received))
        self.nbytes += size
        oldest = self._oldest_nanos()
        while self._batches and (self.nbytes > self._limit_bytes or self._is_before(oldest)):
            _, size, _ = self._batches.popleft()
            self.nbytes -= size

    def take_all(self) -> Sequence[Received]:
        """Everything that is not too old; the window is empty then."""
        oldest = self._oldest_nanos()
        found = []
        for ahead, _, received in self._batches:
            keep = received.batch.log_time_nanos + ahead >= oldest
            if keep.any():
                found.append(received if keep.all() else taken(received, keep))
        self._batches.clear()
        self.nbytes = 0
        return found

    def _oldest_nanos(self) -> int:
        """By the steady clock."""
        return -(2**63) if self._limit_nanos is None else self._steady_nanos() - self._limit_nanos

    def _is_before(self, oldest_nanos: int) -> bool:
        """Whether the first batch has nothing else."""
        ahead, _, received = self._batches[0]
        return bool(np.all(received.batch.log_time_nanos + ahead < oldest_nanos))
