"""A number for each value of an Arrow array, the same for equal values however they are laid out or cut into chunks.

All is done on whole arrays; only values longer than `SHORT_BYTES` are gone through one by one, by a hash that reads
gigabytes a second. Digests are 64 bits wide and not made to withstand an adversary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

__all__ = ["Digests", "combined", "digests", "mixed", "text_digest"]

Digests: TypeAlias = npt.NDArray[np.uint64]
Int64s: TypeAlias = npt.NDArray[np.int64]

SHORT_BYTES = 64
NULL = np.uint64(0x9AE16A3B2F90404F)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_SHIFTS = np.uint64(30), np.uint64(27), np.uint64(31)


def mixed(values: Digests) -> Digests:
    """Spread each number over all 64 bits (the finaliser of splitmix64, https://prng.di.unimi.it/splitmix64.c)."""
    z = values + _GOLDEN
    z = (z ^ (z >> _SHIFTS[0])) * _FIRST
    z = (z ^ (z >> _SHIFTS[1])) * _SECOND
    out: Digests = z ^ (z >> _SHIFTS[2])
    return out


def combined(first: Digests, second: Digests | np.uint64) -> Digests:
    """One digest of two; their order counts."""
    return mixed(mixed(first) ^ second)


def text_digest(text: str) -> np.uint64:
    """Of a name."""
    return np.uint64(xxhash.xxh3_64_intdigest(text.encode()))


def digests(array: pa.Array) -> Digests:
    """One for each value, shape (len(array),)."""
    found = _of_values(array)
    if array.null_count:
        found = np.where(array.is_valid().to_numpy(zero_copy_only=False), found, NULL)
    return found


def _of_values(array: pa.Array) -> Digests:
    """The same, whatever stands where there is no value."""
    kind = array.type
    if pa.types.is_null(kind) or not len(array):
        return np.full(len(array), NULL)
    width = _width(kind)
    if width is not None:
        return _of_spans(*_fixed(array, width))
    for is_kind, of in _KINDS:
        if is_kind(kind):
            return of(array)
    texts = (repr(value).encode() for value in array.to_pylist())
    return np.fromiter(map(xxhash.xxh3_64_intdigest, texts), np.uint64, len(array))


def _width(kind: pa.DataType) -> int | None:
    """Bytes of a value, where all values have so many."""
    if pa.types.is_boolean(kind) or pa.types.is_nested(kind) or pa.types.is_dictionary(kind):
        return None
    try:
        return int(kind.bit_width) // 8
    except ValueError:
        return None


def _fixed(array: pa.Array, width: int) -> tuple[memoryview, Int64s, Int64s]:
    starts = (np.arange(len(array)) + array.offset) * width
    return memoryview(array.buffers()[1] or b""), starts, np.full(len(array), width)


def _of_booleans(array: pa.Array) -> Digests:
    return digests(pa.array(array.fill_null(False).to_numpy(zero_copy_only=False).astype(np.uint8)))


def _of_texts(array: pa.Array) -> Digests:
    dtype = np.int64 if pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type) else np.int32
    _, bounds, data = array.buffers()
    offsets = _offsets(bounds, array, dtype)
    return _of_spans(memoryview(data or b""), offsets[:-1], np.diff(offsets))


def _offsets(bounds: pa.Buffer, array: pa.Array, dtype: npt.DTypeLike) -> Int64s:
    wide = np.frombuffer(bounds, dtype, count=len(array) + 1, offset=array.offset * np.dtype(dtype).itemsize)
    return wide.astype(np.int64)


def _of_lists(array: pa.Array) -> Digests:
    offsets = _offsets(array.buffers()[1], array, np.int64 if pa.types.is_large_list(array.type) else np.int32)
    base, end = int(offsets[0]), int(offsets[-1])
    return _of_runs(array.values.slice(base, end - base), offsets - base)


def _of_fixed_lists(array: pa.Array) -> Digests:
    size = array.type.list_size
    items = array.values.slice(array.offset * size, len(array) * size)
    return _of_runs(items, np.arange(len(array) + 1) * size)


def _of_runs(items: pa.Array, offsets: Int64s) -> Digests:
    """Of runs of items, each from one offset to the next."""
    flat, per_item = items, 1
    gaps: list[tuple[npt.NDArray[np.bool_], int]] = []
    while True:
        if flat.null_count:
            gaps.append((~flat.is_valid().to_numpy(zero_copy_only=False), per_item))
        if not pa.types.is_fixed_size_list(flat.type):
            break
        size = flat.type.list_size
        flat, per_item = flat.values.slice(flat.offset * size, len(flat) * size), per_item * size
    width = _width(flat.type)
    if width is None or not pa.types.is_primitive(flat.type):
        return _summed(digests(items), offsets)
    view, first = memoryview(flat.buffers()[1] or b""), flat.offset * width
    if gaps:
        view, first = memoryview(_without_gaps(view[first : first + len(flat) * width], gaps, per_item * width)), 0
    step = width * per_item
    found = _of_spans(view, offsets[:-1] * step + first, np.diff(offsets) * step)
    for missing, per in gaps:
        found = _with_gaps(found, missing, offsets * per)
    return found


