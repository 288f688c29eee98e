"""The index of one store: where its chunks are and which times they hold (FORMAT §3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import as_numpy, flags, valid_rows
from rrbridge._descriptor import ComponentDescriptor, short_name
from rrbridge._messages import StoreId
from rrbridge._timeline import TimeKind
from rrbridge.rrd import _ipc
from rrbridge.rrd._ipc import PayloadError
from rrbridge.rrd._protocol import RawManifest

__all__ = ["INDEX_KEY", "STATIC_INDEX", "Manifest", "TimeRanges", "column_name"]

INDEX_KEY = b"rerun:index"
STATIC_INDEX = "rerun:static"
_AWKWARD = str.maketrans(dict.fromkeys(",-.\\ ", "_"))


def column_name(timeline: str, descriptor: ComponentDescriptor | None, suffix: str) -> str:
    """The name of an index column: `log_time:Points3D:positions:start`."""
    parts = [timeline]
    if descriptor is not None:
        parts += [short_name(descriptor.archetype or ""), descriptor.field]
    return ":".join(part for part in (*parts, suffix) if part).translate(_AWKWARD).lstrip("_")


@dataclass(frozen=True, eq=False, slots=True)
class TimeRanges:
    """First and last time of each chunk, both inclusive."""

    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    present: npt.NDArray[np.bool_]
    """False where the chunk has no such times; start and end mean nothing there."""


class Manifest:
    """One row per chunk, in the order of the file. All arrays have shape (chunks,)."""

    def __init__(self, store_id: StoreId, schema: pa.Schema, data: pa.RecordBatch) -> None:
        """Take an index as it was read or built. Raises PayloadError where a column that is needed is missing."""
        self.store_id = store_id
        self.schema = schema
        """Every column of the store; component columns are named `<entity path>:<component>`."""
        self.data = data
        for name, datatype in (
            ("chunk_entity_path", pa.utf8()),
            ("chunk_id", pa.binary(16)),
            ("chunk_is_static", pa.bool_()),
            ("chunk_byte_offset", pa.uint64()),
            ("chunk_byte_size", pa.uint64()),
        ):
            index = data.schema.get_field_index(name)
            if index < 0 or data.schema.field(index).type != datatype or data.column(index).null_count:
                raise PayloadError(f"a manifest without {name}")

    @classmethod
    def decode(cls, raw: RawManifest) -> Manifest:
        """The index in a footer. Raises PayloadError."""
        data = _ipc.read_batch(_ipc.unpack(raw.data, raw.compression, raw.uncompressed_size))
        try:
            manifest = cls(raw.store_id, _ipc.read_schema(raw.schema), data)
            _ = manifest.timelines, manifest.components  # so that no surprise is left for later
        except UnicodeDecodeError as err:
            raise PayloadError("a manifest with names that are not UTF-8") from err
        return manifest

    def __len__(self) -> int:
        return int(self.data.num_rows)

    @cached_property
    def entity_paths(self) -> list[str]:
        """The entity of each chunk."""
        paths = self.data.column("chunk_entity_path").dictionary_encode()
        names = paths.dictionary.to_pylist()
        return [names[i] for i in paths.indices.to_pylist()]

    @property
    def entities(self) -> list[str]:
        """Every entity once, in alphabetical order."""
        return sorted(set(self.entity_paths))

    def chunk_id(self, chunk: int) -> bytes:
        """The id of one chunk."""
        return bytes(self.data.column("chunk_id")[chunk].as_py())

    @cached_property
    def is_static(self) -> npt.NDArray[np.bool_]:
        """Whether each chunk belongs to all times."""
        return flags(self.data.column("chunk_is_static"))

    @cached_property
    def byte_offsets(self) -> npt.NDArray[np.uint64]:
        """Where each chunk's message begins, from the start of the file."""
        return as_numpy(self.data.column("chunk_byte_offset"), np.uint64)

    @cached_property
    def byte_sizes(self) -> npt.NDArray[np.uint64]:
        """Size of each chunk's message."""
        return as_numpy(self.data.column("chunk_byte_size"), np.uint64)

    @cached_property
    def num_rows(self) -> npt.NDArray[np.uint64] | None:
        """Rows of each chunk; None in a manifest of 0.31 or older."""
        return self._numbers("chunk_num_rows")

    @cached_property
    def uncompressed_sizes(self) -> npt.NDArray[np.uint64] | None:
        """Size of each chunk's data once unpacked, so about what it takes in memory; None in older manifests."""
        return self._numbers("chunk_byte_size_uncompressed")

    def _numbers(self, name: str) -> npt.NDArray[np.uint64] | None:
        index = self.data.schema.get_field_index(name)
        if index < 0 or self.data.schema.field(index).type != pa.uint64() or self.data.column(index).null_count:
            return None
        return as_numpy(self.data.column(index), np.uint64)

    @cached_property
    def _columns(self) -> dict[tuple[str, ComponentDescriptor | None, str], int]:
        """Where the columns per timeline and component are; those of an unexpected type are passed over."""
        found: dict[tuple[str, ComponentDescriptor | None, str], int] = {}
        for index, field in enumerate(self.data.schema):
            metadata = field.metadata or {}
            suffix = field.name.rpartition(":")[2]
            if INDEX_KEY not in metadata or not _is_expected(suffix, field.type):
                continue
            descriptor = (
                ComponentDescriptor.from_metadata(field.name, metadata) if b"rerun:component" in metadata else None
            )
            found[metadata[INDEX_KEY].decode(), descriptor, suffix] = index
        return found

    @cached_property
    def timelines(self) -> Mapping[str, TimeKind]:
        """Every timeline of the store."""
        return {
            timeline: TimeKind.from_arrow(self.data.schema.field(index).type)
            for (timeline, descriptor, suffix), index in self._columns.items()
            if descriptor is None and suffix == "start"
        }

    @cached_property
    def components(self) -> Mapping[str, list[ComponentDescriptor]]:
        """The components of each entity."""
        found: dict[str, list[ComponentDescriptor]] = {}
        for field in self.schema:
            metadata = field.metadata or {}
            if b"rerun:entity_path" in metadata:
                entity = metadata[b"rerun:entity_path"].decode()
                found.setdefault(entity, []).append(ComponentDescriptor.from_metadata(field.name, metadata))
        return found

    def times(self, timeline: str) -> TimeRanges:
        """When each chunk begins and ends on a timeline; absent everywhere if the store has no such timeline."""
        found = self._ranges(timeline, None)
        if found is None:
            nothing = np.zeros(len(self), np.int64)
            return TimeRanges(nothing, nothing, np.zeros(len(self), np.bool_))
        return found

    def component_times(self, timeline: str, descriptor: ComponentDescriptor) -> TimeRanges | None:
        """When each chunk's first and last value of a component is; None if the manifest does not say."""
        return self._ranges(timeline, descriptor)

    def tells_component_times(self, timeline: str) -> bool:
        """Whether it says so of any component: then one of which it says nothing has no values there."""
        return any(
            name == timeline and descriptor is not None and suffix == "start"
            for name, descriptor, suffix in self._columns
        )

    def component_rows(self, timeline: str, descriptor: ComponentDescriptor) -> npt.NDArray[np.uint64] | None:
        """How many values of a component each chunk has on a timeline; None if the manifest does not say."""
        index = self._columns.get((timeline, descriptor, "num_rows"))
        return None if index is None else as_numpy(self.data.column(index), np.uint64)

    def has_static(self, descriptor: ComponentDescriptor) -> npt.NDArray[np.bool_]:
        """Which chunks hold static values of a component."""
        index = self._columns.get((STATIC_INDEX, descriptor, "has_static_data"))
        if index is None:
            return np.zeros(len(self), np.bool_)
        return flags(self.data.column(index))

    def _ranges(self, timeline: str, descriptor: ComponentDescriptor | None) -> TimeRanges | None:
        start = self._columns.get((timeline, descriptor, "start"))
        end = self._columns.get((timeline, descriptor, "end"))
        if start is None or end is None:
            return None
        first, last = self.data.column(start), self.data.column(end)
        present = valid_rows(first)
        return TimeRanges(as_numpy(first, np.int64), as_numpy(last, np.int64), present)


def _is_expected(suffix: str, datatype: pa.DataType) -> bool:
    if suffix in ("start", "end"):
        try:
            return TimeKind.from_arrow(datatype) is not None
        except ValueError:
            return False
    return bool(datatype == {"num_rows": pa.uint64(), "has_static_data": pa.bool_()}.get(suffix))
