"""Small values that say what part of something is shown: planes, rectangles, slices of tensors, ids."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import ITEM, end_to_end, fixed_size_list
from rrbridge._records import _floats, _Record, _whole
from rrbridge._values import Range1D
from rrbridge.encodings import _encoding, range1d, structured, vec4
from rrbridge.errors import InvalidValueError

__all__ = [
    "Plane3D",
    "Range2D",
    "TensorDimensionIndexSelection",
    "TensorDimensionSelection",
    "plane3d",
    "range2d",
    "tensor_dimension",
    "tensor_dimension_index",
    "uuids",
]


class Plane3D(_Record):
    """A plane in space, by its normal and its distance from the origin along this."""

    __slots__ = ("xyzd",)

    xyzd: tuple[float, ...]
    """The normal and the distance."""
    XY: ClassVar[Plane3D]
    YZ: ClassVar[Plane3D]
    ZX: ClassVar[Plane3D]

    def __init__(self, normal: npt.ArrayLike, distance: float | None = None) -> None:
        """`normal` need not have length one; without `distance` the plane goes through the origin."""
        self.xyzd = (
            *_floats("Plane3D.normal", normal, 3),
            *_floats("Plane3D.distance", 0 if distance is None else distance, 1),
        )

    def normal(self) -> npt.NDArray[np.float32]:
        """The normal, shape (3,)."""
        return np.array(self.xyzd[:3], np.float32)

    def distance(self) -> float:
        """The distance."""
        return self.xyzd[3]

    def with_distance(self, distance: float) -> Plane3D:
        """The same plane moved along its normal."""
        return type(self)(self.xyzd[:3], distance)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(self.xyzd, dtype or np.float32)


Plane3D.XY, Plane3D.YZ, Plane3D.ZX = Plane3D((0, 0, 1)), Plane3D((1, 0, 0)), Plane3D((0, 1, 0))


class Range2D(_Record):
    """A rectangle in the plane."""

    __slots__ = ("x_range", "y_range")

    def __init__(self, x_range: Any, y_range: Any) -> None:
        """From and to, on each axis."""
        self.x_range = Range1D(x_range)
        self.y_range = Range1D(y_range)


class TensorDimensionSelection(_Record):
    """The axis of a tensor that is shown along one axis of a view."""

    __slots__ = ("dimension", "invert")

    def __init__(self, dimension: int, *, invert: bool = False) -> None:
        """`invert`: from its last element to its first."""
        self.dimension = _whole(f"{type(self).__name__}.dimension", dimension)
        self.invert = bool(invert)


class TensorDimensionIndexSelection(_Record):
    """Where an axis of a tensor that is not shown is cut."""

    __slots__ = ("dimension", "index")

    def __init__(self, dimension: int, index: int) -> None:
        """Element `index` of axis `dimension`."""
        self.dimension = _whole(f"{type(self).__name__}.dimension", dimension)
        try:
            self.index = int(np.uint64(index))
        except (TypeError, ValueError, OverflowError) as err:
            raise InvalidValueError("TensorDimensionIndexSelection.index", "a whole number", repr(index)[:80]) from err


def _parse_planes(value: Any) -> npt.NDArray[np.float32]:
    given = value if isinstance(value, list | tuple) and any(isinstance(v, Plane3D) for v in value) else [value]
    if all(isinstance(v, Plane3D) for v in given):
        return np.array([v.xyzd for v in given], np.float32)
    parsed: npt.NDArray[np.float32] = vec4.parse(value)
    return parsed


def _range(values: Range1D) -> list[float]:
    return [float(v) for v in values]


def _one_range2d(value: Any) -> dict[str, list[float]]:
    if not isinstance(value, Range2D):
        raise TypeError(f"a Range2D, not {value!r}"[:120])
    return {"x_range": _range(value.x_range), "y_range": _range(value.y_range)}


def _one_dimension(value: Any) -> dict[str, Any]:
    given = value if isinstance(value, TensorDimensionSelection) else TensorDimensionSelection(value)
    return {"dimension": given.dimension, "invert": given.invert}


def _one_index(value: Any) -> dict[str, Any]:
    if not isinstance(value, TensorDimensionIndexSelection):
        raise TypeError(f"a TensorDimensionIndexSelection, not {value!r}"[:120])
    return {"dimension": value.dimension, "index": value.index}


def _uuid_bytes(value: Any) -> npt.NDArray[np.uint8]:
    if isinstance(value, uuid.UUID):
        value = value.bytes
    if isinstance(value, bytes | bytearray):
        return np.frombuffer(bytes(value), np.uint8)
    array = np.asarray(value)
    if array.size and (array.dtype.kind not in "iu" or array.min() < 0 or array.max() > 255):
        raise TypeError(f"16 bytes, not {value!r}"[:120])
    return array.astype(np.uint8)


def _parse_uuids(value: Any) -> npt.NDArray[np.uint8]:
    several = isinstance(value, list | tuple) and not all(isinstance(v, int) for v in value)
    found = np.concatenate([_uuid_bytes(v) for v in value]) if several else _uuid_bytes(value)
    if found.size % 16:
        raise ValueError(f"16 bytes each, not {found.size} in all")
    return found.reshape(-1, 16)


def _uuids_to_arrow(batches: Sequence[npt.NDArray[np.uint8]]) -> pa.Array:
    return fixed_size_list(end_to_end(batches))


_DIMENSION = pa.struct(
    [pa.field("dimension", pa.uint32(), nullable=False), pa.field("invert", pa.bool_(), nullable=False)]
)
_INDEX = pa.struct([pa.field("dimension", pa.uint32(), nullable=False), pa.field("index", pa.uint64(), nullable=False)])
_RANGE2D = pa.struct(
    [pa.field("x_range", range1d.arrow, nullable=False), pa.field("y_range", range1d.arrow, nullable=False)]
)

plane3d = _encoding(
    vec4.arrow, _parse_planes, lambda b: fixed_size_list(end_to_end(b)), "a Plane3D, or a normal and a distance", 1
)
range2d = structured(_RANGE2D, _one_range2d, "a Range2D")
tensor_dimension = structured(_DIMENSION, _one_dimension, "an axis, or a TensorDimensionSelection")
tensor_dimension_index = structured(_INDEX, _one_index, "a TensorDimensionIndexSelection")
uuids = _encoding(
    pa.list_(pa.field(ITEM, pa.uint8(), nullable=False), 16),
    _parse_uuids,
    _uuids_to_arrow,
    "UUIDs, or 16 bytes each",
    1,
)
