"""What recordings are made of: how many chunks and rows, how large, of which entities, components and timelines."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from rrbridge._chunk import Chunk
from rrbridge._messages import ActivateBlueprint, StoredChunk, StoreId, StoreInfo
from rrbridge._timeline import TimeKind
from rrbridge.errors import DamagedFileError, FileError, NotARecordingError, UnsupportedVersionError
from rrbridge.rrd._codec import Entry
from rrbridge.rrd._container import FrameKind, HeaderError, TooOldError
from rrbridge.rrd._frames import FrameReader
from rrbridge.rrd._protocol import StoreIds, decode_arrow_msg, decode_store_info
from rrbridge.rrd._wire import WireError

__all__ = [
    "PERCENTILES",
    "ComponentStats",
    "Distribution",
    "EntityStats",
    "PackedStats",
    "Stats",
    "TimelineStats",
    "packed_stats_of",
    "stats_of",
]

Progress = Callable[[int, int], None]

PERCENTILES = (50, 90, 95, 99, 99.9)


@dataclass(frozen=True, slots=True)
class Distribution:
    """Many numbers in a few."""

    total: int
    minimum: int
    maximum: int
    average: float
    percentiles: Mapping[float, int]
    """The number below which so many per cent of them lie."""

    @classmethod
    def of(cls, numbers: array[int]) -> Distribution:
        """Of no numbers, all are 0."""
        values: npt.NDArray[np.int64] = np.sort(np.frombuffer(numbers, np.int64)) if numbers else np.zeros(1, np.int64)
        last = len(values) - 1
        return cls(
            int(values.sum()),
            int(values[0]),
            int(values[-1]),
            float(values.mean()),
            {p: int(values[min(int(len(values) * p / 100), last)]) for p in PERCENTILES},
        )


@dataclass(slots=True)
class ComponentStats:
    """One component, of one entity or of all."""

    chunks: int = 0
    values: int = 0
    """Rows that have one, be it empty."""
    nbytes: int = 0
    """In memory."""

    def add(self, other: ComponentStats) -> None:
        """Count these too."""
        self.chunks += other.chunks
        self.values += other.values
        self.nbytes += other.nbytes


@dataclass(slots=True)
class TimelineStats:
    """One timeline, of one entity or of all."""

    kind: TimeKind
    chunks: int = 0
    rows: int = 0
    nbytes: int = 0
    unsorted_chunks: int = 0
    start: int | None = None
    """First time: a sequence number or nanoseconds."""
    end: int | None = None

    def add(self, other: TimelineStats) -> None:
        """Count these too."""
        self.chunks += other.chunks
        self.rows += other.rows
        self.nbytes += other.nbytes
        self.unsorted_chunks += other.unsorted_chunks
        if other.start is not None and other.end is not None:
            self.start = other.start if self.start is None else min(self.start, other.start)
            self.end = other.end if self.end is None else max(self.end, other.end)


@dataclass(slots=True)
class EntityStats:
    """One entity of one store."""

    chunks: int = 0
    static_chunks: int = 0
    rows: int = 0
    packed_bytes: int = 0
    """In the file."""
    unpacked_bytes: int = 0
    components: dict[str, ComponentStats] = field(default_factory=dict)
    timelines: dict[str, TimelineStats] = field(default_factory=dict)


class Stats:
    """All of it; a chunk leaves a few numbers behind."""

    def __init__(self) -> None:
        self.entities: dict[StoreId, dict[str, EntityStats]] = {}
        self.announcements = 0
        self.activations = 0
        self._static = 0
        self._bare = 0
        self._rows = array("q")
        self._indexes = array("q")
        self._columns = array("q")
        self._packed = array("q")
        self._unpacked = array("q")
        self._schemas = array("q")

    def add(self, entry: Entry) -> None:
        """Count a message."""
        message = entry.message
        if not isinstance(message, StoredChunk) or entry.packed is None:
            self.activations += isinstance(message, ActivateBlueprint)
            self.announcements += isinstance(message, StoreInfo)
            return
        chunk, packed, unpacked = message.chunk, sum(map(len, entry.packed.payload)), entry.packed.uncompressed_size
        self._rows.append(chunk.num_rows)
        self._indexes.append(len(chunk.times))
        self._columns.append(len(chunk.components))
        self._packed.append(packed)
        self._unpacked.append(unpacked)
        self._schemas.append(entry.schema_bytes)
        self._static += chunk.is_static
        self._bare += not chunk.components
        entity = self.entities.setdefault(message.store_id, {}).setdefault(chunk.entity_path, EntityStats())
        entity.chunks += 1
        entity.static_chunks += chunk.is_static
        entity.rows += chunk.num_rows
        entity.packed_bytes += packed
        entity.unpacked_bytes += unpacked
        _add_columns(entity, chunk)

    @property
    def chunks(self) -> int:
        """How many."""
        return len(self._rows)

    @property
    def static_chunks(self) -> int:
        """How many belong to all times."""
        return self._static

    @property
    def chunks_without_components(self) -> int:
        """How many hold nothing."""
        return self._bare

    @property
    def rows(self) -> Distribution:
        """Rows of each chunk."""
        return Distribution.of(self._rows)

    @property
    def indexes(self) -> Distribution:
        """Timelines of each chunk."""
        return Distribution.of(self._indexes)

    @property
    def columns(self) -> Distribution:
        """Components of each chunk."""
        return Distribution.of(self._columns)

    @property
    def packed_bytes(self) -> Distribution:
        """Size of each chunk in the file."""
        return Distribution.of(self._packed)

    @property
    def unpacked_bytes(self) -> Distribution:
        """Size of each chunk's schema and data, decompressed."""
        return Distribution.of(self._unpacked)

    @property
    def schema_bytes(self) -> Distribution:
        """How much of that is the schema."""
        return Distribution.of(self._schemas)

    @property
    def data_bytes(self) -> Distribution:
        """How much of that is the data."""
        if not self._rows:
            return Distribution.of(self._rows)
        data = np.frombuffer(self._unpacked, np.int64) - np.frombuffer(self._schemas, np.int64)
        return Distribution.of(array("q", data.tobytes()))

    @property
    def entity_paths(self) -> set[str]:
        """Every entity, of whichever store."""
        return {path for entities in self.entities.values() for path in entities}

    @property
    def components(self) -> dict[str, ComponentStats]:
        """Each component over all entities."""
        found: dict[str, ComponentStats] = {}
        for entity in self._all():
            for name, one in entity.components.items():
                found.setdefault(name, ComponentStats()).add(one)
        return dict(sorted(found.items()))

    @property
    def timelines(self) -> dict[str, TimelineStats]:
        """Each timeline over all entities."""
        found: dict[str, TimelineStats] = {}
        for entity in self._all():
            for name, one in entity.timelines.items():
                found.setdefault(name, TimelineStats(one.kind)).add(one)
        return dict(sorted(found.items()))

    def _all(self) -> Iterable[EntityStats]:
        return (one for entities in self.entities.values() for one in entities.values())


