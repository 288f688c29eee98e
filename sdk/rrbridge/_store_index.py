"""How the store finds rows: per entity, timeline and component, the chunks' time ranges in sorted lists.

A latest-at query is one binary search among chunks and one inside each chunk that overlaps the answer: one chunk for data
that arrived in order.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import list_offsets
from rrbridge._chunk import Chunk
from rrbridge._timeline import STATIC_TIME
from rrbridge._tuid import TuidArray

__all__ = ["ALWAYS", "NEVER", "Cells", "Column", "Found", "Latest", "Span", "Times", "row_id_of", "tuid_order"]

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
        return lists.is_valid().to_numpy(zero_copy_only=False) if lists.null_count else None

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
        return self.cells.lists.take(pa.array(positions if self.rows is None else self.rows[positions]))

    def lists(self, part: slice) -> pa.ListArray:
        """The cells of some entries."""
        if self.rows is None:
            lists = self.cells.lists
            whole = part.start == 0 and part.stop == len(lists)
            return lists if whole else lists.slice(part.start, max(0, part.stop - part.start))
        return self.cells.lists.take(pa.array(self.rows[part]))

    def latest_at(self, position: int) -> Latest:
        """The cell of an entry: the same object for the last few that were asked for."""
        latest = self._found.get(position)
        if latest is None:
            if len(self._found) >= _CELLS_KEPT:
                del self._found[next(iter(self._found))]
            latest = self._found[position] = Latest(self.cells, self.row_at(position), self._view[position])
        return latest


class Found(NamedTuple):
    """Where in a span the answers for some times are."""

    span: Span
    which: slice | Indices
    """Of the times asked for."""
    positions: Indices


class Column:
    """All rows of an entity that set one component, on one timeline: spans in order of their first times."""

    def __init__(self) -> None:
        self._spans: list[Span] = []
        self._firsts: list[int] = []
        self._last_so_far: list[int] = []
        self._unsettled: set[int] = set()
        self._unsettled_from = 0
        self._arrays: tuple[Times, bool] | None = None

    def update(self, settled: Iterable[Span], unsettled: Iterable[Span] = ()) -> None:
        """Take spans that stay, and spans that only stay until the next update."""
        self._arrays = None
        start = self._unsettled_from
        passing = list(unsettled)
        fresh = [*settled, *passing]
        rest = [span for span in self._spans[start:] if id(span) not in self._unsettled]
        if fresh:
            start = min(start, bisect_right(self._firsts, min(span.first for span in fresh)))
            rest = self._spans[start : self._unsettled_from] + rest
        del self._spans[start:], self._firsts[start:], self._last_so_far[start:]
        rest = sorted(rest + fresh, key=_first_of)
        highest = self._last_so_far[-1] if self._last_so_far else ALWAYS
        self._last_so_far += list(accumulate((span.last for span in rest), max, initial=highest))[1:]
        self._firsts += [span.first for span in rest]
        self._spans += rest
        self._unsettled = {id(span) for span in passing}
        first = min((span.first for span in passing), default=None)
        self._unsettled_from = len(self._spans) if first is None else bisect_left(self._firsts, first)

    def __bool__(self) -> bool:
        return bool(self._spans)

    def find(self, time: int) -> tuple[Span | None, int, int, int]:
        """`(span, position, since, until)` of the greatest (time, row id) at or before a time.

        The answer is the same for all times in `[since, until)`; the span is None where there is no such row.
        """
        after = bisect_right(self._firsts, time)
        until = self._firsts[after] if after < len(self._firsts) else NEVER
        best: Span | None = None
        best_position, best_time = -1, ALWAYS
        for index in range(after - 1, -1, -1):
            if best is not None and self._last_so_far[index] < best_time:
                break
            span = self._spans[index]
            position = span.position(time)
            if position + 1 < len(span.times):
                until = min(until, span.time_at(position + 1))
            found = span.time_at(position)
            if (
                best is None
                or found > best_time
                or (found == best_time and span.row_id_at(position) > best.row_id_at(best_position))
            ):
                best, best_position, best_time = span, position, found
        return best, best_position, best_time, until

    def _in_order(self) -> tuple[Times, bool]:
        """The spans' first times, and whether each span ends before the next begins."""
        if self._arrays is None:
            firsts = np.array(self._firsts, np.int64)
            self._arrays = firsts, bool(np.all(np.array(self._last_so_far[:-1], np.int64) < firsts[1:]))
        return self._arrays

    def find_many(self, times: Times) -> list[Found]:
        """`find` for many times, which must rise. Times before the first row are in no answer."""
        firsts, in_order = self._in_order()
        if not in_order:
            return self._find_in_disorder(times)
        bounds = np.append(times.searchsorted(firsts), len(times))
        found = []
        for index in np.flatnonzero(bounds[1:] > bounds[:-1]).tolist():
            span, part = self._spans[index], slice(int(bounds[index]), int(bounds[index + 1]))
            found.append(Found(span, part, span.times.searchsorted(times[part], "right") - 1))
        return found

    def has_rows_of(self, other: Column) -> bool:
        """Whether its rows are those of another component, one by one."""
        return len(self._spans) == len(other._spans) and all(
            mine.times is theirs.times for mine, theirs in zip(self._spans, other._spans, strict=True)
        )

    def same_as(self, other: Column, found: list[Found]) -> list[Found]:
        """What the other one found, in its own spans; for one that has the rows of the other."""
        own = {id(theirs): mine for mine, theirs in zip(self._spans, other._spans, strict=True)}
        return [Found(own[id(span)], which, positions) for span, which, positions in found]

    def _find_in_disorder(self, times: Times) -> list[Found]:
        """As `find_many`, by way of all rows from the first answer to the last one in one order."""
        if not len(times):
            return []
        _, _, first, _ = self.find(int(times[0]))
        parts = list(self.spans(first, int(times[-1])))
        if not parts:
            return []
        merged = np.concatenate([span.times[part] for span, part in parts])
        order = tuid_order(np.concatenate([span.row_ids(part) for span, part in parts]), merged)
        latest = merged[order].searchsorted(times, "right") - 1
        known = np.flatnonzero(latest >= 0)
        entries = order[latest[known]]
        ends = np.cumsum([part.stop - part.start for _, part in parts])
        which = ends.searchsorted(entries, "right")
        found = []
        for index in np.unique(which).tolist():
            span, part = parts[index]
            chosen = which == index
            begin = int(ends[index]) - (part.stop - part.start)
            found.append(Found(span, known[chosen], entries[chosen] - begin + part.start))
        return found

    def spans(self, low: int, high: int) -> Iterator[tuple[Span, slice]]:
        """The entries of a closed range of times, span by span, in order of the spans' first times."""
        start = bisect_left(self._last_so_far, low)
        for span in self._spans[start : bisect_right(self._firsts, high)]:
            if span.first >= low and span.last <= high:
                yield span, slice(0, len(span.times))
            elif span.last >= low:
                part = span.between(low, high)
                if part.start < part.stop:
                    yield span, part


def _first_of(span: Span) -> int:
    return span.first
