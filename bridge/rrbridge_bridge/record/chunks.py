"""What a recording holds besides messages: its properties, and the recorder's own account."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from rrbridge._arrow import list_array
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.archetypes.meta import RecordingInfo
from rrbridge.archetypes.text import TextDocument
from rrbridge.chunk import Chunk, ComponentColumn
from rrbridge_bridge.live.source import Document
from rrbridge_bridge.record.counters import TopicState
from rrbridge_bridge.recording import one_row

__all__ = ["RECORDER_ENTITY", "account", "document", "recording_info"]

RECORDER_ENTITY = "/__properties/recorder"
"""Where the account of a recording stands: one instance per topic."""


def _cell(values: pa.Array) -> pa.Array:
    """One row that holds all the values."""
    return list_array(np.array([0, len(values)]), values)


def recording_info(start_nanos: int, name: str, robot: str | None) -> list[Chunk]:
    """The recording's own properties."""
    info = RecordingInfo(start_time=start_nanos, name=name)
    made = [Chunk.from_columns("/__properties", components=one_row(info))]
    if robot:
        named = ComponentColumn(ComponentDescriptor("name"), _cell(pa.array([robot])))
        made.append(Chunk.from_columns("/__properties/robot", components=[named]))
    return made


def account(topics: Sequence[TopicState], *, complete: bool) -> Chunk:
    """What happened to each topic, as static columns with one instance per topic; a later account replaces an earlier one.

    `lost` is −1 where the middleware does not tell.
    """
    columns = {
        "topic": pa.array([t.topic for t in topics], pa.utf8()),
        "type": pa.array([t.msgtype for t in topics], pa.utf8()),
        "received": pa.array([t.received for t in topics], pa.uint64()),
        "received_bytes": pa.array([t.received_bytes for t in topics], pa.uint64()),
        "lost": pa.array([-1 if t.lost is None else t.lost for t in topics], pa.int64()),
        "dropped": pa.array([t.dropped for t in topics], pa.uint64()),
        "paused": pa.array([t.paused for t in topics], pa.uint64()),
        "throttled": pa.array([t.throttled for t in topics], pa.uint64()),
        "written": pa.array([t.written for t in topics], pa.uint64()),
        "undecoded": pa.array([t.undecoded for t in topics], pa.uint64()),
        "complete": pa.array([complete], pa.bool_()),
    }
    return Chunk.from_columns(
        RECORDER_ENTITY,
        components=[ComponentColumn(ComponentDescriptor(name), _cell(values)) for name, values in columns.items()],
    )


def document(given: Document) -> Chunk:
    """A text, from its time on."""
    when = TimeColumn.of("message_log_time", TimeKind.TIMESTAMP, np.array([given.time_nanos]))
    text = TextDocument(given.text, media_type=given.media_type)
    return Chunk.from_columns(given.entity, times=[when], components=one_row(text))
