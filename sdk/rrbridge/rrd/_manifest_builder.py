"""Collecting the index of a store while its chunks go by, and laying it out at the end (FORMAT §3.5).

A recorder may run for days, so a chunk leaves only a few numbers behind. What holds for whole columns (a component without
gaps has the times of its chunk) is worked out at the end.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from rrbridge._arrow import list_values, primitive
from rrbridge._chunk import Chunk
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._messages import StoreId
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.columns import Text, take
from rrbridge.rrd import _ipc
from rrbridge.rrd._manifest import STATIC_INDEX, Manifest, column_name
from rrbridge.rrd._protocol import Compression, RawManifest

__all__ = ["ManifestBuilder"]

PER_COMPONENT_CELLS_MAX = 16_000_000
"""Above this many numbers the columns per timeline and component are left out: readers then prune by chunk alone."""
TOMBSTONE = "Clear:is_recursive"

_Shape = tuple[int, "tuple[_SchemaColumn, ...]", "tuple[_TimelineFacts, ...]"]


@dataclass(slots=True)
class _SchemaColumn:
    """A component of an entity, over all chunks."""

    source: pa.Field
    entity_path: str
    descriptor: ComponentDescriptor
    is_static: bool = False
    is_empty: bool = True


@dataclass(slots=True)
class _Spans:
    """Some chunks' first and last times."""

    chunk: array[int] = field(default_factory=lambda: array("q"))
    start: array[int] = field(default_factory=lambda: array("q"))
    end: array[int] = field(default_factory=lambda: array("q"))

    def add(self, chunk: int, times: npt.NDArray[np.int64]) -> None:
        self.chunk.append(chunk)
        self.start.append(int(times.min()))
        self.end.append(int(times.max()))

    def cut(self, chunk: int) -> None:
        """Forget everything from this chunk on."""
        _shorten(bisect_left(self.chunk, chunk), self.chunk, self.start, self.end)


@dataclass(slots=True)
class _TimelineFacts:
    kind: TimeKind
    source: pa.Field
    spans: _Spans = field(default_factory=_Spans)


@dataclass(slots=True)
class _Gaps:
    """Chunks in which a component has rows without a value."""

    chunk: array[int] = field(default_factory=lambda: array("q"))
    rows: array[int] = field(default_factory=lambda: array("q"))
    spans: dict[str, _Spans] = field(default_factory=dict)

    def cut(self, chunk: int) -> None:
        """Forget everything from this chunk on."""
        _shorten(bisect_left(self.chunk, chunk), self.chunk, self.rows)
        for spans in self.spans.values():
            spans.cut(chunk)


def _shorten(count: int, *columns: array[int] | bytearray) -> None:
    for column in columns:
        del column[count:]


