"""Several recordings in one file: chunks of one store come together, each once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rrbridge._chunk import Chunk
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._messages import StoredChunk, StoreId, StoreInfo
from rrbridge._tuid import TuidArray
from rrbridge.rrd._codec import Entry
from rrbridge.rrd._manifest import Manifest
from rrbridge.rrd._reader import RrdReader
from rrbridge.rrd._writer import RrdWriter
from rrbridge.rrd.tools.latched import REPEATED

__all__ = ["Merged", "Repeats", "merge", "merged_messages"]

TuidTimes: TypeAlias = npt.NDArray[np.uint64]


@dataclass(slots=True)
class Merged:
    """What came together."""

    messages: int = 0
    chunks: int = 0
    duplicates: int = 0
    """Chunks that came twice."""
    repeats: int = 0
    """Rows that a cut had carried along, left out beside their originals."""


@dataclass(slots=True)
class _Group:
    """Repeated rows of one entity."""

    ids: set[bytes] = field(default_factory=set)
    """All their row ids."""
    seen: set[bytes] = field(default_factory=set)
    """Of these, those whose original went by."""
    given: set[tuple[bytes, frozenset[str]]] = field(default_factory=set)
    """Rows without an original that were given out: one row's components may be in several chunks."""
    chunks: list[Chunk] = field(default_factory=list)
    nanos: TuidTimes = field(default_factory=lambda: np.zeros(0, np.uint64))
    """The first halves of all these ids, for a quick look."""


class Repeats:
    """Rows that a cut carried into a later part, marked as repeated: they are superfluous beside their originals.

    They are few: one for each entity, component and cut, and only these are held in memory.
    """

    def __init__(self, *, keeps_rows: bool = True) -> None:
        """`keeps_rows`: whether `rest` is to be had; else only the ids are held, for `unseen`."""
        self._keeps_rows = keeps_rows
        self._groups: dict[tuple[StoreId, str], _Group] = {}
        self._chunk_ids: set[bytes] = set()

    @classmethod
    def in_files(cls, readers: Iterable[RrdReader], *, keeps_rows: bool = True) -> Repeats:
        """Those that the indexes of finished files name; a file without an index keeps what it repeats. Raises FileError."""
        found = cls(keeps_rows=keeps_rows)
        for reader in readers:
            footer = reader.footer()
            for manifest in () if footer is None else footer.manifests:
                for index in np.flatnonzero(_may_be_marked(manifest)):
                    chunk = reader.chunk(manifest, int(index))
                    if REPEATED in chunk.components:
                        found.add(manifest.store_id, chunk)
            reader.close()
        return found

    def add(self, store_id: StoreId, chunk: Chunk) -> None:
        """Note a chunk of repeated rows."""
        group = self._groups.setdefault((store_id, chunk.entity_path), _Group())
        if self._keeps_rows:
            group.chunks.append(chunk)
        group.ids |= set(_ids(chunk.row_ids))
        group.nanos = np.concatenate((group.nanos, chunk.row_ids[:, 0].astype(np.uint64)))
        self._chunk_ids.add(chunk.tuid)

    def holds(self, chunk: Chunk) -> bool:
        """Whether this is one of them, to be left out for now."""
        return chunk.tuid in self._chunk_ids

    def see(self, store_id: StoreId, chunk: Chunk) -> None:
        """An ordinary chunk goes by: what is in it need not be repeated."""
        group = self._groups.get((store_id, chunk.entity_path))
        if group is not None and len(group.seen) < len(group.ids):
            ids = chunk.row_ids
            group.seen |= group.ids & set(_ids(ids[np.isin(ids[:, 0].astype(np.uint64), group.nanos)]))

    def unseen(self, store_id: StoreId, chunk: Chunk) -> Chunk | None:
        """Of a chunk of repeated rows, those whose original did not go by yet, each once."""
        group = self._groups.get((store_id, chunk.entity_path))
        return chunk if group is None else _unseen(group, chunk)

    def rest(self) -> Iterator[StoredChunk]:
        """Rows whose originals never came, each once."""
        for (store_id, _), group in self._groups.items():
            for chunk in group.chunks:
                if (fresh := _unseen(group, chunk)) is not None:
                    yield StoredChunk(store_id, fresh)

    def __len__(self) -> int:
        return sum(chunk.num_rows for group in self._groups.values() for chunk in group.chunks)


def merged_messages(
    entries: Iterable[Entry], found: Merged, repeats: Repeats | None = None
) -> Iterator[Entry | StoredChunk]:
    """All messages in order, each chunk once; then what of the repeated rows has no original. `found` is counted up.

    Memory: the chunks' ids, and `repeats`.
    """
    repeats = repeats or Repeats()
    known: set[tuple[StoreId, bytes]] = set()
    for entry in entries:
        message = entry.message
        if isinstance(message, StoredChunk | StoreInfo):
            key = (message.store_id, message.chunk.tuid if isinstance(message, StoredChunk) else message.row_id)
            if key in known:
                found.duplicates += isinstance(message, StoredChunk)
                continue
            known.add(key)
        if isinstance(message, StoredChunk):
            if repeats.holds(message.chunk):
                continue
            repeats.see(message.store_id, message.chunk)
            found.chunks += 1
        found.messages += 1
        yield entry
    kept = 0
    for stored in repeats.rest():
        found.chunks += 1
        kept += stored.chunk.num_rows
        yield stored
    found.repeats = len(repeats) - kept


def merge(entries: Iterable[Entry], writer: RrdWriter, repeats: Repeats | None = None) -> Merged:
    """Write all messages, in order; a chunk that is there already is left out, as readers would. Raises FileError."""
    found = Merged()
    for one in merged_messages(entries, found, repeats):
        if isinstance(one, StoredChunk):
            writer.write(one)
        else:
            writer.copy(one)
    return found


def _unseen(group: _Group, chunk: Chunk) -> Chunk | None:
    components = frozenset(chunk.components)
    keys = [(one, components) for one in _ids(chunk.row_ids)]
    rows = [row for row, key in enumerate(keys) if key[0] not in group.seen and key not in group.given]
    group.given.update(keys[row] for row in rows)
    if len(rows) == chunk.num_rows:
        return chunk
    return chunk.take(np.array(rows, np.int64)) if rows else None


def _ids(row_ids: TuidArray) -> list[bytes]:
    raw = np.ascontiguousarray(row_ids, ">u8").tobytes()
    return [raw[start : start + 16] for start in range(0, len(raw), 16)]


def _may_be_marked(manifest: Manifest) -> npt.NDArray[np.bool_]:
    """Chunks that may hold the mark: those that the index counts marks in, or else all of such an entity."""
    mark = ComponentDescriptor(REPEATED)
    counts = [manifest.component_rows(timeline, mark) for timeline in manifest.timelines]
    counted = [count > 0 for count in counts if count is not None]
    if counted:
        found: npt.NDArray[np.bool_] = np.logical_or.reduce(counted)
        return found
    marked = {entity for entity, descriptors in manifest.components.items() if mark in descriptors}
    return np.array([path in marked for path in manifest.entity_paths], np.bool_)
