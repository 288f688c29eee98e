"""Decode plans: compiled once per message definition, then run over any number of messages at once.

CDR: https://www.omg.org/spec/DDSI-RTPS/ (encapsulation) and https://www.omg.org/spec/DDS-XTYPES/ 7.4 (versions 1 and 2).
ROS 1: http://wiki.ros.org/ROS/Technical%20Overview (message serialization), little endian and unpadded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from rrbridge.columns import Columns, concat, take
from rrbridge.errors import DecodeError
from rrbridge_bridge.decode._cursor import ByteOrder, Cursor, LyingLengthError
from rrbridge_bridge.decode._nodes import Node, Numbers, String, WideString
from rrbridge_bridge.decode._runs import Leaf, Run
from rrbridge_bridge.decode._structures import Collection, Shape, Step, Structure
from rrbridge_bridge.decode.tree import ArrayOf, Definition, Definitions, FieldType, Message, Primitive
from rrbridge_bridge.raw import Bytes, Int64s, distinct, structs_at

__all__ = ["BadMessagesError", "Plan", "Wire", "plan_for"]

Wire: TypeAlias = Literal["cdr", "ros1"]

KINDS = {
    "bool": "?",
    "byte": "u1",
    "char": "u1",
    "octet": "u1",
    "int8": "i1",
    "uint8": "u1",
    "int16": "i2",
    "uint16": "u2",
    "int32": "i4",
    "uint32": "u4",
    "int64": "i8",
    "uint64": "u8",
    "float32": "f4",
    "float64": "f8",
}
ROS1_KINDS = KINDS | {"byte": "i1"}
"""In ROS 1 a `byte` is signed; in ROS 2 it is IDL's octet."""
EMPTY_MESSAGE_FIELD = "structure_needs_at_least_one_member"
TIME = "builtin_interfaces/msg/Time"
DURATION = "builtin_interfaces/msg/Duration"
ROS1_TIMES: Definitions = {
    TIME: (("sec", Primitive("uint32")), ("nanosec", Primitive("uint32"))),
    DURATION: (("sec", Primitive("int32")), ("nanosec", Primitive("int32"))),
}
"""ROS 1's `time` and `duration` under the names that ROS 2 gives their parts."""
MAX_FIELDS = 20_000
"""A definition that unfolds to more is refused: it is an attack, or a mistake."""
MAX_DEPTH = 64
MAX_ARRAY = 1 << 31
PADDING_BYTES = 3
"""Writers may fill a CDR message up to a multiple of four bytes."""


class BadMessagesError(DecodeError):
    """Some messages of a batch do not follow their definition; `rows` says which were found so far, by index."""

    def __init__(self, message: str, rows: Int64s, *, msgtype: str = "", topic: str = "", field: str = "") -> None:
        super().__init__(message, msgtype=msgtype, topic=topic, field=field)
        self.rows = rows


@dataclass(frozen=True, slots=True)
class Layout:
    """How a wire format lays fields out."""

    max_align: int
    is_delimited: bool = False
    """Messages and collections of messages or strings carry their size in bytes."""
    has_collection_sizes: bool = False
    """Only collections of messages or strings do."""


@dataclass(frozen=True, slots=True)
class Encapsulation:
    """One kind of CDR, as the first two bytes of a message name it."""

    byte_order: ByteOrder
    layout: Layout


CDR1 = Layout(8)
CDR2 = Layout(4, has_collection_sizes=True)
CDR2_DELIMITED = Layout(4, is_delimited=True, has_collection_sizes=True)
ROS1 = Layout(1)
ENCAPSULATIONS = {
    0x0000: Encapsulation(">", CDR1),
    0x0001: Encapsulation("<", CDR1),
    0x0006: Encapsulation(">", CDR2),
    0x0007: Encapsulation("<", CDR2),
    0x0008: Encapsulation(">", CDR2_DELIMITED),
    0x0009: Encapsulation("<", CDR2_DELIMITED),
    0x0010: Encapsulation(">", CDR2),
    0x0011: Encapsulation("<", CDR2),
    0x0014: Encapsulation(">", CDR2_DELIMITED),
    0x0015: Encapsulation("<", CDR2_DELIMITED),
}
"""By representation identifier; both numberings of version 2 are in use."""
PARAMETER_LISTS = frozenset({0x0002, 0x0003, 0x000A, 0x000B, 0x0012, 0x0013})


