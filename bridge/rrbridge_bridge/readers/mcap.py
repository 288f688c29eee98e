"""MCAP files: any profile, any schema, chunked or not, with or without an index, whole or cut off.

Format: https://mcap.dev/spec. Messages are never touched one by one where there is an index: a chunk's message index gives
their offsets, and numpy gathers channel, sequence, times and sizes from the decompressed records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from mcap.opcode import Opcode
from mcap.records import Attachment, Channel, Header, Metadata, Schema, Statistics

from rrbridge.errors import DamagedFileError, NotARecordingError
from rrbridge_bridge.raw import Bytes, Connection, Int64s
from rrbridge_bridge.readers._beside import AttachedFile, NamedMetadata
from rrbridge_bridge.readers._blocks import Rows
from rrbridge_bridge.readers._chunked import ChunkedReader
from rrbridge_bridge.readers._chunks import ChunkData
from rrbridge_bridge.readers._mcap_messages import (
    INT64_MAX,
    MESSAGE_HEAD_BYTES,
    as_nanos,
    index_hints,
    message_ends,
    message_index,
    message_rows,
)
from rrbridge_bridge.readers._mcap_records import (
    MAGIC,
    MAX_COLD_RECORD_BYTES,
    RECORD_HEAD,
    ChunkFacts,
    ChunkRef,
    McapSummary,
    attachment_fits,
    connection_of,
    data_section_fits,
    description_bytes,
    parse,
    read_chunk_facts,
    read_chunk_head,
    read_summary,
)
from rrbridge_bridge.readers._mcap_walk import Catalogue, LooseMessages, Piece, Tear, walk_file, walk_records
from rrbridge_bridge.readers._packed import packed, unpacked
from rrbridge_bridge.readers._positions import checked_positions
from rrbridge_bridge.readers._reader import ReadOptions
from rrbridge_bridge.readers._totals import Totals

if TYPE_CHECKING:
    from rrbridge_bridge.readers._indexed import Compression, Indexed
    from rrbridge_bridge.readers._time_spans import TimeSpans

__all__ = ["McapReader"]


class McapReader(ChunkedReader[ChunkRef | LooseMessages]):
    """A recording of messages in one MCAP file."""

    format = "MCAP"

    def _open(self) -> None:
        self.header = self._read_header()
        """Profile (`ros1`, `ros2`, …) and the library that wrote the file."""
        self._summary = self._read_summary()
        self._catalogue = Catalogue()
        if self._summary:
            self._catalogue.schemas |= self._summary.schemas
            self._catalogue.channels |= self._summary.channels
        self._described: tuple[Connection, ...] = ()
        self._is_walked = False
        """Whether all that stands between chunks was seen."""
        self._is_checked = True
        """Whether all messages so far came from chunks with checksums."""

    @property
    def ros_distro(self) -> str:
        """From the metadata record that rosbag2 writes; or empty."""
        listed = (self._metadata_at(index.offset) for index in self._summary.metadata) if self._summary else ()
        return next((record.values["ROS_DISTRO"] for record in listed if record and "ROS_DISTRO" in record.values), "")

    @property
    def mcap_profile(self) -> str | None:
        """What the file says that its messages follow."""
        return self.header.profile

    @property
    def schemas(self) -> dict[int, Schema]:
        """Schema records by id."""
        _ = self.connections
        return self._catalogue.schemas

    @property
    def channels(self) -> dict[int, Channel]:
        """Channel records by id."""
        _ = self.connections
        return self._catalogue.channels

    @property
    def schemas_so_far(self) -> Mapping[int, Schema]:
        """Schema records that have come up, by id, without reading on for more."""
        return self._catalogue.schemas

    @property
    def channels_so_far(self) -> Mapping[int, Channel]:
        """Channel records that have come up, by id, without reading on for more."""
        return self._catalogue.channels

    @property
    def statistics(self) -> Statistics | None:
        """The statistics record, if the file has one."""
        return self._summary.statistics if self._summary else None

    @property
    def index(self) -> McapSummary | None:
        """What stands at the end of the file; None without a summary that fits."""
        return self._summary

    def chunk_facts(self) -> list[ChunkFacts]:
        """What each chunk says about itself, by the index, or else by stepping over them. Raises DamagedFileError."""
        if self._summary:
            found: Iterable[Piece] = self._summary.chunks
        else:
            found = walk_file(self._source, len(MAGIC), self._source.size, Catalogue())
        whole = [piece for piece in found if isinstance(piece, ChunkRef)]
        return [read_chunk_facts(self._source, ref) for ref in whole if ref.start + ref.length <= self._source.size]

    def indexed(self) -> Iterator[Indexed]:
        """Every message that message indexes name, chunk by chunk, without unpacking any. Raises DamagedFileError."""
        from rrbridge_bridge.readers._indexed import Indexed, RecordSizes

        sized = RecordSizes(MESSAGE_HEAD_BYTES, description_bytes(self._catalogue.schemas, self._catalogue.channels))
        for chunk in self._summary.chunks if self._summary else ():
            found = list(message_index(self._source.read(chunk.start + chunk.length, chunk.index_length)))
            if found:
                # Plain numbers: joining structs costs more.
                entries = np.concatenate([part.view("<u8") for _, part in found]).reshape(-1, 2)
                channels = np.repeat([channel for channel, _ in found], [len(part) for _, part in found])
                sizes = sized.of(channels, entries[:, 1].astype(np.int64), chunk.uncompressed_bytes or 0)
                yield Indexed(channels, as_nanos(entries[:, 0]), sizes)

    def chunk_crcs(self) -> Iterator[int]:
        """The checksum of each chunk that the index names; 0 for one without. Raises DamagedFileError."""
        for chunk in self._summary.chunks if self._summary else ():
            yield read_chunk_head(self._source, chunk).crc

    @property
    def chunk_count(self) -> int:
        """How many chunks the index names."""
        return len(self._summary.chunks) if self._summary else 0

    def time_spans(self) -> TimeSpans | None:
        """When its chunks begin and end, by the index; None without one, or with messages that are in no chunk."""
        from rrbridge_bridge.readers._time_spans import TimeSpans

        chunks = self._summary.chunks if self._summary else ()
        if not chunks or any(c.start_nanos is None or c.end_nanos is None for c in chunks):
            return None
        return TimeSpans.of([(c.start_nanos or 0, c.end_nanos or 0, c.uncompressed_bytes or c.length) for c in chunks])

    def compressions(self) -> list[Compression]:
        """How its chunks are packed, by the index; empty without one."""
        from rrbridge_bridge.readers._indexed import Compression

        found: dict[str, list[ChunkRef]] = {}
        for chunk in self._summary.chunks if self._summary else ():
            found.setdefault(chunk.compression, []).append(chunk)
        return [
            Compression(
                codec,
                len(chunks),
                sum(c.compressed_bytes or 0 for c in chunks),
                sum(c.uncompressed_bytes or 0 for c in chunks),
            )
            for codec, chunks in sorted(found.items())
        ]

    def totals(self) -> Totals:
        """Counts and times of its messages, from the index, or else by a scan."""
        return self._totals or self._indexed_totals() or self._scan()

    def metadata_records(self) -> Iterator[NamedMetadata]:
        """Metadata records, in file order."""
        indexed = [index.offset for index in self._summary.metadata] if self._summary else []
        claimed = self.statistics.metadata_count if self.statistics else None
        for offset in self._cold_offsets(Opcode.METADATA, indexed, claimed):
            if record := self._metadata_at(offset):
                yield record

    def attachments(self) -> Iterator[AttachedFile]:
        """Attachments, in file order."""
        indexed = [index.offset for index in self._summary.attachments] if self._summary else []
        claimed = self.statistics.attachment_count if self.statistics else None
        for offset in self._cold_offsets(Opcode.ATTACHMENT, indexed, claimed):
            if record := self._attachment_at(offset):
                yield record

    def _cold_offsets(self, opcode: Opcode, indexed: Iterable[int], claimed: int | None) -> Sequence[int]:
        """Where records of a kind stand: those that the summary lists, and, unless these are all, those that walking finds."""
        known = {*indexed, *self._catalogue.cold[opcode]}
        if not self._is_walked and (claimed is None or len(known) < claimed):
            for _ in self._pieces(ReadOptions()):
                pass
            known |= self._catalogue.cold[opcode]
        return sorted(known)

    def _metadata_at(self, offset: int) -> NamedMetadata | None:
        content = self._cold(offset, Opcode.METADATA)
        try:
            record = None if content is None else parse(Metadata, content)
        except ValueError as err:
            self._notes.lost(f"the metadata at byte {offset} is damaged: {err}")
            return None
        return None if record is None else NamedMetadata(record.name, record.metadata)

    def _attachment_at(self, offset: int) -> AttachedFile | None:
        content = self._cold(offset, Opcode.ATTACHMENT)
        try:
            record = None if content is None else parse(Attachment, content)
        except ValueError as err:
            self._notes.lost(f"the attachment at byte {offset} is damaged: {err}")
            return None
        if record is None or content is None:
            return None
        if not attachment_fits(content, record):
            self._notes.lost(f"the attachment {record.name!r} at byte {offset} is damaged, its checksum says")
        return AttachedFile(
            record.name, record.media_type, record.log_time, record.create_time, bytes(record.data), offset
        )

    def _cold(self, offset: int, opcode: Opcode) -> bytes | None:
        """The content of the record at an offset; None, with a note, if no such record is there."""
        name = opcode.name.lower()
        try:
            found, length = RECORD_HEAD.unpack(self._source.read(offset, RECORD_HEAD.size))
            if found == opcode and length <= MAX_COLD_RECORD_BYTES:
                return self._source.read(offset + RECORD_HEAD.size, length)
        except DamagedFileError:
            self._notes.lost(f"the {name} record that should be at byte {offset} is not there")
            return None
        if found == opcode:
            self._notes.lost(f"the {name} record at byte {offset} says that it has {length} bytes; it is left out")
        else:
            self._notes.lost(f"the {name} record that should be at byte {offset} is not there")
        return None

    def _read_header(self) -> Header:
        if self._source.read_some(0, len(MAGIC)) != MAGIC:
            raise NotARecordingError(self.path, "not an MCAP file: its first bytes are others")
        head = self._source.read_some(len(MAGIC), RECORD_HEAD.size)
        if len(head) == RECORD_HEAD.size:
            opcode, length = RECORD_HEAD.unpack(head)
            if opcode == Opcode.HEADER and length <= MAX_COLD_RECORD_BYTES:
                try:
                    return parse(Header, self._source.read_some(len(MAGIC) + RECORD_HEAD.size, length))
                except ValueError as err:
                    self._notes.say(f"the header is damaged: {err}")
        return Header("", "")

    def _read_summary(self) -> McapSummary | None:
        try:
            summary = read_summary(self._source)
        except (DamagedFileError, ValueError) as err:
            self._notes.say(f"the summary is damaged, the file was scanned: {err}")
            return None
        if summary is None:
            size = self._source.size
            if size < 2 * len(MAGIC) or self._source.read_some(size - len(MAGIC), len(MAGIC)) != MAGIC:
                self._notes.say("the file was not finished (cut off, or still being written); it was scanned")
        elif not self._chunks_are_there(summary):
            self._notes.say("the index points to chunks that are not there; the file was scanned")
            return None
        return summary

    def _chunks_are_there(self, summary: McapSummary) -> bool:
        """Whether the chunks that the summary names lie in the file, one after the other."""
        at = len(MAGIC)
        for chunk in summary.chunks:
            if chunk.start < at or chunk.length < RECORD_HEAD.size:
                return False
            at = chunk.start + chunk.length + chunk.index_length
        return at <= summary.data_end

    def _connections_so_far(self) -> Sequence[Connection]:
        schemas, profile = self._catalogue.schemas, self.header.profile
        channels = self._catalogue.channels
        if len(self._described) != len(channels):
            self._described = tuple(
                connection_of(channel, schemas.get(channel.schema_id), profile)
                for _, channel in sorted(channels.items())
            )
        return self._described

    def _names_all_connections(self) -> bool:
        if not self._summary:
            return False
        channels, schemas, statistics = self._catalogue.channels, self._catalogue.schemas, self._summary.statistics
        if any(channel.schema_id and channel.schema_id not in schemas for channel in channels.values()):
            return False
        if statistics:
            return len(channels) >= statistics.channel_count
        used = [chunk.channels for chunk in self._summary.chunks]
        return bool(used) and all(ids is not None and ids <= channels.keys() for ids in used)

    def _indexed_totals(self) -> Totals | None:
        """From the statistics record, or from the message indexes."""
        summary = self._summary
        if not summary or not self._names_all_connections():
            return None
        totals = Totals()
        statistics = summary.statistics
        if statistics:
            totals.counts |= statistics.channel_message_counts
            if sum(totals.counts.values()) != statistics.message_count:
                return None
            if statistics.message_count:
                totals.widen(min(statistics.message_start_time, INT64_MAX), min(statistics.message_end_time, INT64_MAX))
            return totals
        for chunk in summary.chunks:
            try:
                index = self._source.read(chunk.start + chunk.length, chunk.index_length)
            except DamagedFileError:
                return None
            for channel, entries in message_index(index):
                totals.add(channel, as_nanos(entries["time"]))
        return totals

    def _claimed_counts(self) -> Mapping[int, int]:
        return self.statistics.channel_message_counts if self.statistics else {}

    def _check_whole(self) -> None:
        data_end = self._catalogue.data_end
        if data_end is None or self._notes.has_losses or data_section_fits(self._source, data_end):
            return
        if self._is_checked:
            self._notes.say("the file's checksum does not fit; those of all chunks do, so that the messages are whole")
        else:
            self._notes.lost("the file's checksum does not fit: some bytes are not those that were written")

    def _pieces(self, options: ReadOptions) -> Iterator[ChunkRef | LooseMessages]:
        at = len(MAGIC)
        data_end = self._source.size
        if self._summary:
            data_end = self._summary.data_end
            for chunk in self._summary.chunks:
                yield from self._without_tears(walk_file(self._source, at, chunk.start, self._catalogue))
                if self._may_want(chunk, options):
                    yield chunk
                at = chunk.start + chunk.length + chunk.index_length
        yield from self._without_tears(walk_file(self._source, at, data_end, self._catalogue))
        self._is_walked = True

    def _without_tears(self, pieces: Iterator[Piece]) -> Iterator[ChunkRef | LooseMessages]:
        for piece in pieces:
            if isinstance(piece, Tear):
                note = self._notes.lost if piece.loses_messages else self._notes.say
                found = piece.goes_on is not None and piece.goes_on < self._source.size
                rest = (
                    f"reading goes on at byte {piece.goes_on}" if found else "nothing that can be read comes after it"
                )
                note(f"{piece.reason} at byte {piece.offset}; {rest}")
            else:
                yield piece

    def _may_want(self, chunk: ChunkRef, options: ReadOptions) -> bool:
        if options.start_nanos is not None and chunk.end_nanos is not None and chunk.end_nanos < options.start_nanos:
            return False
        if options.end_nanos is not None and chunk.start_nanos is not None and chunk.start_nanos > options.end_nanos:
            return False
        channels = self._catalogue.channels
        if chunk.channels is None or not chunk.channels <= channels.keys():
            return True
        return any(options.wants(channels[channel].topic) for channel in chunk.channels)

    def _chunk_data(self, piece: ChunkRef | LooseMessages) -> ChunkData:
        if isinstance(piece, LooseMessages):
            self._is_checked = False
            return ChunkData.loose(piece.buffer, piece.positions, piece.file_end)
        end = piece.start + piece.length
        try:
            head = read_chunk_head(self._source, piece)
            index = self._source.read(end, piece.index_length) if piece.index_length else b""
        except DamagedFileError as err:
            self._notes.lost(f"{err.message} at byte {err.offset}; a chunk is left out")
            return ChunkData.nothing(end)
        self._is_checked = self._is_checked and bool(head.crc)
        return ChunkData(
            file_start=head.data_start,
            file_size=head.data_size,
            file_end=end,
            compression=head.compression,
            size=head.uncompressed_size,
            hints=index_hints(index),
            crc=head.crc,
        )

    def _positions(self, buffer: Bytes, hints: Int64s, lo: int, hi: int) -> tuple[Int64s, int]:
        return checked_positions(
            hints,
            lo,
            hi,
            ends_of=lambda positions: message_ends(buffer, positions, hi),
            walk=lambda a, b: walk_records(buffer.data, a, b, self._catalogue),
        )

    def _rows(self, buffer: Bytes, positions: Int64s, order: Int64s) -> Rows:
        rows = message_rows(buffer, positions, order)
        for name, times in (("log", rows.log_time_nanos), ("publish", rows.publish_time_nanos)):
            if len(times) and times.max() == INT64_MAX:
                self._notes.lost(
                    f"some {name} times are past the year 2262, which no recording can say; its end stands for them"
                )
        return rows

    def _as_sent(self, rows: Rows) -> Iterator[Rows]:
        """Messages of ROS 2 that rosbag2 compressed one by one; it does so to all of a file or to none."""
        if not len(rows) or not packed(rows.take(slice(0, 1))).any():
            yield rows
            return
        cdr = [c.id for c in self._connections_so_far() if c.encoding == "cdr"]
        yield from unpacked(rows, packed(rows) & np.isin(rows.connection_ids, cdr), self._notes)
