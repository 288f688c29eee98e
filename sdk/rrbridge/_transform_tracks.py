"""What one entity says about one child frame over time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rrbridge._store import ChunkStore
from rrbridge._store_index import ALWAYS, NEVER, tuid_order
from rrbridge._timeline import STATIC_TIME, TimeColumn
from rrbridge._transform_table import Growing, TransformTable

__all__ = ["Found", "Track"]

Indices = npt.NDArray[np.int64]


class Found(NamedTuple):
    """A row of the transform table, good for all times in `[since, until)`."""

    row: int
    """-1 = there is none, or it was cleared."""
    since: int
    until: int
    next_row: int
    """The row at `until`; -1 if there is none, or a clear."""


class _Part(NamedTuple):
    """Rows of one chunk."""

    times: Mapping[str, TimeColumn]
    chunk_rows: Indices
    rows: Indices
    """Their numbers in the transform table."""


@dataclass(slots=True, eq=False)
class _Events:
    """The rows of a track on one timeline, in order of (time, row id)."""

    times: Growing = field(default_factory=lambda: Growing(np.int64))
    rows: Growing = field(default_factory=lambda: Growing(np.int64))
    parts_seen: int = 0
    clears_seen: int = 0
    view: memoryview = field(default_factory=lambda: np.empty(0, np.int64).data)
    found: Found | None = None


class Track:
    """The edges that one entity gives one child frame: an edge is keyed by both (DESIGN §7.7).

    Static rows shadow the others, as everywhere in a store; the greatest row id is the one that counts.
    """

    __slots__ = ("_events", "_parts", "_static", "_static_row_id", "entity")

    def __init__(self, entity: str) -> None:
        self.entity = entity
        self._parts: list[_Part] = []
        self._events: dict[str, _Events] = {}
        self._static = -1
        self._static_row_id = b""

    def insert(
        self, times: Mapping[str, TimeColumn], chunk_rows: Indices, rows: Indices, table: TransformTable
    ) -> None:
        """Take rows of a chunk: where they stand in it, and in the table. Without times they are static."""
        if times:
            self._parts.append(_Part(times, chunk_rows, rows))
            return
        ids = table.row_ids(rows)
        last = int(tuid_order(ids)[-1])
        row_id = ids[last].tobytes()
        if row_id > self._static_row_id:
            self._static, self._static_row_id = int(rows[last]), row_id
            for events in self._events.values():
                events.found = None

    def timelines(self) -> set[str]:
        """The timelines that it has rows on."""
        return {name for part in self._parts for name in part.times}

    def is_static(self, store: ChunkStore, timeline: str) -> bool:
        """Whether a static row is in force."""
        if self._static < 0:
            return False
        return not store.clear_revision or self._static_row_id > store.clears(self.entity, timeline).static_row_id

    def at(self, store: ChunkStore, table: TransformTable, timeline: str, time: int) -> Found:
        """The row in force at a time."""
        events = self._events_on(store, table, timeline)
        found = events.found
        if found is None or not found.since <= time < found.until:
            if found is None and self.is_static(store, timeline):
                found = Found(self._static, ALWAYS, NEVER, -1)
            else:
                found = self._find(events, time)
            events.found = found
        return found

    @property
    def is_latched(self) -> bool:
        """Whether its rows hold until the next one comes, however late: `/tf_static`, as the reference converts it."""
        return self.entity.rpartition("/")[2] == "tf_static"

    @property
    def version(self) -> tuple[int, int]:
        """What was worked out from it is good while this stays."""
        return len(self._parts), self._static

    def static_row(self, store: ChunkStore, timeline: str) -> int:
        """The static row in force; -1 if there is none."""
        return self._static if self.is_static(store, timeline) else -1

    def steps(self, store: ChunkStore, table: TransformTable, timeline: str) -> tuple[Indices, Indices]:
        """When another row comes into force, rising, and which: -1 = none, a clear. Static rows are not looked at."""
        events = self._events_on(store, table, timeline)
        times, rows = events.times.array, events.rows.array
        last = np.append(times[1:] > times[:-1], True)[: len(times)]  # of equal times the last one counts
        return (times, rows) if last.all() else (times[last], rows[last])

    def logged(self, store: ChunkStore, table: TransformTable, timeline: str) -> tuple[Indices, Indices]:
        """The times of all rows on a timeline, rising, and the rows; shadowed and cleared ones too."""
        events = self._events_on(store, table, timeline)
        known = events.rows.array >= 0
        return events.times.array[known], events.rows.array[known]

    def _events_on(self, store: ChunkStore, table: TransformTable, timeline: str) -> _Events:
        events = self._events.get(timeline)
        if events is None:
            events = self._events[timeline] = _Events()
        if events.parts_seen != len(self._parts) or events.clears_seen != store.clear_revision:
            self._settle(events, store, table, timeline)
        return events

    def _find(self, events: _Events, time: int) -> Found:
        count = len(events.times)
        position = bisect_right(events.view, time, 0, count) - 1
        last = position + 1 == count
        until = NEVER if last else events.view[position + 1]
        next_row = -1 if last else int(events.rows.array[bisect_right(events.view, until, position + 1, count) - 1])
        if position < 0:
            return Found(-1, ALWAYS, until, next_row)
        row = int(events.rows.array[position])
        return Found(row, events.view[position], until, next_row)

    def _settle(self, events: _Events, store: ChunkStore, table: TransformTable, timeline: str) -> None:
        fresh = [part for part in self._parts[events.parts_seen :] if timeline in part.times]
        times = np.concatenate([np.empty(0, np.int64), *(p.times[timeline].values[p.chunk_rows] for p in fresh)])
        rows = np.concatenate([np.empty(0, np.int64), *(p.rows for p in fresh)])
        wanted = times > STATIC_TIME
        times, rows = times[wanted], rows[wanted]
        before = events.times.array[-1:]
        in_order = bool(np.all(np.diff(np.concatenate([before, times])) > 0))
        clears = store.clears(self.entity, timeline)
        if len(clears.times) or not in_order:
            known = events.rows.array >= 0
            times = np.concatenate([events.times.array[known], times, clears.times])
            rows = np.concatenate([events.rows.array[known], rows])
            ids = np.concatenate([table.row_ids(rows), clears.row_ids])
            rows = np.concatenate([rows, np.full(len(clears.times), -1)])
            order = np.lexsort((rows < 0, ids[:, 1], ids[:, 0], times))
            times, rows = times[order], rows[order]
            events.times, events.rows = Growing(np.int64), Growing(np.int64)
        events.times.extend(times)
        events.rows.extend(rows)
        events.view = events.times.array.data
        events.parts_seen = len(self._parts)
        events.clears_seen = store.clear_revision
        events.found = None
