"""The fields of messages, which are structs within structs: paths to them, their numbers over time, and a tree to read.

A path is a tuple of field names and places in lists: `("ee_motion", 0, "pos", "z")`. The empty path is the value itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import list_values
from rrbridge._timeline import TimeKind
from rrbridge_viewer.times import format_time
from rrbridge_viewer.values import datatype_name

__all__ = ["FieldNode", "FieldPath", "field_numbers", "field_title", "field_tree", "is_raw", "number_fields"]

FieldPath: TypeAlias = tuple[str | int, ...]

MAX_NODES = 1500
MAX_LIST = 24
"""So many elements of a list are shown one by one."""
INLINE = 6
"""So many numbers of a list are shown on its own line."""
MAX_TEXT = 200
EPOCH_FROM = 10**8
"""Times from here on (seconds, in 1973) are moments; earlier ones are durations, or of a simulation."""
SECONDS = frozenset({"sec", "secs", "seconds"})
NANOSECONDS = frozenset({"nanosec", "nsec", "nsecs", "nanos", "nanoseconds"})
BOOK_KEEPING = frozenset({"header", "seq", "stamp", "timestamp", "iTOW"})


@dataclass(frozen=True, slots=True)
class FieldNode:
    """A field, and what it holds."""

    name: str
    path: FieldPath
    text: str
    """The value on one line; of a struct without a short form, empty."""
    datatype: str
    children: tuple[FieldNode, ...] = ()
    is_number: bool = False
    """Whether it can be plotted."""


def field_title(path: FieldPath) -> str:
    """`ee_motion[0].pos.z`"""
    words = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(words).removeprefix(".")


def is_raw(archetype: str | None, datatype: pa.DataType) -> bool:
    """Whether a component is somebody's own message or value rather than part of an archetype that views know."""
    known = archetype is not None and archetype.startswith("rerun.")
    return not known and (pa.types.is_struct(datatype) or _is_number(datatype))


def number_fields(datatype: pa.DataType) -> list[FieldPath]:
    """The numbers outside lists, headers and times, those that are worth looking at first: measured before counted."""
    found = list(_numbers(datatype, ()))
    found.sort(key=lambda entry: entry[0])
    return [path for _, path in found]


def _numbers(datatype: pa.DataType, path: FieldPath) -> Iterator[tuple[int, FieldPath]]:
    if _is_number(datatype):
        yield 0 if pa.types.is_floating(datatype) else 1 if pa.types.is_integer(datatype) else 2, path
    elif pa.types.is_struct(datatype) and not _is_time(datatype):
        for field in datatype:
            if field.name not in BOOK_KEEPING:
                yield from _numbers(field.type, (*path, field.name))


def field_numbers(cells: pa.ListArray, path: FieldPath) -> npt.NDArray[np.float64]:
    """(rows,): the field in the first instance of each row; not a number where there is none.

    Raises KeyError, TypeError where the data has no such field. No other part of the messages is copied.
    """
    offsets, values = list_values(cells)
    rows = np.where(np.diff(offsets) > 0, offsets[:-1], -1).astype(np.int64)
    for part in path:
        rows = _known(values, rows)
        if isinstance(part, int):
            values, rows = _element(values, rows, part)
        elif pa.types.is_struct(values.type):
            values = values.field(part)
        else:
            raise TypeError(f"{datatype_name(values.type)} has no field {part}")
    rows = _known(values, rows)
    if not _is_number(values.type):
        raise TypeError(f"{field_title(path)} is {datatype_name(values.type)}, not a number")
    numbers = np.full(len(rows), np.nan)
    there = rows >= 0
    picked = values.take(pa.array(rows[there]))
    numbers[there] = picked.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return numbers


