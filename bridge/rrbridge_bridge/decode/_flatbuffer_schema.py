"""FlatBuffers schemas as they stand in recordings: binary reflection (`.bfbs`), itself a FlatBuffer.

Format: https://github.com/google/flatbuffers/blob/master/reflection/reflection.fbs
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["BASE_SIZES", "EnumType", "Field", "ObjectType", "Schema", "Type", "read_reflection"]

UTYPE, BOOL, STRING, VECTOR, OBJECT, UNION, ARRAY = 1, 2, 13, 14, 15, 16, 17
BASE_SIZES = {1: 1, 2: 1, 3: 1, 4: 1, 5: 2, 6: 2, 7: 4, 8: 4, 9: 8, 10: 8, 11: 4, 12: 8}
"""Bytes of each scalar, by `BaseType`."""
MAX_NAME_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class Type:
    """What a field, or an element, is."""

    base: int
    """`BaseType`: 1 union type, 2 bool, 3 byte … 12 double, 13 string, 14 vector, 15 object, 16 union, 17 array."""
    element: int
    """Of vectors and arrays."""
    index: int
    """Of the object or enum; -1 for none."""
    fixed_length: int
    """Elements of an array."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a table or a struct."""

    name: str
    type: Type
    id: int
    offset: int
    """Within a struct; for a table, in its vtable."""
    default_integer: int
    default_real: float
    is_deprecated: bool
    is_optional: bool
    """Of scalars: null where it is left out."""


@dataclass(frozen=True, slots=True)
class ObjectType:
    """A table or a struct."""

    name: str
    fields: tuple[Field, ...]
    """By their ids."""
    is_struct: bool
    size: int
    """Bytes of a struct."""


@dataclass(frozen=True, slots=True)
class EnumType:
    """Names of numbers, or of the alternatives of a union."""

    name: str
    values: tuple[tuple[str, int, int], ...]
    """Name, number, and index of the object that the alternative is (-1: none)."""


@dataclass(frozen=True, slots=True)
class Schema:
    """Types that refer to each other by index."""

    objects: Sequence[ObjectType]
    enums: Sequence[EnumType]
    root: str


def read_reflection(data: bytes) -> Schema:
    """All types of a schema. Raises ValueError."""
    try:
        source = _Source(data)
        root = source.table(source.number("<I", 0))
        objects = [_object(item) for item in root.tables(0)]
        enums = [_enum(item) for item in root.tables(1)]
        top = root.table(4)
        return Schema(objects, enums, top.text(0) if top else "")
    except (struct.error, UnicodeDecodeError) as err:
        raise ValueError(f"an offset leads past the end: {err}") from None


def _object(table: _Table) -> ObjectType:
    fields = sorted((_field(item) for item in table.tables(1)), key=lambda field: field.id)
    return ObjectType(table.text(0), tuple(fields), bool(table.number(2, "<b")), table.number(4, "<i"))


def _field(table: _Table) -> Field:
    return Field(
        name=table.text(0),
        type=_type(table.table(1)),
        id=table.number(2, "<H"),
        offset=table.number(3, "<H"),
        default_integer=table.number(4, "<q"),
        default_real=table.real(5),
        is_deprecated=bool(table.number(6, "<b")),
        is_optional=bool(table.number(11, "<b")),
    )


def _type(table: _Table | None) -> Type:
    if table is None:
        return Type(0, 0, -1, 0)
    return Type(table.number(0, "<b"), table.number(1, "<b"), table.number(2, "<i", -1), table.number(3, "<H"))


def _enum(table: _Table) -> EnumType:
    values = []
    for item in table.tables(1):
        union = item.table(3)
        index = _type(union).index if union is not None and _type(union).base == OBJECT else -1
        values.append((item.text(0), item.number(1, "<q"), index))
    return EnumType(table.text(0), tuple(values))


class _Source:
    """The bytes of a schema. What leads past their end raises struct.error, what leads back ValueError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = len(data) // 4

    def number(self, kind: str, pos: int) -> int:
        """The integer at a place."""
        if pos < 0:
            raise ValueError("an offset leads before the beginning")
        value: int = struct.unpack_from(kind, self._data, pos)[0]
        return value

    def real(self, pos: int) -> float:
        """The double at a place."""
        return float(struct.unpack_from("<d", self._data, pos)[0])

    def text(self, pos: int) -> str:
        """The string at a place."""
        size = self.number("<I", pos)
        if size > MAX_NAME_BYTES:
            raise ValueError(f"a name of {size} bytes")
        return struct.unpack_from(f"{size}s", self._data, pos + 4)[0].decode()  # type: ignore[no-any-return]

    def table(self, pos: int) -> _Table:
        """The table at a place. Each takes four bytes at least, so that more than fit are a lie."""
        self._left -= 1
        if self._left < 0:
            raise ValueError("its offsets lead to one place again and again")
        return _Table(self, pos)


class _Table:
    """One table of a schema."""

    def __init__(self, source: _Source, pos: int) -> None:
        self._source, self._pos = source, pos
        self._vtable = pos - source.number("<i", pos)
        self._vtable_size = source.number("<H", self._vtable)

    def _field(self, slot: int) -> int:
        """Where a field's value is; 0 where there is none."""
        at = 4 + 2 * slot
        offset = self._source.number("<H", self._vtable + at) if at + 2 <= self._vtable_size else 0
        return self._pos + offset if offset else 0

    def _referred(self, slot: int) -> int:
        pos = self._field(slot)
        return pos + self._source.number("<I", pos) if pos else 0

    def number(self, slot: int, kind: str, default: int = 0) -> int:
        """An integer."""
        pos = self._field(slot)
        return self._source.number(kind, pos) if pos else default

    def real(self, slot: int) -> float:
        """A double."""
        pos = self._field(slot)
        return self._source.real(pos) if pos else 0.0

    def text(self, slot: int) -> str:
        """A string."""
        pos = self._referred(slot)
        return self._source.text(pos) if pos else ""

    def table(self, slot: int) -> _Table | None:
        """A table."""
        pos = self._referred(slot)
        return self._source.table(pos) if pos else None

    def tables(self, slot: int) -> Iterator[_Table]:
        """The tables of a vector."""
        pos = self._referred(slot)
        for i in range(self._source.number("<I", pos) if pos else 0):
            at = pos + 4 + 4 * i
            yield self._source.table(at + self._source.number("<I", at))
