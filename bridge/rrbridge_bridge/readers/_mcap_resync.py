"""Finding the way again in an MCAP file whose records stop making sense.

The format has no marks to look for, but a chunk's and a message's lengths and names must agree with each other and with what
stands behind them, and that is not likely to happen by chance.
"""

from __future__ import annotations

import struct
from collections.abc import Container

import numpy as np
import numpy.typing as npt
from mcap.opcode import Opcode

from rrbridge_bridge.raw import windows
from rrbridge_bridge.readers._mcap_records import CHUNK_HEAD, RECORD_HEAD
from rrbridge_bridge.readers._source import Source

__all__ = ["chunk_end", "is_chunk", "next_record"]

STEP_BYTES = 4 << 20
MAX_MESSAGE_BYTES = 1 << 30
MESSAGE_FIXED_BYTES = 22
CHUNK_FIXED_BYTES = CHUNK_HEAD.size + 4 + 8
"""Of a chunk record's content, without the name of its compression and its records."""
COMPRESSIONS = (b"", b"lz4", b"zstd")


def next_record(source: Source, lo: int, hi: int, channels: Container[int], *, only_chunks: bool = False) -> int | None:
    """Offset of the first whole chunk, or message of a known channel, in `[lo, hi)`; None if there is none."""
    for base in range(lo, hi, STEP_BYTES):
        octets = np.frombuffer(source.read_some(base, min(STEP_BYTES + RECORD_HEAD.size - 1, hi - base)), np.uint8)
        for at in _likely(octets, only_chunks=only_chunks):
            if is_chunk(source, base + at, hi) or (not only_chunks and _is_message(source, base + at, hi, channels)):
                return base + at
    return None


def chunk_end(source: Source, at: int, claimed: int, hi: int) -> int:
    """Where the chunk at an offset ends: as its record claims, unless the length within leads to a record and that does not."""
    head = source.read_some(at, RECORD_HEAD.size + CHUNK_FIXED_BYTES + max(map(len, COMPRESSIONS)))
    name_at = RECORD_HEAD.size + CHUNK_HEAD.size + 4
    if len(head) < name_at + 8:
        return claimed
    (name_bytes,) = struct.unpack_from("<I", head, name_at - 4)
    if name_at + name_bytes + 8 > len(head):
        return claimed
    (data_bytes,) = struct.unpack_from("<Q", head, name_at + name_bytes)
    within: int = at + name_at + name_bytes + 8 + data_bytes
    if within == claimed or _has_record(source, claimed, hi) or not _has_record(source, within, hi):
        return claimed
    return within


def _has_record(source: Source, at: int, hi: int) -> bool:
    """Whether there is a record of a possible kind and length, or the end of the file."""
    if at > hi:
        return False
    head = source.read_some(at, min(RECORD_HEAD.size, hi - at))
    if len(head) < RECORD_HEAD.size:
        return not head
    opcode, length = RECORD_HEAD.unpack(head)
    return bool(Opcode.HEADER <= opcode <= Opcode.DATA_END and at + RECORD_HEAD.size + length <= hi)


def _likely(octets: npt.NDArray[np.uint8], *, only_chunks: bool) -> list[int]:
    """Where a chunk or message record of a possible length may begin."""
    heads = windows(octets, RECORD_HEAD.size)
    is_record = heads[:, 0] == Opcode.CHUNK
    if not only_chunks:
        is_record |= heads[:, 0] == Opcode.MESSAGE
    # Of the eight bytes of a length, those above 2^40 are zero.
    return np.flatnonzero(is_record & (heads[:, 6:] == 0).all(axis=1)).tolist()


def is_chunk(source: Source, at: int, hi: int) -> bool:
    """Whether a whole chunk is there whose lengths agree with each other."""
    head = source.read_some(at, RECORD_HEAD.size + CHUNK_FIXED_BYTES + 4)
    if len(head) < RECORD_HEAD.size + CHUNK_FIXED_BYTES or head[0] != Opcode.CHUNK:
        return False
    _, length = RECORD_HEAD.unpack_from(head)
    start_nanos, end_nanos, _, _ = CHUNK_HEAD.unpack_from(head, RECORD_HEAD.size)
    name_at = RECORD_HEAD.size + CHUNK_HEAD.size + 4
    (name_bytes,) = struct.unpack_from("<I", head, name_at - 4)
    if (
        name_bytes > 4
        or len(head) < name_at + name_bytes + 8
        or head[name_at : name_at + name_bytes] not in COMPRESSIONS
    ):
        return False
    (data_bytes,) = struct.unpack_from("<Q", head, name_at + name_bytes)
    fits = length == CHUNK_FIXED_BYTES + name_bytes + data_bytes and at + RECORD_HEAD.size + length <= hi
    return bool(fits and start_nanos <= end_nanos)


def _is_message(source: Source, at: int, hi: int, channels: Container[int]) -> bool:
    """Whether a message of a known channel is there, with another record, or the end, straight behind it."""
    head = source.read_some(at, RECORD_HEAD.size + 2)
    if len(head) < RECORD_HEAD.size + 2 or head[0] != Opcode.MESSAGE:
        return False
    _, length = RECORD_HEAD.unpack_from(head)
    end = at + RECORD_HEAD.size + length
    if not MESSAGE_FIXED_BYTES <= length <= MAX_MESSAGE_BYTES or end > hi:
        return False
    if int.from_bytes(head[RECORD_HEAD.size :], "little") not in channels:
        return False
    return _has_record(source, end, hi)
