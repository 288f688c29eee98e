"""Cells, and the rows of one chunk in order of a timeline."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import list_offsets, primitive, take_lists, valid_rows
from rrbridge._chunk import Chunk
from rrbridge._timeline import STATIC_TIME
from rrbridge._tuid import TuidArray

__all__ = ["ALWAYS", "NEVER", "Bools", "Cells", "Indices", "Latest", "Span", "Times", "row_id_of", "tuid_order"]

ALWAYS = STATIC_TIME
"""Below every time that a row can have."""
NEVER = 2**63
"""Above every time that a row can have."""

_CELLS_KEPT = 8

Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]
Times = npt.NDArray[np.int64]


class Latest:
    """One cell, as the answer to a latest-at query. Do not change it: everyone who asks gets the same one.

    Two are equal if they are the same cell of the same row found at the same time, whichever chunk the row stands in
    by now, so a `Latest` can be the key of what was made from it (a GPU buffer), and comparing tells whether the data
    changed. While the last few cells that were asked of a chunk are asked again, they are the very same objects: `is`
    is the fast test, `==` the sure one.
    """

    __slots__ = ("_cells", "_values", "row", "time")

    row: int
    """The row in the chunk."""
    time: int | None
    """The row's time on the timeline asked for; None = static."""

    def __init__(self, cells: Cells, row: int, time: int | None) -> None:
        self._cells = cells
        self._values: pa.Array = None
        self.row = row
        self.time = time

    @property
    def values(self) -> pa.Array:
        """The instances: an array of the component's type, without a copy; empty where the component was logged empty."""
        if self._values is None:
            self._values = self._cells.at(self.row)
        return self._values

    @property
    def cell(self) -> pa.ListArray:
        """The same as a list array of one row, without a copy."""
        return self._cells.lists.slice(self.row, 1)

    @property
    def component(self) -> str:
        """The component's name."""
        return self._cells.component

    @property
    def chunk(self) -> Chunk:
        """Where the cell stands."""
        return self._cells.chunk

    @property
    def row_id(self) -> bytes:
        """The row's id, 16 bytes; ids compare in order of creation."""
        return row_id_of(self.chunk, self.row)

    @property
    def chunk_id(self) -> bytes:
        """The id of the chunk that the cell stands in now, 16 bytes: compaction moves rows to other chunks."""
        return self.chunk.tuid

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Latest)
            and self.time == other.time
            and self.component == other.component
            and self.row_id == other.row_id
            and self.chunk.entity_path == other.chunk.entity_path
        )

    def __hash__(self) -> int:
        return hash((self.row_id, self.component))

    def __repr__(self) -> str:
        when = "static" if self.time is None else f"at {self.time}"
        return f"Latest({self.chunk.entity_path} {self.component}, {when}, {len(self.values)} values)"


def row_id_of(chunk: Chunk, row: int) -> bytes:
    """The id of a chunk's row, 16 bytes."""
    row_id: bytes = chunk.row_ids[row].tobytes()
    return row_id


def tuid_order(row_ids: TuidArray, times: Times | None = None) -> Indices:
    """The order that sorts rows by (time, row id), or by row id alone."""
    keys = (row_ids[:, 1], row_ids[:, 0]) if times is None else (row_ids[:, 1], row_ids[:, 0], times)
    return np.lexsort(keys).astype(np.int64, copy=False)


class Cells:
    """One component of a chunk, ready to be read cell by cell once it is asked for."""

    __slots__ = ("_offsets", "_values", "chunk", "component", "lists")

    def __init__(self, chunk: Chunk, component: str) -> None:
        self.chunk = chunk
        self.component = component
        self.lists: pa.ListArray = chunk.components[component].cells
        """The column itself."""
        self._offsets: memoryview | None = None
        self._values: pa.Array = None

    def valid(self) -> Bools | None:
        """Which rows set the component; None = all of them."""
        lists = self.lists
        return valid_rows(lists) if lists.null_count else None

    def at(self, row: int) -> pa.Array:
        """The instances of a row."""
        offsets = self._offsets
        if offsets is None:
            offsets = self._offsets = list_offsets(self.lists).data
            self._values = self.lists.values
        start = offsets[row]
        return self._values.slice(start, offsets[row + 1] - start)


