"""A finished recording on disk: its index is in memory, its chunks are read when a query needs them."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge import _entity_path
from rrbridge._chunk import Chunk
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._joined_files import JoinedFiles
from rrbridge._messages import StoreId, StoreKind
from rrbridge._store_index import Latest, Span
from rrbridge._store_rows import ColdColumn
from rrbridge._store_runs import Run
from rrbridge._timeline import STATIC_TIME
from rrbridge._tuid import tuids_from_arrow
from rrbridge.errors import DamagedFileError, FileError
from rrbridge.rrd import Manifest, RrdReader

__all__ = ["ColdEntity", "ColdFile", "open_recording"]

Indices = npt.NDArray[np.int64]


class ColdFile:
    """One recording of a file, by its index. Chunks that were read are kept, the last used ones longest."""

    def __init__(self, reader: RrdReader | JoinedFiles, manifest: Manifest) -> None:
        self.reader = reader
        self.manifest = manifest
        self.on_load: Callable[[], None] = _nothing
        """Called after a chunk was read; may call `evict`."""
        self._loaded: OrderedDict[int, Run] = OrderedDict()
        self._unreadable: set[int] = set()
        self.held = 0
        """What the chunks in memory take, all in all."""
        self.ids = tuids_from_arrow(manifest.data.column("chunk_id")).view("S16").reshape(-1)
        numbers: dict[str, int] = {}
        given = manifest.data.column("chunk_entity_path").to_pylist()
        self._codes = np.array([numbers.setdefault(path, len(numbers)) for path in given], np.int64)
        self._paths = [_entity_path.normalize(path) for path in numbers]
        _, self._chunks = np.unique(self.ids, return_index=True)
        self._chunks.sort()

    @property
    def num_chunks(self) -> int:
        """How many there are, in memory or not; of those with the same id, one."""
        return len(self._chunks)

    @property
    def num_rows(self) -> int:
        """Of all its chunks."""
        rows = self.manifest.num_rows
        return 0 if rows is None else int(rows[self._chunks].sum())

    def entities(self) -> dict[str, ColdEntity]:
        """All its entities, in the order that they first appear."""
        order = self._chunks[np.argsort(self._codes[self._chunks], kind="stable")]
        starts = np.flatnonzero(np.diff(self._codes[order], prepend=-1))
        found: dict[str, list[Indices]] = {}
        for part in sorted(np.split(order, starts[1:]), key=lambda part: int(part[0]) if len(part) else 0):
            if len(part):
                found.setdefault(self.entity_path(int(part[0])), []).append(part)
        return {path: ColdEntity(self, path, np.sort(np.concatenate(parts))) for path, parts in found.items()}

    def entity_path(self, index: int) -> str:
        """The entity of a chunk."""
        path: str = self._paths[self._codes[index]]
        return path

    def load(self, index: int) -> Run | None:
        """A chunk, from memory or else from the file; None if it is damaged, which is told once. Raises FileError."""
        run = self._loaded.get(index)
        if run is not None:
            self._loaded.move_to_end(index)
            return run
        if index in self._unreadable:
            return None
        try:
            chunk = self._read(index)
        except DamagedFileError as err:
            self._unreadable.add(index)
            self.reader.tell(err)
            return None
        run = self._loaded[index] = Run(chunk, chunk.nbytes, index)
        self.held += run.held
        self.on_load()
        return run

    def _read(self, index: int) -> Chunk:
        chunk = self.reader.chunk(self.manifest, index)
        if chunk.entity_path != self.entity_path(index):
            offset = int(self.manifest.byte_offsets[index])
            raise DamagedFileError(self.reader.path, "the index has another entity for this chunk", offset=offset)
        return chunk

    def evict(self) -> str | None:
        """Let go of the chunk that was not used for longest; its entity. The last one stays: None."""
        if len(self._loaded) < 2:
            return None
        index, run = self._loaded.popitem(last=False)
        self.held -= run.held
        return self.entity_path(index)

    def with_component(self, component: str) -> Indices:
        """The chunks that may hold values of a component, of all entities."""
        entities = {path for path, known in self.components.items() if component in known}
        wanted = np.array([path in entities for path in self._paths], bool)
        chunks: Indices = self._chunks[wanted[self._codes[self._chunks]]]
        return chunks

    @cached_property
    def components(self) -> Mapping[str, Mapping[str, list[ComponentDescriptor]]]:
        """By entity and component."""
        found: dict[str, dict[str, list[ComponentDescriptor]]] = {}
        for path, descriptors in self.manifest.components.items():
            known = found.setdefault(_entity_path.normalize(path), {})
            for descriptor in descriptors:
                known.setdefault(descriptor.component, []).append(descriptor)
        return found

    @cached_property
    def types(self) -> Mapping[str, Mapping[str, pa.DataType]]:
        """What the cells of each component are, by entity and component."""
        found: dict[str, dict[str, pa.DataType]] = {}
        for field in self.manifest.schema:
            metadata = field.metadata or {}
            if b"rerun:entity_path" in metadata:
                path = _entity_path.normalize(metadata[b"rerun:entity_path"].decode())
                name = ComponentDescriptor.from_metadata(field.name, metadata).component
                found.setdefault(path, {})[name] = field.type
        return found


def _nothing() -> None:
    """There is no limit."""


def open_recording(source: str | os.PathLike[str] | RrdReader | JoinedFiles, store_id: StoreId | None) -> ColdFile:
    """A recording of a file: the one named, or else the first. Raises FileError."""
    reader = RrdReader(source) if isinstance(source, str | os.PathLike) else source
    manifests = reader.manifests()
    if isinstance(reader, RrdReader) and any(
        m.num_rows is None for m in manifests
    ):  # of an old version, with names of its time
        manifests = reader.scan()
    recordings = [m for m in manifests if m.store_id.kind is StoreKind.RECORDING]
    wanted = [m for m in manifests if m.store_id == store_id] if store_id is not None else recordings
    if not wanted:
        which = "" if store_id is None else f" {store_id.recording_id!r} of application {store_id.application_id!r}"
        raise FileError(reader.path, f"it holds no recording{which}")
    return ColdFile(reader, wanted[0])


class ColdEntity:
    """One entity of a file."""

    def __init__(self, file: ColdFile, path: str, indices: Indices) -> None:
        self._file = file
        self.indices = indices
        self.descriptors = file.components.get(path, {})
        self.types = file.types.get(path, {})

    def __len__(self) -> int:
        return len(self.indices)

    def runs(self) -> Iterator[Run]:
        """Its chunks, one after the other."""
        loaded = map(self._file.load, self.indices.tolist())
        return (run for run in loaded if run is not None)

    @property
    def is_static(self) -> npt.NDArray[np.bool_]:
        """Which of its chunks are static."""
        return self._file.manifest.is_static[self.indices]

    @cached_property
    def statics(self) -> dict[str, Latest]:
        """The cell with the greatest row id of each component that has static data; these stay in memory."""
        found: dict[str, Latest] = {}
        for index in self.indices[self.is_static].tolist():
            run = self._file.load(index)
            for component in run.chunk.components if run is not None else ():
                latest = run.static(component) if run is not None else None
                known = found.get(component)
                if latest is not None and (known is None or latest.row_id > known.row_id):
                    found[component] = latest
        return found

    @cached_property
    def time_ranges(self) -> dict[str, tuple[int, int]]:
        """First and last time on each timeline."""
        found: dict[str, tuple[int, int]] = {}
        for timeline in self._file.manifest.timelines:
            ranges = self._file.manifest.times(timeline)
            here = self.indices[ranges.present[self.indices]]
            odd = here[ranges.start[here] == STATIC_TIME]
            bounds: list[tuple[int, int]] = []
            plain = here[ranges.start[here] > STATIC_TIME]
            if len(plain):
                bounds.append((int(ranges.start[plain].min()), int(ranges.end[plain].max())))
            looked_into = map(self._file.load, odd.tolist())  # they have rows at the reserved time
            bounds += [r.time_ranges[timeline] for r in looked_into if r is not None and timeline in r.time_ranges]
            if bounds:
                found[timeline] = min(low for low, _ in bounds), max(high for _, high in bounds)
        return found

    def column(self, timeline: str, component: str) -> ColdColumn | None:
        """All rows that set a component, on a timeline; None if there are none."""
        if timeline not in self._file.manifest.timelines or component not in self.descriptors:
            return None
        starts, ends, is_exact = self._bounds(timeline, component)
        present = starts <= ends
        indices = self.indices[present]
        if not len(indices):
            return None
        order = np.argsort(starts[present], kind="stable")

        def load(index: int) -> Span | None:
            run = self._file.load(index)
            return None if run is None else run.span(timeline, component)

        if not is_exact and all(load(index) is None for index in indices.tolist()):
            return None
        return ColdColumn(starts[present][order], ends[present][order], indices[order], load, is_exact=is_exact)

    def _bounds(self, timeline: str, component: str) -> tuple[Indices, Indices, bool]:
        """First and last time of each chunk, start > end where it has none; and whether they are of the very component."""
        manifest = self._file.manifest
        starts = np.full(len(self.indices), np.iinfo(np.int64).max)
        ends = np.full(len(self.indices), STATIC_TIME)
        is_exact = True
        for descriptor in self.descriptors[component]:
            ranges = manifest.component_times(timeline, descriptor)
            if ranges is None and manifest.tells_component_times(timeline):
                continue
            if ranges is None:
                ranges, is_exact = manifest.times(timeline), False
            here = ranges.present[self.indices]
            starts = np.where(here, np.minimum(starts, ranges.start[self.indices]), starts)
            ends = np.where(here, np.maximum(ends, ranges.end[self.indices]), ends)
        return starts, ends, is_exact and bool(np.all(starts > STATIC_TIME))
