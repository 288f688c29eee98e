"""Message records of a bag's chunks, all at once.

Writers put the fields of a message's header in an order of their own, but keep to it. The first record of a chunk shows the
layout; all records that share it are gathered together, and other layouts, should there be any, after them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rrbridge_bridge.raw import Bytes, Connection, Int64s, rows_at
from rrbridge_bridge.readers._bag_records import U32, Op, connection_of, fields_of, read_op
from rrbridge_bridge.readers._blocks import Rows
from rrbridge_bridge.readers._positions import Walked

__all__ = ["message_ends", "message_rows", "walk_records"]


@dataclass(frozen=True, eq=False, slots=True)
class Layout:
    """How one writer lays out the head of a message record: header length, header, data length."""

    template: Bytes
    """The head's bytes, shape (head bytes,)."""
    is_fixed: npt.NDArray[np.bool_]
    """Which of them are the same in every record."""
    connection_at: int
    time_at: int

    @property
    def head_bytes(self) -> int:
        """From the record's start to its payload."""
        return len(self.template)


def layout_at(buffer: Bytes, position: int, hi: int) -> Layout | None:
    """The layout of the message record at `position`; None if there is none."""
    if position + 4 > hi:
        return None
    (header_length,) = U32.unpack_from(buffer.data, position)
    head_bytes = 4 + header_length + 4
    if header_length > 4096 or position + head_bytes > hi:
        return None
    head = buffer[position : position + head_bytes]
    places: dict[bytes, int] = {}
    fields: dict[bytes, int] = {}
    at = 4
    while at < 4 + header_length:
        if at + 4 > 4 + header_length:
            return None
        (length,) = U32.unpack_from(head.data, at)
        name, equals, value = head[at + 4 : at + 4 + length].tobytes().partition(b"=")
        if not equals or at + 4 + length > 4 + header_length:
            return None
        places[name] = at + 4 + len(name) + 1
        fields[name] = len(value)
        at += 4 + length
    if (fields.get(b"op"), fields.get(b"conn"), fields.get(b"time")) != (1, 4, 8):
        return None
    if head[places[b"op"]] != Op.MESSAGE:
        return None
    is_fixed = np.ones(head_bytes, np.bool_)
    is_fixed[places[b"conn"] : places[b"conn"] + 4] = False
    is_fixed[places[b"time"] : places[b"time"] + 8] = False
    is_fixed[-4:] = False
    return Layout(head, is_fixed, places[b"conn"], places[b"time"])


def message_ends(buffer: Bytes, positions: Int64s, hi: int) -> tuple[Int64s, npt.NDArray[np.bool_]]:
    """Where the message records at `positions` end, and whether they are messages of one layout that end before `hi`."""
    layout = layout_at(buffer, int(positions[0]), hi)
    bad = np.zeros(len(positions), np.bool_)
    if layout is None or positions[-1] + layout.head_bytes > hi:
        return positions, bad
    heads = rows_at(buffer, positions, layout.head_bytes)
    good = (heads[:, layout.is_fixed] == layout.template[layout.is_fixed]).all(axis=1)
    ends = positions + layout.head_bytes + _u32(heads, layout.head_bytes - 4)
    return ends, good & (ends <= hi)


def message_rows(buffer: Bytes, positions: Int64s, order: Int64s) -> Rows:
    """The messages whose records stand at `positions`, each of which was found to be whole."""
    n = len(positions)
    connection_ids, starts, sizes, nanos = (np.zeros(n, np.int64) for _ in range(4))
    left = np.arange(n)
    while len(left):
        layout = layout_at(buffer, int(positions[left[0]]), len(buffer))
        if layout is None:
            raise AssertionError("a checked position holds no message")
        fits = positions[left] + layout.head_bytes <= len(buffer)
        heads = rows_at(buffer, np.where(fits, positions[left], 0), layout.head_bytes)
        same = fits & (heads[:, layout.is_fixed] == layout.template[layout.is_fixed]).all(axis=1)
        rows, heads = left[same], heads[same]
        connection_ids[rows] = _u32(heads, layout.connection_at)
        starts[rows] = positions[rows] + layout.head_bytes
        sizes[rows] = _u32(heads, layout.head_bytes - 4)
        nanos[rows] = _u32(heads, layout.time_at) * 1_000_000_000 + _u32(heads, layout.time_at + 4)
        left = left[~same]
    return Rows(buffer, connection_ids, starts, sizes, nanos, nanos, np.zeros(n, np.uint32), order)


def walk_records(buffer: Bytes, lo: int, hi: int, on_connection: Callable[[Connection], None]) -> Walked:
    """Positions of the message records in `[lo, hi)`, and where walking stopped. Connections are handed over."""
    view = buffer.data
    found: list[int] = []
    at = lo
    while at + 8 <= hi:
        (header_length,) = U32.unpack_from(view, at)
        data_at = at + 4 + header_length
        if data_at + 4 > hi:
            break
        (data_length,) = U32.unpack_from(view, data_at)
        end = data_at + 4 + data_length
        if end > hi:
            break
        try:
            fields = fields_of(bytes(view[at + 4 : data_at]))
            op = read_op(fields)
            if op == Op.CONNECTION:
                on_connection(connection_of(fields, bytes(view[data_at + 4 : end])))
        except ValueError:
            break
        if op == Op.MESSAGE:
            if layout_at(buffer, at, hi) is None:
                break
            found.append(at)
        at = end
    return found, at


def _u32(heads: Bytes, at: int) -> Int64s:
    """The little-endian number at a column of gathered heads."""
    return np.ascontiguousarray(heads[:, at : at + 4]).view("<u4")[:, 0].astype(np.int64)
