"""The steps of a decode plan. Each takes one field of all messages at once and moves the cursor behind it."""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from rrbridge.columns import Columns, Ragged, Text
from rrbridge_bridge.decode._cursor import ByteOrder, Cursor, LyingLengthError, gather_rows
from rrbridge_bridge.raw import Int64s

__all__ = ["Collection", "Leaf", "Node", "Numbers", "Run", "Shape", "String", "Structure", "WideString"]

PHASES = 8
"""Alignments go up to 8, so what matters of a position is its remainder by 8."""
MIN_PARALLEL = 16
"""Elements of unequal size are found for all messages at once if so many can be on average, one after the other if not."""
U32 = {"<": struct.Struct("<I"), ">": struct.Struct(">I")}
WIDE_CHARACTER_BYTES = 4


class Node(ABC):
    """One field that has to be looked at to know where the next one begins."""

    min_size: int
    """The fewest bytes that it can take, at least 1: bounds how many elements a message can really hold."""

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
        if count * min_size > self.end - self.pos:
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


@dataclass(frozen=True, slots=True)
class Leaf:
    """A number, bool or fixed array of them, inside a run."""

    slot: int
    kind: str
    count: int | None
    """Elements of a fixed array; None for a single value."""
    field: str

    @property
    def size(self) -> int:
        """Bytes of one element."""
        return np.dtype(self.kind).itemsize

    @property
    def bytes(self) -> int:
        """Bytes of all elements."""
        return self.size * (1 if self.count is None else self.count)


@dataclass(frozen=True, eq=False)
class Run:
    """Fields of fixed size, one after the other, across the borders of nested messages: taken in one go."""

    leaves: tuple[Leaf, ...]
    max_align: int
    places: tuple[tuple[tuple[int, ...], int], ...] = field(init=False)
    """For each phase: where each leaf stands, and how long the run is."""
    sizes: Int64s = field(init=False)

    def __post_init__(self) -> None:
        places = tuple(self._place(phase) for phase in range(PHASES))
        object.__setattr__(self, "places", places)
        object.__setattr__(self, "sizes", np.array([size for _, size in places], np.int64))

    def _place(self, phase: int) -> tuple[tuple[int, ...], int]:
        at, offsets = phase, []
        for leaf in self.leaves:
            if leaf.count != 0:
                at += -at % min(leaf.size, self.max_align)
            offsets.append(at - phase)
            at += leaf.bytes
        return tuple(offsets), at - phase

    def decode(self, cursor: Cursor, slots: list[Any]) -> None:
        """Fill the leaves' slots."""
        phases = (cursor.pos - cursor.origin) & (PHASES - 1) if self.max_align > 1 else np.zeros(1, np.int64)
        if not len(cursor) or (phases == phases[0]).all():
            self._decode_phase(cursor, slots, int(phases[0]) if len(phases) else 0)
            return
        n = len(cursor)
        after = cursor.pos.copy()
        for leaf in self.leaves:
            slots[leaf.slot] = np.empty(n if leaf.count is None else (n, leaf.count), leaf.kind)
        part: list[Any] = [None] * len(slots)
        for phase in np.unique(phases).tolist():
            rows = np.flatnonzero(phases == phase)
            places = cursor.at(rows, cursor.pos[rows])
            self._decode_phase(places, part, phase)
            after[rows] = places.pos
            for leaf in self.leaves:
                slots[leaf.slot][rows] = part[leaf.slot]
        cursor.pos = after

    def _decode_phase(self, cursor: Cursor, slots: list[Any], phase: int) -> None:
        offsets, size = self.places[phase]
        cursor.require(size, self.leaves[0].field)
        block = gather_rows(cursor.buffer, cursor.pos, size)
        for leaf, offset in zip(self.leaves, offsets, strict=True):
            values = numbers(block[:, offset : offset + leaf.bytes], leaf.kind, cursor.byte_order)
            slots[leaf.slot] = values[:, 0] if leaf.count is None else values
        cursor.pos = cursor.pos + size

    def skip(self, cursor: Cursor) -> None:
        """Move behind the run."""
        if self.max_align > 1:
            cursor.pos = cursor.pos + self.sizes[(cursor.pos - cursor.origin) & (PHASES - 1)]
        else:
            cursor.pos = cursor.pos + self.sizes[0]


@dataclass(frozen=True, slots=True)
class Shape:
    """How a message's columns are put together again from what the steps filled."""

    msgtype: str
    fields: tuple[tuple[str, int | Shape], ...]

    def assemble(self, slots: Sequence[Any], n: int) -> Columns:
        """The columns of N messages."""
        return Columns(
            n,
            {name: slots[part] if isinstance(part, int) else part.assemble(slots, n) for name, part in self.fields},
            self.msgtype,
        )


