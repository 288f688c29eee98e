"""From single rows to chunks: logging appends to lists, Arrow is built when a batch is flushed."""

from __future__ import annotations

import datetime as dt
import logging
import os
import threading
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import list_array
from rrbridge._batches import Layout
from rrbridge._chunk import Chunk, ComponentColumn
from rrbridge._clock import Timelines
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._timeline import TimeColumn
from rrbridge._tuid import TuidArray, tuids_to_arrow
from rrbridge.columns import Ragged, Text
from rrbridge.encodings import PARSE_ERRORS, Batch, Encoding
from rrbridge.errors import InvalidValueError, RrbridgeError

log = logging.getLogger(__name__)

__all__ = ["Batcher", "ChunkBatcherConfig"]

ROW_BYTES = 48
"""About what a row takes beside its values."""
LARGE_ROW_BYTES = 1 << 19
"""Rows from this size on become chunks of their own: putting them together would cost a copy and gain nothing."""
GATHERED_ROW_BYTES = 1 << 12
"""Components up to this size on average are put together all the same, and cut apart again without a copy."""
UNLIMITED = 2**64 - 1


class ChunkBatcherConfig:
    """When rows become chunks, and what happens when they cannot be written fast enough.

    What is not given comes from the environment (`RERUN_FLUSH_TICK_SECS`, `RERUN_FLUSH_NUM_BYTES`,
    `RERUN_FLUSH_NUM_ROWS`, `RERUN_CHUNK_MAX_ROWS_IF_UNSORTED`), else it is what suits files (FORMAT §7.3).
    """

    __slots__ = (
        "chunk_max_rows_if_unsorted", "flush_num_bytes", "flush_num_rows", "flush_tick", "flush_tick_secs",
        "max_bytes_in_flight", "when_full",
    )  # fmt: skip

    def __init__(
        self,
        flush_tick: float | dt.timedelta | None = None,
        flush_num_bytes: int | None = None,
        flush_num_rows: int | None = None,
        chunk_max_rows_if_unsorted: int | None = None,
        *,
        max_bytes_in_flight: int = 100 * 1024 * 1024,
        when_full: Literal["block", "drop"] = "block",
    ) -> None:
        """`flush_tick` (seconds), `flush_num_bytes`, `flush_num_rows`: rows are written when any of them is reached.

        `chunk_max_rows_if_unsorted`: most rows of a chunk whose times are not in order. `max_bytes_in_flight`: when this
        much waits to be written, logging waits (`when_full="block"`, for scripts), or what is logged is lost and counted
        in `RecordingStream.dropped_rows` (`"drop"`, for control loops).
        """
        given = flush_tick.total_seconds() if isinstance(flush_tick, dt.timedelta) else flush_tick
        self.flush_tick_secs: float = _setting("RERUN_FLUSH_TICK_SECS", given, 0.2, float)
        self.flush_num_bytes: int = _setting("RERUN_FLUSH_NUM_BYTES", flush_num_bytes, 2 * 1024 * 1024, int)
        self.flush_num_rows: int = _setting("RERUN_FLUSH_NUM_ROWS", flush_num_rows, UNLIMITED, int)
        self.chunk_max_rows_if_unsorted: int = _setting(
            "RERUN_CHUNK_MAX_ROWS_IF_UNSORTED", chunk_max_rows_if_unsorted, 8192, int
        )
        if not self.flush_tick_secs >= 0:
            raise InvalidValueError("flush_tick", "seconds from 0", repr(flush_tick))
        if when_full not in ("block", "drop"):
            raise InvalidValueError("when_full", "'block' or 'drop'", repr(when_full))
        self.flush_tick = dt.timedelta(seconds=min(self.flush_tick_secs, 86_400.0 * 365))
        self.max_bytes_in_flight = max_bytes_in_flight
        self.when_full = when_full

    def __repr__(self) -> str:
        return f"ChunkBatcherConfig({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"

    @staticmethod
    def DEFAULT() -> ChunkBatcherConfig:  # noqa: N802 - the reference's name
        """For files: every 200 ms or 2 MiB."""
        return ChunkBatcherConfig(0.2, 2 * 1024 * 1024, UNLIMITED, 8192)

    @staticmethod
    def LOW_LATENCY() -> ChunkBatcherConfig:  # noqa: N802 - the reference's name
        """For viewers: every 8 ms."""
        return ChunkBatcherConfig(0.008, 2 * 1024 * 1024, UNLIMITED, 8192)

    @staticmethod
    def NEVER() -> ChunkBatcherConfig:  # noqa: N802 - the reference's name
        """Only when told to flush."""
        return ChunkBatcherConfig(float("inf"), UNLIMITED, UNLIMITED, 256)

    @staticmethod
    def ALWAYS_TEST_ONLY() -> ChunkBatcherConfig:  # noqa: N802 - the reference's name
        """Every row by itself."""
        return ChunkBatcherConfig(float("inf"), 0, 0, 256)


