"""Range queries: all rows of a component in a span of time, put together from the chunks that hold them."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import list_type, primitive, take_lists
from rrbridge._store_clears import CLEAR, Clears, Marks
from rrbridge._store_entity import Entity
from rrbridge._store_index import Latest, Span, tuid_order
from rrbridge._tuid import TuidArray
from rrbridge.errors import InvalidChunkError

__all__ = ["Range", "of_one_type", "range_of"]


class Range:
    """Rows that set one component, by (time, row id). Do not change it: everyone who asks gets the same one."""

    EMPTY: ClassVar[Range]

    def __init__(
        self,
        component: str,
        data: list[tuple[Span, slice]],
        clears: list[tuple[Marks, slice]],
        static: Latest | None = None,
    ) -> None:
        self.component = component
        self.static = static
        """The static cell; then there are no rows."""
        self._data = data
        self._clears = clears

    def __len__(self) -> int:
        return len(self.times)

    @property
    def _parts(self) -> list[tuple[Span | Marks, slice]]:
        return [*self._data, *self._clears]

    @cached_property
    def _order(self) -> npt.NDArray[np.int64] | None:
        """How to put the rows of all parts in order; None if they are."""
        parts = self._parts
        if len(parts) < 2:
            return None
        rising = all(a.time_at(i.stop - 1) < b.time_at(j.start) for (a, i), (b, j) in pairwise(parts))
        if rising:
            return None
        times = np.concatenate([span.times[part] for span, part in parts])
        return tuid_order(np.concatenate([span.row_ids(part) for span, part in parts]), times)

    @cached_property
    def times(self) -> npt.NDArray[np.int64]:
        """The rows' times, shape (rows,), in order."""
        parts = [span.times[part] for span, part in self._parts]
        merged = parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, np.int64), *parts])
        return merged if self._order is None else merged[self._order]

    @cached_property
    def row_ids(self) -> TuidArray:
        """The rows' ids, shape (rows, 2); a clear's row has the clear's id."""
        parts = [span.row_ids(part) for span, part in self._parts]
        ids = parts[0] if len(parts) == 1 else np.concatenate([np.empty((0, 2), ">u8"), *parts], dtype=">u8")
        return ids if self._order is None else ids[self._order]

    @cached_property
    def is_clear(self) -> npt.NDArray[np.bool_]:
        """Which rows are clears, shape (rows,): their cells are empty."""
        count = sum(part.stop - part.start for _, part in self._data)
        flags: npt.NDArray[np.bool_] = np.arange(len(self.times)) >= count
        return flags if self._order is None else flags[self._order]

    @cached_property
    def chunked_cells(self) -> pa.ChunkedArray:
        """`cells` in as many pieces as they are stored in: without a copy, where chunks are in order of time.

        Raises InvalidChunkError when chunks disagree about the component's type.
        """
        if self._order is not None or not self._data:
            return pa.chunked_array([self.cells])
        pieces = self._pieces()
        if self._clears:
            cleared = sum(part.stop - part.start for _, part in self._clears)
            pieces.append(_empty_cells(cleared, pieces[0].type))
        return pa.chunked_array(pieces)

    @cached_property
    def cells(self) -> pa.ListArray:
        """The rows' cells: lists of instances, none of them null. No copy where one chunk holds them in order.

        Raises InvalidChunkError when chunks disagree about the component's type, OverflowError past 2³¹ instances.
        """
        pieces = self._pieces()
        merged = self._concat(pieces) if pieces else pa.nulls(0, list_type(pa.null()))
        cleared = sum(part.stop - part.start for _, part in self._clears)
        if cleared:
            merged = self._concat([merged, _empty_cells(cleared, merged.type)])
        return merged if self._order is None else take_lists(merged, primitive(self._order))

    def _pieces(self) -> list[pa.ListArray]:
        """The cells of each chunk, all of one type."""
        return of_one_type(self.component, [span.lists(part) for span, part in self._data])

    def _concat(self, lists: list[pa.ListArray]) -> pa.ListArray:
        if len(lists) == 1:
            return lists[0]
        try:
            return pa.concat_arrays(lists)
        except pa.ArrowInvalid as err:
            raise OverflowError(f"{self.component}: {err}; ask for a shorter range") from err


def _empty_cells(count: int, datatype: pa.DataType) -> pa.ListArray:
    offsets = pa.py_buffer(bytes(4 * (count + 1)))
    return pa.Array.from_buffers(datatype, count, [None, offsets], 0, children=[pa.nulls(0, datatype.value_type)])


def of_one_type(component: str, lists: list[pa.ListArray]) -> list[pa.ListArray]:
    """The cells of several chunks, all of the type of the last. Raises InvalidChunkError where that cannot be."""
    datatype = lists[-1].type if lists else None
    return [cells if cells.type == datatype else _cast(component, cells, datatype) for cells in lists]


def _cast(component: str, cells: pa.ListArray, datatype: pa.DataType) -> pa.ListArray:
    try:
        return cells.cast(datatype)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as err:
        raise InvalidChunkError(f"{component} is {cells.type} in some chunks, {datatype} in others") from err


Range.EMPTY = Range("", [], [])


def range_of(entity: Entity, component: str, timeline: str, low: int, high: int, clears: Clears | None) -> Range:
    """The rows of a closed range of times; with `clears`, those that reach the entity are rows with empty cells."""
    static = entity.statics.get(component)
    if static is not None:
        if clears is not None and component != CLEAR and clears.at(entity.path, timeline, low).hides(static):
            static = None
        return Range(component, [], [], static)
    column = entity.column(timeline, component)
    if column is None:
        return Range.EMPTY
    cleared = clears.between(entity.path, timeline, low, high) if clears is not None and component != CLEAR else []
    return Range(component, list(column.spans(low, high)), cleared)
