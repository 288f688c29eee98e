"""Clears: tombstones that hide what an entity, or everything below it, had logged before."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge import _entity_path
from rrbridge._arrow import first_values
from rrbridge._chunk import Chunk
from rrbridge._store_index import ALWAYS, NEVER, Bools, Cells, Column, Latest, Span, row_id_of, tuid_order
from rrbridge._timeline import MIN_TIME
from rrbridge._tuid import TuidArray

__all__ = ["CLEAR", "ClearedAt", "Clears", "Tombstones"]

_log = logging.getLogger(__name__)

CLEAR = "Clear:is_recursive"
_NO_ROW = b""


@dataclass(frozen=True, slots=True)
class ClearedAt:
    """The latest clears that reach an entity; good for all times in `[since, until)`."""

    time: int
    row_id: bytes
    static_row_id: bytes
    since: int
    until: int

    def hides(self, latest: Latest) -> bool:
        """Whether a cell of the entity is older than the clears."""
        if latest.time is None:
            return self.static_row_id != _NO_ROW and latest.row_id <= self.static_row_id
        return latest.time < self.time or (latest.time == self.time and latest.row_id <= self.row_id)


class Tombstones(NamedTuple):
    """All clears that reach an entity, on one timeline."""

    times: npt.NDArray[np.int64]
    """Shape (n,), in no order."""
    row_ids: TuidArray
    """Shape (n, 2)."""
    static_row_id: bytes
    """The greatest row id of a static clear; empty if there is none."""


@dataclass(slots=True, eq=False)
class _Of:
    """The clears on one entity, of one reach."""

    columns: dict[str, Column] = field(default_factory=dict)
    static_row_id: bytes = _NO_ROW

    def insert(self, cells: Cells, keep: Bools) -> None:
        chunk = cells.chunk
        if chunk.is_static:
            order = tuid_order(chunk.row_ids)
            kept = order[keep[order]]
            if len(kept):
                self.static_row_id = max(self.static_row_id, row_id_of(chunk, int(kept[-1])))
        for timeline in chunk.times:
            self.columns.setdefault(timeline, Column()).insert(cells, timeline, keep)


class Clears:
    """All clears of a store."""

    def __init__(self) -> None:
        self.count = 0
        """How many chunks with clears there are; what was worked out from clears is good while this stays."""
        self._flat: dict[str, _Of] = {}
        self._recursive: dict[str, _Of] = {}

    def insert(self, chunk: Chunk) -> None:
        """Take the clears of a chunk: true reaches everything below the entity, false the entity alone."""
        cells = Cells(chunk, CLEAR)
        given, recursive = _flags(cells)
        self._flat.setdefault(chunk.entity_path, _Of()).insert(cells, given & ~recursive)
        self._recursive.setdefault(chunk.entity_path, _Of()).insert(cells, given & recursive)
        self.count += 1

    def _reaching(self, path: str) -> list[_Of]:
        found = [self._flat[path]] if path in self._flat else []
        return found + [self._recursive[p] for p in _entity_path.ancestors(path) if p in self._recursive]

    def at(self, path: str, timeline: str, time: int) -> ClearedAt:
        """The latest clears that reach an entity."""
        best_time, best_row_id, static_row_id = ALWAYS, _NO_ROW, _NO_ROW
        since, until = ALWAYS, NEVER
        for tombstones in self._reaching(path):
            static_row_id = max(static_row_id, tombstones.static_row_id)
            column = tombstones.columns.get(timeline)
            if column is None:
                continue
            span, position, found, found_until = column.find(time)
            since, until = max(since, found), min(until, found_until)
            if span is not None and found >= best_time:
                best_time, best_row_id = max((best_time, best_row_id), (found, span.row_id_at(position)))
        return ClearedAt(best_time, best_row_id, static_row_id, since, until)

    def reaching(self, path: str, timeline: str) -> Tombstones:
        """All clears that reach an entity."""
        parts = self.between(path, timeline, MIN_TIME, NEVER - 1)
        return Tombstones(
            np.concatenate([np.empty(0, np.int64), *(span.times[part] for span, part in parts)]),
            np.concatenate([np.empty((0, 2), ">u8"), *(span.row_ids(part) for span, part in parts)], dtype=">u8"),
            max((clears.static_row_id for clears in self._reaching(path)), default=_NO_ROW),
        )

    def between(self, path: str, timeline: str, low: int, high: int) -> list[tuple[Span, slice]]:
        """The clears that reach an entity in a closed range of times."""
        columns = [tombstones.columns.get(timeline) for tombstones in self._reaching(path)]
        return [part for column in columns if column is not None for part in column.spans(low, high)]


def _flags(cells: Cells) -> tuple[Bools, Bools]:
    """Which rows hold a flag, and which of them is true; a cell is read by its first instance."""
    flags = np.zeros(len(cells.lists), bool)
    datatype = cells.lists.type.value_type
    if not pa.types.is_boolean(datatype):
        _log.warning(
            "%s: %s has type %s, which no clear has; it clears nothing", cells.chunk.entity_path, CLEAR, datatype
        )
        return flags, flags
    given, firsts = first_values(cells.lists)
    flags[given] = firsts.to_numpy(zero_copy_only=False)
    return given, flags
