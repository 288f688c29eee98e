"""Message records in chunks, as bags and MCAP files have them: laid out for all messages at once, compressed on the side.

A record is a head of constant size, then the payload.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rrbridge_bridge.raw import Bytes, Int64s, rows_at
from rrbridge_bridge.readers._blocks import Rows

__all__ = ["Chunk", "ChunkPacker", "Parts", "records_of"]

Parts: TypeAlias = Sequence[bytes | memoryview]
"""Bytes that follow each other."""

WORKERS = 2
IN_FLIGHT = 6
"""Chunks that may wait for their compression."""
UNMOVED_BYTES = 1 << 14
"""Payloads from this mean size on are written from where they are."""


@dataclass(slots=True)
class Chunk:
    """Records that are compressed together, while it is filled."""

    parts: list[bytes | memoryview] = field(default_factory=list)
    size: int = 0
    """Bytes of all records."""
    ids: list[Int64s] = field(default_factory=list)
    times: list[Int64s] = field(default_factory=list)
    offsets: list[Int64s] = field(default_factory=list)

    def put(self, record: bytes) -> None:
        """Add a record that is no message."""
        self.parts.append(record)
        self.size += len(record)

    def add(self, rows: Rows, heads: npt.NDArray[np.void]) -> None:
        """Add messages with these heads."""
        lengths = rows.sizes + heads.dtype.itemsize
        ends = np.cumsum(lengths)
        self.parts += records_of(rows, heads)
        self.ids.append(rows.connection_ids)
        self.times.append(rows.log_time_nanos)
        self.offsets.append(ends - lengths + self.size)
        self.size += int(ends[-1])

    def span(self) -> tuple[int, int]:
        """First and last time; zeros without messages."""
        if not self.times:
            return 0, 0
        return min(int(t.min()) for t in self.times), max(int(t.max()) for t in self.times)

    def by_connection(self) -> Iterator[tuple[int, Int64s, Int64s]]:
        """`(connection, times, offsets in the chunk)` of its messages."""
        if not self.ids:
            return
        ids, times, offsets = (np.concatenate(arrays) for arrays in (self.ids, self.times, self.offsets))
        order = np.argsort(ids, kind="stable")
        cuts = np.flatnonzero(np.diff(ids[order])) + 1
        for rows in np.split(order, cuts):
            yield int(ids[rows[0]]), times[rows], offsets[rows]


@dataclass(frozen=True, slots=True)
class _Packed:
    chunk: Chunk
    packed: Future[tuple[Parts, int, str]]


class ChunkPacker:
    """Fills chunks with messages and hands them over, compressed, in their order."""

    def __init__(
        self,
        limit_bytes: int,
        pack: Callable[[Parts], tuple[Parts, int, str]],
        emit: Callable[[Chunk, Parts, int, str], None],
    ) -> None:
        """`pack` makes of a chunk's records the compressed ones, a checksum and how it did, in a thread; `emit` gets them."""
        self._limit = limit_bytes
        self._pack = pack
        self._emit = emit
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="pack")
        self._waiting: deque[_Packed] = deque()
        self.chunk = Chunk()
        """The one that is being filled."""

    def add(self, rows: Rows, heads: npt.NDArray[np.void]) -> None:
        """Add messages; chunks that become full leave."""
        ends = np.cumsum(rows.sizes + heads.dtype.itemsize)
        row, count = 0, len(rows)
        while row < count:
            before = int(ends[row - 1]) if row else 0
            stop = int(np.searchsorted(ends, before + self._limit - self.chunk.size, side="right"))
            if stop <= row:
                if self.chunk.size:
                    self.flush()
                    continue
                stop = row + 1  # a message that is larger than a chunk has one of its own
            self.chunk.add(rows.take(slice(row, stop)), heads[row:stop])
            row = stop

    def flush(self) -> None:
        """Let the chunk go as it is."""
        if not self.chunk.size:
            return
        chunk, self.chunk = self.chunk, Chunk()
        parts, chunk.parts = chunk.parts, []
        self._waiting.append(_Packed(chunk, self._pool.submit(self._pack, parts)))
        while len(self._waiting) > IN_FLIGHT:
            self._emit_oldest()

    def drain(self) -> None:
        """Let all chunks go, the one that is being filled too."""
        self.flush()
        while self._waiting:
            self._emit_oldest()

    def finish(self) -> None:
        """The same, for the last time."""
        self.drain()
        self.close()

    def close(self) -> None:
        """End the threads, whatever is still waiting."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _emit_oldest(self) -> None:
        oldest = self._waiting.popleft()
        self._emit(oldest.chunk, *oldest.packed.result())


def records_of(rows: Rows, heads: npt.NDArray[np.void]) -> list[bytes | memoryview]:
    """Head and payload of each message, end to end."""
    count, width = len(rows), heads.dtype.itemsize
    size = int(rows.sizes[0])
    if (rows.sizes == size).all() and size <= 4096:
        table: Bytes = np.empty((count, width + size), np.uint8)
        table[:, :width] = heads.view(np.uint8).reshape(count, width)
        if size:
            table[:, width:] = rows_at(rows.buffer, rows.starts, size)
        return [table.tobytes()]
    head_bytes, payloads = heads.tobytes(), rows.buffer.data
    parts: list[bytes | memoryview] = [b""] * (2 * count)
    parts[0::2] = [head_bytes[at : at + width] for at in range(0, count * width, width)]
    parts[1::2] = [payloads[a : a + n] for a, n in zip(rows.starts.tolist(), rows.sizes.tolist(), strict=True)]
    return parts if int(rows.sizes.sum()) >= UNMOVED_BYTES * count else [b"".join(parts)]
