"""The parts of an MCAP file that are read one record at a time: header, schemas, channels, chunk headers, the summary.

Format: https://mcap.dev/spec. Records are `opcode u8, length u64, content`, little endian.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import TypeVar

import numpy as np
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import (
    Attachment,
    AttachmentIndex,
    Channel,
    Footer,
    McapRecord,
    MetadataIndex,
    Schema,
    Statistics,
)

from rrbridge.errors import DamagedFileError
from rrbridge_bridge.raw import ROS_DEFINITIONS, TEXT_DEFINITIONS, Connection
from rrbridge_bridge.readers._names import long_type_name
from rrbridge_bridge.readers._source import Source

__all__ = [
    "FOOTER_BYTES",
    "MAGIC",
    "RECORD_HEAD",
    "ChunkFacts",
    "ChunkHead",
    "ChunkRef",
    "McapSummary",
    "attachment_fits",
    "connection_of",
    "data_section_fits",
    "description_bytes",
    "parse",
    "read_chunk_facts",
    "read_chunk_head",
    "read_summary",
    "records_in",
]

MAGIC = b"\x89MCAP0\r\n"
RECORD_HEAD = struct.Struct("<BQ")
FOOTER_BYTES = RECORD_HEAD.size + 20
CHUNK_HEAD = struct.Struct("<QQQI")
CHUNK_INDEX_HEAD = struct.Struct("<QQQQI")
CHUNK_INDEX_ENTRY = np.dtype([("channel", "<u2"), ("offset", "<u8")])
MAX_COLD_RECORD_BYTES = 256 << 20
"""Schemas, channels and the like that claim to be larger are refused."""
CHECK_STEP_BYTES = 4 << 20

R = TypeVar("R", bound=McapRecord)


@dataclass(frozen=True, slots=True)
class ChunkRef:
    """Where a chunk stands, before it is read."""

    start: int
    """Offset of the chunk record in the file."""
    length: int
    """Of the record, with its 9 bytes of opcode and length; it may reach past the end of a cut-off file."""
    index_length: int
    """Bytes of message index records straight after it."""
    channels: frozenset[int] | None = None
    """The channels it has messages of; None where unknown."""
    start_nanos: int | None = None
    end_nanos: int | None = None
    limit: int | None = None
    """Where the next chunk begins, if that is before the end that this one claims."""
    compression: str = ""
    compressed_bytes: int | None = None
    """As the index has it; None without one."""
    uncompressed_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class ChunkHead:
    """The fields of a chunk record before its records."""

    compression: str
    uncompressed_size: int
    data_start: int
    """Offset of the compressed records in the file."""
    data_size: int
    """As declared; not checked against the file's end."""
    crc: int
    """CRC32 of the records once decompressed; 0 where the writer made none."""


@dataclass(frozen=True, slots=True)
class ChunkFacts:
    """What a chunk record says about its messages."""

    compression: str
    compressed_bytes: int
    uncompressed_bytes: int
    start_nanos: int
    end_nanos: int


@dataclass(slots=True)
class McapSummary:
    """What stands at the end of a finished file."""

    data_end: int
    """Offset in the file where the summary begins."""
    statistics: Statistics | None = None
    schemas: dict[int, Schema] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    chunks: list[ChunkRef] = field(default_factory=list)
    attachments: list[AttachmentIndex] = field(default_factory=list)
    metadata: list[MetadataIndex] = field(default_factory=list)


def parse(kind: type[R], content: bytes) -> R:
    """One record's content. Raises ValueError if it does not hold what it says."""
    try:
        # The mcap package's read methods carry no annotations.
        record: R = kind.read(ReadDataStream(BytesIO(content)))  # type: ignore[attr-defined]
    except (McapError, struct.error, UnicodeDecodeError, OverflowError, MemoryError) as err:
        raise ValueError(f"{kind.__name__.lower()} record: {str(err) or type(err).__name__}") from err
    return record


def records_in(content: bytes, base: int = 0) -> Iterator[tuple[int, int, bytes]]:
    """`(opcode, offset, content)` of the records that stand end to end in `content`; stops at a torn one."""
    at = 0
    while at + RECORD_HEAD.size <= len(content):
        opcode, length = RECORD_HEAD.unpack_from(content, at)
        end = at + RECORD_HEAD.size + length
        if end > len(content):
            return
        yield opcode, base + at, content[at + RECORD_HEAD.size : end]
        at = end


