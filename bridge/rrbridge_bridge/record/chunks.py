"""What a recording holds besides messages: its properties, and the recorder's own account."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from rrbridge._arrow import list_array, primitive, utf8
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.archetypes.meta import RecordingInfo
from rrbridge.archetypes.text import TextDocument
from rrbridge.chunk import Chunk, ComponentColumn
from rrbridge_bridge.live.source import Document
from rrbridge_bridge.record.counters import Account, FileCounts
from rrbridge_bridge.record.output import RunInfo
from rrbridge_bridge.recording import one_row

__all__ = ["NOTED_ENTITY", "RECORDER_ENTITY", "account", "document", "recording_info"]

RECORDER_ENTITY = "/__properties/recorder"
"""Where the account of a recording stands: one instance per topic."""
NOTED_ENTITY = "/__properties/metadata"
"""Where what the person noted stands: a component per key."""


def _cell(values: pa.Array) -> pa.Array:
    """One row that holds all the values."""
    return list_array(np.array([0, len(values)]), values)


def recording_info(info: RunInfo) -> list[Chunk]:
    """The recording's own properties."""
    about = RecordingInfo(start_time=info.start_nanos, name=info.name)
    made = [Chunk.from_columns("/__properties", components=one_row(about))]
    if info.robot:
        named = ComponentColumn(ComponentDescriptor("name"), _cell(utf8([info.robot])))
        made.append(Chunk.from_columns("/__properties/robot", components=[named]))
    if info.metadata:
        noted = [
            ComponentColumn(ComponentDescriptor(name), _cell(utf8([value]))) for name, value in info.metadata.items()
        ]
        made.append(Chunk.from_columns(NOTED_ENTITY, components=noted))
    return made


def account(given: Account, in_file: FileCounts) -> Chunk:
    """What happened to each topic, as static columns with one instance per topic; a later account replaces an earlier one.

    All counts are of the run so far, but `in_file` of this file. `lost` is −1 where the middleware does not tell.
    """
    topics = given.topics
    columns = {
        "topic": utf8([t.topic for t in topics]),
        "type": utf8([t.msgtype for t in topics]),
        "received": primitive(np.array([t.received for t in topics], np.uint64)),
        "received_bytes": primitive(np.array([t.received_bytes for t in topics], np.uint64)),
        "lost": primitive(np.array([-1 if t.lost is None else t.lost for t in topics], np.int64)),
        "dropped": primitive(np.array([t.dropped for t in topics], np.uint64)),
        "paused": primitive(np.array([t.paused for t in topics], np.uint64)),
        "throttled": primitive(np.array([t.throttled for t in topics], np.uint64)),
        "written": primitive(np.array([t.written for t in topics], np.uint64)),
        "in_file": primitive(np.array([in_file.of(t) for t in topics], np.uint64)),
        "undecoded": primitive(np.array([t.undecoded for t in topics], np.uint64)),
        "refused": utf8([t.refused for t in topics]),
        "complete": primitive(np.array([given.complete])),
        "clock_wall": primitive(np.array([wall for wall, _ in given.clock], np.int64)),
        "clock_monotonic": primitive(np.array([steady for _, steady in given.clock], np.int64)),
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
