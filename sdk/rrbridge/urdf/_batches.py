"""Transforms of many joints at once, as Arrow: what joint states come down to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import as_numpy, list_array, list_values
from rrbridge.errors import InvalidValueError
from rrbridge.urdf._joint import UrdfJoint

__all__ = ["joint_transform_batches"]


def _vectors(size: int) -> pa.DataType:
    return pa.list_(pa.field("item", pa.float32(), nullable=False), size)


_FIELDS = (
    pa.field("translation", _vectors(3), nullable=False),
    pa.field("quaternion", _vectors(4), nullable=False),
    pa.field("parent_frame", pa.string(), nullable=False),
    pa.field("child_frame", pa.string(), nullable=False),
)


def _lists(what: str, given: pa.Array, item_type: pa.DataType) -> tuple[npt.NDArray[np.int32], pa.Array]:
    """Bounds of the lists and their items as `item_type`."""
    try:
        found = given.cast(pa.list_(item_type))
        offsets, items = list_values(found)
    except (AttributeError, pa.ArrowException) as err:
        raise InvalidValueError(what, f"a list array of {item_type}", str(getattr(given, "type", type(given)))) from err
    if found.null_count or items.null_count:
        raise InvalidValueError(what, "no nulls", f"{found.null_count + items.null_count} of them")
    return offsets, items


def joint_transform_batches(
    joints: Mapping[str, UrdfJoint], names: pa.Array, values: pa.Array, *, clamp: bool
) -> pa.Array:
    """Lists of transforms for lists of joint names and values. Raises InvalidValueError."""
    bounds, named = _lists("names", names, pa.string())
    value_bounds, given = _lists("values", values, pa.float64())
    if len(bounds) != len(value_bounds):
        raise InvalidValueError("values", f"{len(bounds) - 1} lists, as in names", str(len(value_bounds) - 1))
    uneven = np.flatnonzero(np.diff(bounds) != np.diff(value_bounds))
    if len(uneven):
        raise InvalidValueError("values", "lists as long as those of names", f"another length in row {uneven[0]}")
    numbers = as_numpy(given, np.float64)
    coded = named.dictionary_encode()
    codes = as_numpy(coded.indices, np.int32)
    translations, quaternions = np.zeros((len(numbers), 3)), np.zeros((len(numbers), 4))
    frames: list[tuple[str, str]] = []
    for code, name in enumerate(coded.dictionary.to_pylist()):
        if name not in joints:
            raise InvalidValueError("names", "names of joints of the robot", repr(name))
        rows = np.flatnonzero(codes == code)
        translations[rows], quaternions[rows] = joints[name].poses(numbers[rows], clamp=clamp)
        frames.append(joints[name].frames)
    columns = [
        pa.FixedSizeListArray.from_arrays(pa.array(array.astype(np.float32).reshape(-1)), type=field.type)
        for array, field in zip((translations, quaternions), _FIELDS, strict=False)
    ]
    columns += [pa.array([pair[end] for pair in frames], pa.string()).take(coded.indices) for end in (0, 1)]
    structs = pa.StructArray.from_arrays(columns, fields=list(_FIELDS))
    return list_array(bounds, structs, nullable=False)