N = TypeVar("N", int, float)


def _setting(variable: str, given: N | None, default: N, read: Callable[[str], N]) -> N:
    """A number as given, else from the environment, else the default."""
    if given is not None:
        return given
    text = os.environ.get(variable, "").strip()
    try:
        return read(text) if text else default
    except ValueError:
        log.warning("%s=%r is not a number; it is not used", variable, text)
        return default


@dataclass(slots=True)
class _Rows:
    """Rows of one entity that have the same timelines and components."""

    timelines: Timelines
    layout: Layout
    stamps: array[int] = field(default_factory=lambda: array("q"))
    """For each row the two halves of its id, then its times."""
    batches: list[tuple[Batch, ...]] = field(default_factory=list)

    def chunks(self, entity_path: str, max_rows_if_unsorted: int) -> list[Chunk]:
        stamps = np.frombuffer(self.stamps, np.int64).reshape(len(self.batches), -1)
        by_column = list(zip(*self.batches, strict=True))
        if not np.all(stamps[1:, 1] > stamps[:-1, 1]):  # ids are counted up, but threads may have overtaken each other
            order = np.lexsort((stamps[:, 1], stamps[:, 0]))
            stamps, places = stamps[order], order.tolist()
            by_column = [tuple(column[i] for i in places) for column in by_column]
        ids: TuidArray = stamps[:, :2].astype(">u8")
        times = stamps[:, 2:].T.copy()
        if sum(map(_size, self.batches[0])) >= LARGE_ROW_BYTES:
            return self._chunks_of_one_row(entity_path, ids, times, by_column)
        in_order = bool(np.all(times[:, 1:] >= times[:, :-1]))
        step = len(ids) if in_order else max(max_rows_if_unsorted, 1)
        return [
            self._chunk(
                entity_path, ids[lo : lo + step], times[:, lo : lo + step], [c[lo : lo + step] for c in by_column]
            )
            for lo in range(0, len(ids), step)
        ]

    def _chunks_of_one_row(
        self, entity_path: str, ids: TuidArray, times: npt.NDArray[np.int64], by_column: Sequence[Sequence[Batch]]
    ) -> list[Chunk]:
        """The first row makes the schema, which takes longer than all else, and the others are like it."""
        first = self._chunk(entity_path, ids[:1], times[:, :1], [column[:1] for column in by_column])
        columns = [_row_by_row(tuids_to_arrow(ids))]
        for i, (name, kind) in enumerate(self.timelines.kinds):
            columns.append(_row_by_row(TimeColumn.of(name, kind, times[i]).to_arrow()))
        components = zip(self.layout.columns, by_column, strict=True)
        for (_, encoding), batches in sorted(components, key=lambda component: component[0][0].component):
            if sum(map(_size, batches)) >= len(ids) * GATHERED_ROW_BYTES:
                columns.append(map(partial(_cells, encoding), zip(batches)))
            else:
                columns.append(_row_by_row(_cells(encoding, batches)))
        rows = zip(*columns, strict=True)
        next(rows)
        return [first, *map(first.alike, map(list, rows))]

    def _chunk(
        self, entity_path: str, ids: TuidArray, times: npt.NDArray[np.int64], batches: Sequence[Sequence[Batch]]
    ) -> Chunk:
        return Chunk.from_columns(
            entity_path,
            times=[TimeColumn.of(name, kind, times[i]) for i, (name, kind) in enumerate(self.timelines.kinds)],
            components=[
                _column(descriptor, encoding, column)
                for (descriptor, encoding), column in zip(self.layout.columns, batches, strict=True)
            ],
            row_ids=ids,
        )


