"""What a recording is made of besides decoded messages: raw messages, their channels, and the recorder's own account."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from rrbridge._arrow import list_array, list_type, primitive, unit_lists
from rrbridge._chunk import Chunk, ComponentColumn
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._entity_path import normalize
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.record.counters import TopicState

__all__ = ["RECORDER_ENTITY", "BytesMaker", "account", "channel", "concatenate", "raw_messages", "recording_info"]

RECORDER_ENTITY = "/__properties/recorder"
"""Where the account of a recording stands: one instance per topic."""

_CHANNEL, _SCHEMA, _MESSAGE = (f"rerun.archetypes.Mcap{name}" for name in ("Channel", "Schema", "Message"))


def _cell(values: pa.Array) -> pa.Array:
    """One row that holds all the values."""
    return list_array(np.array([0, len(values)]), values)


def _column(archetype: str, field: str, component_type: str, cells: pa.Array) -> ComponentColumn:
    short = archetype.rpartition(".")[2]
    return ComponentColumn(
        ComponentDescriptor(f"{short}:{field}", archetype, f"rerun.components.{component_type}"), cells
    )


def _blob(data: bytes) -> pa.Array:
    values = primitive(np.frombuffer(data, np.uint8))
    return list_array(np.array([0, len(data)]), values, nullable=False)


def channel(connection: Connection, entity_path: str) -> Chunk:
    """A connection as the static `McapChannel` and `McapSchema` that an MCAP file has for it."""
    pair = pa.struct([pa.field("first", pa.utf8(), nullable=False), pa.field("second", pa.utf8(), nullable=False)])
    metadata = pa.array([sorted(connection.metadata.items())], list_type(pair, nullable=False))
    number = pa.array([connection.id], pa.uint16())
    return Chunk.from_columns(
        entity_path,
        components=[
            _column(_CHANNEL, "id", "ChannelId", _cell(number)),
            _column(_CHANNEL, "topic", "Text", _cell(pa.array([connection.topic]))),
            _column(_CHANNEL, "message_encoding", "Text", _cell(pa.array([connection.encoding]))),
            _column(_CHANNEL, "metadata", "KeyValuePairs", _cell(metadata)),
            _column(_SCHEMA, "id", "SchemaId", _cell(number)),
            _column(_SCHEMA, "name", "Text", _cell(pa.array([connection.msgtype]))),
            _column(_SCHEMA, "encoding", "Text", _cell(pa.array([connection.definition_format]))),
            _column(_SCHEMA, "data", "Blob", _cell(_blob(connection.definition.encode()))),
        ],
    )


def concatenate(batches: Sequence[RawBatch]) -> RawBatch:
    """Batches of one connection as one whose payloads stand end to end; the last one's connection is kept."""
    first = batches[0]
    if len(batches) == 1:
        return first
    shifts = np.cumsum([0] + [len(batch.buffer) for batch in batches[:-1]])
    return RawBatch(
        batches[-1].connection,
        np.concatenate([batch.buffer for batch in batches]),
        np.concatenate([batch.starts + shift for batch, shift in zip(batches, shifts, strict=True)]),
        np.concatenate([batch.sizes for batch in batches]),
        np.concatenate([batch.log_time_nanos for batch in batches]),
        np.concatenate([batch.publish_time_nanos for batch in batches]),
        np.concatenate([batch.sequence for batch in batches]),
        np.concatenate([batch.order for batch in batches]),
    )


def raw_messages(batch: RawBatch, entity_path: str) -> Chunk:
    """The messages' bytes, with channel and sequence numbers, on the two clocks. Payloads must stand end to end."""
    count = len(batch)
    offsets = np.concatenate((batch.starts, [len(batch.buffer)]))
    blobs = list_array(offsets, primitive(batch.buffer), nullable=False)
    data = ComponentDescriptor("McapMessage:data", _MESSAGE, "rerun.components.Blob")
    channel_ids = np.full(count, batch.connection.id, np.uint16)
    return Chunk.from_columns(
        entity_path,
        times=[
            TimeColumn.of("message_log_time", TimeKind.TIMESTAMP, batch.log_time_nanos),
            TimeColumn.of("message_publish_time", TimeKind.TIMESTAMP, batch.publish_time_nanos),
        ],
        components=[
            ComponentColumn(data, unit_lists(blobs)),
            ComponentColumn(ComponentDescriptor("channel_id"), unit_lists(primitive(channel_ids))),
            ComponentColumn(ComponentDescriptor("sequence"), unit_lists(primitive(batch.sequence))),
        ],
    )


def recording_info(start_nanos: int, name: str) -> Chunk:
    """The recording's own properties."""
    archetype = "rerun.archetypes.RecordingInfo"
    return Chunk.from_columns(
        "/__properties",
        components=[
            _column(archetype, "start_time", "Timestamp", _cell(pa.array([start_nanos], pa.int64()))),
            _column(archetype, "name", "Name", _cell(pa.array([name]))),
        ],
    )


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
        "written": pa.array([t.written for t in topics], pa.uint64()),
        "undecoded": pa.array([t.undecoded for t in topics], pa.uint64()),
        "complete": pa.array([complete], pa.bool_()),
    }
    return Chunk.from_columns(
        RECORDER_ENTITY,
        components=[ComponentColumn(ComponentDescriptor(name), _cell(values)) for name, values in columns.items()],
    )


class BytesMaker:
    """Keeps messages as bytes only."""

    def announce(self, connection: Connection) -> list[Chunk]:
        """The connection's channel and schema."""
        return [channel(connection, normalize(connection.topic))]

    def bytes_only(self, batch: RawBatch) -> list[Chunk]:
        """The bytes."""
        return [raw_messages(batch, normalize(batch.connection.topic))]

    def convert(self, batch: RawBatch) -> list[Chunk]:
        """The bytes."""
        return self.bytes_only(batch)

    def undecoded(self) -> dict[tuple[str, str], tuple[int, str]]:
        """Nothing was meant to be decoded."""
        return {}