def read_summary(source: Source) -> McapSummary | None:
    """The summary section; None if the file has none or was not finished. Raises DamagedFileError, ValueError."""
    tail_bytes = FOOTER_BYTES + len(MAGIC)
    if source.size < len(MAGIC) + tail_bytes:
        return None
    footer_at = source.size - tail_bytes
    tail = source.read(footer_at, tail_bytes)
    if not tail.endswith(MAGIC):
        return None
    if RECORD_HEAD.unpack_from(tail) != (Opcode.FOOTER, 20):
        raise DamagedFileError(source.path, "the file ends as a finished one, but without a footer", offset=footer_at)
    footer = parse(Footer, tail[RECORD_HEAD.size : FOOTER_BYTES])
    start = footer.summary_start
    if start == 0:
        return None
    if not len(MAGIC) <= start <= footer_at:
        raise DamagedFileError(source.path, f"the footer puts the summary at byte {start}", offset=footer_at)
    if footer_at - start > MAX_COLD_RECORD_BYTES:
        raise DamagedFileError(source.path, f"the summary is {footer_at - start} bytes long", offset=start)
    section = source.read(start, footer_at - start)
    if footer.summary_crc and zlib.crc32(tail[: FOOTER_BYTES - 4], zlib.crc32(section)) != footer.summary_crc:
        raise DamagedFileError(source.path, "its checksum does not fit", offset=start)
    summary = McapSummary(start)
    for opcode, _, content in records_in(section, start):
        if opcode == Opcode.SCHEMA:
            schema = parse(Schema, content)
            summary.schemas.setdefault(schema.id, schema)
        elif opcode == Opcode.CHANNEL:
            channel = parse(Channel, content)
            summary.channels.setdefault(channel.id, channel)
        elif opcode == Opcode.STATISTICS:
            summary.statistics = parse(Statistics, content)
        elif opcode == Opcode.CHUNK_INDEX:
            summary.chunks.append(_chunk_ref(content))
        elif opcode == Opcode.ATTACHMENT_INDEX:
            summary.attachments.append(parse(AttachmentIndex, content))
        elif opcode == Opcode.METADATA_INDEX:
            summary.metadata.append(parse(MetadataIndex, content))
    summary.chunks.sort(key=lambda chunk: chunk.start)
    return summary


def data_section_fits(source: Source, data_end: int) -> bool:
    """Whether the data section is what was written, by its checksum; True where there is none.

    `data_end` is the offset of the record that ends the section. The file is read from its start.
    """
    record = source.read_some(data_end, RECORD_HEAD.size + 4)
    if len(record) < RECORD_HEAD.size + 4 or RECORD_HEAD.unpack_from(record) != (Opcode.DATA_END, 4):
        return True
    (expected,) = struct.unpack_from("<I", record, RECORD_HEAD.size)
    if not expected:
        return True
    found = 0
    for at in range(0, data_end, CHECK_STEP_BYTES):
        found = zlib.crc32(source.read_some(at, min(CHECK_STEP_BYTES, data_end - at)), found)
    return bool(found == expected)


def attachment_fits(content: bytes, record: Attachment) -> bool:
    """Whether the content of an attachment record is what was written, by its checksum; True where there is none.

    Whatever stands after the checksum was added by a later version of the format, or by a careless writer.
    """
    fixed = 8 + 8 + 4 + 4 + 8  # two times, and the lengths of name, media type and data
    end = fixed + len(record.name.encode()) + len(record.media_type.encode()) + len(record.data)
    (expected,) = struct.unpack_from("<I", content, end)
    return not expected or zlib.crc32(memoryview(content)[:end]) == expected


