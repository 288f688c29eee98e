"""Some rows of a query, and how their cells are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._query_align import Aligned, Alignment
from rrbridge._query_rows import MISSING, EntityRows, as_array, positions_at, positions_until
from rrbridge._timeline import STATIC_TIME

if TYPE_CHECKING:
    from rrbridge._query_plan import Plan

__all__ = ["Batch"]

Indices = npt.NDArray[np.int64]
Times = npt.NDArray[np.int64]


class Batch:
    """Some rows of a plan; what rows of an entity stand there is worked out once for all components that share them."""

    def __init__(self, plan: Plan, times: Times) -> None:
        self._plan = plan
        self._times = times
        self._standing: dict[int, Indices | range] = {}
        self._aligned: dict[int, Aligned] = {}

    def __len__(self) -> int:
        return len(self._times)

    def array(self, name: str) -> pa.Array:
        """A column: times, or cells."""
        column = self._plan.columns.get(name)
        if column is not None:
            rows = np.zeros(len(self._times), np.int64) if column.rows is None else self._rows(column.rows)
            return column.cells.take(rows)
        kind = self._plan.timelines[name].value
        if name == self._plan.query.index:
            return pa.array(self._times).view(kind)
        stamps = np.full(len(self._times), STATIC_TIME)
        for timed in self._plan.timed_rows():
            self._raise(stamps, timed, name)
        return pa.array(stamps, mask=stamps == STATIC_TIME).view(kind)

    def between(self, name: str) -> tuple[pa.Array, pa.Array, npt.NDArray[np.float64]] | None:
        """The cells before and after each time and the share of the latter; None where a column is not to be blended."""
        column, alignment = self._plan.columns.get(name), self._plan.query.alignment
        if alignment is None or column is None or column.rows is None:
            return None
        _, before, after, weights = self._find_aligned(alignment, column.rows)
        if before is None or after is None or weights is None:
            return None
        return column.cells.take(before), column.cells.take(after), weights

    def _rows(self, rows: EntityRows) -> Indices | range:
        found = self._standing.get(id(rows))
        if found is None:
            found = self._standing[id(rows)] = self._find(rows)
        return found

    def _find(self, rows: EntityRows) -> Indices | range:
        query = self._plan.query
        if query.alignment is not None:
            return self._find_aligned(query.alignment, rows).rows
        if query.fill_latest_at and (rows.shown is rows.filled or not query.fill_over_clears):
            return rows.shown.at(positions_until(rows.shown.times, self._times))
        shown = rows.shown.at(positions_at(rows.shown.times, self._times))
        if not query.fill_latest_at:
            return shown
        filled = as_array(rows.filled.at(positions_until(rows.filled.times, self._times)))
        shown = as_array(shown)
        return np.where(shown == MISSING, filled, shown)

    def _find_aligned(self, alignment: Alignment, rows: EntityRows) -> Aligned:
        found = self._aligned.get(id(rows))
        if found is None:
            found = self._aligned[id(rows)] = alignment.find(rows, self._times)
        return found

    def _raise(self, stamps: Times, rows: EntityRows, timeline: str) -> None:
        """Raise `stamps` to the times of the rows on another timeline, where those are greater."""
        numbers = self._rows(rows)
        all_stamps = rows.stamps(timeline)
        if isinstance(numbers, range):
            np.maximum(stamps, all_stamps[numbers.start : numbers.stop], out=stamps)
        elif len(all_stamps):
            here = all_stamps[numbers]
            here[numbers == MISSING] = STATIC_TIME
            np.maximum(stamps, here, out=stamps)
