"""Tables, structs, strings and vectors of many FlatBuffers at once.

Format: https://flatbuffers.dev/internals/. Offsets may lead anywhere in a message, so each is checked against the message's
bounds before it is followed; and as several may lead to one place, which lets a small message claim to be huge, what they lead to
is bounded by the message's size.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from rrbridge.columns import Columns, Flags, Octets, Ragged, Text, concat, take
from rrbridge_bridge.decode._cursor import LyingLengthError, gather_rows
from rrbridge_bridge.decode._names import EnumNames
from rrbridge_bridge.raw import Bytes, Int64s, gather_spans

__all__ = ["Array", "Enum", "Inline", "Member", "Number", "Places", "String", "Struct", "Table", "Union", "Vector"]

MAX_TIMES = 32
"""So many times its size a message may become: strings are shared by many tables."""
DTYPES = {1: "u1", 2: "?", 3: "i1", 4: "u1", 5: "i2", 6: "u2", 7: "i4", 8: "u4", 9: "i8", 10: "u8", 11: "f4", 12: "f8"}
EMPTY_TABLE = np.array([4, 0, 4, 0, 4, 0, 0, 0], np.uint8)
"""A vtable without fields, and behind it the table that refers to it."""


@dataclass(frozen=True, eq=False, slots=True)
class Places:
    """Places in messages that lie in one buffer."""

    buffer: Bytes
    starts: Int64s
    """Of each message; shape (number of messages,)."""
    ends: Int64s
    message: Int64s
    """Which message each place is in; shape (N,)."""
    pos: Int64s
    """Where in the buffer; shape (N,)."""

    def __len__(self) -> int:
        return len(self.pos)

    def at(self, rows: Int64s | Flags | slice, pos: Int64s) -> Places:
        """Other places in the messages of these."""
        return Places(self.buffer, self.starts, self.ends, self.message[rows], pos)

    def moved(self, by: Int64s | int) -> Places:
        """Each that many bytes further on."""
        return self.at(slice(None), self.pos + by)

    def refuse(self, rows: Flags, field: str, reason: str) -> LyingLengthError:
        """The error that says which messages are wrong."""
        return LyingLengthError(reason, field, np.unique(self.message[rows]))

    def require(self, sizes: Int64s | int, field: str) -> None:
        """Raise LyingLengthError where fewer bytes follow in the message, or the place is not in it."""
        lies = (self.pos < self.starts[self.message]) | (self.pos + sizes > self.ends[self.message])
        if lies.any():
            raise self.refuse(lies, field, "an offset leads out of the message")

    def numbers(self, dtype: str, field: str) -> npt.NDArray[Any]:
        """The number at each place."""
        wanted = np.dtype(dtype)
        self.require(wanted.itemsize, field)
        data = np.ascontiguousarray(gather_rows(self.buffer, self.pos, wanted.itemsize))
        values: npt.NDArray[Any] = data.view(wanted.newbyteorder("<"))[:, 0]
        return values.astype(wanted, copy=False)

    def referred(self, field: str) -> Places:
        """The places that the offsets at these lead to."""
        return self.moved(self.numbers("u4", field).astype(np.int64))

    def bound(self, sizes: Int64s, field: str) -> None:
        """Raise LyingLengthError for messages of which more would be made than they can hold. `sizes`: bytes at each place."""
        totals = np.bincount(self.message, sizes, len(self.starts))
        lies = (totals > MAX_TIMES * (self.ends - self.starts))[self.message]
        if lies.any():
            raise self.refuse(lies, field, "its offsets lead to one place again and again")


class Inline(ABC):
    """A value that stands where it belongs, or an offset to it."""

    field: str
    size: int
    """Bytes where it stands."""

    @abstractmethod
    def read(self, places: Places) -> Any:
        """The values at these places as a column."""

    @property
    @abstractmethod
    def default(self) -> Any:
        """A column of one row: what a table has that lacks the field."""


class Number(Inline):
    """A scalar."""

    def __init__(self, field: str, base: int, default: float = 0) -> None:
        self.field = field
        self.dtype = DTYPES[base]
        self.size = np.dtype(self.dtype).itemsize
        self._default = default

    def read(self, places: Places) -> npt.NDArray[Any]:
        """The scalars."""
        return places.numbers("u1", self.field) != 0 if self.dtype == "?" else places.numbers(self.dtype, self.field)

    @property
    def default(self) -> npt.NDArray[Any]:
        """As it was declared."""
        return np.array([self._default]).astype(self.dtype)


class Enum(Inline):
    """A scalar with names."""

    def __init__(self, number: Number, names: EnumNames) -> None:
        self.field, self.size = number.field, number.size
        self.number = number
        self.names = names

    def read(self, places: Places) -> Columns:
        """Names and numbers."""
        return self.names.columns(self.number.read(places))

    @property
    def default(self) -> Columns:
        """As it was declared."""
        return self.names.columns(self.number.default)


class String(Inline):
    """A string."""

    size = 4

    def __init__(self, field: str) -> None:
        self.field = field

    def read(self, places: Places) -> Text:
        """The strings."""
        return Text(*_bytes_at(places, self.field, 1))

    @property
    def default(self) -> Text:
        """An empty one."""
        return Text.from_strings([""])


def _bytes_at(places: Places, field: str, width: int) -> tuple[Int64s, Bytes]:
    """`(offsets, bytes)` of vectors that offsets lead to; offsets count elements of `width` bytes."""
    targets = places.referred(field)
    counts = targets.numbers("u4", field).astype(np.int64)
    contents = targets.moved(4)
    contents.require(counts * width, field)
    contents.bound(counts * width, field)
    return Ragged.from_lengths(counts, None).offsets, gather_spans(places.buffer, contents.pos, counts * width)


class Vector(Inline):
    """A vector; one of unsigned bytes is a byte string."""

    size = 4

    def __init__(self, field: str, item: Inline) -> None:
        self.field = field
        self.item = item

    def read(self, places: Places) -> Ragged:
        """The vectors."""
        if isinstance(self.item, Number):
            offsets, data = _bytes_at(places, self.field, self.item.size)
            if self.item.dtype == "u1":
                return Octets(offsets, data)
            if self.item.dtype == "?":
                return Ragged(offsets, data != 0)
            kind = np.dtype(self.item.dtype)
            return Ragged(offsets, data.view(kind.newbyteorder("<")).astype(kind, copy=False))
        targets = places.referred(self.field)
        counts = targets.numbers("u4", self.field).astype(np.int64)
        first = targets.moved(4)
        first.require(counts * self.item.size, self.field)
        first.bound(counts * self.item.size, self.field)
        offsets = Ragged.from_lengths(counts, None).offsets
        rows = np.repeat(np.arange(len(places)), counts)
        index = np.arange(len(rows)) - offsets[rows]
        return Ragged(offsets, self.item.read(first.at(rows, first.pos[rows] + index * self.item.size)))

    @property
    def default(self) -> Ragged:
        """An empty one."""
        nowhere = np.zeros(0, np.int64)
        nothing = self.item.read(Places(np.zeros(0, np.uint8), nowhere, nowhere, nowhere, nowhere))
        octets = isinstance(self.item, Number) and self.item.dtype == "u1"
        return (Octets if octets else Ragged)(np.zeros(2, np.int64), nothing)


class Array(Inline):
    """A fixed number of elements, within a struct."""

    def __init__(self, field: str, item: Inline, count: int) -> None:
        self.field = field
        self.item = item
        self._count = count
        self.size = item.size * count

    def read(self, places: Places) -> Any:
        """Arrays of shape (N, count); of structs, lists."""
        places.require(self.size, self.field)
        rows = np.repeat(np.arange(len(places)), self._count)
        pos = places.pos[:, None] + np.arange(self._count) * self.item.size
        values = self.item.read(places.at(rows, pos.reshape(-1)))
        if isinstance(values, np.ndarray):
            return values.reshape(len(places), self._count)
        return Ragged(np.arange(len(places) + 1) * self._count, values)

    @property
    def default(self) -> Any:
        """All zero."""
        return self.read(_zeros(self.size))


@dataclass(frozen=True, eq=False, slots=True)
class Member:
    """A field of a table or a struct."""

    name: str
    value: Inline | Union
    offset: int
    """Within a struct; for a table, in its vtable."""
    is_optional: bool


class Struct(Inline):
    """Fields that stand side by side, all of them."""

    def __init__(self, field: str, name: str, members: Sequence[Member], size: int) -> None:
        self.field, self.size = field, size
        self._name = name
        self._members = members

    def read(self, places: Places) -> Columns:
        """The structs."""
        places.require(self.size, self.field)
        columns = {}
        for member in self._members:
            assert isinstance(member.value, Inline)
            columns[member.name] = member.value.read(places.moved(member.offset))
        return Columns(len(places), columns, self._name, {})

    @property
    def default(self) -> Columns:
        """All zero."""
        return self.read(_zeros(self.size))


class Table(Inline):
    """Fields that may be there or not, found by a vtable."""

    size = 4

    def __init__(self, field: str, name: str, members: Sequence[Member]) -> None:
        self.field = field
        self._name = name
        self._members = members

    def read(self, places: Places) -> Columns:
        """The tables that offsets lead to."""
        return self.tables(places.referred(self.field))

    def tables(self, tables: Places) -> Columns:
        """The tables at these places."""
        tables.bound(np.full(len(tables), 4), self.field)
        vtables = tables.moved(-tables.numbers("i4", self.field).astype(np.int64))
        sizes = vtables.numbers("u2", self.field).astype(np.int64)
        vtables.require(sizes, self.field)
        found = _Found(tables, vtables, sizes)
        columns: dict[str, Any] = {}
        optional: dict[str, Flags | None] = {}
        for member in self._members:
            columns[member.name], there = found.column(member)
            if member.is_optional:
                optional[member.name] = None if there.all() else there
        return Columns(len(tables), columns, self._name, optional)

    @cached_property
    def default(self) -> Columns:
        """A table without fields."""
        one = np.zeros(1, np.int64)
        return self.tables(Places(EMPTY_TABLE, one, one + len(EMPTY_TABLE), one, one + 4))


@dataclass(frozen=True, eq=False, slots=True)
class _Found:
    """Tables and where their vtables are."""

    tables: Places
    vtables: Places
    vtable_sizes: Int64s

    def column(self, member: Member) -> tuple[Any, Flags]:
        """A field of all tables, and which of them have it."""
        if isinstance(member.value, Union):
            return member.value.read(self, member.offset)
        rows, there = self.fields(member.offset, member.value.field)
        return _spread(member.value, member.value.read(rows), there), there

    def fields(self, offset: int, field: str) -> tuple[Places, Flags]:
        """Where the field at a place of the vtable stands in those tables that have it, and which do."""
        known = np.flatnonzero(self.vtable_sizes >= offset + 2)
        within = np.zeros(len(self.tables), np.int64)
        slots = self.vtables.at(known, self.vtables.pos[known] + offset)
        within[known] = slots.numbers("u2", field)
        there = within > 0
        return self.tables.at(there, self.tables.pos[there] + within[there]), there


@dataclass(frozen=True, eq=False, slots=True)
class Union:
    """One of several tables; which, says the field before it."""

    name: str
    type_offset: int
    """Of that field, in the vtable."""
    choices: Sequence[tuple[str, int, Table]]
    """Name, number and type of each alternative."""

    def read(self, found: _Found, offset: int) -> tuple[Columns, Flags]:
        """The alternatives side by side."""
        count = len(found.tables)
        kinds = np.zeros(count, np.int64)
        places, has_kind = found.fields(self.type_offset, self.name)
        kinds[has_kind] = places.numbers("u1", self.name)
        values, there = found.fields(offset, self.name)
        columns: dict[str, Any] = {}
        optional: dict[str, Flags | None] = {}
        any_is_set = np.zeros(count, np.bool_)
        for name, number, table in self.choices:
            chosen = there & (kinds == number)
            columns[name] = _spread(table, table.read(values.at(chosen[there], values.pos[chosen[there]])), chosen)
            optional[name] = chosen
            any_is_set |= chosen
        return Columns(count, columns, self.name, optional), any_is_set


def _spread(value: Inline, column: Any, there: Flags) -> Any:
    """A column of the rows that are there, as one of all rows; the others have the default."""
    if there.all():
        return column
    index = np.full(len(there), len(column))
    index[there] = np.arange(len(column))
    return take(concat([column, value.default]), index)


def _zeros(size: int) -> Places:
    one = np.zeros(1, np.int64)
    return Places(np.zeros(size, np.uint8), one, one + size, one, one)
