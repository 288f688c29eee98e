"""Bytes that stand within other bytes of the same row are written once: a message, and the picture in it.

A record batch says of each buffer where in the message's body it is, so two columns may be said to have the same one; the lists
of the second then begin where its bytes stand in those of the first, not at 0. Readers take every buffer by its place, and
see nothing of it. What pyarrow writes is changed accordingly: one buffer less, its list's offsets, and the header's numbers.

https://arrow.apache.org/docs/format/Columnar.html#recordbatch-message
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import pyarrow as pa

from rrbridge._arrow import list_offsets, list_type
from rrbridge.rrd._flatbuffers import Table

__all__ = ["SHARED_MIN_BYTES", "written_once"]

SHARED_MIN_BYTES = 1 << 16
BLOBS = list_type(list_type(pa.uint8(), nullable=False))
PAIR, LENGTH, OFFSETS = struct.Struct("<qq"), struct.Struct("<q"), struct.Struct("<ii")
OFFSETS_BEFORE = 2
"""Before the buffer of a list's values stand that of its offsets, and that of which values are null."""


@dataclass(frozen=True, slots=True)
class _Blob:
    """The only value of a column, in memory."""

    address: int
    size: int
    node: int
    """Number of the array of its bytes among all arrays of the batch."""

    def holds(self, other: _Blob) -> bool:
        """Whether the other one begins and ends within."""
        return self.address < other.address and other.address + other.size <= self.address + self.size


def written_once(batch: pa.RecordBatch, written: Sequence[bytes | pa.Buffer]) -> Sequence[bytes | pa.Buffer]:
    """The stream of one batch, given in the pieces that pyarrow writes it in, without bytes that are in it already."""
    blobs = _blobs(batch) if batch.num_rows == 1 else []
    if len(blobs) < 2:
        return written
    whole = max(blobs, key=lambda blob: blob.size)
    parts = [blob for blob in blobs if whole.holds(blob)]
    if not parts:
        return written
    stream = _Stream(written)
    for part in parts:
        stream.share(whole, part)
    return stream.pieces()


def _blobs(batch: pa.RecordBatch) -> list[_Blob]:
    """Large blobs that have their row for themselves."""
    found = []
    node = 0
    for column in batch.columns:
        if column.type == BLOBS and not column.null_count:
            first, last = list_offsets(column).tolist()
            lists = column.values.slice(first, last - first)
            if len(lists) == 1 and not lists.null_count:
                start, end = list_offsets(lists).tolist()
                if end - start >= SHARED_MIN_BYTES:
                    values = lists.values
                    found.append(_Blob(values.buffers()[1].address + values.offset + start, end - start, node + 2))
        node += _nodes(column.type)
    return found


def _nodes(kind: pa.DataType) -> int:
    """How many arrays an array of this type consists of."""
    return 1 + sum([_nodes(kind.field(index).type) for index in range(kind.num_fields)])


class _Stream:
    """A stream of one batch, taken apart."""

    def __init__(self, written: Sequence[bytes | pa.Buffer]) -> None:
        count = next(index for index, piece in enumerate(written) if isinstance(piece, pa.Buffer))
        headers = bytearray(b"".join(written[:count]))
        self._body = list(written[count:])
        (schema_bytes,) = struct.unpack_from("<I", headers, 4)
        self._headers = headers
        self._batch_header = memoryview(headers)[16 + schema_bytes :]
        message = Table(self._batch_header, *struct.unpack_from("<I", self._batch_header))
        batch, at = message.table(2), message.place(3)
        assert batch is not None
        assert at is not None
        self._body_bytes_at, self._body_bytes = at, message.int64(3)
        self._nodes_at, _ = batch.pairs_place(1)
        self._buffers_at, _ = batch.pairs_place(2)
        self._buffers = list(batch.pairs(2))
        """Place in the body and size of each."""

    def share(self, whole: _Blob, part: _Blob) -> None:
        """Leave out the bytes of a blob that are within those of another; does nothing where pyarrow did not write them so."""
        starts = list(accumulate(map(len, self._body), initial=0))
        number, within = self._buffer_of(part, starts), self._buffer_of(whole, starts)
        if number is None or within is None:
            return
        start = self._buffers[number][0]
        end = min([at for at, _ in self._buffers if at > start], default=self._body_bytes)
        shift = part.address - whole.address
        self._body[starts.index(self._buffers[number - OFFSETS_BEFORE][0])] = OFFSETS.pack(shift, shift + part.size)
        del self._body[starts.index(start) : starts.index(end)]
        self._buffers[number] = self._buffers[within]
        self._buffers = [(at - (end - start) if at > start else at, size) for at, size in self._buffers]
        self._body_bytes -= end - start
        PAIR.pack_into(self._batch_header, self._nodes_at + PAIR.size * part.node, whole.size, 0)

    def pieces(self) -> list[bytes | pa.Buffer]:
        """What is left of it."""
        for number, buffer in enumerate(self._buffers):
            PAIR.pack_into(self._batch_header, self._buffers_at + PAIR.size * number, *buffer)
        LENGTH.pack_into(self._batch_header, self._body_bytes_at, self._body_bytes)
        return [bytes(self._headers), *self._body]

    def _buffer_of(self, blob: _Blob, starts: Sequence[int]) -> int | None:
        """Number of the first buffer that is written from there; pyarrow may take some bytes more, up to a round number."""
        for start, piece in zip(starts, self._body, strict=False):
            if isinstance(piece, pa.Buffer) and piece.address == blob.address and len(piece) >= blob.size:
                return self._buffers.index((start, len(piece)))
        return None
