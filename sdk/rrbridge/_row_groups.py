"""Which rows go into one chunk, and what a row weighs: the reference's rules, so that equal programs leave equal chunks.

Rows of an entity share a chunk when they have the same timelines and the same *types*, in the order in which the
reference's hash table of components walks them; which components they are does not matter, what a row lacks is null.
Rows are collected until they weigh `flush_num_bytes`, and a row weighs what it takes in the reference's memory. Both were
found by experiment (the table is hashbrown's, its hash is ahash without AES) and are held by `tests/sdk/test_chunking.py`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pyarrow as pa

__all__ = ["TIMES_WEIGHT", "types_as_walked", "weight"]

ROW_WEIGHT = 72
TIMES_WEIGHT = 456
"""Of a row that has times, however many."""
PLACE_WEIGHT = 113
"""Of one place in the table of components."""
COMPONENT_WEIGHT = 112

_MASK = 2**64 - 1
_MULTIPLE = 6364136223846793005
_BUFFER, _PAD = 1 ^ 0xBE5466CF34E90C6C, 0x452821E638D01377
_KEYS = 2 ^ 0xC0AC29B7C97C50DD, 3 ^ 0x3F84D5B5B5470917


def types_as_walked(columns: Sequence[tuple[str, pa.DataType]]) -> tuple[pa.DataType, ...]:
    """The types of named components in the order of the table's places; `columns` as they were inserted."""
    entries = [(_hash(name.encode()), arrow) for name, arrow in columns]
    walked: list[tuple[int, pa.DataType]] = []
    while len(walked) < len(entries):
        places = _places(len(walked) + 1)
        table: list[tuple[int, pa.DataType] | None] = [None] * places
        for entry in (*walked, *entries[len(walked) : _capacity(places)]):
            place = entry[0] % places
            while table[place] is not None:
                place = (place + 1) % places
            table[place] = entry
        walked = [entry for entry in table if entry is not None]
    return tuple(arrow for _, arrow in walked)


def weight(types: Sequence[pa.DataType]) -> int:
    """What a row without times weighs beside its values."""
    return ROW_WEIGHT + PLACE_WEIGHT * _places(len(types)) + sum(COMPONENT_WEIGHT + _array_weight(t) for t in types)


def _places(count: int) -> int:
    """How large a table for so many is."""
    places = 4
    while count > _capacity(places):
        places *= 2
    return places


def _capacity(places: int) -> int:
    return places - 1 if places < 16 else places * 7 // 8


def _array_weight(arrow: pa.DataType) -> int:
    """What an array of a type weighs beside its buffers, relative to one of numbers."""
    if pa.types.is_boolean(arrow):
        return -8
    if pa.types.is_fixed_size_list(arrow) or pa.types.is_struct(arrow):
        return 8
    if pa.types.is_list(arrow) or pa.types.is_fixed_size_binary(arrow):
        return 16
    if pa.types.is_primitive(arrow):
        return 0
    return 24


def _hash(text: bytes) -> int:
    size = len(text)
    buffer = (_BUFFER + size) * _MULTIPLE & _MASK
    if size > 16:
        buffer = _stirred(buffer, *struct.unpack_from("<QQ", text, size - 16))
        for start in range(0, size - 16, 16):
            buffer = _stirred(buffer, *struct.unpack_from("<QQ", text, start))
    elif size > 8:
        buffer = _stirred(buffer, *struct.unpack("<QQ", text[:8] + text[-8:]))
    else:
        half = 4 if size >= 4 else 2 if size >= 2 else size
        first, last = text[:half], text[-half:] if half != 2 else text[-1:]
        buffer = _stirred(buffer, int.from_bytes(first, "little"), int.from_bytes(last, "little"))
    buffer = _folded(0xFF ^ buffer, _MULTIPLE)
    return _rotated(_folded(buffer, _PAD), buffer % 64)


def _stirred(buffer: int, low: int, high: int) -> int:
    return _rotated(((buffer + _PAD) & _MASK) ^ _folded(low ^ _KEYS[0], high ^ _KEYS[1]), 23)


def _folded(left: int, right: int) -> int:
    product = left * right
    return (product & _MASK) ^ (product >> 64)


def _rotated(value: int, by: int) -> int:
    return (value << by | value >> (64 - by)) & _MASK
