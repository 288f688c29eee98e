"""From single rows to chunks: logging appends to lists, Arrow is built when a batch is flushed."""

from __future__ import annotations

import datetime as dt
import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from rrbridge._arrow import gathering, list_array
from rrbridge._batches import Layout, arrow_encoding
from rrbridge._chunk import Chunk, ComponentColumn
from rrbridge._clock import Timelines
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._row_groups import TIMES_WEIGHT
from rrbridge._timeline import TimeColumn
from rrbridge._tuid import TuidArray
from rrbridge.columns import Ragged, Text
from rrbridge.encodings import PARSE_ERRORS, Batch, Encoding
from rrbridge.errors import InvalidValueError, RrbridgeError

log = logging.getLogger(__name__)

__all__ = ["Batcher", "ChunkBatcherConfig"]

RECORD_BYTES = 12
"""What a small record takes: an image format."""
UNLIMITED = 2**64 - 1


class ChunkBatcherConfig:
    """When the rows of an entity become chunks, and what happens when they cannot be written fast enough.

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
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    """Each the two halves of its id, its times, its batches: one tuple, so that a row is never there in part."""

    def columns(self) -> tuple[Sequence[Sequence[int]], list[list[Batch | None]]]:
        """The stamps and the batches of all rows, column by column."""
        by_column: list[tuple[Any, ...]] = list(zip(*self.rows, strict=True))
        width = 2 + len(self.timelines.kinds)
        return by_column[:width], [list(batches) for batches in by_column[width:]]


@dataclass(slots=True)
class _Entity:
    """Rows of one entity."""

    path: str
    groups: dict[tuple[Timelines, Layout], _Rows] = field(default_factory=dict)
    size: int = 0

    def add(self, timelines: Timelines, layout: Layout, row: tuple[Any, ...], size: int) -> None:
        """Add a row of this size."""
        key = (timelines, layout)
        rows = self.groups.get(key)
        if rows is None:
            rows = self.groups[key] = _Rows(timelines, layout)
        rows.rows.append(row)
        self.size += size

    def chunks(self, max_rows_if_unsorted: int) -> list[Chunk]:
        """Groups of the same timelines and types go together; what a row lacks is null."""
        together: dict[tuple[Any, ...], list[list[_Rows]]] = {}
        for rows in self.groups.values():
            alike = together.setdefault((rows.timelines, rows.layout.types), [])
            fitting = next((groups for groups in alike if all(map(rows.layout.fits, [g.layout for g in groups]))), None)
            if fitting is None:
                alike.append([rows])
            else:
                fitting.append(rows)
        found: list[Chunk] = []
        for groups in (groups for alike in together.values() for groups in alike):
            try:
                found += _chunks(self.path, groups, max_rows_if_unsorted)
            except (RrbridgeError, *PARSE_ERRORS) as err:  # text that is no Unicode, say: it must not cost the others
                log.error("%s: rows were left out: %s", self.path, err)  # noqa: TRY400 - the sentence says it all
        return found


def _chunks(entity_path: str, groups: Sequence[_Rows], max_rows_if_unsorted: int) -> list[Chunk]:
    kinds = groups[0].timelines.kinds
    by_group = [group.columns() for group in groups]
    stamps = np.concatenate([_stamps(stamps) for stamps, _ in by_group], axis=1)
    columns = _columns([(group.layout, batches) for group, (_, batches) in zip(groups, by_group, strict=True)])
    if not np.all(stamps[1, 1:] > stamps[1, :-1]):  # ids are counted up, but threads may have overtaken each other
        order = np.lexsort((stamps[1], stamps[0]))
        stamps, places = stamps[:, order], order.tolist()
        columns = [(descriptor, encoding, [batches[i] for i in places]) for descriptor, encoding, batches in columns]
    ids: TuidArray = stamps[:2].T.astype(">u8", order="C")
    times = stamps[2:]
    found: list[Chunk] = []
    for lo, hi in pairwise(_cuts(times, max_rows_if_unsorted)):
        with gathering() as parts:
            chunk = Chunk.from_columns(
                entity_path,
                times=[TimeColumn.of(name, kind, times[i, lo:hi]) for i, (name, kind) in enumerate(kinds)],
                components=[c for d, e, batches in columns if (c := _column(d, e, batches[lo:hi])) is not None],
                row_ids=ids[lo:hi],
            )
        found.append(chunk.filled_later(parts))
    return found


def _stamps(columns: Sequence[Sequence[int]]) -> npt.NDArray[np.int64]:
    """Shape (columns, rows)."""
    return np.stack([np.fromiter(column, np.int64, len(column)) for column in columns])


def _cuts(times: npt.NDArray[np.int64], max_rows_if_unsorted: int) -> list[int]:
    """Where chunks begin, and the end. One that is out of order ends when it has as many rows as it may."""
    count = times.shape[1]
    descents = np.flatnonzero(np.any(times[:, 1:] < times[:, :-1], axis=0)) + 1
    cuts = [0]
    while (after := int(np.searchsorted(descents, cuts[-1], side="right"))) < len(descents):
        cut = max(cuts[-1] + max(max_rows_if_unsorted, 1), int(descents[after]) + 1)
        if cut >= count:
            break
        cuts.append(cut)
    return [*cuts, count]


_Column: TypeAlias = tuple[ComponentDescriptor, Encoding[Any], list[Batch | None]]


def _columns(groups: Sequence[tuple[Layout, list[list[Batch | None]]]]) -> list[_Column]:
    """Each component's batch of each row, in the order of the groups; None where a row lacks it."""
    if len(groups) == 1:
        layout, by_column = groups[0]
        return [(d, e, batches) for (d, e), batches in zip(layout.columns, by_column, strict=True)]
    count = sum(len(by_column[0]) for _, by_column in groups)
    found: dict[str, _Column] = {}
    start = 0
    for layout, by_column in groups:
        end = start + len(by_column[0])
        for (descriptor, encoding), batches in zip(layout.columns, by_column, strict=True):
            name, given = descriptor.component, batches
            column = found.setdefault(name, (descriptor, encoding, [None] * count))
            if column[1] is not encoding:  # a declared one, and Arrow arrays of the same type
                given = _as_arrow(encoding, given)
                column = found[name] = (column[0], arrow_encoding(encoding.arrow), _as_arrow(column[1], column[2]))
            column[2][start:end] = given
        start = end
    return list(found.values())


