"""Two clocks side by side: the one on the wall, which people and programs set, and one that only runs on."""

from __future__ import annotations

import time

__all__ = ["Clocks"]

NOTED_NANOS = 10_000_000
"""A difference is noted again when it has changed by this much."""
NOTED_TIMES = 1024
JUMP_NANOS = 500_000_000
"""From here on it is a jump that a person should know of."""


class Clocks:
    """Notes how the wall clock runs, so that the true time between messages can be had from their stamps."""

    def __init__(self) -> None:
        self.readings: list[tuple[int, int]] = []
        """Of the wall and of the steady clock, nanoseconds."""
        self.look()

    def look(self) -> int:
        """Compare them; by how much the wall clock has jumped since they were last noted, 0 if it has not."""
        wall, steady = time.time_ns(), time.monotonic_ns()
        if not self.readings:
            self.readings.append((wall, steady))
            return 0
        noted_wall, noted_steady = self.readings[-1]
        change = (wall - steady) - (noted_wall - noted_steady)
        if abs(change) < NOTED_NANOS:
            return 0
        self.readings.append((wall, steady))
        if len(self.readings) > NOTED_TIMES:
            del self.readings[NOTED_TIMES // 2]
        return change if abs(change) >= JUMP_NANOS else 0
