"""Mending a recording: everything whole in it, in a stream of its own with an index, and an account of what is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rrbridge._messages import StoredChunk, StoreId, StoreInfo
from rrbridge._timeline import TimeKind
from rrbridge.errors import NotARecordingError
from rrbridge.rrd._codec import Entry
from rrbridge.rrd._manifest import Manifest
from rrbridge.rrd._writer import RrdWriter
from rrbridge.rrd.tools._salvage import Gap, Salvage

__all__ = ["Loss", "Recovery", "TimeSpan", "recover"]

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """First and last time on a timeline, both inclusive."""

    kind: TimeKind
    start: int
    """Sequence number or nanoseconds."""
    end: int

    def widened(self, start: int, end: int) -> TimeSpan:
        """A span that holds these times too."""
        return TimeSpan(self.kind, min(self.start, start), max(self.end, end))


@dataclass(frozen=True, slots=True)
class Loss:
    """Bytes that are not in the output, and what was in them as far as an index or the bytes themselves still say."""

    offset: int | None
    """None where the place is not known."""
    size: int | None
    reason: str
    holds_data: bool
    """False where only an index stood, which is made anew."""
    chunks: int | None = None
    """How many, if an index says so."""
    rows: int | None = None
    entities: tuple[str, ...] = ()
    times: dict[str, TimeSpan] = field(default_factory=dict)


@dataclass(slots=True)
class Recovery:
    """What was found and kept."""

    messages: int = 0
    chunks: int = 0
    rows: int = 0
    duplicates: int = 0
    """Chunks that were in the file before, and are kept once."""
    announced: int = 0
    """Stores that were not announced before their data, and now are."""
    streams: int = 0
    finished_streams: int = 0
    times: dict[str, TimeSpan] = field(default_factory=dict)
    """Of what is kept."""
    losses: tuple[Loss, ...] = ()

    @property
    def is_lossless(self) -> bool:
        """Whether all data is kept."""
        return not any(loss.holds_data for loss in self.losses)

    @property
    def was_whole(self) -> bool:
        """Whether there was nothing to mend."""
        return not (self.losses or self.duplicates or self.announced) and self.streams == self.finished_streams == 1


def recover(path: Path, writer: RrdWriter, progress: Progress | None = None) -> Recovery:
    """Write what is whole in a file on a disk; the writer is the caller's to close.

    After damage in the middle, reading goes on at the next whole message. Raises FileError: NotARecordingError if there is
    nothing to keep, UnsupportedVersionError.
    """
    salvage = Salvage(path)
    found = Recovery()
    for entry in _announced(salvage.entries(progress), found, writer):
        writer.copy(entry)
        _count(found, entry)
    if not salvage.streams and not found.messages:
        raise NotARecordingError(path, "holds nothing of a recording: neither a header nor a whole message")
    found.streams, found.finished_streams = salvage.streams, salvage.finished_streams
    found.losses = tuple(_loss(gap, salvage.indexes) for gap in salvage.gaps)
    return found


def _announced(entries: Iterator[Entry], found: Recovery, writer: RrdWriter) -> Iterator[Entry]:
    """Each chunk once; stores whose announcement was lost are announced."""
    known: set[StoreId] = set()
    ids: set[tuple[StoreId, bytes]] = set()
    for entry in entries:
        message = entry.message
        if isinstance(message, StoredChunk):
            key = (message.store_id, message.chunk.tuid)
            if key in ids:
                found.duplicates += 1
                continue
            ids.add(key)
            if message.store_id not in known:
                writer.write(StoreInfo.new(message.store_id, "rrbridge recover"))
                found.announced += 1
        known.add(message.store_id)
        yield entry


def _count(found: Recovery, entry: Entry) -> None:
    found.messages += 1
    message = entry.message
    if not isinstance(message, StoredChunk):
        return
    found.chunks += 1
    found.rows += message.chunk.num_rows
    for timeline, column in message.chunk.times.items():
        if len(column):
            _widen(found.times, timeline, column.kind, int(column.values.min()), int(column.values.max()))


def _widen(times: dict[str, TimeSpan], timeline: str, kind: TimeKind, start: int, end: int) -> None:
    known = times.get(timeline)
    times[timeline] = TimeSpan(kind, start, end) if known is None else known.widened(start, end)


def _loss(gap: Gap, indexes: list[tuple[int, Manifest]]) -> Loss:
    """With what indexes say of those bytes; they outlive damage before them."""
    chunks = rows = 0
    is_indexed = False
    entities = set() if gap.entity_path is None else {gap.entity_path}
    times: dict[str, TimeSpan] = {}
    for start, manifest in indexes:
        offsets = manifest.byte_offsets.astype(np.int64) + start
        hit = (offsets < gap.offset + gap.size) & (offsets + manifest.byte_sizes.astype(np.int64) > gap.offset)
        if not hit.any():
            continue
        is_indexed = True
        chunks += int(hit.sum())
        entities |= {manifest.entity_paths[i] for i in np.flatnonzero(hit)}
        if manifest.num_rows is not None:
            rows += int(manifest.num_rows[hit].sum())
        for timeline, kind in manifest.timelines.items():
            own = manifest.times(timeline)
            there = hit & own.present
            if there.any():
                _widen(times, timeline, kind, int(own.start[there].min()), int(own.end[there].max()))
    return Loss(
        gap.offset,
        gap.size,
        gap.reason,
        gap.holds_data,
        chunks if is_indexed else None,
        rows if rows else None,
        tuple(sorted(entities)),
        times,
    )
