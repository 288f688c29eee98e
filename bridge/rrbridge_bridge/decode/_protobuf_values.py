"""Kinds of protobuf values: each turns many occurrences of a field into a column at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rrbridge.columns import Columns, Octets, OctetSpans, Ragged, Text, concat, take
from rrbridge_bridge.decode._cursor import LyingLengthError, gather_rows
from rrbridge_bridge.decode._descriptors import EnumType
from rrbridge_bridge.decode._names import EnumNames
from rrbridge_bridge.decode._tag_walk import FIXED32, FIXED64, GROUP, SPAN, VARINT
from rrbridge_bridge.decode._varints import packed_varints
from rrbridge_bridge.raw import Bytes, Int64s, are_large, gather_spans

__all__ = ["NUMBERS", "Blob", "EnumValue", "Found", "Number", "Source", "String", "Value"]

Array = npt.NDArray[Any]
WIDTHS = {FIXED64: 8, FIXED32: 4}


@dataclass(frozen=True, eq=False, slots=True)
class Source:
    """The buffer that messages lie in, and which of the batch's messages each of them is, or is within."""

    buffer: Bytes
    message: Int64s

    def refuse(self, rows: Int64s, field: str, reason: str) -> LyingLengthError:
        """The error that says which of the batch's messages are wrong."""
        return LyingLengthError(reason, field, np.unique(self.message[rows]))


@dataclass(frozen=True, eq=False, slots=True)
class Found:
    """Occurrences of one field, by message and then by place."""

    rows: Int64s
    values: Int64s
    sizes: Int64s
    places: Int64s

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: npt.NDArray[Any]) -> Found:
        """Some of them."""
        return Found(self.rows[which], self.values[which], self.sizes[which], self.places[which])


class Value(ABC):
    """How values of one kind are read."""

    field: str
    wires: tuple[int, ...]
    """Wire types that hold one value."""
    merges = False
    """Whether several values in one message are one, their bytes end to end; of others the last counts."""

    @abstractmethod
    def many(self, source: Source, found: Found) -> Any:
        """The values as a column, one row for each occurrence."""

    @property
    @abstractmethod
    def default(self) -> Any:
        """A column of one row: what a message has that lacks the field."""

    def one(self, source: Source, found: Found, count: int) -> Any:
        """A column of `count` messages, of which each has at most one value."""
        values = self.many(source, found)
        if len(found) == count:
            return values
        index = np.full(count, len(found))
        index[found.rows] = np.arange(len(found))
        return take(concat([values, self.default]), index)

    def packed(self, source: Source, found: Found) -> Ragged | None:
        """The values of spans that hold many of them; None for kinds that are never packed."""
        del source, found
        return None


def _as_int32(bits: Int64s) -> Array:
    return bits.astype(np.int32)


def _as_uint32(bits: Int64s) -> Array:
    return bits.astype(np.uint32)


def _as_int64(bits: Int64s) -> Array:
    return bits


def _as_uint64(bits: Int64s) -> Array:
    values: Array = bits.view(np.uint64)
    return values


def _as_bool(bits: Int64s) -> Array:
    return np.asarray(bits != 0)


def _zigzag32(bits: Int64s) -> Array:
    raw = bits.astype(np.uint32)
    values: Array = ((raw >> np.uint32(1)) ^ (np.uint32(0) - (raw & np.uint32(1)))).view(np.int32)
    return values


def _zigzag64(bits: Int64s) -> Array:
    raw = bits.view(np.uint64)
    values: Array = ((raw >> np.uint64(1)) ^ (np.uint64(0) - (raw & np.uint64(1)))).view(np.int64)
    return values


NUMBERS: Mapping[int, tuple[int, str, Callable[[Int64s], Array]]] = {
    1: (FIXED64, "f8", _as_int64),
    2: (FIXED32, "f4", _as_int64),
    3: (VARINT, "i8", _as_int64),
    4: (VARINT, "u8", _as_uint64),
    5: (VARINT, "i4", _as_int32),
    6: (FIXED64, "u8", _as_int64),
    7: (FIXED32, "u4", _as_int64),
    8: (VARINT, "?", _as_bool),
    13: (VARINT, "u4", _as_uint32),
    14: (VARINT, "i4", _as_int32),
    15: (FIXED32, "i4", _as_int64),
    16: (FIXED64, "i8", _as_int64),
    17: (VARINT, "i4", _zigzag32),
    18: (VARINT, "i8", _zigzag64),
}
"""Wire type, type and what a varint's bits mean, by `FieldDescriptorProto.Type`."""


