"""Columns that any table has a place for: structs taken apart, bytes as bytes, and for text files lists as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["as_text", "flat"]

JSON_NUMBERS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
"""As Python's `json` and JavaScript's parsers write and read them, or at least the former."""


def flat(name: str, column: pa.Array) -> Iterator[tuple[str, pa.Array]]:
    """A column by name, or the fields of its structs by path: `pose.position.x`. Lists of octets become bytes."""
    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_struct(kind):
        for field, values in zip(kind, column.flatten(), strict=True):
            yield from flat(f"{name}.{field.name}" if name else field.name, values)
    elif pa.types.is_list(kind) and kind.value_type == pa.uint8() and not column.values.null_count:
        buffers = column.buffers()
        octets = pa.Array.from_buffers(
            pa.binary(), len(column), [buffers[0], buffers[1], buffers[3]], column.null_count, column.offset
        )
        yield name, octets
    else:
        yield name, column


def as_text(column: pa.Array) -> pa.Array | None:
    """A column as a text file has it: lists and maps as JSON; None for bytes, which are no text."""
    kind = column.type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return None
    if not pa.types.is_nested(kind):
        return column
    if pa.types.is_fixed_size_list(kind):
        column = column.cast(pa.list_(kind.value_type))
        kind = column.type
    if pa.types.is_list(kind) and (pa.types.is_integer(kind.value_type) or pa.types.is_floating(kind.value_type)):
        return _numbers(column)
    return pa.array([None if value is None else _json(value) for value in column.to_pylist()], pa.utf8())


def _numbers(column: pa.ListArray) -> pa.Array:
    """Lists of numbers as JSON, all at once."""
    values = column.values
    texts = values.cast(pa.utf8())
    if pa.types.is_floating(values.type) and not pc.all(pc.is_finite(values), min_count=0).as_py():
        for ours, theirs in JSON_NUMBERS.items():
            texts = pc.if_else(pc.equal(texts, ours), theirs, texts)
    texts = pc.fill_null(texts, "null")
    buffers = column.buffers()
    lists = pa.Array.from_buffers(
        pa.list_(pa.utf8()), len(column), buffers[:2], column.null_count, column.offset, children=[texts]
    )
    return pc.binary_join_element_wise("[", pc.binary_join(lists, ", "), "]", "")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else str(value)
