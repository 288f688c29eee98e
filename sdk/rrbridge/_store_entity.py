"""What the store knows about one entity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._compaction import Layout, Targets
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._store_index import ALWAYS, NEVER, Latest
from rrbridge._store_rows import ColdColumn, Column, MixedRows, Rows
from rrbridge._store_runs import Group, Run
from rrbridge._timeline import STATIC_TIME, TimeKind

if TYPE_CHECKING:
    from rrbridge._store_cold import ColdEntity
    from rrbridge._store_range import Range

__all__ = ["Answer", "Entity", "widen"]

Times = npt.NDArray[np.int64]


class Answer(NamedTuple):
    """What latest-at said about one entity, good for all times in `[since, until)`."""

    found: Mapping[str, Latest]
    since: int
    until: int
    clears: int
    """How many chunks with clears the store held."""


class _Followed:
    """Something that is kept up to date with the settled chunks of some groups."""

    def __init__(self) -> None:
        super().__init__()
        self.version = -1
        """The entity's revision that it was last brought up to."""
        self._seen: dict[int, tuple[int, int]] = {}

    def is_part_of(self, groups: list[Group]) -> bool:
        """Whether the groups still have all that was taken from them."""
        return all(self._seen.get(id(group), (group.generation, 0))[0] == group.generation for group in groups)

    def fresh(self, groups: list[Group]) -> list[Run]:
        """The settled chunks that were not taken yet; they are now."""
        found: list[Run] = []
        for group in groups:
            _, count = self._seen.get(id(group), (0, 0))
            found += group.settled[count:]
            self._seen[id(group)] = group.generation, len(group.settled)
        return found


class _EntityColumn(_Followed, Column):
    """All rows that set a component, on a timeline."""


class _Bounds(_Followed):
    """First and last time on each timeline."""

    def __init__(self) -> None:
        super().__init__()
        self.settled: dict[str, tuple[int, int]] = {}
        self.all: dict[str, tuple[int, int]] = {}


def widen(ranges: dict[str, tuple[int, int]], by: Mapping[str, tuple[int, int]]) -> None:
    """Let time ranges take in others."""
    for timeline, (low, high) in by.items():
        known = ranges.get(timeline, (low, high))
        ranges[timeline] = min(known[0], low), max(known[1], high)


