"""What readers of files have in common."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from rrbridge._chunk_stream import LazyChunkStream
from rrbridge._lazy_store import LazyStore

__all__ = ["IndexedReader", "StreamingReader"]


@runtime_checkable
class StreamingReader(Protocol):
    """Gives the chunks of a source one after the other."""

    def stream(self) -> LazyChunkStream:
        """All of its chunks, as a stream that runs on demand."""


@runtime_checkable
class IndexedReader(StreamingReader, Protocol):
    """Knows what its source holds without reading it."""

    def store(self) -> LazyStore:
        """Its chunks by their index, each read when it is asked for."""
