"""Cutting what is read into batches: one connection each, bounded in rows and bytes, with bounded memory in all.

Readers hand over messages of many connections that share one buffer of some MiB. A busy connection's messages leave at
once as views of that buffer. A quiet one's few are copied out and kept until there are enough of them, so that a topic with
one message a second neither makes tiny batches nor keeps every buffer alive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from rrbridge_bridge.raw import Bytes, Connection, Int64s, RawBatch, UInt32s
from rrbridge_bridge.readers._reader import ReadOptions

__all__ = ["Blocks", "Rows"]

WAITING_BYTES = 4 << 20
"""Messages of one connection wait for more only up to here: there may be many connections."""
PENDING_BYTES = 64 << 20
"""All connections' waiting bytes together; above it everything leaves."""


@dataclass(frozen=True, eq=False, slots=True)
class Rows:
    """N messages of any connections, in file order, over one buffer."""

    buffer: Bytes
    connection_ids: npt.NDArray[np.int64]
    starts: Int64s
    sizes: Int64s
    log_time_nanos: Int64s
    publish_time_nanos: Int64s
    sequence: UInt32s
    order: Int64s

    def __len__(self) -> int:
        return len(self.starts)

    def batch(self, connection: Connection, rows: npt.NDArray[np.int64] | slice) -> RawBatch:
        """Some rows as a batch of one connection."""
        return RawBatch(
            connection,
            self.buffer,
            self.starts[rows],
            self.sizes[rows],
            self.log_time_nanos[rows],
            self.publish_time_nanos[rows],
            self.sequence[rows],
            self.order[rows],
        )

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_] | slice) -> Rows:
        """The given rows (indices, a mask or a slice) over the same buffer."""
        return Rows(
            self.buffer,
            self.connection_ids[rows],
            self.starts[rows],
            self.sizes[rows],
            self.log_time_nanos[rows],
            self.publish_time_nanos[rows],
            self.sequence[rows],
            self.order[rows],
        )

    def chosen(self, connections: Mapping[int, Connection], options: ReadOptions) -> Rows:
        """Those whose topic and time the options ask for; also those of no known connection."""
        ids, inverse = np.unique(self.connection_ids, return_inverse=True)
        known = [connections.get(number) for number in ids.tolist()]
        wanted = np.array([c is None or options.wants(c.topic) for c in known], np.bool_)
        keep = wanted[inverse]
        if options.start_nanos is not None:
            keep &= self.log_time_nanos >= options.start_nanos
        if options.end_nanos is not None:
            keep &= self.log_time_nanos <= options.end_nanos
        return self if keep.all() else self.take(keep)


@dataclass(eq=False, slots=True)
class _Waiting:
    pieces: list[RawBatch] = field(default_factory=list)
    rows: int = 0
    payload_bytes: int = 0


class Blocks:
    """Collects rows and gives out batches. `connections` may grow while reading."""

    def __init__(self, connections: Mapping[int, Connection], options: ReadOptions) -> None:
        self._connections = connections
        self._options = options
        self._waiting: dict[int, _Waiting] = {}
        self._waiting_bytes = 0
        self._in_step: set[int] = set()
        self._step_is_full = False
        self.unknown = 0
        """Messages left out because no connection of their id is known."""

    def add(self, rows: Rows) -> Iterator[RawBatch]:
        """Take rows in; give out what is ready."""
        keep = self._in_time(rows)
        by_connection = np.argsort(rows.connection_ids, kind="stable")
        if keep is not None:
            by_connection = by_connection[keep[by_connection]]
        ids = rows.connection_ids[by_connection]
        cuts = np.flatnonzero(np.diff(ids)) + 1
        for index in np.split(by_connection, cuts):
            if not len(index):
                continue
            connection = self._connections.get(int(rows.connection_ids[index[0]]))
            if connection is None:
                self.unknown += len(index)
            elif self._options.wants(connection.topic):
                yield from self._take(rows.batch(connection, index))
        if self._waiting_bytes > PENDING_BYTES:
            yield from self.flush()
        elif self._step_is_full:
            yield from self._release_step()

    def flush(self) -> Iterator[RawBatch]:
        """Give out everything that waits."""
        for connection_id in [number for number in self._waiting if number not in self._in_step]:
            yield from self._release(connection_id)
        yield from self._release_step()

    def _release_step(self) -> Iterator[RawBatch]:
        """Give out what waits of the connections that are read in step."""
        self._step_is_full = False
        waiting = [number for number in self._waiting if number in self._in_step]
        for number in waiting:
            for batch in self._release(number):
                yield replace(batch, ends_step=True) if number == waiting[-1] else batch

    def _in_time(self, rows: Rows) -> npt.NDArray[np.bool_] | None:
        start, end = self._options.start_nanos, self._options.end_nanos
        if start is None and end is None:
            return None
        keep = np.ones(len(rows.starts), np.bool_)
        if start is not None:
            keep &= rows.log_time_nanos >= start
        if end is not None:
            keep &= rows.log_time_nanos <= end
        return keep

    def _take(self, batch: RawBatch) -> Iterator[RawBatch]:
        max_rows, max_bytes = self._options.max_rows, self._options.max_bytes
        most_waiting_bytes = min(max_bytes, WAITING_BYTES)
        in_step = self._options.in_step(batch.connection.topic, batch.connection.msgtype)
        if in_step:
            self._in_step.add(batch.connection.id)
        for piece in _cut(batch, max_rows, max_bytes):
            rows, payload_bytes = len(piece), piece.payload_bytes
            if in_step:
                held = self._wait(piece)
                self._step_is_full |= held.rows >= max_rows or held.payload_bytes >= most_waiting_bytes
                continue
            waiting = self._waiting.get(batch.connection.id)
            if waiting and (
                waiting.rows + rows > max_rows or waiting.payload_bytes + payload_bytes > most_waiting_bytes
            ):
                yield from self._release(batch.connection.id)
                waiting = None
            if waiting is None and (rows * 4 >= max_rows or payload_bytes * 8 >= most_waiting_bytes):
                yield piece
                continue
            self._wait(piece)

    def _wait(self, piece: RawBatch) -> _Waiting:
        waiting = self._waiting.setdefault(piece.connection.id, _Waiting())
        waiting.pieces.append(piece.compact())
        waiting.rows += len(piece)
        waiting.payload_bytes += piece.payload_bytes
        self._waiting_bytes += piece.payload_bytes
        return waiting

    def _release(self, connection_id: int) -> Iterator[RawBatch]:
        waiting = self._waiting.pop(connection_id)
        self._waiting_bytes -= waiting.payload_bytes
        yield RawBatch.joined(waiting.pieces)


def _cut(batch: RawBatch, max_rows: int, max_bytes: int) -> Iterator[RawBatch]:
    """Pieces of at most `max_rows` rows and `max_bytes` bytes (one larger message stands alone)."""
    n = len(batch)
    ends = np.cumsum(batch.sizes)
    if n <= max_rows and (not n or ends[-1] <= max_bytes):
        yield batch
        return
    row = 0
    while row < n:
        before = int(ends[row] - batch.sizes[row])
        stop = int(np.searchsorted(ends, before + max_bytes, side="right"))
        stop = max(row + 1, min(stop, row + max_rows))
        yield batch.take(np.arange(row, stop))
        row = stop
