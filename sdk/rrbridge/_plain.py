"""Numbers and texts out of what people write them as: lists, arrays of any kind, columns of a table, the cells of a CSV file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["asarray", "one_text", "plain_numbers", "plain_texts", "shown"]

_BYTES = (bytes, bytearray, memoryview)
_ONE_TEXT = (str, Mapping, set, frozenset, *_BYTES)


def asarray(item: Any, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
    """`numpy.asarray` of any numpy: `copy` True for an array of its own, False or None for one only where needed."""
    return np.array(item, dtype) if copy else np.asarray(item, dtype)


def shown(value: Any) -> str:
    """A value in a message."""
    if isinstance(value, np.ndarray):
        return f"array of shape {value.shape} and type {value.dtype}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def plain_numbers(value: Any, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """An array of this type. Fractions that a whole number has no room for are cut off; −1 becomes the largest number
    where an array has it and the type no sign. Both as numpy does it.

    Raises TypeError or ValueError for what are no numbers, or numbers out of range.
    """
    array = np.asarray(value)
    wanted = np.dtype(dtype)
    if array.dtype.kind not in "biuf" and array.size:
        array = _read(array, wanted, value)
    if wanted.kind in "iu" and array.dtype != wanted and array.dtype.kind in "iuf" and array.size:
        limits = np.iinfo(wanted)
        if array.dtype.kind == "f":
            if not np.isfinite(array).all():
                raise ValueError(f"not whole numbers: {shown(value)}")
            array = np.trunc(array)
        is_ids = wanted.kind == "u" and wanted.itemsize > 1 and array is value
        has_none = is_ids and array.dtype.kind == "i"  # −1, as labels of noise
        lowest = limits.min - has_none
        # In Python's numbers: compared as floats, 2⁶⁴ would count as within 64 bits.
        if int(array.min()) < lowest or int(array.max()) > limits.max:
            raise ValueError(f"outside {limits.min} … {limits.max}: {shown(value)}")
    if wanted.kind == "f" and array.dtype != wanted and array.dtype.itemsize >= wanted.itemsize:
        with np.errstate(over="ignore"):  # what is too large for the field becomes infinite
            return array.astype(wanted)
    return array.astype(wanted, copy=False)


def _read(array: npt.NDArray[Any], wanted: np.dtype[Any], value: Any) -> npt.NDArray[Any]:
    """Numbers held as objects or as text; None is not a number (NaN)."""
    if array.dtype.kind == "O" and array.ndim:
        array = np.asarray(array.tolist())  # of numbers, or of lists of them
    if array.dtype.kind in "biuf":
        return array
    if array.dtype.kind in ("O" if wanted.kind == "b" else "OSU"):
        items = array.reshape(-1).tolist()
        if wanted.kind == "f":
            return array.astype(np.float64)
        if wanted.kind == "b" and all(isinstance(item, bool) for item in items):
            return array.astype(np.bool_)
        if wanted.kind in "iu":
            whole = [int(item) for item in items]
            return np.array(whole, np.int64 if min(whole) < 0 else np.uint64).reshape(array.shape)
    raise TypeError(f"not numbers but {shown(value)}")


def plain_texts(value: Any) -> tuple[str, ...]:
    """One text, or as many as a list, an array or something else to go through has. Raises TypeError or ValueError."""
    if type(value) is str and value.isascii():  # what is logged most often
        return (value,)
    if isinstance(value, np.ndarray):
        value = value.reshape(-1).tolist() if value.ndim else value.item()
    if isinstance(value, _ONE_TEXT) or not isinstance(value, Iterable):
        return (one_text(value),)
    return tuple([item if type(item) is str and item.isascii() else one_text(item) for item in value])


def one_text(value: Any) -> str:
    """A value as text. Raises TypeError for bytes, whose encoding nobody knows, ValueError for what UTF-8 cannot hold."""
    if isinstance(value, _BYTES):
        raise TypeError(f"text, not {shown(value)}")
    text = str(value)
    if not text.isascii():
        text.encode()
    return text
