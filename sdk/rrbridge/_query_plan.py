"""A query worked out on one store: which columns and which times it has, and their cells, batch after batch.

What it gives is what the reference's dataframes give. A row for every time at which some component was logged, or for every
time asked for; in it, per component, the cell that stands at exactly that time, or with `fill_latest_at` the latest one so
far. Static cells stand in every row. Other timelines show the greatest time among the rows that the cells come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._descriptor import ComponentDescriptor
from rrbridge._query_align import Alignment
from rrbridge._query_batch import Batch
from rrbridge._query_cells import CellColumn
from rrbridge._query_chunks import ChunksOnDisk, Outline, Part, outlines_of
from rrbridge._query_clears import CLEAR, ClearChunks, static_cell
from rrbridge._query_columns import ComponentKey, entity_order, index_field
from rrbridge._query_contents import Contents
from rrbridge._query_rows import MISSING, ClearRows, EntityRows, as_array, entity_rows, positions_at
from rrbridge._store import ChunkStore
from rrbridge._timeline import STATIC_TIME, TimeKind
from rrbridge.errors import InvalidValueError

__all__ = ["Plan", "PlannedColumn", "Query", "no_such_index", "plan"]

BATCH_BYTES = 32 << 20
BATCH_ROWS = 1 << 16

Indices = npt.NDArray[np.int64]
Times = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Query:
    """What is asked of a store."""

    index: str | None
    """The timeline; None: static data alone, in one row."""
    contents: Contents
    low: int | None = None
    """Leave out rows before this time; sequence number or nanoseconds."""
    high: int | None = None
    """Leave out rows after this time."""
    not_null: tuple[str, ...] = ()
    """Leave out rows in which one of these columns has nothing of its own, before any filling up."""
    index_values: Times | None = None
    """A row for each of these times, strictly rising, whether or not anything was logged then."""
    fill_latest_at: bool = False
    fill_over_clears: bool = True
    """Whether filling goes on, after a clear, with what was there before it."""
    alignment: Alignment | None = None
    """Instead of what stands at exactly a time, or the latest: what is found by this, a clear being an empty row."""
    include_semantically_empty_columns: bool = False
    include_tombstone_columns: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class PlannedColumn:
    """A component column, and where its cells are."""

    key: ComponentKey
    cells: CellColumn
    rows: EntityRows | None
    """Which row stands where; None: the one static cell stands everywhere."""
    clear_times: Times
    """Where a static column has rows, though not cells, of its own."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A query worked out."""

    query: Query
    timelines: dict[str, TimeKind]
    columns: dict[str, PlannedColumn]
    times: Times
    """One per row, strictly rising; of a query for static data a single time that is not shown."""

    def fields(self) -> list[pa.Field]:
        """All columns: timelines by name, then components."""
        times = [index_field(name, kind) for name, kind in self.timelines.items()]
        return [*times, *(column.key.field() for column in self.columns.values())]

    def __len__(self) -> int:
        return len(self.times)

    def timed_rows(self) -> Iterable[EntityRows]:
        """The rows of all columns that are not static, each once."""
        return {id(c.rows): c.rows for c in self.columns.values() if c.rows is not None}.values()

    def batches(self, names: Sequence[str]) -> Iterator[Batch]:
        """The rows in parts, small enough that the columns asked for take about 32 MiB in each."""
        for start in range(0, len(self.times), BATCH_ROWS):
            for times in self._parts(self.times[start : start + BATCH_ROWS], names):
                yield Batch(self, times)

    def _parts(self, times: Times, names: Sequence[str]) -> Iterator[Times]:
        half = len(times) // 2
        if half and self._size(times, names) > BATCH_BYTES:
            yield from self._parts(times[:half], names)
            yield from self._parts(times[half:], names)
        else:
            yield times

    def _size(self, times: Times, names: Sequence[str]) -> float:
        """About how many bytes some rows take: cells are as large as in the chunk where they are largest."""
        repeats = self.query.fill_latest_at or self.query.alignment is not None
        size = 8.0 * len(names) * len(times)
        for column in (self.columns[name] for name in names if name in self.columns):
            count = len(times)
            if column.rows is not None and not repeats:
                known = column.rows.shown.times
                count = int(np.searchsorted(known, times[-1], "right") - np.searchsorted(known, times[0]))
            size += min(count, len(times)) * column.cells.bytes_per_row
        return size


def plan(store: ChunkStore, query: Query, on_disk: ChunksOnDisk | None = None) -> Plan:
    """Work a query out; the cells come from `on_disk`, batch by batch, if that is given, else from the store.

    Raises InvalidValueError for a timeline or a column that is not there.
    """
    timelines = store.timelines()
    if query.index is not None and query.index not in timelines:
        raise no_such_index(query.index, timelines)
    found = {column.key.name: column for column in _columns(store, query, on_disk)}
    return Plan(query, timelines, found, _times(query, found))


