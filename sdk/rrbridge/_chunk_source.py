"""What every store of chunks offers by the names of the reference: a stream, a summary, a file."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING

from rrbridge._chunk import Chunk

if TYPE_CHECKING:
    from rrbridge._chunk_stream import LazyChunkStream

__all__ = ["ChunkSource", "summary_of"]


class ChunkSource(ABC):
    """A store whose chunks are at hand, in memory or on disk."""

    @abstractmethod
    def iter_chunks(self) -> Iterable[Chunk]:
        """Its chunks as they are now, one after the other."""

    def stream(self) -> LazyChunkStream:
        """Its chunks as a lazy stream: those that are there when it runs."""
        from rrbridge._chunk_nodes import Source
        from rrbridge._chunk_stream import LazyChunkStream

        return LazyChunkStream(Source(type(self).__name__, self.iter_chunks))

    def summary(self) -> str:
        """A line for each chunk, by entity and age: entity, rows, timelines, columns. The same for equal chunks."""
        return summary_of(
            (c.entity_path, c.tuid, c.num_rows, c.is_static, c.timeline_names, list(c.components))
            for c in self.iter_chunks()
        )

    def write_rrd(self, path: str | os.PathLike[str], *, application_id: str, recording_id: str) -> None:
        """Write its chunks to a finished recording, which appears when it is whole. Raises FileError."""
        self.stream().write_rrd(path, application_id=application_id, recording_id=recording_id)

    def __bool__(self) -> bool:
        """True, with or without chunks."""
        return True


def summary_of(chunks: Iterable[tuple[str, bytes, int, bool, Sequence[str], Sequence[str]]]) -> str:
    """Lines about chunks, from entity, id, rows, whether static, timelines and components of each."""
    return "\n".join(
        f"{entity} rows={rows} static={is_static} timelines={sorted(timelines)} cols={sorted((*timelines, *components))}"
        for entity, _, rows, is_static, timelines, components in sorted(chunks, key=itemgetter(0, 1))
    )
