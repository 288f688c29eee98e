"""Protobuf messages and the ways in which they hold fields: once, repeated, as a map, as one of several."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rrbridge.columns import Columns, Flags, Pairs, Ragged, Text, concat, take
from rrbridge_bridge.decode._protobuf_values import Found, Source, Value
from rrbridge_bridge.decode._tag_walk import GROUP, SPAN
from rrbridge_bridge.decode._tags import Tags, find_tags
from rrbridge_bridge.raw import Int64s, gather_spans

__all__ = ["Map", "MessagePlan", "MessageValue", "OneOf", "Repeated", "Single", "Slot"]

NOTHING = Found(*(np.zeros(0, np.int64) for _ in range(4)))
NARROW = 1 << 16
"""Below this, numpy sorts 16-bit row numbers by counting."""


class Slot(ABC):
    """A column of a message."""

    name: str
    is_optional: bool
    """Whether the column can be null."""

    @property
    @abstractmethod
    def numbers(self) -> tuple[int, ...]:
        """Of the fields that it needs."""

    @abstractmethod
    def read(self, source: Source, tags: Tags, count: int) -> tuple[Any, Flags | None]:
        """The column of `count` messages, and which of them have it (None: all, or it is not optional)."""


@dataclass(eq=False)
class MessagePlan:
    """How to read messages of one type."""

    name: str
    slots: Sequence[Slot] = ()

    @cached_property
    def _numbers(self) -> frozenset[int]:
        return frozenset(number for slot in self.slots for number in slot.numbers)

    @cached_property
    def default(self) -> Columns:
        """One message without any field."""
        nowhere = np.zeros(1, np.int64)
        return self.decode(Source(np.zeros(0, np.uint8), nowhere), nowhere, nowhere)

    def decode(self, source: Source, starts: Int64s, ends: Int64s) -> Columns:
        """The messages `source.buffer[starts[i]:ends[i]]`. Raises LyingLengthError."""
        if not len(starts):
            return take(self.default, starts)
        tags = find_tags(source.buffer, starts, ends, self._numbers)
        if tags.bad:
            raise source.refuse(np.concatenate(tags.bad), self.name, tags.reason)
        columns: dict[str, Any] = {}
        optional: dict[str, Flags | None] = {}
        for slot in self.slots:
            columns[slot.name], flags = slot.read(source, tags, len(starts))
            if slot.is_optional:
                optional[slot.name] = flags
        return Columns(len(starts), columns, self.name, optional)


class MessageValue(Value):
    """Nested messages."""

    wires = (SPAN, GROUP)
    merges = True

    def __init__(self, field: str, plan: MessagePlan) -> None:
        self.field = field
        self._plan = plan

    def many(self, source: Source, found: Found) -> Columns:
        """The messages."""
        inside = Source(source.buffer, source.message[found.rows])
        return self._plan.decode(inside, found.values, found.values + found.sizes)

    @property
    def default(self) -> Columns:
        """A message without any field."""
        return self._plan.default


@dataclass(frozen=True, eq=False)
class Single(Slot):
    """A field that is there once, or not. Of several the last counts; messages are merged."""

    name: str
    number: int
    value: Value
    is_optional: bool

    @property
    def numbers(self) -> tuple[int, ...]:
        """Its number."""
        return (self.number,)

    def read(self, source: Source, tags: Tags, count: int) -> tuple[Any, Flags | None]:
        """One value for each message."""
        return self.of(source, occurrences(tags, self.number, self.value.wires), count)

    def of(self, source: Source, found: Found, count: int) -> tuple[Any, Flags | None]:
        """The column of these occurrences."""
        is_last = found.rows[1:] != found.rows[:-1]
        if not is_last.all():
            if self.value.merges:
                source, found = _merged(source, found)
            else:
                found = found.take(np.append(is_last, True))
        column = self.value.one(source, found, count)
        return column, flags_of(found.rows, count) if self.is_optional else None


@dataclass(frozen=True, eq=False)
class Repeated(Slot):
    """A field that is there any number of times."""

    name: str
    number: int
    value: Value
    is_optional: bool = True

    @property
    def numbers(self) -> tuple[int, ...]:
        """Its number."""
        return (self.number,)

    def read(self, source: Source, tags: Tags, count: int) -> tuple[Ragged, Flags | None]:
        """A list for each message; an empty one counts as left out."""
        column = self._lists(source, tags, count)
        lengths = column.lengths
        return column, lengths > 0

    def _lists(self, source: Source, tags: Tags, count: int) -> Ragged:
        found = occurrences(tags, self.number, self.value.wires)
        spans = NOTHING if SPAN in self.value.wires else occurrences(tags, self.number, (SPAN,))
        if not len(spans):
            return Ragged.from_lengths(np.bincount(found.rows, minlength=count), self.value.many(source, found))
        packed = self.value.packed(source, spans)
        assert packed is not None
        rows, lengths, values = spans.rows, packed.lengths, packed.values
        if len(found):
            # Both forms may be mixed: what stands first is first.
            rows = np.concatenate([spans.rows, found.rows])
            order = np.lexsort((np.concatenate([spans.places, found.places]), rows))
            lengths = np.concatenate([lengths, np.ones(len(found), np.int64)])
            values = concat([packed.values, self.value.many(source, found)])
            runs = take(Ragged.from_lengths(lengths, values), order)
            rows, lengths, values = rows[order], runs.lengths, runs.values
        totals = np.zeros(count, np.int64)
        np.add.at(totals, rows, lengths)
        return Ragged.from_lengths(totals, values)


@dataclass(frozen=True, eq=False)
class Map(Slot):
    """A mapping: repeated messages of key and value. Of several values for a key the last counts."""

    name: str
    number: int
    entries: MessageValue
    is_optional: bool = True

    @property
    def numbers(self) -> tuple[int, ...]:
        """Its number."""
        return (self.number,)

    def read(self, source: Source, tags: Tags, count: int) -> tuple[Pairs, Flags | None]:
        """A mapping for each message, by rising key; an empty one counts as left out."""
        found = occurrences(tags, self.number, self.entries.wires)
        entries = self.entries.many(source, found)
        rows = found.rows
        if len(rows) > 1:
            keys = _ranks(entries.key)
            order = np.lexsort((keys, rows))
            rows, keys = rows[order], keys[order]
            is_last = np.append((rows[1:] != rows[:-1]) | (keys[1:] != keys[:-1]), True)
            rows, entries = rows[is_last], take(entries, order[is_last])
        lengths = np.bincount(rows, minlength=count)
        return Pairs.from_lengths(lengths, entries), lengths > 0


@dataclass(frozen=True, eq=False)
class OneOf(Slot):
    """Fields of which each message has at most one: the last that it sets."""

    name: str
    members: Sequence[Single]
    is_optional: bool = True

    @property
    def numbers(self) -> tuple[int, ...]:
        """Those of its members."""
        return tuple(member.number for member in self.members)

    def read(self, source: Source, tags: Tags, count: int) -> tuple[Columns, Flags | None]:
        """The alternatives side by side."""
        found = [occurrences(tags, member.number, member.value.wires) for member in self.members]
        if sum(len(item) > 0 for item in found) > 1:
            found = _only_last(found, count)
        any_is_set = np.zeros(count, np.bool_)
        columns: dict[str, Any] = {}
        optional: dict[str, Flags | None] = {}
        for member, item in zip(self.members, found, strict=True):
            columns[member.name], flags = member.of(source, item, count)
            optional[member.name] = flags
            any_is_set[item.rows] = True
        return Columns(count, columns, self.name, optional), any_is_set


def flags_of(rows: Int64s, count: int) -> Flags | None:
    """Which of `count` messages are among `rows`; None for all."""
    if len(rows) == count:
        return None
    flags = np.zeros(count, np.bool_)
    flags[rows] = True
    return flags


def occurrences(tags: Tags, number: int, wires: Sequence[int]) -> Found:
    """Where a field occurs with one of these wire types, by message and then by place."""
    parts = [part for wire in wires for part in tags.parts.get((number, wire), ())]
    if not parts:
        return NOTHING
    if len(parts) == 1:
        part = parts[0]
        return Found(part.rows, part.values, part.sizes, part.places)
    rows, values, sizes, places = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("rows", "values", "sizes", "places")
    )
    found = Found(rows, values, sizes, places)
    if sum((number, wire) in tags.parts for wire in wires) > 1:
        return found.take(np.lexsort((places, rows)))
    if (rows[1:] >= rows[:-1]).all():
        return found
    # Each part is in order, and the parts of a message are: those of a row need only be brought together.
    keys = rows.astype(np.uint16) if rows.max() < NARROW else rows
    return found.take(np.argsort(keys, kind="stable"))


def _merged(source: Source, found: Found) -> tuple[Source, Found]:
    """Several occurrences of a message as one: merging is putting the bytes end to end."""
    data = gather_spans(source.buffer, found.values, found.sizes)
    firsts = np.flatnonzero(np.append(True, found.rows[1:] != found.rows[:-1]))
    sizes = np.add.reduceat(found.sizes, firsts)
    rows = found.rows[firsts]
    starts = np.cumsum(sizes) - sizes
    return Source(data, source.message), Found(rows, starts, sizes, starts)


def _only_last(found: list[Found], count: int) -> list[Found]:
    """Of each message only the occurrences behind those of all other members."""
    lasts = np.full((len(found), count), -1)
    for last, item in zip(lasts, found, strict=True):
        np.maximum.at(last, item.rows, item.places)
    kept = []
    for i, item in enumerate(found):
        others = np.delete(lasts, i, axis=0).max(axis=0)
        kept.append(item.take(item.places > others[item.rows]))
    return kept


def _ranks(keys: Any) -> Int64s:
    """Numbers in the order of the keys."""
    if not isinstance(keys, Text):
        return np.unique(keys, return_inverse=True)[1].astype(np.int64)
    codes, names = keys.dictionary()
    rank = np.empty(len(names), np.int64)
    rank[sorted(range(len(names)), key=lambda i: names[i].encode())] = np.arange(len(names))
    return rank[codes]
