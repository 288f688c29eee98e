"""MCAP files by the name that the reference gives them; they are opened by the importer that is installed for them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from rrbridge import importers
from rrbridge._chunk import Chunk, ComponentColumn
from rrbridge._chunk_filter import ChunkFilter
from rrbridge._chunk_nodes import Source
from rrbridge._chunk_stream import LazyChunkStream
from rrbridge._entity_path import is_descendant, normalize
from rrbridge._mcap_info import McapInfo
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.errors import FileError, InvalidValueError, NotARecordingError

if TYPE_CHECKING:
    from rrbridge._archetype import Archetype

__all__ = ["McapReader"]

TimelineType: TypeAlias = Literal["timestamp", "timestamp_ns", "duration", "duration_ns"]
PROPERTIES = "/__properties"
FILE = "/__mcap_properties"
RAW = "rerun.archetypes.McapMessage"
OWN_RECORDS = "/__mcap_metadata/__records"
"""What conversions keep so that a file can be written again, and the reference does not."""
_KINDS = {
    "timestamp": TimeKind.TIMESTAMP,
    "timestamp_ns": TimeKind.TIMESTAMP,
    "duration": TimeKind.DURATION,
    "duration_ns": TimeKind.DURATION,
}
_MAPPERS = frozenset({"ros2msg", "foxglove"})
_DESCRIBES = ("rerun.archetypes.McapChannel", "rerun.archetypes.McapSchema")


class McapReader:
    """Reads the chunks of an MCAP file, mapped as the reference maps it.

    `importers.read` opens the same file with everything that rrbridge knows about it.
    """

    path: Path
    """The file."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        timeline_type: TimelineType = "timestamp_ns",
        timestamp_offset_ns: int | None = None,
        decoders: Sequence[str] | None = None,
        include_topic_regex: Sequence[str] | None = None,
        exclude_topic_regex: Sequence[str] | None = None,
        start_time_ns: int | None = None,
        end_time_ns: int | None = None,
        recover: bool = False,  # noqa: ARG002 - what can be read always is
    ) -> None:
        """Say what is wanted of a file; nothing is read yet.

        `timeline_type` says whether times are dates or durations; `timestamp_offset_ns` is added to all dates.
        `decoders` (see `available_decoders`) restricts what is made of messages. A topic is taken if any pattern of
        `include_topic_regex` is found in it, and none of `exclude_topic_regex`. Messages are taken from `start_time_ns`
        on, before `end_time_ns` (log times, nanoseconds). `recover` is taken for calls written for the reference: files
        without an index are always read as far as they go.

        Raises InvalidValueError, FileError.
        """
        self.path = Path(path)
        if timeline_type not in _KINDS:
            raise InvalidValueError("timeline_type", " | ".join(_KINDS), repr(timeline_type))
        unknown = sorted(set(decoders or ()) - set(_DECODERS))
        if unknown:
            raise InvalidValueError("decoders", ", ".join(_DECODERS), unknown[0])
        self._kind = _KINDS[timeline_type]
        self._offset_nanos = timestamp_offset_ns or 0
        self._decoders = None if decoders is None else frozenset(decoders)
        self._include = _patterns("include_topic_regex", include_topic_regex)
        self._exclude = _patterns("exclude_topic_regex", exclude_topic_regex)
        self._span = _span(start_time_ns, end_time_ns)
        self._importer = importers.find(self.path)
        if not isinstance(self._importer, importers.McapImporter) or self._importer.name != "MCAP":
            raise NotARecordingError(self.path, f"not an MCAP file, but one of {self._importer.name}")

    @staticmethod
    def available_decoders() -> list[str]:
        """What can be made of messages and of what stands beside them."""
        return list(_DECODERS)

    def stream(self, *, start_time_ns: int | None = None, end_time_ns: int | None = None) -> LazyChunkStream:
        """The chunks of the file; a span given here replaces both ends of the reader's. Raises InvalidValueError."""
        span = self._span if start_time_ns is None and end_time_ns is None else _span(start_time_ns, end_time_ns)
        options = importers.ImportOptions(
            include=self._include,
            exclude=self._exclude,
            start_nanos=span[0],
            end_nanos=None if span[1] is None else span[1] - 1,
            fields="unmapped" if self._decoders is None or self._decoders & _MAPPERS else "all",
            mapping="reference",
            raw=self._decoders is not None and "raw" in self._decoders,
            carries_latched=False,
        )
        return LazyChunkStream(Source(repr(self), lambda: self._chunks(options)))

    def _chunks(self, options: importers.ImportOptions) -> Iterator[Chunk]:
        for chunk in chain(_file_chunks(self.info()), self._importer.chunks(self.path, options)):
            if chunk.entity_path == OWN_RECORDS:
                continue
            kept = chunk if self._decoders is None else self._made_by(chunk, self._decoders)
            if kept is not None:
                yield self._with_times(kept)

    def _made_by(self, chunk: Chunk, decoders: frozenset[str]) -> Chunk | None:
        entity = chunk.entity_path
        if any(is_descendant(entity, topic) for topic in self._foxglove_topics):
            kind: Kind = "foxglove"
        else:
            kind = "ros" if any(is_descendant(entity, topic) for topic in self._topics) else "robot"
        names = {
            name
            for name, column in chunk.components.items()
            if any(_DECODERS[decoder](entity, column, kind) for decoder in decoders)
        }
        return ChunkFilter(components=frozenset(names)).kept(chunk) if len(names) < len(chunk.components) else chunk

    @cached_property
    def _foxglove_topics(self) -> frozenset[str]:
        """The entities of the topics with such a schema."""
        channels = self.info().channels
        return frozenset(normalize(c.topic) for c in channels if c.schema and c.schema.name.startswith("foxglove."))

    @cached_property
    def _topics(self) -> frozenset[str]:
        """The entities of all topics."""
        return frozenset(normalize(c.topic) for c in self.info().channels)

    def _with_times(self, chunk: Chunk) -> Chunk:
        if self._kind is TimeKind.TIMESTAMP and not self._offset_nanos:
            return chunk
        times = [self._time(column) if column.kind is TimeKind.TIMESTAMP else column for column in chunk.times.values()]
        return Chunk.from_columns(
            chunk.entity_path,
            times=times,
            components=chunk.components.values(),
            row_ids=chunk.row_ids,
            chunk_id=chunk.tuid,
        )

    def _time(self, column: TimeColumn) -> TimeColumn:
        offset = self._offset_nanos if self._kind is TimeKind.TIMESTAMP else 0
        return TimeColumn.of(column.timeline, self._kind, column.values + offset)

    def info(self) -> McapInfo:
        """What the file says about itself, whatever is wanted of it. Raises FileError."""
        return self._info

    @cached_property
    def _info(self) -> McapInfo:
        assert isinstance(self._importer, importers.McapImporter)
        return self._importer.mcap_info(self.path)

    def time_bounds(self) -> tuple[int, int]:
        """The first and the last log time, nanoseconds. Raises FileError if there are no messages."""
        info = self.info()
        if info.message_start_time_ns is None or info.message_end_time_ns is None:
            raise FileError(self.path, "has no messages")
        return info.message_start_time_ns, info.message_end_time_ns

    def __repr__(self) -> str:
        return f"McapReader({self.path})"


