"""Dropping the oldest data of a store, so that what is left still answers for the latest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from rrbridge._arrow import first_values
from rrbridge._compaction import Targets, merged, taken
from rrbridge._store_clears import CLEAR
from rrbridge._store_entity import Entity, widen
from rrbridge._store_index import Indices
from rrbridge._store_runs import Group, Run

__all__ = ["Dropped", "drop_oldest"]

_CHILD_FRAME = "Transform3D:child_frame"
_ALL = Targets(max_bytes=2**62, max_rows=2**62, max_rows_if_unsorted=2**62)


@dataclass(frozen=True, slots=True)
class Dropped:
    """What a store let go of, of one entity."""

    entity: str
    rows: int
    nbytes: int
    time_ranges: Mapping[str, tuple[int, int]]
    """First and last time among the rows, by timeline. After the last, all is as it would be with them."""

    def __or__(self, other: Dropped) -> Dropped:
        """Both."""
        ranges = dict(self.time_ranges)
        widen(ranges, other.time_ranges)
        return Dropped(self.entity, self.rows + other.rows, self.nbytes + other.nbytes, ranges)


def drop_oldest(entities: Iterable[Entity], nbytes: int) -> list[Dropped]:
    """Let go of chunks, oldest first, until that many bytes are free, as far as there are any.

    Of each entity the last row of every component stays, on each timeline, as do static data and clears. Of transforms it
    is the last row of every child frame, for each is an edge of its own.
    """
    candidates = [
        (run, group, entity)
        for entity in entities
        for group in entity.groups.values()
        if CLEAR not in group.layout.components
        for run in group.runs
        if not run.is_rest
    ]
    candidates.sort(key=lambda candidate: candidate[0].age)
    victims: dict[int, tuple[Entity, Group, list[Run]]] = {}
    for run, group, entity in candidates:
        if nbytes <= 0:
            break
        if not group.layout.kinds and len(_rows_to_keep(entity, group, run)) == run.chunk.num_rows:
            continue
        victims.setdefault(id(group), (entity, group, []))[2].append(run)
        nbytes -= run.held
    return [_drop(*victim) for victim in victims.values()]


def _drop(entity: Entity, group: Group, runs: list[Run]) -> Dropped:
    before = group.held
    ranges: dict[str, tuple[int, int]] = {}
    for run in runs:
        widen(ranges, run.time_ranges)
    rests = [run for run in group.runs if run.is_rest] if group.layout.kinds else []
    rows = sum(run.chunk.num_rows for run in runs + rests)
    kept = [taken(run.chunk, group.layout, _rows_to_keep(entity, group, run)) for run in rests + runs]
    kept = merged([chunk for chunk in kept if chunk.num_rows], group.layout, _ALL)
    fresh = [Run(chunk, chunk.nbytes, runs[0].age, is_rest=bool(group.layout.kinds)) for chunk in kept]
    if len(fresh) == 1 and group.layout.kinds:
        last = taken(kept[0], group.layout, _rows_to_keep(entity, group, fresh[0]))
        fresh = [Run(last, last.nbytes, runs[0].age, is_rest=True)]
    group.replace({id(run) for run in runs + rests}, fresh)
    entity.revision += 1
    rows -= sum(run.chunk.num_rows for run in fresh)
    return Dropped(entity.path, rows, before - group.held, ranges)


def _rows_to_keep(entity: Entity, group: Group, run: Run) -> Indices:
    """The rows that the latest cells stand in, rising."""
    if not group.layout.kinds:
        cells = [run.static(component) for component in group.layout.components]
        return np.unique([c.row for c in cells if c is not None and entity.statics[c.component] == c]).astype(np.int64)
    rows: set[int] = set()
    for timeline in group.layout.kinds:
        for component in group.layout.components:
            span = run.span(timeline, component)
            if span is not None:
                rows.add(span.row_at(len(span) - 1))
        rows.update(_last_of_each_frame(run, timeline).tolist())
    return np.array(sorted(rows), np.int64)


def _last_of_each_frame(run: Run, timeline: str) -> Indices:
    span = run.span(timeline, _CHILD_FRAME)
    if span is None:
        return np.empty(0, np.int64)
    has, names = first_values(span.lists(slice(0, len(span))))
    codes = np.full(len(span), -1)
    codes[has] = names.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    _, last = np.unique(codes[::-1], return_index=True)
    positions: Indices = len(codes) - 1 - last
    return positions if span.rows is None else span.rows[positions]
