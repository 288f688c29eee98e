"""What Foxglove's messages share: names, poses, colours, packed elements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.adapters import F
from rrbridge.columns import STAMP, Columns, Ragged, nanos, present, take
from rrbridge_bridge.messages._fields import xyz
from rrbridge_bridge.messages._registry import adapters
from rrbridge_bridge.messages._rotations import orientation, rotate

__all__ = [
    "chosen",
    "colors_of",
    "element_dtype",
    "elements",
    "foxglove",
    "integers",
    "layouts",
    "orientations",
    "placed",
    "positions",
    "rgba",
    "rgba_of_elements",
    "stamps",
    "subset",
]

Rows = npt.NDArray[np.int64]
Field = tuple[str, int, int]
"""Name, offset and numeric type of a part of an element."""

_DTYPES = {1: "<u1", 2: "<i1", 3: "<u2", 4: "<i2", 5: "<u4", 6: "<i4", 7: "<f4", 8: "<f8"}
"""PackedElementField.NumericType."""
MAX_STRIDE = 2**31 - 1
"""Bytes; numpy's own limit."""


def foxglove(name: str, *, carries: Sequence[str] = (), reference: bool = False) -> Callable[[F], F]:
    """Register an adapter of a schema under its names. `reference`: the reference maps its protobuf form."""

    def register(function: F) -> F:
        adapters(f"foxglove.{name}", carries=carries, reference=reference)(function)
        return adapters(f"foxglove_msgs/msg/{name}", carries=carries)(function)

    return register


def integers(column: Any) -> Rows:
    """Numbers of an enum; some encodings give it as its name and number."""
    values: Rows = (column.value if isinstance(column, Columns) else np.asarray(column)).astype(np.int64)
    return values


def stamps(messages: Columns) -> list[TimeColumn]:
    """The rows' own times."""
    return [TimeColumn.of(STAMP, TimeKind.TIMESTAMP, nanos(messages.timestamp))]


def positions(pose: Columns) -> npt.NDArray[np.float64]:
    """Of poses, shape (N, 3)."""
    return xyz(pose.position)


def orientations(pose: Columns) -> npt.NDArray[np.float64]:
    """Of poses, as x, y, z, w, shape (N, 4); one that is left out turns nothing."""
    return orientation(pose.orientation)


def placed(pose: Columns, points: Ragged) -> Ragged:
    """Points of each message, given in its pose, in the frame of the pose."""
    lengths = points.lengths
    turned = rotate(np.repeat(orientations(pose), lengths, axis=0), points.values)
    return Ragged(points.offsets, turned + np.repeat(positions(pose), lengths, axis=0))


def colors_of(things: Columns) -> npt.NDArray[np.uint32]:
    """Of primitives; black where they give none, as Foxglove has it."""
    return np.where(present(things, "color"), rgba(things.color), np.uint32(0xFF))


def rgba(color: Columns) -> npt.NDArray[np.uint32]:
    """Colours of 0 … 1 as 0xRRGGBBAA, rounded; opaque where the alpha is left out."""
    alpha = np.where(present(color, "a"), color.a, 1.0)
    return _packed(np.stack([color.r, color.g, color.b, alpha], axis=-1) + 0.5 / 255)


def _packed(channels: npt.NDArray[Any]) -> npt.NDArray[np.uint32]:
    """Shape (N, 4), as numbers of 0 … 1; what lies between two octets becomes the lower."""
    octets = np.floor(np.clip(np.nan_to_num(channels), 0, 1) * 255).astype(np.uint32)
    packed: npt.NDArray[np.uint32] = (octets << np.array([24, 16, 8, 0], np.uint32)).sum(axis=-1, dtype=np.uint32)
    return packed


def layouts(messages: Columns, *strides: str) -> Iterator[tuple[Rows, list[Field]]]:
    """Messages whose elements lie in the same way: their rows, and the parts of an element."""
    parts = messages["fields"]
    codes, names = parts.values.name.dictionary()
    table = np.stack([codes, parts.values.offset, integers(parts.values.type)], axis=-1).astype(np.int64)
    found: dict[tuple[bytes, ...], list[int]] = {}
    numbers = np.stack([messages[stride] for stride in strides], axis=-1).astype(np.int64)
    for row, (start, end) in enumerate(zip(parts.offsets[:-1].tolist(), parts.offsets[1:].tolist(), strict=True)):
        found.setdefault((table[start:end].tobytes(), numbers[row].tobytes()), []).append(row)
    for rows in found.values():
        first = table[parts.offsets[rows[0]] : parts.offsets[rows[0] + 1]]
        yield np.array(rows), [(names[code], offset, kind) for code, offset, kind in first.tolist()]


def element_dtype(fields: Sequence[Field], stride: int) -> np.dtype[Any] | None:
    """An element as a structured type; parts that do not fit into it are left out. None if nothing is left."""
    fitting = {
        name: (np.dtype(_DTYPES[kind]), offset)
        for name, offset, kind in reversed(fields)
        if kind in _DTYPES and name and 0 <= offset <= stride - np.dtype(_DTYPES[kind]).itemsize
    }
    if not fitting or stride > MAX_STRIDE:
        return None
    kept = list(dict.fromkeys(name for name, _, _ in fields if name in fitting))
    return np.dtype(
        {
            "names": kept,
            "formats": [fitting[name][0] for name in kept],
            "offsets": [fitting[name][1] for name in kept],
            "itemsize": stride,
        }
    )


def elements(data: Ragged, dtype: np.dtype[Any]) -> Ragged:
    """The whole elements of each message; bytes after the last are left."""
    counts = data.lengths // dtype.itemsize
    used = counts * dtype.itemsize
    if not np.array_equal(used, data.lengths):
        wanted = Ragged.from_lengths(used, None)
        index = np.repeat(data.offsets[:-1] - wanted.offsets[:-1], used) + np.arange(wanted.offsets[-1])
        octets = data.values[index]
    else:
        octets = data.values[data.offsets[0] : data.offsets[-1]]
    return Ragged.from_lengths(counts, np.ascontiguousarray(octets).view(dtype))


def rgba_of_elements(values: npt.NDArray[Any]) -> npt.NDArray[np.uint32] | None:
    """Colours of elements with `red`, `green` and `blue`, perhaps `alpha`; integers are 0 … 255, floats 0 … 1.

    Floats are not rounded, as in the reference.
    """
    names = values.dtype.names or ()
    if not {"red", "green", "blue"} <= set(names):
        return None
    channels = np.ones((len(values), 4))
    for place, name in enumerate(("red", "green", "blue", "alpha")):
        if name in names:
            channel = values[name]
            channels[:, place] = channel if channel.dtype.kind == "f" else channel / 255.0
    return _packed(channels)


def chosen(messages: Columns, field: str) -> Rows:
    """The messages that have a field which may be left out."""
    return np.flatnonzero(present(messages, field))


def subset(messages: Columns, rows: Rows) -> Columns:
    """Some messages; all of them are not copied."""
    return messages if len(rows) == len(messages) else take(messages, rows)