def _add_columns(entity: EntityStats, chunk: Chunk) -> None:
    for name, component in chunk.components.items():
        cells = component.cells
        one = ComponentStats(1, len(cells) - cells.null_count, int(cells.nbytes))
        entity.components.setdefault(name, ComponentStats()).add(one)
    for name, column in chunk.times.items():
        times = TimelineStats(column.kind, 1, len(column), column.values.nbytes, not column.is_sorted)
        if len(column):
            times.start, times.end = int(column.values.min()), int(column.values.max())
        entity.timelines.setdefault(name, TimelineStats(column.kind)).add(times)


@dataclass(slots=True)
class PackedStats:
    """What can be said without unpacking anything."""

    packed: array[int] = field(default_factory=lambda: array("q"))
    unpacked: array[int] = field(default_factory=lambda: array("q"))
    stores: dict[StoreId, int] = field(default_factory=dict)
    """Chunks of each."""

    @property
    def packed_bytes(self) -> Distribution:
        """Size of each chunk in the file."""
        return Distribution.of(self.packed)

    @property
    def unpacked_bytes(self) -> Distribution:
        """Size of each chunk once unpacked, by its own account."""
        return Distribution.of(self.unpacked)


def packed_stats_of(source: Path | IO[bytes], progress: Progress | None = None) -> PackedStats:
    """Count what stands in a file or pipe, without looking into chunks; up to where it is torn. Raises FileError."""
    name = source if isinstance(source, Path) else Path(str(getattr(source, "name", "<stream>")))
    found, stores = PackedStats(), StoreIds()
    try:
        with source.open("rb") if isinstance(source, Path) else nullcontext(source) as file:
            frames = FrameReader(file)
            for frame in frames:
                if frame.kind is FrameKind.STORE_INFO:
                    stores.announce(decode_store_info(frame.payload).store_id)
                elif frame.kind is FrameKind.ARROW:
                    message = decode_arrow_msg(frame.payload, stores)
                    found.packed.append(sum(map(len, message.payload)))
                    found.unpacked.append(message.uncompressed_size)
                    found.stores[message.store_id] = found.stores.get(message.store_id, 0) + 1
                if progress is not None:
                    progress(frames.position, frames.size or frames.position)
    except TooOldError as err:
        raise UnsupportedVersionError(name, str(err)) from None
    except HeaderError as err:
        raise NotARecordingError(name, str(err)) from None
    except WireError as err:
        raise DamagedFileError(name, str(err), offset=frame.offset) from None
    except OSError as err:
        raise FileError(name, err.strerror or str(err)) from err
    return found


def stats_of(entries: Iterable[Entry]) -> Stats:
    """Count everything. Raises FileError where reading does."""
    found = Stats()
    for entry in entries:
        found.add(entry)
    return found
