"""Chunks and the stores and files that hold them, by the names of the reference's `rerun.chunk`."""

from __future__ import annotations

from rrbridge._chunk import Chunk as Chunk
from rrbridge._chunk import ComponentColumn as ComponentColumn
from rrbridge._chunk_stream import LazyChunkStream as LazyChunkStream
from rrbridge._descriptor import ComponentDescriptor as ComponentDescriptor
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
