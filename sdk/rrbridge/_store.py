"""The store: chunks of one recording in memory, and the questions a viewer asks of them. Semantics: FORMAT §6."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge import _entity_path
from rrbridge._chunk import Chunk
from rrbridge._chunk_source import ChunkSource
from rrbridge._compaction import MAX_BYTES, Layouts, Targets
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._memory import give_back, memory_limit_bytes
from rrbridge._messages import LogMessage, StoredChunk, StoreId, StoreInfo
from rrbridge._store_clears import CLEAR, Clears, Tombstones
from rrbridge._store_drop import Dropped, drop_oldest
from rrbridge._store_entity import Answer, Entity, widen
from rrbridge._store_events import Added, Appeared, Feed, Removed
from rrbridge._store_ids import Ids
from rrbridge._store_index import Latest
from rrbridge._store_range import Range, range_of
from rrbridge._store_runs import Group, memory_of
from rrbridge._store_table import LatestTable, latest_table
from rrbridge._timeline import TimeKind

if TYPE_CHECKING:
    from rrbridge._chunk_filter import ContentLike
    from rrbridge._joined_files import JoinedFiles
    from rrbridge._schema import Schema
    from rrbridge._store_cold import ColdEntity, ColdFile
    from rrbridge.rrd import RrdReader

__all__ = ["ChunkStore", "Latest", "Range", "load_messages"]

_log = logging.getLogger(__name__)
_NOTHING: Mapping[str, Latest] = MappingProxyType({})
_TARGETS = Targets()
_FULL, _EASED = 0.93, 0.88
"""Shares of the memory limit: at which room is made, and how much is taken afterwards. Arrow and Python take a little on top."""
_GIVE_BACK = 0.03
"""After so large a share of the limit was freed, memory is handed back to the system."""
_LEAST_GIVEN_BACK = 8 << 20
_MOST_UNSETTLED = 16_384
"""Chunks that came since small ones were last put together in all entities; each takes some kilobytes until then."""
_ANSWERS_KEPT = 16
_RANGES_KEPT = 2


class ChunkStore(ChunkSource):
    """The chunks of one recording, in any order, and queries on them.

    One thread may insert while others ask. Everything that a query returns is read-only and shared.

    `latest_at` and `range` follow FORMAT §6: static data shadows temporal data of the same entity and component; the
    greatest (time, row id) wins; null cells are skipped, `[]` counts as a value; a `Clear` hides older temporal cells
    of its entity (recursive: and of all entities below) from its time on. A temporal clear leaves static data alone, a
    static one hides static data with smaller row ids. A row that carries data and a clear of its own entity is cleared.
    """

    def __init__(
        self,
        store_id: StoreId | None = None,
        *,
        memory_limit: str | int | None = None,
        compaction: Targets | None = _TARGETS,
    ) -> None:
        """An empty store.

        At the memory limit (`"4GB"`, `"50%"`, bytes) the oldest data is dropped, but for static data, clears and the last
        row of every component on each timeline; `dropped` tells what is gone. Small chunks are put together up to the
        targets of `compaction`; None: they stay as they come. Raises InvalidValueError for a limit that is none.
        """
        self.store_id = store_id
        self._limit = memory_limit_bytes(memory_limit)
        self._cold: ColdFile | None = None
        self._held = 0
        self._freed = 0
        self._warned = False
        self._stuck_at = 0
        self._unsettled = 0
        self._dropped: dict[str, Dropped] = {}
        self._targets = compaction
        self._lock = threading.RLock()
        self._entities: dict[str, Entity] = {}
        self._sorted: list[str] = []
        self._children: dict[str, set[str]] = {"/": set()}
        self._times_below: dict[tuple[str, str], tuple[int, npt.NDArray[np.int64]]] = {}
        self._layouts = Layouts()
        self._ids = Ids()
        self._timelines: dict[str, TimeKind] = {}
        self._time_ranges: tuple[int, dict[str, tuple[int, int]]] = 0, {}
        self._clears = Clears()
        self._feeds: weakref.WeakSet[Feed] = weakref.WeakSet()
        self._is_followed = False
        self._revision = 0
        self._num_rows = 0
        self._nbytes = 0

    @classmethod
    def from_chunks(cls, chunks: Iterable[Chunk], store_id: StoreId | None = None) -> ChunkStore:
        """A store of these chunks."""
        store = cls(store_id)
        store.insert_all(chunks)
        return store

    @classmethod
    def open(
        cls,
        source: str | os.PathLike[str] | RrdReader | JoinedFiles,
        *,
        store_id: StoreId | None = None,
        memory_limit: str | int | None = None,
        compaction: Targets | None = _TARGETS,
    ) -> ChunkStore:
        """A recording in an `.rrd` file, the first one or the one named: its index is read, the rest when it is needed.

        A file without an index, of a recorder that was stopped, is read once to make one. Chunks in memory that were not
        used for longest make way for others at the memory limit. More chunks may be inserted; they stay in memory.
        Raises FileError, InvalidValueError.
        """
        from rrbridge._store_cold import open_recording

        cold = open_recording(source, store_id)
        store = cls(cold.manifest.store_id, memory_limit=memory_limit, compaction=compaction)
        store._take(cold)
        return store

    def _take(self, cold: ColdFile) -> None:
        self._cold = cold
        cold.on_load = self._make_room
        self._ids.extend(cold.ids)
        self._revision = cold.num_chunks
        self._num_rows = cold.num_rows
        for timeline, kind in cold.manifest.timelines.items():
            self._note_kind(timeline, kind)
        for path, entity in cold.entities().items():
            self._new_entity(path, entity)
        for index in cold.with_component(CLEAR).tolist():
            run = cold.load(index)
            if run is not None and CLEAR in run.chunk.components:
                self._clears.insert(run.chunk)

    def close(self) -> None:
        """Let go of the file, if it was opened from one; what is not in memory cannot be read any more."""
        if self._cold is not None:
            self._cold.reader.close()

    def insert(self, chunk: Chunk) -> bool:
        """Take a chunk; False if its id is known already, or if it has no rows or no components.

        Raises InvalidChunkError when its time columns are malformed; the store is then as it was.
        """
        rows = chunk.num_rows
        if not rows or not chunk.num_components:
            return False
        with self._lock:
            if chunk.tuid in self._ids:
                return False
            layout = self._layouts.of(chunk)
            nbytes = memory_of(chunk)
            if not layout.promises_times or nbytes > MAX_BYTES:
                chunk.check_times()
            entity = self._entities.get(chunk.entity_path)
            if entity is None:
                entity = self._new_entity(chunk.entity_path)
            group = entity.group(layout, self._targets)
            if group.revision < 0:
                for timeline, kind in layout.kinds.items():
                    self._note_kind(timeline, kind)
            self._revision += 1
            self._ids.add(chunk.tuid)
            held, before = group.held if self._limit is not None else 0, group.nbytes
            group.insert(chunk, rows, nbytes, self._revision)
            entity.revision += 1
            self._nbytes += group.nbytes - before
            self._held += group.held - held if self._limit is not None else 0
            self._num_rows += rows
            if CLEAR in layout.components:
                self._clears.insert(chunk)
            if self._is_followed:
                self._tell(chunk, group, is_first=entity.revision == 1)
            self._unsettled += 1
            if self._unsettled > _MOST_UNSETTLED:
                self._unsettled = 0
                for path in self._entities:
                    self._settled(path)
            if self._limit is not None:
                self._make_room()
        return True

    def insert_all(self, chunks: Iterable[Chunk]) -> int:
        """Take many chunks; how many were new."""
        return sum(map(self.insert, chunks))

    def _new_entity(self, path: str, cold: ColdEntity | None = None) -> Entity:
        entity = self._entities[path] = Entity(path, cold)
        below = path
        for above in _entity_path.ancestors(path)[1:]:
            known = above in self._children
            self._children.setdefault(above, set()).add(below)
            if known:
                break
            below = above
        return entity

    def _note_kind(self, timeline: str, kind: TimeKind) -> None:
        known = self._timelines.setdefault(timeline, kind)
        if known is not kind:
            _log.warning("timeline %s: some chunks have %s, some %s", timeline, known.name.lower(), kind.name.lower())

    def _make_room(self) -> None:
        """Keep to the memory limit; without one, nobody counts what is held."""
        limit = self._limit
        if limit is None or self._held + self._cold_held <= _FULL * limit:
            return
        target = int(_EASED * limit)
        while self._cold is not None and self._held + self._cold.held > target:
            before = self._cold.held
            path = self._cold.evict()
            if path is None:
                break
            self._entities[path].forget_answers()
            self._freed += before - self._cold.held
        excess = self._held + self._cold_held - target
        if excess > (_FULL - _EASED) * limit and self._held > self._stuck_at:
            self.drop_oldest(excess)
            self._stuck_at = self._held + int((_FULL - _EASED) * limit) if self._held > target else 0
            if self._held > limit and not self._warned:
                self._warned = True
                _log.warning("the latest rows alone take %.0f MB, more than the memory limit", self._held / 2**20)
        if self._freed > max(limit * _GIVE_BACK, _LEAST_GIVEN_BACK):
            self._freed = 0
            give_back()

    @property
    def _cold_held(self) -> int:
        return self._cold.held if self._cold is not None else 0

    def drop_oldest(self, nbytes: int) -> None:
        """Let go of the oldest chunks that came, until that many bytes are free or only what always stays is left."""
        with self._lock:
            settled = [entity for path in self._entities if (entity := self._settled(path)) is not None]
            for dropped in drop_oldest(settled, nbytes):
                if not dropped.rows:  # all of them are the last of something
                    continue
                known = self._dropped.get(dropped.entity)
                self._dropped[dropped.entity] = dropped if known is None else known | dropped
                self._revision += 1
                self._num_rows -= dropped.rows
                self._freed += dropped.nbytes
                for feed in self._feeds:
                    feed.tell(Removed(self._revision, dropped))
            self._nbytes = sum(entity.nbytes for entity in settled)
            self._held = sum(entity.held for entity in settled)

    @property
    def dropped(self) -> dict[str, Dropped]:
        """What was dropped at the memory limit, by entity."""
        with self._lock:
            return dict(self._dropped)

    def _settled(self, path: str) -> Entity | None:
        """An entity with all its chunks taken account of; None if there is none."""
        entity = self._entities.get(path)
        if entity is not None and not entity.is_settled:
            held, before = entity.held if self._limit is not None else 0, entity.nbytes
            entity.settle()
            self._nbytes += entity.nbytes - before
            self._held += entity.held - held if self._limit is not None else 0
        return entity

    @property
    def revision(self) -> int:
        """Grows with every chunk that was taken or dropped; putting chunks together does not change it."""
        return self._revision

    @property
    def num_rows(self) -> int:
        """How many rows, over all chunks."""
        return self._num_rows

    @property
    def num_chunks(self) -> int:
        """How many chunks there are now."""
        with self._lock:
            settled = map(self._settled, self._entities)
            return sum(entity.num_chunks for entity in settled if entity is not None)

    def schema(self) -> Schema:
        """Its timelines, and the components of its entities."""
        from rrbridge._schema import schema_of_store

        return schema_of_store(self)

    def reader(
        self,
        index: str | None,
        *,
        contents: ContentLike | None = None,
        include_semantically_empty_columns: bool = False,
        include_tombstone_columns: bool = False,
        fill_latest_at: bool = False,
        using_index_values: Any = None,
        ctx: Any = None,
    ) -> Any:
        """Its rows as a dataframe of DataFusion, in the session `ctx` or in the global one.

        Where the package `datafusion` is not installed and no session is given, it is a `View`, which hands out Arrow,
        pandas, polars and DuckDB. `index`: a timeline; None: static data alone, in one row. `using_index_values`: a row
        for each of these times; `fill_latest_at`: with the latest value so far where nothing was logged. Raises
        InvalidValueError when the timeline is not there.
        """
        from rrbridge._store_reader import reader_of

        return reader_of(
            self,
            index,
            contents,
            include_semantically_empty_columns=include_semantically_empty_columns,
            include_tombstone_columns=include_tombstone_columns,
            fill_latest_at=fill_latest_at,
            using_index_values=using_index_values,
            context=ctx,
        )

    def __len__(self) -> int:
        return self.num_chunks

    def __repr__(self) -> str:
        return f"ChunkStore({self.num_chunks} chunks)"

    @property
    def nbytes(self) -> int:
        """Size of all chunks in memory, in bytes; a little more while small ones wait to be put together."""
        return self._nbytes + self._cold_held

    def chunks(self, entity: str | None = None) -> list[Chunk]:
        """The chunks as they are now, of one entity or of all, in order of their oldest rows' coming.

        All of them in memory at once; `iter_chunks` reads those in a file one by one.
        """
        return list(self.iter_chunks(entity))

    def iter_chunks(self, entity: str | None = None) -> Iterator[Chunk]:
        """The chunks as they are now, those in a file first, of one entity or of all."""
        with self._lock:
            paths = list(self._entities) if entity is None else [entity]
            settled = [found for path in paths if (found := self._settled(path)) is not None]
            runs = sorted((run for found in settled for run in found.runs()), key=lambda run: run.age)
            indices = [found.cold_chunks for found in settled]
        for index in np.sort(np.concatenate([np.empty(0, np.int64), *indices])).tolist():
            with self._lock:
                cold = self._cold.load(index) if self._cold is not None else None
            if cold is not None:
                yield cold.chunk
        for run in runs:
            yield run.chunk

    def follow(self, about: Callable[[str], bool] | None = None) -> Feed:
        """Every entity that appears, and all chunks with a component that `about` is true for (None: all chunks).

        Begins with those that are there. Each row is told once, however its chunk is put together with others later.
        """
        with self._lock:
            feed = Feed(self._lock, about)
            for path in self._entities:
                entity = self._settled(path)
                assert entity is not None
                feed.tell(Appeared(self._revision, path))
                for run in entity.cold_runs() if feed.wants(frozenset(entity.components)) else ():
                    if feed.wants(frozenset(run.chunk.components)):
                        feed.tell(Added(self._revision, run.chunk))
                for group in entity.groups.values():
                    if feed.wants(group.layout.components):
                        for run in group.runs:
                            feed.tell(Added(self._revision, run.chunk))
            self._feeds.add(feed)
            self._is_followed = True
            return feed

    def _tell(self, chunk: Chunk, group: Group, *, is_first: bool) -> None:
        for feed in self._feeds:
            if is_first:
                feed.tell(Appeared(self._revision, chunk.entity_path))
            if feed.wants(group.layout.components):
                feed.tell(Added(self._revision, chunk))

    def entities(self) -> list[str]:
        """The paths that have data, sorted."""
        with self._lock:
            if len(self._sorted) != len(self._entities):
                self._sorted = sorted(self._entities)
            return list(self._sorted)

    def children(self, path: str = "/") -> list[str]:
        """The paths one level below, with or without data of their own, sorted."""
        with self._lock:
            return sorted(self._children.get(path, ()))

    def descendants(self, path: str = "/") -> list[str]:
        """The paths that have data and are `path` or lie below it, sorted."""
        return [entity for entity in self.entities() if _entity_path.is_descendant(entity, path)]

    def entity_revision(self, entity: str) -> int:
        """Grows by one with every chunk of this entity; 0 if there is none."""
        found = self._entities.get(entity)
        return found.revision if found else 0

    def components(self, entity: str) -> dict[str, ComponentDescriptor]:
        """The components that an entity has on any timeline, or static; empty if it has no data."""
        with self._lock:
            found = self._entities.get(entity)
            return dict(found.components) if found else {}

    def datatypes(self, entity: str) -> dict[str, pa.DataType]:
        """The type of each component's cells, a list type; where chunks differ, one of theirs."""
        with self._lock:
            found = self._entities.get(entity)
            return found.types if found else {}

    def is_static(self, entity: str, component: str) -> bool:
        """Whether a component has static data, which shadows what it has on timelines."""
        with self._lock:
            found = self._settled(entity)
            return found is not None and component in found.statics

    def timelines(self) -> dict[str, TimeKind]:
        """The timelines, by name; one that has two kinds keeps the first."""
        with self._lock:
            return dict(sorted(self._timelines.items()))

    def time_range(self, timeline: str, entity: str | None = None) -> tuple[int, int] | None:
        """The first and the last time on a timeline, of one entity or of all; None if there is no data on it."""
        with self._lock:
            if entity is not None:
                found = self._settled(entity)
                return found.time_ranges.get(timeline) if found else None
            revision, ranges = self._time_ranges
            if revision != self._revision:
                ranges = {}
                for path in self._entities:
                    found = self._settled(path)
                    if found is not None:
                        widen(ranges, found.time_ranges)
                self._time_ranges = self._revision, ranges
            return ranges.get(timeline)

    def times(self, entity: str, timeline: str, *, recursive: bool = False) -> npt.NDArray[np.int64]:
        """The times of all rows of an entity (recursive: and of all below it), one per row, in order; read-only."""
        with self._lock:
            if recursive:
                return self._times_of_all_below(entity, timeline)
            found = self._settled(entity)
            return found.times(timeline) if found else np.empty(0, np.int64)

    def _times_of_all_below(self, entity: str, timeline: str) -> npt.NDArray[np.int64]:
        revision, times = self._times_below.get((entity, timeline), (-1, np.empty(0, np.int64)))
        if revision != self.revision:
            settled = map(self._settled, self.descendants(entity))
            below = [found.times(timeline) for found in settled if found is not None]
            times = np.sort(np.concatenate([np.empty(0, np.int64), *below]))
            times.flags.writeable = False
            self._times_below[entity, timeline] = self.revision, times
        return times

    def latest_at(
        self, entity: str, components: Iterable[str] | None, timeline: str, time: int
    ) -> Mapping[str, Latest]:
        """The latest cell at or before `time` of each component that has one; `None` asks for all components.

        While the answer stays the same, so does the mapping object. With a timeline that does not exist, only static
        data is found.
        """
        wanted = None if components is None else tuple(components)
        with self._lock:
            found = self._settled(entity)
            return self._answer(found, wanted, timeline, time) if found else _NOTHING

    def latest_at_many(
        self, entities: Iterable[str], components: Iterable[str] | None, timeline: str, time: int
    ) -> dict[str, Mapping[str, Latest]]:
        """`latest_at` of many entities at once; entities of which nothing is found are left out."""
        wanted = None if components is None else tuple(components)
        key = (timeline, wanted)
        with self._lock:
            clears = self._clears.count
            found: dict[str, Mapping[str, Latest]] = {}
            for path in entities:
                entity = self._settled(path)
                if entity is None:
                    continue
                kept = entity.answers.get(key)
                if kept is not None and kept.since <= time < kept.until and kept.clears == clears:
                    answer = kept.found
                else:
                    answer = self._answer(entity, wanted, timeline, time)
                if answer:
                    found[path] = answer
            return found

    def latest_at_table(
        self, entities: Iterable[str], components: Iterable[str], timeline: str, times: npt.ArrayLike
    ) -> LatestTable:
        """`latest_at` of many entities at many times, in any order: what a plot or a table of a whole run asks for.

        Answers are row numbers and Arrow columns, not one object per cell.
        """
        paths, wanted = tuple(entities), tuple(components)
        asked = np.ascontiguousarray(times, np.int64)
        with self._lock:
            return latest_table(paths, [self._settled(path) for path in paths], wanted, timeline, asked, self._clears)

    def _answer(self, entity: Entity, wanted: tuple[str, ...] | None, timeline: str, time: int) -> Mapping[str, Latest]:
        key = (timeline, wanted)
        kept = entity.answers.get(key)
        if kept is not None and kept.since <= time < kept.until and kept.clears == self._clears.count:
            return kept.found
        found, since, until = entity.latest(timeline, wanted, time)
        if self._clears.count:
            cleared = self._clears.at(entity.path, timeline, time)
            since, until = max(since, cleared.since), min(until, cleared.until)
            found = {name: latest for name, latest in found.items() if name == CLEAR or not cleared.hides(latest)}
        if kept is not None and _same(kept.found, found):
            answer = Answer(kept.found, since, until, self._clears.count)
        else:
            answer = Answer(MappingProxyType(found), since, until, self._clears.count)
        if len(entity.answers) >= _ANSWERS_KEPT and key not in entity.answers:
            entity.answers.clear()
        entity.answers[key] = answer
        return answer.found

    def range(self, entity: str, component: str, timeline: str, low: int, high: int, *, clears: bool = True) -> Range:
        """All rows with `low <= time <= high` that set a component, by (time, row id).

        With `clears`, each clear that reaches the entity in this range stands in it as a row of its own with an empty
        cell (`Range.is_clear`), as if the component had been logged empty then: from there to the next row there is no
        value. A component that never has a value on the timeline has no such rows.

        Static data has no times: where the component is static, there are no rows and `Range.static` is its cell.
        The same question gets the same object until the entity, or a clear, changes; of each component, the last two
        questions are remembered.
        """
        with self._lock:
            found = self._settled(entity)
            if found is None:
                return Range.EMPTY
            answers = found.ranges.setdefault((component, timeline, clears), {})
            key = (low, high, self._clears.count)
            kept = answers.get(key)
            if kept is None:
                kept = range_of(found, component, timeline, low, high, self._clears if clears else None)
                if len(answers) >= _RANGES_KEPT:  # few: each may hold a copy of much data
                    del answers[next(iter(answers))]
                answers[key] = kept
            return kept

    @property
    def clear_revision(self) -> int:
        """Grows by one with every chunk that holds clears."""
        return self._clears.count

    def clears(self, entity: str, timeline: str) -> Tombstones:
        """All clears that reach an entity: its own, and the recursive ones of what is above it."""
        with self._lock:
            return self._clears.reaching(entity, timeline)


def _same(first: Mapping[str, Latest], second: Mapping[str, Latest]) -> bool:
    return len(first) == len(second) and all(first.get(name) is latest for name, latest in second.items())


def load_messages(messages: Iterable[LogMessage]) -> dict[StoreId, ChunkStore]:
    """One store for each recording and blueprint of a stream, in the order they first appear."""
    stores: dict[StoreId, ChunkStore] = {}
    for message in messages:
        if isinstance(message, StoreInfo | StoredChunk):
            store = stores.setdefault(message.store_id, ChunkStore(message.store_id))
            if isinstance(message, StoredChunk):
                store.insert(message.chunk)
    return stores