@dataclass(frozen=True, eq=False)
class Plan:
    """How to decode messages of one type in one wire format."""

    msgtype: str
    wire: Wire
    definitions: Definitions
    is_prefix: bool = False
    """Whether messages may go on behind what the definition names."""
    _structures: dict[Layout, Structure] = field(default_factory=dict, repr=False)

    def decode(self, buffer: Bytes, starts: Int64s, sizes: Int64s, *, topic: str = "") -> Columns:
        """Every field of the messages `buffer[starts[i] : starts[i] + sizes[i]]`, which must lie in the buffer.

        A CDR message begins with its 4-byte encapsulation header; messages of different byte orders may be mixed. Raises
        BadMessagesError, before memory is taken, if a length in a message leads past its end or bytes are left over.
        """
        try:
            return self._decode(buffer, starts.astype(np.int64), sizes.astype(np.int64))
        except LyingLengthError as lie:
            raise BadMessagesError(
                lie.reason, lie.messages, msgtype=self.msgtype, topic=topic, field=lie.field
            ) from None

    def _decode(self, buffer: Bytes, starts: Int64s, sizes: Int64s) -> Columns:
        if self.wire == "ros1":
            return self._decode_layout(buffer, starts, starts + sizes, ROS1, "<")
        short = np.flatnonzero(sizes < 4)
        if len(short):
            raise LyingLengthError("it is too short for CDR's header", "", short)
        kinds = structs_at(buffer, starts, ">u2").astype(np.int64)
        origins, ends = starts + 4, starts + sizes
        found = distinct(kinds) or [1]
        for kind in found:
            if kind not in ENCAPSULATIONS:
                raise LyingLengthError(_unknown_kind(kind), "", np.flatnonzero(kinds == kind))
        parts, rows_of = [], []
        for kind in found:
            rows = np.flatnonzero(kinds == kind)
            rows_of.append(rows)
            how = ENCAPSULATIONS[kind]
            try:
                parts.append(self._decode_layout(buffer, origins[rows], ends[rows], how.layout, how.byte_order))
            except LyingLengthError as lie:
                raise LyingLengthError(lie.reason, lie.field, rows[lie.messages]) from None
        if len(parts) == 1:
            return parts[0]
        whole: Columns = take(concat(parts), np.argsort(np.concatenate(rows_of)))
        return whole

    def _decode_layout(
        self, buffer: Bytes, origins: Int64s, ends: Int64s, layout: Layout, byte_order: ByteOrder
    ) -> Columns:
        structure = self._structures.get(layout)
        if structure is None:
            structure = self._structures[layout] = _Compiler(self.definitions, layout).message(self.msgtype, "")
        cursor = Cursor(buffer, origins, ends, layout.max_align, byte_order, origins, None)
        columns = structure.decode(cursor)
        left = ends - cursor.pos
        if self.is_prefix:
            return columns
        wrong = left > (PADDING_BYTES if self.wire == "cdr" else 0)
        if wrong.any():
            count = int(left[np.flatnonzero(wrong)[0]])
            raise cursor.lying(wrong, "", f"{count} bytes are left over: it was made with another definition")
        return columns


def plan_for(definitions: Definitions, msgtype: str, wire: Wire = "cdr", *, is_prefix: bool = False) -> Plan:
    """A plan for one message type, or, with `is_prefix`, for messages that begin like it.

    Raises DecodeError if the definition cannot be expressed, UnknownTypeError.
    """
    plan = Plan(msgtype, wire, definitions, is_prefix)
    layout = ROS1 if wire == "ros1" else CDR1
    plan._structures[layout] = _Compiler(definitions, layout).message(msgtype, "")
    return plan


def _unknown_kind(kind: int) -> str:
    if kind in PARAMETER_LISTS:
        return "it is encoded as a CDR parameter list (a mutable type), which ROS does not use and rrbridge cannot read"
    return f"its CDR header is unknown: 0x{kind:04x}"


