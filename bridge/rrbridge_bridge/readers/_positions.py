"""Where records stand in a chunk: an index is a hint, the records themselves are the truth.

An index names the messages of a chunk, so that none has to be walked. It may also be wrong, partial or absent. The rule here
gives the same answer in every case: records that the index names are checked all at once, whatever lies between them is
walked, and an index that contradicts the records is set aside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rrbridge_bridge.raw import Bytes, Int64s, structs_at

__all__ = ["Walked", "checked_positions", "gather"]

Walked: TypeAlias = tuple[list[int], int]
"""Positions of the messages in a stretch, and where walking stopped: its end, or the first torn record."""


def checked_positions(
    hints: Int64s,
    lo: int,
    hi: int,
    *,
    ends_of: Callable[[Int64s], tuple[Int64s, npt.NDArray[np.bool_]]],
    walk: Callable[[int, int], Walked],
) -> tuple[Int64s, int]:
    """Positions of all messages in `[lo, hi)`, rising, and where the records stop making sense (`hi` if all is well).

    After such a place there are the messages that the index names and that are there.

    `ends_of(positions)` gives the end of the record at each and whether it is a message that fits before `hi`;
    `walk(a, b)` goes from record to record.
    """
    positions = np.sort(hints)
    if len(positions) and lo <= positions[0] and positions[-1] < hi:
        ends, good = ends_of(positions)
        if good.all() and (ends[:-1] <= positions[1:]).all():
            complete = _with_gaps(positions, ends, lo, hi, walk)
            if complete is not None:
                return complete
    found, stop = _walked(walk(lo, hi))
    if stop < hi:
        found = np.concatenate((found, _after_tear(positions[positions >= stop], hi, ends_of)))
    return found, stop


def _after_tear(
    positions: Int64s, hi: int, ends_of: Callable[[Int64s], tuple[Int64s, npt.NDArray[np.bool_]]]
) -> Int64s:
    """Those of the positions at which whole messages stand, none within another."""
    found: list[int] = []
    free = 0
    for position in positions.tolist():
        if free <= position < hi:
            (end,), (is_good,) = ends_of(np.array([position]))
            if is_good:
                found.append(position)
                free = int(end)
    return np.array(found, np.int64)


def gather(buffer: Bytes, positions: Int64s, dtype: np.dtype[np.void]) -> npt.NDArray[np.void]:
    """The structs that stand at `positions`, which must all lie inside the buffer."""
    return structs_at(buffer, positions, dtype)


def _with_gaps(
    positions: Int64s, ends: Int64s, lo: int, hi: int, walk: Callable[[int, int], Walked]
) -> tuple[Int64s, int] | None:
    """The positions and those between them; None if what lies between two of them are no records."""
    gap_starts = np.concatenate(([lo], ends))
    gap_ends = np.concatenate((positions, [hi]))
    more: list[int] = []
    stop = hi
    for gap in np.flatnonzero(gap_starts < gap_ends).tolist():
        a, b = int(gap_starts[gap]), int(gap_ends[gap])
        found, reached = walk(a, b)
        if gap == len(positions):
            stop = reached
        elif reached != b:
            return None
        more += found
    if more:
        positions = np.sort(np.concatenate((positions, np.array(more, np.int64))))
    return positions, stop


def _walked(walked: Walked) -> tuple[Int64s, int]:
    found, stop = walked
    return np.array(found, np.int64), stop
