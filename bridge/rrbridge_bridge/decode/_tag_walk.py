"""The fields of a single protobuf message, for messages too few to be worth array operations; and of groups, which are rare."""

from __future__ import annotations

from array import array
from collections.abc import Collection
from typing import TypeAlias

from rrbridge.rrd._wire import WireError, read_varint
from rrbridge_bridge.decode._tag_runs import span_run
from rrbridge_bridge.raw import Bytes

__all__ = [
    "FIXED32",
    "FIXED64",
    "FIXED_SIZES",
    "GROUP",
    "GROUP_END",
    "MAX_GROUP_DEPTH",
    "MAX_KEY",
    "SPAN",
    "VARINT",
    "Found",
    "WalkError",
    "walk_one",
]

VARINT, FIXED64, SPAN, GROUP, GROUP_END, FIXED32 = range(6)
FIXED_SIZES = {FIXED64: 8, FIXED32: 4}
MAX_KEY = (1 << 32) - 1
LIKELY, RARELY = 16, 256
"""After so many fields of one tag a run is looked for; after a short one, not for so many more."""
FIRST_WINDOW_BYTES, LAST_WINDOW_BYTES = 1 << 12, 1 << 22
MAX_GROUP_DEPTH = 100
"""As deep as other implementations follow."""

Held: TypeAlias = "tuple[array[int], array[int], array[int], array[int]]"
"""Rows, values, sizes and places, as `Part` has them. Lists of so many integers would take four times the memory."""
Found: TypeAlias = dict[tuple[int, int], Held]
"""By field number and wire type."""


class WalkError(ValueError):
    """A message's bytes are no fields."""


def walk_one(buffer: Bytes, pos: int, end: int, row: int, known: Collection[int], found: Found) -> None:
    """Add the fields with `known` numbers that stand between two places of a buffer. Raises WalkError."""
    message = buffer.data[:end]
    runs = _Runs(buffer, end)
    while pos < end:
        start = pos
        key, pos = _key(message, pos)
        number, wire = key >> 3, key & 7
        if wire == SPAN and runs.may_begin(key):
            held = _held(found, number, wire) if number in known else None
            pos = runs.take(start, bytes(message[start:pos]), row, held)
            continue
        size = 0
        value = place = pos
        if wire == VARINT:
            value, pos = _varint(message, pos)
        elif wire == SPAN:
            size, value = _varint(message, pos)
            pos = value + size
        elif wire in FIXED_SIZES:
            pos += FIXED_SIZES[wire]
        elif wire == GROUP:
            size, pos = group(message, pos, number)
        else:
            raise WalkError(f"a field of wire type {wire} at byte {start}")
        if pos > end:
            raise WalkError("a field leads past the end")
        if number in known:
            rows, values, sizes, places = found.get((number, wire)) or _held(found, number, wire)
            rows.append(row)
            values.append(value)
            sizes.append(size)
            places.append(place)


def _held(found: Found, number: int, wire: int) -> Held:
    return found.setdefault((number, wire), (array("q"), array("Q"), array("q"), array("q")))


class _Runs:
    """Takes long runs of one repeated field by a few array operations."""

    def __init__(self, buffer: Bytes, end: int) -> None:
        self._buffer, self._end = buffer, end
        self._key, self._alike = 0, 0
        self._window = FIRST_WINDOW_BYTES

    def may_begin(self, key: int) -> bool:
        """Whether so many fields with this tag came one after the other that more are likely."""
        self._alike = self._alike + 1 if key == self._key else min(self._alike, 0)
        self._key = key
        return self._alike >= LIKELY

    def take(self, pos: int, tag: bytes, row: int, held: Held | None) -> int:
        """Take the run that begins at `pos`; the place behind it."""
        stop = min(pos + self._window, self._end)
        places, starts, sizes, after = span_run(self._buffer, pos, stop, self._end, tag)
        if not len(places):
            raise WalkError("a field leads past the end")
        if held is not None:
            parts = ([row] * len(places), starts.tolist(), sizes.tolist(), places.tolist())
            for values, new in zip(held, parts, strict=True):
                values.extend(new)
        if after >= stop:
            self._window = min(2 * self._window, LAST_WINDOW_BYTES)
        else:
            self._window = FIRST_WINDOW_BYTES
            self._alike = 0 if len(places) > LIKELY else -RARELY
        return after


def group(message: memoryview, pos: int, number: int) -> tuple[int, int]:
    """`(bytes within, place behind)` of a group whose fields begin at `pos`. Raises WalkError."""
    first, open_groups = pos, [number]
    while True:
        before = pos
        key, pos = _key(message, pos)
        wire = key & 7
        if wire == GROUP_END:
            if open_groups.pop() != key >> 3:
                raise WalkError("a group ends that did not begin")
            if not open_groups:
                return before - first, pos
        elif wire == GROUP:
            open_groups.append(key >> 3)
            if len(open_groups) > MAX_GROUP_DEPTH:
                raise WalkError("groups are nested too deeply")
        elif wire == VARINT:
            pos = _varint(message, pos)[1]
        elif wire == SPAN:
            size, pos = _varint(message, pos)
            pos += size
        elif wire in FIXED_SIZES:
            pos += FIXED_SIZES[wire]
        else:
            raise WalkError(f"a field of wire type {wire}")


def _key(message: memoryview, pos: int) -> tuple[int, int]:
    key, pos = _varint(message, pos)
    if not 8 <= key <= MAX_KEY:
        raise WalkError("a tag is no tag")
    return key, pos


def _varint(message: memoryview, pos: int) -> tuple[int, int]:
    """An integer, and the place behind it."""
    if pos < len(message) and (byte := message[pos]) < 0x80:
        return byte, pos + 1
    try:
        return read_varint(message, pos)
    except WireError as err:
        raise WalkError(str(err)) from None