class Number(Value):
    """Numbers and booleans."""

    def __init__(self, field: str, kind: int, default: float = 0) -> None:
        self.field = field
        self._wire, self._kind, self._convert = NUMBERS[kind]
        self.wires = (self._wire,)
        self._default = default

    def many(self, source: Source, found: Found) -> Array:
        """The numbers."""
        if self._wire == VARINT:
            return self._convert(found.values)
        return self._fixed(gather_rows(source.buffer, found.values, WIDTHS[self._wire]))

    @property
    def default(self) -> Array:
        """The declared default, or zero."""
        return np.full(1, self._default, self._kind)

    def one(self, source: Source, found: Found, count: int) -> Array:
        """One number for each message."""
        values = self.many(source, found)
        if len(found) == count:
            return values
        column = np.full(count, self._default, self._kind)
        column[found.rows] = values
        return column

    def packed(self, source: Source, found: Found) -> Ragged:
        """The numbers of each span."""
        if self._wire == VARINT:
            bits, bad = packed_varints(source.buffer, found.values, found.sizes)
            if len(bad):
                raise source.refuse(found.rows[bad], self.field, "its packed integers do not end where they should")
            return Ragged(bits.offsets, self._convert(bits.values.view(np.int64)))
        width = WIDTHS[self._wire]
        bad = np.flatnonzero(found.sizes % width)
        if len(bad):
            raise source.refuse(found.rows[bad], self.field, f"its packed numbers are not of {width} bytes each")
        data = gather_spans(source.buffer, found.values, found.sizes).reshape(-1, width)
        return Ragged.from_lengths(found.sizes // width, self._fixed(data))

    def _fixed(self, data: Bytes) -> Array:
        values: Array = np.ascontiguousarray(data).view(f"<{self._kind}")[:, 0]
        return values.astype(self._kind, copy=False)


class EnumValue(Value):
    """Numbers with names."""

    def __init__(self, field: str, enum: EnumType, default: str = "") -> None:
        first = enum.values[0][1] if enum.values else 0
        self.field = field
        self._number = Number(field, 14, dict(enum.values).get(default, first))
        self.wires = self._number.wires
        self._names = EnumNames(enum.name, enum.values)

    def many(self, source: Source, found: Found) -> Columns:
        """Names and numbers."""
        return self._names.columns(self._number.many(source, found))

    @property
    def default(self) -> Columns:
        """The declared default, or the first of the enum."""
        return self._names.columns(self._number.default)

    def one(self, source: Source, found: Found, count: int) -> Columns:
        """One for each message."""
        return self._names.columns(self._number.one(source, found, count))

    def packed(self, source: Source, found: Found) -> Ragged:
        """Those of each span."""
        numbers = self._number.packed(source, found)
        return Ragged(numbers.offsets, self._names.columns(numbers.values))


class Blob(Value):
    """Byte strings; also messages that are kept as their bytes."""

    wires: tuple[int, ...] = (SPAN,)

    def __init__(self, field: str, default: bytes = b"", *, of_message: bool = False) -> None:
        self.field = field
        self._default = default
        if of_message:
            self.wires, self.merges = (SPAN, GROUP), True

    def many(self, source: Source, found: Found) -> Octets:
        """The bytes."""
        if are_large(found.sizes):
            return OctetSpans(source.buffer, found.values, found.sizes)
        return Octets(*_spans(source, found.values, found.sizes))

    @property
    def default(self) -> Octets:
        """The declared default, or nothing."""
        return Octets(np.array([0, len(self._default)]), np.frombuffer(self._default, np.uint8))


class String(Value):
    """Strings."""

    wires = (SPAN,)

    def __init__(self, field: str, default: str = "") -> None:
        self.field = field
        self._default = default

    def many(self, source: Source, found: Found) -> Text:
        """The strings."""
        return Text(*_spans(source, found.values, found.sizes))

    @property
    def default(self) -> Text:
        """The declared default, or an empty one."""
        return Text.from_strings([self._default])

    def one(self, source: Source, found: Found, count: int) -> Text:
        """One string for each message."""
        if self._default or len(found) == count:
            return super().one(source, found, count)  # type: ignore[no-any-return]
        sizes = np.zeros(count, np.int64)
        sizes[found.rows] = found.sizes
        return Text(Ragged.from_lengths(sizes, None).offsets, gather_spans(source.buffer, found.values, found.sizes))


def _spans(source: Source, starts: Int64s, sizes: Int64s) -> tuple[Int64s, Bytes]:
    return Ragged.from_lengths(sizes, None).offsets, gather_spans(source.buffer, starts, sizes)