class _Compiler:
    """Turns definitions into nodes for one layout."""

    def __init__(self, definitions: Definitions, layout: Layout) -> None:
        self._definitions = definitions
        self._layout = layout
        self._kinds = ROS1_KINDS if layout is ROS1 else KINDS
        self._within: list[str] = []
        self._fields = 0

    def message(self, msgtype: str, path: str) -> Structure:
        """A message with everything nested in it."""
        steps = _Steps(self._layout.max_align)
        shape = self._shape(msgtype, path, steps)
        steps.close_run()
        done = tuple(steps.done)
        sizes = [min(step.sizes.tolist()) if isinstance(step, Run) else step[1].min_size for step in done]
        header = 4 if self._layout.is_delimited else 0
        return Structure(path, done, steps.slots, shape, self._layout.is_delimited, header + sum(sizes))

    def _definition(self, msgtype: str) -> Definition:
        if self._layout is ROS1 and msgtype in ROS1_TIMES:
            return ROS1_TIMES[msgtype]
        definition = self._definitions[msgtype]
        if any(name == EMPTY_MESSAGE_FIELD for name, _ in definition):
            return ()
        return definition

    def _shape(self, msgtype: str, path: str, steps: _Steps) -> Shape:
        if msgtype in self._within:
            raise DecodeError("the definition contains itself", msgtype=self._within[0], field=path)
        if len(self._within) > MAX_DEPTH:
            raise DecodeError("the definition is nested too deeply", msgtype=self._within[0], field=path)
        self._within.append(msgtype)
        definition = self._definition(msgtype)
        if not definition and self._layout is not ROS1:
            # On ROS 2's wire an empty message is one byte, because C has no empty structs.
            steps.add_leaf("u1", None, path)
        parts = [(name, self._field(kind, f"{path}.{name}" if path else name, steps)) for name, kind in definition]
        self._within.pop()
        return Shape(msgtype, tuple(parts))

    def _field(self, kind: FieldType, path: str, steps: _Steps) -> int | Shape:
        self._fields += 1
        if self._fields > MAX_FIELDS:
            raise DecodeError(f"the definition has more than {MAX_FIELDS} fields", msgtype=self._within[0])
        if isinstance(kind, Message) and not self._layout.is_delimited:
            return self._shape(kind.msgtype, path, steps)
        if isinstance(kind, Primitive) and kind.name in self._kinds:
            return steps.add_leaf(self._kinds[kind.name], None, path)
        if isinstance(kind, ArrayOf):
            if kind.count > MAX_ARRAY:
                raise DecodeError(f"an array of {kind.count} elements", msgtype=self._within[0], field=path)
            if isinstance(kind.item, Primitive) and kind.item.name in self._kinds:
                return steps.add_leaf(self._kinds[kind.item.name], kind.count, path)
        return steps.add_node(self._node(kind, path))

    def _node(self, kind: FieldType, path: str) -> Node:
        if isinstance(kind, Message):
            return self.message(kind.msgtype, path)
        if isinstance(kind, Primitive):
            if kind.name == "string":
                return String(path)
            if kind.name == "wstring":
                return WideString(path)
            raise DecodeError(f"rrbridge cannot read {kind.name}", msgtype=self._within[0], field=path)
        if isinstance(kind.item, Primitive) and kind.item.name in self._kinds:
            return Numbers(path, self._kinds[kind.item.name])
        item = self._node(kind.item, path)
        if isinstance(kind, ArrayOf):
            return Collection(path, item, kind.count, self._has_size, min(kind.count * item.min_size, MAX_ARRAY))
        return Collection(path, item, None, self._has_size, 4)

    @property
    def _has_size(self) -> bool:
        return self._layout.has_collection_sizes


class _Steps:
    """Steps of a message while they are put together."""

    def __init__(self, max_align: int) -> None:
        self.done: list[Step] = []
        self.slots = 0
        self._max_align = max_align
        self._leaves: list[Leaf] = []

    def add_leaf(self, kind: str, count: int | None, path: str) -> int:
        """A field of fixed size; its slot."""
        self._leaves.append(Leaf(self._new_slot(), kind, count, path))
        return self._leaves[-1].slot

    def add_node(self, node: Node) -> int:
        """A field of varying size; its slot."""
        self.close_run()
        self.done.append((self._new_slot(), node))
        return self.slots - 1

    def close_run(self) -> None:
        """The fields of fixed size so far are followed by one that is not."""
        if self._leaves:
            self.done.append(Run(tuple(self._leaves), self._max_align))
            self._leaves = []

    def _new_slot(self) -> int:
        self.slots += 1
        return self.slots - 1