class ManifestBuilder:
    """Facts about the chunks of one store."""

    def __init__(self, store_id: StoreId) -> None:
        self.store_id = store_id
        self._entities: dict[str, int] = {}
        self._layouts: dict[tuple[ComponentDescriptor, ...], int] = {}
        self._shapes: dict[tuple[object, ...], _Shape] = {}
        self._timelines: dict[str, _TimelineFacts] = {}
        self._columns: dict[tuple[str, str], _SchemaColumn] = {}
        self._gaps: dict[ComponentDescriptor, _Gaps] = {}
        self._row_id: pa.Field | None = None
        self._entity = array("I")
        self._layout = array("I")
        self._ids = bytearray()
        self._static = bytearray()
        self._rows = array("Q")
        self._offsets = array("Q")
        self._sizes = array("Q")
        self._unpacked = array("Q")

    def __len__(self) -> int:
        return len(self._offsets)

    def add(self, chunk: Chunk, offset: int, size: int, uncompressed_size: int) -> None:
        """Note a chunk whose message stands at `offset`."""
        index = len(self)
        layout, columns, timelines = self._shape(chunk)
        self._entity.append(self._entities.setdefault(chunk.entity_path, len(self._entities)))
        self._layout.append(layout)
        self._ids += chunk.tuid
        self._static.append(chunk.is_static)
        self._rows.append(chunk.num_rows)
        self._offsets.append(offset)
        self._sizes.append(size)
        self._unpacked.append(uncompressed_size)
        times = list(chunk.times.values())
        if chunk.num_rows:
            for time, facts in zip(times, timelines, strict=True):
                facts.spans.add(index, time.values)
        for column, descriptor, cells in zip(columns, chunk.columns.components, chunk.unfilled_cells(), strict=True):
            if column.is_empty and len(list_values(cells)[1]):
                column.is_empty = False
            if cells.null_count and times:
                self._note_gaps(index, descriptor, cells, times)

    def cut(self, count: int) -> None:
        """Forget all chunks but the first `count`, and what an interrupted `add` left of one."""
        _shorten(
            count, self._entity, self._layout, self._static, self._rows, self._offsets, self._sizes, self._unpacked
        )
        _shorten(count * 16, self._ids)
        for facts in self._timelines.values():
            facts.spans.cut(count)
        for gaps in self._gaps.values():
            gaps.cut(count)

    def _note_gaps(self, index: int, descriptor: ComponentDescriptor, cells: pa.Array, times: list[TimeColumn]) -> None:
        gaps = self._gaps.setdefault(descriptor, _Gaps())
        gaps.chunk.append(index)
        gaps.rows.append(len(cells) - cells.null_count)
        if cells.null_count == len(cells):
            return
        valid = cells.is_valid().to_numpy(zero_copy_only=False)
        for time in times:
            gaps.spans.setdefault(time.timeline, _Spans()).add(index, time.values[valid])

    def _shape(self, chunk: Chunk) -> _Shape:
        """What is the same for all chunks of an entity with the same columns."""
        key = (chunk.entity_path, chunk.columns)
        found = self._shapes.get(key)
        if found is not None:
            return found
        fields = list(chunk.unfilled()[0].schema)
        self._row_id = self._row_id or fields[0]
        timelines = []
        for time, source in zip(chunk.times.values(), fields[1:], strict=False):
            timelines.append(self._timelines.setdefault(time.timeline, _TimelineFacts(time.kind, source)))
        columns = []
        sources = fields[1 + len(timelines) :]
        for descriptor, cells, source in zip(chunk.columns.components, chunk.unfilled_cells(), sources, strict=True):
            name = (chunk.entity_path, descriptor.component)
            typed = source.with_type(cells.type)
            column = self._columns.setdefault(name, _SchemaColumn(typed, chunk.entity_path, descriptor))
            column.is_static |= chunk.is_static
            columns.append(column)
        layout = self._layouts.setdefault(chunk.columns.components, len(self._layouts))
        found = self._shapes[key] = (layout, tuple(columns), tuple(timelines))
        return found

    def schema(self) -> pa.Schema:
        """The union of all columns."""
        fields = [] if self._row_id is None else [_without_order(self._row_id)]
        fields += [_without_order(self._timelines[name].source) for name in sorted(self._timelines)]
        fields += [_schema_field(column) for _, column in sorted(self._columns.items())]
        return pa.schema(fields)

    def manifest(self) -> Manifest:
        """The index as readers use it."""
        return Manifest(self.store_id, self.schema(), self._data())

    def build(self) -> RawManifest:
        """The index as it stands in a footer."""
        schema = self.schema()
        unpacked = _ipc.write_batch(self._data())
        compression, (data,) = _ipc.pack([memoryview(unpacked)], Compression.LZ4)
        return RawManifest(
            self.store_id,
            memoryview(_ipc.write_schema(schema)),
            _schema_hash(schema),
            compression,
            len(unpacked),
            data,
        )

    def _data(self) -> pa.RecordBatch:
        fields, arrays = [], []
        for name, values in self._global_columns():
            fields.append(pa.field(name, values.type, nullable=False))
            arrays.append(values)
        for data_field, values in self._index_columns():
            fields.append(data_field)
            arrays.append(values)
        return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))

    def _global_columns(self) -> Iterator[tuple[str, pa.Array]]:
        paths = Text.from_strings(list(self._entities))
        yield "chunk_entity_path", take(paths, np.frombuffer(self._entity, np.uint32)).to_arrow()
        ids = pa.py_buffer(bytes(self._ids))
        yield "chunk_id", pa.Array.from_buffers(pa.binary(16), len(self), [None, ids])
        yield "chunk_is_static", primitive(np.frombuffer(self._static, np.bool_))
        yield "chunk_num_rows", _unsigned(self._rows)
        yield "chunk_byte_offset", _unsigned(self._offsets)
        yield "chunk_byte_size", _unsigned(self._sizes)
        yield "chunk_byte_size_uncompressed", _unsigned(self._unpacked)

    def _index_columns(self) -> Iterator[tuple[pa.Field, pa.Array]]:
        descriptors = sorted({d for layout in self._layouts for d in layout}, key=_descriptor_order)
        layouts = np.frombuffer(self._layout, np.uint32)
        static = np.frombuffer(self._static, np.bool_)
        holds = {
            descriptor: np.array([descriptor in layout for layout in self._layouts], np.bool_)[layouts]
            for descriptor in descriptors
        }
        for descriptor in descriptors:
            name = column_name("", descriptor, "has_static_data")
            metadata = {"rerun:index": STATIC_INDEX} | _descriptor_keys(descriptor)
            values = primitive(holds[descriptor] & static)
            yield pa.field(name, pa.bool_(), nullable=False, metadata=metadata), values
        timelines = sorted(self._timelines)
        spans = {name: self._dense(self._timelines[name].spans) for name in timelines}
        for timeline in timelines:
            yield from self._span_fields(timeline, None, *spans[timeline])
        if len(self) * len(timelines) * len(descriptors) * 3 > PER_COMPONENT_CELLS_MAX:
            return
        rows = np.frombuffer(self._rows, np.uint64)
        for timeline in timelines:
            for descriptor in descriptors:
                start, end, present = spans[timeline]
                count = np.where(present & holds[descriptor], rows, 0).astype(np.uint64)
                gaps = self._gaps.get(descriptor)
                if gaps is not None:
                    start, end = start.copy(), end.copy()
                    chunks = np.frombuffer(gaps.chunk, np.int64)
                    count[chunks] = np.where(present[chunks], np.frombuffer(gaps.rows, np.int64), 0)
                    if timeline in gaps.spans:
                        own = gaps.spans[timeline]
                        start[own.chunk], end[own.chunk] = own.start, own.end
                if not count.any():
                    continue
                yield from self._span_fields(timeline, descriptor, start, end, count > 0)
                name = column_name(timeline, descriptor, "num_rows")
                metadata = {"rerun:index": timeline} | _descriptor_keys(descriptor)
                yield pa.field(name, pa.uint64(), metadata=metadata), primitive(count)

    def _dense(self, spans: _Spans) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        start, end = np.zeros(len(self), np.int64), np.zeros(len(self), np.int64)
        present = np.zeros(len(self), np.bool_)
        chunks = np.frombuffer(spans.chunk, np.int64)
        start[chunks], end[chunks] = spans.start, spans.end
        present[chunks] = True
        return start, end, present

    def _span_fields(
        self,
        timeline: str,
        descriptor: ComponentDescriptor | None,
        start: npt.NDArray[np.int64],
        end: npt.NDArray[np.int64],
        present: npt.NDArray[np.bool_],
    ) -> Iterator[tuple[pa.Field, pa.Array]]:
        datatype = self._timelines[timeline].kind.value
        metadata = {"rerun:index": timeline}
        if descriptor is not None:
            metadata |= _descriptor_keys(descriptor)
        for suffix, values in (("start", start), ("end", end)):
            column = primitive(np.where(present, values, 0), datatype, valid=present)
            yield pa.field(column_name(timeline, descriptor, suffix), datatype, metadata=metadata), column


