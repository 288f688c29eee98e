"""A recording in parts along a timeline; put together again, they are the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from rrbridge._chunk import Chunk
from rrbridge._messages import StoredChunk, StoreId, StoreKind
from rrbridge.errors import InvalidValueError
from rrbridge.rrd._codec import Entry
from rrbridge.rrd._manifest import Manifest
from rrbridge.rrd._reader import RrdReader
from rrbridge.rrd._writer import RrdWriter
from rrbridge.rrd.tools.latched import Latched, marked_as_repeated
from rrbridge.rrd.tools.selection import without_columns

__all__ = ["PARTS_MAX", "Split", "cuts_by_number", "cuts_by_size", "split"]

PARTS_MAX = 500
"""So many files are open at a time."""
SAMPLES = 16
"""At so many times is a chunk's size thought to stand, evenly between its first and last time."""
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Split:
    """What became of the rows."""

    rows: list[int]
    """In each part, without those repeated."""
    carried: list[int]
    """Rows from before each part that still hold when it begins, marked as repeated."""
    rows_not_on_timeline: int = 0
    """They stand in the first part, or nowhere if unused timelines are dropped."""


def cuts_by_number(span: tuple[int, int], parts: int) -> list[int]:
    """Where equal parts of the time from first to last (both inclusive) begin, without the first."""
    start, end = span
    step = (end + 1 - start) // parts
    if not step:
        raise InvalidValueError("parts", f"at most {end + 1 - start}, one for each time", str(parts))
    return [start + number * step for number in range(1, parts)]


def cuts_by_size(manifests: Sequence[Manifest], timeline: str, part_bytes: int) -> list[int]:
    """Where parts of about so many bytes begin, by what the index says of chunks' sizes and times; without the first.

    Static data is in every part. Raises InvalidValueError if that alone is larger.
    """
    times, weights = [np.zeros(0, np.int64)], [np.zeros(0)]
    everywhere = 0
    for manifest in manifests:
        own, sizes = manifest.times(timeline), manifest.byte_sizes.astype(np.float64)
        everywhere += int(sizes[manifest.is_static].sum())
        spans = (own.end - own.start)[own.present]
        for sample in range(SAMPLES):
            times.append(own.start[own.present] + spans // SAMPLES * sample)
            weights.append(sizes[own.present] / SAMPLES)
    room = part_bytes - everywhere
    if room <= 0:
        raise InvalidValueError(
            "size", f"more than the static data, {everywhere} bytes, which every part has", str(part_bytes)
        )
    at = np.concatenate(times)
    order = np.argsort(at, kind="stable")
    at, filled = at[order], np.cumsum(np.concatenate(weights)[order])
    if not len(at):
        return []
    edges = np.arange(room, filled[-1], room)
    cuts: npt.NDArray[np.int64] = np.unique(at[np.searchsorted(filled, edges)])
    return [int(cut) for cut in cuts if cut > at[0]]


def split(
    reader: RrdReader,
    timeline: str,
    cuts: Sequence[int],
    writers: Sequence[RrdWriter],
    *,
    recording_prefix: str | None = None,
    drop_unused_timelines: bool = False,
    progress: Progress | None = None,
) -> Split:
    """Write each row to the part that its time lies in; `cuts` rise, and each begins a part.

    Static data and layouts go into every part. Rows that are not on the timeline go into the first. Each part carries the
    last row of every component before it, marked as repeated, so that a query in it gives what it gives in the whole. The
    parts share the recording's id, unless a prefix is given that a part's number is put after.

    Memory: the places of those last rows, for each part. Raises FileError.
    """
    if any(a >= b for a, b in pairwise(cuts)):
        raise InvalidValueError("time", "times that rise", ", ".join(map(str, cuts)))
    work = _Work(timeline, cuts, writers, recording_prefix, drop_unused_timelines)
    for entry in reader.entries(progress):
        work.take(entry)
    work.carry(reader)
    return work.done


class _Work:
    def __init__(
        self, timeline: str, cuts: Sequence[int], writers: Sequence[RrdWriter], prefix: str | None, drop_unused: bool
    ) -> None:
        self.timeline = timeline
        self.writers = writers
        self.prefix = prefix
        self.drop_unused = drop_unused
        self.latched = Latched(timeline, cuts)
        self.done = Split([0] * len(writers), [0] * len(writers))

    def take(self, entry: Entry) -> None:
        message = entry.message
        is_data = isinstance(message, StoredChunk) and message.store_id.kind is StoreKind.RECORDING
        if not isinstance(message, StoredChunk) or not is_data or message.chunk.is_static:
            self._to_all(entry)
            if isinstance(message, StoredChunk):
                self.latched.add(message.store_id, message.chunk, entry.offset, len(entry.payload))
        elif self.timeline not in message.chunk.times:
            self.done.rows_not_on_timeline += message.chunk.num_rows
            if not self.drop_unused:
                self._to_one(entry, 0)
        else:
            self.latched.add(message.store_id, message.chunk, entry.offset, len(entry.payload))
            self._cut(entry, message.store_id, message.chunk)

    def _to_all(self, entry: Entry) -> None:
        for part in range(len(self.writers)):
            self._to_one(entry, part)

    def _to_one(self, entry: Entry, part: int) -> None:
        self.writers[part].copy(entry, self._renamed(entry.message.store_id, part))

    def _renamed(self, store_id: StoreId, part: int) -> StoreId | None:
        """The id in that part, if it is another one."""
        if self.prefix is None or store_id.kind is not StoreKind.RECORDING:
            return None
        return replace(store_id, recording_id=f"{self.prefix}{part}")

    def _cut(self, entry: Entry, store_id: StoreId, chunk: Chunk) -> None:
        parts = self.latched.parts_of(chunk.times[self.timeline].values)
        if not len(parts):
            return
        found = [int(parts[0])] if (parts == parts[0]).all() else np.unique(parts).tolist()
        for part in found:
            unused = self._unused(chunk)
            if len(found) == 1 and not unused:
                self._to_one(entry, part)
                self.done.rows[part] += chunk.num_rows
                continue
            rows = np.flatnonzero(parts == part)
            self.done.rows[part] += len(rows)
            self._write(store_id, chunk if len(found) == 1 else chunk.take(rows), part)

    def _unused(self, chunk: Chunk) -> Iterable[str]:
        return [name for name in chunk.times if name != self.timeline] if self.drop_unused else []

    def _write(self, store_id: StoreId, chunk: Chunk, part: int) -> None:
        unused = self._unused(chunk)
        kept = without_columns(chunk, timelines=unused) if unused else chunk
        self.writers[part].write(StoredChunk(self._renamed(store_id, part) or store_id, kept))

    def carry(self, reader: RrdReader) -> None:
        for part in range(1, len(self.writers)):
            for stored in marked_as_repeated(reader, self.latched.carried(part)):
                self.done.carried[part] += stored.chunk.num_rows
                self._write(stored.store_id, stored.chunk, part)
