"""MCAP files: any messages, with sequence numbers, both times, metadata and attachments.

Format: https://mcap.dev/spec. Records that come once or once per chunk are the `mcap` package's; messages are laid out here.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rrbridge_bridge.writers._format import OutputFormat, WriteOptions, Written

if TYPE_CHECKING:
    from mcap.records import Channel, McapRecord

    from rrbridge.importers import ImportOptions
    from rrbridge_bridge.raw import Connection
    from rrbridge_bridge.readers import AttachedFile, NamedMetadata
    from rrbridge_bridge.readers._blocks import Rows
    from rrbridge_bridge.writers._append import AppendFile
    from rrbridge_bridge.writers._chunks import Chunk, Parts

__all__ = ["McapSink", "mcap"]

CHUNK_BYTES = 1 << 20
COMPRESSIONS = ("zstd", "lz4", "none")
MAX_ID = 2**16 - 1
CHUNK_HEAD = struct.Struct("<BQQQQII")
"""Opcode, length, first and last time, unpacked size, checksum, length of the compression's name."""
METADATA_NAMES = {"type_description_hash": "topic_type_hash"}
"""What rosbag2 calls the same thing in its SQLite files and in its MCAP files."""


class McapSink:
    """An MCAP file that is being written: whole records, and each chunk with its indexes, in one call."""

    def __init__(self, path: Path, options: WriteOptions, profile: str = "", *, zstd_level: int | None = None) -> None:
        """With a level of its own, what would hardly become smaller is not compressed. Raises FileError."""
        from mcap.data_stream import RecordBuilder
        from mcap.records import Header

        from rrbridge_bridge.readers._mcap_records import MAGIC
        from rrbridge_bridge.writers._append import AppendFile
        from rrbridge_bridge.writers._chunks import ChunkPacker
        from rrbridge_bridge.writers._compression import ZSTD_LEVEL

        self._compression = options.compression or COMPRESSIONS[0]
        self._zstd_level = zstd_level or ZSTD_LEVEL
        self._in_haste = zstd_level is not None
        self._builder = RecordBuilder()
        self.file: AppendFile = AppendFile(path)
        self._packer = ChunkPacker(options.chunk_bytes or CHUNK_BYTES, self._pack, self._write_chunk)
        self._channel_ids: dict[int, int] = {}
        self._schema_ids: dict[tuple[str, str, bytes], int] = {}
        self._schemas: list[McapRecord] = []
        self._channels: list[Channel] = []
        self._chunk_indexes: list[McapRecord] = []
        self._attachment_indexes: list[McapRecord] = []
        self._metadata_indexes: list[McapRecord] = []
        self._counts: Counter[int] = Counter()
        self._span: tuple[int, int] | None = None
        try:
            self.file.put([MAGIC, self._bytes_of(Header(profile=profile, library="rrbridge"))])
        except BaseException:
            self.abandon()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abandon()

    def abandon(self) -> None:
        """Write no more, and leave the file as it is."""
        self._packer.close()
        self.file.close()

    def announce(self, connection: Connection) -> None:
        """Write the channel and its schema. Raises FileError if there are more than MCAP can count."""
        from mcap.records import Channel

        from rrbridge.errors import FileError

        used = {channel.id for channel in self._channels}
        channel_id = connection.id
        if not 0 <= channel_id <= MAX_ID or channel_id in used:
            free = next((number for number in range(1, MAX_ID + 1) if number not in used), None)
            if free is None:
                raise FileError(self.file.path, f"MCAP has no room for more than {MAX_ID} channels")
            channel_id = free
        self._channel_ids[connection.id] = channel_id
        channel = Channel(
            id=channel_id,
            topic=connection.topic,
            message_encoding=connection.encoding,
            schema_id=self._schema_id(connection),
            metadata=_renamed(connection.metadata, METADATA_NAMES),
        )
        self._channels.append(channel)
        self._packer.chunk.put(self._bytes_of(channel))

    def _schema_id(self, connection: Connection) -> int:
        from mcap.records import Schema

        from rrbridge_bridge.readers._names import short_type_name

        if not connection.msgtype and not connection.definition_format:
            return 0
        is_ros1 = connection.definition_format == "ros1msg"
        name = short_type_name(connection.msgtype) if is_ros1 else connection.msgtype
        key = (name, connection.definition_format, connection.definition_bytes)
        if key not in self._schema_ids:
            self._schema_ids[key] = len(self._schema_ids) + 1
            schema = Schema(id=self._schema_ids[key], name=key[0], encoding=key[1], data=key[2])
            self._schemas.append(schema)
            self._packer.chunk.put(self._bytes_of(schema))
        return self._schema_ids[key]

    def write(self, rows: Rows) -> None:
        """Append messages."""
        import numpy as np

        from rrbridge_bridge.readers._mcap_messages import MESSAGE_HEAD
        from rrbridge_bridge.readers._mcap_walk import MESSAGE_BYTES

        if not len(rows):
            return
        ids, which, counts = np.unique(rows.connection_ids, return_inverse=True, return_counts=True)
        channels = [self._channel_ids[number] for number in ids.tolist()]
        self._counts.update(dict(zip(channels, counts.tolist(), strict=True)))
        numbers = np.array(channels, np.int64)[which]
        heads = np.zeros(len(rows), MESSAGE_HEAD)
        heads["opcode"] = 5
        heads["length"] = rows.sizes + MESSAGE_BYTES
        heads["channel"] = numbers
        heads["sequence"] = rows.sequence
        heads["log_time"] = rows.log_time_nanos
        heads["publish_time"] = rows.publish_time_nanos
        first, last = int(rows.log_time_nanos.min()), int(rows.log_time_nanos.max())
        self._span = (first, last) if self._span is None else (min(first, self._span[0]), max(last, self._span[1]))
        self._packer.add(replace(rows, connection_ids=numbers), heads)

    def add(self, record: NamedMetadata | AttachedFile) -> bool:
        """Keep metadata or an attachment, after the messages so far."""
        from mcap.records import Attachment, AttachmentIndex, Metadata, MetadataIndex

        from rrbridge_bridge.readers import NamedMetadata

        self._packer.drain()
        at = self.file.position
        if isinstance(record, NamedMetadata):
            data = self._bytes_of(Metadata(name=record.name, metadata=dict(record.values)))
            self.file.put([data])
            self._metadata_indexes.append(MetadataIndex(offset=at, length=len(data), name=record.name))
            return True
        attachment = Attachment(
            create_time=record.create_time_nanos,
            log_time=record.log_time_nanos,
            name=record.name,
            media_type=record.media_type,
            data=record.data,
        )
        data = self._bytes_of(attachment)
        self.file.put([data])
        self._attachment_indexes.append(
            AttachmentIndex(
                offset=at,
                length=len(data),
                create_time=attachment.create_time,
                log_time=attachment.log_time,
                data_size=len(attachment.data),
                name=attachment.name,
                media_type=attachment.media_type,
            )
        )
        return True

    def flush(self) -> None:
        """Hand everything to the operating system."""
        self._packer.drain()

    def _pack(self, records: Parts) -> tuple[Parts, int, str]:
        from rrbridge_bridge.writers._compression import compressed, is_worthwhile

        if self._compression == "none" or (self._in_haste and not is_worthwhile(records)):
            crc = 0
            for part in records:
                crc = zlib.crc32(part, crc)
            return records, crc, ""
        data = b"".join(records)
        return [compressed(data, self._compression, self._zstd_level)], zlib.crc32(data), self._compression

    def _write_chunk(self, chunk: Chunk, packed: Parts, crc: int, compression: str) -> None:
        import numpy as np
        from mcap.opcode import Opcode
        from mcap.records import ChunkIndex

        from rrbridge_bridge.readers._mcap_messages import MESSAGE_INDEX_ENTRY, MESSAGE_INDEX_HEAD

        name, packed_size = compression.encode(), sum(map(len, packed))
        start, (first, last) = self.file.position, chunk.span()
        length = CHUNK_HEAD.size - 9 + len(name) + 8 + packed_size
        head = CHUNK_HEAD.pack(Opcode.CHUNK, length, first, last, chunk.size, crc, len(name))
        head += name + struct.pack("<Q", packed_size)
        index_start = start + 9 + length
        indexes, places = bytearray(), {}
        for channel, times, offsets in chunk.by_connection():
            entries = np.empty(len(times), MESSAGE_INDEX_ENTRY)
            entries["time"], entries["offset"] = times, offsets
            places[channel] = index_start + len(indexes)
            indexes += MESSAGE_INDEX_HEAD.pack(Opcode.MESSAGE_INDEX, 6 + entries.nbytes, channel, entries.nbytes)
            indexes += entries.tobytes()
        self.file.put([head, *packed, indexes])
        self._chunk_indexes.append(
            ChunkIndex(
                chunk_length=index_start - start,
                chunk_start_offset=start,
                compression=compression,
                compressed_size=packed_size,
                message_end_time=last,
                message_index_length=len(indexes),
                message_index_offsets=places,
                message_start_time=first,
                uncompressed_size=chunk.size,
            )
        )

    def finish(self) -> None:
        """Write the summary."""
        from mcap.opcode import Opcode
        from mcap.records import DataEnd, Footer, SummaryOffset

        from rrbridge_bridge.readers._mcap_records import MAGIC

        self._packer.finish()
        self.file.put([self._bytes_of(DataEnd(0))])
        start = self.file.position
        summary = bytearray()
        offsets = []
        for opcode, records in (
            (Opcode.SCHEMA, self._schemas),
            (Opcode.CHANNEL, self._channels),
            (Opcode.STATISTICS, [self._statistics()]),
            (Opcode.CHUNK_INDEX, self._chunk_indexes),
            (Opcode.ATTACHMENT_INDEX, self._attachment_indexes),
            (Opcode.METADATA_INDEX, self._metadata_indexes),
        ):
            at = len(summary)
            for record in records:
                summary += self._bytes_of(record)
            if records:
                offsets.append(SummaryOffset(opcode, start + at, len(summary) - at))
        offset_start = start + len(summary)
        for offset in offsets:
            summary += self._bytes_of(offset)
        unsigned = self._bytes_of(Footer(start, offset_start, 0))
        crc = zlib.crc32(bytes(summary) + unsigned[:-4])
        self.file.put([summary, self._bytes_of(Footer(start, offset_start, crc)), MAGIC])
        self.file.close()

    def _statistics(self) -> McapRecord:
        from mcap.records import Statistics

        first, last = self._span or (0, 0)
        return Statistics(
            attachment_count=len(self._attachment_indexes),
            channel_count=len(self._channels),
            channel_message_counts=dict(self._counts),
            chunk_count=len(self._chunk_indexes),
            message_count=self._counts.total(),
            message_end_time=last,
            message_start_time=first,
            metadata_count=len(self._metadata_indexes),
            schema_count=len(self._schemas),
        )

    def _bytes_of(self, record: McapRecord) -> bytes:
        record.write(self._builder)
        data: bytes = self._builder.end()  # type: ignore[no-untyped-call]
        return data


def _renamed(metadata: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    return {names.get(key, key): value for key, value in metadata.items()}


def _write(inputs: Sequence[Path], output: Path, options: ImportOptions, how: WriteOptions) -> Written:
    from rrbridge_bridge.writers._copy import copy_messages

    return copy_messages(inputs, output, options, how, mcap, lambda path, profile: McapSink(path, how, profile))


mcap = OutputFormat("mcap", "MCAP file", ".mcap", COMPRESSIONS, _write)
