"""What a Foxglove WebSocket server says, as values of ours.

Specification: https://github.com/foxglove/ws-protocol/blob/main/docs/spec.md (`foxglove.websocket.v1`); `foxglove.sdk.v1`,
which Foxglove's SDK and its bridge for ROS 2 speak, is the same with channel metadata and playback control added.
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml
from mcap.records import Channel, Schema

from rrbridge_bridge.live.parameters import PARAMETERS_ENTITY
from rrbridge_bridge.live.sink import PlayState, Wish
from rrbridge_bridge.live.source import Document
from rrbridge_bridge.raw import TEXT_DEFINITIONS, Connection, Int64s, RawBatch
from rrbridge_bridge.readers._mcap_records import connection_of
from rrbridge_bridge.readers._names import short_type_name

__all__ = [
    "BINARY_SCHEMAS",
    "CLOCK",
    "CONTROL",
    "DATA",
    "DATA_HEAD",
    "PARAMETERS_ID",
    "SUBPROTOCOLS",
    "TIME",
    "TIME_HEAD",
    "advertised_connection",
    "advertisement",
    "clock_batch",
    "clock_connection",
    "parameter_documents",
    "parse_control",
    "playback_state",
    "seconds",
]

SUBPROTOCOLS = ("foxglove.sdk.v1", "foxglove.websocket.v1")
BINARY_SCHEMAS = frozenset({"protobuf", "flatbuffer"})
"""Schemas that are sent as base64."""
SCHEMA_OF = {
    "cdr": "ros2msg",
    "ros1": "ros1msg",
    "protobuf": "protobuf",
    "json": "jsonschema",
    "flatbuffer": "flatbuffer",
}
"""The schema encoding where the server names none, by message encoding."""
DATA, TIME = 1, 2
CONTROL, STATE = 3, 5
"""A listener's wish to the player, and the player's state: of `foxglove.sdk.v1` alone."""
CONTROL_HEAD = struct.Struct("<BBfBQI")
STATE_HEAD = struct.Struct("<BBQfBI")
PLAYING, PAUSED, ENDED = 0, 1, 3
MAX_REQUEST_ID_BYTES = 1000
DATA_HEAD = np.dtype([("opcode", "u1"), ("subscription", "<u4"), ("time_nanos", "<u8")])
TIME_HEAD = np.dtype([("opcode", "u1"), ("time_nanos", "<u8")])
PARAMETERS_ID = "rrbridge"
CLOCK = ("/clock", "rosgraph_msgs/msg/Clock")
CLOCK_DEFINITION = f"""\
builtin_interfaces/Time clock
{"=" * 80}
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
"""
CLOCK_PAYLOAD = np.dtype([("encapsulation", "u1", 4), ("sec", "<i4"), ("nanosec", "<u4")])
MAX_CLOCK_NANOS = (2**31 - 1) * 1_000_000_000


def advertised_connection(channel: Mapping[str, Any], number: int) -> Connection:
    """An advertised channel as the connection that an MCAP file with it would have. Raises ValueError."""
    topic, encoding = _text(channel, "topic"), _text(channel, "encoding")
    name, data = _text(channel, "schemaName"), channel.get("schema") or ""
    form = str(channel.get("schemaEncoding") or SCHEMA_OF.get(encoding, ""))
    metadata = channel.get("metadata") or {}
    if not isinstance(metadata, dict) or not isinstance(data, str):
        raise ValueError(f"channel of {topic}: its schema or metadata is of another type than it should be")  # noqa: TRY004
    told = {str(key): str(value) for key, value in metadata.items()}
    schema = Schema(id=0, name=name, encoding=form, data=_schema_bytes(form, data, topic))
    record = Channel(id=number, topic=topic, message_encoding=encoding, metadata=told, schema_id=0)
    return connection_of(record, schema if name else None, "ros2" if encoding == "cdr" else "")


def _schema_bytes(form: str, data: str, topic: str) -> bytes:
    if form in TEXT_DEFINITIONS or form not in BINARY_SCHEMAS:
        return data.encode()
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as err:
        raise ValueError(f"channel of {topic}: its schema is not base64: {err}") from None


def _text(channel: Mapping[str, Any], key: str) -> str:
    value = channel.get(key)
    if not isinstance(value, str):
        raise ValueError(f"a channel without {key!r} was advertised")  # noqa: TRY004 - what a server says is a value
    return value


def advertisement(connection: Connection, number: int) -> dict[str, Any]:
    """A connection as a server advertises it."""
    data, form = connection.definition_bytes, connection.definition_format
    is_ros1 = form == "ros1msg"
    facts = {
        "id": number,
        "topic": connection.topic,
        "encoding": connection.encoding,
        "schemaName": connection.schema_name
        or (short_type_name(connection.msgtype) if is_ros1 else connection.msgtype),
        "schema": base64.b64encode(data).decode() if form in BINARY_SCHEMAS else data.decode("utf-8", "replace"),
    }
    return facts | ({"schemaEncoding": form} if form else {})


def clock_connection(number: int) -> Connection:
    """The server's time as the topic that ROS has for it."""
    metadata = {"source": "time of a Foxglove WebSocket server"}
    return Connection(number, CLOCK[0], CLOCK[1], "cdr", CLOCK_DEFINITION, "ros2msg", metadata)


