"""Simulated time beside that of the wall: what `/clock` had said last when a message arrived."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.chunk import Chunk
from rrbridge_bridge.live.source import Received
from rrbridge_bridge.raw import Connection, Int64s, RawBatch, structs_at
from rrbridge_bridge.record.rrd_output import ChunkMaker

__all__ = ["CLOCK_TOPIC", "SIM_TIME", "SimClock", "SimTimeMaker"]

CLOCK_TOPIC = "/clock"
CLOCK_TYPE = "rosgraph_msgs/msg/Clock"
SIM_TIME = "sim_time"
KEPT = 100_000
"""Readings; at 1000 a second for longer than messages may wait to be written."""
STAMP = {
    "cdr": (4, np.dtype([("secs", "<i4"), ("nanos", "<u4")]), np.dtype([("secs", ">i4"), ("nanos", ">u4")])),
    "ros1": (0, np.dtype([("secs", "<u4"), ("nanos", "<u4")]), None),
}
"""By encoding: where the stamp begins, and what it looks like; in CDR it may be big-endian."""


class SimClock:
    """Readings of `/clock`, by the time they arrived. One thread hears, another asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._arrived = np.zeros(0, np.int64)
        self._read = np.zeros(0, np.int64)

    def hear(self, received: Received) -> None:
        """Take readings from messages of `/clock`; what is none is passed over."""
        batch = received.batch
        if batch.connection.msgtype != CLOCK_TYPE or batch.connection.encoding not in STAMP or not len(batch):
            return
        at, little, big = STAMP[batch.connection.encoding]
        whole = batch.sizes >= at + little.itemsize
        if not whole.all():
            batch = batch.take(whole)
        if not len(batch):
            return
        is_big = big is not None and batch.buffer[batch.starts[0] + 1] in (0, 2)
        stamps = structs_at(batch.buffer, batch.starts + at, big if is_big and big is not None else little)
        read = stamps["secs"].astype(np.int64) * 1_000_000_000 + stamps["nanos"].astype(np.int64)
        with self._lock:
            arrived = np.concatenate((self._arrived, batch.log_time_nanos))[-KEPT:]
            self._arrived = np.maximum.accumulate(arrived)  # a wall clock may be set back
            self._read = np.concatenate((self._read, read))[-KEPT:]

    @property
    def is_running(self) -> bool:
        """Whether it has said anything yet."""
        return len(self._read) > 0

    def at(self, log_time_nanos: Int64s) -> tuple[Int64s, npt.NDArray[np.bool_]]:
        """What it had said last when messages arrived, and of which of them that is known. It must be running."""
        with self._lock:
            arrived, read = self._arrived, self._read
        index = np.searchsorted(arrived, log_time_nanos, side="right") - 1
        known = index >= 0
        return read[np.where(known, index, 0)], known


class SimTimeMaker:
    """Makes chunks as another does, and puts simulated time to their rows."""

    def __init__(self, inner: ChunkMaker, clock: SimClock) -> None:
        self._inner = inner
        self._clock = clock

    def announce(self, connection: Connection) -> Iterable[Chunk]:
        """Static data about a connection."""
        return self._inner.announce(connection)

    def bytes_only(self, batch: RawBatch) -> Iterable[Chunk]:
        """The messages' bytes."""
        return self._timed(self._inner.bytes_only(batch))

    def convert(self, batch: RawBatch, *, repeated: bool = False) -> Iterable[Chunk]:
        """The messages as they are to be recorded."""
        return self._timed(self._inner.convert(batch, repeated=repeated))

    def settle(self, *, is_end: bool = False) -> Iterable[Chunk]:
        """What had to wait."""
        return self._timed(self._inner.settle(is_end=is_end))

    def notes(self) -> Iterable[tuple[str, str]]:
        """Topics and sentences."""
        return self._inner.notes()

    def undecoded(self) -> Mapping[tuple[str, str], tuple[int, str]]:
        """Messages that could be kept only as bytes."""
        return self._inner.undecoded()

    def _timed(self, chunks: Iterable[Chunk]) -> Iterable[Chunk]:
        for chunk in chunks:
            yield from self._parts(chunk)

    def _parts(self, chunk: Chunk) -> Iterable[Chunk]:
        """The chunk with simulated time; rows from before it was known stay without, in a chunk of their own."""
        logged = chunk.times.get("message_log_time") if self._clock.is_running else None
        if logged is None or SIM_TIME in chunk.times or not len(chunk):
            yield chunk
            return
        times, known = self._clock.at(logged.values)
        if not known.any():
            yield chunk
            return
        if not known.all():
            yield chunk.take(np.flatnonzero(~known))
            chunk, times = chunk.take(np.flatnonzero(known)), times[known]
        yield Chunk.from_columns(
            chunk.entity_path,
            times=[*chunk.times.values(), TimeColumn.of(SIM_TIME, TimeKind.TIMESTAMP, times)],
            components=chunk.components.values(),
            row_ids=chunk.row_ids,
            chunk_id=chunk.tuid,
        )
