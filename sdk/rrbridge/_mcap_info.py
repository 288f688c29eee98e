"""What an MCAP file says about itself: header and summary, without messages and schema texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["McapChannelInfo", "McapChunkInfo", "McapCompressionInfo", "McapInfo", "McapSchemaInfo"]


@dataclass(frozen=True)
class McapSchemaInfo:
    """The schema of a channel, without its text."""

    id: int
    name: str
    encoding: str
    data_size_bytes: int


@dataclass(frozen=True)
class McapChannelInfo:
    """One channel."""

    id: int
    topic: str
    message_encoding: str
    metadata: Mapping[str, str]
    schema: McapSchemaInfo | None
    message_count: int | None
    """None where the file does not say."""
    frequency_hz: tuple[float, float] | None
    """Messages per second of the whole file, by the gaps between them and by their number; None below two messages."""


@dataclass(frozen=True)
class McapCompressionInfo:
    """All chunks of one kind of compression."""

    codec: str
    """`zstd`, `lz4`, or empty for none."""
    chunk_count: int
    compressed_size_bytes: int
    uncompressed_size_bytes: int

    @property
    def savings_ratio(self) -> float | None:
        """How much smaller compression made them: 0 not at all, near 1 very much; None for nothing."""
        if self.uncompressed_size_bytes == 0:
            return None
        return 1.0 - self.compressed_size_bytes / self.uncompressed_size_bytes


@dataclass(frozen=True)
class McapChunkInfo:
    """All chunks."""

    count: int
    max_uncompressed_size_bytes: int | None
    max_compressed_size_bytes: int | None
    has_overlapping_time_ranges: bool


@dataclass(frozen=True)
class McapInfo:
    """One MCAP file."""

    profile: str
    """`ros1`, `ros2`, or empty."""
    library: str
    """What wrote it."""
    message_count: int | None
    message_start_time_ns: int | None
    """The first log time."""
    message_end_time_ns: int | None
    """The last log time."""
    duration_ns: int | None
    schema_count: int
    channel_count: int
    attachment_count: int
    metadata_count: int
    statistics_present: bool
    summary_source: Literal["embedded", "reconstructed"]
    """Whether the file has a summary, or was scanned."""
    chunks: McapChunkInfo
    compression: tuple[McapCompressionInfo, ...]
    channels: tuple[McapChannelInfo, ...]
    """By id."""