def no_such_index(index: str, timelines: Sequence[str] | dict[str, TimeKind]) -> InvalidValueError:
    """The error for a timeline that is not there."""
    return InvalidValueError(
        "index",
        f"a timeline of the recording ({', '.join(timelines) or 'it has none; index=None shows static data'})",
        repr(index),
    )


def _columns(store: ChunkStore, query: Query, on_disk: ChunksOnDisk | None) -> Iterator[PlannedColumn]:
    def outlines(entity: str) -> Sequence[Outline]:
        return outlines_of(store.iter_chunks(entity)) if on_disk is None else on_disk.outlines(entity)

    clears = ClearChunks(store, outlines, query.index)
    for entity in entity_order(query.contents.of(store.entities())):
        chunks = outlines(entity)
        shared: dict[tuple[bytes, ...], EntityRows] = {}
        known = store.components(entity)
        for component in sorted(known, key=lambda name: (known[name].archetype or "", name)):
            has = [chunk for chunk in chunks if component in chunk.components]
            key = _key(entity, known[component], has)
            if not has or _is_unwanted(key, query):
                continue
            cell = static_cell([chunk for chunk in has if chunk.is_static], component) if key.is_static else None
            if cell is not None or query.index is None:
                yield _static_column(key, cell, clears.reaching(entity))
            else:
                timed = [chunk for chunk in has if query.index in chunk.times]
                yield _timed_column(key, timed, query.index, clears.reaching(entity), shared)


def _key(entity: str, descriptor: ComponentDescriptor, chunks: Sequence[Outline]) -> ComponentKey:
    component = descriptor.component
    return ComponentKey(
        entity,
        descriptor,
        is_static=any(chunk.is_static for chunk in chunks),
        is_tombstone=component == CLEAR,
        is_semantically_empty=not any(chunk.part(component).most_instances for chunk in chunks),
        datatype=chunks[-1].part(component).datatype if chunks else pa.null(),
    )


def _is_unwanted(key: ComponentKey, query: Query) -> bool:
    return (
        (key.is_semantically_empty and not query.include_semantically_empty_columns)
        or (key.is_tombstone and not query.include_tombstone_columns)
        or (query.index is None and not key.is_static)
    )


def _static_column(key: ComponentKey, cell: pa.ListArray | None, clears: ClearRows | None) -> PlannedColumn:
    cell = pa.nulls(1, key.datatype) if cell is None else cell
    times = np.empty(0, np.int64) if clears is None else clears.times
    return PlannedColumn(key, CellColumn(key.name, key.datatype, (Part.of(cell),), np.array([0, 1])), None, times)


def _timed_column(
    key: ComponentKey,
    chunks: Sequence[Outline],
    index: str,
    clears: ClearRows | None,
    shared: dict[tuple[bytes, ...], EntityRows],
) -> PlannedColumn:
    component = key.descriptor.component
    masks = [chunk.part(component).valid for chunk in chunks]
    same = tuple(chunk.tuid for chunk in chunks) if all(mask is None for mask in masks) else None
    rows = shared.get(same) if same is not None else None
    if rows is None:
        rows = entity_rows(chunks, masks, index, clears)
        if same is not None:
            shared[same] = rows
    parts = tuple(chunk.part(component) for chunk in rows.chunks)
    return PlannedColumn(key, CellColumn(key.name, key.datatype, parts, rows.starts), rows, np.empty(0, np.int64))


def _times(query: Query, columns: dict[str, PlannedColumn]) -> Times:
    if query.index is None:
        return np.zeros(1, np.int64)
    if query.index_values is not None:
        times = query.index_values
    else:
        parts = [column.clear_times if column.rows is None else column.rows.shown.times for column in columns.values()]
        times = _union(list({id(part): part for part in parts}.values()))
    low = 0 if query.low is None else int(np.searchsorted(times, query.low))
    high = len(times) if query.high is None else int(np.searchsorted(times, query.high, "right"))
    times = times[low : max(low, high)]
    for name in query.not_null:
        times = _only_where(name, columns, times)
    return times


def _union(parts: list[Times]) -> Times:
    parts = [part for part in parts if len(part)]
    if not parts:
        return np.empty(0, np.int64)
    if all(np.array_equal(part, parts[0]) for part in parts[1:]) and bool((parts[0][1:] > parts[0][:-1]).all()):
        return parts[0]
    merged = np.sort(np.concatenate(parts))
    distinct: Times = merged[np.append(True, merged[1:] > merged[:-1]) & (merged > STATIC_TIME)]
    return distinct


def _only_where(name: str, columns: dict[str, PlannedColumn], times: Times) -> Times:
    column = columns.get(name)
    if column is None:
        raise InvalidValueError("filter_not_null", "a component column of the view", repr(name))
    if column.rows is None:
        return times if column.cells.parts[0].valid is None else times[:0]
    kept: Times = times[as_array(positions_at(column.rows.shown.times, times)) != MISSING]
    return kept
