"""The steps of a decode plan. Each takes one field of all messages at once and moves the cursor behind it."""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from rrbridge.columns import Ragged, Spans, Text
from rrbridge_bridge.decode._cursor import ByteOrder, Cursor, LyingLengthError
from rrbridge_bridge.decode._runs import numbers
from rrbridge_bridge.raw import are_large

__all__ = ["MAX_EMPTY", "Node", "Numbers", "Place", "String", "WideString"]

U32 = {"<": struct.Struct("<I"), ">": struct.Struct(">I")}
WIDE_CHARACTER_BYTES = 4
MAX_EMPTY = 1 << 16
"""So many elements without any bytes may be claimed in one place: messages without fields, in ROS 1."""


class Node(ABC):
    """One field that has to be looked at to know where the next one begins."""

    min_size: int
    """The fewest bytes that it can take, which bounds how many elements a message can really hold; 0 only of what is empty."""

    @abstractmethod
    def decode(self, cursor: Cursor) -> Any:
        """The field of every place, as a column."""

    @abstractmethod
    def skip(self, cursor: Cursor) -> None:
        """Move behind the field."""

    @abstractmethod
    def skip_one(self, place: Place) -> int:
        """Where the field of one place ends; for messages too few to be worth an array operation."""


@dataclass(slots=True)
class Place:
    """A single place in a single message."""

    view: memoryview
    pos: int
    origin: int
    end: int
    message: int
    max_align: int
    byte_order: ByteOrder

    def align(self, to: int) -> None:
        """Move up to a multiple of `to`."""
        self.pos += (self.origin - self.pos) & (min(to, self.max_align) - 1)

    def take_u32(self, field: str) -> int:
        """The next unsigned 32-bit number."""
        self.align(4)
        if self.pos + 4 > self.end:
            raise LyingLengthError("it ends too early", field, np.array([self.message]))
        value: int = U32[self.byte_order].unpack_from(self.view, self.pos)[0]
        self.pos += 4
        return value

    def check(self, count: int, min_size: int, field: str) -> None:
        """Raise LyingLengthError if `count` elements cannot be there."""
        if count > MAX_EMPTY if not min_size else count * min_size > self.end - self.pos:
            raise LyingLengthError(f"{count} elements in {self.end - self.pos} bytes", field, np.array([self.message]))


@dataclass(frozen=True, eq=False, slots=True)
class String(Node):
    """A string: its length, its bytes, and in CDR a final zero that counts."""

    field: str
    min_size: int = 4

    def decode(self, cursor: Cursor) -> Text:
        """The strings."""
        sizes = cursor.take_u32(self.field)
        cursor.require(sizes, self.field)
        after = cursor.pos + sizes
        if cursor.max_align > 1:
            some = sizes > 0
            last = np.where(some, after - 1, 0)
            sizes = sizes - (some & (cursor.buffer[last] == 0) if len(last) else some)
        data = cursor.take_bytes(sizes, self.field)
        cursor.pos = after
        return Text(Ragged.from_lengths(sizes, None).offsets, data)

    def skip(self, cursor: Cursor) -> None:
        """Move behind the strings."""
        sizes = cursor.take_u32(self.field)
        cursor.pos = cursor.pos + sizes

    def skip_one(self, place: Place) -> int:
        """Where the string ends."""
        size = place.take_u32(self.field)
        place.pos += size
        return place.pos


@dataclass(frozen=True, eq=False, slots=True)
class WideString(Node):
    """A wide string: number of UTF-16 units, then each in four bytes, as Fast DDS and with it ROS 2 has them."""

    field: str
    min_size: int = 4

    def decode(self, cursor: Cursor) -> Text:
        """The strings. They are too rare to be worth more than a loop."""
        counts = cursor.take_u32(self.field)
        data = cursor.take_bytes(counts * WIDE_CHARACTER_BYTES, self.field)
        units = data.view(f"{cursor.byte_order}u4").astype("<u2")
        offsets = Ragged.from_lengths(counts, None).offsets.tolist()
        return Text.from_strings([units[a:b].tobytes().decode("utf-16-le", "replace") for a, b in pairwise(offsets)])

    def skip(self, cursor: Cursor) -> None:
        """Move behind the strings."""
        counts = cursor.take_u32(self.field)
        cursor.pos = cursor.pos + counts * WIDE_CHARACTER_BYTES

    def skip_one(self, place: Place) -> int:
        """Where the string ends."""
        count = place.take_u32(self.field)
        place.pos += count * WIDE_CHARACTER_BYTES
        return place.pos


@dataclass(frozen=True, eq=False, slots=True)
class Numbers(Node):
    """A sequence of numbers or bools."""

    field: str
    kind: str
    """numpy's letter and size: `f8`, `u1`, `?` …"""
    min_size: int = 4

    @property
    def size(self) -> int:
        """Bytes of one element."""
        return np.dtype(self.kind).itemsize

    def decode(self, cursor: Cursor) -> Ragged:
        """The sequences."""
        counts = cursor.take_u32(self.field)
        if self.kind == "u1" and are_large(counts):
            return Spans(cursor.buffer, cursor.pass_bytes(counts, self.field), counts)
        some = counts > 0
        if some.all():
            cursor.align(self.size)
            data = cursor.take_bytes(counts * self.size, self.field)
        else:
            # An empty sequence is not padded for the elements it does not have.
            rows = np.flatnonzero(some)
            elements = cursor.at(rows, cursor.pos[rows])
            elements.align(self.size)
            data = elements.take_bytes(counts[rows] * self.size, self.field)
            cursor.pos = cursor.pos.copy()
            cursor.pos[rows] = elements.pos
        return Ragged.from_lengths(counts, numbers(data, self.kind, cursor.byte_order))

    def skip(self, cursor: Cursor) -> None:
        """Move behind the sequences."""
        counts = cursor.take_u32(self.field)
        before = cursor.pos
        cursor.align(self.size)
        cursor.pos = np.where(counts > 0, cursor.pos + counts * self.size, before)

    def skip_one(self, place: Place) -> int:
        """Where the sequence ends."""
        count = place.take_u32(self.field)
        if count:
            place.align(self.size)
            place.pos += count * self.size
        return place.pos
