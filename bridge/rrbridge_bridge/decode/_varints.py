"""Protobuf's variable-length integers, many at once: seven bits to a byte, lowest first, the highest bit says that more follow.

Encoding: https://protobuf.dev/programming-guides/encoding/#varints
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rrbridge.columns import Ragged
from rrbridge_bridge.raw import Bytes, Int64s, gather_spans

__all__ = ["UInt64s", "packed_varints", "take_inside", "take_spans", "take_varints"]

UInt64s: TypeAlias = npt.NDArray[np.uint64]
MAX_VARINT_BYTES = 10
MORE = 0x80
BITS = 0x7F


def take_varints(buffer: Bytes, pos: Int64s, end: Int64s) -> tuple[UInt64s, Int64s]:
    """`(values, places after them)` of the integers at `pos`; the place is -1 where none ends before `end`, or in ten bytes.

    `pos` must lie in the buffer.
    """
    byte = buffer[pos]
    values = byte.astype(np.uint64)
    after = pos + 1
    if byte.max(initial=0) >= MORE:
        long = np.flatnonzero(byte >= MORE)
        values[long], after[long] = _long(buffer, pos[long], end[long])
    return values, np.where(after > end, -1, after)


def _long(buffer: Bytes, pos: Int64s, end: Int64s) -> tuple[UInt64s, Int64s]:
    values = (buffer[pos] & BITS).astype(np.uint64)
    after = np.full(len(pos), -1)
    open_ones = np.arange(len(pos))
    for place in range(1, MAX_VARINT_BYTES):
        at = pos[open_ones] + place
        inside = at < end[open_ones]
        if not inside.all():
            open_ones, at = open_ones[inside], at[inside]
        byte = buffer[at]
        values[open_ones] |= (byte & BITS).astype(np.uint64) << np.uint64(7 * place)
        is_last = byte < MORE
        after[open_ones[is_last]] = at[is_last] + 1
        open_ones = open_ones[~is_last]
        if not len(open_ones):
            break
    return values, after


def take_inside(buffer: Bytes, pos: Int64s, end: Int64s) -> tuple[UInt64s, Int64s]:
    """`take_varints` where some places may be at the end already, and so outside the buffer."""
    inside = pos < end
    if inside.all():
        return take_varints(buffer, pos, end)
    values, after = np.zeros(len(pos), np.uint64), np.full(len(pos), -1)
    values[inside], after[inside] = take_varints(buffer, pos[inside], end[inside])
    return values, after


def take_spans(buffer: Bytes, pos: Int64s, end: Int64s) -> tuple[Int64s, Int64s, Int64s]:
    """`(starts, sizes, places after them)` of spans whose lengths stand at `pos`; -1 after those that do not end before `end`."""
    lengths, starts = take_inside(buffer, pos, end)
    fits = (starts >= 0) & (lengths <= (end - starts).astype(np.uint64))
    if fits.all():
        sizes = lengths.astype(np.int64)
        return starts, sizes, starts + sizes
    sizes = np.where(fits, lengths, 0).astype(np.int64)
    return starts, sizes, np.where(fits, starts + sizes, -1)


def packed_varints(buffer: Bytes, starts: Int64s, sizes: Int64s) -> tuple[Ragged, Int64s]:
    """The integers that fill each span, and which spans end within an integer, or hold one of more than ten bytes."""
    data = gather_spans(buffer, starts, sizes)
    span_ends = np.cumsum(sizes)
    lasts = np.flatnonzero(data < MORE)
    if len(lasts) == len(data):
        return Ragged.from_lengths(sizes, data.astype(np.uint64)), np.zeros(0, np.int64)
    firsts = np.concatenate(([0], lasts[:-1] + 1)) if len(lasts) else lasts
    lengths = lasts - firsts + 1
    bad = np.flatnonzero((sizes > 0) & (data[np.maximum(span_ends - 1, 0)] >= MORE))
    if lengths.max(initial=0) > MAX_VARINT_BYTES:
        too_long = firsts[lengths > MAX_VARINT_BYTES]
        bad = np.union1d(bad, np.searchsorted(span_ends, too_long, side="right"))
    offsets = np.searchsorted(lasts, np.concatenate(([0], span_ends)))
    if len(bad):
        return Ragged(offsets, np.zeros(len(lasts), np.uint64)), bad
    values = (data[firsts] & BITS).astype(np.uint64)
    for place in range(1, int(lengths.max())):
        longer = np.flatnonzero(lengths > place)
        values[longer] |= (data[firsts[longer] + place] & BITS).astype(np.uint64) << np.uint64(7 * place)
    return Ragged(offsets, values), bad
