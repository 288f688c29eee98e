"""The chunk: rows about one entity, as one Arrow record batch. Schema: FORMAT §5."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge import _entity_path
from rrbridge._arrow import Gathered, as_numpy, list_array, list_values, primitive, take_lists, unit_lists
from rrbridge._auto_index import AUTO_INDEX, AutoIndex
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._timeline import TimeColumn, TimeColumnLike, TimeKind
from rrbridge._tuid import (
    TuidArray,
    format_tuid,
    new_tuid,
    new_tuids,
    parse_tuid,
    tuids_from_arrow,
    tuids_sorted,
    tuids_to_arrow,
)
from rrbridge.errors import InvalidChunkError, InvalidValueError

if TYPE_CHECKING:
    from rrbridge._lens import Lens
    from rrbridge._recording import Loggable
    from rrbridge._selector import Selector
    from rrbridge.columns import Spans

__all__ = ["Chunk", "ComponentColumn"]

SORBET_VERSION = b"0.1.4"
ROW_ID = "rerun.controls.RowId"
ROW_ID_METADATA = {
    "ARROW:extension:metadata": '{"namespace":"row"}',
    "ARROW:extension:name": "rerun.datatypes.TUID",
    "rerun:kind": "control",
}


class ComponentColumn:
    """One component of many rows."""

    __slots__ = ("cells", "descriptor")

    descriptor: ComponentDescriptor
    cells: pa.ListArray
    """One list per row: null = nothing logged in this row, `[]` = logged empty, else a batch of instances."""

    def __init__(
        self,
        descriptor: str | ComponentDescriptor,
        component_batch: Any,
        *,
        lengths: npt.ArrayLike | None = None,
        offsets: npt.ArrayLike | None = None,
    ) -> None:
        """Take cells as they are (a list array), or a batch with `as_arrow_array()` to be cut into rows.

        Row i of a batch takes the next `lengths[i]` instances, or those from `offsets[i]` to `offsets[i + 1]`; with
        neither, each instance is a row. Raises InvalidValueError when they do not fit.
        """
        self.descriptor = ComponentDescriptor(descriptor) if isinstance(descriptor, str) else descriptor
        if isinstance(component_batch, pa.Array) and lengths is None and offsets is None:
            self.cells = component_batch
            return
        name = self.descriptor.component
        if not hasattr(component_batch, "as_arrow_array"):
            raise InvalidValueError(name, "an object with as_arrow_array()", repr(component_batch)[:80])
        values = component_batch.as_arrow_array()
        if lengths is None and offsets is None:
            self.cells = unit_lists(values)
            return
        bounds = row_bounds(name, lengths, offsets)
        if bounds[0] < 0 or bounds[-1] > len(values) or np.any(bounds[1:] < bounds[:-1]):
            raise InvalidValueError(name, f"rows within {len(values)} instances", f"{bounds[-1]} instances")
        if offsets is None and bounds[-1] != len(values):
            raise InvalidValueError(name, f"lengths that add up to {len(values)}", str(bounds[-1]))
        self.cells = list_array(bounds, values)

    def __len__(self) -> int:
        return len(self.cells)

    def __repr__(self) -> str:
        return f"ComponentColumn({self.descriptor.component}, {len(self)} rows)"

    @property
    def nbytes(self) -> int:
        """Size of the cells in memory."""
        return int(self.cells.nbytes)

    def component_descriptor(self) -> ComponentDescriptor:
        """What the column is."""
        return self.descriptor

    def as_arrow_array(self) -> pa.ListArray:
        """One list per row."""
        return self.cells

    def partition(self, lengths: npt.ArrayLike) -> ComponentColumn:
        """The same instances cut into other rows: row i takes the next `lengths[i]`."""
        bounds = row_bounds(self.descriptor.component, lengths, None)
        _, values = list_values(self.cells)
        if bounds[-1] != len(values):
            raise InvalidValueError(
                self.descriptor.component, f"lengths that add up to {len(values)}", f"{bounds[-1]} instances"
            )
        return ComponentColumn(self.descriptor, list_array(bounds, values))


class SpansColumn(ComponentColumn):
    """One blob per row, where they stand in a buffer; `cells` are put together when somebody looks."""

    __slots__ = ("spans",)

    def __init__(self, descriptor: ComponentDescriptor, spans: Spans) -> None:
        self.descriptor = descriptor
        self.spans = spans

    def __getattr__(self, name: str) -> Any:
        """`cells`, the first time that somebody asks for them."""
        if name != "cells":
            raise AttributeError(name)
        spans = self.spans
        self.cells = unit_lists(list_array(spans.offsets, primitive(spans.values), nullable=False))
        return self.cells

    def __len__(self) -> int:
        return len(self.spans)

    @property
    def nbytes(self) -> int:
        """Size that the cells have, or would have."""
        return int(self.spans.offsets[-1])


def row_bounds(name: str, lengths: npt.ArrayLike | None, offsets: npt.ArrayLike | None) -> npt.NDArray[np.int64]:
    """Where rows begin and end, from one of the two ways to say it."""
    if (lengths is None) == (offsets is None):
        raise InvalidValueError(name, "either lengths= or offsets=", "both")
    try:
        given = np.asarray(lengths if offsets is None else offsets).astype(np.int64)
    except (TypeError, ValueError, OverflowError) as err:
        raise InvalidValueError(name, "whole numbers of instances", str(err)) from err
    if given.ndim != 1 or (offsets is not None and len(given) == 0) or np.any(given < 0):
        raise InvalidValueError(name, "one whole number per row", f"shape {given.shape}")
    return given if offsets is not None else np.concatenate((np.zeros(1, np.int64), np.cumsum(given)))


class Chunk:
    """Rows about one entity: row ids, times on some timelines, components. Immutable.

    The record batch is the chunk; everything else is read from it on demand.
    """

    tuid: bytes
    """Its id, 16 bytes."""
    entity_path: str
    """The entity, by its canonical path."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        """Take a record batch that follows the chunk schema. Raises InvalidChunkError."""
        metadata = batch.schema.metadata or {}
        try:
            self.tuid = parse_tuid(metadata[b"rerun:id"].decode(), "chunk_")
            self.entity_path = _entity_path.normalize(metadata[b"rerun:entity_path"].decode())
        except KeyError as missing:
            raise InvalidChunkError(f"no {missing.args[0].decode()} in the schema's metadata") from None
        except ValueError as err:
            raise InvalidChunkError(f"malformed metadata: {err}") from None
        kinds = [(f.metadata or {}).get(b"rerun:kind", b"data") for f in batch.schema]
        if not kinds or kinds[0] != b"control" or batch.schema.field(0).type != pa.binary(16):
            raise InvalidChunkError(f"{self.entity_path}: the first column is not row ids")
        time_columns = sum(kind == b"index" for kind in kinds)
        if kinds[1:] != [b"index"] * time_columns + [b"data"] * (len(kinds) - 1 - time_columns):
            raise InvalidChunkError(f"{self.entity_path}: columns are not in the order row ids, times, components")
        self._held = batch
        self._unfilled: Sequence[Gathered] = ()
        self._time_columns = int(time_columns)
        self._columns: ColumnNames | None = None

    @classmethod
    def from_columns(
        cls,
        entity_path: str,
        indexes: Iterable[TimeColumnLike] = (),
        columns: Iterable[ComponentColumn] = (),
        *,
        times: Iterable[TimeColumn] = (),
        components: Iterable[ComponentColumn] = (),
        row_ids: TuidArray | None = None,
        chunk_id: bytes | None = None,
    ) -> Chunk:
        """Put columns of equal length together; without times the chunk is static.

        `indexes` and `columns` take what `send_columns` takes; `times` and `components` are the same, known to be of
        our own types, and keep their order; rows of `indexes` are put in order of time, timeline by timeline as they are
        called. Of several columns by one name the last counts. Readers want rows sorted by row id, which new ids are.
        Raises InvalidChunkError where lengths differ, InvalidValueError where an index is none.
        """
        given = list(map(TimeColumn.from_like, indexes))
        times = sorted({time.timeline: time for time in (*given, *times)}.values(), key=lambda t: t.timeline)
        by_name = {column.descriptor.component: column for column in (*columns, *components)}
        components = [by_name[name] for name in sorted(by_name)]
        if given and len({len(t) for t in times} | {len(c) for c in components}) == 1:
            times, components = _in_order_of_time(times, components)
        lengths = (
            {len(t) for t in times} | {len(c) for c in components} | ({len(row_ids)} if row_ids is not None else set())
        )
        if len(lengths) > 1:
            raise InvalidChunkError(f"{entity_path}: columns of different lengths: {sorted(lengths)}")
        count = lengths.pop() if lengths else 0
        rising = row_ids is None or tuids_sorted(row_ids)
        if row_ids is None:
            row_ids = new_tuids(count)
        fields = [pa.field(ROW_ID, pa.binary(16), nullable=False, metadata=_sorted_key(rising) | ROW_ID_METADATA)]
        arrays: list[pa.Array] = [tuids_to_arrow(row_ids)]
        for time in times:
            metadata = {"rerun:index_name": time.timeline, "rerun:kind": "index"} | _sorted_key(time.is_sorted)
            fields.append(pa.field(time.timeline, time.kind.value, nullable=False, metadata=metadata))
            arrays.append(time.to_arrow())
        for component in components:
            fields.append(
                pa.field(component.descriptor.component, component.cells.type, metadata=component.descriptor.metadata())
            )
            arrays.append(component.cells)
        schema_metadata = {
            b"rerun:entity_path": _entity_path.normalize(entity_path).encode(),
            b"rerun:id": format_tuid(chunk_id or new_tuid(), "chunk_").encode(),
            b"sorbet:version": SORBET_VERSION,
        }
        return cls(pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields, metadata=schema_metadata)))

    @classmethod
    def from_record_batch(
        cls,
        record_batch: pa.RecordBatch,
        *,
        index: str | list[str] | AutoIndex | None = AUTO_INDEX,
        entity_path: str | None = None,
    ) -> list[Chunk]:
        """One chunk per entity that a batch has columns of.

        `index` names the columns that are times; None: static data; left out: the batch's metadata say. `entity_path`
        is for columns that do not say theirs, by metadata or by a name such as `/points:Points3D:positions`. A batch
        that is a chunk stays as it is. Raises InvalidChunkError.
        """
        from rrbridge._dataframe import chunks_of_batch

        return chunks_of_batch(record_batch, index, entity_path)

    @classmethod
    def from_dataframe(
        cls,
        dataframe: Any,
        *,
        index: str | list[str] | AutoIndex | None = AUTO_INDEX,
        entity_path: str | None = None,
    ) -> Iterator[Chunk]:
        """The same for a table of pyarrow, pandas or polars, or anything that hands out Arrow, batch by batch.

        Raises InvalidChunkError at once if it is no table, later if its columns make no chunk.
        """
        from rrbridge._dataframe import batches_of, chunks_of_batch

        batches = batches_of(dataframe)
        return (chunk for batch in batches for chunk in chunks_of_batch(batch, index, entity_path))

    @classmethod
    def from_property(cls, name: str, values: Loggable) -> Chunk:
        """What `send_property` logs: something that is said about the recording as a whole. Raises InvalidValueError."""
        from rrbridge._recording import described_batches

        columns = [batch.partition([len(batch.batch)]) for batch in described_batches(values)]
        return cls.from_columns(_entity_path.normalize(["__properties", name]), components=columns)

    def to_record_batch(self) -> pa.RecordBatch:
        """The chunk's own record batch."""
        return self._batch

    @property
    def _batch(self) -> pa.RecordBatch:
        for part in self._unfilled:
            part.fill()
        self._unfilled = ()
        return self._held

    def filled_later(self, parts: Sequence[Gathered]) -> Self:
        """The same chunk, some of whose memory is put together when somebody looks; returns itself."""
        self._unfilled = parts
        return self

    def unfilled(self) -> tuple[pa.RecordBatch, Sequence[Gathered]]:
        """The record batch, and what is still missing in it: for who can write that from where it is."""
        return self._held, self._unfilled

    def unfilled_cells(self) -> Iterator[pa.ListArray]:
        """The component columns. Lengths and nulls are there, values may be missing."""
        for index in range(1 + self._time_columns, self._held.num_columns):
            column = self._held.column(index)
            yield column if isinstance(column, pa.ListArray) else unit_lists(column)

    @property
    def id(self) -> str:
        """Its id as text: `chunk_…`."""
        return format_tuid(self.tuid, "chunk_")

    @property
    def num_rows(self) -> int:
        """How many rows."""
        return int(self._held.num_rows)

    @property
    def num_columns(self) -> int:
        """How many columns, row ids and times included."""
        return int(self._held.num_columns)

    @property
    def num_components(self) -> int:
        """How many component columns."""
        return self.num_columns - 1 - self._time_columns

    @property
    def is_empty(self) -> bool:
        """Whether there are no rows."""
        return self.num_rows == 0

    @property
    def is_static(self) -> bool:
        """Whether it belongs to all times: it has no time columns."""
        return self._time_columns == 0

    @cached_property
    def nbytes(self) -> int:
        """Size of the data in memory, in bytes; what columns share counts once."""
        return int(min(self._held.nbytes, self._held.get_total_buffer_size()))

    @property
    def timeline_names(self) -> list[str]:
        """The timelines that its rows are on."""
        return list(self.times)

    @cached_property
    def row_ids(self) -> TuidArray:
        """Row ids, shape (rows, 2), dtype `>u8`."""
        return tuids_from_arrow(self._held.column(0))

    @cached_property
    def times(self) -> Mapping[str, TimeColumn]:
        """Its time columns by timeline name."""
        found: dict[str, TimeColumn] = {}
        for index, (name, kind) in enumerate(self.columns.timelines, 1):
            column = self._held.column(index)
            if column.null_count:
                raise InvalidChunkError(f"{self.entity_path}: timeline {name} has nulls")
            found[name] = TimeColumn.of(name, kind, as_numpy(column, np.int64))
        return found

    @property
    def columns(self) -> ColumnNames:
        """What its columns are called."""
        if self._columns is None:
            self._columns = ColumnNames.of(self._held.schema, self._time_columns, self.entity_path)
        return self._columns

    def check_times(self) -> None:
        """Raises InvalidChunkError where a time is missing; cheaper than to look at `times`, which says more."""
        batch = self._held
        for index in range(1, 1 + self._time_columns):
            if batch.column(index).null_count:
                raise InvalidChunkError(f"{self.entity_path}: timeline {batch.schema.field(index).name} has nulls")

    def is_sorted_on(self, timeline: str) -> bool:
        """Whether rows are known to be in order of time on this timeline."""
        index = 1 + list(self.times).index(timeline)
        return bool((self._held.schema.field(index).metadata or {}).get(b"rerun:is_sorted") == b"true")

    @cached_property
    def components(self) -> Mapping[str, ComponentColumn]:
        """Its component columns by component name (`Points3D:positions`)."""
        found: dict[str, ComponentColumn] = {}
        assert self._batch is self._held
        for descriptor, cells in zip(self.columns.components, self.unfilled_cells(), strict=True):
            found[descriptor.component] = ComponentColumn(descriptor, cells)
        return found

    def slice(self, offset: int, length: int | None = None) -> Chunk:
        """Some of its rows, without a copy, under a chunk id of their own."""
        return Chunk(self._batch.slice(offset, length).replace_schema_metadata(self._metadata_with_new_id()))

    def take(self, rows: npt.NDArray[np.int64]) -> Chunk:
        """The given rows, in the order asked for, under a chunk id of their own."""
        indices = pa.array(rows)
        return Chunk.from_columns(
            self.entity_path,
            times=[TimeColumn.of(t.timeline, t.kind, t.values[rows]) for t in self.times.values()],
            components=[ComponentColumn(c.descriptor, take_lists(c.cells, indices)) for c in self.components.values()],
            row_ids=self.row_ids[rows],
        )

    def with_rows(self, batch: pa.RecordBatch, tuid: bytes) -> Chunk:
        """Other rows of the same entity in the same columns: a batch that says so itself, and has this id."""
        other = Chunk.__new__(Chunk)
        other.tuid, other.entity_path = tuid, self.entity_path
        other._held, other._unfilled = batch, ()
        other._time_columns, other._columns = self._time_columns, self._columns
        return other

    def with_entity_path(self, entity_path: str) -> Chunk:
        """The same rows at another path, under a chunk id of their own."""
        metadata = self._metadata_with_new_id() | {b"rerun:entity_path": _entity_path.normalize(entity_path).encode()}
        return Chunk(self._batch.replace_schema_metadata(metadata))

    def apply_selector(self, source: ComponentDescriptor | str, selector: Selector | str) -> Chunk:
        """The same rows, under new ids, with one component replaced by what a selector makes of it.

        Raises LensError where the component is missing, or the selector fits it not or gives no result.
        """
        from rrbridge._lens_apply import apply_selector

        return apply_selector(self, source if isinstance(source, str) else source.component, selector)

    def apply_lenses(self, lenses: Iterable[Lens] | Lens) -> list[Chunk]:
        """The chunks that lenses make of this one: first the columns that no lens reads, with what is made in place.

        Without a lens that reads it, it goes on as it is. Raises LensError.
        """
        from rrbridge._lens_apply import apply_lenses, as_lenses

        return apply_lenses(self, as_lenses(lenses))

    def _metadata_with_new_id(self) -> dict[bytes, bytes]:
        return dict(self._held.schema.metadata) | {b"rerun:id": format_tuid(new_tuid(), "chunk_").encode()}

    def __len__(self) -> int:
        return self.num_rows

    def __bool__(self) -> bool:
        """True, with or without rows."""
        return True

    def format(self, *, width: int = 240, redact: bool = False, trim_metadata_keys: bool = True) -> str:
        """The chunk as a table for people, at most `width` characters a line where its columns allow it.

        With `redact`, ids and versions are left out, so that equal data gives equal text. Metadata keys lose their
        `rerun:` unless `trim_metadata_keys` is False. Of many rows the first are shown.
        """
        from rrbridge._chunk_format import format_chunk

        return format_chunk(self, width=width, redact=redact, trim_metadata_keys=trim_metadata_keys)

    def __str__(self) -> str:
        return self.format()

    def __repr__(self) -> str:
        where = "static" if self.is_static else ", ".join(self.times)
        return f"Chunk({self.entity_path}, {self.num_rows} rows, {where}: {', '.join(self.components)})"


