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
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pyarrow as pa

from rrbridge._arrow import list_array, primitive, unit_lists
from rrbridge._descriptor import ComponentDescriptor
from rrbridge.chunk import ComponentColumn
from rrbridge.columns import Columns, Ragged, Text

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


def struct_array(msgs: Columns, names: Collection[str]) -> pa.StructArray:
    """The named fields of N messages side by side."""
    if not names:
        zeros = primitive(np.zeros(len(msgs), np.uint8))
        return pa.StructArray.from_arrays([zeros], fields=[pa.field(EMPTY_MESSAGE_FIELD, pa.uint8(), nullable=False)])
    arrays = [to_arrow(msgs[name]) for name in names]
    fields = [pa.field(name, array.type, nullable=False) for name, array in zip(names, arrays, strict=True)]
    return pa.StructArray.from_arrays(arrays, fields=fields)


def to_arrow(column: Any) -> pa.Array:
    """Any kind of message column as Arrow; numbers and offsets that are Arrow's already are not copied."""
    match column:
        case Columns():
            return struct_array(column, list(column))
        case Text():
            return column.to_arrow()
        case Ragged():
            values = to_arrow(column.values)
            first, last = int(column.offsets[0]), int(column.offsets[-1])
            if first or last != len(values):
                values = values.slice(first, last - first)
            return list_array(column.offsets - first, values, nullable=pa.types.is_struct(values.type))
        case np.ndarray():
            if column.ndim == 1:
                return primitive(_native(column))
            rows, width = column.shape
            items = primitive(_native(column).reshape(-1))
            return list_array(np.arange(rows + 1, dtype=np.int64) * width, items, nullable=False)
        case _:
            raise TypeError(f"not a message column: {type(column).__name__}")


def _native(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Arrow knows only the machine's own byte order."""
    return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))
