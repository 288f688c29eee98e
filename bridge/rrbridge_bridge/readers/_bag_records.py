"""The records of a ROS 1 bag, version 2.0.

Format: http://wiki.ros.org/Bags/Format/2.0. A record is `header length u32, header, data length u32, data`, and a header is
fields `length u32, name=value`; little endian. Chunks hold connection and message records; index data follows each chunk.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rrbridge_bridge.raw import Connection, Int64s
from rrbridge_bridge.readers._chunks import NO_HINTS
from rrbridge_bridge.readers._names import long_type_name
from rrbridge_bridge.readers._source import Source

__all__ = [
    "MAX_HEADER_BYTES",
    "U32",
    "BagChunk",
    "ChunkInfo",
    "Fields",
    "Op",
    "connection_id_in",
    "connection_of",
    "fields_of",
    "index_entries",
    "index_hints",
    "next_chunk",
    "read_u32",
    "read_u64",
]

U32 = struct.Struct("<I")
U64 = struct.Struct("<Q")
MAX_HEADER_BYTES = 16 << 20
"""Record headers that claim to be longer are refused. A connection's message definition is in its data, not its header."""
MAX_CHUNK_HEADER_BYTES = 256
SEARCH_STEP_BYTES = 4 << 20
CHUNK_OP = re.compile(rb"\x04\0\0\0op=\x05")
INDEX_ENTRY = np.dtype([("sec", "<u4"), ("nsec", "<u4"), ("offset", "<u4")])

Fields = Mapping[bytes, bytes]


class Op:
    """Kinds of records."""

    MESSAGE = 2
    BAG_HEADER = 3
    INDEX = 4
    CHUNK = 5
    CHUNK_INFO = 6
    CONNECTION = 7


@dataclass(frozen=True, slots=True)
class BagChunk:
    """A chunk record before its data is read."""

    start: int
    data_start: int
    data_size: int
    """As declared; a cut-off file may have less."""
    compression: str
    size: int
    """Decompressed, as declared."""
    index_length: int
    """Bytes of index data records straight after it."""

    @property
    def end(self) -> int:
        """Offset of what comes after the chunk record."""
        return self.data_start + self.data_size


@dataclass(frozen=True, slots=True)
class ChunkInfo:
    """What the bag's index says of a chunk."""

    start: int
    start_nanos: int
    end_nanos: int
    counts: Mapping[int, int] = field(default_factory=dict)
    """Number of messages by connection."""


def fields_of(header: bytes) -> dict[bytes, bytes]:
    """A record header's fields. Raises ValueError."""
    fields = {}
    at = 0
    while at < len(header):
        if at + 4 > len(header):
            raise ValueError("a header field's length is torn")
        (length,) = U32.unpack_from(header, at)
        at += 4
        name, equals, value = header[at : at + length].partition(b"=")
        if not equals or at + length > len(header):
            raise ValueError("a header field is torn")
        fields[name] = value
        at += length
    return fields


def read_u32(fields: Fields, name: bytes) -> int:
    """An unsigned 32-bit field. Raises ValueError."""
    return _unpack(U32, fields, name)


def read_u64(fields: Fields, name: bytes) -> int:
    """An unsigned 64-bit field. Raises ValueError."""
    return _unpack(U64, fields, name)


def read_op(fields: Fields) -> int:
    """The kind of record. Raises ValueError."""
    value = fields.get(b"op", b"")
    if len(value) != 1:
        raise ValueError("a record has no op field")
    return value[0]


def read_time(fields: Fields, name: bytes) -> int:
    """A time field in nanoseconds. Raises ValueError."""
    packed = read_u64(fields, name)
    return (packed & 0xFFFFFFFF) * 1_000_000_000 + (packed >> 32)


def _unpack(kind: struct.Struct, fields: Fields, name: bytes) -> int:
    value = fields.get(name, b"")
    if len(value) != kind.size:
        raise ValueError(f"a record has no {name.decode()} field of {kind.size} bytes")
    number: int = kind.unpack(value)[0]
    return number


