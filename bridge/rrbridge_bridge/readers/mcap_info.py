"""What an MCAP file says about itself, from its summary, or from a scan where it has none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from mcap.records import Channel, Schema

from rrbridge.chunk import McapChannelInfo, McapChunkInfo, McapCompressionInfo, McapInfo, McapSchemaInfo
from rrbridge_bridge.readers._mcap_records import ChunkFacts
from rrbridge_bridge.readers.mcap import McapReader

__all__ = ["mcap_info"]


@dataclass(frozen=True, slots=True)
class _Messages:
    """How many messages there are, and when."""

    count: int | None
    start_nanos: int | None
    end_nanos: int | None
    by_channel: Mapping[int, int] | None


def mcap_info(path: Path) -> McapInfo:
    """Header and summary of a file. Raises FileError."""
    with McapReader(path) as reader:
        summary = reader.index
        chunks = reader.chunk_facts()
        messages = _messages(reader)
        schemas = reader.schemas if summary is None else summary.schemas
        channels = reader.channels if summary is None else summary.channels
        statistics = reader.statistics
        duration = None
        if messages.start_nanos is not None and messages.end_nanos is not None:
            duration = messages.end_nanos - messages.start_nanos
        return McapInfo(
            profile=reader.header.profile,
            library=reader.header.library,
            message_count=messages.count,
            message_start_time_ns=messages.start_nanos,
            message_end_time_ns=messages.end_nanos,
            duration_ns=duration,
            schema_count=len(schemas),
            channel_count=len(channels),
            attachment_count=len(summary.attachments) if summary else 0,
            metadata_count=len(summary.metadata) if summary else 0,
            statistics_present=statistics is not None,
            summary_source="reconstructed" if summary is None else "embedded",
            chunks=_chunks(chunks),
            compression=_compression(chunks),
            channels=tuple(
                _channel(channel, schemas.get(channel.schema_id), messages.by_channel, duration)
                for _, channel in sorted(channels.items())
            ),
        )


def _messages(reader: McapReader) -> _Messages:
    statistics = reader.statistics
    if statistics is not None:
        if not statistics.message_count:
            return _Messages(0, None, None, statistics.channel_message_counts)
        return _Messages(
            statistics.message_count,
            statistics.message_start_time,
            statistics.message_end_time,
            statistics.channel_message_counts,
        )
    index = reader.index
    if index is None or (index.channels and index.chunks and all(chunk.channels for chunk in index.chunks)):
        totals = reader.totals()
        start, end = totals.whole_span()
        return _Messages(sum(totals.counts.values()), start, end, dict(totals.counts))
    starts = [chunk.start_nanos for chunk in index.chunks if chunk.start_nanos is not None]
    ends = [chunk.end_nanos for chunk in index.chunks if chunk.end_nanos is not None]
    return _Messages(None, min(starts, default=None), max(ends, default=None), None)


def _chunks(chunks: Sequence[ChunkFacts]) -> McapChunkInfo:
    return McapChunkInfo(
        count=len(chunks),
        max_uncompressed_size_bytes=max((chunk.uncompressed_bytes for chunk in chunks), default=None),
        max_compressed_size_bytes=max((chunk.compressed_bytes for chunk in chunks), default=None),
        has_overlapping_time_ranges=_overlap(chunks),
    )


def _overlap(chunks: Iterable[ChunkFacts]) -> bool:
    latest = -1
    for chunk in sorted(chunks, key=lambda chunk: chunk.start_nanos):
        if chunk.start_nanos <= latest:
            return True
        latest = max(latest, chunk.end_nanos)
    return False


def _compression(chunks: Iterable[ChunkFacts]) -> tuple[McapCompressionInfo, ...]:
    counts: Counter[str] = Counter()
    packed: Counter[str] = Counter()
    unpacked: Counter[str] = Counter()
    for chunk in chunks:
        counts[chunk.compression] += 1
        packed[chunk.compression] += chunk.compressed_bytes
        unpacked[chunk.compression] += chunk.uncompressed_bytes
    return tuple(McapCompressionInfo(codec, counts[codec], packed[codec], unpacked[codec]) for codec in sorted(counts))


def _channel(
    channel: Channel, schema: Schema | None, counts: Mapping[int, int] | None, duration_nanos: int | None
) -> McapChannelInfo:
    count = None if counts is None else counts.get(channel.id, 0)
    frequency = None
    if count is not None and count > 1 and duration_nanos:
        seconds = duration_nanos / 1e9
        frequency = (count - 1) / seconds, count / seconds
    return McapChannelInfo(
        id=channel.id,
        topic=channel.topic,
        message_encoding=channel.message_encoding,
        metadata=MappingProxyType(dict(channel.metadata)),
        schema=None if schema is None else McapSchemaInfo(schema.id, schema.name, schema.encoding, len(schema.data)),
        message_count=count,
        frequency_hz=frequency,
    )
