"""What a recording holds, as `rrbridge info` tells it: from its index, with a sample of its first messages for frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rrbridge import importers
from rrbridge_bridge.inspect.facts_recorder import Recorded
from rrbridge_bridge.readers._indexed import Compression

__all__ = ["Attached", "EntityFacts", "Facts", "TopicFacts", "facts_of"]


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """One type on one topic."""

    topic: str
    msgtype: str
    encoding: str
    count: int | None
    """None where only a full read can tell."""
    start_nanos: int | None
    end_nanos: int | None
    nbytes: int | None
    """Of all payloads; None where the index does not say."""
    gap_nanos: int | None
    """The longest time without a message, between two; None where the index does not say."""
    gap_at_nanos: int | None
    frames: tuple[str, ...]
    """As far as they were looked at."""
    definition: str
    """`recorded`, `known` (by rrbridge or in a folder that was named), `missing`, or empty where none is needed."""
    connections: int = 1
    """How many publishers were recorded, as far as the format tells them apart."""
    is_latched: bool = False


@dataclass(frozen=True, slots=True)
class EntityFacts:
    """One entity of a recording of chunks."""

    entity_path: str
    archetypes: tuple[str, ...]
    components: tuple[str, ...]
    timelines: tuple[str, ...]
    """Empty for static data."""
    chunks: int
    rows: int | None
    packed_bytes: int
    unpacked_bytes: int | None
    count: int | None
    """How often something was logged."""
    start_nanos: int | None
    end_nanos: int | None
    is_static: bool


@dataclass(frozen=True, slots=True)
class Attached:
    """A file within the file."""

    name: str
    media_type: str
    nbytes: int
    log_time_nanos: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a file or folder holds."""

    path: Path
    format: str
    size_bytes: int
    start_nanos: int | None
    end_nanos: int | None
    made_by: Mapping[str, str] = field(default_factory=dict)
    """What the file says about its origin: library, profile, ROS distribution, application …"""
    parts: tuple[str, ...] = ()
    """The files of a split recording."""
    compression: tuple[Compression, ...] = ()
    topics: tuple[TopicFacts, ...] = ()
    entities: tuple[EntityFacts, ...] = ()
    timelines: Mapping[str, tuple[str, int, int]] = field(default_factory=dict)
    """Kind, first and last time of each timeline of a recording of chunks."""
    attachments: tuple[Attached, ...] = ()
    metadata: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    recorded: Recorded | None = None
    """What the recorder says of the run, if it was `rrbridge record`."""
    notes: tuple[str, ...] = ()
    is_exact: bool = False
    """Whether sizes are those of the payloads themselves, not derived from an index."""
    sampled_messages: int = 0
    """How many messages were read to learn of frames."""

    @property
    def messages(self) -> int | None:
        """Of all topics together; None where that is not known."""
        counts = [topic.count for topic in self.topics] or [entity.count for entity in self.entities]
        return None if any(count is None for count in counts) else sum(count or 0 for count in counts)

    @property
    def span_nanos(self) -> int | None:
        """From the first message to the last."""
        if self.start_nanos is None or self.end_nanos is None:
            return None
        return self.end_nanos - self.start_nanos


def facts_of(path: Path, *, scan: bool = False, definitions: tuple[Path, ...] = ()) -> Facts:
    """What a file or folder of any kind holds. `scan` reads it whole, for exact sizes and every frame. Raises FileError."""
    from rrbridge_bridge.importers import BagImporter

    importer = importers.find(path)
    if isinstance(importer, BagImporter):
        from rrbridge_bridge.inspect.facts_bag import bag_facts

        return bag_facts(path, scan=scan, definitions=definitions)
    if importer.name == "RRD":
        from rrbridge_bridge.inspect.facts_rrd import rrd_facts

        return rrd_facts(path)
    summary = importer.info(path)
    return Facts(
        path=path,
        format=summary.format,
        size_bytes=summary.size_bytes,
        start_nanos=summary.start_nanos,
        end_nanos=summary.end_nanos,
        topics=tuple(
            TopicFacts(t.topic, t.msgtype, t.encoding, t.count, t.start_nanos, t.end_nanos, None, None, None, (), "")
            for t in summary.topics
        ),
        notes=summary.notes,
    )