def connection_of(header: Fields, data: bytes) -> Connection:
    """A connection record. Raises ValueError."""
    described = fields_of(data)
    definition = described.pop(b"message_definition", b"").decode("utf-8", "replace")
    topic = header.get(b"topic", described.get(b"topic", b""))
    msgtype = described.pop(b"type", b"").decode("utf-8", "replace")
    described.pop(b"topic", None)
    return Connection(
        id=read_u32(header, b"conn"),
        topic=topic.decode("utf-8", "replace"),
        msgtype=long_type_name(msgtype),
        encoding="ros1",
        definition=definition,
        definition_format="ros1msg" if definition else "",
        metadata={k.decode("utf-8", "replace"): v.decode("utf-8", "replace") for k, v in described.items()},
    )


def chunk_info_of(header: Fields, data: bytes) -> ChunkInfo:
    """A chunk info record. Raises ValueError."""
    if read_u32(header, b"ver") != 1:
        raise ValueError(f"chunk info of version {read_u32(header, b'ver')}")
    count = read_u32(header, b"count")
    if count * 8 > len(data):
        raise ValueError("a chunk info record is torn")
    pairs = np.frombuffer(data, "<u4", 2 * count).reshape(-1, 2).tolist()
    start, end = (read_time(header, b"start_time"), read_time(header, b"end_time")) if count else (0, 0)
    return ChunkInfo(read_u64(header, b"chunk_pos"), start, end, dict(pairs))


def next_chunk(source: Source, lo: int, hi: int) -> int | None:
    """Offset of the first chunk record in `[lo, hi)` whose header makes sense; None if there is none."""
    for base in range(lo, hi, SEARCH_STEP_BYTES):
        head_bytes = MAX_CHUNK_HEADER_BYTES
        # Headers begin before what is looked for, and may end behind a step's end.
        start = max(base - head_bytes, lo)
        window = source.read_some(start, min(base + SEARCH_STEP_BYTES + head_bytes, hi) - start)
        for found in CHUNK_OP.finditer(window):
            for at in range(max(found.start() - head_bytes, 0), found.start()):
                if _is_chunk_head(window, at):
                    return start + at
    return None


def _is_chunk_head(window: bytes, at: int) -> bool:
    (header_length,) = U32.unpack_from(window, at)
    data_length_at = at + 4 + header_length
    if header_length > MAX_CHUNK_HEADER_BYTES or data_length_at + 4 > len(window):
        return False
    try:
        fields = fields_of(window[at + 4 : data_length_at])
        return read_op(fields) == Op.CHUNK and b"compression" in fields and read_u32(fields, b"size") >= 0
    except ValueError:
        return False


def connection_id_in(header: bytes) -> int:
    """The connection that an index record's header names, without taking the whole header apart. Raises ValueError."""
    at = header.find(b"conn=") + 5
    if at < 5 or at + 4 > len(header):
        raise ValueError("an index record names no connection")
    return int.from_bytes(header[at : at + 4], "little")


def index_hints(records: bytes) -> Int64s:
    """Offsets of all messages that the index data records after a chunk name, from the chunk's first byte on."""
    offsets = [entries["offset"] for _, entries in index_entries(records)]
    return np.concatenate(offsets).astype(np.int64) if offsets else NO_HINTS


def index_entries(records: bytes) -> Iterator[tuple[bytes, npt.NDArray[np.void]]]:
    """`(record header, entries of sec, nsec and offset)` of the index data records after a chunk."""
    at = 0
    while at + 4 <= len(records):
        (header_length,) = U32.unpack_from(records, at)
        data_at = at + 4 + header_length
        if data_at + 4 > len(records):
            break
        (data_length,) = U32.unpack_from(records, data_at)
        if data_at + 4 + data_length > len(records):
            break
        entries = np.frombuffer(records, INDEX_ENTRY, data_length // INDEX_ENTRY.itemsize, data_at + 4)
        yield records[at + 4 : data_at], entries
        at = data_at + 4 + data_length
