"""The latest messages in memory, bounded in bytes and seconds: what a snapshot is made of."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

from rrbridge_bridge.live.source import Received
from rrbridge_bridge.record.backlog import weight

__all__ = ["Window"]


class Window:
    """Batches in the order of their arrival; the oldest leave first."""

    def __init__(self, limit_bytes: int, limit_secs: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit_bytes = limit_bytes
        self._limit_secs = limit_secs
        self._clock = clock
        self._batches: deque[tuple[float, int, Received]] = deque()
        self.nbytes = 0
        """What it holds, in the measure of `weight`."""

    def add(self, received: Received) -> None:
        """Take a batch in. A batch keeps its whole buffer in memory, so one that shares it comes as its own."""
        size = weight(received)
        self._batches.append((self._clock(), size, received))
        self.nbytes += size
        self._leave()

    def take_all(self) -> Sequence[Received]:
        """Everything that is not too old; the window is empty then."""
        self._leave()
        taken = [received for _, _, received in self._batches]
        self._batches.clear()
        self.nbytes = 0
        return taken

    def _leave(self) -> None:
        oldest = self._clock() - self._limit_secs if self._limit_secs is not None else None
        while self._batches and (
            self.nbytes > self._limit_bytes or (oldest is not None and self._batches[0][0] < oldest)
        ):
            _, size, _ = self._batches.popleft()
            self.nbytes -= size
