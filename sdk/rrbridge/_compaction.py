"""Compaction: many small chunks of one entity become few, row by row the same.

A chunk costs about a kilobyte beside its rows, and a query pays for each chunk that it looks at. Chunks are put together
only if they have the same timelines and the same components of the same types, so that nothing has to be filled in.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import as_numpy, primitive
from rrbridge._chunk import Chunk
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._timeline import TimeKind
from rrbridge._tuid import format_tuid, new_tuid, tuids_from_arrow, tuids_sorted

__all__ = [
    "MAX_BYTES",
    "MAX_ROWS",
    "MAX_ROWS_IF_UNSORTED",
    "Layout",
    "Layouts",
    "Targets",
    "compact",
    "merged",
    "taken",
]

_log = logging.getLogger(__name__)

MAX_BYTES = 384 * 1024
MAX_ROWS = 4096
MAX_ROWS_IF_UNSORTED = 1024
WAITING_BYTES = 64 << 20
"""How much of a stream is held back at most, all entities together."""
_IS_SORTED = b"rerun:is_sorted"
_POOL = pa.system_memory_pool()
"""What stays is kept where sizes are not rounded up to classes, which takes a third more for columns of 16 KiB."""
_PROBES = b"rerun:timestamp_"


@dataclass(frozen=True, slots=True)
class Targets:
    """How large a chunk may become by compaction; the reference's viewer has the same numbers."""

    max_bytes: int = MAX_BYTES
    max_rows: int = MAX_ROWS
    max_rows_if_unsorted: int = MAX_ROWS_IF_UNSORTED
    """Where rows in order of their ids are out of order on one of the timelines."""
    fan_out: int = 8
    """How many pieces a store puts together at a time when queries come between chunks."""

    def is_small(self, rows: int, nbytes: int) -> bool:
        """Whether a chunk of this size should be put together with others."""
        return 2 * rows <= self.max_rows and 2 * nbytes <= self.max_bytes


@dataclass(eq=False, slots=True)
class Layout:
    """The columns of a chunk, whatever is known of their order. Chunks of one entity and layout can be put together."""

    schema: pa.Schema
    """Without metadata of its own, and without `rerun:is_sorted`."""
    kinds: Mapping[str, TimeKind]
    """Its timelines; none where chunks are static."""
    descriptors: Mapping[str, ComponentDescriptor]
    types: Mapping[str, pa.DataType]
    """What the cells of each component are."""
    components: frozenset[str]
    promises_times: bool
    """Whether the schema says that no time is null."""
    _schemas: dict[bytes, pa.Schema] = field(default_factory=dict)

    @classmethod
    def of(cls, chunk: Chunk) -> Layout:
        """The layout of a chunk. Raises InvalidChunkError when it has time columns that no chunk has."""
        times, components = chunk.times, chunk.components
        schema = chunk.to_record_batch().schema
        fields = [f.with_metadata({k: v for k, v in (f.metadata or {}).items() if k != _IS_SORTED}) for f in schema]
        return cls(
            pa.schema(fields),
            {name: column.kind for name, column in times.items()},
            {name: column.descriptor for name, column in components.items()},
            {name: column.cells.type for name, column in components.items()},
            frozenset(components),
            not any(f.nullable for f in fields[1 : 1 + len(times)]),
        )

    @property
    def num_times(self) -> int:
        """How many timelines; their columns follow the row ids."""
        return len(self.kinds)

    def chunk(self, columns: list[pa.Array], in_order: npt.NDArray[np.bool_], like: Chunk) -> Chunk:
        """A new chunk. `in_order` tells of row ids and times, shape (1 + num_times,), whether they rise."""
        key = in_order.tobytes()
        schema = self._schemas.get(key)
        if schema is None:
            fields = list(self.schema)
            for index in np.flatnonzero(in_order):
                fields[index] = fields[index].with_metadata((fields[index].metadata or {}) | {_IS_SORTED: b"true"})
            schema = self._schemas[key] = pa.schema(fields)
        kept = like.to_record_batch().schema.metadata
        metadata = {name: value for name, value in kept.items() if not name.startswith(_PROBES)}
        tuid = new_tuid()
        metadata[b"rerun:id"] = format_tuid(tuid, "chunk_").encode()
        return like.with_rows(pa.RecordBatch.from_arrays(columns, schema=schema.with_metadata(metadata)), tuid)


class Layouts:
    """The layouts of some chunks, told apart without looking at every field of every chunk."""

    __slots__ = ("_known", "_last")

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], list[tuple[pa.Schema, Layout]]] = {}
        self._last: dict[str, tuple[pa.Schema, Layout]] = {}
        """By entity."""

    def of(self, chunk: Chunk) -> Layout:
        """The layout of a chunk; the same object for chunks that have the same. Raises InvalidChunkError."""
        schema = chunk.to_record_batch().schema.remove_metadata()
        last = self._last.get(chunk.entity_path)
        if last is not None and schema.equals(last[0], check_metadata=True):
            return last[1]
        alike = self._known.setdefault(tuple(schema.names), [])
        known = next((pair for pair in alike if pair[0].equals(schema, check_metadata=True)), None)
        if known is None:
            layout = Layout.of(chunk)
            same = (other for _, other in alike if other.schema.equals(layout.schema, check_metadata=True))
            known = schema, next(same, layout)
            alike.append(known)
        self._last[chunk.entity_path] = known
        return known[1]