class Span:
    """The rows of one chunk that set a component, in order of (time, row id) on one timeline."""

    __slots__ = ("_found", "_view", "cells", "first", "last", "rows", "times")

    def __init__(self, cells: Cells, times: Times, rows: Indices | None) -> None:
        self.cells = cells
        self.times = times
        self.rows = rows
        """The chunk's row of each entry; None = entry i is row i."""
        self._view = times.data
        self.first: int = self._view[0]
        self.last: int = self._view[-1]
        self._found: dict[int, Latest] = {}

    @classmethod
    def of(cls, cells: Cells, timeline: str, keep: Bools | None = None) -> Span | None:
        """The rows of `cells` on a timeline, only those in `keep` if given; None if there are none.

        A row at the reserved time is not found by any query (FORMAT §5.2).
        """
        chunk = cells.chunk
        times = np.ascontiguousarray(chunk.times[timeline].values)
        if len(times) == 0:
            return None
        rising = len(times) == 1 or bool((times[1:] > times[:-1]).all())
        masks = [mask for mask in (cells.valid(), keep) if mask is not None]
        if not rising or times[0] == STATIC_TIME:
            masks.append(times > STATIC_TIME)
        if rising and not masks:
            return cls(cells, times, None)
        order = np.arange(len(times)) if rising else tuid_order(chunk.row_ids, times)
        rows = order[np.logical_and.reduce(masks)[order]]
        return cls(cells, times[rows], rows) if len(rows) else None

    def __len__(self) -> int:
        return len(self.times)

    def position(self, time: int) -> int:
        """The last entry at or before a time; -1 if there is none."""
        return bisect_right(self._view, time) - 1

    def between(self, low: int, high: int) -> slice:
        """The entries of a closed range of times."""
        return slice(bisect_left(self._view, low), bisect_right(self._view, high))

    def time_at(self, position: int) -> int:
        """The time of an entry."""
        time: int = self._view[position]
        return time

    def row_at(self, position: int) -> int:
        """The chunk's row of an entry."""
        return position if self.rows is None else int(self.rows[position])

    def row_id_at(self, position: int) -> bytes:
        """The row id of an entry."""
        return row_id_of(self.cells.chunk, self.row_at(position))

    def row_ids(self, part: slice) -> TuidArray:
        """The row ids of some entries, shape (n, 2)."""
        ids = self.cells.chunk.row_ids
        return ids[part] if self.rows is None else ids[self.rows[part]]

    def ids_at(self, positions: Indices) -> TuidArray:
        """The row ids of given entries, shape (n, 2)."""
        return self.cells.chunk.row_ids[positions if self.rows is None else self.rows[positions]]

    def taken(self, positions: Indices) -> pa.ListArray:
        """A copy of the cells of given entries."""
        return take_lists(self.cells.lists, primitive(positions if self.rows is None else self.rows[positions]))

    def lists(self, part: slice) -> pa.ListArray:
        """The cells of some entries."""
        if self.rows is None:
            lists = self.cells.lists
            whole = part.start == 0 and part.stop == len(lists)
            return lists if whole else lists.slice(part.start, max(0, part.stop - part.start))
        return take_lists(self.cells.lists, primitive(self.rows[part]))

    def latest_at(self, position: int) -> Latest:
        """The cell of an entry: the same object for the last few that were asked for."""
        latest = self._found.get(position)
        if latest is None:
            if len(self._found) >= _CELLS_KEPT:
                del self._found[next(iter(self._found))]
            latest = self._found[position] = Latest(self.cells, self.row_at(position), self._view[position])
        return latest
