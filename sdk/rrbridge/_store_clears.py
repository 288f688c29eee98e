"""Clears: tombstones that hide what an entity, or everything below it, had logged before."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge import _entity_path
from rrbridge._arrow import first_values, flags
from rrbridge._chunk import Chunk
from rrbridge._store_index import ALWAYS, NEVER, Bools, Cells, Latest, Times, tuid_order
from rrbridge._timeline import STATIC_TIME
from rrbridge._tuid import TuidArray

__all__ = ["CLEAR", "ClearedAt", "Clears", "Marks", "Tombstones"]

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


class Marks:
    """Clears of one entity and one reach on one timeline, in order of (time, row id)."""

    __slots__ = ("_fresh", "_row_ids", "_times")

    def __init__(self) -> None:
        self._fresh: list[tuple[Times, TuidArray]] = []
        self._times: Times = np.empty(0, np.int64)
        self._row_ids: TuidArray = np.empty((0, 2), ">u8")

    def insert(self, times: Times, row_ids: TuidArray) -> None:
        """Take clears, in no order."""
        on_it = times > STATIC_TIME
        if on_it.any():
            self._fresh.append((times[on_it], row_ids[on_it]))

    def _settle(self) -> None:
        if self._fresh:
            times = np.concatenate([self._times, *(times for times, _ in self._fresh)])
            row_ids = np.concatenate([self._row_ids, *(ids for _, ids in self._fresh)], dtype=">u8")
            order = tuid_order(row_ids, times)
            self._times, self._row_ids = times[order], row_ids[order]
            self._fresh = []

    @property
    def times(self) -> Times:
        """Shape (n,)."""
        self._settle()
        return self._times

    def row_ids(self, part: slice) -> TuidArray:
        """Of some of them, shape (n, 2)."""
        self._settle()
        return self._row_ids[part]

    def time_at(self, position: int) -> int:
        """When one of them is."""
        return int(self.times[position])

    def between(self, low: int, high: int) -> slice:
        """Those in a closed range of times."""
        times = self.times
        return slice(int(times.searchsorted(low)), int(times.searchsorted(high, "right")))


@dataclass(slots=True, eq=False)
class _Of:
    """The clears on one entity, of one reach."""

    marks: dict[str, Marks] = field(default_factory=dict)
    static_row_id: bytes = _NO_ROW

    def insert(self, chunk: Chunk, keep: Bools) -> None:
        row_ids = chunk.row_ids[keep]
        if chunk.is_static and len(row_ids):
            self.static_row_id = max(self.static_row_id, *(row_id.tobytes() for row_id in row_ids))
        for timeline, column in chunk.times.items():
            self.marks.setdefault(timeline, Marks()).insert(column.values[keep], row_ids)


class Clears:
    """All clears of a store."""

    def __init__(self) -> None:
        self.count = 0
        """How many chunks with clears there are; what was worked out from clears is good while this stays."""
        self._flat: dict[str, _Of] = {}
        self._recursive: dict[str, _Of] = {}

    def insert(self, chunk: Chunk) -> None:
        """Take the clears of a chunk: true reaches everything below the entity, false the entity alone."""
        given, recursive = _flags(Cells(chunk, CLEAR))
        self._flat.setdefault(chunk.entity_path, _Of()).insert(chunk, given & ~recursive)
        self._recursive.setdefault(chunk.entity_path, _Of()).insert(chunk, given & recursive)
        self.count += 1

    def _reaching(self, path: str) -> list[_Of]:
        found = [self._flat[path]] if path in self._flat else []
        return found + [self._recursive[p] for p in _entity_path.ancestors(path) if p in self._recursive]

    def _marks(self, path: str, timeline: str) -> list[Marks]:
        return [clears.marks[timeline] for clears in self._reaching(path) if timeline in clears.marks]

    def static_row_id(self, path: str) -> bytes:
        """The greatest row id of the static clears that reach an entity; empty if there are none."""
        return max((clears.static_row_id for clears in self._reaching(path)), default=_NO_ROW)

    def at(self, path: str, timeline: str, time: int) -> ClearedAt:
        """The latest clears that reach an entity."""
        best = ALWAYS, _NO_ROW
        until = NEVER
        for marks in self._marks(path, timeline):
            times = marks.times
            after = int(times.searchsorted(time, "right"))
            if after < len(times):
                until = min(until, int(times[after]))
            if after:
                best = max(best, (int(times[after - 1]), marks.row_ids(slice(after - 1, after)).tobytes()))
        return ClearedAt(*best, self.static_row_id(path), best[0], until)

    def reaching(self, path: str, timeline: str) -> Tombstones:
        """All clears that reach an entity."""
        marks = self._marks(path, timeline)
        return Tombstones(
            np.concatenate([np.empty(0, np.int64), *(some.times for some in marks)]),
            np.concatenate([np.empty((0, 2), ">u8"), *(some.row_ids(slice(None)) for some in marks)], dtype=">u8"),
            self.static_row_id(path),
        )

    def between(self, path: str, timeline: str, low: int, high: int) -> list[tuple[Marks, slice]]:
        """The clears that reach an entity in a closed range of times."""
        found = [(marks, marks.between(low, high)) for marks in self._marks(path, timeline)]
        return [(marks, part) for marks, part in found if part.start < part.stop]


def _flags(cells: Cells) -> tuple[Bools, Bools]:
    """Which rows hold a flag, and which of them is true; a cell is read by its first instance."""
    found = np.zeros(len(cells.lists), bool)
    datatype = cells.lists.type.value_type
    if not pa.types.is_boolean(datatype):
        _log.warning(
            "%s: %s has type %s, which no clear has; it clears nothing", cells.chunk.entity_path, CLEAR, datatype
        )
        return found, found
    given, firsts = first_values(cells.lists)
    found[given] = flags(firsts)
    return given, found
