"""From protobuf descriptors to plans."""

from __future__ import annotations

from collections.abc import Iterator

from rrbridge.errors import DecodeError, UnknownTypeError
from rrbridge_bridge.decode._descriptors import Field, MessageType, Schema
from rrbridge_bridge.decode._protobuf_json import JSON_TYPES, JsonText
from rrbridge_bridge.decode._protobuf_messages import Map, MessagePlan, MessageValue, OneOf, Repeated, Single, Slot
from rrbridge_bridge.decode._protobuf_values import NUMBERS, Blob, EnumValue, Number, String, Value
from rrbridge_bridge.decode.plan import MAX_DEPTH, MAX_FIELDS

__all__ = ["plan_of"]

STRING, GROUP, MESSAGE, BYTES, ENUM, BOOL = 9, 10, 11, 12, 14, 8
FLOATS = frozenset({1, 2})


def plan_of(schema: Schema, msgtype: str) -> MessagePlan:
    """A plan for one message type. Raises DecodeError if it cannot be expressed, UnknownTypeError."""
    return _Compiler(schema, msgtype).message(msgtype)


class _Compiler:
    """Turns each type that is needed into a plan, once."""

    def __init__(self, schema: Schema, root: str) -> None:
        self._schema = schema
        self._root = root
        self._plans: dict[str, MessagePlan] = {}
        self._sizes: dict[str, int] = {}
        self._depth = 0
        self._recursive = _recursive_types(schema, root)

    def message(self, name: str) -> MessagePlan:
        """The plan of a message type."""
        if name in self._plans:
            return self._plans[name]
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise DecodeError("the definition is nested too deeply", msgtype=self._root)
        message = _message_type(self._schema, name)
        plan = MessagePlan(name, tuple(self._slots(message)))
        self._sizes[name] = 1 + sum(1 + self._size(field) for field in message.fields)
        if self._sizes[name] > MAX_FIELDS:
            raise DecodeError(f"the definition has more than {MAX_FIELDS} fields", msgtype=self._root)
        self._plans[name] = plan
        self._depth -= 1
        return plan

    def _size(self, field: Field) -> int:
        """How many columns the field's type unfolds to."""
        return self._sizes.get(field.type_name, 0) if field.type in (MESSAGE, GROUP) else 0

    def _slots(self, message: MessageType) -> Iterator[Slot]:
        """A message's columns, by field number; a oneof stands where the lowest of its members would, if it has several."""
        done: set[str] = set()
        for field in sorted(message.fields, key=lambda f: f.number):
            members = [other for other in message.fields if other.oneof == field.oneof]
            if not field.oneof or len(members) == 1:
                yield self._slot(field, message)
            elif field.oneof not in done:
                done.add(field.oneof)
                singles = [Single(f.name, f.number, self._value(f, message), is_optional=True) for f in members]
                yield OneOf(field.oneof, singles)

    def _slot(self, field: Field, message: MessageType) -> Slot:
        if field.is_repeated:
            entry = self._schema.messages.get(field.type_name) if field.type == MESSAGE else None
            if entry is not None and entry.is_map_entry:
                return Map(field.name, field.number, MessageValue(_label(field, message), self.message(entry.name)))
            return Repeated(field.name, field.number, self._value(field, message))
        is_optional = (field.has_presence or field.type in (MESSAGE, GROUP)) and not message.is_map_entry
        return Single(field.name, field.number, self._value(field, message), is_optional)

    def _value(self, field: Field, message: MessageType) -> Value:
        label = _label(field, message)
        if field.type in (MESSAGE, GROUP):
            return self._nested(field, label)
        if field.type == ENUM:
            if field.type_name not in self._schema.enums:
                raise UnknownTypeError(field.type_name, "the recording's protobuf descriptors lack it")
            return EnumValue(label, self._schema.enums[field.type_name], field.default)
        if field.type == STRING:
            return String(label, field.default)
        if field.type == BYTES:
            return Blob(label, _unescaped(field.default))
        if field.type not in NUMBERS:
            raise DecodeError(f"a protobuf type that is unknown: {field.type}", msgtype=self._root, field=label)
        return Number(label, field.type, _number(field))

    def _nested(self, field: Field, label: str) -> Value:
        if field.type_name in JSON_TYPES:
            return JsonText(label, JSON_TYPES[field.type_name])
        if field.type_name in self._recursive:
            return Blob(label, of_message=True)
        return MessageValue(label, self.message(field.type_name))


def _message_type(schema: Schema, name: str) -> MessageType:
    if name not in schema.messages:
        raise UnknownTypeError(name, "the recording's protobuf descriptors lack it")
    return schema.messages[name]


def _label(field: Field, message: MessageType) -> str:
    return f"{message.name}.{field.name}"


def _number(field: Field) -> float:
    """The declared default. One that is no number counts as none."""
    if field.type == BOOL:
        return field.default == "true"
    try:
        return float(field.default) if field.type in FLOATS else int(field.default or 0)
    except ValueError:
        return 0


def _unescaped(default: str) -> bytes:
    """Bytes as descriptors write them, with C's escapes."""
    try:
        return default.encode("latin-1").decode("unicode_escape").encode("latin-1")
    except UnicodeError:
        return b""


def _recursive_types(schema: Schema, root: str) -> frozenset[str]:
    """The types below `root` that contain themselves, however far down."""
    inner: dict[str, set[str]] = {}
    to_do = [root]
    while to_do:
        name = to_do.pop()
        if name not in inner:
            members = _message_type(schema, name).fields
            inner[name] = {f.type_name for f in members if f.type in (MESSAGE, GROUP) and f.type_name not in JSON_TYPES}
            to_do.extend(inner[name])
    left = dict(inner)
    while ends := [name for name, below in left.items() if not below & left.keys()]:
        for name in ends:
            del left[name]
    return frozenset(name for name in left if _reaches(left, name))


def _reaches(inner: dict[str, set[str]], name: str) -> bool:
    """Whether a type is found among what is below it."""
    seen: set[str] = set()
    to_do = [*inner[name]]
    while to_do:
        below = to_do.pop()
        if below == name:
            return True
        if below in inner and below not in seen:
            seen.add(below)
            to_do.extend(inner[below])
    return False
