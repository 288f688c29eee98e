"""Whether two recordings say the same, however it is cut into chunks, and where they do not.

Each cell (a component's value in one row, with the row's times) is reduced to a number. In the first reading only their
sums and counts are kept, for each component of each entity; where these differ, a second reading keeps the numbers of those
components, 16 bytes for each cell, to find the rows. Row ids are not compared: two runs never have the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xxhash

from rrbridge._chunk import Chunk
from rrbridge._messages import StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge._timeline import TimeKind
from rrbridge.rrd._reader import RrdReader
from rrbridge.rrd.tools._digests import Digests, combined, digests, mixed, text_digest

__all__ = ["Difference", "Likeness", "compare"]

Progress = Callable[[int, int], None]
EXAMINED_MAX = 50
"""So many components that differ are looked into for the rows."""
CELLS_MAX = 20_000_000
"""So many cells of them are held at most."""
TIMES_TOLD = 3


@dataclass(frozen=True, slots=True)
class Likeness:
    """What counts as the same."""

    unordered: bool = False
    """Whether rows may stand in any order."""
    same_chunks: bool = False
    """Whether they must be cut into the same chunks."""
    ignored_timelines: frozenset[str] = frozenset({"log_time"})
    ignore_chunks_without_components: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same."""

    recording_id: str
    entity_path: str
    component: str
    """Empty where it is not about one."""
    text: str


class _Key(NamedTuple):
    entity_path: str
    component: str
    archetype: str
    component_type: str


@dataclass(slots=True)
class _Sum:
    """Many cells in a few numbers."""

    cells: int = 0
    first: int = 0
    second: int = 0
    in_order: xxhash.xxh3_128 = field(default_factory=xxhash.xxh3_128)

    def add(self, found: Digests) -> None:
        self.cells += len(found)
        self.first = (self.first + int(found.sum(dtype=np.uint64))) & 0xFFFF_FFFF_FFFF_FFFF
        self.second = (self.second + int(mixed(found).sum(dtype=np.uint64))) & 0xFFFF_FFFF_FFFF_FFFF
        self.in_order.update(found.tobytes())

    def same_content(self, other: _Sum) -> bool:
        return (self.cells, self.first, self.second) == (other.cells, other.first, other.second)

    def same(self, other: _Sum, *, unordered: bool) -> bool:
        return self.same_content(other) and (unordered or self.in_order.digest() == other.in_order.digest())


@dataclass(slots=True)
class _Content:
    """One store."""

    sums: dict[_Key, _Sum] = field(default_factory=dict)
    chunks: dict[str, _Sum] = field(default_factory=dict)
    """For each entity, how it is cut."""


@dataclass(slots=True)
class _Cells:
    """The cells of one component."""

    digests: list[Digests] = field(default_factory=list)
    times: list[npt.NDArray[np.int64]] = field(default_factory=list)
    timeline: str = ""
    kind: TimeKind | None = None


def compare(
    first: RrdReader, second: RrdReader, likeness: Likeness = Likeness(), progress: Progress | None = None
) -> list[Difference]:
    """What differs between two files on a disk; nothing if they say the same.

    Recordings are compared, layouts only if neither file has a recording. One recording each are compared whatever their
    recording ids; of several, those with equal ids. Raises FileError.
    """
    contents = [_contents(reader, likeness, progress) for reader in (first, second)]
    pairs, found = _pairs(contents[0], contents[1])
    for left, right in pairs:
        if left.application_id != right.application_id:
            text = f"application id {left.application_id} against {right.application_id}"
            found.append(Difference(left.recording_id, "", "", text))
        differing = list(_differing(left, contents[0][left], contents[1][right], likeness, found))
        if differing:
            found += _examined((first, left), (second, right), differing[:EXAMINED_MAX], likeness, contents)
        found += [_brief(left, key, contents[0][left], contents[1][right]) for key in differing[EXAMINED_MAX:]]
    return found


