"""How much room a recording has left, and for how long it lasts."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

__all__ = ["Disk", "DiskMeter"]

WINDOW_SECS = 20.0
LEAST_SECS = 3.0


@dataclass(frozen=True, slots=True)
class Disk:
    """The room that is left."""

    free_bytes: int
    secs_until_full: float | None
    """Until the recorder stops for want of room, if it goes on as in the last seconds; None: not to be told."""


class DiskMeter:
    """Works it out from how the recording grows."""

    def __init__(self, min_free_bytes: int, *, is_ring: bool = False) -> None:
        """A ring deletes as much as it writes, once it is full."""
        self._min_free_bytes = min_free_bytes
        self._is_ring = is_ring
        self._written: deque[tuple[float, int]] = deque()

    def look(self, now_secs: float, written_bytes: int, free_bytes: int | None) -> Disk | None:
        """What is left now, when so much has been written; None if it is not known how much is free."""
        self._written.append((now_secs, written_bytes))
        while now_secs - self._written[0][0] > WINDOW_SECS:
            self._written.popleft()
        return None if free_bytes is None else Disk(free_bytes, self._secs_left(free_bytes))

    def _secs_left(self, free_bytes: int) -> float | None:
        (first_secs, first_bytes), (last_secs, last_bytes) = self._written[0], self._written[-1]
        secs, grown = last_secs - first_secs, last_bytes - first_bytes
        if secs < LEAST_SECS or grown <= 0 or self._is_ring:
            return None
        return max(free_bytes - self._min_free_bytes, 0) * secs / grown