def _known(values: pa.Array, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """-1 where the value is null."""
    if not values.null_count:
        return rows
    valid = np.asarray(values.is_valid().to_numpy(zero_copy_only=False), bool)
    return np.where((rows >= 0) & valid[rows], rows, -1)


def _element(values: pa.Array, rows: npt.NDArray[np.int64], place: int) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    if not _is_list(values.type):
        raise TypeError(f"{datatype_name(values.type)} is no list")
    if pa.types.is_fixed_size_list(values.type):
        size = values.type.list_size
        inside = (rows >= 0) & (place < size)
        return values.values, np.where(inside, (rows + values.offset) * size + place, -1)
    offsets = np.asarray(values.offsets.to_numpy(), np.int64)
    if not len(values):
        return values.values, rows
    inside = (rows >= 0) & (offsets[rows] + place < offsets[np.maximum(rows, 0) + 1])
    return values.values, np.where(inside, offsets[rows] + place, -1)


def _is_number(datatype: pa.DataType) -> bool:
    return bool(pa.types.is_integer(datatype) or pa.types.is_floating(datatype) or pa.types.is_boolean(datatype))


def _is_list(datatype: pa.DataType) -> bool:
    return bool(pa.types.is_list(datatype) or pa.types.is_large_list(datatype) or pa.types.is_fixed_size_list(datatype))


def _is_time(datatype: pa.DataType) -> bool:
    names = [field.name for field in datatype]
    return len(names) == 2 and names[0] in SECONDS and names[1] in NANOSECONDS


def field_tree(value: pa.Scalar) -> tuple[FieldNode, ...]:
    """What a message holds, field by field, long lists cut short. Of what is no struct: one node."""
    room = _Room(MAX_NODES)
    root = _node("value", (), value, room)
    return root.children if pa.types.is_struct(value.type) else (root,)


@dataclass
class _Room:
    """How many nodes may still be made: a message may hold a million of them."""

    left: int


def _node(name: str, path: FieldPath, value: pa.Scalar, room: _Room) -> FieldNode:
    datatype = value.type
    room.left -= 1
    kind = datatype_name(datatype)
    if not value.is_valid:
        return FieldNode(name, path, "–", kind)
    if pa.types.is_struct(datatype):
        if _is_time(datatype):
            return FieldNode(name, path, _moment(*(value[field.name].as_py() for field in datatype)), "time")
        children = []
        for field in datatype:
            if room.left <= 0:
                break
            children.append(_node(field.name, (*path, field.name), value[field.name], room))
        return FieldNode(name, path, _short_form(children), kind, tuple(children))
    if _is_list(datatype):
        return _list_node(name, path, value, room)
    if pa.types.is_timestamp(datatype) or pa.types.is_duration(datatype):
        stamped = pa.types.is_timestamp(datatype)
        nanos = int(value.cast(pa.timestamp("ns") if stamped else pa.duration("ns")).value)
        return FieldNode(name, path, _moment(*divmod(nanos, 10**9)), "time")
    return FieldNode(name, path, _plain(value.as_py()), kind, is_number=_is_number(datatype))


def _list_node(name: str, path: FieldPath, value: pa.Scalar, room: _Room) -> FieldNode:
    items = value.values
    inner = datatype_name(items.type)
    count = f"{len(items):,}".replace(",", " ")
    kind = f"{inner}[{count}]"
    if pa.types.is_uint8(items.type) and len(items) > INLINE:
        return FieldNode(name, path, f"{count} bytes", kind)
    shown = items[: min(MAX_LIST, max(room.left, 0))]
    children = tuple(_node(f"[{place}]", (*path, place), item, room) for place, item in enumerate(shown))
    if len(items) > len(shown):
        children += (FieldNode("…", (*path, "…"), f"{len(items) - len(shown):,} more".replace(",", " "), ""),)
    if _is_number(items.type) or pa.types.is_string(items.type):
        words = [child.text for child in children[:INLINE]]
        text = f"[{', '.join(words)}{', …' if len(items) > INLINE else ''}]"
        return FieldNode(name, path, _cut(text if len(items) <= INLINE else f"{text}  × {count}"), kind, children)
    return FieldNode(name, path, f"{count} × {inner}" if len(items) else "[]", kind, children)


def _short_form(fields: Sequence[FieldNode]) -> str:
    """Of vectors and rotations, so that they need not be unfolded."""
    names = [field.name for field in fields]
    if not all(field.is_number and field.datatype != "bool" for field in fields):
        return ""
    if names in (["x", "y", "z"], ["x", "y"]):
        return ", ".join(f"{float(field.text):.4g}" for field in fields)
    if names == ["x", "y", "z", "w"]:
        x, y, z, w = (float(field.text) for field in fields)
        return _roll_pitch_yaw(x, y, z, w)
    return ""


def _roll_pitch_yaw(x: float, y: float, z: float, w: float) -> str:
    """Of a quaternion, about fixed axes X, Y, Z in this order, in degrees."""
    norm = math.hypot(x, y, z, w)
    if not 0 < norm < math.inf:
        return "no rotation"
    x, y, z, w = x / norm, y / norm, z / norm, w / norm
    roll = math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))
    pitch = math.asin(min(max(2 * (w * y - z * x), -1.0), 1.0))
    yaw = math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    angles = (f"{math.degrees(angle) + 0.0:.1f}°" for angle in (roll, pitch, yaw))
    return f"rpy {', '.join(angles)}"


def _moment(seconds: int, nanoseconds: int) -> str:
    if abs(seconds) >= EPOCH_FROM:
        return format_time(seconds * 10**9 + nanoseconds, TimeKind.TIMESTAMP, date=True, digits=6)
    return f"{seconds + nanoseconds / 1e9:.9g} s"


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return _cut(str(value))


def _cut(text: str) -> str:
    line = text.replace("\n", "⏎")
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "…"
