"""When each part of a file begins and ends, as its index tells: whether messages stand by time in it, and how to read them so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from rrbridge_bridge.raw import Int64s

__all__ = ["HasTimeSpans", "TimeSpans"]

Window = tuple[int | None, int | None]
"""The first and the last moment, both included; None: whatever there is."""


@dataclass(frozen=True, eq=False, slots=True)
class TimeSpans:
    """Of N parts in file order; arrays of shape (N,)."""

    start_nanos: Int64s
    end_nanos: Int64s
    nbytes: Int64s

    @classmethod
    def of(cls, spans: Sequence[tuple[int, int, int]]) -> TimeSpans:
        """From `(first moment, last moment, bytes)` of each part; parts of nothing are left out."""
        columns = np.array([span for span in spans if span[2]], np.int64).reshape(-1, 3).T
        return cls(columns[0], columns[1], columns[2])

    @classmethod
    def joined(cls, several: Sequence[TimeSpans]) -> TimeSpans:
        """Of files that are read one after the other."""
        return cls(
            np.concatenate([one.start_nanos for one in several]),
            np.concatenate([one.end_nanos for one in several]),
            np.concatenate([one.nbytes for one in several]),
        )

    def displaced_bytes(self) -> int:
        """At most so many bytes of the file lie between a message and where its time has its place."""
        if not len(self.nbytes):
            return 0
        ends = np.maximum.accumulate(self.end_nanos)
        first = np.searchsorted(ends, self.start_nanos, "right")  # the first part that has something later
        behind = np.cumsum(self.nbytes)
        before = behind - self.nbytes
        late = first < np.arange(len(first))
        return int((behind[late] - before[first[late]]).max()) if late.any() else 0

    def windows(self, start_nanos: int | None, end_nanos: int | None, most_bytes: int) -> list[Window]:
        """Stretches of time one after the other, of about so many bytes each, as far as parts can be told apart."""
        moments = np.concatenate([self.start_nanos, self.end_nanos])
        order = np.argsort(moments, kind="stable")
        so_far = np.cumsum(np.concatenate([self.nbytes, self.nbytes])[order]) // 2
        steps = np.arange(most_bytes, int(so_far[-1]) if len(so_far) else 0, most_bytes)
        cuts = np.unique(moments[order][np.searchsorted(so_far, steps)])
        low, high = start_nanos, end_nanos
        inner = [cut for cut in cuts.tolist() if (low is None or cut > low) and (high is None or cut <= high)]
        return list(zip([low, *inner], [*(cut - 1 for cut in inner), high], strict=True))


@runtime_checkable
class HasTimeSpans(Protocol):
    """A reader that knows when the parts of its file begin and end."""

    def time_spans(self) -> TimeSpans | None:
        """Of its parts in file order; None where no index tells."""
