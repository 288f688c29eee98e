"""Runs: fields of fixed size that follow one another, taken together; and where elements made of nothing else stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from rrbridge_bridge.decode._cursor import ByteOrder, Cursor, gather_rows
from rrbridge_bridge.raw import Int64s, distinct

__all__ = ["PHASES", "Leaf", "Run", "element_offsets", "numbers", "sizes_of_elements", "starts_of_elements"]

PHASES = 8
"""Alignments go up to 8, so what matters of a position is its remainder by 8."""


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
        for phase in distinct(phases):
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


def starts_of_elements(cursor: Cursor, run: Run, counts: Int64s, offsets: Int64s, owner: Int64s) -> Int64s:
    """Where elements of fixed layout begin: known from where the first one does."""
    index = np.arange(len(owner)) - offsets[owner]
    starts: Int64s = cursor.pos[owner]
    phases = (cursor.pos - cursor.origin) & (PHASES - 1)
    for phase in distinct(phases[counts > 0]):
        rows = phases == phase
        table = element_offsets(run, phase, int(counts[rows].max()))
        if rows.all():
            starts += table[index]
        else:
            elements = rows[owner]
            starts[elements] += table[index[elements]]
    return starts


def sizes_of_elements(cursor: Cursor, run: Run, counts: Int64s) -> Int64s:
    """Bytes that `counts[i]` elements of fixed layout take from place i on."""
    sizes = np.zeros(len(counts), np.int64)
    phases = (cursor.pos - cursor.origin) & (PHASES - 1)
    for phase in distinct(phases):
        rows = phases == phase
        sizes[rows] = element_offsets(run, phase, int(counts[rows].max()) + 1)[counts[rows]]
    return sizes


def element_offsets(run: Run, phase: int, count: int) -> Int64s:
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
    if kind == "?":
        return np.ascontiguousarray(data, np.bool_)
    values: npt.NDArray[Any] = np.ascontiguousarray(data.view(np.dtype(kind).newbyteorder(byte_order)), kind)
    return values