def merged(chunks: list[Chunk], layout: Layout, targets: Targets = Targets()) -> list[Chunk]:
    """The rows of chunks of one layout in order of their ids: one chunk, several if rows are out of order on a timeline.

    Chunks whose columns Arrow cannot put together are handed back as they are.
    """
    if not chunks:
        return []
    try:
        batches = [chunk.to_record_batch() for chunk in chunks]
        whole = pa.concat_batches(batches, _POOL) if len(batches) > 1 else batches[0]
        batch = _with_times(whole, layout, chunks[0])
        if len(chunks) == 1 and batch is whole:
            return chunks
        row_ids = tuids_from_arrow(batch.column(0))
        if not tuids_sorted(row_ids):
            order = primitive(np.lexsort((row_ids[:, 1], row_ids[:, 0])))
            import pyarrow.compute as pc  # takes a tenth of a second, and most data is in order

            batch = pc.take(batch, order, memory_pool=_POOL)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as err:
        _log.debug("%s: chunks stay apart: %s", chunks[0].entity_path, err)
        return chunks
    if not batch.num_rows:
        return []
    whole_in_order = _in_order(batch, layout)
    if whole_in_order.all() or batch.num_rows <= targets.max_rows_if_unsorted:
        return [layout.chunk(batch.columns, whole_in_order, chunks[0])]
    starts = range(0, batch.num_rows, targets.max_rows_if_unsorted)
    parts = [batch.slice(start, targets.max_rows_if_unsorted) for start in starts]
    return [layout.chunk(part.columns, _in_order(part, layout), chunks[0]) for part in parts]


def taken(chunk: Chunk, layout: Layout, rows: npt.NDArray[np.int64]) -> Chunk:
    """A copy of a few rows of a chunk of this layout, in the order asked for, which is one of rising row ids."""
    whole = chunk.to_record_batch()
    parts = [whole.slice(row, 1) for row in rows.tolist()]
    batch = pa.concat_batches(
        [*parts, whole.slice(0, 0)], _POOL
    )  # not `take`, which loads much of Arrow for a few rows
    return layout.chunk(batch.columns, _in_order(batch, layout), chunk)


def _in_order(batch: pa.RecordBatch, layout: Layout) -> npt.NDArray[np.bool_]:
    """Whether row ids, which do, and each timeline rise."""
    times = [as_numpy(batch.column(1 + index), np.int64) for index in range(layout.num_times)]
    return np.array([True, *((column[1:] >= column[:-1]).all() for column in times)])


def _with_times(batch: pa.RecordBatch, layout: Layout, like: Chunk) -> pa.RecordBatch:
    for index in range(1, 1 + layout.num_times):
        column = batch.column(index)
        if column.null_count:
            _log.warning("%s: %d rows without a time are left out", like.entity_path, column.null_count)
            batch = batch.filter(column.is_valid())
    return batch


@dataclass(slots=True, eq=False)
class _Waiting:
    """Small chunks of one layout that wait for more."""

    layout: Layout
    chunks: list[Chunk] = field(default_factory=list)
    rows: int = 0
    nbytes: int = 0


def compact(
    chunks: Iterable[Chunk],
    *,
    max_bytes: int = MAX_BYTES,
    max_rows: int = MAX_ROWS,
    max_rows_if_unsorted: int = MAX_ROWS_IF_UNSORTED,
) -> Iterator[Chunk]:
    """The same rows in fewer chunks. Of one recording; memory stays flat however long the stream.

    A chunk above half of a target, or alone of its kind, comes out as it went in; what is put together gets a new id.
    Rows keep their ids and stand in order of them. Chunks without rows are left out.
    """
    targets = Targets(max_bytes, max_rows, max_rows_if_unsorted)
    layouts = Layouts()
    waiting: dict[tuple[str, int], _Waiting] = {}
    held = 0
    for chunk in chunks:
        rows, nbytes = chunk.num_rows, chunk.nbytes
        if not targets.is_small(rows, nbytes):
            yield chunk
            continue
        if not rows:
            continue
        layout = layouts.of(chunk)
        group = waiting.setdefault((chunk.entity_path, id(layout)), _Waiting(layout))
        if group.rows + rows > max_rows or group.nbytes + nbytes > max_bytes:
            yield from merged(group.chunks, layout, targets)
            held -= group.nbytes
            group = waiting[chunk.entity_path, id(layout)] = _Waiting(layout)
        group.chunks.append(chunk)
        group.rows += rows
        group.nbytes += nbytes
        held += nbytes
        if held > WAITING_BYTES:
            for full in waiting.values():
                yield from merged(full.chunks, full.layout, targets)
            waiting.clear()
            held = 0
    for group in waiting.values():
        yield from merged(group.chunks, group.layout, targets)
