"""Data about data."""

from __future__ import annotations

from dataclasses import KW_ONLY

from rrbridge import components as c
from rrbridge._archetype import Archetype


class Clear(Archetype):
    """Ends what was logged at an entity, from this time on."""

    is_recursive: c.ClearIsRecursive
    """Whether all entities below are cleared too."""

    def __init__(self, *, recursive: bool) -> None:
        self._assign(is_recursive=recursive)


class RecordingInfo(Archetype):
    """Properties of a recording."""

    _: KW_ONLY
    start_time: c.Timestamp | None = None
    """Nanoseconds since the Unix epoch."""
    name: c.Name | None = None


class AnnotationContext(Archetype):
    """Names and colours of classes, for the entity and all below it."""

    context: c.AnnotationContextLike
    """`[(id, label, colour), …]`."""


class McapChannel(Archetype):
    """Where messages came from: an MCAP channel, or what stands for it in other bags."""

    id: c.ChannelId
    topic: c.Label
    message_encoding: c.Label
    metadata: c.KeyValuePairs | None = None


class McapMessage(Archetype):
    """A message's bytes."""

    data: c.Blob


class McapSchema(Archetype):
    """The definition of a message type."""

    id: c.SchemaId
    name: c.Label
    encoding: c.Label
    data: c.Blob


class McapStatistics(Archetype):
    """Counts of an MCAP file."""

    message_count: c.Count
    schema_count: c.Count
    channel_count: c.Count
    attachment_count: c.Count
    metadata_count: c.Count
    chunk_count: c.Count
    message_start_time: c.Timestamp
    message_end_time: c.Timestamp
    channel_message_counts: c.ChannelMessageCounts | None = None