def _unsigned(values: array[int]) -> pa.Array:
    return primitive(np.frombuffer(values, np.uint64))


def _descriptor_order(descriptor: ComponentDescriptor) -> tuple[str, str, str]:
    return descriptor.archetype or "", descriptor.component, descriptor.component_type or ""


def _descriptor_keys(descriptor: ComponentDescriptor) -> dict[str, str]:
    return {key: value for key, value in descriptor.metadata().items() if key != "rerun:kind"}


def _without_order(source: pa.Field) -> pa.Field:
    return source.with_metadata({k: v for k, v in (source.metadata or {}).items() if k != b"rerun:is_sorted"})


def _schema_field(column: _SchemaColumn) -> pa.Field:
    path, component = column.entity_path, column.descriptor.component
    prefix = path
    if path == "/__properties" or path.startswith("/__properties/"):
        below = path.removeprefix("/__properties").removeprefix("/")
        prefix = f"property:{below}" if below else "property"
    marks = {
        b"rerun:is_static": column.is_static,
        b"rerun:is_semantically_empty": column.is_empty,
        b"rerun:is_tombstone": component == TOMBSTONE,
    }
    metadata = dict(column.source.metadata or {}) | {b"rerun:entity_path": path.encode()}
    metadata |= {mark: b"true" for mark, holds in marks.items() if holds}
    return column.source.with_name(f"{prefix}:{component}").with_metadata(metadata)


def _schema_hash(schema: pa.Schema) -> bytes:
    """32 bytes that depend only on what the schema holds; nobody compares them with the reference's (FORMAT §3.5)."""
    fields = sorted(schema, key=lambda f: f.name)
    told = repr([(f.name, str(f.type), f.nullable, sorted((f.metadata or {}).items())) for f in fields]).encode()
    return xxhash.xxh3_128_digest(told) + xxhash.xxh3_128_digest(told, seed=1)
