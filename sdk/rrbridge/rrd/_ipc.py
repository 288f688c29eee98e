"""Arrow IPC streams inside messages: written plainly, read with suspicion.

Arrow checks most of what it reads, but believes the sizes in front of compressed buffers and takes that much memory at
once; so those are checked here first. Format: https://arrow.apache.org/docs/format/Columnar.html
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

import lz4.block
import numpy as np
import pyarrow as pa

from rrbridge._arrow import Gathered, joined
from rrbridge.rrd._flatbuffers import Table
from rrbridge.rrd._protocol import Compression
from rrbridge.rrd._shared_bytes import written_once

__all__ = [
    "GATHER_MIN_BYTES",
    "MAX_UNPACKED_BYTES",
    "PayloadError",
    "pack",
    "pieces_of",
    "read_batch",
    "read_schema",
    "schema_bytes",
    "unpack",
    "write_batch",
    "write_schema",
]

MAX_UNPACKED_BYTES = 0x7E00_0000
"""The most that one LZ4 block can hold, and as much as 32-bit list offsets can use."""
GATHER_MIN_BYTES = 1 << 16
"""From here on a batch is written from where its columns are, not put together first."""
LZ4_BEST_RATIO = 255
"""No LZ4 block can unpack to more than this many times its size."""
ZSTD_BEST_RATIO = 1 << 16
SAMPLES, SAMPLE_BYTES = 16, 1 << 12
"""Of large data, pieces from all over it tell whether compressing is worth the time: its columns differ."""
GOLDEN_RATIO = 0.618034
WORTHWHILE = 0.75
"""Large data whose samples shrink to no less than this is left as it is: LZ4 takes ten times as long as writing what it would
save (positions of scans: 0.58 s for 330 MB, of which it takes off a fifth)."""
SAMPLED_MIN_BYTES = 1 << 18
_CONTINUATION = 0xFFFF_FFFF
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
_LZ4_FRAME = 0


class PayloadError(ValueError):
    """Arrow data that contradicts itself, or asks for more memory than it can fill."""


def write_batch(batch: pa.RecordBatch) -> pa.Buffer:
    """A stream of one batch."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


class _Pieces:
    """What Arrow takes for a file: keeps what is written where it is."""

    closed = False

    def __init__(self) -> None:
        self.written: list[bytes | pa.Buffer] = []
        self.write = self.written.append

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing to finish."""


def pieces_of(batch: pa.RecordBatch, unfilled: Sequence[Gathered] = ()) -> list[memoryview]:
    """The stream that `write_batch` makes, in pieces that are to follow each other; large columns are not copied.

    `unfilled`: memory of the batch that is yet to be put together; its parts are written from where they are.
    """
    if batch.get_total_buffer_size() < GATHER_MIN_BYTES:
        return [memoryview(write_batch(batch))]
    sink = _Pieces()
    with pa.ipc.new_stream(pa.PythonFile(sink, "w"), batch.schema) as writer:
        writer.write_batch(batch)
    parts_at = {part.target.ctypes.data: part for part in unfilled}
    found: list[memoryview] = []
    for piece in sink.written if unfilled else written_once(batch, sink.written):
        part = None if isinstance(piece, bytes) else parts_at.pop(piece.address, None)
        if part is None or len(piece) != part.target.nbytes:
            found.append(memoryview(piece))
        else:
            found += [np.ascontiguousarray(array).reshape(-1).view(np.uint8).data for array in part.parts]
    if parts_at:
        raise PayloadError("memory that was to be filled is written in another way")
    return found


def write_schema(schema: pa.Schema) -> bytes:
    """A stream without batches."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema):
        pass
    return bytes(sink.getvalue())


def pack(pieces: Sequence[memoryview], wanted: Compression) -> tuple[Compression, Sequence[memoryview]]:
    """Data in pieces compressed as wanted, or as it is where that would not make it smaller (images, video)."""
    size = sum(map(len, pieces))
    if wanted is Compression.LZ4 and size <= MAX_UNPACKED_BYTES and _shrinks(pieces, size):
        packed = lz4.block.compress(joined(pieces), store_size=False)
        if len(packed) < size:
            return Compression.LZ4, (memoryview(packed),)
    return Compression.NONE, pieces


def _shrinks(pieces: Sequence[memoryview], size: int) -> bool:
    if size < SAMPLED_MIN_BYTES:
        return True
    step = size // SAMPLES
    ends = list(accumulate(map(len, pieces)))
    # Not at equal distances: equal places of equal pictures would seem to repeat each other, which LZ4 cannot see from so far.
    starts = (int((n + n * GOLDEN_RATIO % 1) * step) for n in range(SAMPLES))
    together = b"".join(_sample(pieces, ends, min(start, size - SAMPLE_BYTES)) for start in starts)
    return len(lz4.block.compress(together, store_size=False)) < WORTHWHILE * len(together)


