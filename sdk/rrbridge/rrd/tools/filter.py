"""The wanted part of recordings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rrbridge._messages import StoredChunk, StoreKind
from rrbridge.rrd._reader import RrdReader
from rrbridge.rrd._writer import RrdWriter
from rrbridge.rrd.tools.latched import Latched, marked_as_repeated
from rrbridge.rrd.tools.selection import Selection

__all__ = ["Filtered", "filter_recording"]

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Filtered:
    """What was kept and what was not."""

    rows_in: int = 0
    rows_kept: int = 0
    rows_carried: int = 0
    """From before the start, because they still hold then."""
    rows_not_on_timeline: int = 0
    """Left out, since it cannot be said when they were."""
    chunks_made_static: int = 0
    """Their last timeline was dropped."""

    def add(self, other: Filtered) -> None:
        """Count these too."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def filter_recording(
    reader: RrdReader, writer: RrdWriter, selection: Selection, progress: Progress | None = None
) -> Filtered:
    """Write what is wanted of one file; layouts are kept whole. What is kept as it is, is copied as it stands.

    With a start in time, the last row of every component before it is carried along, marked as repeated; the file is then
    read in two places, so it cannot be a pipe. Raises FileError.
    """
    found = Filtered()
    latched = None
    if selection.has_range and selection.start is not None and selection.timeline is not None:
        latched = Latched(selection.timeline, [selection.start])
    for entry in reader.entries(progress):
        message = entry.message
        if not isinstance(message, StoredChunk) or message.store_id.kind is not StoreKind.RECORDING:
            writer.copy(entry)
            continue
        chunk = message.chunk
        found.rows_in += chunk.num_rows
        if latched is not None and selection.wants_entity(chunk.entity_path):
            latched.add(message.store_id, chunk, entry.offset, len(entry.payload))
        wanted = selection.of(chunk)
        if selection.has_range and not chunk.is_static and selection.timeline not in chunk.times:
            found.rows_not_on_timeline += chunk.num_rows if selection.wants_entity(chunk.entity_path) else 0
        if wanted is None:
            continue
        found.rows_kept += wanted.num_rows
        found.chunks_made_static += wanted.is_static and not chunk.is_static
        if wanted is chunk:
            writer.copy(entry)
        else:
            writer.write(StoredChunk(message.store_id, wanted))
    if latched is not None:
        for stored in marked_as_repeated(reader, latched.carried(1)):
            wanted = selection.without_range().of(stored.chunk)
            if wanted is not None:
                found.rows_carried += wanted.num_rows
                writer.write(StoredChunk(stored.store_id, wanted))
    return found
