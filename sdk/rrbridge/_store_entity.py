"""What the store knows about one entity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from rrbridge._chunk import Chunk
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._store_index import ALWAYS, NEVER, Cells, Column, Latest, tuid_order
from rrbridge._timeline import STATIC_TIME

if TYPE_CHECKING:
    from rrbridge._store_range import Range

__all__ = ["Answer", "Entity"]

Times = npt.NDArray[np.int64]


class Answer(NamedTuple):
    """What latest-at said about one entity, good for all times in `[since, until)`."""

    found: Mapping[str, Latest]
    since: int
    until: int
    clears: int
    """How many chunks with clears the store held."""


@dataclass(slots=True, eq=False)
class Entity:
    """What the store knows about one entity."""

    path: str
    chunks: list[Chunk] = field(default_factory=list)
    components: dict[str, ComponentDescriptor] = field(default_factory=dict)
    statics: dict[str, Latest] = field(default_factory=dict)
    """The static cell of each component that has one."""
    columns: dict[str, dict[str, Column]] = field(default_factory=dict)
    """By timeline, then component."""
    time_ranges: dict[str, tuple[int, int]] = field(default_factory=dict)
    revision: int = 0
    answers: dict[tuple[str, tuple[str, ...] | None], Answer] = field(default_factory=dict)
    event_times: dict[str, Times] = field(default_factory=dict)
    ranges: dict[tuple[str, str, bool], dict[tuple[int, int, int], Range]] = field(default_factory=dict)
    """The last answers to range queries: by component, timeline and whether with clears, then by times and clears."""

    def insert(self, chunk: Chunk) -> None:
        """Take a chunk of this entity."""
        times = chunk.times
        for component, column in chunk.components.items():
            cells = Cells(chunk, component)
            self.components[component] = column.descriptor
            if chunk.is_static:
                self._insert_static(cells)
            for timeline in times:
                self.columns.setdefault(timeline, {}).setdefault(component, Column()).insert(cells, timeline)
        for timeline, column_times in times.items():
            self._widen(timeline, column_times.values[column_times.values > STATIC_TIME])
        self.chunks.append(chunk)
        self.revision += 1
        self.answers.clear()
        self.event_times.clear()
        self.ranges.clear()

    def _insert_static(self, cells: Cells) -> None:
        order = tuid_order(cells.chunk.row_ids)
        valid = cells.valid()
        if valid is not None:
            order = order[valid[order]]
        if not len(order):
            return
        latest = Latest(cells, int(order[-1]), None)
        shadowed = self.statics.get(cells.component)
        if shadowed is None or latest.row_id > shadowed.row_id:
            self.statics[cells.component] = latest

    def _widen(self, timeline: str, times: Times) -> None:
        if len(times):
            low, high = self.time_ranges.get(timeline, (NEVER, ALWAYS))
            self.time_ranges[timeline] = min(low, int(times.min())), max(high, int(times.max()))

    def times(self, timeline: str) -> Times:
        """The times of all its rows on a timeline, in order."""
        found = self.event_times.get(timeline)
        if found is None:
            columns = [chunk.times[timeline].values for chunk in self.chunks if timeline in chunk.times]
            merged = np.sort(np.concatenate(columns)) if columns else np.empty(0, np.int64)
            found = merged[np.searchsorted(merged, STATIC_TIME, "right") :]
            found.flags.writeable = False
            self.event_times[timeline] = found
        return found

    def latest(self, timeline: str, wanted: Iterable[str] | None, time: int) -> tuple[dict[str, Latest], int, int]:
        """`(cells, since, until)`: the latest cell of each component, clears left out of account."""
        found: dict[str, Latest] = {}
        since, until = ALWAYS, NEVER
        columns = self.columns.get(timeline, {})
        for name in self.components if wanted is None else wanted:
            static = self.statics.get(name)
            if static is not None:
                found[name] = static
                continue
            column = columns.get(name)
            if column is None:
                continue
            span, position, column_since, column_until = column.find(time)
            since, until = max(since, column_since), min(until, column_until)
            if span is not None:
                found[name] = span.latest_at(position)
        return found, since, until
