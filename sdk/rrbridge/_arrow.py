"""The typed seam to pyarrow, which ships no types: what crosses between numpy and Arrow crosses here, without copies."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow._compute import call_function  # `pyarrow.compute` has it too, and takes 40 ms to import

__all__ = [
    "ITEM",
    "Gathered",
    "as_numpy",
    "copied",
    "distinct",
    "duplicate",
    "empty",
    "end_to_end",
    "filtered",
    "first_values",
    "fixed_size_list",
    "fixed_size_lists",
    "flags",
    "gathering",
    "joined",
    "list_array",
    "list_offsets",
    "list_type",
    "list_values",
    "nested",
    "primitive",
    "take_lists",
    "taken",
    "text_scalar",
    "unit_lists",
    "utf8",
    "valid_rows",
]

ITEM = "item"
"""The name that every list child has in a chunk (FORMAT §5.2)."""

INT32_MAX = 2**31 - 1
POOLED_BYTES = 1 << 18
GATHERED_BYTES = 1 << 19
LARGE_CELL_BYTES = 1 << 10
"""From this size on, copying cells one by one is faster than Arrow's `take`, which numbers every value in them."""
"""Arrays that have so many bytes together are put together when somebody looks, if they may be."""

_thread = threading.local()


@dataclass(frozen=True, slots=True)
class Gathered:
    """Memory for several arrays end to end, and what is to be in it."""

    target: npt.NDArray[Any]
    parts: Sequence[npt.NDArray[Any]]

    def fill(self) -> None:
        """Copy the parts to where they belong."""
        np.concatenate(self.parts, out=self.target)


@contextmanager
def gathering() -> Iterator[list[Gathered]]:
    """Within it `end_to_end` leaves large arrays where they are, and notes what must be filled before anybody looks."""
    found: list[Gathered] = []
    before, _thread.gathered = getattr(_thread, "gathered", None), found
    try:
        yield found
    finally:
        _thread.gathered = before


