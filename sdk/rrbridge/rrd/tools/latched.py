"""What still holds when a part of a recording begins: the last row of every component before it, and of videos all samples
since the last key frame.

A part that is cut out carries those rows along, marked as repeated, so that a query in it gives what it gave in the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import first_values, unit_lists
from rrbridge._chunk import Chunk, ComponentColumn
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._messages import StoredChunk, StoreId
from rrbridge.rrd._reader import RrdReader
from rrbridge.rrd.tools._video import VideoPlaces

__all__ = ["REPEATED", "Latched", "Place", "marked_as_repeated"]

REPEATED = "repeated"
"""The component that marks rows which stand in another recording too."""
TRANSFORM = "Transform3D:"
CHILD_FRAME = "Transform3D:child_frame"
CLEAR = "Clear:is_recursive"
VIDEO = "VideoStream:"

Indices: TypeAlias = npt.NDArray[np.int64]


class _Row(NamedTuple):
    """Where a row is; rows compare as latest-at does, by time and then row id."""

    time: int
    row_id: bytes
    offset: int
    size: int
    row: int


class _Key(NamedTuple):
    """What one row can stand for. `variant` tells apart what one entity says several times: a transform for each child frame,
    clears with and without what is below."""

    store_id: StoreId
    entity_path: str
    component: str
    variant: object


class Place(NamedTuple):
    """Rows of a chunk of a file."""

    store_id: StoreId
    offset: int
    size: int
    rows: Indices


class Latched:
    """For each part of a timeline, where the last row of every component in it stands. Only places are held, no data."""

    def __init__(self, timeline: str, cuts: Iterable[int]) -> None:
        """`cuts`, rising: each begins a part."""
        self.timeline = timeline
        self.cuts = np.array(list(cuts), np.int64)
        self._last: dict[_Key, dict[int, _Row]] = {}
        self._first: dict[_Key, dict[int, int]] = {}
        self._videos: dict[tuple[StoreId, str], VideoPlaces] = {}

    def parts_of(self, times: npt.NDArray[np.int64]) -> Indices:
        """The part that each time lies in: 0 before the first cut."""
        return np.searchsorted(self.cuts, times, side="right").astype(np.int64)

    def add(self, store_id: StoreId, chunk: Chunk, offset: int, size: int) -> None:
        """Note a chunk whose message stands at `offset`."""
        column = chunk.times.get(self.timeline)
        if any(name.startswith(VIDEO) for name in chunk.components):
            video = self._videos.setdefault((store_id, chunk.entity_path), VideoPlaces())
            video.add(chunk, np.zeros(0, np.int64) if column is None else column.values, offset, size)
        if column is None or not len(column):
            return
        ids = chunk.row_ids
        order = np.lexsort((ids[:, 1], ids[:, 0], column.values))
        parts = self.parts_of(column.values[order])
        frames = _child_frames(chunk)
        for name, component in chunk.components.items():
            variants: list[object] = [None]
            codes = np.zeros(chunk.num_rows, np.int64)
            if name == CLEAR:
                variants, codes = _variants(component.cells)
            elif frames is not None and name.startswith(TRANSFORM):
                variants, codes = frames
            rows, own = order, parts
            if component.cells.null_count:
                valid = component.cells.is_valid().to_numpy(zero_copy_only=False)[order]
                rows, own = order[valid], parts[valid]
            for first, last in _groups(codes[rows] * (len(self.cuts) + 1) + own):
                row, part = int(rows[last]), int(own[last])
                key = _Key(store_id, chunk.entity_path, name, variants[int(codes[row])])
                found = _Row(int(column.values[row]), ids[row].tobytes(), offset, size, row)
                known = self._last.setdefault(key, {})
                known[part] = max(known[part], found) if part in known else found
                start = int(column.values[rows[first]])
                begun = self._first.setdefault(key, {})
                begun[part] = min(begun.get(part, start), start)

    def carried(self, part: int) -> list[Place]:
        """The rows that still hold when a part begins, in the order of the file."""
        start = int(self.cuts[part - 1])
        rows: dict[tuple[int, int, StoreId], set[int]] = {}
        for key, known in self._last.items():
            before = [row for other, row in known.items() if other < part]
            if before and self._first[key].get(part) != start:
                latest = max(before)
                rows.setdefault((latest.offset, latest.size, key.store_id), set()).add(latest.row)
        for (store_id, _), video in self._videos.items():
            for offset, size, row in video.before(start):
                rows.setdefault((offset, size, store_id), set()).add(row)
        return [
            Place(store_id, offset, size, np.array(sorted(found), np.int64))
            for (offset, size, store_id), found in sorted(rows.items(), key=lambda item: item[0][:2])
        ]


def marked_as_repeated(reader: RrdReader, places: Iterable[Place]) -> Iterator[StoredChunk]:
    """Those rows, read again and marked; times and row ids stay. Raises FileError."""
    mark = ComponentDescriptor(REPEATED)
    for place in places:
        chunk = reader.chunk_at(place.offset, place.size).take(place.rows)
        marks = ComponentColumn(mark, unit_lists(pa.array(np.ones(chunk.num_rows, np.bool_))))
        others = [c for c in chunk.components.values() if c.descriptor != mark]
        yield StoredChunk(
            place.store_id,
            Chunk.from_columns(
                chunk.entity_path, times=chunk.times.values(), components=[*others, marks], row_ids=chunk.row_ids
            ),
        )


def _child_frames(chunk: Chunk) -> tuple[list[object], Indices] | None:
    column = chunk.components.get(CHILD_FRAME)
    return None if column is None else _variants(column.cells)


def _variants(cells: pa.Array) -> tuple[list[object], Indices]:
    """The first values of cells: each once, None first, and which of them each row has."""
    has, values = first_values(cells)
    encoded = values.dictionary_encode()
    codes = np.zeros(len(cells), np.int64)
    codes[has] = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64) + 1
    return [None, *encoded.dictionary.to_pylist()], codes


def _groups(labels: Indices) -> Iterable[tuple[int, int]]:
    """The first and last position of each label."""
    if not len(labels):
        return []
    if labels[0] == labels[-1] and (labels == labels[0]).all():
        return [(0, len(labels) - 1)]
    _, first = np.unique(labels, return_index=True)
    _, last = np.unique(labels[::-1], return_index=True)
    return zip(first.tolist(), (len(labels) - 1 - last).tolist(), strict=True)
