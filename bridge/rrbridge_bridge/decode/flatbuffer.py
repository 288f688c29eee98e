"""FlatBuffers messages as columns, by the reflection schemas that recordings carry.

All messages of a batch are read at once: vtables are looked up with numpy, field by field. Columns are as those of protobuf: an
enum has `name` and `value`, a union is a message of its alternatives, a vector of unsigned bytes is a byte string, and what a
table leaves out is null, but for scalars, which have their defaults. Deprecated fields, vectors of unions, and tables within
tables of their own type, which no column type can express, are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

from rrbridge.columns import Columns
from rrbridge.errors import DecodeError, UnknownTypeError
from rrbridge_bridge.decode._cursor import LyingLengthError
from rrbridge_bridge.decode._flatbuffer_schema import (
    ARRAY,
    BASE_SIZES,
    OBJECT,
    STRING,
    UNION,
    UTYPE,
    VECTOR,
    Field,
    ObjectType,
    Schema,
    read_reflection,
)
from rrbridge_bridge.decode._flatbuffer_values import (
    Array,
    Enum,
    Inline,
    Member,
    Number,
    Places,
    String,
    Struct,
    Table,
    Union,
    Vector,
)
from rrbridge_bridge.decode._names import EnumNames
from rrbridge_bridge.decode.plan import MAX_DEPTH, MAX_FIELDS, BadMessagesError
from rrbridge_bridge.raw import Connection, RawBatch

__all__ = ["FlatbufferDecoder", "flatbuffer_decoder"]

FLOATS = frozenset({11, 12})
MAX_STRUCT_BYTES = 1 << 20
T = TypeVar("T")


def flatbuffer_decoder(connection: Connection) -> FlatbufferDecoder:
    """A decoder for a connection's batches. Raises DecodeError where the schema cannot be read, UnknownTypeError."""
    if connection.definition_format != "flatbuffer":
        raise UnknownTypeError(connection.msgtype, "the recording must hold the schema of its FlatBuffers messages")
    try:
        schema = read_reflection(connection.definition.encode("latin-1"))
        root = _root(schema, connection.msgtype)
        table = _Compiler(schema).table(root, root.name)
    except ValueError as err:
        reason = f"the recording's FlatBuffers schema cannot be read: {err}"
        raise DecodeError(reason, msgtype=connection.msgtype, topic=connection.topic) from None
    return FlatbufferDecoder(connection.msgtype, table)


def _root(schema: Schema, msgtype: str) -> ObjectType:
    """The table that messages are: the one of the connection's type, else the schema's root."""
    for name in (msgtype, schema.root):
        for item in schema.objects:
            if item.name == name and not item.is_struct:
                return item
    raise UnknownTypeError(msgtype, "the recording's FlatBuffers schema lacks it")


class FlatbufferDecoder:
    """Decodes batches of one message type."""

    def __init__(self, msgtype: str, table: Table) -> None:
        self._msgtype = msgtype
        self._table = table

    def __call__(self, batch: RawBatch) -> Columns:
        """Every field of the batch's messages. Raises BadMessagesError."""
        starts = batch.starts.astype(np.int64, copy=False)
        places = Places(batch.buffer, starts, starts + batch.sizes, np.arange(len(batch)), starts)
        try:
            return self._table.read(places)
        except LyingLengthError as lie:
            topic = batch.connection.topic
            raise BadMessagesError(
                lie.reason, lie.messages, msgtype=self._msgtype, topic=topic, field=lie.field
            ) from None


class _Compiler:
    """Turns types into readers. Raises ValueError."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._names = [EnumNames(enum.name, ((n, v) for n, v, _ in enum.values)) for enum in schema.enums]
        self._within: list[str] = []
        self._fields = 0

    def table(self, item: ObjectType, label: str) -> Table:
        """A table."""
        return Table(label, item.name, list(self._members(item)))

    def _members(self, item: ObjectType) -> Iterator[Member]:
        if len(self._within) > MAX_DEPTH:
            raise ValueError("types are nested too deeply")
        self._within.append(item.name)
        for field in item.fields:
            self._fields += 1
            if self._fields > MAX_FIELDS:
                raise ValueError(f"it unfolds to more than {MAX_FIELDS} fields")
            value = None if field.is_deprecated else self._value(field, item)
            if value is not None:
                is_scalar = field.type.base in BASE_SIZES
                yield Member(
                    field.name, value, field.offset, not item.is_struct and (field.is_optional or not is_scalar)
                )
        self._within.pop()

    def _value(self, field: Field, item: ObjectType) -> Inline | Union | None:
        label = f"{item.name}.{field.name}"
        kind = field.type
        if kind.base == UNION:
            return self._union(field, item)
        if kind.base in BASE_SIZES:
            default = field.default_real if kind.base in FLOATS else field.default_integer
            return self._scalar(label, kind.base, kind.index, default)
        if kind.base == OBJECT:
            return self._object(label, kind.index)
        if kind.base == STRING:
            return String(label)
        if kind.base in (VECTOR, ARRAY):
            element = self._element(label, kind.element, kind.index)
            if element is None or kind.base == VECTOR:
                return element and Vector(label, element)
            return Array(label, element, kind.fixed_length)
        raise ValueError(f"{label} is of the unknown base type {kind.base}")

    def _element(self, label: str, base: int, index: int) -> Inline | None:
        if base == STRING:
            return String(label)
        if base == OBJECT:
            return self._object(label, index)
        if base == UNION or (base == UTYPE and index >= 0):
            return None
        if base not in BASE_SIZES:
            raise ValueError(f"{label} is of the unknown element type {base}")
        return self._scalar(label, base, index, 0)

    def _scalar(self, label: str, base: int, index: int, default: float) -> Inline:
        number = Number(label, base, default)
        return Enum(number, self._at(self._names, index)) if index >= 0 else number

    def _object(self, label: str, index: int) -> Inline | None:
        item = self._at(self._schema.objects, index)
        if item.name in self._within:
            return None
        if item.is_struct:
            return self._struct(label, item)
        return self.table(item, label)

    def _struct(self, label: str, item: ObjectType) -> Struct:
        members = list(self._members(item))
        for member in members:
            if isinstance(member.value, Union) or member.offset + member.value.size > item.size:
                raise ValueError(f"{item.name}.{member.name} does not fit into its struct")
        if item.size > MAX_STRUCT_BYTES:
            raise ValueError(f"{item.name} has {item.size} bytes")
        return Struct(label, item.name, members, item.size)

    def _union(self, field: Field, item: ObjectType) -> Union | None:
        enum = self._at(self._schema.enums, field.type.index)
        choices = []
        for name, number, index in enum.values:
            value = self._object(f"{item.name}.{field.name}.{name}", index) if index >= 0 else None
            if isinstance(value, Table):
                choices.append((name, number, value))
        # The field that says which alternative it is has the id before.
        return Union(field.name, field.offset - 2, choices)

    @staticmethod
    def _at(items: Sequence[T], index: int) -> T:
        if not 0 <= index < len(items):
            raise ValueError(f"a type refers to number {index} of {len(items)}")
        return items[index]
