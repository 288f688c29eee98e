"""How late messages were sent: counted in steps, so that memory does not grow with their number."""

from __future__ import annotations

import math
from collections import Counter

__all__ = ["LATE_NANOS", "Lateness"]

LATE_NANOS = 10_000_000
"""Later than this is called late: longer than a system that has time for us takes to wake us up."""
STEP = math.log(1.05)
"""Percentiles are right within 5 %."""


class Lateness:
    """Of every message that had a time to be sent at."""

    def __init__(self) -> None:
        self.messages = 0
        self.late = 0
        """Later than `LATE_NANOS`."""
        self.most_nanos = 0
        self._steps: Counter[int] = Counter()

    def add(self, nanos: int) -> None:
        """One message; what was sent before its time counts as in time."""
        self.messages += 1
        if nanos <= 0:
            self._steps[0] += 1
            return
        self._steps[math.ceil(math.log1p(nanos) / STEP)] += 1
        self.most_nanos = max(self.most_nanos, nanos)
        self.late += nanos > LATE_NANOS

    def percentile(self, share: float) -> int:
        """So late were at most `share` (0 to 1) of the messages, nanoseconds; 0 for none."""
        left = math.ceil(share * self.messages)
        for step, count in sorted(self._steps.items()):
            left -= count
            if left <= 0:
                return min(round(math.expm1(step * STEP)), self.most_nanos)
        return self.most_nanos
