"""What all entities together say about one child frame over time, ready to be asked at many times at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rrbridge._store import ChunkStore
from rrbridge._store_index import ALWAYS, NEVER
from rrbridge._transform_table import TransformTable
from rrbridge._transform_tracks import Found, Track

__all__ = ["NO_ROW", "EdgeSteps"]

NO_ROW = -2
"""In place of a parent frame: there is no transform."""

Indices = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class EdgeSteps:
    """The rows about a child frame, on one timeline: k times at which another one comes into force, k + 1 intervals.

    Of several entities the latest row counts; before all of them static ones do. Where a clear lets an older row of
    another entity come into force again, that row is held and not put in between.
    """

    times: Indices
    """Shape (k,), rising."""
    rows: Indices
    """The row of each interval, shape (k + 1,): the first is static or none, the others from `times` on; -1 = none."""
    own_times: Indices
    """The time of the row that comes into force at each of `times`; the same but after clears. Shape (k,)."""
    parents: Indices
    """The parent frame in each interval; NO_ROW = none, -1 = the row names none. Shape (k + 1,)."""
    blends: Bools
    """In which intervals the transform is between the interval's row and the next, shape (k + 1,)."""
    is_plain: bool
    """Whether all rows are translations and quaternions."""
    is_latched: bool
    """Whether no row is ever too old to be held."""

    @classmethod
    def of(cls, tracks: Sequence[Track], store: ChunkStore, table: TransformTable, timeline: str) -> EdgeSteps:
        """Of one timeline, as the store is now."""
        statics = [row for track in tracks if (row := track.static_row(store, timeline)) >= 0]
        moving = [track for track in tracks if track.static_row(store, timeline) < 0]
        first = max(statics, key=lambda row: table.row_ids(np.array([row]))[0].tobytes(), default=-1)
        times, rows, own_times = _merged([track.steps(store, table, timeline) for track in moving], table, first)
        rows = np.concatenate([[first], rows])
        known = rows >= 0
        parents = np.where(known, table.parents(np.maximum(rows, 0)), NO_ROW)
        prompt = np.concatenate([[False], known[1:] & (times == own_times), [False]])
        blends = prompt[:-1] & prompt[1:]
        blends[:-1] &= parents[:-1] == parents[1:]
        is_plain = not table.is_special(rows[known]).any()
        is_latched = len(times) == 0 or all(track.is_latched for track in moving)
        return cls(times, rows, own_times, parents, blends, is_plain, is_latched)

    def found(self, time: int) -> Found:
        """The row in force at a time."""
        position = bisect_right(self.times, time)
        since = int(self.times[position - 1]) if position else ALWAYS
        until = int(self.times[position]) if position < len(self.times) else NEVER
        next_row = int(self.rows[position + 1]) if self.blends[position] else -1
        return Found(int(self.rows[position]), since, until, next_row)


def _merged(
    tracks: Sequence[tuple[Indices, Indices]], table: TransformTable, first: int
) -> tuple[Indices, Indices, Indices]:
    """When another row comes into force, which, and its own time; `first` stands where no track has one."""
    if len(tracks) == 1 and first < 0:
        times, rows = tracks[0]
        return times, rows, times
    times = np.unique(np.concatenate([np.empty(0, np.int64), *(times for times, _ in tracks)]))
    rows, own_times = np.full(len(times), -1, np.int64), np.full(len(times), ALWAYS, np.int64)
    for its_times, its_rows in tracks:
        position = np.searchsorted(its_times, times, "right")
        theirs = np.concatenate([[-1], its_rows])[position]
        since = np.concatenate([[ALWAYS], its_times])[position]
        later = (theirs >= 0) & (
            (rows < 0) | (since > own_times) | ((since == own_times) & _newer(table, theirs, rows))
        )
        rows, own_times = np.where(later, theirs, rows), np.where(later, since, own_times)
    own_times = np.where(rows < 0, ALWAYS, own_times)
    rows = np.where(rows < 0, first, rows)
    changes = np.diff(rows, prepend=first) != 0
    return times[changes], rows[changes], own_times[changes]


def _newer(table: TransformTable, rows: Indices, others: Indices) -> Bools:
    ids, other_ids = table.row_ids(rows), table.row_ids(others)
    newer: Bools = (ids[:, 0] > other_ids[:, 0]) | ((ids[:, 0] == other_ids[:, 0]) & (ids[:, 1] > other_ids[:, 1]))
    return newer