def _patterns(name: str, texts: Iterable[str] | None) -> tuple[re.Pattern[str], ...]:
    try:
        return tuple(re.compile(text) for text in texts or ())
    except re.error as err:
        raise InvalidValueError(name, "regular expressions", f"{err.pattern!r}: {err}") from err


def _span(start_nanos: int | None, end_nanos: int | None) -> tuple[int | None, int | None]:
    for name, nanos in (("start_time_ns", start_nanos), ("end_time_ns", end_nanos)):
        if nanos is not None and nanos < 0:
            raise InvalidValueError(name, "log times, which begin at 0", str(nanos))
    if start_nanos is not None and end_nanos is not None and start_nanos >= end_nanos:
        raise InvalidValueError("end_time_ns", f"a time after {start_nanos}", str(end_nanos))
    return start_nanos, end_nanos


Kind: TypeAlias = Literal["foxglove", "ros", "robot"]
"""Whether an entity belongs to a topic of a Foxglove schema, to another topic, or to a robot that a topic describes."""
Maker: TypeAlias = Callable[[str, ComponentColumn, Kind], bool]
"""Whether a decoder makes a column: by its entity, itself, and what the entity belongs to."""


def _is_described(column: ComponentColumn) -> bool:
    return column.descriptor.archetype in _DESCRIBES


def _is_raw(column: ComponentColumn) -> bool:
    return column.descriptor.archetype == RAW or column.descriptor.component in ("channel_id", "sequence")


def _is_reflected(column: ComponentColumn) -> bool:
    """Whether it holds a message's fields, as they are."""
    archetype, component = column.descriptor.archetype or "rerun.", column.descriptor.component
    return not archetype.startswith("rerun.") and component.startswith(f"{archetype}:")


def _is_mapped(entity: str, column: ComponentColumn) -> bool:
    special = _is_described(column) or _is_raw(column) or _is_reflected(column)
    return not (special or entity.startswith("/__") or is_descendant(entity, PROPERTIES))


def _is_ros(column: ComponentColumn) -> bool:
    return ".msg." in (column.descriptor.archetype or "")


_DECODERS: dict[str, Maker] = {
    "attachments": lambda entity, _, __: entity == "/__mcap_attachments",
    "foxglove": lambda entity, column, kind: _is_mapped(entity, column) and kind == "foxglove",
    "metadata": lambda entity, _, __: entity == "/__mcap_metadata",
    "protobuf": lambda _, column, __: _is_reflected(column) and not _is_ros(column),
    "raw": lambda _, column, __: _is_raw(column),
    "recording_info": lambda entity, column, _: (
        is_descendant(entity, PROPERTIES) or column.descriptor.component == "RecordingInfo:start_time"
    ),
    "ros2_reflection": lambda _, column, __: _is_reflected(column) and _is_ros(column),
    "ros2msg": lambda entity, column, kind: _is_mapped(entity, column) and kind == "ros",
    "schema": lambda _, column, __: _is_described(column),
    "urdf": lambda entity, column, kind: _is_mapped(entity, column) and kind == "robot",
    "stats": lambda _, column, __: column.descriptor.archetype == "rerun.archetypes.McapStatistics",
}
"""By the names that the reference gives them."""


def _file_chunks(info: McapInfo) -> Iterator[Chunk]:
    """What the file says about itself, as the reference logs it."""
    from rrbridge.archetypes.meta import McapStatistics, RecordingInfo

    start, end = info.message_start_time_ns, info.message_end_time_ns
    if start is not None:
        yield _row(RecordingInfo.from_fields(start_time=start))
    if info.statistics_present:
        yield _row(
            McapStatistics(
                message_count=info.message_count or 0,
                schema_count=info.schema_count,
                channel_count=info.channel_count,
                attachment_count=info.attachment_count,
                metadata_count=info.metadata_count,
                chunk_count=info.chunks.count,
                message_start_time=start or 0,
                message_end_time=end or 0,
                channel_message_counts={c.id: c.message_count for c in info.channels if c.message_count},
            )
        )


def _row(archetype: Archetype) -> Chunk:
    columns = [batch.partition([len(batch.batch)]) for batch in archetype.as_component_batches()]
    return Chunk.from_columns(FILE, components=columns)
