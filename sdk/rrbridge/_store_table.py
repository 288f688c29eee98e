"""Latest-at for many entities at many times in one go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import list_type, primitive, take_lists
from rrbridge._store_clears import CLEAR, Clears, Tombstones
from rrbridge._store_entity import Entity
from rrbridge._store_index import Times, tuid_order
from rrbridge._store_range import of_one_type
from rrbridge._store_rows import Found, Rows
from rrbridge._timeline import STATIC_TIME
from rrbridge._tuid import TuidArray

__all__ = ["LatestColumn", "LatestTable", "latest_table"]

Indices = npt.NDArray[np.int64]
_FEW = 4
"""Fewer rows than one in so many are picked out of a chunk; of more, the chunk is taken whole."""


class LatestColumn:
    """The cells of one component, of many entities at many times."""

    def __init__(self, component: str, rows: Indices, pieces: list[pa.ListArray], times: list[Times]) -> None:
        self.component = component
        self.rows = rows
        """Where in `pool` each cell is, shape (entities, times); -1 = there is none."""
        self._pieces = pieces
        self._times = times

    @cached_property
    def pool(self) -> pa.ListArray:
        """All cells that the answers are among, each once. Raises InvalidChunkError when chunks disagree about the type."""
        if not self._pieces:
            return pa.nulls(0, list_type(pa.null()))
        pieces = of_one_type(self.component, self._pieces)
        return pieces[0] if len(pieces) == 1 else pa.concat_arrays(pieces)

    @cached_property
    def cells(self) -> pa.ListArray:
        """One cell for each entity and time, entity by entity; null = there is none. Raises InvalidChunkError."""
        flat = self.rows.reshape(-1)
        missing = flat < 0
        return take_lists(self.pool, primitive(flat, valid=~missing if missing.any() else None))

    @cached_property
    def times(self) -> Times:
        """When each cell was logged, shape (entities, times); `STATIC_TIME` if it is static or there is none."""
        pool = np.concatenate([*self._times, np.array([STATIC_TIME])])  # -1 is the last
        found: Times = pool[self.rows]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class LatestTable:
    """The latest cells of many entities at many times."""

    entities: tuple[str, ...]
    times: Times
    columns: Mapping[str, LatestColumn]
    """By component."""

    def __getitem__(self, component: str) -> LatestColumn:
        return self.columns[component]


class _Collector:
    """Puts the answers for one component together."""

    def __init__(self, component: str, entities: int, times: int) -> None:
        self.component = component
        self.rows = np.full((entities, times), -1, np.int64)
        self.pieces: list[pa.ListArray] = []
        self.times: list[Times] = []
        self._count = 0

    def add(self, entity: int, found: Found, hidden: npt.NDArray[np.bool_] | None) -> None:
        """Take answers for some times of an entity, but for those that are hidden."""
        span, which, positions = found
        if _FEW * len(positions) < len(span):
            is_new = np.append(True, positions[1:] != positions[:-1])
            picked = positions[is_new]
            piece, times = span.taken(picked), span.times[picked]
            rows = np.cumsum(is_new) - 1
        else:
            piece, times = span.lists(slice(0, len(span))), span.times
            rows = positions
        if hidden is not None:
            rows = np.where(hidden, -1 - self._count, rows)
        self.rows[entity, which] = rows + self._count
        self._keep(piece, times)

    def add_static(self, entity: int, cell: pa.ListArray) -> None:
        """Take an answer that holds for all times."""
        self.rows[entity] = self._count
        self._keep(cell, np.array([STATIC_TIME]))

    def _keep(self, piece: pa.ListArray, times: Times) -> None:
        self.pieces.append(piece)
        self.times.append(times)
        self._count += len(piece)

    def column(self, order: Indices | None) -> LatestColumn:
        """The answers; `order` is the one that the times were sorted by."""
        rows = self.rows
        if order is not None:
            rows = np.empty_like(rows)
            rows[:, order] = self.rows
        return LatestColumn(self.component, rows, self.pieces, self.times)


def latest_table(
    paths: tuple[str, ...],
    entities: Sequence[Entity | None],
    components: tuple[str, ...],
    timeline: str,
    times: Times,
    clears: Clears,
) -> LatestTable:
    """The latest cells of entities, None = one without data, at times in any order."""
    order = None if bool(np.all(times[1:] >= times[:-1])) else np.argsort(times, kind="stable")
    rising = times if order is None else times[order]
    collectors = [_Collector(component, len(entities), len(times)) for component in components]
    for index, entity in enumerate(entities):
        if entity is None:
            continue
        tombstones = clears.reaching(entity.path, timeline) if clears.count else None
        before: tuple[Rows, list[Found]] | None = None
        for collector in collectors:
            component = collector.component
            stones = tombstones if component != CLEAR else None
            static = entity.statics.get(component)
            if static is not None:
                if stones is None or not stones.static_row_id or static.row_id > stones.static_row_id:
                    collector.add_static(index, static.cell)
                continue
            column = entity.column(timeline, component)
            if column is None:
                continue
            answers = _as_before(column, *before) if before is not None else None
            if answers is None:
                answers = column.find_many(rising)
            before = column, answers
            for found in answers:
                collector.add(index, found, _hidden(found, rising, stones))
    return LatestTable(paths, times, {c.component: c.column(order) for c in collectors})


def _as_before(rows: Rows, other: Rows, found: list[Found]) -> list[Found] | None:
    """The answers, where these rows are those of another component, one by one; None if they are not."""
    mine, theirs = rows.resident, other.resident
    if mine is None or theirs is None or len(mine) != len(theirs):
        return None
    if not all(span.times is same.times for span, same in zip(mine, theirs, strict=True)):
        return None
    own = {id(same): span for span, same in zip(mine, theirs, strict=True)}
    return [Found(own[id(span)], which, positions) for span, which, positions in found]


def _hidden(found: Found, times: Times, stones: Tombstones | None) -> npt.NDArray[np.bool_] | None:
    """Which answers are older than the latest clear at the time asked for."""
    if stones is None or not len(stones.times):
        return None
    order = tuid_order(stones.row_ids, stones.times)
    clear_times, clear_ids = stones.times[order], stones.row_ids[order]
    latest = clear_times.searchsorted(times[found.which], "right") - 1
    when = found.span.times[found.positions]
    cleared_at = np.where(latest >= 0, clear_times[latest], STATIC_TIME)
    same = when == cleared_at
    older = when < cleared_at
    if same.any():
        ids = found.span.ids_at(found.positions[same])
        older[same] = ~_greater(ids, clear_ids[latest[same]])
    hidden: npt.NDArray[np.bool_] = older
    return hidden


def _greater(first: TuidArray, second: TuidArray) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = (first[:, 0] > second[:, 0]) | (
        (first[:, 0] == second[:, 0]) & (first[:, 1] > second[:, 1])
    )
    return found
