"""Chunks of a file, taken together into buffers of some MiB: one numpy step then serves many chunks and all their topics."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from typing import Self, TypeVar

import numpy as np

from rrbridge._arrow import empty
from rrbridge.errors import DamagedFileError
from rrbridge_bridge.raw import Bytes, Int64s
from rrbridge_bridge.readers._source import MAX_CHUNK_BYTES, Source

__all__ = ["NO_HINTS", "ChunkData", "fill_group", "grouped"]

GROUP_BYTES = 32 << 20
"""Bytes that are taken together; a single larger chunk stands alone."""
UNPACKED_GROUP_BYTES = 16 << 20
"""Likewise of compressed chunks, once decompressed: they need their memory twice."""
THREADS = min(4, os.cpu_count() or 1)
NO_HINTS = np.zeros(0, np.int64)

P = TypeVar("P")


@dataclass(frozen=True, eq=False, slots=True)
class ChunkData:
    """One chunk that is about to be read."""

    file_start: int
    """Offset in the file of its (compressed) records."""
    file_size: int
    """Their size in the file as declared; more than the file has where it is cut off."""
    file_end: int
    """Offset in the file of what comes after it, for progress."""
    compression: str
    """`zstd`, `lz4`, `bz2`, or empty."""
    size: int
    """Bytes once decompressed, as declared."""
    hints: Int64s
    """Where an index says that messages stand, counted from the chunk's first decompressed byte."""
    crc: int = 0
    """CRC32 of the decompressed records; 0 where there is none."""
    records: Bytes | None = None
    """The records themselves, where they were read already."""
    is_exact: bool = False
    """Whether `hints` are known to be all and only the messages."""

    @classmethod
    def loose(cls, records: Bytes, positions: Int64s, file_end: int) -> Self:
        """Messages that stand in the file without a chunk and were found by walking."""
        return cls(0, 0, file_end, "", len(records), positions, records=records, is_exact=True)

    @classmethod
    def nothing(cls, file_end: int) -> Self:
        """In place of a chunk that cannot be read."""
        return cls(0, 0, file_end, "", 0, NO_HINTS, records=np.zeros(0, np.uint8), is_exact=True)


def grouped(pieces: Iterable[P], data_of: Callable[[P], ChunkData]) -> Iterator[list[ChunkData]]:
    """Runs of chunks that are large enough together."""
    group: list[ChunkData] = []
    size = 0
    for piece in pieces:
        chunk = data_of(piece)
        chunk_bytes = max(chunk.size, chunk.file_size)
        most = UNPACKED_GROUP_BYTES if chunk.compression else GROUP_BYTES
        if group and size + chunk_bytes > most:
            yield group
            group, size = [], 0
        group.append(chunk)
        size += chunk_bytes
    if group:
        yield group


def fill_group(
    source: Source, group: Sequence[ChunkData], damaged: Callable[[int, str], None]
) -> tuple[Bytes, list[tuple[int, int]]]:
    """All chunks of a group, decompressed, in one buffer; and from where to where each stands in it.

    A damaged chunk gives the records before the damage, and `damaged` is called with its number and what is wrong with it;
    one that can be unpacked but has other bytes than were written gives what it has.
    """
    # A chunk may hold more than it says; all of them together not much more.
    more = UNPACKED_GROUP_BYTES // max(len(group), 1)
    compressed = [chunk for chunk in group if chunk.compression and chunk.records is None]
    if len(compressed) > 1 and THREADS > 1:
        blobs = [_blob(source, chunk) for chunk in compressed]
        with ThreadPoolExecutor(THREADS) as pool:
            unpacked = iter(list(pool.map(_unpack, compressed, blobs, repeat(more))))
    else:
        unpacked = iter([_unpack(chunk, _blob(source, chunk), more) for chunk in compressed])

    parts: list[Bytes | ChunkData] = []
    sizes = []
    for number, chunk in enumerate(group):
        if chunk.records is not None:
            parts.append(chunk.records)
            sizes.append(len(chunk.records))
        elif chunk.compression:
            data, problem = next(unpacked)
            if problem:
                damaged(number, problem)
            parts.append(np.frombuffer(data, np.uint8))
            sizes.append(len(data))
        else:
            parts.append(chunk)
            sizes.append(min(chunk.size, chunk.file_size, source.left(chunk.file_start), MAX_CHUNK_BYTES))
            if sizes[-1] < chunk.size:
                damaged(number, f"{chunk.size} bytes are claimed where {sizes[-1]} can be had")

    if len(parts) == 1 and isinstance(parts[0], np.ndarray):
        return parts[0], [(0, sizes[0])]
    spans, stretches = _laid_out(parts, sizes)
    buffer = empty((spans[-1][1],), np.uint8)
    for file_start, lo, hi in stretches:
        source.read_into(file_start, buffer[lo:hi])
    for number, (part, (lo, hi)) in enumerate(zip(parts, spans, strict=True)):
        if not isinstance(part, ChunkData):
            buffer[lo:hi] = part
        elif problem := _doubt(part, buffer[lo:hi].data):
            damaged(number, problem)
    return buffer, spans


def _laid_out(
    parts: Sequence[Bytes | ChunkData], sizes: Sequence[int]
) -> tuple[list[tuple[int, int]], list[tuple[int, int, int]]]:
    """Where each part stands in one buffer; and what to read: from where in the file, and from where to where in the buffer.

    A chunk's index, or what else is small between it and the next one, is read along with them: one step in place of many.
    """
    spans: list[tuple[int, int]] = []
    stretches: list[tuple[int, int, int]] = []
    at, file_end, most = 0, 0, -1
    for part, size in zip(parts, sizes, strict=True):
        if isinstance(part, ChunkData):
            file_start, lo = part.file_start, at
            if 0 <= file_start - file_end <= most:
                at += file_start - file_end
                file_start, lo, _ = stretches.pop()
            stretches.append((file_start, lo, at + size))
            file_end, most = part.file_start + size, size // 2
        else:
            most = -1
        spans.append((at, at + size))
        at += size
    return spans, stretches


def _blob(source: Source, chunk: ChunkData) -> bytes:
    """A chunk's compressed bytes, as far as the file has them."""
    try:
        return source.read_some(chunk.file_start, min(chunk.file_size, MAX_CHUNK_BYTES))
    except DamagedFileError:
        return b""


def _unpack(chunk: ChunkData, blob: bytes, more: int) -> tuple[bytes | bytearray, str]:
    """The records, and what is wrong with them if anything is; then they are at most `more` bytes longer than they should."""
    from rrbridge_bridge.readers._compression import CompressionError, decompress, salvage

    try:
        data = decompress(chunk.compression, blob, chunk.size)
    except CompressionError as err:
        return salvage(chunk.compression, blob, chunk.size + more), str(err)
    return data, _doubt(chunk, data)


def _doubt(chunk: ChunkData, records: bytes | memoryview) -> str:
    """What a chunk's checksum has against its records, if anything."""
    if chunk.crc and zlib.crc32(records) != chunk.crc:
        return "some of its bytes are not those that were written, its checksum says"
    return ""
