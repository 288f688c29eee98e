"""Rows that clear entities, and static rows, as chunks hold them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge import _entity_path
from rrbridge._arrow import first_values
from rrbridge._chunk import Chunk
from rrbridge._query_rows import ClearRows
from rrbridge._store import ChunkStore
from rrbridge._store_clears import CLEAR
from rrbridge._store_index import tuid_order

__all__ = ["CLEAR", "ClearChunks", "static_cell", "valid_rows"]

Indices = npt.NDArray[np.int64]


class ClearChunks:
    """Which rows of which chunks clear an entity."""

    def __init__(self, store: ChunkStore, index: str | None) -> None:
        self._index = index
        self._own: dict[str, list[tuple[Chunk, Indices]]] = {}
        self._recursive: dict[str, list[tuple[Chunk, Indices]]] = {}
        for entity in store.entities() if index is not None else ():
            if CLEAR in store.components(entity):
                self._add(entity, store.chunks(entity))

    def _add(self, entity: str, chunks: Sequence[Chunk]) -> None:
        has = [chunk for chunk in chunks if CLEAR in chunk.components]
        if static_cell([chunk for chunk in has if chunk.is_static], CLEAR) is not None:
            return  # it shadows the clears in time, as static data does
        for chunk in has:
            cells = chunk.components[CLEAR].cells
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


def static_cell(chunks: Sequence[Chunk], component: str) -> pa.ListArray | None:
    """The static cell with the greatest row id, as an array of one row; None if all are null."""
    best: tuple[bytes, pa.ListArray] | None = None
    for chunk in chunks:
        cells = chunk.components[component].cells
        order = tuid_order(chunk.row_ids)
        valid = valid_rows(cells)
        order = order if valid is None else order[valid[order]]
        if len(order):
            row_id = chunk.row_ids[order[-1]].tobytes()
            if best is None or row_id > best[0]:
                best = row_id, cells.slice(int(order[-1]), 1)
    return None if best is None else best[1]


def valid_rows(cells: pa.ListArray) -> npt.NDArray[np.bool_] | None:
    return cells.is_valid().to_numpy(zero_copy_only=False) if cells.null_count else None
