"""Which row stands where in time: of one entity's components, on the timeline that a query goes by.

The rows of all chunks that have a component are numbered one after the other; the clears that reach the entity follow.
Of several rows with one time the one with the greatest row id stands there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rrbridge._query_chunks import Outline
from rrbridge._timeline import STATIC_TIME
from rrbridge._tuid import TuidArray

__all__ = ["MISSING", "ClearRows", "EntityRows", "Rows", "as_array", "entity_rows", "positions_at", "positions_until"]

MISSING = -1
"""Stands for no row."""

Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]
Times = npt.NDArray[np.int64]

_NO_TIMES: Times = np.empty(0, np.int64)
_NO_IDS: TuidArray = np.empty((0, 2), ">u8")


@dataclass(frozen=True, eq=False, slots=True)
class Rows:
    """One row for each of some times."""

    times: Times
    """Strictly rising."""
    numbers: Indices | None
    """The row that stands at each time; None: row i at time i."""

    def at(self, positions: Indices | range) -> Indices | range:
        """Row numbers of positions; MISSING stays MISSING. A range is of positions one after the other."""
        if self.numbers is None:
            return positions
        if isinstance(positions, range):
            return self.numbers[positions.start : positions.stop]
        if not len(self.numbers):
            return np.full(len(positions), MISSING)
        found = self.numbers[positions]
        found[positions == MISSING] = MISSING
        return found


@dataclass(frozen=True, eq=False, slots=True)
class ClearRows:
    """The clears that reach an entity, on one timeline."""

    chunks: tuple[tuple[Outline, Indices], ...]
    """Chunks on the timeline, and their rows that clear."""
    times: Times
    row_ids: TuidArray

    @classmethod
    def of(cls, parts: Sequence[tuple[Outline, Indices]], index: str) -> ClearRows:
        """Of the rows of some chunks, those that are on a timeline."""
        found = tuple((chunk, rows) for chunk, rows in parts if index in chunk.times)
        times = np.concatenate([_NO_TIMES, *(chunk.times[index][rows] for chunk, rows in found)])
        ids = np.concatenate([_NO_IDS, *(chunk.row_ids[rows] for chunk, rows in found)], dtype=">u8")
        return cls(found, times, ids)

    def stamps(self, timeline: str) -> Times:
        """Their times on another timeline; STATIC_TIME where they are not on it."""
        parts = [
            chunk.times[timeline][rows] if timeline in chunk.times else np.full(len(rows), STATIC_TIME)
            for chunk, rows in self.chunks
        ]
        return np.concatenate([_NO_TIMES, *parts])


@dataclass(frozen=True, eq=False, slots=True)
class EntityRows:
    """The rows of an entity that have one component, or several that were always logged together."""

    chunks: tuple[Outline, ...]
    starts: Indices
    """The number of each chunk's first row, and at the end the count of rows: shape (chunks + 1,)."""
    clears: ClearRows
    shown: Rows
    """What stands at each time, clears included."""
    filled: Rows
    """What stands at each time, clears left out: the reference fills up with what was there before a clear."""
    _stamps: dict[str, Times] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many rows the chunks have; greater row numbers are clears."""
        return int(self.starts[-1])

    def stamps(self, timeline: str) -> Times:
        """The time of every row, by number, on another timeline; STATIC_TIME where it is not on it."""
        found = self._stamps.get(timeline)
        if found is None:
            parts = [
                chunk.times[timeline] if timeline in chunk.times else np.full(chunk.num_rows, STATIC_TIME)
                for chunk in self.chunks
            ]
            found = self._stamps[timeline] = np.concatenate([_NO_TIMES, *parts, self.clears.stamps(timeline)])
        return found


def entity_rows(
    chunks: Sequence[Outline], valid: Sequence[Bools | None], index: str, clears: ClearRows | None
) -> EntityRows:
    """The rows of chunks that are all on the timeline `index`; `valid` says which of each chunk's rows count."""
    order = sorted(range(len(chunks)), key=lambda i: int(chunks[i].times[index][0]))
    ordered = tuple(chunks[i] for i in order)
    masks = [valid[i] for i in order]
    starts = np.concatenate(([0], np.cumsum([chunk.num_rows for chunk in ordered]))).astype(np.int64)
    times = np.concatenate([_NO_TIMES, *(chunk.times[index] for chunk in ordered)])
    is_real = times > STATIC_TIME  # other rows are found by no query (FORMAT §5.2)
    kept: Bools | None = None
    if not is_real.all() or any(mask is not None for mask in masks):
        masks = [np.ones(chunk.num_rows, bool) if m is None else m for chunk, m in zip(ordered, masks, strict=True)]
        kept = np.concatenate([*masks]) & is_real
    numbers = None if kept is None else np.flatnonzero(kept)
    filled = _standing(ordered, times if numbers is None else times[numbers], numbers)
    if clears is None or not len(clears.times):
        return EntityRows(ordered, starts, clears or ClearRows.of((), index), filled, filled)
    return EntityRows(ordered, starts, clears, _with_clears(ordered, starts, filled, clears), filled)


