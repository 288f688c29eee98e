"""One column's cells: gathered for some rows out of the chunks that hold them, without touching the other chunks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import list_values, take_lists
from rrbridge._query_chunks import Part
from rrbridge._query_rows import MISSING, as_array
from rrbridge.errors import InvalidChunkError

__all__ = ["CellColumn"]

Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CellColumn:
    """The cells of a component, chunk after chunk."""

    name: str
    datatype: pa.DataType
    parts: tuple[Part, ...]
    starts: Indices
    """The number of each part's first row, and at the end the count of rows: shape (parts + 1,)."""

    def take(self, rows: Indices | range) -> pa.ListArray:
        """The cells of rows, by number: null for MISSING, empty for rows past the end, which are clears.

        Raises InvalidChunkError when chunks disagree about the type, pa.ArrowInvalid past 2³¹ instances.
        """
        count = int(self.starts[-1])
        if isinstance(rows, range):
            if 0 <= rows.start < rows.stop <= count:
                return self._run(rows.start, rows.stop)
            rows = as_array(rows)
        is_cell = (rows > MISSING) & (rows < count)
        present = rows[is_cell]
        if not len(present):
            return self._spread(pa.nulls(0, self.datatype), rows, 0, count)
        low, high = int(present.min()), int(present.max()) + 1
        first, last = self._part_of(low), self._part_of(high - 1)
        if high - low > 2 * len(present) + 1024 and last > first:
            return self._take_apart(rows, present, count)
        cells = self._run(low, high)
        if len(present) < high - low or bool((present[1:] <= present[:-1]).any()) or cells.null_count:
            return self._spread(cells, rows, low, count)
        return cells if len(present) == len(rows) else _set_apart(cells, is_cell, rows != MISSING)

    def _part_of(self, row: int) -> int:
        return int(np.searchsorted(self.starts, row, "right")) - 1

    def _run(self, low: int, high: int) -> pa.ListArray:
        """Rows one after the other."""
        return self._joined([self._slice(n, low, high) for n in range(self._part_of(low), self._part_of(high - 1) + 1)])

    def _take_apart(self, rows: Indices, present: Indices, count: int) -> pa.ListArray:
        """The same for rows that lie wide apart: only the parts that hold one are put together."""
        rising = bool((present[1:] >= present[:-1]).all())
        wanted = present[np.append(True, present[1:] != present[:-1])] if rising else np.unique(present)
        part_of = np.searchsorted(self.starts, wanted, "right") - 1
        used, first = np.unique(part_of, return_index=True)
        bounds = [*first.tolist(), len(wanted)]
        picked = []
        for part, low, high in zip(used.tolist(), bounds[:-1], bounds[1:], strict=True):
            inside = wanted[low:high] - self.starts[part]
            picked.append(self._cast(take_lists(self.parts[part].cells(), pa.array(inside))))
        cells = self._joined(picked)
        renumbered = np.where((rows > MISSING) & (rows < count), np.searchsorted(wanted, rows), rows)
        renumbered[rows >= count] = len(wanted)
        return self._spread(cells, renumbered, 0, len(wanted))

    def _slice(self, part: int, low: int, high: int) -> pa.ListArray:
        start = int(self.starts[part])
        low, high = max(low - start, 0), min(high, int(self.starts[part + 1])) - start
        return self._cast(self.parts[part].cells().slice(low, high - low))

    def _cast(self, cells: pa.ListArray) -> pa.ListArray:
        if cells.type == self.datatype:
            return cells
        try:
            return cells.cast(self.datatype)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as err:
            raise InvalidChunkError(f"{self.name} is {cells.type} in some chunks, {self.datatype} in others") from err

    def _joined(self, parts: Sequence[pa.ListArray]) -> pa.ListArray:
        return parts[0] if len(parts) == 1 else pa.concat_arrays(parts)

    def _spread(self, cells: pa.ListArray, rows: Indices, low: int, count: int) -> pa.ListArray:
        """The cells of rows out of `cells`, whose first is row `low`."""
        cleared = rows >= count
        if cleared.any():
            cells = pa.concat_arrays([cells, pa.array([[]], self.datatype)])
            rows = np.where(cleared, low + len(cells) - 1, rows)
        if not len(cells):
            return pa.nulls(len(rows), self.datatype)
        missing = rows == MISSING
        return take_lists(cells, pa.array(rows - low, mask=missing if missing.any() else None))

    @cached_property
    def bytes_per_row(self) -> float:
        """The size of a cell, on average in the chunk where that is most."""
        rows = np.diff(self.starts).tolist()
        return max((part.nbytes / max(1, count) for part, count in zip(self.parts, rows, strict=True)), default=0.0)

    def most_instances(self) -> int:
        """How many instances the fullest cell has."""
        return max((part.most_instances for part in self.parts), default=0)


def _set_apart(cells: pa.ListArray, is_cell: Bools, valid: Bools) -> pa.ListArray:
    """Cells at some rows, in order, nulls and empty lists between them; their values stay where they are."""
    starts, values = list_values(cells)
    offsets = np.zeros(len(is_cell) + 1, np.int32)
    offsets[1:][is_cell] = np.diff(starts)
    np.cumsum(offsets, out=offsets)
    mask = pa.py_buffer(np.packbits(valid, bitorder="little"))
    nulls = int(len(valid) - np.count_nonzero(valid))
    return pa.Array.from_buffers(cells.type, len(valid), [mask, pa.py_buffer(offsets)], nulls, children=[values])