def _contents(reader: RrdReader, likeness: Likeness, progress: Progress | None) -> dict[StoreId, _Content]:
    found: dict[StoreId, _Content] = {}
    for message in reader.messages(progress):
        if isinstance(message, StoredChunk):
            content = found.setdefault(message.store_id, _Content())
            for key, cells, _ in _cells(message.chunk, likeness):
                content.sums.setdefault(key, _Sum()).add(cells)
            if likeness.same_chunks:
                shape = np.array([message.chunk.num_rows], np.uint64)
                content.chunks.setdefault(message.chunk.entity_path, _Sum()).add(shape)
        elif isinstance(message, StoreInfo):
            found.setdefault(message.store_id, _Content())
    recordings = {k: v for k, v in found.items() if k.kind is StoreKind.RECORDING}
    return recordings or found


def _cells(chunk: Chunk, likeness: Likeness) -> Iterator[tuple[_Key, Digests, npt.NDArray[np.int64]]]:
    """For each component, the digests of its cells that are not null, and their rows."""
    times = np.zeros(chunk.num_rows, np.uint64)
    for name in sorted(chunk.times.keys() - likeness.ignored_timelines):
        column = chunk.times[name]
        own = text_digest(f"{column.kind.name} {name}")
        times = combined(times, combined(column.values.astype(np.uint64), own))
    every = np.arange(chunk.num_rows)
    if not chunk.components and not likeness.ignore_chunks_without_components:
        yield _Key(chunk.entity_path, "", "", ""), times, every
    for component in chunk.components.values():
        named = component.descriptor
        key = _Key(chunk.entity_path, named.component, named.archetype or "", named.component_type or "")
        found = combined(digests(component.cells), times)
        if component.cells.null_count:
            rows = np.flatnonzero(component.cells.is_valid().to_numpy(zero_copy_only=False))
            yield key, found[rows], rows
        else:
            yield key, found, every


def _pairs(
    left: dict[StoreId, _Content], right: dict[StoreId, _Content]
) -> tuple[list[tuple[StoreId, StoreId]], list[Difference]]:
    if len(left) == len(right) == 1:
        return [(next(iter(left)), next(iter(right)))], []
    by_id = {store_id.recording_id: store_id for store_id in right}
    pairs = [(store_id, by_id.pop(store_id.recording_id)) for store_id in left if store_id.recording_id in by_id]
    paired = {store_id for store_id, _ in pairs}
    alone = [Difference(s.recording_id, "", "", "only in the first file") for s in left if s not in paired]
    alone += [Difference(s.recording_id, "", "", "only in the second file") for s in by_id.values()]
    return pairs, alone


def _differing(
    store_id: StoreId, left: _Content, right: _Content, likeness: Likeness, found: list[Difference]
) -> Iterator[_Key]:
    """Components whose cells differ; what is told without looking at them goes into `found`."""
    nothing = _Sum()
    for key in sorted(left.sums.keys() | right.sums.keys()):
        one, other = left.sums.get(key, nothing), right.sums.get(key, nothing)
        if one.same(other, unordered=likeness.unordered):
            continue
        if one.cells and other.cells:
            yield key
        else:
            found.append(_brief(store_id, key, left, right))
    for path in sorted(left.chunks.keys() | right.chunks.keys()):
        one, other = left.chunks.get(path, nothing), right.chunks.get(path, nothing)
        if not one.same(other, unordered=likeness.unordered):
            text = f"cut into {one.cells} chunks against {other.cells}"
            if one.cells == other.cells:
                text = f"cut otherwise into its {one.cells} chunks"
            found.append(Difference(store_id.recording_id, path, "", text))


def _brief(store_id: StoreId, key: _Key, left: _Content, right: _Content) -> Difference:
    counts = [content.sums[key].cells if key in content.sums else 0 for content in (left, right)]
    if all(counts):
        text = f"{counts[0]} values against {counts[1]}, not the same"
    else:
        text = f"only in the {'first' if counts[0] else 'second'} file, {max(counts)} values"
    return Difference(store_id.recording_id, key.entity_path, key.component, text)