def clock_batch(
    connection: Connection, times_nanos: npt.NDArray[np.uint64], received_nanos: Int64s, order: Int64s
) -> RawBatch:
    """Times of the server as messages; shape (N,) each."""
    nanos = np.minimum(times_nanos, MAX_CLOCK_NANOS).astype(np.int64)
    payloads = np.zeros(len(nanos), CLOCK_PAYLOAD)
    payloads["encapsulation"] = (0, 1, 0, 0)
    payloads["sec"], payloads["nanosec"] = nanos // 1_000_000_000, nanos % 1_000_000_000
    size = CLOCK_PAYLOAD.itemsize
    starts = np.arange(len(nanos), dtype=np.int64) * size
    sizes = np.full(len(nanos), size, np.int64)
    counters = np.zeros(len(nanos), np.uint32)
    return RawBatch(
        connection, payloads.view(np.uint8).reshape(-1), starts, sizes, received_nanos, nanos, counters, order
    )


def parameter_documents(parameters: Iterable[Mapping[str, Any]], time_nanos: int) -> Iterator[Document]:
    """Parameters by node, as `ros2 param dump` writes them; those that name no node, as `/node.parameter` does, together."""
    by_node: dict[str, dict[str, Any]] = {}
    for parameter in parameters:
        name, value = str(parameter["name"]), parameter.get("value")
        if parameter.get("type") == "byte_array" and isinstance(value, str):
            value = base64.b64decode(value)
        node, dot, own = name.partition(".") if name.startswith("/") else ("", "", "")
        by_node.setdefault(node if dot else "", {})[own if dot else name] = value
    for node, values in by_node.items():
        facts = {node: {"ros__parameters": values}} if node else values
        text = yaml.safe_dump(facts, allow_unicode=True)
        yield Document(f"{PARAMETERS_ENTITY}{node or '/server'}", "text/yaml", text, time_nanos)


def seconds(nanos: int) -> dict[str, int]:
    """A time as JSON messages have it."""
    return {"sec": nanos // 1_000_000_000, "nsec": nanos % 1_000_000_000}


def parse_control(message: bytes) -> tuple[Wish, bytes]:
    """What a listener wishes, and the id by which the answer names it. Raises ValueError."""
    if len(message) < CONTROL_HEAD.size:
        raise ValueError("a playback control request that is too short")
    opcode, command, rate, has_position, position, id_bytes = CONTROL_HEAD.unpack_from(message)
    request = message[CONTROL_HEAD.size :]
    if opcode != CONTROL or command not in (0, 1) or len(request) != id_bytes or id_bytes > MAX_REQUEST_ID_BYTES:
        raise ValueError("no playback control request")
    if not (math.isfinite(rate) and rate > 0):
        raise ValueError(f"a playback speed of {rate}")
    return Wish(command == 1, rate, position if has_position else None), request


def playback_state(state: PlayState, request: bytes = b"") -> bytes:
    """The player's state, in answer to a request or by itself."""
    status = ENDED if state.has_ended else PAUSED if state.is_paused else PLAYING
    position = min(max(state.position_nanos, 0), 2**64 - 1)
    return STATE_HEAD.pack(STATE, status, position, state.rate, state.has_jumped, len(request)) + request
