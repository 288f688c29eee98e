"""ROS 1 bags, version 2.0: uncompressed, bz2 or lz4, indexed or not, whole or cut off.

Messages are never touched one by one where there is an index: the index data after a chunk gives their offsets, and numpy
gathers connection, time and size from the decompressed records.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rrbridge.errors import DamagedFileError, FileError, NotARecordingError, UnsupportedVersionError
from rrbridge_bridge.raw import Bytes, Connection, Int64s
from rrbridge_bridge.readers._bag_messages import message_ends, message_rows, walk_records
from rrbridge_bridge.readers._bag_records import (
    MAX_HEADER_BYTES,
    U32,
    BagChunk,
    ChunkInfo,
    Op,
    chunk_info_of,
    connection_id_in,
    connection_of,
    fields_of,
    index_entries,
    index_hints,
    next_chunk,
    read_op,
    read_u32,
    read_u64,
)
from rrbridge_bridge.readers._blocks import Rows
from rrbridge_bridge.readers._chunked import ChunkedReader
from rrbridge_bridge.readers._chunks import ChunkData
from rrbridge_bridge.readers._positions import checked_positions
from rrbridge_bridge.readers._reader import ReadOptions
from rrbridge_bridge.readers._totals import Totals

if TYPE_CHECKING:
    from rrbridge_bridge.readers._indexed import Compression, Indexed

__all__ = ["Ros1BagReader"]

MAGIC_LINE_BYTES = 13
MAX_COLD_RECORD_BYTES = 64 << 20
"""Connection and chunk info records that claim to be longer are refused."""
MESSAGE_HEAD_BYTES = 4 + 38 + 4
"""Of a message record before its payload, as every writer lays it out."""
CONNECTION_HEAD_BYTES = 200
"""About what a connection record takes besides the definition."""
INDEX_RECORD_BYTES = 4 + 47 + 4
"""Of an index data record before its entries, as every writer lays it out."""


class Ros1BagReader(ChunkedReader[BagChunk]):
    """A ROS 1 bag."""

    format = "ROS 1 bag"

    def _open(self) -> None:
        self._connections: dict[int, Connection] = {}
        self._infos: list[ChunkInfo] | None = None
        self._heads: list[BagChunk] | None = None
        magic = self._source.read_some(0, MAGIC_LINE_BYTES)
        version = re.match(rb"#ROSBAG V(\d+)\.(\d+)\n", magic)
        if not version:
            raise NotARecordingError(self.path, "not a ROS 1 bag: its first line is another")
        if version.groups() != (b"2", b"0"):
            number = b".".join(version.groups()).decode()
            raise UnsupportedVersionError(self.path, f"a bag of version {number}; `rosbag fix` makes it 2.0")
        self._records_start = version.end()
        try:
            op, fields, _, _ = self._record(version.end())
        except (DamagedFileError, ValueError) as err:
            self._notes.say(f"the bag's header is damaged, the bag was scanned: {_reason(err)}")
            return
        if encryptor := fields.get(b"encryptor", b""):
            name = encryptor.decode("utf-8", "replace")
            raise FileError(self.path, f"the bag is encrypted with {name}; decrypt it with `rosbag decrypt` first")
        if op == Op.BAG_HEADER:
            self._read_index(fields)
        else:
            self._notes.say("the bag has no header; it was scanned")

    def _record(self, at: int) -> tuple[int, dict[bytes, bytes], int, int]:
        """`(op, header fields, offset of the data, length of the data)`. Raises DamagedFileError, ValueError."""
        (header_length,) = U32.unpack(self._source.read(at, 4))
        if header_length > MAX_HEADER_BYTES:
            raise ValueError(f"a record header of {header_length} bytes")
        head = self._source.read(at + 4, header_length + 4)
        fields = fields_of(head[:-4])
        (data_length,) = U32.unpack_from(head, header_length)
        return read_op(fields), fields, at + 4 + header_length + 4, data_length

    def _read_index(self, header: dict[bytes, bytes]) -> None:
        try:
            index_at = read_u64(header, b"index_pos")
            connections, chunks = read_u32(header, b"conn_count"), read_u32(header, b"chunk_count")
            if index_at == 0:
                self._notes.say("the bag was not closed (no index); it was scanned")
                return
            if index_at > self._source.size:
                beyond = index_at - self._source.size
                self._notes.lost(f"the bag is cut off or damaged: its index would begin {beyond} bytes behind its end")
                return
            infos = []
            at = index_at
            for _ in range(connections + chunks):
                op, fields, data_at, length = self._record(at)
                data = self._data(data_at, length)
                if op == Op.CONNECTION:
                    self._take(connection_of(fields, data))
                elif op == Op.CHUNK_INFO:
                    infos.append(chunk_info_of(fields, data))
                at = data_at + length
        except (DamagedFileError, ValueError) as err:
            self._notes.say(f"the bag's index is damaged, the bag was scanned: {_reason(err)}")
            return
        infos.sort(key=lambda info: info.start)
        if all(self._records_start <= info.start < index_at for info in infos):
            self._infos = infos
        else:
            self._notes.say("the bag's index points outside the chunks; the bag was scanned")

    def _data(self, at: int, length: int) -> bytes:
        """The data of a connection or chunk info record. Raises DamagedFileError, ValueError."""
        if length > MAX_COLD_RECORD_BYTES:
            raise ValueError(f"an index record of {length} bytes")
        return self._source.read(at, length)

    def _take(self, connection: Connection) -> None:
        self._connections.setdefault(connection.id, connection)

    def _connections_so_far(self) -> Sequence[Connection]:
        return tuple(connection for _, connection in sorted(self._connections.items()))

    def _names_all_connections(self) -> bool:
        return self._infos is not None and all(info.counts.keys() <= self._connections.keys() for info in self._infos)

    def _indexed_totals(self) -> Totals | None:
        if self._infos is None or not self._names_all_connections():
            return None
        totals = Totals()
        for info in self._infos:
            for connection_id, count in info.counts.items():
                totals.counts[connection_id] = totals.counts.get(connection_id, 0) + count
            if info.counts:
                totals.widen(info.start_nanos, info.end_nanos)
        return totals

    def _claimed_counts(self) -> Mapping[int, int]:
        totals = self._indexed_totals()
        return totals.counts if totals else {}

    def indexed(self) -> Iterator[Indexed]:
        """Every message that index records name, chunk by chunk, without unpacking any. Raises DamagedFileError, ValueError."""
        from rrbridge_bridge.readers._indexed import Indexed, RecordSizes

        described = {c.id: CONNECTION_HEAD_BYTES + len(c.definition) for c in self._connections.values()}
        sized = RecordSizes(MESSAGE_HEAD_BYTES, described)
        for chunk in self._indexed_chunks():
            found = list(index_entries(self._source.read_some(chunk.end, chunk.index_length)))
            if found:
                # Plain numbers: joining structs costs more.
                entries = np.concatenate([part.view("<u4") for _, part in found]).reshape(-1, 3).astype(np.int64)
                ids = np.repeat([connection_id_in(header) for header, _ in found], [len(part) for _, part in found])
                sizes = sized.of(ids, entries[:, 2], chunk.size)
                yield Indexed(ids, entries[:, 0] * 1_000_000_000 + entries[:, 1], sizes)

    def _indexed_chunks(self) -> Sequence[BagChunk]:
        """The chunks that the index names. Raises DamagedFileError."""
        if self._heads is None:
            self._heads = []
            for info in self._infos or ():
                chunk = self._chunk_at(info.start, sum(INDEX_RECORD_BYTES + 12 * n for n in info.counts.values()))
                if chunk is None:
                    raise DamagedFileError(self.path, "no chunk where one should be", offset=info.start)
                self._heads.append(chunk)
        return self._heads

    @property
    def chunk_count(self) -> int:
        """How many chunks the index names."""
        return len(self._infos or ())

    def compressions(self) -> list[Compression]:
        """How its chunks are packed, by their heads. Raises DamagedFileError."""
        from rrbridge_bridge.readers._indexed import Compression

        found: dict[str, list[BagChunk]] = {}
        for chunk in self._indexed_chunks():
            found.setdefault(chunk.compression, []).append(chunk)
        return [
            Compression(codec, len(chunks), sum(c.data_size for c in chunks), sum(c.size for c in chunks))
            for codec, chunks in sorted(found.items())
        ]

    def _pieces(self, options: ReadOptions) -> Iterator[BagChunk]:
        at = self._records_start
        for info in self._infos or ():
            yield from self._walk(at, info.start)
            chunk = self._chunk_at(info.start, sum(INDEX_RECORD_BYTES + 12 * n for n in info.counts.values()))
            if chunk is None:
                self._notes.say("the bag's index points to chunks that are not there; the bag was walked instead")
                at = max(at, info.start)
                break
            if self._may_want(info, options):
                yield chunk
            at = max(at, chunk.end + chunk.index_length)
        yield from self._walk(at, self._source.size)

    def _may_want(self, info: ChunkInfo, options: ReadOptions) -> bool:
        if options.start_nanos is not None and info.end_nanos < options.start_nanos:
            return False
        if options.end_nanos is not None and info.start_nanos > options.end_nanos:
            return False
        if not info.counts.keys() <= self._connections.keys():
            return True
        return any(options.wants(self._connections[connection_id].topic) for connection_id in info.counts)

    def _walk(self, at: int, end: int) -> Iterator[BagChunk]:
        """The chunks in `[at, end)`, from record to record; where there is none, from the next chunk that can be found."""
        while at < end:
            chunk = self._chunk_at(at, None)
            if chunk:
                if chunk.end > self._source.size:
                    chunk = self._cut(chunk)
                yield chunk
                at = chunk.end + chunk.index_length
                continue
            try:
                op, fields, data_at, length = self._record(at)
                if op == Op.CONNECTION:
                    self._take(connection_of(fields, self._data(data_at, length)))
                if data_at + length > end:
                    raise ValueError("it ends behind the end of the file")  # noqa: TRY301
                at = data_at + length
            except (DamagedFileError, ValueError) as err:
                found = next_chunk(self._source, at + 1, end)
                rest = (
                    "nothing that can be read comes after it" if found is None else f"reading goes on at byte {found}"
                )
                self._notes.lost(f"no record at byte {at} ({_reason(err)}); {rest}")
                at = end if found is None else found

    def _cut(self, chunk: BagChunk) -> BagChunk:
        """A chunk that claims to end behind the end of the file, up to the next one, or as far as the file goes."""
        found = next_chunk(self._source, chunk.data_start, self._source.size)
        if found is None:
            self._notes.lost(f"the bag ends inside the chunk at byte {chunk.start}; what it has of it is read")
            found = self._source.size
        else:
            self._notes.lost(f"the length of the chunk at byte {chunk.start} is wrong; reading goes on at byte {found}")
        return replace(chunk, data_size=found - chunk.data_start, index_length=0)

    def _chunk_at(self, at: int, index_length: int | None) -> BagChunk | None:
        """The chunk record at an offset, if there is one. Without `index_length` the index records are walked."""
        try:
            op, fields, data_at, length = self._record(at)
            size = read_u32(fields, b"size")
        except (DamagedFileError, ValueError):
            return None
        if op != Op.CHUNK:
            return None
        compression = fields.get(b"compression", b"").decode("ascii", "replace")
        end = data_at + length
        if index_length is None:
            index_length = self._index_length(end)
        return BagChunk(
            at,
            data_at,
            length,
            "" if compression == "none" else compression,
            size,
            min(index_length, self._source.left(end)),
        )

    def _index_length(self, start: int) -> int:
        """Bytes of index data records that begin at `start`."""
        at = start
        try:
            while at < self._source.size:
                op, _, data_at, length = self._record(at)
                if op != Op.INDEX or data_at + length > self._source.size:
                    break
                at = data_at + length
        except (DamagedFileError, ValueError):
            pass
        return at - start

    def _chunk_data(self, piece: BagChunk) -> ChunkData:
        index = self._source.read_some(piece.end, piece.index_length)
        return ChunkData(
            file_start=piece.data_start,
            file_size=piece.data_size,
            file_end=piece.end,
            compression=piece.compression,
            size=piece.size,
            hints=index_hints(index),
        )

    def _positions(self, buffer: Bytes, hints: Int64s, lo: int, hi: int) -> tuple[Int64s, int]:
        return checked_positions(
            hints,
            lo,
            hi,
            ends_of=lambda positions: message_ends(buffer, positions, hi),
            walk=lambda a, b: walk_records(buffer, a, b, self._take),
        )

    def _rows(self, buffer: Bytes, positions: Int64s, order: Int64s) -> Rows:
        return message_rows(buffer, positions, order)


def _reason(error: DamagedFileError | ValueError) -> str:
    return error.message if isinstance(error, DamagedFileError) else str(error)