def _examined(
    left: tuple[RrdReader, StoreId],
    right: tuple[RrdReader, StoreId],
    keys: list[_Key],
    likeness: Likeness,
    contents: list[dict[StoreId, _Content]],
) -> Iterator[Difference]:
    room, wanted = CELLS_MAX, []
    for key in keys:
        room -= contents[0][left[1]].sums[key].cells + contents[1][right[1]].sums[key].cells
        if room >= 0:
            wanted.append(key)
    cells = [_cells_of(reader, store_id, set(wanted), likeness) for reader, store_id in (left, right)]
    for key in keys:
        if key not in cells[0] or key not in cells[1]:
            yield _brief(left[1], key, contents[0][left[1]], contents[1][right[1]])
            continue
        text = _told(cells[0][key], cells[1][key], unordered=likeness.unordered)
        yield Difference(left[1].recording_id, key.entity_path, key.component, text)


def _cells_of(reader: RrdReader, store_id: StoreId, keys: set[_Key], likeness: Likeness) -> dict[_Key, _Cells]:
    found: dict[_Key, _Cells] = {}
    paths = {key.entity_path for key in keys}
    for message in reader.messages():
        if not isinstance(message, StoredChunk) or message.store_id != store_id:
            continue
        chunk = message.chunk
        if chunk.entity_path not in paths:
            continue
        timeline = next((name for name in sorted(chunk.times) if name not in likeness.ignored_timelines), None)
        for key, numbers, rows in _cells(chunk, likeness):
            if key in keys:
                own = found.setdefault(key, _Cells())
                own.digests.append(numbers)
                if timeline is not None:
                    own.timeline, own.kind = timeline, chunk.times[timeline].kind
                    own.times.append(chunk.times[timeline].values[rows])
                else:
                    own.times.append(np.zeros(len(rows), np.int64))
    return found


def _told(left: _Cells, right: _Cells, *, unordered: bool) -> str:
    """Which rows differ, in words."""
    one, other = np.concatenate(left.digests), np.concatenate(right.digests)
    gone, new = _surplus(one, other), _surplus(other, one)
    if not len(gone) and not len(new):
        assert not unordered
        place = int(np.flatnonzero(one != other)[0])
        return f"the same {len(one)} values in another order, from value {place} on ({_when(left, np.array([place]))})"
    parts = []
    for rows, cells, name in ((gone, left, "first"), (new, right, "second")):
        if len(rows):
            parts.append(
                f"{len(rows)} of {len(one if cells is left else other)} values only in the {name} file ({_when(cells, rows)})"
            )
    return ", ".join(parts)


def _surplus(one: Digests, other: Digests) -> npt.NDArray[np.int64]:
    """Rows of the first whose digest the second has less often, in order."""
    order = np.argsort(one, kind="stable")
    sorted_one, sorted_other = one[order], np.sort(other)
    starts = np.searchsorted(sorted_one, sorted_one, side="left")
    nth = np.arange(len(one)) - starts
    have = np.searchsorted(sorted_other, sorted_one, side="right") - np.searchsorted(
        sorted_other, sorted_one, side="left"
    )
    rows: npt.NDArray[np.int64] = np.sort(order[nth >= have])
    return rows


def _when(cells: _Cells, rows: npt.NDArray[np.int64]) -> str:
    if cells.kind is None:
        return "static" if not cells.timeline else cells.timeline
    times = np.concatenate(cells.times)[rows[:TIMES_TOLD]]
    more = " …" if len(rows) > TIMES_TOLD else ""
    if cells.kind is TimeKind.SEQUENCE:
        told = [str(int(time)) for time in times]
    elif cells.kind is TimeKind.DURATION:
        told = [f"{int(time) / 1e9:.9g} s" for time in times]
    else:
        told = [str(np.datetime64(int(time), "ns")) for time in times]
    return f"{cells.timeline} {', '.join(told)}{more}"
