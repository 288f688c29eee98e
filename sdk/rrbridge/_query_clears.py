"""Rows that clear entities, and static rows, as chunks hold them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge import _entity_path
from rrbridge._arrow import first_values
from rrbridge._query_chunks import Outline, Part
from rrbridge._query_rows import ClearRows
from rrbridge._store import ChunkStore
from rrbridge._store_clears import CLEAR
from rrbridge._store_index import tuid_order

__all__ = ["CLEAR", "ClearChunks", "static_cell"]

Indices = npt.NDArray[np.int64]


class ClearChunks:
    """Which rows of which chunks clear an entity."""

    def __init__(self, store: ChunkStore, outlines: Callable[[str], Sequence[Outline]], index: str | None) -> None:
        self._index = index
        self._own: dict[str, list[tuple[Outline, Indices]]] = {}
        self._recursive: dict[str, list[tuple[Outline, Indices]]] = {}
        for entity in store.entities() if index is not None else ():
            if CLEAR in store.components(entity):
                self._add(entity, outlines(entity))

    def _add(self, entity: str, chunks: Sequence[Outline]) -> None:
        has = [chunk for chunk in chunks if CLEAR in chunk.components]
        if static_cell([chunk for chunk in has if chunk.is_static], CLEAR) is not None:
            return  # it shadows the clears in time, as static data does
        for chunk in has:
            cells = chunk.part(CLEAR).cells()
            if pa.types.is_boolean(cells.type.value_type):
                given, flags = first_values(cells)
                own = np.flatnonzero(given)
                self._own.setdefault(entity, []).append((chunk, own))
                recursive = own[flags.to_numpy(zero_copy_only=False)]
                self._recursive.setdefault(entity, []).append((chunk, recursive))

    def reaching(self, entity: str) -> ClearRows | None:
        """The clears on the index that reach an entity; None if there are none."""
        if not self._own or self._index is None:
            return None
        above = _entity_path.ancestors(entity)[1:]
        parts = [*self._own.get(entity, ()), *(part for path in above for part in self._recursive.get(path, ()))]
        return ClearRows.of(parts, self._index) if parts else None


def static_cell(chunks: Sequence[Outline], component: str) -> pa.ListArray | None:
    """The static cell with the greatest row id, as an array of one row; None if all are null."""
    best: tuple[bytes, Part, int] | None = None
    for chunk in chunks:
        part = chunk.part(component)
        order = tuid_order(chunk.row_ids)
        order = order if part.valid is None else order[part.valid[order]]
        if len(order):
            row_id = chunk.row_ids[order[-1]].tobytes()
            if best is None or row_id > best[0]:
                best = row_id, part, int(order[-1])
    return None if best is None else best[1].cells().slice(best[2], 1)
