"""Stamps and frames of messages: what their headers say, without decoding the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rrbridge.columns import Columns, Ragged, Text, is_stamp, nanos
from rrbridge.errors import DecodeError, UnknownTypeError
from rrbridge_bridge.decode import Decode, Salvaged, decode_what_can, decoder_for
from rrbridge_bridge.decode.definitions import registry_for
from rrbridge_bridge.decode.plan import Wire, plan_for
from rrbridge_bridge.decode.tree import Message
from rrbridge_bridge.raw import Connection, Int64s, RawBatch

__all__ = [
    "Edges",
    "Headers",
    "edges_of",
    "header_reader",
    "headers_in",
    "is_clock",
    "is_data",
    "is_transforms",
    "transform_reader",
]

HEADER = "std_msgs/msg/Header"
TRANSFORMS = frozenset({"tf2_msgs/msg/TFMessage", "tf/msg/tfMessage"})
FOXGLOVE_TRANSFORMS = frozenset({"foxglove.FrameTransform", "foxglove.FrameTransforms"})
CLOCK = "rosgraph_msgs/msg/Clock"
BOOKKEEPING = frozenset({"rosgraph_msgs/msg/Log", "rcl_interfaces/msg/Log", "rcl_interfaces/msg/ParameterEvent"})
"""Of ROS itself: kept until somebody listens, stamped by the system's clock whatever the data's is."""
WIRES: dict[str, Wire] = {"cdr": "cdr", "ros1": "ros1"}


@dataclass(frozen=True, eq=False, slots=True)
class Headers:
    """Of the messages of a batch that could be read."""

    rows: Int64s
    """Which they are, shape (N,)."""
    stamp_nanos: Int64s
    """Shape (N,)."""
    frame_ids: Text | None
    """One per message; None for messages without."""
    sequence: Int64s | None
    """ROS 1's `header.seq`; None in ROS 2."""


@dataclass(frozen=True, eq=False, slots=True)
class Edges:
    """Transforms of a batch, one after the other; arrays of shape (number of transforms,)."""

    rows: Int64s
    """The message that each is in."""
    parents: Text
    children: Text
    stamp_nanos: Int64s
    values: Any
    """Translation and quaternion (x, y, z, w), shape (number of transforms, 7), float64."""


def is_transforms(connection: Connection) -> bool:
    """Whether its messages say where frames are."""
    return connection.msgtype in TRANSFORMS | FOXGLOVE_TRANSFORMS


def is_data(connection: Connection) -> bool:
    """Whether its messages are of the robot and not of ROS's own bookkeeping."""
    return connection.msgtype not in BOOKKEEPING


def is_clock(connection: Connection) -> bool:
    """Whether its messages are a simulator's time."""
    return connection.msgtype == CLOCK


def header_reader(
    connection: Connection, *, definitions: Sequence[Path] = (), ros_distro: str = ""
) -> Callable[[RawBatch], Headers | None] | None:
    """Reads headers of batches; None for messages that do not begin with one, or whose definition is not known."""
    wire = WIRES.get(connection.encoding)
    if wire is None:
        decode = transform_reader(connection, definitions=definitions, ros_distro=ros_distro)
        return None if decode is None else lambda batch: _read_whole(decode, batch)
    try:
        registry = registry_for(connection, folders=definitions, ros_distro=ros_distro)
        first = next(iter(registry[connection.msgtype]), None)
        if first is None or first[1] != Message(HEADER):
            return None
        only_header = {connection.msgtype: (first,), HEADER: registry[HEADER]}
        for _, kind in registry[HEADER]:
            # ROS 1's times are no messages of its own definitions; the plan knows them.
            if isinstance(kind, Message) and not (wire == "ros1" and kind.msgtype.startswith("builtin_interfaces/")):
                only_header[kind.msgtype] = registry[kind.msgtype]
        plan = plan_for(only_header, connection.msgtype, wire, is_prefix=True)
    except (DecodeError, UnknownTypeError):
        return None

    def read(batch: RawBatch) -> Headers | None:
        got = decode_what_can(lambda part: plan.decode(part.buffer, part.starts, part.sizes), batch)
        return headers_in(got.columns, got.rows)

    return read


def transform_reader(
    connection: Connection, *, definitions: Sequence[Path] = (), ros_distro: str = ""
) -> Decode | None:
    """Decodes transforms; None if they cannot be."""
    try:
        return decoder_for(connection, definitions=definitions, ros_distro=ros_distro)
    except (DecodeError, UnknownTypeError):
        return None


def edges_of(decode: Decode, batch: RawBatch) -> Edges:
    """All transforms of a batch of TFMessages."""
    got = decode_what_can(decode, batch)
    return _edges_of_foxglove(got) if batch.connection.msgtype in FOXGLOVE_TRANSFORMS else _edges_of_ros(got)


def _edges_of_ros(got: Salvaged) -> Edges:
    transforms = got.columns.transforms
    assert isinstance(transforms, Ragged)
    each = transforms.values
    values = _values(each.transform.translation, each.transform.rotation)
    rows = got.rows[transforms.row_of_value]
    return Edges(rows, each.header.frame_id, each.child_frame_id, nanos(each.header.stamp), values)


def _edges_of_foxglove(got: Salvaged) -> Edges:
    each, rows = got.columns, got.rows
    if "transforms" in each:
        rows, each = rows[each.transforms.row_of_value], each.transforms.values
    values = _values(each.translation, each.rotation)
    return Edges(rows, each.parent_frame_id, each.child_frame_id, nanos(each.timestamp), values)


def _values(move: Columns, turn: Columns) -> Any:
    return np.stack([move.x, move.y, move.z, turn.x, turn.y, turn.z, turn.w], axis=1)


def headers_in(msgs: Columns, rows: Int64s) -> Headers | None:
    """What decoded messages say of their time and frame, in a header or beside their other fields; None without a time."""
    header = msgs.get("header")
    if not isinstance(header, Columns) and "/" in msgs._msgtype:
        return None  # a time elsewhere in a message of ROS need not be its own
    of = header if isinstance(header, Columns) else msgs
    stamp = next((of[name] for name in ("stamp", "timestamp") if is_stamp(of.get(name))), None)
    if stamp is None:
        return None
    frame_id, sequence = of.get("frame_id"), of.get("seq") if of is header else None
    return Headers(
        rows,
        nanos(stamp),
        frame_id if isinstance(frame_id, Text) else None,
        sequence.astype(np.int64) if isinstance(sequence, np.ndarray) else None,
    )


def _read_whole(decode: Decode, batch: RawBatch) -> Headers | None:
    got = decode_what_can(decode, batch)
    return headers_in(got.columns, got.rows)
