"""Lazy streams: pipelines over the chunks of files, stores and programs, run on demand in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from rrbridge._chunk import Chunk
from rrbridge._chunk_filter import ChunkFilter, ComponentsLike, ContentLike
from rrbridge._chunk_nodes import Branch, Each, Filtered, Joined, Node, OnceOnly, Source, Split, execute, filtered
from rrbridge._files import replacing
from rrbridge._lens import Lens, OutputMode
from rrbridge._lens_apply import apply_lenses, as_lenses
from rrbridge._messages import StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge.errors import ConsumedStreamError, InvalidValueError

if TYPE_CHECKING:
    from rrbridge._optimization import OptimizationProfile
    from rrbridge._store import ChunkStore

__all__ = ["LazyChunkStream"]


class LazyChunkStream:
    """What is to be done with a stream of chunks. Nothing runs until chunks are asked for.

    `filter`, `drop`, `map`, `flat_map`, `lenses`, `split` and `merge` make new streams of it, after which it cannot be
    used any more (ConsumedStreamError). Iterating, `to_chunks`, `collect` and `write_rrd` run it, each time from the
    beginning; one made from an iterator runs once.
    """

    __slots__ = ("_description", "_node")

    def __init__(self, node: Node) -> None:
        self._node: Node | None = node
        self._description = node

    @staticmethod
    def from_iter(chunks: Iterable[Chunk]) -> LazyChunkStream:
        """The chunks of a list or of any other iterable."""
        source = OnceOnly(chunks) if isinstance(chunks, Iterator) else lambda: chunks
        return LazyChunkStream(Source(type(chunks).__name__, source))

    def filter(
        self,
        *,
        content: ContentLike | None = None,
        has_timeline: str | None = None,
        is_static: bool | None = None,
        components: ComponentsLike | None = None,
    ) -> LazyChunkStream:
        """Keep the chunks for which all of the criteria hold, and of these only the `components`, if given.

        `content` takes expressions about entities: `/imu/**` (it and all below), `+ /odom`, `- /imu/raw`; the longest
        path that fits decides, and `/__properties` is out unless it is named. Raises InvalidValueError.
        """
        criteria = ChunkFilter.of(content, has_timeline, is_static, components)
        return LazyChunkStream(filtered(self._take(), criteria))

    def drop(
        self,
        *,
        content: ContentLike | None = None,
        has_timeline: str | None = None,
        is_static: bool | None = None,
        components: ComponentsLike | None = None,
    ) -> LazyChunkStream:
        """Keep what `filter` with the same criteria would leave out."""
        criteria = ChunkFilter.of(content, has_timeline, is_static, components)
        return LazyChunkStream(Filtered(self._take(), criteria, False))

    def split(
        self,
        *,
        content: ContentLike | None = None,
        has_timeline: str | None = None,
        is_static: bool | None = None,
        components: ComponentsLike | None = None,
    ) -> tuple[LazyChunkStream, LazyChunkStream]:
        """What `filter` and what `drop` would keep, as two streams.

        Merged again, what is before them runs once for both; run one by one, it runs for each.
        """
        criteria = ChunkFilter.of(content, has_timeline, is_static, components)
        shared = Split(self._take(), criteria)
        return LazyChunkStream(Branch(shared, True)), LazyChunkStream(Branch(shared, False))

    @staticmethod
    def merge(*streams: LazyChunkStream) -> LazyChunkStream:
        """Several streams as one. Within each the order stays; they take turns."""
        return LazyChunkStream(Joined(tuple(stream._take() for stream in streams)))

    def map(self, fn: Callable[[Chunk], Chunk]) -> LazyChunkStream:
        """What a function makes of each chunk."""
        return LazyChunkStream(Each(f"map({_name(fn)})", self._take(), lambda chunk: (fn(chunk),)))

    def flat_map(self, fn: Callable[[Chunk], Iterable[Chunk]]) -> LazyChunkStream:
        """All that a function makes of each chunk: none, one or many."""
        return LazyChunkStream(Each(f"flat_map({_name(fn)})", self._take(), fn))

    def lenses(
        self,
        lenses: Iterable[Lens] | Lens,
        *,
        output_mode: OutputMode = "drop_unmatched",
        content: ContentLike | None = None,
    ) -> LazyChunkStream:
        """What lenses make of each chunk, and besides it what `output_mode` says.

        `drop_unmatched`: nothing else; `forward_unmatched`: the columns that no lens reads, and chunks of which none is
        read; `forward_all`: the columns that are read too. Chunks that `content` leaves out go on as they are.
        Raises InvalidValueError, and LensError at once or when it runs.
        """
        if output_mode not in get_args(OutputMode):
            raise InvalidValueError("output_mode", " | ".join(get_args(OutputMode)), repr(output_mode))
        found, criteria = as_lenses(lenses), ChunkFilter.of(content, None, None, None)

        def apply(chunk: Chunk) -> Iterable[Chunk]:
            return apply_lenses(chunk, found, output_mode) if criteria.takes_chunk(chunk) else (chunk,)

        return LazyChunkStream(Each(f"lenses({', '.join(map(str, found))})", self._take(), apply))

    def __iter__(self) -> Iterator[Chunk]:
        return execute(self._whole())

    def to_chunks(self) -> list[Chunk]:
        """All of its chunks."""
        return list(self)

    def collect(self, *, optimize: OptimizationProfile | None = None) -> ChunkStore:
        """All of its chunks in a store, put together as a profile says."""
        from rrbridge._store import ChunkStore

        if optimize is None:
            return ChunkStore.from_chunks(self)
        store = ChunkStore(compaction=None)
        store.insert_all(optimize.applied(self))
        return store

    def write_rrd(self, path: str | os.PathLike[str], *, application_id: str, recording_id: str) -> None:
        """Write all of its chunks to a finished recording.

        The file appears when it is whole, and replaces what was there, which may be what the stream reads. Raises FileError.
        """
        from rrbridge.rrd import RrdWriter

        store_id = StoreId(StoreKind.RECORDING, application_id, recording_id)
        with replacing(Path(path)) as file, RrdWriter(file) as writer:
            writer.write(StoreInfo.new(store_id))
            for chunk in self:
                writer.write(StoredChunk(store_id, chunk))

    def _whole(self) -> Node:
        if self._node is None:
            raise ConsumedStreamError("another stream was made of this one; go on with that one")
        return self._node

    def _take(self) -> Node:
        node = self._whole()
        self._node = None
        return node

    def __repr__(self) -> str:
        return f"LazyChunkStream({self._description}{'' if self._node else ', consumed'})"


def _name(function: Callable[..., object]) -> str:
    return getattr(function, "__name__", type(function).__name__)