def _without_gaps(view: memoryview, gaps: list[tuple[npt.NDArray[np.bool_], int]], step: int) -> bytes:
    """The bytes with zeros where there is no value, whatever stood there."""
    data = np.frombuffer(view, np.uint8).copy()
    for missing, per in gaps:
        data.reshape(len(missing), step // per)[missing] = 0
    return data.tobytes()


def _with_gaps(found: Digests, missing: npt.NDArray[np.bool_], offsets: Int64s) -> Digests:
    """Those of runs with gaps changed by where the gaps are; the others as they were."""
    marks = np.where(missing, NULL, np.uint64(0))
    counts = np.concatenate(([0], np.cumsum(missing)))
    has = counts[offsets[1:]] > counts[offsets[:-1]]
    out: Digests = np.where(has, combined(found, _summed(marks, offsets)), found)
    return out


def _summed(values: Digests, offsets: Int64s) -> Digests:
    """Of runs of digests, by the place of each in its run."""
    lengths = np.diff(offsets)
    places = np.arange(len(values)) - np.repeat(offsets[:-1], lengths)
    return combined(_sums(combined(values, places.astype(np.uint64)), offsets), lengths.astype(np.uint64))


def _sums(values: Digests, offsets: Int64s) -> Digests:
    total = np.concatenate((np.zeros(1, np.uint64), np.cumsum(values, dtype=np.uint64)))
    found: Digests = total[offsets[1:]] - total[offsets[:-1]]
    return found


def _of_spans(view: memoryview, starts: Int64s, sizes: Int64s) -> Digests:
    """Of spans of bytes."""
    found = np.empty(len(starts), np.uint64)
    data = np.frombuffer(view, np.uint8)
    for size in np.unique(sizes[sizes <= SHORT_BYTES]).tolist():
        rows = np.flatnonzero(sizes == size)
        found[rows] = _of_short(data, starts[rows], size)
    long = np.flatnonzero(sizes > SHORT_BYTES)
    if len(long):
        spans = zip(starts[long].tolist(), sizes[long].tolist(), strict=True)
        digest = xxhash.xxh3_64_intdigest
        found[long] = np.fromiter((digest(view[a : a + n]) for a, n in spans), np.uint64, len(long))
    return found


def _of_short(data: npt.NDArray[np.uint8], starts: Int64s, size: int) -> Digests:
    words = -(-size // 8)
    padded = np.zeros((len(starts), words * 8), np.uint8)
    if size:
        windows = np.lib.stride_tricks.sliding_window_view(data, size)
        padded[:, :size] = windows[starts]
    columns = padded.view("<u8")
    found = np.full(len(starts), size, np.uint64)
    for word in range(words):
        found = combined(found, columns[:, word])
    return found


def _of_structs(array: pa.Array) -> Digests:
    found = np.zeros(len(array), np.uint64)
    for index in range(array.type.num_fields):
        child = array.field(index).slice(array.offset if len(array.field(index)) != len(array) else 0, len(array))
        found += combined(digests(child), text_digest(array.type.field(index).name))
    return mixed(found)


def _of_dense_unions(array: pa.Array) -> Digests:
    codes = np.frombuffer(array.buffers()[1], np.int8, count=len(array), offset=array.offset)
    places = np.frombuffer(array.buffers()[2], np.int32, count=len(array), offset=4 * array.offset)
    found = np.full(len(array), NULL)
    for index, code in enumerate(array.type.type_codes):
        rows = np.flatnonzero(codes == code)
        if len(rows):
            child = array.field(index).take(pa.array(places[rows]))
            found[rows] = combined(digests(child), text_digest(array.type.field(index).name))
    return found


def _of_dictionaries(array: pa.Array) -> Digests:
    return digests(array.dictionary_decode())


def _is_text(kind: pa.DataType) -> bool:
    of = pa.types
    return bool(of.is_string(kind) or of.is_binary(kind) or of.is_large_string(kind) or of.is_large_binary(kind))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _is_dense_union(kind: pa.DataType) -> bool:
    return bool(pa.types.is_union(kind) and kind.mode == "dense")


_KINDS: tuple[tuple[Callable[[Any], bool], Callable[[Any], Digests]], ...] = (
    (pa.types.is_boolean, _of_booleans),
    (_is_text, _of_texts),
    (_is_list, _of_lists),
    (pa.types.is_fixed_size_list, _of_fixed_lists),
    (pa.types.is_struct, _of_structs),
    (_is_dense_union, _of_dense_unions),
    (pa.types.is_dictionary, _of_dictionaries),
)
