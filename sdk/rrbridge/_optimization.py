"""How large the chunks of a store should be, by what it is for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import ClassVar

from rrbridge._chunk import Chunk, ComponentColumn
from rrbridge._compaction import MAX_BYTES, MAX_ROWS, MAX_ROWS_IF_UNSORTED, compact
from rrbridge.errors import InvalidValueError

__all__ = ["OptimizationProfile"]


@dataclass(frozen=True, kw_only=True)
class OptimizationProfile:
    """What `LazyChunkStream.collect` aims at.

    Rows keep their ids; only how they are cut into chunks changes. Videos are cut like everything else: chunks do not
    begin at keyframes, whatever `gop_batching` says.
    """

    LIVE: ClassVar[OptimizationProfile]
    """Small chunks, for a viewer that follows a robot."""
    OBJECT_STORE: ClassVar[OptimizationProfile]
    """Large chunks, for files that are read over a network."""

    max_bytes: int | None = None
    """How large a chunk may become, in bytes; None: as in LIVE."""
    max_rows: int | None = None
    """How many rows it may have; None: as in LIVE."""
    max_rows_if_unsorted: int | None = None
    """How many, if they are out of order on a timeline; None: as in LIVE."""
    extra_passes: int = 50
    """Taken for calls written for the reference: one pass finds everything that can be put together."""
    gop_batching: bool = True
    """Taken for calls written for the reference."""
    split_size_ratio: float | None = None
    """Archetypes of one entity whose sizes differ by more than this factor get chunks of their own; None: none do."""
    fix_keyframe: bool = False
    """Only False is possible: keyframes are not looked for in encoded video."""

    def __post_init__(self) -> None:
        if self.fix_keyframe:
            raise InvalidValueError("fix_keyframe", "False: rrbridge does not look for keyframes", "True")
        if self.split_size_ratio is not None and not self.split_size_ratio >= 1:
            raise InvalidValueError("split_size_ratio", "a factor of 1 or more", repr(self.split_size_ratio))

    def applied(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """Chunks of one recording, put together and taken apart."""
        compacted = compact(
            chunks,
            max_bytes=MAX_BYTES if self.max_bytes is None else self.max_bytes,
            max_rows=MAX_ROWS if self.max_rows is None else self.max_rows,
            max_rows_if_unsorted=MAX_ROWS_IF_UNSORTED
            if self.max_rows_if_unsorted is None
            else self.max_rows_if_unsorted,
        )
        if self.split_size_ratio is None:
            yield from compacted
            return
        for chunk in compacted:
            yield from _by_size(chunk, self.split_size_ratio)


OptimizationProfile.LIVE = OptimizationProfile(
    max_bytes=MAX_BYTES, max_rows=MAX_ROWS, max_rows_if_unsorted=MAX_ROWS_IF_UNSORTED
)
OptimizationProfile.OBJECT_STORE = OptimizationProfile(
    max_bytes=2 << 20, max_rows=65_536, max_rows_if_unsorted=8_192, split_size_ratio=10.0
)


def _by_size(chunk: Chunk, ratio: float) -> Iterator[Chunk]:
    """The columns of a chunk, archetype by archetype, those of similar size together."""
    archetypes: dict[str, list[ComponentColumn]] = {}
    for column in chunk.components.values():
        archetypes.setdefault(column.descriptor.archetype or column.descriptor.component, []).append(column)
    sized = sorted(
        ((max(1, sum(c.cells.nbytes for c in found)), found) for found in archetypes.values()), key=itemgetter(0)
    )
    groups: list[list[ComponentColumn]] = []
    smallest = 0
    for nbytes, columns in sized:
        if not groups or nbytes > smallest * ratio:
            groups.append([])
            smallest = nbytes
        groups[-1] += columns
    if len(groups) < 2:
        yield chunk
        return
    for columns in groups:
        yield Chunk.from_columns(
            chunk.entity_path, times=chunk.times.values(), components=columns, row_ids=chunk.row_ids
        )
