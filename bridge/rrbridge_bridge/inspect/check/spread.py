"""How numbers of a long stream are spread, in little memory: quantiles within a few percent, and the largest ones exactly."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rrbridge_bridge.raw import Int64s

__all__ = ["Intervals", "Spread"]

BINS_PER_OCTAVE = 16
BINS = 64 * BINS_PER_OCTAVE
SEVERAL = 3
"""So many gaps that take up most of the time are what lies between bursts."""
KEPT = 256
"""So many of the largest intervals of a stream are kept, each with its time."""


class Spread:
    """Of any int64 numbers. A quantile is off by at most one part in twenty."""

    def __init__(self) -> None:
        self._below = np.zeros(BINS, np.int64)
        self._above = np.zeros(BINS, np.int64)
        self.zeros = 0
        self.count = 0
        self.total = 0
        self.least: int | None = None
        self.most: int | None = None

    def add(self, values: Int64s) -> None:
        """More numbers, shape (N,)."""
        if not len(values):
            return
        self.count += len(values)
        self.total += int(values.sum())
        self.zeros += int((values == 0).sum())
        for sign, counts in ((-1, self._below), (1, self._above)):
            part = values[values < 0] if sign < 0 else values[values > 0]
            if len(part):
                bins = (np.log2(np.abs(part.astype(np.float64))) * BINS_PER_OCTAVE).astype(np.int64)
                counts += np.bincount(np.minimum(bins, BINS - 1), minlength=BINS)
        least, most = int(values.min()), int(values.max())
        self.least = least if self.least is None else min(self.least, least)
        self.most = most if self.most is None else max(self.most, most)

    def quantile(self, share: float) -> float:
        """The number that this share of all is below or at; 0 without numbers."""
        counts = np.concatenate((self._below[::-1], [self.zeros], self._above))
        if not self.count:
            return 0.0
        at = int(np.searchsorted(np.cumsum(counts), share * self.count, side="left")) - BINS
        at = min(at, BINS)
        value = 0.0 if at == 0 else float(np.sign(at) * 2 ** ((abs(at) - 0.5) / BINS_PER_OCTAVE))
        return float(np.clip(value, self.least or 0, self.most or 0))

    def above(self, limit: float) -> int:
        """About how many numbers are larger than a positive limit."""
        first = int(np.log2(max(limit, 1.0)) * BINS_PER_OCTAVE) + 1
        return int(self._above[first:].sum())

    def below(self, limit: float) -> int:
        """About how many numbers are less than a negative limit."""
        first = int(np.log2(max(-limit, 1.0)) * BINS_PER_OCTAVE) + 1
        return int(self._below[first:].sum())


class Intervals:
    """Between times that follow each other in a stream: usual ones, the longest ones, and steps back."""

    def __init__(self) -> None:
        self.spread = Spread()
        self.count = 0
        """Of times."""
        self.first: int | None = None
        self.last: int | None = None
        self.steps_back = 0
        self.longest_back = 0
        """Nanoseconds, positive."""
        self.back_at: int | None = None
        """The time before the longest step back."""
        self._longest = np.zeros((0, 2), np.int64)

    def add(self, times: Int64s) -> None:
        """More times, in order of the stream; shape (N,)."""
        if not len(times):
            return
        before = times[:0] if self.last is None else np.array([self.last], np.int64)
        row = np.concatenate((before, times))
        steps = np.diff(row)
        forward = steps > 0
        self.spread.add(steps[forward])
        back = np.flatnonzero(steps < 0)
        if len(back):
            self.steps_back += len(back)
            worst = back[int(steps[back].argmin())]
            if -steps[worst] > self.longest_back:
                self.longest_back, self.back_at = int(-steps[worst]), int(row[worst])
        found = np.concatenate((self._longest, np.stack([steps[forward], row[:-1][forward]], axis=1)))
        if len(found) > KEPT:
            found = found[np.argpartition(found[:, 0], -KEPT)[-KEPT:]]
        self._longest = found
        self.count += len(times)
        self.first = int(times[0]) if self.first is None else self.first
        self.last = int(times[-1])

    @property
    def usual(self) -> float:
        """The median interval in nanoseconds."""
        return self.spread.quantile(0.5)

    def longest(self, above: float) -> npt.NDArray[np.int64]:
        """`(interval, time at its start)` of those that are longer, the longest first; shape (k, 2)."""
        found = self._longest[self._longest[:, 0] > above]
        return found[np.lexsort((found[:, 1], -found[:, 0]))]

    def is_regular(self) -> bool:
        """Whether there is a period at all: nine of ten intervals are not much longer than the usual one.

        Nor, but for the few longest, do the others make up most of the time, as they do where messages come in bursts.
        """
        count = self.spread.count
        if count < 10 or self.spread.quantile(0.9) > 3 * self.usual:
            return False
        few = min(max(3, count // 100), KEPT)
        longest = int(np.sort(self._longest[:, 0])[-few:].sum())
        if self.spread.total - longest > 3 * self.usual * (count - few):
            return False
        gaps = self.longest(self.gap_limit())
        return len(gaps) < SEVERAL or 2 * int(gaps[:, 0].sum()) <= self.spread.total

    def gap_limit(self) -> float:
        """Longer intervals are gaps, in nanoseconds."""
        return max(5 * self.usual, 3 * self.spread.quantile(0.9), self.usual + 50e6)
