"""Chunks and the stores and files that hold them, by the names of the reference's `rerun.chunk`."""

from __future__ import annotations

import importlib as _importlib
import typing as _typing

from rrbridge._chunk import Chunk as Chunk
from rrbridge._chunk import ComponentColumn as ComponentColumn
from rrbridge._descriptor import ComponentDescriptor as ComponentDescriptor

if _typing.TYPE_CHECKING:
    from rrbridge._chunk_stream import LazyChunkStream as LazyChunkStream
    from rrbridge._index_column import IndexColumn as IndexColumn
    from rrbridge._lazy_store import LazyStore as LazyStore
    from rrbridge._lazy_store import StoreEntry as StoreEntry
    from rrbridge._lens import DeriveLens as DeriveLens
    from rrbridge._lens import Lens as Lens
    from rrbridge._lens import MutateLens as MutateLens
    from rrbridge._mcap_info import McapChannelInfo as McapChannelInfo
    from rrbridge._mcap_info import McapChunkInfo as McapChunkInfo
    from rrbridge._mcap_info import McapCompressionInfo as McapCompressionInfo
    from rrbridge._mcap_info import McapInfo as McapInfo
    from rrbridge._mcap_info import McapSchemaInfo as McapSchemaInfo
    from rrbridge._mcap_reader import McapReader as McapReader
    from rrbridge._optimization import OptimizationProfile as OptimizationProfile
    from rrbridge._readers import IndexedReader as IndexedReader
    from rrbridge._readers import StreamingReader as StreamingReader
    from rrbridge._selector import Selector as Selector
    from rrbridge._store import ChunkStore as ChunkStore
    from rrbridge._store import Latest as Latest
    from rrbridge._store import Range as Range
    from rrbridge.rrd import RrdReader as RrdReader
    from rrbridge.rrd import RrdWriter as RrdWriter

__all__ = [
    "Chunk",
    "ChunkStore",
    "ComponentColumn",
    "ComponentDescriptor",
    "DeriveLens",
    "IndexColumn",
    "IndexedReader",
    "Latest",
    "LazyChunkStream",
    "LazyStore",
    "Lens",
    "McapChannelInfo",
    "McapChunkInfo",
    "McapCompressionInfo",
    "McapInfo",
    "McapReader",
    "McapSchemaInfo",
    "MutateLens",
    "OptimizationProfile",
    "Range",
    "RrdReader",
    "RrdWriter",
    "Selector",
    "StoreEntry",
    "StreamingReader",
]

_LAZY = {
    "LazyChunkStream": "rrbridge._chunk_stream",
    "IndexColumn": "rrbridge._index_column",
    "LazyStore": "rrbridge._lazy_store",
    "StoreEntry": "rrbridge._lazy_store",
    "DeriveLens": "rrbridge._lens",
    "Lens": "rrbridge._lens",
    "MutateLens": "rrbridge._lens",
    "McapChannelInfo": "rrbridge._mcap_info",
    "McapChunkInfo": "rrbridge._mcap_info",
    "McapCompressionInfo": "rrbridge._mcap_info",
    "McapInfo": "rrbridge._mcap_info",
    "McapSchemaInfo": "rrbridge._mcap_info",
    "McapReader": "rrbridge._mcap_reader",
    "OptimizationProfile": "rrbridge._optimization",
    "IndexedReader": "rrbridge._readers",
    "StreamingReader": "rrbridge._readers",
    "Selector": "rrbridge._selector",
    "ChunkStore": "rrbridge._store",
    "Latest": "rrbridge._store",
    "Range": "rrbridge._store",
    "RrdReader": "rrbridge.rrd",
    "RrdWriter": "rrbridge.rrd",
}
"""Names that load their module when they are first used: these need more of Arrow than it takes to open a recording."""


if not _typing.TYPE_CHECKING:  # else a type checker would take every misspelt name for one that is found here

    def __getattr__(name: str) -> _typing.Any:
        if name not in _LAZY:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(_importlib.import_module(_LAZY[name]), name)
        return found


def __dir__() -> list[str]:
    return sorted(globals().keys() | _LAZY.keys())
