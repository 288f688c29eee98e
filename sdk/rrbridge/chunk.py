"""Chunks and the stores and files that hold them, by the names of the reference's `rerun.chunk`."""

from __future__ import annotations

from rrbridge._chunk import Chunk as Chunk
from rrbridge._chunk import ComponentColumn as ComponentColumn
from rrbridge._descriptor import ComponentDescriptor as ComponentDescriptor
from rrbridge.rrd import RrdReader as RrdReader
from rrbridge.rrd import RrdWriter as RrdWriter

__all__ = ["Chunk", "ComponentColumn", "ComponentDescriptor", "RrdReader", "RrdWriter"]