def _standing(chunks: tuple[Outline, ...], times: Times, numbers: Indices | None) -> Rows:
    """One row for each time, of rows with the given numbers (None: all)."""
    if bool((times[1:] > times[:-1]).all()):
        return Rows(times, numbers)
    order = np.argsort(times, kind="stable")
    rising = times[order]
    same = rising[1:] == rising[:-1]
    if same.any():
        shared = np.zeros(len(times), bool)
        shared[1:] |= same
        shared[:-1] |= same
        ids = _row_ids(chunks)
        rivals = order[shared]
        rival_ids = ids[rivals if numbers is None else numbers[rivals]]
        order[shared] = rivals[np.lexsort((rival_ids[:, 1], rival_ids[:, 0], times[rivals]))]
        last = np.append(~same, True)
        order, rising = order[last], rising[last]
    return Rows(rising, order if numbers is None else numbers[order])


def _with_clears(chunks: tuple[Outline, ...], starts: Indices, data: Rows, clears: ClearRows) -> Rows:
    """Rows and clears together; a row that clears its own entity keeps its own data."""
    numbers = np.arange(len(data.times)) if data.numbers is None else data.numbers
    ids = np.concatenate([_row_ids(chunks)[numbers], clears.row_ids], dtype=">u8")
    times = np.concatenate([data.times, clears.times])
    numbers = np.concatenate([numbers, starts[-1] + np.arange(len(clears.times))])
    order = np.lexsort((numbers < starts[-1], ids[:, 1], ids[:, 0], times))
    last = np.append(times[order][1:] != times[order][:-1], True)
    order = order[last & (times[order] > STATIC_TIME)]
    return Rows(times[order], numbers[order])


def _row_ids(chunks: tuple[Outline, ...]) -> TuidArray:
    return np.concatenate([_NO_IDS, *(chunk.row_ids for chunk in chunks)], dtype=">u8")


def as_array(rows: Indices | range) -> Indices:
    """Numbers or positions one by one."""
    return np.arange(rows.start, rows.stop) if isinstance(rows, range) else rows


def positions_at(times: Times, wanted: Times) -> Indices | range:
    """Where each wanted time stands in `times`, MISSING where it does not; both strictly rising."""
    if not len(times) or not len(wanted):
        return np.full(len(wanted), MISSING)
    low, high = np.searchsorted(times, wanted[0]), np.searchsorted(times, wanted[-1], "right")
    here = times[low:high]
    if len(here) == len(wanted) and np.array_equal(here, wanted):
        return range(int(low), int(high))
    positions = np.full(len(wanted), MISSING)
    where = np.searchsorted(wanted, here)
    hit = wanted[where] == here  # `where` is within bounds: `here` ends at the last wanted time
    positions[where[hit]] = np.arange(low, high)[hit]
    return positions


def positions_until(times: Times, wanted: Times) -> Indices | range:
    """The last of `times` at or before each wanted time, MISSING where there is none; both strictly rising."""
    if not len(wanted):
        return np.empty(0, np.int64)
    if len(wanted) < len(times) // 4:
        return np.searchsorted(times, wanted, "right") - 1
    low, high = np.searchsorted(times, [wanted[0], wanted[-1]], "right")
    here = times[low:high]
    if low > 0 and len(here) == len(wanted) - 1 and np.array_equal(here, wanted[1:]):
        return range(int(low) - 1, int(high))
    more = np.bincount(np.searchsorted(wanted, here), minlength=len(wanted))
    positions: Indices = np.cumsum(more[: len(wanted)]) + (low - 1)
    return positions