Step: TypeAlias = Run | tuple[int, Node]
"""A run, or a field of varying size and the slot it fills."""


@dataclass(frozen=True, eq=False)
class Structure(Node):
    """A message: steps over its own fields and those of the messages nested in it."""

    field: str
    steps: tuple[Step, ...]
    slots: int
    shape: Shape
    is_delimited: bool
    """Whether its size stands before it (XCDR2, appendable)."""
    min_size: int

    @property
    def run(self) -> Run | None:
        """The one run that the message consists of; None if its size varies."""
        if len(self.steps) == 1 and isinstance(self.steps[0], Run) and not self.is_delimited:
            return self.steps[0]
        return None

    def decode(self, cursor: Cursor) -> Columns:
        """The messages."""
        slots: list[Any] = [None] * self.slots
        after = self._enter(cursor)
        for step in self.steps:
            if isinstance(step, Run):
                step.decode(cursor, slots)
            else:
                slots[step[0]] = step[1].decode(cursor)
        if after is not None:
            cursor.pos = after
        return self.shape.assemble(slots, len(cursor))

    def _enter(self, cursor: Cursor) -> Int64s | None:
        """Where the message ends, if it says so itself."""
        if not self.is_delimited:
            return None
        sizes = cursor.take_u32(self.field)
        cursor.require(sizes, self.field)
        return cursor.pos + sizes

    def skip(self, cursor: Cursor) -> None:
        """Move behind the messages."""
        after = self._enter(cursor)
        if after is not None:
            cursor.pos = after
            return
        for step in self.steps:
            if isinstance(step, Run):
                step.skip(cursor)
            else:
                step[1].skip(cursor)

    def skip_one(self, place: Place) -> int:
        """Where the message ends."""
        if self.is_delimited:
            size = place.take_u32(self.field)
            place.pos += size
            return place.pos
        for step in self.steps:
            if isinstance(step, Run):
                phase = (place.pos - place.origin) & (PHASES - 1) if place.max_align > 1 else 0
                place.pos += step.places[phase][1]
            else:
                step[1].skip_one(place)
        return place.pos


@dataclass(frozen=True, eq=False)
class Collection(Node):
    """A sequence, or fixed array, of strings or messages."""

    field: str
    item: Node
    count: int | None
    """Of a fixed array; None for a sequence, which says it."""
    is_delimited: bool
    """Whether its size in bytes stands before it (XCDR2)."""
    min_size: int

    def decode(self, cursor: Cursor) -> Ragged:
        """The collections."""
        counts = self._counts(cursor)
        ragged = Ragged.from_lengths(counts, None)
        owner = ragged.row_of_value
        elements = cursor.at(owner, self._starts(cursor, counts, ragged.offsets, owner))
        values = self.item.decode(elements)
        some = np.flatnonzero(counts > 0)
        cursor.pos = cursor.pos.copy()
        cursor.pos[some] = elements.pos[ragged.offsets[1:][some] - 1]
        return Ragged(ragged.offsets, values)

    def skip(self, cursor: Cursor) -> None:
        """Move behind the collections."""
        counts = self._counts(cursor)
        run = self._run
        if run is not None:
            cursor.pos = cursor.pos + _sizes_of_runs(cursor, run, counts)
            return
        some = np.flatnonzero(counts > 0)
        left, pos = counts[some], cursor.pos[some]
        after = cursor.pos.copy()
        while len(some):
            elements = cursor.at(some, pos)
            self.item.skip(elements)
            left = left - 1
            done = left == 0
            after[some[done]] = elements.pos[done]
            some, left, pos = some[~done], left[~done], elements.pos[~done]
        cursor.pos = after

    def skip_one(self, place: Place) -> int:
        """Where the collection ends."""
        if self.is_delimited:
            size = place.take_u32(self.field)
            place.pos += size
            return place.pos
        count = place.take_u32(self.field) if self.count is None else self.count
        place.check(count, self.item.min_size, self.field)
        run = self._run
        if run is not None:
            phase = (place.pos - place.origin) & (PHASES - 1)
            place.pos += int(_element_offsets(run, phase, count + 1)[count])
            return place.pos
        for _ in range(count):
            self.item.skip_one(place)
        return place.pos

    @property
    def _run(self) -> Run | None:
        return self.item.run if isinstance(self.item, Structure) else None

    def _counts(self, cursor: Cursor) -> Int64s:
        """How many elements each place has; as many as claimed must fit what is left of the message."""
        if self.is_delimited:
            cursor.require(cursor.take_u32(self.field), self.field)
        counts = np.full(len(cursor), self.count, np.int64) if self.count is not None else cursor.take_u32(self.field)
        lies = counts * self.item.min_size > cursor.end - cursor.pos
        if lies.any():
            row = int(np.flatnonzero(lies)[0])
            left = int(cursor.end[row] - cursor.pos[row])
            raise cursor.lying(lies, self.field, f"{int(counts[row])} elements are claimed where {left} bytes are left")
        return counts

    def _starts(self, cursor: Cursor, counts: Int64s, offsets: Int64s, owner: Int64s) -> Int64s:
        """Where each element begins, in order."""
        if not len(owner):
            return np.zeros(0, np.int64)
        run = self._run
        if run is not None:
            return _starts_of_runs(cursor, run, counts, offsets, owner)
        if counts.max() == 1:
            return cursor.pos[owner]
        if len(owner) < MIN_PARALLEL * int(counts.max()):
            return self._starts_one_by_one(cursor, counts)
        starts = np.empty(len(owner), np.int64)
        rows, pos = np.flatnonzero(counts > 0), cursor.pos[counts > 0]
        for step in range(int(counts.max())):
            starts[offsets[rows] + step] = pos
            more = counts[rows] > step + 1
            elements = cursor.at(rows[more], pos[more])
            self.item.skip(elements)
            rows, pos = rows[more], elements.pos
        return starts

    def _starts_one_by_one(self, cursor: Cursor, counts: Int64s) -> Int64s:
        starts: list[int] = []
        view = cursor.buffer.data
        messages = np.arange(len(cursor)) if cursor.message is None else cursor.message
        rows = zip(
            cursor.pos.tolist(),
            cursor.origin.tolist(),
            cursor.end.tolist(),
            messages.tolist(),
            counts.tolist(),
            strict=True,
        )
        for pos, origin, end, message, count in rows:
            place = Place(view, pos, origin, end, message, cursor.max_align, cursor.byte_order)
            for _ in range(count):
                starts.append(place.pos)
                self.item.skip_one(place)
        return np.array(starts, np.int64)


