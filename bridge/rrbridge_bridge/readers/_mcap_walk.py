"""Going through an MCAP file record by record where there is no index, or around what the index names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from mcap.opcode import Opcode
from mcap.records import Channel, Schema

from rrbridge_bridge.raw import Bytes, Int64s
from rrbridge_bridge.readers._mcap_records import MAX_COLD_RECORD_BYTES, RECORD_HEAD, ChunkRef, parse
from rrbridge_bridge.readers._mcap_resync import chunk_end, is_chunk, next_record
from rrbridge_bridge.readers._source import Source

__all__ = ["MESSAGE_BYTES", "Catalogue", "LooseMessages", "Piece", "Tear", "walk_file", "walk_records"]

MESSAGE_BYTES = 22
"""Content of a message record before its payload."""
SMALL_WINDOW_BYTES = 64 << 10
LARGE_WINDOW_BYTES = 4 << 20
MAX_END_BYTES = 64
"""Of the records that end a section; they have 4 and 20 bytes."""
INDEXES = (
    *(Opcode.MESSAGE_INDEX, Opcode.CHUNK_INDEX, Opcode.ATTACHMENT_INDEX, Opcode.METADATA_INDEX),
    *(Opcode.STATISTICS, Opcode.SUMMARY_OFFSET),
)
"""Records that say only what others hold."""


@dataclass(frozen=True, eq=False, slots=True)
class LooseMessages:
    """Messages that stand in the file without a chunk around them."""

    buffer: Bytes
    positions: Int64s
    """Of the message records in the buffer."""
    file_end: int


@dataclass(frozen=True, slots=True)
class Tear:
    """Here the file stops making sense."""

    offset: int
    reason: str
    suspect: int
    """Offset of the record that may have led here by a length that lies; that of the tear itself if none did."""
    loses_messages: bool = True
    """False where what is torn is known to be no message and no chunk."""
    goes_on: int | None = None
    """Offset of the next record that makes sense, if there is one."""


Piece: TypeAlias = ChunkRef | LooseMessages | Tear


class Catalogue:
    """Schemas and channels as they come up; the first of an id stays."""

    def __init__(self) -> None:
        self.schemas: dict[int, Schema] = {}
        self.channels: dict[int, Channel] = {}
        self.bad = 0
        """Records that could not be parsed."""
        self.cold: dict[int, set[int]] = {Opcode.ATTACHMENT: set(), Opcode.METADATA: set()}
        """Offsets in the file of attachment and metadata records."""
        self.data_end: int | None = None
        """Offset of the record that ends the data section, once it has come up."""

    def take(self, opcode: int, content: bytes) -> None:
        """Note a schema or channel record; anything else is ignored."""
        try:
            if opcode == Opcode.SCHEMA:
                schema = parse(Schema, content)
                self.schemas.setdefault(schema.id, schema)
            elif opcode == Opcode.CHANNEL:
                channel = parse(Channel, content)
                self.channels.setdefault(channel.id, channel)
        except ValueError:
            self.bad += 1


def walk_records(buffer: bytes | memoryview, lo: int, hi: int, catalogue: Catalogue) -> tuple[list[int], int]:
    """Positions of the message records in `[lo, hi)`, and where walking stopped."""
    found: list[int] = []
    at = lo
    head, head_bytes, message = RECORD_HEAD.unpack_from, RECORD_HEAD.size, int(Opcode.MESSAGE)
    last = hi - head_bytes
    while at <= last:
        opcode, length = head(buffer, at)
        end = at + head_bytes + length
        if end > hi:
            break
        if opcode == message:
            if length < MESSAGE_BYTES:
                break
            found.append(at)
        elif opcode in (Opcode.SCHEMA, Opcode.CHANNEL) and length <= MAX_COLD_RECORD_BYTES:
            catalogue.take(opcode, bytes(buffer[at + head_bytes : end]))
        elif opcode == 0:
            # Zeros are what a power cut leaves; no record has this opcode.
            break
        at = end
    return found, at


def walk_file(source: Source, lo: int, hi: int, catalogue: Catalogue) -> Iterator[Piece]:
    """The chunks and loose messages of `[lo, hi)` in file order; ends at the end of data.

    Where records stop making sense there is a Tear, and what comes next is the first chunk or message found behind it.
    """
    at: int | None = lo
    while at is not None and at < hi:
        start, at = at, None
        for piece in _walk_on(source, start, hi, catalogue):
            if isinstance(piece, Tear):
                at = piece.goes_on
                if at is None:
                    at = next_record(source, piece.suspect + 1, hi, catalogue.channels)
                piece = replace(piece, goes_on=at)
            yield piece


def _walk_on(source: Source, lo: int, hi: int, catalogue: Catalogue) -> Iterator[Piece]:
    """The same, up to the end of data or the first Tear."""
    at = suspect = lo
    window_bytes = SMALL_WINDOW_BYTES
    while at < hi:
        window = source.read_some(at, min(window_bytes, hi - at))
        found, stop, last = _walk_window(window, at, catalogue)
        if found:
            yield LooseMessages(np.frombuffer(window, np.uint8), np.array(found, np.int64), at + stop)
        suspect = at + last if stop else suspect
        at += stop
        # Large steps through messages in the open, small ones from chunk to chunk.
        window_bytes = LARGE_WINDOW_BYTES if stop * 2 > len(window) else SMALL_WINDOW_BYTES
        if at >= hi:
            return
        if at + RECORD_HEAD.size > hi:
            yield Tear(at, "the file ends inside a record", at)
            return
        opcode, length = RECORD_HEAD.unpack(source.read(at, RECORD_HEAD.size))
        end = at + RECORD_HEAD.size + length
        if opcode in (Opcode.DATA_END, Opcode.FOOTER) and length <= MAX_END_BYTES:
            catalogue.data_end = at
            return
        if opcode == Opcode.CHUNK:
            end = chunk_end(source, at, end, hi)
            if end > hi:
                beyond = next_record(source, at + 1, hi, (), only_chunks=True)
                yield ChunkRef(at, end - at, 0, limit=beyond)
                reason = "the file ends inside a chunk" if beyond is None else "the length of a chunk is wrong"
                yield Tear(at, reason, at, goes_on=hi if beyond is None else beyond)
                return
            index_length = _index_length(source, end, hi)
            yield ChunkRef(at, end - at, index_length)
            # A chunk whose lengths agree is passed for good: what is packed in it may look like records, too.
            suspect = end + index_length if is_chunk(source, at, hi) else at
            at = end + index_length
        elif opcode in (0, Opcode.DATA_END, Opcode.FOOTER) or (opcode == Opcode.MESSAGE and length < MESSAGE_BYTES):
            yield Tear(at, "no record", suspect)
            return
        elif end > hi:
            yield Tear(at, "the file ends inside a record", at, loses_messages=opcode not in INDEXES)
            return
        elif stop == 0:
            # Larger than the window: a message is taken by itself, an attachment is stepped over.
            if opcode == Opcode.MESSAGE:
                record = np.frombuffer(source.read(at, end - at), np.uint8)
                yield LooseMessages(record, np.zeros(1, np.int64), end)
            elif opcode in (Opcode.SCHEMA, Opcode.CHANNEL) and length <= MAX_COLD_RECORD_BYTES:
                catalogue.take(opcode, source.read(at + RECORD_HEAD.size, length))
            elif opcode in catalogue.cold:
                catalogue.cold[opcode].add(at)
            at, suspect = end, at


def _walk_window(window: bytes, base: int, catalogue: Catalogue) -> tuple[list[int], int, int]:
    """What a window that stands at `base` in the file has of small whole records.

    Positions of messages, where something else begins, and the position of the last record before.
    """
    found: list[int] = []
    at = previous = 0
    last = len(window) - RECORD_HEAD.size
    stops = (0, Opcode.CHUNK, Opcode.DATA_END, Opcode.FOOTER)
    while at <= last:
        opcode, length = RECORD_HEAD.unpack_from(window, at)
        end = at + RECORD_HEAD.size + length
        if end > len(window) or opcode in stops:
            break
        if opcode == Opcode.MESSAGE:
            if length < MESSAGE_BYTES:
                break
            found.append(at)
        elif opcode in (Opcode.SCHEMA, Opcode.CHANNEL):
            catalogue.take(opcode, window[at + RECORD_HEAD.size : end])
        elif opcode in catalogue.cold:
            catalogue.cold[opcode].add(base + at)
        at, previous = end, at
    return found, at, previous


def _index_length(source: Source, at: int, hi: int) -> int:
    """Bytes of message index records that begin at `at`."""
    start = at
    while at + RECORD_HEAD.size <= hi:
        opcode, length = RECORD_HEAD.unpack(source.read(at, RECORD_HEAD.size))
        if opcode != Opcode.MESSAGE_INDEX or at + RECORD_HEAD.size + length > hi:
            break
        at += RECORD_HEAD.size + length
    return at - start
