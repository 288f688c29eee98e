"""Message records of MCAP chunks, all at once: where the index says they are, what their heads say."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from mcap.opcode import Opcode

from rrbridge_bridge.raw import Bytes, Int64s
from rrbridge_bridge.readers._blocks import Rows
from rrbridge_bridge.readers._chunks import NO_HINTS
from rrbridge_bridge.readers._mcap_records import RECORD_HEAD
from rrbridge_bridge.readers._mcap_walk import MESSAGE_BYTES
from rrbridge_bridge.readers._positions import gather

__all__ = [
    "INT64_MAX",
    "MESSAGE_HEAD_BYTES",
    "as_nanos",
    "index_hints",
    "message_ends",
    "message_index",
    "message_rows",
]

RECORD_HEAD_DTYPE = np.dtype([("opcode", "u1"), ("length", "<u8")])
MESSAGE_HEAD = np.dtype(
    [
        ("opcode", "u1"),
        ("length", "<u8"),
        ("channel", "<u2"),
        ("sequence", "<u4"),
        ("log_time", "<u8"),
        ("publish_time", "<u8"),
    ]
)
MESSAGE_HEAD_BYTES = MESSAGE_HEAD.itemsize
MESSAGE_INDEX_HEAD = struct.Struct("<BQHI")
MESSAGE_INDEX_ENTRY = np.dtype([("time", "<u8"), ("offset", "<u8")])
INT64_MAX = np.iinfo(np.int64).max


def message_index(records: bytes) -> Iterator[tuple[int, npt.NDArray[np.void]]]:
    """`(channel, entries of time and offset)` of message index records that stand end to end."""
    at = 0
    head_bytes, entry_bytes = MESSAGE_INDEX_HEAD.size, MESSAGE_INDEX_ENTRY.itemsize
    while at + head_bytes <= len(records):
        opcode, length, channel, array_bytes = MESSAGE_INDEX_HEAD.unpack_from(records, at)
        end = at + RECORD_HEAD.size + length
        if opcode != Opcode.MESSAGE_INDEX or end > len(records) or array_bytes + 6 > length:
            return
        yield channel, np.frombuffer(records, MESSAGE_INDEX_ENTRY, array_bytes // entry_bytes, at + head_bytes)
        at = end


def index_hints(index: bytes) -> Int64s:
    """Offsets of all messages that a chunk's message index names."""
    offsets = [entries["offset"] for _, entries in message_index(index)]
    # An offset past 2^63 becomes negative, which the check of positions refuses like any other wrong one.
    return np.concatenate(offsets).astype(np.int64) if offsets else NO_HINTS


def message_ends(buffer: Bytes, positions: Int64s, hi: int) -> tuple[Int64s, npt.NDArray[np.bool_]]:
    """Where the message records at `positions` end, and whether they are messages that end before `hi`."""
    room = hi - RECORD_HEAD.size - positions
    if (room < MESSAGE_BYTES).any():
        return positions, np.zeros(len(positions), np.bool_)
    heads = gather(buffer, positions, RECORD_HEAD_DTYPE)
    lengths = heads["length"]
    good = (heads["opcode"] == Opcode.MESSAGE) & (lengths >= MESSAGE_BYTES) & (lengths <= room.astype(np.uint64))
    return positions + RECORD_HEAD.size + lengths.astype(np.int64), good


def as_nanos(times: npt.NDArray[np.uint64]) -> Int64s:
    """Unsigned nanoseconds as signed ones; those past the year 2262 stay at its end."""
    return np.minimum(times, np.uint64(INT64_MAX)).astype(np.int64)


def message_rows(buffer: Bytes, positions: Int64s, order: Int64s) -> Rows:
    """The messages whose records stand at `positions`."""
    heads = gather(buffer, positions, MESSAGE_HEAD)
    return Rows(
        buffer=buffer,
        connection_ids=heads["channel"].astype(np.int64),
        starts=positions + MESSAGE_HEAD.itemsize,
        sizes=heads["length"].astype(np.int64) - MESSAGE_BYTES,
        log_time_nanos=as_nanos(heads["log_time"]),
        publish_time_nanos=as_nanos(heads["publish_time"]),
        sequence=heads["sequence"].astype(np.uint32),
        order=order,
    )