class Entity:
    """What the store knows about one entity."""

    __slots__ = (
        "_bounds",
        "_cold",
        "_cold_columns",
        "_columns",
        "_statics",
        "_statics_version",
        "_times",
        "_version",
        "answers",
        "components",
        "groups",
        "path",
        "ranges",
        "revision",
    )

    def __init__(self, path: str, cold: ColdEntity | None = None) -> None:
        self.path = path
        self._cold = cold
        """What a file has of it."""
        self.groups: dict[int, Group] = {}
        """By the identity of their layout."""
        self.components: dict[str, ComponentDescriptor] = {}
        for name, descriptors in cold.descriptors.items() if cold is not None else ():
            self.components[name] = descriptors[-1]
        self._statics: dict[str, Latest] = {}
        self._statics_version = -1
        self.revision = len(cold) if cold is not None else 0
        """Grows with every chunk that came or went."""
        self.answers: dict[tuple[str, tuple[str, ...] | None], Answer] = {}
        self.ranges: dict[tuple[str, str, bool], dict[tuple[int, int, int], Range]] = {}
        """The last answers to range queries: by component, timeline and whether with clears, then by times and clears."""
        self._version = 0
        """The revision that everything but the chunks that wait is of."""
        self._columns: dict[tuple[str, str], _EntityColumn] = {}
        self._cold_columns: dict[tuple[str, str], ColdColumn | None] = {}
        self._bounds = _Bounds()
        self._times: dict[str, Times] = {}

    def group(self, layout: Layout, targets: Targets | None) -> Group:
        """Where chunks of a layout belong."""
        group = self.groups.get(id(layout))
        if group is None:
            group = self.groups[id(layout)] = Group(layout, targets)
            self.components.update(layout.descriptors)
        return group

    @property
    def is_settled(self) -> bool:
        """Whether all chunks are taken account of."""
        return self._version == self.revision

    def settle(self) -> None:
        """Take account of all chunks that came since the last time."""
        if self._version == self.revision:
            return
        for group in self.groups.values():
            if group.is_waiting:
                group.settle()
        self._version = self.revision
        self._times.clear()
        self.answers.clear()
        self.ranges.clear()

    @property
    def statics(self) -> dict[str, Latest]:
        """The static cell of each component that has one."""
        self.settle()
        if self._statics_version != self._version:
            self._statics = self._find_statics()
            self._statics_version = self._version
        return self._statics

    def _find_statics(self) -> dict[str, Latest]:
        found = dict(self._cold.statics) if self._cold is not None else {}
        for group in self.groups.values():
            if group.layout.kinds:
                continue
            for run in group.runs:
                for component in group.layout.components:
                    latest = run.static(component)
                    known = found.get(component)
                    if latest is not None and (known is None or latest.row_id > known.row_id):
                        found[component] = latest
        return found

    def runs(self) -> list[Run]:
        """All its chunks that came, those in a file left out."""
        self.settle()
        return [run for group in self.groups.values() for run in group.runs]

    def cold_runs(self) -> Iterator[Run]:
        """All its chunks in a file, one after the other."""
        return self._cold.runs() if self._cold is not None else iter(())

    @property
    def cold_chunks(self) -> Times:
        """Which chunks of a file are its."""
        return self._cold.indices if self._cold is not None else np.empty(0, np.int64)

    @property
    def num_chunks(self) -> int:
        """How many there are now, in memory or not."""
        return len(self.runs()) + (len(self._cold) if self._cold is not None else 0)

    @property
    def types(self) -> dict[str, pa.DataType]:
        """What the cells of each component are: lists of something; one of them where chunks differ."""
        cold = self._cold.types if self._cold is not None else {}
        return dict(cold) | {
            name: datatype for group in self.groups.values() for name, datatype in group.layout.types.items()
        }

    @property
    def nbytes(self) -> int:
        """Of its chunks in memory."""
        return sum(group.nbytes for group in self.groups.values())

    @property
    def held(self) -> int:
        """What its chunks that came take in memory, all in all."""
        return sum(group.held for group in self.groups.values())

    @property
    def time_ranges(self) -> dict[str, tuple[int, int]]:
        """First and last time on each timeline."""
        self.settle()
        bounds = self._bounds
        if bounds.version != self._version:
            groups = list(self.groups.values())
            if not bounds.is_part_of(groups):
                bounds = self._bounds = _Bounds()
            if self._cold is not None:
                widen(bounds.settled, self._cold.time_ranges)
            for run in bounds.fresh(groups):
                widen(bounds.settled, run.time_ranges)
            bounds.all = dict(bounds.settled)
            for group in groups:
                for run in group.unsettled:
                    widen(bounds.all, run.time_ranges)
            bounds.version = self._version
        return bounds.all

    def times(self, timeline: str) -> Times:
        """The times of all its rows on a timeline, in order."""
        self.settle()
        found = self._times.get(timeline)
        if found is None:
            columns = [r.chunk.times[timeline].values for r in self.runs() if timeline in r.chunk.times]
            cold = (run.chunk.times for run in self.cold_runs())
            columns += [times[timeline].values.copy() for times in cold if timeline in times]
            merged = np.sort(np.concatenate(columns)) if columns else np.empty(0, np.int64)
            found = merged[np.searchsorted(merged, STATIC_TIME, "right") :]
            found.flags.writeable = False
            self._times[timeline] = found
        return found

    def timeline_kinds(self) -> Iterable[tuple[str, TimeKind]]:
        """The timelines that its chunks are on; one more than once if its kinds differ."""
        for group in self.groups.values():
            yield from group.layout.kinds.items()

    def forget_answers(self) -> None:
        """Let go of what holds cells of chunks that were evicted."""
        self.answers.clear()
        self.ranges.clear()

    def column(self, timeline: str, component: str) -> Rows | None:
        """All rows that set a component, on a timeline; None if there are none."""
        resident = self._resident(timeline, component) if self.groups else None
        if self._cold is None:
            return resident
        key = (timeline, component)
        if key not in self._cold_columns:
            self._cold_columns[key] = self._cold.column(timeline, component)
        cold = self._cold_columns[key]
        return MixedRows(cold, resident) if cold is not None and resident is not None else cold or resident

    def _resident(self, timeline: str, component: str) -> Column | None:
        self.settle()
        column = self._columns.get((timeline, component))
        if column is not None and column.version == self._version:
            return column if column else None
        if component not in self.components:
            return None
        groups = [
            group
            for group in self.groups.values()
            if timeline in group.layout.kinds and component in group.layout.components
        ]
        if column is None or not column.is_part_of(groups):
            column = self._columns[timeline, component] = _EntityColumn()
        settled = column.fresh(groups)
        unsettled = [run for group in groups for run in group.unsettled]
        spans, passing = (
            [span for run in runs if (span := run.span(timeline, component)) is not None]
            for runs in (settled, unsettled)
        )
        column.update(spans, passing)
        column.version = self._version
        return column if column else None

    def latest(self, timeline: str, wanted: Iterable[str] | None, time: int) -> tuple[dict[str, Latest], int, int]:
        """`(cells, since, until)`: the latest cell of each component, clears left out of account."""
        self.settle()
        found: dict[str, Latest] = {}
        since, until = ALWAYS, NEVER
        statics = self.statics
        for name in self.components if wanted is None else wanted:
            static = statics.get(name)
            if static is not None:
                found[name] = static
                continue
            column = self.column(timeline, name)
            if column is None:
                continue
            span, position, column_since, column_until = column.find(time)
            since, until = max(since, column_since), min(until, column_until)
            if span is not None:
                found[name] = span.latest_at(position)
        return found, since, until
