"""A recording by its index: what it holds is known at once, chunks are read when they are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from rrbridge._chunk import Chunk
from rrbridge._chunk_filter import ChunkFilter
from rrbridge._chunk_nodes import Node, Run, Ticks
from rrbridge._chunk_source import summary_of
from rrbridge._chunk_stream import LazyChunkStream
from rrbridge._messages import StoreId, StoreKind

if TYPE_CHECKING:
    from rrbridge._schema import Schema
    from rrbridge.rrd import Manifest, RrdReader

__all__ = ["LazyStore", "StoreEntry"]


@dataclass(frozen=True)
class StoreEntry:
    """A recording or blueprint of a file, by name."""

    kind: Literal["recording", "blueprint"]
    application_id: str
    recording_id: str

    @classmethod
    def of(cls, store_id: StoreId) -> StoreEntry:
        """By the id of the store."""
        kind: Literal["recording", "blueprint"] = "recording" if store_id.kind is StoreKind.RECORDING else "blueprint"
        return cls(kind, store_id.application_id, store_id.recording_id)

    @property
    def store_id(self) -> StoreId:
        """The id of the store."""
        kind = StoreKind.RECORDING if self.kind == "recording" else StoreKind.BLUEPRINT
        return StoreId(kind, self.application_id, self.recording_id)


@dataclass(frozen=True, slots=True)
class ChunkEntry:
    """What the index says about a chunk."""

    index: int
    entity_path: str
    is_static: bool
    timelines: tuple[str, ...]
    components: tuple[str, ...]


class LazyStore:
    """One recording of a file, of which only the index is in memory.

    A stream of it that is filtered first reads only the chunks that the filter can take.
    """

    def __init__(self, reader: RrdReader, manifest: Manifest) -> None:
        self._reader = reader
        self._manifest = manifest
        self.chunks_loaded = 0
        """How many chunks were read so far."""

    @cached_property
    def entries(self) -> tuple[ChunkEntry, ...]:
        """What the index says about each chunk, in the order of the file."""
        manifest = self._manifest
        timelines: list[list[str]] = [[] for _ in range(len(manifest))]
        components: list[set[str]] = [set() for _ in range(len(manifest))]
        descriptors = {descriptor for found in manifest.components.values() for descriptor in found}
        for timeline in sorted(manifest.timelines):
            for index in np.flatnonzero(manifest.times(timeline).present):
                timelines[index].append(timeline)
        for descriptor in descriptors:
            holds = manifest.has_static(descriptor)
            for timeline in manifest.timelines:
                ranges = manifest.component_times(timeline, descriptor)
                holds = holds if ranges is None else holds | ranges.present
            for index in np.flatnonzero(holds):
                components[index].add(descriptor.component)
        return tuple(
            ChunkEntry(index, path, bool(manifest.is_static[index]), tuple(timelines[index]), tuple(components[index]))
            for index, path in enumerate(manifest.entity_paths)
        )

    def load(self, index: int) -> Chunk:
        """One chunk. Raises FileError."""
        self.chunks_loaded += 1
        return self._reader.chunk(self._manifest, index)

    def schema(self) -> Schema:
        """Its timelines, and the components of its entities, from the index."""
        from rrbridge._schema import schema_of_manifest

        return schema_of_manifest(self._manifest)

    def summary(self) -> str:
        """A line for each chunk, by entity and age, without reading any: entity, rows, timelines, columns."""
        rows = self._manifest.num_rows
        return summary_of(
            (
                entry.entity_path,
                self._manifest.chunk_id(entry.index),
                self.load(entry.index).num_rows if rows is None else int(rows[entry.index]),
                entry.is_static,
                entry.timelines,
                entry.components,
            )
            for entry in self.entries
        )

    def stream(self) -> LazyChunkStream:
        """Its chunks, in the order of the file."""
        return LazyChunkStream(_Indexed(self))

    def write_rrd(self, path: str | os.PathLike[str], *, application_id: str, recording_id: str) -> None:
        """Write it to a recording of its own. Raises FileError."""
        self.stream().write_rrd(path, application_id=application_id, recording_id=recording_id)

    def __len__(self) -> int:
        return len(self._manifest)

    def __bool__(self) -> bool:
        """True, with or without chunks."""
        return True

    def __repr__(self) -> str:
        return f"LazyStore({self._reader.path}, {len(self)} chunks)"


@dataclass(frozen=True, eq=False)
class _Indexed:
    """The chunks of a lazy store that filters can take."""

    store: LazyStore
    criteria: tuple[ChunkFilter, ...] = ()

    def open(self, run: Run) -> Ticks:  # noqa: ARG002 - the beginning of every run
        return self._chunks()

    def _chunks(self) -> Iterator[Chunk]:
        for entry in self.store.entries:
            if all(
                criteria.takes(
                    entry.entity_path,
                    is_static=entry.is_static,
                    timelines=entry.timelines,
                    components=entry.components,
                )
                for criteria in self.criteria
            ):
                yield self.store.load(entry.index)

    def narrowed(self, criteria: ChunkFilter) -> Node:
        """The same, of fewer chunks."""
        return _Indexed(self.store, (*self.criteria, criteria))

    def __str__(self) -> str:
        return str(self.store)
