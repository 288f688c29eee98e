"""Data about data."""

from __future__ import annotations

from dataclasses import KW_ONLY

from rrbridge import components as c
from rrbridge._archetype import Archetype


class Clear(Archetype):
    """Ends what was logged at an entity, from this time on."""

    is_recursive: c.ClearIsRecursiveLike
    """Whether all entities below are cleared too."""

    def __init__(self, *, recursive: bool) -> None:
        self._assign(is_recursive=recursive)

    @staticmethod
    def flat() -> Clear:
        """Ends the entity alone."""
        return Clear(recursive=False)

    @staticmethod
    def recursive() -> Clear:
        """Ends the entity and all below it."""
        return Clear(recursive=True)


class RecordingInfo(Archetype):
    """Properties of a recording."""

    _: KW_ONLY
    start_time: c.TimestampLike | None = None
    """Nanoseconds since the Unix epoch."""
    name: c.NameLike | None = None


class AnnotationContext(Archetype):
    """Names and colours of classes, for the entity and all below it."""

    context: c.AnnotationContextLike
    """`[(id, label, colour), …]`."""


class McapChannel(Archetype):
    """Where messages came from: an MCAP channel, or what stands for it in other bags."""

    id: c.ChannelIdLike
    topic: c.TextLike
    message_encoding: c.TextLike
    metadata: c.KeyValuePairsLike | None = None


class McapMessage(Archetype):
    """A message's bytes."""

    data: c.BlobLike


class McapSchema(Archetype):
    """The definition of a message type."""

    id: c.SchemaIdLike
    name: c.TextLike
    encoding: c.TextLike
    data: c.BlobLike


class McapStatistics(Archetype):
    """Counts of an MCAP file."""

    message_count: c.CountLike
    schema_count: c.CountLike
    channel_count: c.CountLike
    attachment_count: c.CountLike
    metadata_count: c.CountLike
    chunk_count: c.CountLike
    message_start_time: c.TimestampLike
    message_end_time: c.TimestampLike
    channel_message_counts: c.ChannelMessageCountsLike | None = None
