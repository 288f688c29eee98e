"""Structs without members, which Parquet cannot hold: protobuf messages without fields are such."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from rrbridge._arrow import flags, primitive

__all__ = ["storable_batch", "storable_type"]


def storable_type(kind: pa.DataType) -> pa.DataType:
    """The type with booleans in place of structs without members; the same object where there are none."""
    inner = [kind.field(i) for i in range(kind.num_fields)]
    if pa.types.is_struct(kind) and not inner:
        return pa.bool_()
    if pa.types.is_map(kind):
        item = storable_type(kind.item_type)
        return kind if item is kind.item_type else pa.map_(kind.key_field, kind.item_field.with_type(item))
    changed = [field.with_type(storable_type(field.type)) for field in inner]
    if all(new.type == old.type for new, old in zip(changed, inner, strict=True)):
        return kind
    return pa.struct(changed) if pa.types.is_struct(kind) else pa.list_(changed[0])


def storable_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """A batch with the types of `schema`, which has the storable ones of the batch's."""
    everything = primitive(np.arange(batch.num_rows))
    columns = [
        column if column.type == wanted.type else _storable(column.take(everything), wanted.type)
        for column, wanted in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _storable(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """An array, which must begin at the start of its memory, as the storable type: true where a struct was."""
    if array.type == kind:
        return array
    if pa.types.is_boolean(kind):
        return primitive(np.ones(len(array), np.bool_), valid=flags(array.is_valid()))
    if pa.types.is_struct(kind):
        children = [_storable(array.field(i), kind.field(i).type) for i in range(kind.num_fields)]
    elif pa.types.is_map(kind):
        items = _storable(array.items, kind.item_type)
        children = [pa.StructArray.from_arrays([array.keys, items], fields=[kind.key_field, kind.item_field])]
    else:
        children = [_storable(array.values, kind.value_type)]
    own = array.buffers()[: array.type.num_buffers]
    return pa.Array.from_buffers(kind, len(array), own, array.null_count, children=children)
