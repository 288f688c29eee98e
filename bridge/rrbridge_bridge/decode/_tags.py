"""Where the fields of N protobuf messages are: their tags are walked in step, the next tag of all messages at once.

A message's bytes are fields one after the other, each behind a tag that says its number and how to find its end. The walk looks
at one tag of every message that has bytes left, until none has. When few messages are left, with many more fields than the
others, they are walked to their ends one by one, as an array operation for each of their tags would cost more.

Encoding: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import numpy as np

from rrbridge.columns import Flags
from rrbridge_bridge.decode._tag_walk import (
    FIXED_SIZES,
    GROUP,
    MAX_KEY,
    SPAN,
    VARINT,
    Found,
    WalkError,
    group,
    walk_one,
)
from rrbridge_bridge.decode._varints import UInt64s, take_inside, take_spans, take_varints
from rrbridge_bridge.raw import Bytes, Int64s

__all__ = ["Part", "Tags", "find_tags"]

FEW = 48
"""So many messages are not worth array operations."""


@dataclass(frozen=True, slots=True)
class Part:
    """Occurrences of one field with one wire type; several in one message stand in their order."""

    rows: Int64s
    """The message that each is in."""
    values: Int64s
    """The bits of a varint, or else where in the buffer the value begins."""
    sizes: Int64s
    """Bytes of a span or a group; of others anything."""
    places: Int64s
    """Where each stands, behind its tag: what comes later in a message stands later in the buffer."""


@dataclass(slots=True)
class Tags:
    """The known fields of N messages."""

    parts: dict[tuple[int, int], list[Part]] = field(default_factory=dict)
    """By field number and wire type, in the order in which they were found."""
    bad: list[Int64s] = field(default_factory=list)
    """Messages whose bytes cannot be walked."""
    reason: str = ""

    def refuse(self, rows: Int64s, reason: str) -> None:
        """Note messages that are wrong; the first reason is told."""
        if len(rows):
            self.bad.append(rows)
            self.reason = self.reason or reason


def find_tags(buffer: Bytes, starts: Int64s, ends: Int64s, known: Collection[int]) -> Tags:
    """The fields with `known` numbers in the messages `buffer[starts[i]:ends[i]]`, which must lie in the buffer."""
    tags = Tags()
    walk = _Walk(buffer, starts, ends, tags, known)
    while len(walk) > FEW:
        walk.step()
    walk.finish()
    return tags


class _Walk:
    """The messages that have bytes left, and where in them the next tag is."""

    def __init__(self, buffer: Bytes, starts: Int64s, ends: Int64s, tags: Tags, known: Collection[int]) -> None:
        self._buffer, self._tags = buffer, tags
        self._numbers = frozenset(known)
        self._sorted_numbers = np.array([*sorted(known), MAX_KEY + 1], np.uint64)
        self._rows = np.flatnonzero(starts < ends)
        self._pos, self._end = starts[self._rows], ends[self._rows]

    def __len__(self) -> int:
        return len(self._rows)

    def step(self) -> None:
        """Take the next field of each."""
        keys, after = take_varints(self._buffer, self._pos, self._end)
        bad = (after < 0) | (keys < 8) | (keys > MAX_KEY)
        if bad.any():
            self._drop(bad, "a tag is no tag")
            keys, after = keys[~bad], after[~bad]
        if not len(keys):
            return
        if (keys == keys[0]).all():
            self._pos = self._fields(int(keys[0]), slice(None), after)
        else:
            pos = np.empty_like(after)
            for key, index in self._by_key(keys):
                pos[index] = self._fields(key, index, after[index])
            self._pos = pos
        wrong = self._pos < 0
        if wrong.any():
            self._drop(wrong, "a field leads past the end, or is no field")
        left = self._pos < self._end
        if not left.all():
            self._keep(left)

    def finish(self) -> None:
        """Take all fields of the messages that are left."""
        found: Found = {}
        for row, pos, end in zip(self._rows.tolist(), self._pos.tolist(), self._end.tolist(), strict=True):
            try:
                walk_one(self._buffer, pos, end, row, self._numbers, found)
            except WalkError as err:
                self._tags.refuse(np.array([row]), str(err))
        for key, (rows, values, sizes, places) in found.items():
            part = Part(*(np.frombuffer(column, np.int64) for column in (rows, values, sizes, places)))
            self._tags.parts.setdefault(key, []).append(part)

    def _by_key(self, keys: UInt64s) -> Iterator[tuple[int, Int64s]]:
        """Each tag and the messages where it is next. Unknown fields count as number 0, so that they are taken together."""
        numbers = keys >> np.uint64(3)
        near = self._sorted_numbers[np.searchsorted(self._sorted_numbers, numbers)]
        codes = np.where(near == numbers, keys, keys & np.uint64(7))
        order = np.argsort(codes, kind="stable")
        ordered = codes[order]
        for index in np.split(order, np.flatnonzero(ordered[1:] != ordered[:-1]) + 1):
            yield int(codes[index[0]]), index

    def _fields(self, key: int, index: Int64s | slice, pos: Int64s) -> Int64s:
        """Take fields with the same tag; the places behind them, -1 where there is no such field."""
        number, wire = key >> 3, key & 7
        rows, end = self._rows[index], self._end[index]
        values = sizes = pos
        if wire == VARINT:
            bits, after = take_inside(self._buffer, pos, end)
            values = bits.view(np.int64)
        elif wire == SPAN:
            values, sizes, after = take_spans(self._buffer, pos, end)
        elif wire in FIXED_SIZES:
            after = pos + FIXED_SIZES[wire]
            after = np.where(after > end, -1, after)
        elif wire == GROUP:
            sizes, after = self._groups(number, pos, end)
        else:
            return np.full(len(pos), -1)
        if number in self._numbers:
            self._tags.parts.setdefault((number, wire), []).append(Part(rows, values, sizes, pos))
        return after

    def _groups(self, number: int, pos: Int64s, end: Int64s) -> tuple[Int64s, Int64s]:
        """`(sizes, places after them)` of groups. They have no length and are of old, so each is walked by itself."""
        sizes, after = np.zeros(len(pos), np.int64), np.full(len(pos), -1)
        view = self._buffer.data
        for i, (first, last) in enumerate(zip(pos.tolist(), end.tolist(), strict=True)):
            try:
                sizes[i], after[i] = group(view[:last], first, number)
            except WalkError:
                continue  # its place stays -1, which refuses the message
        return sizes, after

    def _drop(self, wrong: Flags, reason: str) -> None:
        self._tags.refuse(self._rows[wrong], reason)
        self._keep(~wrong)

    def _keep(self, which: Flags) -> None:
        self._rows, self._pos, self._end = self._rows[which], self._pos[which], self._end[which]