def _in_order_of_time(
    times: Sequence[TimeColumn], components: Sequence[ComponentColumn]
) -> tuple[list[TimeColumn], list[ComponentColumn]]:
    first = times[0]
    if not (first.is_sorted if len(times) == 1 else np.all(first.values[1:] > first.values[:-1])):
        order = np.lexsort([time.values for time in reversed(times)])
        if np.any(order[1:] < order[:-1]):
            rows = pa.array(order)
            times = [TimeColumn.of(time.timeline, time.kind, time.values[order]) for time in times]
            components = [ComponentColumn(column.descriptor, take_lists(column.cells, rows)) for column in components]
    return list(times), list(components)


class ColumnNames(NamedTuple):
    """What the columns of a chunk are called, row ids apart, in their order."""

    timelines: tuple[tuple[str, TimeKind], ...]
    components: tuple[ComponentDescriptor, ...]

    @classmethod
    def of(cls, schema: pa.Schema, time_columns: int, entity_path: str) -> Self:
        """Read the schema of a chunk. Raises InvalidChunkError."""
        timelines = []
        for field in list(schema)[1 : 1 + time_columns]:
            name = ((field.metadata or {}).get(b"rerun:index_name") or field.name.encode()).decode()
            try:
                timelines.append((name, TimeKind.from_arrow(field.type)))
            except ValueError:
                raise InvalidChunkError(f"{entity_path}: timeline {name} has type {field.type}") from None
        components = (
            ComponentDescriptor.from_metadata(f.name, f.metadata or {}) for f in list(schema)[1 + time_columns :]
        )
        return cls(tuple(timelines), tuple(components))


def _sorted_key(is_sorted: bool) -> dict[str, str]:
    return {"rerun:is_sorted": "true"} if is_sorted else {}