def _as_arrow(encoding: Encoding[Any], batches: Sequence[Batch | None]) -> list[Batch | None]:
    return [None if batch is None else encoding.to_arrow([batch]) for batch in batches]


def _column(
    descriptor: ComponentDescriptor, encoding: Encoding[Any], batches: Sequence[Batch | None]
) -> ComponentColumn | None:
    """A list per row, null where there is no batch; None if there is none at all."""
    given, valid = batches, None
    if any(batch is None for batch in batches):
        given = [batch for batch in batches if batch is not None]
        valid = np.array([batch is not None for batch in batches])
    if not given:
        return None
    offsets = np.zeros(len(batches) + 1, np.int64)
    np.cumsum([0 if batch is None else len(batch) for batch in batches], out=offsets[1:])
    return ComponentColumn(descriptor, list_array(offsets, encoding.to_arrow(given), valid=valid))


def _size(batch: Batch) -> int:
    """How many bytes a batch holds, in Arrow."""
    if isinstance(batch, np.ndarray):
        return batch.nbytes
    if isinstance(batch, tuple):
        return sum([len(item) + 4 if type(item) is str else getattr(item, "nbytes", RECORD_BYTES) for item in batch])
    if isinstance(batch, Ragged):
        return _size(batch.values) + 4 * len(batch)
    if isinstance(batch, Text):
        return int(batch.data.nbytes) + 4 * len(batch)
    return int(batch.nbytes)


_Row: TypeAlias = tuple[str, Timelines, Layout, tuple[Any, ...], int, bool]
"""Entity path, timelines, layout, stamps and batches, size, whether what came so far of the entity is due."""


@dataclass(slots=True)
class _Load:
    """What came of an entity since it was last due."""

    size: int = 0
    rows: int = 0


class Batcher:
    """Collects rows; safe from any thread, and from what runs in the middle of it: signal handlers, `__del__`.

    Adding holds no lock, which whoever interrupts it would wait for in vain: a row is there with one step that Python does
    not divide. `take` is for one thread at a time.
    """

    def __init__(self, config: ChunkBatcherConfig) -> None:
        self.config = config
        self._arrived: deque[_Row | Chunk] = deque()
        self._loads: dict[str, _Load] = {}
        self._entities: dict[str, _Entity] = {}
        """What arrived and is not yet due."""
        self._due: deque[_Entity | Chunk] = deque()
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
        size = layout.weight + TIMES_WEIGHT if timelines.kinds else layout.weight
        for batch in batches:
            size += batch.nbytes if type(batch) is np.ndarray else _size(batch)
        load = self._loads.get(entity_path)
        if load is None:
            load = self._loads[entity_path] = _Load()
        load.size += size
        load.rows += 1
        config = self.config
        is_due = load.size >= config.flush_num_bytes or load.rows >= config.flush_num_rows
        if is_due:
            load.size = load.rows = 0
        self._bytes += size
        self._arrived.append((entity_path, timelines, layout, stamps + batches, size, is_due))
        return is_due or self._bytes >= config.max_bytes_in_flight

    def add(self, chunk: Chunk) -> None:
        """Add a chunk as it is; it must not share memory that may yet change."""
        self._bytes += chunk.nbytes
        self._arrived.append(chunk)

    def take(self, *, everything: bool = True) -> Iterator[Chunk]:
        """What was collected so far, as chunks: everything, or what is due. What was not asked for yet stays for the next."""
        self._sort_in()
        if everything:
            self._loads = {}
            self._due.extend(self._entities.values())
            self._entities = {}
        limit = self.config.chunk_max_rows_if_unsorted
        while self._due:
            first = self._due[0]
            size = first.nbytes if isinstance(first, Chunk) else first.size
            yield from [first] if isinstance(first, Chunk) else first.chunks(limit)
            if self._due and self._due[0] is first:  # else a signal handler has flushed meanwhile
                self._due.popleft()
                self._bytes -= size

    def _sort_in(self) -> None:
        """Put what arrived where it belongs."""
        for _ in range(len(self._arrived)):
            if not self._arrived:  # a signal handler has flushed meanwhile
                break
            arrived = self._arrived.popleft()
            if isinstance(arrived, Chunk):
                self._due.append(arrived)
                continue
            path, timelines, layout, row, size, is_due = arrived
            entity = self._entities.get(path)
            if entity is None:
                entity = self._entities[path] = _Entity(path)
            entity.add(timelines, layout, row, size)
            if is_due:
                self._due.append(self._entities.pop(path))
