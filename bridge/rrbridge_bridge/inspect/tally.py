"""Counting messages as they go by: how many, how large, from when to when, and the longest silence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rrbridge_bridge.raw import Int64s

__all__ = ["Tally", "tally_rows"]


@dataclass(slots=True)
class Tally:
    """Of one connection, in the order in which its messages stand in the file."""

    count: int = 0
    nbytes: int = 0
    start_nanos: int | None = None
    end_nanos: int | None = None
    gap_nanos: int = 0
    """The longest time without a message, between two."""
    gap_at_nanos: int | None = None
    """When it began."""

    def add(self, times_nanos: Int64s, sizes: Int64s) -> None:
        """More messages, shape (N,)."""
        if not len(times_nanos):
            return
        known = [] if self.end_nanos is None else [self.end_nanos]
        times = np.sort(np.append(np.array(known, np.int64), times_nanos))
        steps = np.diff(times)
        if len(steps):
            longest = int(steps.argmax())
            if steps[longest] > self.gap_nanos:
                self.gap_nanos, self.gap_at_nanos = int(steps[longest]), int(times[longest])
        first = int(times_nanos.min())
        self.start_nanos = first if self.start_nanos is None else min(self.start_nanos, first)
        self.end_nanos = int(times[-1])
        self.count += len(times_nanos)
        self.nbytes += int(sizes.sum())


def tally_rows(tallies: dict[int, Tally], connection_ids: Int64s, times_nanos: Int64s, sizes: Int64s) -> None:
    """Messages of any connections, shape (N,)."""
    order = np.argsort(connection_ids, kind="stable")
    cuts = np.flatnonzero(np.diff(connection_ids[order])) + 1
    for rows in _parts(order, cuts):
        tallies.setdefault(int(connection_ids[rows[0]]), Tally()).add(times_nanos[rows], sizes[rows])


def _parts(order: Int64s, cuts: Int64s) -> Iterable[Int64s]:
    return (part for part in np.split(order, cuts) if len(part))