def _sample(pieces: Sequence[memoryview], ends: Sequence[int], start: int) -> memoryview:
    """Up to SAMPLE_BYTES from a byte on, within one piece."""
    number = bisect_right(ends, start)
    within = start - (ends[number] - len(pieces[number]))
    return pieces[number][within : within + SAMPLE_BYTES]


def unpack(payload: memoryview, compression: Compression, uncompressed_size: int) -> bytes:
    """The data itself. Raises PayloadError.

    A size that is too large is tolerated, as the format has it, but never believed: memory is taken for what the payload
    can hold at the very most. The result is a copy even where nothing was packed, since Arrow wants its data aligned.
    """
    if compression is not Compression.LZ4:
        return bytes(payload)
    limit = min(uncompressed_size, LZ4_BEST_RATIO * len(payload) + 64)
    if limit > MAX_UNPACKED_BYTES:
        raise PayloadError(f"{uncompressed_size} bytes in one chunk")
    try:
        data = lz4.block.decompress(payload, uncompressed_size=limit)
    except lz4.block.LZ4BlockError as err:
        raise PayloadError("the compressed data is damaged") from err
    assert isinstance(data, bytes)
    return data


def read_schema(data: bytes | memoryview) -> pa.Schema:
    """The schema of a stream. Raises PayloadError."""
    try:
        return pa.ipc.open_stream(pa.py_buffer(data)).schema
    except (pa.ArrowException, OSError, ValueError, TypeError) as err:
        raise PayloadError(f"no Arrow schema: {_first_line(err)}") from err


def read_batch(data: bytes) -> pa.RecordBatch:
    """The first batch of a stream, wholly checked, so that no later access can leave its memory. Raises PayloadError."""
    try:
        _check_compressed_buffers(memoryview(data))
        batch = pa.ipc.open_stream(pa.py_buffer(data)).read_next_batch()
        batch.validate(full=True)
    except StopIteration:
        raise PayloadError("no Arrow data") from None
    except (pa.ArrowException, OSError, ValueError, TypeError, struct.error) as err:
        raise PayloadError(f"no Arrow data: {_first_line(err)}") from err
    return batch


def schema_bytes(data: bytes) -> int:
    """Size of the schema at the start of a stream, without the eight bytes before it; of a stream that was read already."""
    mark, size = struct.unpack_from("<Ii", data)
    return int(size if mark == _CONTINUATION else mark)


def _first_line(err: BaseException) -> str:
    return (str(err).splitlines() or [type(err).__name__])[0]


def _check_compressed_buffers(stream: memoryview) -> None:
    total = 0
    for kind, table, body in _messages(stream):
        batch = table
        if kind == _DICTIONARY_BATCH:
            found = table.table(1)
            if found is None:
                continue
            batch = found
        compression = batch.table(3)
        if compression is not None:
            ratio = LZ4_BEST_RATIO if compression.byte(0) == _LZ4_FRAME else ZSTD_BEST_RATIO
            for offset, length in batch.pairs(2):
                if length < 8:
                    continue
                (size,) = struct.unpack_from("<q", body, offset)
                if size > ratio * length:
                    raise PayloadError(f"{size} bytes are said to be packed in {length}")
                total += max(size, 0)
                if total > MAX_UNPACKED_BYTES:
                    raise PayloadError(f"more than {MAX_UNPACKED_BYTES} bytes in one chunk")
        if kind == _RECORD_BATCH:
            return


def _messages(stream: memoryview) -> Iterator[tuple[int, Table, memoryview]]:
    """Kind, header and body of each message that carries data."""
    position = 0
    while position + 8 <= len(stream):
        mark, size = struct.unpack_from("<Ii", stream, position)
        position += 8
        if mark != _CONTINUATION:
            position, size = position - 4, mark  # before Arrow 0.15 the mark was missing
        if size <= 0 or size > len(stream) - position:
            return
        root = Table(stream[position : position + size], struct.unpack_from("<I", stream, position)[0])
        position += size
        body_size = root.int64(3)
        if not 0 <= body_size <= len(stream) - position:
            return
        kind, header = root.byte(1), root.table(2)
        if kind in (_DICTIONARY_BATCH, _RECORD_BATCH) and header is not None:
            yield kind, header, stream[position : position + body_size]
        position += body_size
