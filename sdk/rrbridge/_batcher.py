"""From single rows to chunks: logging appends to lists, Arrow is built when a batch is flushed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from rrbridge._arrow import list_array
from rrbridge._batches import DescribedComponentBatch
from rrbridge._chunk import Chunk, ComponentColumn
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge._tuid import TuidArray
from rrbridge.columns import Ragged, Text
from rrbridge.encodings import Batch

__all__ = ["Batcher", "ChunkBatcherConfig", "Times"]

Times: TypeAlias = tuple[tuple[str, TimeKind, int], ...]
"""Where a row is in time: (timeline, kind, sequence number or nanoseconds), by timeline name."""


@dataclass(frozen=True, slots=True)
class ChunkBatcherConfig:
    """When rows become chunks. Defaults: those for files (FORMAT §7.3)."""

    flush_tick: float = 0.2
    """Seconds after which rows are written at the latest."""
    flush_num_bytes: int = 2 * 1024 * 1024
    """Bytes at which they are written at once."""
    flush_num_rows: int = 2**63 - 1
    """Rows at which they are written at once."""
    chunk_max_rows_if_unsorted: int = 8192
    """Most rows of a chunk whose times are not in order."""
    max_bytes_in_flight: int = 100 * 1024 * 1024
    """Bytes waiting to be written at which logging waits."""


@dataclass(slots=True)
class _Rows:
    """Rows of one entity that have the same timelines and components."""

    timelines: tuple[tuple[str, TimeKind], ...]
    fields: tuple[DescribedComponentBatch, ...]
    """The batches of the first row: they say what the columns are."""
    row_ids: list[tuple[int, int]] = field(default_factory=list)
    times: list[tuple[int, ...]] = field(default_factory=list)
    batches: list[tuple[Batch, ...]] = field(default_factory=list)

    def chunks(self, entity_path: str, max_rows_if_unsorted: int) -> list[Chunk]:
        ids: TuidArray = np.array(self.row_ids, ">u8").reshape(-1, 2)
        order = np.lexsort((ids[:, 1], ids[:, 0]))
        times = np.array(self.times, np.int64).reshape(len(ids), len(self.timelines))[order]
        by_column = list(zip(*(self.batches[i] for i in order.tolist()), strict=True))
        in_order = bool(np.all(times[1:] >= times[:-1]))
        step = len(ids) if in_order else max(max_rows_if_unsorted, 1)
        return [
            self._chunk(
                entity_path, ids[order][lo : lo + step], times[lo : lo + step], [c[lo : lo + step] for c in by_column]
            )
            for lo in range(0, len(ids), step)
        ]

    def _chunk(
        self, entity_path: str, ids: TuidArray, times: np.ndarray[Any, Any], batches: Sequence[Sequence[Batch]]
    ) -> Chunk:
        return Chunk.from_columns(
            entity_path,
            times=[TimeColumn.of(name, kind, times[:, i]) for i, (name, kind) in enumerate(self.timelines)],
            components=[_column(f, column) for f, column in zip(self.fields, batches, strict=True)],
            row_ids=ids,
        )


def _column(first: DescribedComponentBatch, batches: Sequence[Batch]) -> ComponentColumn:
    offsets = np.zeros(len(batches) + 1, np.int64)
    np.cumsum([len(b) for b in batches], out=offsets[1:])
    return ComponentColumn(first.descriptor, list_array(offsets, first.encoding.to_arrow(batches)))


def _size(batch: Batch) -> int:
    """About how many bytes a batch holds."""
    if isinstance(batch, Ragged):
        return _size(batch.values) + batch.offsets.nbytes
    if isinstance(batch, Text):
        return int(batch.data.nbytes)
    if isinstance(batch, tuple):
        return sum(len(item) if isinstance(item, str) else 64 for item in batch)
    return int(batch.nbytes)


class Batcher:
    """Collects rows; safe from any thread."""

    def __init__(self, config: ChunkBatcherConfig) -> None:
        self.config = config
        self._lock = threading.Lock()
        self._entities: dict[str, dict[tuple[Any, ...], _Rows]] = {}
        self._rows = 0
        self._bytes = 0

    @property
    def pending_bytes(self) -> int:
        """About how much waits to be flushed."""
        return self._bytes

    def append(
        self, entity_path: str, row_id: tuple[int, int], times: Times, batches: Sequence[DescribedComponentBatch]
    ) -> bool:
        """Add a row; True when a flush is due at once."""
        timelines = tuple((name, kind) for name, kind, _ in times)
        key = (timelines, tuple([(b.descriptor, id(b.encoding)) for b in batches]))
        values = tuple(b.batch for b in batches)
        size = 48 + sum(map(_size, values))
        with self._lock:
            groups = self._entities.setdefault(entity_path, {})
            rows = groups.get(key)
            if rows is None:
                rows = groups[key] = _Rows(timelines, tuple(batches))
            rows.row_ids.append(row_id)
            rows.times.append(tuple(t for _, _, t in times))
            rows.batches.append(values)
            self._rows += 1
            self._bytes += size
            return self._bytes >= self.config.flush_num_bytes or self._rows >= self.config.flush_num_rows

    def take(self) -> list[Chunk]:
        """Everything collected so far, as chunks."""
        with self._lock:
            entities, self._entities, self._rows, self._bytes = self._entities, {}, 0, 0
        limit = self.config.chunk_max_rows_if_unsorted
        return [
            chunk
            for entity_path, groups in entities.items()
            for rows in groups.values()
            for chunk in rows.chunks(entity_path, limit)
        ]
