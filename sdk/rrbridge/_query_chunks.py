"""Chunks as a query plan knows them: times and which cells are there; the cells themselves come when rows are gathered.

Of chunks in memory that is a view. Of a recording that stays on disk, what is needed of each chunk is read once and kept; its
cells are read again when they are wanted, the last used chunks being kept up to a bound.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rrbridge._chunk import Chunk
from rrbridge._memory import give_back
from rrbridge._store_cold import ColdFile
from rrbridge._tuid import TuidArray
from rrbridge.errors import FileError

__all__ = ["ChunksOnDisk", "Outline", "Part", "outlines_of"]

CACHE_BYTES = 64 << 20
"""How much of a recording on disk a query keeps in memory between batches."""

Bools = npt.NDArray[np.bool_]
Times = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Part:
    """The cells of one component in one chunk."""

    cells: Callable[[], pa.ListArray]
    """Reads them, if they are not in memory."""
    datatype: pa.DataType
    valid: Bools | None
    """Which rows have a cell; None = all."""
    most_instances: int
    """How many instances the fullest cell has."""
    nbytes: int

    @classmethod
    def of(cls, cells: pa.ListArray, read: Callable[[], pa.ListArray] | None = None) -> Part:
        """What is to be known of cells, which stay in memory if there is no way to read them again."""
        most = pc.max(cells.value_lengths()).as_py() or 0
        valid = cells.is_valid().to_numpy(zero_copy_only=False) if cells.null_count else None
        return cls(read or (lambda: cells), cells.type, valid, most, cells.nbytes)


class Outline:
    """One chunk. Parts are looked at when they are asked for."""

    __slots__ = ("_chunk", "_parts", "components", "num_rows", "row_ids", "times", "tuid")

    def __init__(self, chunk: Chunk) -> None:
        """Of a chunk in memory."""
        self.tuid: bytes = chunk.tuid
        self.num_rows = chunk.num_rows
        self.times: Mapping[str, Times] = {name: column.values for name, column in chunk.times.items()}
        self.row_ids: TuidArray = chunk.row_ids
        self.components: frozenset[str] = frozenset(chunk.components)
        self._chunk: Chunk | None = chunk
        self._parts: dict[str, Part] = {}

    @classmethod
    def kept(cls, chunk: Chunk, read: Callable[[], Chunk]) -> Outline:
        """Of a chunk that is given up and read again when its cells are wanted."""
        outline = cls(chunk)
        outline.times = {name: times.copy() for name, times in outline.times.items()}
        outline.row_ids = outline.row_ids.copy()
        for name, column in chunk.components.items():
            outline._parts[name] = Part.of(column.cells, _cells_of(read, name))
        outline._chunk = None
        return outline

    @property
    def is_static(self) -> bool:
        """Whether it belongs to all times."""
        return not self.times

    def part(self, component: str) -> Part:
        """One of its components."""
        found = self._parts.get(component)
        if found is None:
            assert self._chunk is not None
            found = self._parts[component] = Part.of(self._chunk.components[component].cells)
        return found


def _cells_of(read: Callable[[], Chunk], component: str) -> Callable[[], pa.ListArray]:
    return lambda: read().components[component].cells


def outlines_of(chunks: Iterable[Chunk]) -> list[Outline]:
    """Of chunks that are in memory."""
    return [Outline(chunk) for chunk in chunks]


class ChunksOnDisk:
    """The chunks of one recording in `.rrd` files; safe to use from several threads."""

    def __init__(self, file: ColdFile) -> None:
        """`file`: for this alone, as its cache is used."""
        self._file = file
        self._entities = file.entities()
        self._outlines: dict[str, list[Outline]] = {}
        self._let_go_bytes = 0
        self._lock = threading.RLock()
        file.on_load = self._make_room

    def outlines(self, entity: str) -> Sequence[Outline]:
        """The chunks of an entity; damaged ones are left out with a warning. Raises FileError."""
        with self._lock:
            found = self._outlines.get(entity)
            if found is None:
                known = self._entities.get(entity)
                read = [] if known is None else [self._outline(index) for index in known.indices.tolist()]
                found = self._outlines[entity] = [outline for outline in read if outline is not None]
            return found

    def _outline(self, index: int) -> Outline | None:
        run = self._file.load(index)
        if run is None or not run.chunk.num_rows or not run.chunk.components:
            return None
        return Outline.kept(run.chunk, lambda: self._read(index))

    def _read(self, index: int) -> Chunk:
        with self._lock:
            run = self._file.load(index)
        if run is None:
            raise FileError(self._file.reader.path, "a chunk that could be read before is damaged now")
        return run.chunk

    def _make_room(self) -> None:
        """Allocators keep what is freed for later; much of it is handed back now and then."""
        before = self._file.held
        while self._file.held > CACHE_BYTES and self._file.evict() is not None:
            pass
        self._let_go_bytes += before - self._file.held
        if self._let_go_bytes > CACHE_BYTES:
            self._let_go_bytes = 0
            give_back()
