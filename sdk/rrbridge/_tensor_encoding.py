"""Tensors: arrays of any number of axes, with names for these; a dense union over the types of number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import list_array, list_type, nested, primitive
from rrbridge.columns import Ragged
from rrbridge.encodings import _encoding, text
from rrbridge.errors import InvalidValueError

__all__ = ["BUFFER", "TensorBuffer", "TensorData", "TensorLike", "bars", "buffers_to_arrow", "tensor"]

_TYPES = {
    "U8": np.uint8,
    "U16": np.uint16,
    "U32": np.uint32,
    "U64": np.uint64,
    "I8": np.int8,
    "I16": np.int16,
    "I32": np.int32,
    "I64": np.int64,
    "F16": np.float16,
    "F32": np.float32,
    "F64": np.float64,
}
_CODE_OF = {np.dtype(dtype): code for code, dtype in enumerate(_TYPES.values(), 1)}


def _numbers(dtype: npt.DTypeLike) -> pa.DataType:
    return list_type(pa.from_numpy_dtype(dtype), nullable=False)


# Arm 0 stands for no buffer at all (FORMAT §5.4).
BUFFER = pa.dense_union(
    [pa.field("_null_markers", pa.null()), *[pa.field(n, _numbers(t), nullable=False) for n, t in _TYPES.items()]]
)
_SHAPE = list_type(pa.uint64(), nullable=False)
_NAMES = list_type(pa.utf8(), nullable=False)
_TENSOR = pa.struct([pa.field("shape", _SHAPE, nullable=False), pa.field("names", _NAMES), pa.field("buffer", BUFFER)])


class TensorBuffer:
    """The numbers of a tensor."""

    __slots__ = ("inner",)

    inner: npt.NDArray[Any]

    def __init__(self, inner: Any) -> None:
        """Take an array of numbers. Raises InvalidValueError."""
        try:
            self.inner = inner.inner if isinstance(inner, TensorBuffer) else checked(np.array(inner, order="C"))
        except (TypeError, ValueError) as err:
            raise InvalidValueError("TensorBuffer", "an array of numbers", str(err)) from err

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(self.inner, dtype)

    def __len__(self) -> int:
        return len(self.inner)

    def __repr__(self) -> str:
        return f"TensorBuffer({self.inner.dtype}{list(self.inner.shape)})"


class TensorData:
    """An array and what its axes are called."""

    __slots__ = ("array", "dim_names")

    array: npt.NDArray[Any]
    dim_names: tuple[str, ...] | None

    def __init__(
        self,
        *,
        shape: Sequence[int] | None = None,
        buffer: Any | None = None,
        array: Any | None = None,
        dim_names: Sequence[str] | None = None,
    ) -> None:
        """Give `array`, with or without another `shape`; or `buffer`, its numbers in C order, with a `shape`."""
        given = array if buffer is None else buffer
        if (array is None) == (buffer is None) or (buffer is not None and shape is None):
            raise InvalidValueError("TensorData", "array=, or buffer= with shape=", "something else")
        try:
            found = given.array if isinstance(given, TensorData) else np.array(given, order="C")
            self.array = checked(found if shape is None else found.reshape(tuple(shape)))
        except (TypeError, ValueError) as err:
            raise InvalidValueError("TensorData", "an array of numbers that fits its shape", str(err)) from err
        if dim_names is None and isinstance(given, TensorData):
            dim_names = given.dim_names
        self.dim_names = None if dim_names is None or len(dim_names) == 0 else text.parse(dim_names)
        if self.dim_names is not None and len(self.dim_names) != self.array.ndim:
            raise InvalidValueError(
                "TensorData.dim_names",
                f"{self.array.ndim} names, for shape {self.array.shape}",
                str(len(self.dim_names)),
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self.array.shape

    @property
    def names(self) -> tuple[str, ...] | None:
        """What the axes are called."""
        return self.dim_names

    @property
    def buffer(self) -> npt.NDArray[Any]:
        """The numbers in C order."""
        return self.array.reshape(-1)

    @property
    def nbytes(self) -> int:
        """What it takes in Arrow, about."""
        return self.array.nbytes + 40

    def numpy(self, force: bool = False) -> npt.NDArray[Any]:  # noqa: ARG002 - as the reference has it
        """The array."""
        return self.array

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(self.array, dtype)


def checked(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """An array whose numbers tensors can hold; booleans become 0 and 1. Raises TypeError."""
    found = array.astype(np.uint8) if array.dtype == np.bool_ else array
    if found.dtype not in _CODE_OF:
        raise TypeError(f"an array of numbers, not of {found.dtype}")
    return found


TensorLike: TypeAlias = TensorData | npt.NDArray[Any] | Sequence[Any]


def _parse(value: Any) -> tuple[TensorData, ...]:
    if isinstance(value, tuple | list) and len(value) and all(isinstance(v, TensorData) for v in value):
        return tuple(value)
    if isinstance(value, TensorData):
        return (value,)
    return (TensorData(array=value),)


def _build(batches: Sequence[tuple[TensorData, ...]]) -> pa.Array:
    tensors = [t for batch in batches for t in batch]
    shapes = Ragged.from_lengths([t.array.ndim for t in tensors], None)
    shape_values = np.array([axis for t in tensors for axis in t.array.shape], np.uint64)
    names = [list(t.dim_names) if t.dim_names is not None else None for t in tensors]
    shape = list_array(shapes.offsets, primitive(shape_values), nullable=False)
    buffer = buffers_to_arrow([t.array for t in tensors])
    return pa.StructArray.from_arrays([shape, nested(names, _NAMES), buffer], fields=list(_TENSOR))


def buffers_to_arrow(arrays: Sequence[npt.NDArray[Any]]) -> pa.Array:
    """The numbers of arrays of any type in C order, as a union with one arm per type."""
    codes = np.array([_CODE_OF[array.dtype] for array in arrays], np.int8)
    children: list[pa.Array] = [pa.nulls(0)]
    places = np.zeros(len(arrays), np.int32)
    for code, dtype in enumerate(_TYPES.values(), 1):
        rows = np.flatnonzero(codes == code)
        places[rows] = np.arange(len(rows))
        flat = [np.ascontiguousarray(arrays[i]).reshape(-1) for i in rows.tolist()]
        values = np.concatenate(flat) if flat else np.empty(0, dtype)
        offsets = Ragged.from_lengths([len(f) for f in flat], None).offsets
        children.append(list_array(offsets, primitive(values), nullable=False))
    return pa.Array.from_buffers(
        BUFFER, len(arrays), [None, pa.py_buffer(codes), pa.py_buffer(places)], children=children
    )


def _parse_bars(value: Any) -> tuple[TensorData, ...]:
    found = _parse(value)
    for shape in (tensor.array.shape for tensor in found):
        if not shape or sum(length != 1 for length in shape) > 1:
            raise ValueError(f"bars have one axis, not shape {shape}")
    return found


tensor = _encoding(_TENSOR, _parse, _build, "an array of numbers, or a TensorData", None)
bars = _encoding(_TENSOR, _parse_bars, _build, "an array of numbers with one axis, or such a TensorData", None)