def end_to_end(arrays: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Arrays of one type that differ in their first axis alone, as one."""
    if len(arrays) == 1:
        return arrays[0]
    found: list[Gathered] | None = getattr(_thread, "gathered", None)
    if found is None or sum([array.nbytes for array in arrays]) < GATHERED_BYTES:
        return np.concatenate(arrays)
    if arrays[0].dtype == np.bool_ or len({array.dtype for array in arrays}) > 1:  # booleans are packed, hence read
        return np.concatenate(arrays)
    target = np.empty((sum(map(len, arrays)), *arrays[0].shape[1:]), arrays[0].dtype)
    found.append(Gathered(target, arrays))
    return target


def as_numpy(array: pa.Array, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """The values buffer of a fixed-width array without nulls, as numpy sees it. Shape (len(array),), or more for sub-arrays."""
    data = array.buffers()[1]
    wanted = np.dtype(dtype)
    if data is None:
        return np.empty((0,), wanted)
    return np.frombuffer(data, wanted, count=len(array), offset=wanted.itemsize * array.offset)


def primitive(
    values: npt.NDArray[Any], datatype: pa.DataType | None = None, *, valid: npt.NDArray[np.bool_] | None = None
) -> pa.Array:
    """A fixed-width array over the memory of a one-dimensional numpy array; booleans are packed, hence copied.

    Where `valid` is false it is null. `pa.array` would do the same, and import pandas where that is installed.
    """
    flat = _bits(values) if values.dtype == np.bool_ else np.ascontiguousarray(values)
    mask, nulls = _validity(valid)
    return pa.Array.from_buffers(
        datatype or pa.from_numpy_dtype(values.dtype), len(values), [mask, pa.py_buffer(flat)], nulls
    )


def _bits(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    return np.packbits(flags, bitorder="little")


def _validity(valid: npt.NDArray[np.bool_] | None) -> tuple[pa.Buffer | None, int]:
    """The bitmap, and how many are null."""
    if valid is None or valid.all():
        return None, 0
    return pa.py_buffer(_bits(valid)), int(len(valid) - np.count_nonzero(valid))


def utf8(strings: Iterable[str], *, valid: npt.NDArray[np.bool_] | None = None) -> pa.StringArray:
    """Strings as Arrow has them, null where `valid` is false. Raises UnicodeEncodeError, and OverflowError past 2 GiB."""
    given = list(strings)
    data, sizes = "".join(given).encode(), list(map(len, given))
    if sum(sizes) != len(data):  # only of ASCII is the number of characters that of bytes
        sizes = [len(text.encode()) for text in given]
    if len(data) > INT32_MAX:
        raise OverflowError("more than 2 GiB of text in one column")
    offsets = np.zeros(len(given) + 1, np.int32)
    np.cumsum(sizes, out=offsets[1:])
    mask, nulls = _validity(valid)
    return pa.StringArray.from_buffers(len(given), pa.py_buffer(offsets), pa.py_buffer(data), mask, nulls)


def nested(values: Sequence[Any], datatype: pa.DataType) -> pa.Array:
    """An array of records as Python has them: mappings, sequences, text and numbers, each of them possibly None.

    What `pa.array(values, datatype)` makes, without importing pandas where that is installed. Raises TypeError,
    ValueError or OverflowError for a value that is not of its type.
    """
    given = [value is not None for value in values]
    valid = None if all(given) else np.array(given, np.bool_)
    if pa.types.is_struct(datatype):
        children = [nested([None if v is None else v.get(f.name) for v in values], f.type) for f in datatype]
        mask, nulls = _validity(valid)
        return pa.Array.from_buffers(datatype, len(values), [mask], nulls, children=children)
    if pa.types.is_list(datatype) or pa.types.is_fixed_size_list(datatype):
        flat = nested([item for value in values if value is not None for item in value], datatype.value_type)
        if pa.types.is_fixed_size_list(datatype):
            if len(flat) != datatype.list_size * len(values):
                raise ValueError(f"not {datatype.list_size} values each")
            return pa.Array.from_buffers(datatype, len(values), [None], children=[flat])
        lengths = [0 if value is None else len(value) for value in values]
        offsets = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
        return list_array(offsets, flat, valid=valid, nullable=datatype.value_field.nullable)
    if pa.types.is_string(datatype):
        return utf8(["" if value is None else value for value in values], valid=valid)
    numbers = np.array([0 if value is None else value for value in values], datatype.to_pandas_dtype())
    return primitive(numbers, datatype, valid=valid)


def text_scalar(text: str) -> pa.StringScalar:
    """One text, for Arrow's functions, which would import pandas for a string of Python's."""
    return utf8([text])[0]


def fixed_size_list(values: npt.NDArray[Any]) -> pa.Array:
    """`fixed_size_list<T not null>[k]` over an array of shape (n, k)."""
    count, width = values.shape
    items = primitive(values.reshape(-1))
    datatype = pa.list_(pa.field(ITEM, items.type, nullable=False), width)
    return pa.Array.from_buffers(datatype, count, [None], children=[items])


def fixed_size_lists(columns: Sequence[pa.Array], *, is_nullable: bool) -> pa.Array:
    """`fixed_size_list<T>[k]` of k columns side by side; with `is_nullable`, null where any of them is."""
    count, width = len(columns[0]), len(columns)
    together = pa.concat_arrays(list(columns))
    order = np.arange(count * width, dtype=np.int64).reshape(width, count).T.reshape(-1)
    items = together.take(pa.array(order)) if width > 1 else together
    valid = np.ones(count, np.bool_)
    for column in columns if is_nullable else ():
        valid &= np.asarray(column.is_valid())
    mask = None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
    datatype = pa.list_(pa.field(ITEM, items.type, nullable=is_nullable), width)
    return pa.Array.from_buffers(datatype, count, [mask], -1 if mask else 0, children=[items])


def taken(array: pa.Array, rows: npt.NDArray[np.integer[Any]]) -> pa.Array:
    """What `array.take(rows)` gives, of int64 rows, without importing `pyarrow.compute` for it."""
    return call_function("take", [array, primitive(rows)])


def filtered(array: pa.Array, kept: npt.NDArray[np.bool_]) -> pa.Array:
    """What `array.filter(kept)` gives, likewise."""
    return call_function("filter", [array, primitive(kept)])


def distinct(texts: pa.StringArray) -> tuple[npt.NDArray[np.int32], list[str]]:
    """`(codes, values)`: the distinct strings in order of appearance, and for each row which one it is. No nulls."""
    if len(texts) > 1 and _are_alike(texts):
        return np.zeros(len(texts), np.int32), [texts[0].as_py()]
    encoded = call_function("dictionary_encode", [texts])
    return as_numpy(encoded.indices, np.int32), encoded.dictionary.to_pylist()


def _are_alike(texts: pa.StringArray) -> bool:
    """Whether all strings are the same, as frames of a topic are: known at a tenth of what it takes to look each up."""
    offsets = list_offsets(texts)
    size = int(offsets[1] - offsets[0])
    if offsets[-1] - offsets[0] != size * len(texts) or not (np.diff(offsets) == size).all():
        return False
    if not size:
        return True
    each = np.frombuffer(texts.buffers()[2], np.uint8)[offsets[0] : offsets[-1]].reshape(-1, size)
    return bool((each == each[0]).all())


def take_lists(lists: pa.ListArray, indices: pa.Array) -> pa.ListArray:
    """What `lists.take(indices)` gives; of pictures and clouds much faster, and without 8 bytes per value on the side."""
    if not len(indices) or lists.nbytes < LARGE_CELL_BYTES * len(lists):
        return lists.take(indices)
    nothing = pa.nulls(1, lists.type)
    return pa.concat_arrays([nothing if i is None else lists.slice(i, 1) for i in indices.to_pylist()])


def list_type(items: pa.DataType, *, nullable: bool = True) -> pa.DataType:
    """`list<item: T>` with the child name that chunks use."""
    return pa.list_(pa.field(ITEM, items, nullable=nullable))


def list_array(
    offsets: npt.NDArray[np.integer[Any]],
    values: pa.Array,
    *,
    valid: npt.NDArray[np.bool_] | None = None,
    nullable: bool = True,
) -> pa.Array:
    """`list<item: T>`: row i is `values[offsets[i]:offsets[i + 1]]`, or null where `valid` is false.

    Raises OverflowError past 2³¹ elements, which 32-bit offsets cannot address, and ValueError past the values.
    """
    if len(offsets) and offsets[-1] > len(values):
        raise ValueError(f"lists end at element {offsets[-1]} of {len(values)}")
    if len(offsets) and offsets[-1] > INT32_MAX:
        raise OverflowError("more than 2**31 elements in one list column; make smaller batches")
    mask, nulls = _validity(valid)
    narrow = np.ascontiguousarray(offsets, np.int32)
    return pa.Array.from_buffers(
        list_type(values.type, nullable=nullable),
        len(narrow) - 1,
        [mask, pa.py_buffer(narrow)],
        nulls,
        children=[values],
    )


def empty(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """A numpy array to be filled; a large one in Arrow's memory, which is used again and costs no page faults each time."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size < POOLED_BYTES:
        return np.empty(shape, dtype)
    return np.frombuffer(pa.allocate_buffer(size), dtype).reshape(shape)


def duplicate(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A copy, in memory as `empty` gives it."""
    made = empty(array.shape, array.dtype)
    made[...] = array
    return made


def joined(pieces: Sequence[memoryview]) -> memoryview:
    """Bytes end to end, in memory as `empty` gives it; no copy of a single piece."""
    if len(pieces) == 1:
        return pieces[0]
    whole = empty((sum(map(len, pieces)),), np.uint8)
    start = 0
    for piece in pieces:
        whole[start : start + len(piece)] = np.frombuffer(piece, np.uint8)
        start += len(piece)
    return whole.data


def copied(values: pa.Array) -> pa.Array:
    """The same values in memory of their own."""
    return pa.concat_arrays([values, values.slice(0, 0)])


def unit_lists(values: pa.Array) -> pa.Array:
    """Each value as a list of its own."""
    return list_array(np.arange(len(values) + 1, dtype=np.int32), values)


def flags(booleans: pa.Array) -> npt.NDArray[np.bool_]:
    """The values of an array of booleans without nulls. `to_numpy` would do the same, and import pandas."""
    return _flags(booleans.buffers()[1], booleans.offset, len(booleans))


def valid_rows(array: pa.Array) -> npt.NDArray[np.bool_]:
    """Which rows are not null; of types that have a validity buffer of their own, so not of unions."""
    found = array.buffers()[0]
    return np.ones(len(array), bool) if found is None else _flags(found, array.offset, len(array))


def _flags(bits: pa.Buffer | None, offset: int, count: int) -> npt.NDArray[np.bool_]:
    if bits is None or not count:
        return np.zeros(count, bool)
    start = offset // 8
    some = np.frombuffer(bits, np.uint8)[start : (offset + count + 7) // 8]
    return np.unpackbits(some, bitorder="little")[offset - 8 * start :][:count].astype(bool)


def list_offsets(cells: pa.Array) -> npt.NDArray[np.int32]:
    """Where each row of a list array begins and ends in `cells.values`, shape (rows + 1,), without a copy."""
    return np.frombuffer(cells.buffers()[1], np.int32, count=len(cells) + 1, offset=4 * cells.offset)


def list_values(cells: pa.Array) -> tuple[npt.NDArray[np.int32], pa.Array]:
    """`(offsets, values)` of a list array; offsets start at 0 and null rows are empty."""
    if cells.null_count:
        flat = cells.flatten()
        lengths = as_numpy(cells.value_lengths().fill_null(0), np.int32)
        return np.concatenate(([0], np.cumsum(lengths))).astype(np.int32), flat
    offsets = list_offsets(cells)
    return offsets - offsets[0], cells.values.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))


def first_values(cells: pa.Array) -> tuple[npt.NDArray[np.bool_], pa.Array]:
    """Which rows of a list array begin with a value, and that value of each of those; a null is none."""
    offsets, values = list_values(cells)
    has = offsets[1:] > offsets[:-1]
    firsts = offsets[:-1][has]
    found = values if len(firsts) == len(values) else values.take(primitive(firsts))
    if found.null_count:
        has[has] = valid_rows(found)
        found = found.drop_null()
    return has, found
