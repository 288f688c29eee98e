"""What part of a chunk is wanted: entities, components, timelines, a range of time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge import _entity_path
from rrbridge._chunk import Chunk
from rrbridge._tuid import format_tuid, new_tuid
from rrbridge.errors import InvalidValueError

__all__ = ["Entities", "Selection", "without_columns"]

PROPERTIES = "/__properties"


@dataclass(frozen=True, slots=True)
class Entities:
    """Entity paths, each for itself or, written as `/world/**`, with all below it."""

    exact: frozenset[str] = frozenset()
    trees: tuple[str, ...] = ()

    @classmethod
    def of(cls, patterns: Iterable[str]) -> Entities:
        """Read `/a`, `a`, `/a/**`, `/**`. Raises InvalidValueError."""
        exact, trees = set(), []
        for pattern in patterns:
            path, star, rest = pattern.partition("*")
            if star and (rest != "*" or not (path in ("", "/") or path.endswith("/"))):
                raise InvalidValueError("entity", "a path, or a path and /**", repr(pattern))
            if star:
                trees.append(_entity_path.normalize(path))
            else:
                exact.add(_entity_path.normalize(path))
        return cls(frozenset(exact), tuple(trees))

    def __bool__(self) -> bool:
        return bool(self.exact or self.trees)

    def __contains__(self, path: str) -> bool:
        return path in self.exact or any(_entity_path.is_descendant(path, tree) for tree in self.trees)


@dataclass(frozen=True, slots=True)
class Selection:
    """What is wanted; where nothing is said, everything is."""

    entities: Entities | None = None
    """Only these; properties of the recording stay in any case."""
    dropped_entities: Entities = Entities()
    components: frozenset[str] | None = None
    """Only these."""
    dropped_components: frozenset[str] = frozenset()
    dropped_timelines: frozenset[str] = frozenset()
    timeline: str | None = None
    """The one that `start` and `end` are on. Rows that are not on it are left out; static ones stay."""
    start: int | None = None
    """The first time that is wanted: a sequence number or nanoseconds."""
    end: int | None = None
    """The last time that is wanted."""

    def wants_entity(self, path: str) -> bool:
        """Whether anything of an entity is wanted."""
        if path in self.dropped_entities:
            return False
        return self.entities is None or path in self.entities or _entity_path.is_descendant(path, PROPERTIES)

    def wants_component(self, component: str) -> bool:
        """Whether a component is wanted."""
        return component not in self.dropped_components and (self.components is None or component in self.components)

    @property
    def has_range(self) -> bool:
        """Whether rows are chosen by time."""
        return self.timeline is not None and (self.start is not None or self.end is not None)

    def without_range(self) -> Selection:
        """The same for all times."""
        return replace(self, timeline=None, start=None, end=None)

    def of(self, chunk: Chunk) -> Chunk | None:
        """The part that is wanted: the very same chunk if that is all of it, else one with an id of its own, or None.

        A chunk whose last timeline is dropped becomes static, as with the reference.
        """
        if not self.wants_entity(chunk.entity_path):
            return None
        if self.has_range and not chunk.is_static:
            rows = self._rows(chunk)
            if not len(rows):
                return None
            if len(rows) < chunk.num_rows:
                chunk = chunk.take(rows)
        gone = {name for name in chunk.components if not self.wants_component(name)}
        if gone:
            if len(gone) == len(chunk.components):
                return None
            chunk = _without_bare_rows(without_columns(chunk, components=gone))
            if not chunk.num_rows:
                return None
        dropped = self.dropped_timelines & chunk.times.keys()
        return without_columns(chunk, timelines=dropped) if dropped else chunk

    def _rows(self, chunk: Chunk) -> npt.NDArray[np.int64]:
        column = chunk.times.get(self.timeline or "")
        if column is None:
            return np.zeros(0, np.int64)
        wanted = np.ones(len(column), np.bool_)
        if self.start is not None:
            wanted &= column.values >= self.start
        if self.end is not None:
            wanted &= column.values <= self.end
        return np.flatnonzero(wanted)


def without_columns(chunk: Chunk, *, timelines: Iterable[str] = (), components: Iterable[str] = ()) -> Chunk:
    """The chunk without some of its columns, under an id of its own."""
    names = [None, *chunk.times, *chunk.components]
    gone = {*timelines, *components}
    keep = [index for index, name in enumerate(names) if name is None or name not in gone]
    batch = chunk.to_record_batch()
    metadata = dict(batch.schema.metadata) | {b"rerun:id": format_tuid(new_tuid(), "chunk_").encode()}
    fields = [batch.schema.field(index) for index in keep]
    columns = [batch.column(index) for index in keep]
    return Chunk(pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields, metadata=metadata)))


def _without_bare_rows(chunk: Chunk) -> Chunk:
    """Without rows that no component has a value in."""
    filled = np.zeros(chunk.num_rows, np.bool_)
    for component in chunk.components.values():
        if not component.cells.null_count:
            return chunk
        filled |= component.cells.is_valid().to_numpy(zero_copy_only=False)
    return chunk if filled.all() else chunk.take(np.flatnonzero(filled))