def _starts_of_runs(cursor: Cursor, run: Run, counts: Int64s, offsets: Int64s, owner: Int64s) -> Int64s:
    """Where elements of fixed layout begin: known from where the first one does."""
    index = np.arange(len(owner)) - offsets[owner]
    starts: Int64s = cursor.pos[owner]
    phases = (cursor.pos - cursor.origin) & (PHASES - 1)
    for phase in np.unique(phases[counts > 0]).tolist():
        rows = phases == phase
        table = _element_offsets(run, phase, int(counts[rows].max()))
        if rows.all():
            starts += table[index]
        else:
            elements = rows[owner]
            starts[elements] += table[index[elements]]
    return starts


def _sizes_of_runs(cursor: Cursor, run: Run, counts: Int64s) -> Int64s:
    """Bytes that `counts[i]` elements of fixed layout take from place i on."""
    sizes = np.zeros(len(counts), np.int64)
    phases = (cursor.pos - cursor.origin) & (PHASES - 1)
    for phase in np.unique(phases).tolist():
        rows = phases == phase
        sizes[rows] = _element_offsets(run, phase, int(counts[rows].max()) + 1)[counts[rows]]
    return sizes


def _element_offsets(run: Run, phase: int, count: int) -> Int64s:
    """Offsets of `count` elements that follow one another, the first at `phase`.

    The size of an element depends on its phase, and its phase on the one before, so sizes soon repeat.
    """
    sizes: list[int] = []
    seen: dict[int, int] = {}
    while phase not in seen:
        seen[phase] = len(sizes)
        sizes.append(int(run.sizes[phase]))
        phase = (phase + sizes[-1]) % PHASES
    lead, cycle = sizes[: seen[phase]], sizes[seen[phase] :]
    repeats = max(0, -(-(count - len(lead)) // len(cycle)))
    all_sizes = np.concatenate((np.array(lead, np.int64), np.tile(np.array(cycle, np.int64), repeats)))[:count]
    offsets: Int64s = np.cumsum(all_sizes) - all_sizes
    return offsets


def numbers(data: npt.NDArray[np.uint8], kind: str, byte_order: ByteOrder) -> npt.NDArray[Any]:
    """Bytes (the last axis) as numbers of this machine's byte order."""
    raw: npt.NDArray[Any] = np.ascontiguousarray(data)
    if kind == "?":
        return np.asarray(raw, np.bool_)
    values: npt.NDArray[Any] = np.asarray(raw.view(np.dtype(kind).newbyteorder(byte_order)), np.dtype(kind))
    return values
