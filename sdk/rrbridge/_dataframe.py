"""Tables into chunks: which column is what comes from Arrow metadata, from `index=`, and from column names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from rrbridge import _entity_path
from rrbridge._arrow import unit_lists
from rrbridge._auto_index import AUTO_INDEX, AutoIndex
from rrbridge._chunk import Chunk, ComponentColumn
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge._tuid import TuidArray, parse_tuid, tuids_from_arrow
from rrbridge.errors import InvalidChunkError

__all__ = ["AUTO_INDEX", "AutoIndex", "batches_of", "chunks_of_batch", "each_chunk"]


_ROW_ID_NAMES = ("rerun.controls.RowId", "row_id")


@dataclass(frozen=True, slots=True)
class _Sorted:
    """The columns of a batch, by what they are."""

    row_ids: TuidArray | None
    times: list[TimeColumn]
    components: list[tuple[str, ComponentColumn]]
    """With the entity of each."""


def each_chunk(chunks: Any) -> Iterator[Chunk]:
    """The chunks of a chunk, of a store or lazy store, or of anything that yields chunks. Raises InvalidChunkError."""
    if isinstance(chunks, Chunk):
        yield chunks
        return
    source = chunks.stream() if hasattr(chunks, "stream") else chunks
    if not isinstance(source, Iterable):
        raise InvalidChunkError(f"not chunks but {type(chunks).__name__}")
    for chunk in source:
        if not isinstance(chunk, Chunk):
            raise InvalidChunkError(f"not a chunk but {type(chunk).__name__}")
        yield chunk


def batches_of(table: Any) -> Iterator[pa.RecordBatch]:
    """The record batches of a pyarrow, pandas or polars table. Raises InvalidChunkError."""
    if isinstance(table, pa.RecordBatch):
        return iter((table,))
    if hasattr(table, "__arrow_c_stream__"):
        reader = pa.RecordBatchReader.from_stream(table)
    elif hasattr(table, "to_arrow_table"):
        reader = table.to_arrow_table().to_reader()
    elif hasattr(table, "iloc"):
        reader = pa.Table.from_pandas(table, preserve_index=False).to_reader()
    else:
        raise InvalidChunkError(f"not a table but {type(table).__name__}")
    return (pa.Table.from_batches([batch]).combine_chunks().to_batches()[0] for batch in reader if batch.num_rows)


def chunks_of_batch(
    batch: pa.RecordBatch, index: str | list[str] | AutoIndex | None = AUTO_INDEX, entity_path: str | None = None
) -> list[Chunk]:
    """One chunk per entity that the batch has columns of; a batch that is a chunk stays as it is.

    `index` names the columns that are times (int64, timestamp, duration); None: the data is static. Without it, the
    batch's metadata says. `entity_path` is where columns go that do not say it by `rerun:entity_path` or by a name
    such as `/world/points:Points3D:positions`. Raises InvalidChunkError when the columns make no chunk.
    """
    if not isinstance(batch, pa.RecordBatch):
        raise InvalidChunkError(f"not a record batch but {type(batch).__name__}")
    metadata = batch.schema.metadata or {}
    if isinstance(index, AutoIndex) and entity_path is None and b"rerun:id" in metadata:
        kinds = [(field.metadata or {}).get(b"rerun:kind") for field in batch.schema]
        if kinds and kinds[0] == b"control" and b"rerun:entity_path" in metadata:
            parse_tuid(metadata[b"rerun:id"].decode(), "chunk_")
            return [Chunk(batch)]
    columns = _sorted_columns(batch, index, entity_path or "/")
    if not columns.components:
        raise InvalidChunkError("no component columns: nothing to log")
    by_entity: dict[str, list[ComponentColumn]] = {}
    for entity, column in columns.components:
        by_entity.setdefault(entity, []).append(column)
    return [Chunk.from_columns(entity, times=columns.times, components=found) for entity, found in by_entity.items()]


def _sorted_columns(batch: pa.RecordBatch, index: str | list[str] | AutoIndex | None, default_entity: str) -> _Sorted:
    wanted = None if isinstance(index, AutoIndex) else [index] if isinstance(index, str) else list(index or ())
    missing = [name for name in wanted or () if name not in batch.schema.names]
    if missing:
        raise InvalidChunkError(f"no column {missing[0]!r} to be the index; there are {', '.join(batch.schema.names)}")
    row_ids, times, components = None, [], []
    shared = (batch.schema.metadata or {}).get(b"rerun:entity_path")
    for field, column in zip(batch.schema, batch.columns, strict=True):
        metadata = field.metadata or {}
        kind = metadata.get(b"rerun:kind")
        says_index = kind == b"index" or b"rerun:index_name" in metadata
        if kind == b"control" or (field.name in _ROW_ID_NAMES and field.type == pa.binary(16)):
            row_ids = tuids_from_arrow(column)
        elif (says_index and wanted is None) or (wanted is not None and field.name in wanted):
            times.append(_time(field, column))
        elif says_index and index is None:
            raise InvalidChunkError(f"column {field.name!r} is an index, but the data is to be static")
        else:
            components.append(_component(field, column, shared, default_entity))
    if wanted is None and not times:
        raise InvalidChunkError("no index column: name one with index=, or say index=None for static data")
    return _Sorted(row_ids, times, components)


def _time(field: pa.Field, column: pa.Array) -> TimeColumn:
    name = ((field.metadata or {}).get(b"rerun:index_name") or field.name.encode()).decode()
    if column.null_count:
        raise InvalidChunkError(f"index column {field.name!r} has nulls; every row needs a time")
    try:
        kind = TimeKind.from_arrow(field.type)
    except ValueError:
        raise InvalidChunkError(
            f"index column {field.name!r} is {field.type}; int64, timestamp[ns] or duration[ns] are times"
        ) from None
    return TimeColumn.of(name, kind, np.asarray(column.cast(pa.int64())))


def _component(
    field: pa.Field, column: pa.Array, shared: bytes | None, default_entity: str
) -> tuple[str, ComponentColumn]:
    metadata = field.metadata or {}
    name, entity = field.name, metadata.get(b"rerun:entity_path") or shared
    if entity is None and b"rerun:component" not in metadata and name.startswith("/") and ":" in name:
        path, _, name = name.partition(":")
        entity = path.encode()
    descriptor = ComponentDescriptor.from_metadata(name, metadata)
    cells = column if pa.types.is_list(column.type) else unit_lists(column)
    if pa.types.is_large_list(column.type):
        cells = column.cast(pa.list_(column.type.value_type))
    return _entity_path.normalize(default_entity if entity is None else entity.decode()), ComponentColumn(
        descriptor, cells
    )
