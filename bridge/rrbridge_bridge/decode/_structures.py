"""Steps that hold others: messages, and sequences or arrays of messages and strings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from rrbridge.columns import Columns, Ragged, Text
from rrbridge_bridge.decode._cursor import Cursor, LyingLengthError, gather_rows
from rrbridge_bridge.decode._nodes import MAX_EMPTY, Node, Place, String
from rrbridge_bridge.decode._runs import PHASES, Run, element_offsets, sizes_of_elements, starts_of_elements
from rrbridge_bridge.raw import Int64s

__all__ = ["Collection", "Shape", "Step", "Structure"]

MIN_PARALLEL = 16
"""Elements of unequal size are found for all messages at once if so many can be on average, one after the other if not."""


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
        if isinstance(self.item, String) and len(cursor) > 1 and (same := self._all_alike(cursor)) is not None:
            return same
        counts = self._counts(cursor)
        ragged = Ragged.from_lengths(counts, None)
        owner = ragged.row_of_value
        elements = cursor.at(owner, self._starts(cursor, counts, ragged.offsets, owner))
        values = self.item.decode(elements)
        some = np.flatnonzero(counts > 0)
        cursor.pos = cursor.pos.copy()
        cursor.pos[some] = elements.pos[ragged.offsets[1:][some] - 1]
        return Ragged(ragged.offsets, values)

    def _all_alike(self, cursor: Cursor) -> Ragged | None:
        """The strings, if every place holds the same bytes as the first, as the names of a robot's joints do."""
        first = cursor.at(np.arange(1), cursor.pos[:1])
        try:
            strings = self.decode(first)
        except LyingLengthError:
            return None
        size = int(first.pos[0] - cursor.pos[0])
        phases = (cursor.pos - cursor.origin) & (PHASES - 1)
        if (phases != phases[0]).any() or (cursor.pos + size > cursor.end).any():
            return None
        if not (
            gather_rows(cursor.buffer, cursor.pos[-1:], size) == gather_rows(cursor.buffer, cursor.pos[:1], size)
        ).all():
            return None
        found = gather_rows(cursor.buffer, cursor.pos, size)
        if not (found == found[0]).all():
            return None
        count, texts = len(cursor), strings.values
        cursor.pos = cursor.pos + size
        ends = np.arange(count)[:, None] * texts.offsets[-1] + texts.offsets[1:]
        offsets = np.concatenate(([0], ends.reshape(-1)))
        return Ragged(np.arange(count + 1) * len(texts), Text(offsets, np.tile(texts.data, count)))

    def skip(self, cursor: Cursor) -> None:
        """Move behind the collections."""
        counts = self._counts(cursor)
        run = self._run
        if run is not None:
            cursor.pos = cursor.pos + sizes_of_elements(cursor, run, counts)
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
            place.pos += int(element_offsets(run, phase, count + 1)[count])
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
        size = self.item.min_size
        lies = counts * size > cursor.end - cursor.pos if size else counts > MAX_EMPTY
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
            return starts_of_elements(cursor, run, counts, offsets, owner)
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
