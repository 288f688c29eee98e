"""What all channels of one recording share: row ids, type names, static data, and the making of chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from rrbridge import _entity_path
from rrbridge._archetype import Archetype
from rrbridge._arrow import list_array
from rrbridge._timeline import TimeColumn
from rrbridge.chunk import Chunk, ComponentColumn
from rrbridge.importers import ImportOptions
from rrbridge_bridge.emits import Placed
from rrbridge_bridge.frames import FrameNames
from rrbridge_bridge.raw import Int64s, RawBatch
from rrbridge_bridge.rowids import RowIds, nth_within

__all__ = ["Recording", "one_row"]

LIGHT_BYTES_PER_ROW = 1024
"""Columns of one entity share chunks up to this size per row; above it they have their own, so that reading one number
of an image topic does not mean loading its images."""
CHUNK_BYTES = 4 << 20
"""Larger chunks are cut, unless they are a single row."""


def one_row(archetype: Archetype) -> list[ComponentColumn]:
    """An archetype as columns of a single row."""
    columns = []
    for batch in archetype.as_component_batches():
        values = batch.as_arrow_array()
        columns.append(ComponentColumn(batch.component_descriptor(), list_array(np.array([0, len(values)]), values)))
    return columns


class Recording:
    """What all channels of one recording share."""

    def __init__(self, options: ImportOptions) -> None:
        self.options = options
        self.frame_names = FrameNames(options.prefix.strip("/"))
        self.row_ids = RowIds()
        self._statics: dict[tuple[str, str], pa.Array] = {}
        self._types: dict[str, list[pa.DataType]] = {}

    def type_name(self, archetype: str, message: pa.DataType) -> str:
        """A message type's name; another definition of the same name gets a suffix of its hash."""
        known = self._types.setdefault(archetype, [])
        if message not in known:
            known.append(message)
        if message == known[0]:
            return archetype
        import xxhash  # second definitions are rare

        return f"{archetype}_{xxhash.xxh32(str(message).encode()).hexdigest()}"

    @property
    def root_path(self) -> str:
        """Above all entities of this recording's topics."""
        return _entity_path.normalize([part for part in self.options.prefix.strip("/").split("/") if part])

    def chunks(
        self, batch: RawBatch, times: Sequence[TimeColumn], placed: Iterable[Placed], *, first_row: int = 0
    ) -> Iterator[Chunk]:
        """Rows of a batch as chunks: what is per message and small shares one chunk per entity.

        `times` are the messages' own, one value each. Rows of a message are counted from `first_row` on.
        """
        used = np.full(len(batch), first_row, np.int64)
        together: dict[str, list[ComponentColumn]] = {}
        for item in placed:
            item = _without_own_times(self.spelled(item), times)
            if item.static:
                yield from self.static_chunks(item)
                continue
            if item.is_per_message and item.nbytes <= LIGHT_BYTES_PER_ROW * len(item):
                columns = together.setdefault(item.entity_path, [])
                if not {c.descriptor.component for c in columns} & {c.descriptor.component for c in item.columns}:
                    columns.extend(item.columns)
                    continue
            yield from self._chunks(batch, times, item, used)
        for entity_path, columns in together.items():
            yield from self._chunks(batch, times, Placed(entity_path, tuple(columns)), used)

    def placed_after(self, item: Placed, order: int, first_row: int) -> Chunk:
        """Rows with times of their own, as if they were further rows of the message at this place in the file."""
        rows = np.arange(len(item))
        return Chunk.from_columns(
            item.entity_path,
            times=item.times,
            components=self.spelled(item).columns,
            row_ids=self.row_ids.of(np.full(len(item), order), first_row + rows),
        )

    def _chunks(self, batch: RawBatch, times: Sequence[TimeColumn], item: Placed, used: Int64s) -> Iterator[Chunk]:
        order, rows = batch.order, item.rows
        if rows is None:
            nth = used.copy()
            used += 1
        else:
            order, nth = order[rows], nth_within(rows, used)
            times = [TimeColumn.of(t.timeline, t.kind, t.values[rows]) for t in times]
        own = {t.timeline: t for t in (*times, *item.times)}
        chunk = Chunk.from_columns(
            item.entity_path,
            times=own.values(),
            components=item.columns,
            row_ids=self.row_ids.of(order, nth),
        )
        pieces = min(-(-chunk.nbytes // CHUNK_BYTES), chunk.num_rows)
        if pieces <= 1:
            yield chunk
            return
        step = -(-chunk.num_rows // pieces)
        for start in range(0, chunk.num_rows, step):
            yield chunk.slice(start, min(step, chunk.num_rows - start))

    def static_chunks(self, placed: Placed) -> Iterator[Chunk]:
        """The last row as static data, unless the entity has the same already."""
        last = placed.take(np.array([len(placed) - 1]))
        fresh = []
        for column in last.columns:
            key = (placed.entity_path, column.descriptor.component)
            if key not in self._statics or not self._statics[key].equals(column.cells):
                self._statics[key] = column.cells
                fresh.append(column)
        if fresh:
            yield Chunk.from_columns(placed.entity_path, components=fresh)

    def spelled(self, item: Placed) -> Placed:
        """With frame names as this recording spells them."""
        return replace(item, columns=tuple(self.frame_names.applied(c, item.entity_path) for c in item.columns))


def _without_own_times(item: Placed, times: Sequence[TimeColumn]) -> Placed:
    """The same rows; times that are the messages' own anyway are dropped, so that the rows can share a chunk with others."""
    if item.rows is not None or not item.times:
        return item
    known = {t.timeline: t.values for t in times}
    if all(t.timeline in known and np.array_equal(t.values, known[t.timeline]) for t in item.times):
        return replace(item, times=())
    return item