def _column(descriptor: ComponentDescriptor, encoding: Encoding[Any], batches: Sequence[Batch]) -> ComponentColumn:
    return ComponentColumn(descriptor, _cells(encoding, batches))


def _row_by_row(column: pa.Array) -> Iterator[pa.Array]:
    return (column.slice(row, 1) for row in range(len(column)))


def _cells(encoding: Encoding[Any], batches: Sequence[Batch]) -> pa.ListArray:
    offsets = np.zeros(len(batches) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, batches), np.int64, len(batches)), out=offsets[1:])
    return list_array(offsets, encoding.to_arrow(batches))


def _size(batch: Batch) -> int:
    """About how many bytes a batch holds."""
    if isinstance(batch, tuple):
        return sum([len(item) if type(item) is str else 64 for item in batch])
    if isinstance(batch, Ragged):
        return _size(batch.values) + batch.offsets.nbytes
    if isinstance(batch, Text):
        return int(batch.data.nbytes)
    return int(batch.nbytes)


class Batcher:
    """Collects rows; safe from any thread."""

    def __init__(self, config: ChunkBatcherConfig) -> None:
        self.config = config
        self._lock = threading.Lock()
        self._groups: dict[tuple[str, Timelines, Layout], _Rows] = {}
        self._chunks: list[Chunk] = []
        self._rows = 0
        self._bytes = 0

    @property
    def pending_bytes(self) -> int:
        """About how much waits to be flushed."""
        return self._bytes

    def append(
        self,
        entity_path: str,
        timelines: Timelines,
        stamps: tuple[int, ...],
        layout: Layout,
        batches: tuple[Batch, ...],
    ) -> bool:
        """Add a row; True when a flush is due at once. `stamps`: the two halves of its id, then its times."""
        size = ROW_BYTES
        for batch in batches:
            size += batch.nbytes if type(batch) is np.ndarray else _size(batch)
        key = (entity_path, timelines, layout)
        with self._lock:
            rows = self._groups.get(key)
            if rows is None:
                rows = self._groups[key] = _Rows(timelines, layout)
            rows.stamps.extend(stamps)
            rows.batches.append(batches)
            self._rows += 1
            self._bytes += size
            return self._bytes >= self.config.flush_num_bytes or self._rows >= self.config.flush_num_rows

    def add(self, chunk: Chunk) -> None:
        """Add a chunk as it is; it must not share memory that may yet change."""
        with self._lock:
            self._chunks.append(chunk)
            self._bytes += chunk.nbytes

    def take(self) -> list[Chunk]:
        """Everything collected so far, as chunks."""
        with self._lock:
            groups, self._groups, self._rows, self._bytes = self._groups, {}, 0, 0
            chunks, self._chunks = self._chunks, []
        limit = self.config.chunk_max_rows_if_unsorted
        for (entity_path, _, _), rows in groups.items():
            try:
                chunks += rows.chunks(entity_path, limit)
            except (RrbridgeError, *PARSE_ERRORS) as err:  # text that is no Unicode, say: it must not cost the others
                log.error("%s: rows were left out: %s", entity_path, err)  # noqa: TRY400 - the sentence says it all
        return chunks
