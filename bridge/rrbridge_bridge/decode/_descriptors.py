"""Protobuf schemas as they stand in recordings: a `FileDescriptorSet`, read down to what decoding needs.

Format: https://github.com/protocolbuffers/protobuf/blob/main/src/google/protobuf/descriptor.proto. It is small and stable enough
to be read by hand; the `protobuf` package takes twice as long to import as a small recording takes to convert.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rrbridge.rrd._wire import WireError, fields, number, octets, string

__all__ = ["EnumType", "Field", "MessageType", "Schema", "read_schema"]

MAX_NESTING = 64
REPEATED = 3
PROTO3 = "proto3"
IMPLICIT = 2
"""Value of the feature `field_presence` for fields that are either zero or there."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message."""

    name: str
    number: int
    type: int
    """`FieldDescriptorProto.Type`: 1 double … 18 sint64."""
    type_name: str = ""
    """Of a message or an enum, without the leading dot."""
    is_repeated: bool = False
    has_presence: bool = False
    """Whether a message says that it lacks the field."""
    oneof: str = ""
    default: str = ""


@dataclass(frozen=True, slots=True)
class MessageType:
    """A message."""

    name: str
    fields: tuple[Field, ...]
    """As they were declared."""
    is_map_entry: bool = False


@dataclass(frozen=True, slots=True)
class EnumType:
    """Names of numbers, as they were declared."""

    name: str
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Schema:
    """Types by full name, `foxglove.LaserScan`."""

    messages: Mapping[str, MessageType]
    enums: Mapping[str, EnumType]


def read_schema(descriptor_set: bytes) -> Schema:
    """All types of a `FileDescriptorSet`. Raises ValueError."""
    messages: dict[str, MessageType] = {}
    enums: dict[str, EnumType] = {}
    for key, value in fields(memoryview(descriptor_set)):
        if key == 1:
            _File(messages, enums).read(octets(value))
    known = messages.keys() | enums.keys()
    resolved = {
        message.name: replace(message, fields=tuple(_resolved(field, message.name, known) for field in message.fields))
        for message in messages.values()
    }
    return Schema(resolved, enums)


def _resolved(field: Field, scope: str, known: set[str]) -> Field:
    """The field with its type's full name: a relative one is looked for in the message and outwards."""
    name = field.type_name
    if not name:
        return field
    if name.startswith("."):
        return replace(field, type_name=name[1:])
    while scope and f"{scope}.{name}" not in known:
        scope = scope.rpartition(".")[0]
    return replace(field, type_name=f"{scope}.{name}" if scope else name)


class _File:
    """Reads one file's types."""

    def __init__(self, messages: dict[str, MessageType], enums: dict[str, EnumType]) -> None:
        self._messages, self._enums = messages, enums
        self._is_proto3 = False

    def read(self, data: memoryview) -> None:
        """Add them."""
        package, syntax, edition, presence = "", "", 0, 0
        messages, enums = [], []
        for key, value in fields(data):
            if key == 2:
                package = string(value)
            elif key == 4:
                messages.append(octets(value))
            elif key == 5:
                enums.append(octets(value))
            elif key == 8:
                presence = _presence(octets(value), 50)
            elif key == 12:
                syntax = string(value)
            elif key == 14:
                edition = number(value)
        self._is_proto3 = syntax == PROTO3
        implicit = self._is_proto3 or (bool(edition) and presence == IMPLICIT)
        for item in enums:
            self._enum(item, package)
        for item in messages:
            self._message(item, package, implicit, 0)

    def _enum(self, data: memoryview, scope: str) -> None:
        name, values = "", []
        for key, value in fields(data):
            if key == 1:
                name = _join(scope, string(value))
            elif key == 2:
                values.append(_enum_value(octets(value)))
        self._enums[name] = EnumType(name, tuple(values))

    def _message(self, data: memoryview, scope: str, implicit: bool, depth: int) -> None:
        if depth > MAX_NESTING:
            raise WireError("types are nested too deeply")
        name, is_map_entry = "", False
        members, nested, enums, oneofs = [], [], [], []
        for key, value in fields(data):
            if key == 1:
                name = _join(scope, string(value))
            elif key == 2:
                members.append(octets(value))
            elif key == 3:
                nested.append(octets(value))
            elif key == 4:
                enums.append(octets(value))
            elif key == 7:
                is_map_entry = any(k == 7 and bool(v) for k, v in fields(octets(value)))
                implicit = _presence(octets(value), 12, implicit) == IMPLICIT
            elif key == 8:
                oneofs.append(next((string(v) for k, v in fields(octets(value)) if k == 1), ""))
        for item in enums:
            self._enum(item, name)
        for item in nested:
            self._message(item, name, implicit, depth + 1)
        found = tuple(_field(item, oneofs, implicit) for item in members)
        self._messages[name] = MessageType(name, found, is_map_entry)


def _field(data: memoryview, oneofs: list[str], implicit: bool) -> Field:
    name = type_name = default = ""
    key_number = kind = label = 0
    oneof: int | None = None
    is_proto3_optional = False
    for key, value in fields(data):
        if key == 1:
            name = string(value)
        elif key == 3:
            key_number = number(value)
        elif key == 4:
            label = number(value)
        elif key == 5:
            kind = number(value)
        elif key == 6:
            type_name = string(value)
        elif key == 7:
            default = string(value)
        elif key == 8:
            implicit = _presence(octets(value), 21, implicit) == IMPLICIT
        elif key == 9:
            oneof = number(value)
        elif key == 17:
            is_proto3_optional = bool(number(value))
    if oneof is not None and oneof >= len(oneofs):
        raise WireError(f"{name} is in a oneof that is not there")
    return Field(
        name=name,
        number=key_number,
        type=kind,
        type_name=type_name,
        is_repeated=label == REPEATED,
        has_presence=not implicit or oneof is not None or is_proto3_optional,
        oneof=oneofs[oneof] if oneof is not None and not is_proto3_optional else "",
        default=default,
    )


def _enum_value(data: memoryview) -> tuple[str, int]:
    name, value = "", 0
    for key, found in fields(data):
        if key == 1:
            name = string(found)
        elif key == 2:
            value = number(found)
    return name, (value & 0xFFFF_FFFF ^ 0x8000_0000) - 0x8000_0000


def _presence(options: memoryview, features: int, implicit: bool = False) -> int:
    """The feature `field_presence` that options set; else what was in force."""
    found = IMPLICIT if implicit else 0
    for key, value in fields(options):
        if key == features and isinstance(value, memoryview):
            found = next((number(v) for k, v in fields(value) if k == 1), found)
    return found


def _join(scope: str, name: str) -> str:
    return f"{scope}.{name}" if scope else name
