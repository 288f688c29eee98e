"""Dropping the oldest data of a store, so that what is left still answers for the latest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rrbridge._arrow import as_numpy, first_values
from rrbridge._compaction import Targets, merged, taken
from rrbridge._store_clears import CLEAR
from rrbridge._store_entity import Entity, widen
from rrbridge._store_index import Indices, Span
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
        if not group.layout.kinds and len(_shown_rows(entity, group, run)) == run.chunk.num_rows:
            continue
        victims.setdefault(id(group), (entity, group, []))[2].append(run)
        nbytes -= run.held
    return [_drop(*victim) for victim in victims.values()]


def _drop(entity: Entity, group: Group, runs: list[Run]) -> Dropped:
    before = group.held
    is_temporal = bool(group.layout.kinds)
    ranges: dict[str, tuple[int, int]] = {}
    for run in runs:
        widen(ranges, run.time_ranges)
    gone = [run for run in group.runs if run.is_rest and is_temporal] + runs
    kept = _last_rows(gone) if is_temporal else [_shown_rows(entity, group, run) for run in gone]
    copies = [taken(run.chunk, group.layout, rows) for run, rows in zip(gone, kept, strict=True) if len(rows)]
    fresh = [Run(c, c.nbytes, runs[0].age, is_rest=is_temporal) for c in merged(copies, group.layout, _ALL)]
    group.replace({id(run) for run in gone}, fresh)
    entity.revision += 1
    rows = sum(run.chunk.num_rows for run in gone) - sum(run.chunk.num_rows for run in fresh)
    return Dropped(entity.path, rows, before - group.held, ranges)


def _shown_rows(entity: Entity, group: Group, run: Run) -> Indices:
    """The rows of a static chunk that an entity's cells stand in, rising."""
    cells = [run.static(component) for component in group.layout.components]
    return np.unique([c.row for c in cells if c is not None and entity.statics[c.component] == c]).astype(np.int64)


def _last_rows(runs: list[Run]) -> list[Indices]:
    """The rows of each chunk, rising, that are the last of something among all of them."""
    best: dict[tuple[str, str, str], tuple[int, bytes, int, int]] = {}
    for index, run in enumerate(runs):
        for timeline in run.chunk.times:
            for component in run.chunk.components:
                span = run.span(timeline, component)
                if span is None:
                    continue
                for name, position in _last_of_each(span, component):
                    last = span.time_at(position), span.row_id_at(position), index, span.row_at(position)
                    key = timeline, component, name
                    best[key] = max(best.get(key, last), last)
    return [
        np.array(sorted({row for _, _, of, row in best.values() if of == index}), np.int64)
        for index in range(len(runs))
    ]


def _last_of_each(span: Span, component: str) -> list[tuple[str, int]]:
    """The last entry of a span, and of child frames that of each by name."""
    found = [("", len(span) - 1)]
    lists = span.lists(slice(0, len(span))) if component == _CHILD_FRAME else None
    if lists is not None and pa.types.is_string(lists.type.value_type):
        has, names = first_values(lists)
        coded = names.dictionary_encode()
        codes = as_numpy(coded.indices, np.int32)
        known, last = np.unique(codes[::-1], return_index=True)
        positions = np.flatnonzero(has)[len(codes) - 1 - last].tolist()
        found += [(coded.dictionary[code].as_py(), at) for code, at in zip(known.tolist(), positions, strict=True)]
    return found