def _chunk_ref(content: bytes) -> ChunkRef:
    """A chunk index record. There are thousands of them in a long recording."""
    if len(content) < CHUNK_INDEX_HEAD.size:
        raise ValueError("chunk index record: too short")
    start_nanos, end_nanos, start, length, map_bytes = CHUNK_INDEX_HEAD.unpack_from(content)
    map_end = CHUNK_INDEX_HEAD.size + map_bytes
    if map_end + 12 > len(content) or map_bytes % CHUNK_INDEX_ENTRY.itemsize:
        raise ValueError("chunk index record: its map of offsets is longer than the record")
    entries = np.frombuffer(content, CHUNK_INDEX_ENTRY, map_bytes // CHUNK_INDEX_ENTRY.itemsize, CHUNK_INDEX_HEAD.size)
    index_length, name_length = struct.unpack_from("<QI", content, map_end)
    name_end = map_end + 12 + name_length
    if name_end + 16 > len(content):
        raise ValueError("chunk index record: too short")
    compressed, uncompressed = struct.unpack_from("<QQ", content, name_end)
    return ChunkRef(
        start=start,
        length=length,
        index_length=index_length,
        channels=frozenset(entries["channel"].tolist()) or None,
        start_nanos=start_nanos,
        end_nanos=end_nanos,
        compression=content[map_end + 12 : name_end].decode("ascii", "replace"),
        compressed_bytes=compressed,
        uncompressed_bytes=uncompressed,
    )


def read_chunk_head(source: Source, ref: ChunkRef) -> ChunkHead:
    """The head of a chunk. Raises DamagedFileError."""
    fixed = RECORD_HEAD.size + CHUNK_HEAD.size
    head = source.read(ref.start, min(fixed + 4 + 64 + 8, source.left(ref.start), ref.length))
    if len(head) < fixed + 4 or head[0] != Opcode.CHUNK:
        raise DamagedFileError(source.path, "no chunk where one should be", offset=ref.start)
    _, _, uncompressed_size, crc = CHUNK_HEAD.unpack_from(head, RECORD_HEAD.size)
    (name_length,) = struct.unpack_from("<I", head, fixed)
    at = fixed + 4 + name_length
    if at + 8 > len(head):
        raise DamagedFileError(source.path, "the chunk's head is torn", offset=ref.start)
    compression = head[fixed + 4 : at].decode("ascii", "replace")
    (data_size,) = struct.unpack_from("<Q", head, at)
    end = ref.length if ref.limit is None else ref.limit - ref.start
    # The record's own length was what led to the next one; it is believed more than the length within.
    data_size = max(min(data_size, end - at - 8), 0)
    return ChunkHead(compression, uncompressed_size, ref.start + at + 8, data_size, crc)


def read_chunk_facts(source: Source, ref: ChunkRef) -> ChunkFacts:
    """What the head of a chunk says. Raises DamagedFileError."""
    head = read_chunk_head(source, ref)
    start_nanos, end_nanos, size, _ = CHUNK_HEAD.unpack(source.read(ref.start + RECORD_HEAD.size, CHUNK_HEAD.size))
    return ChunkFacts(head.compression, head.data_size, size, start_nanos, end_nanos)


def description_bytes(schemas: Mapping[int, Schema], channels: Mapping[int, Channel]) -> dict[int, int]:
    """The size of each channel's record, and of its schema's where it is the first to use it."""
    found, seen = {}, set()
    for number, channel in sorted(channels.items()):
        pairs = sum(8 + len(key.encode()) + len(value.encode()) for key, value in channel.metadata.items())
        texts = len(channel.topic.encode()) + len(channel.message_encoding.encode())
        found[number] = RECORD_HEAD.size + 2 + 2 + 4 + 4 + 4 + texts + pairs
        schema = schemas.get(channel.schema_id)
        if schema is not None and channel.schema_id not in seen:
            seen.add(channel.schema_id)
            texts = len(schema.name.encode()) + len(schema.encoding.encode()) + len(schema.data)
            found[number] += RECORD_HEAD.size + 2 + 4 + 4 + 4 + texts
    return found


def connection_of(channel: Channel, schema: Schema | None, profile: str) -> Connection:
    """A channel and its schema as a connection."""
    encoding = channel.message_encoding
    if schema is None:
        return Connection(channel.id, channel.topic, "", encoding, "", "", channel.metadata)
    if not encoding:
        # Early writers left it out; the schema or the profile says which it is.
        encoding = {"ros1msg": "ros1", "ros2msg": "cdr", "ros2idl": "cdr"}.get(schema.encoding, "")
    is_ros = schema.encoding in ROS_DEFINITIONS or profile in ("ros1", "ros2") or encoding == "ros1"
    definition = schema.data.decode("utf-8" if schema.encoding in TEXT_DEFINITIONS else "latin-1", "replace")
    msgtype = long_type_name(schema.name) if is_ros else schema.name
    return Connection(
        id=channel.id,
        topic=channel.topic,
        msgtype=msgtype,
        encoding=encoding,
        definition=definition,
        definition_format=schema.encoding,
        metadata=channel.metadata,
        schema_name="" if schema.name == msgtype else schema.name,
        schema_id=schema.id,
    )
