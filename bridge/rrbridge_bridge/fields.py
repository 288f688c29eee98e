"""Every field of N messages as one Arrow component: one struct per message.

The column is named as the reference importer's reflection names it: `nav_msgs/msg/Odometry` becomes component
`nav_msgs.msg.Odometry:message` of archetype `nav_msgs.msg.Odometry`, and ROS 1 messages likewise. So do the types:

| field | Arrow |
| --- | --- |
| number, bool | the same; never null |
| string | utf8 |
| array of numbers or strings, fixed or not | `list<item: T not null>` |
| array of messages, fixed or not | `list<item: struct<…>>` |
| message, time, duration | struct |
| message without fields | a struct with the dummy field that ROS 2 gives it on the wire |

Encodings that know fields which are left out (`rrbridge.columns.present`) differ, again as the reference has them: such fields
are nullable, empty lists and maps are null, lists hold no nulls, bytes are `binary`, mappings `map`, and a message without fields
is a struct without members.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pyarrow as pa

from rrbridge._arrow import list_array, primitive, unit_lists
from rrbridge._descriptor import ComponentDescriptor
from rrbridge.chunk import ComponentColumn
from rrbridge.columns import Columns, Flags, Octets, Pairs, Ragged, Text

__all__ = ["archetype_name", "component_of", "message_column", "struct_array", "to_arrow"]

EMPTY_MESSAGE_FIELD = "structure_needs_at_least_one_member"


def archetype_name(msgtype: str) -> str:
    """`nav_msgs/msg/Odometry` → `nav_msgs.msg.Odometry`."""
    return msgtype.replace("/", ".")


def component_of(archetype: str) -> ComponentDescriptor:
    """The descriptor of a message's fields."""
    return ComponentDescriptor(f"{archetype}:message", archetype)


def message_column(msgs: Columns, archetype: str, *, without: Collection[str] = ()) -> ComponentColumn | None:
    """One struct per message, all fields except those named in `without`; None if that leaves nothing of it.

    Raises OverflowError if one field of all messages together has more than 2³¹ elements.
    """
    kept = [name for name in msgs if name not in without]
    if not kept and without:
        return None
    return ComponentColumn(component_of(archetype), unit_lists(struct_array(msgs, kept)))


def struct_array(msgs: Columns, names: Collection[str], *, valid: Flags | None = None) -> pa.StructArray:
    """The named fields of N messages side by side; null where `valid` is false."""
    optional = msgs._optional
    if optional is None:
        optional = {}
        if not names:
            zeros = primitive(np.zeros(len(msgs), np.uint8))
            dummy = pa.field(EMPTY_MESSAGE_FIELD, pa.uint8(), nullable=False)
            return pa.StructArray.from_arrays([zeros], fields=[dummy])
    arrays = [to_arrow(msgs[name], valid=optional.get(name)) for name in names]
    fields = [pa.field(name, a.type, nullable=name in optional) for name, a in zip(names, arrays, strict=True)]
    return pa.Array.from_buffers(pa.struct(fields), len(msgs), [_validity(valid)], children=arrays)


def to_arrow(column: Any, *, valid: Flags | None = None) -> pa.Array:
    """Any kind of message column as Arrow, null where `valid` is false; numbers and offsets that are Arrow's are not copied."""
    match column:
        case Columns():
            return struct_array(column, list(column), valid=valid)
        case Text():
            text = column.to_arrow()
            return pa.Array.from_buffers(text.type, len(text), [_validity(valid), *text.buffers()[1:]])
        case Octets():
            data = column.values[column.offsets[0] : column.offsets[-1]]
            return _binary(column.offsets - column.offsets[0], data, valid)
        case Ragged():
            return _lists(column, valid)
        case np.ndarray():
            if column.ndim == 1:
                return primitive(_native(column), valid=valid)
            rows, width = column.shape
            items = primitive(_native(column).reshape(-1))
            return list_array(np.arange(rows + 1, dtype=np.int64) * width, items, nullable=False, valid=valid)
        case _:
            raise TypeError(f"not a message column: {type(column).__name__}")


def _lists(column: Ragged, valid: Flags | None) -> pa.Array:
    values = to_arrow(column.values)
    first, last = int(column.offsets[0]), int(column.offsets[-1])
    if first or last != len(values):
        values = values.slice(first, last - first)
    may_be_null = isinstance(column.values, Columns) and column.values._optional is None
    lists = list_array(column.offsets - first, values, nullable=may_be_null, valid=valid)
    if not isinstance(column, Pairs):
        return lists
    key, value = (values.type.field(name) for name in ("key", "value"))
    return pa.Array.from_buffers(
        pa.map_(key.type, value.with_nullable(False)), len(lists), lists.buffers()[:2], children=[values]
    )


def _binary(offsets: np.ndarray[Any, Any], data: np.ndarray[Any, Any], valid: Flags | None) -> pa.Array:
    if offsets[-1] > np.iinfo(np.int32).max:
        raise OverflowError("more than 2 GiB of bytes in one column; make smaller batches")
    narrow = pa.py_buffer(offsets.astype(np.int32))
    buffers = [_validity(valid), narrow, pa.py_buffer(np.ascontiguousarray(data))]
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, buffers)


def _validity(valid: Flags | None) -> pa.Buffer | None:
    if valid is None or valid.all():
        return None
    return pa.py_buffer(np.packbits(valid, bitorder="little"))


def _native(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Arrow knows only the machine's own byte order."""
    return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))
