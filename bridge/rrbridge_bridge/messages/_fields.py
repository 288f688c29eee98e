"""Fields of messages as arrays: what nearly every adapter needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge._archetype import ComponentColumnList
from rrbridge._arrow import list_array, primitive, unit_lists
from rrbridge.columns import Columns, Emit, Ragged, Text

__all__ = ["custom", "named_scalars", "quaternion", "rotate", "series_names", "xyz"]

Array = npt.NDArray[Any]


def xyz(vector: Columns) -> npt.NDArray[np.float64]:
    """A `Vector3`, `Point` or `Point32`, shape (N, 3)."""
    return np.stack([vector.x, vector.y, vector.z], axis=-1).astype(np.float64, copy=False)


def quaternion(rotation: Columns) -> npt.NDArray[np.float64]:
    """A `Quaternion` as x, y, z, w, shape (N, 4)."""
    return np.stack([rotation.x, rotation.y, rotation.z, rotation.w], axis=-1)


def rotate(quaternions: Array, vectors: Array) -> npt.NDArray[np.float64]:
    """Each vector turned by its quaternion (x, y, z, w; zero: not at all), shapes (N, 4) and (N, 3)."""
    norms = np.linalg.norm(quaternions, axis=-1, keepdims=True)
    unit = np.divide(quaternions, norms, out=np.zeros_like(quaternions, np.float64), where=norms > 0)
    imaginary, real = unit[..., :3], unit[..., 3:]
    twice = 2.0 * np.cross(imaginary, vectors)
    turned: npt.NDArray[np.float64] = vectors + real * twice + np.cross(imaginary, twice)
    return turned


def custom(component: str, values: Array | Text | Ragged, archetype: str | None = None) -> ComponentColumnList:
    """A component that no archetype declares: one value, or one list, per row."""
    descriptor = rr.ComponentDescriptor(component, archetype)
    if isinstance(values, Text):
        cells = unit_lists(values.to_arrow())
    elif isinstance(values, Ragged):
        flat = values.values[values.offsets[0] : values.offsets[-1]]
        cells = list_array(values.offsets - values.offsets[0], primitive(flat))
    elif values.ndim == 2:
        rows, width = values.shape
        cells = list_array(np.arange(0, rows * width + 1, width), primitive(values.reshape(-1)))
    else:
        cells = unit_lists(primitive(values))
    return ComponentColumnList([rr.ComponentColumn(descriptor, cells)])


def series_names(names: Sequence[str], at: str = "") -> Emit:
    """Says once what the series of an entity's scalars are called."""
    return Emit(rr.SeriesLines.columns(names=Ragged.from_lengths([len(names)], tuple(names))), at=at, static=True)


def named_scalars(series: dict[str, Array], at: str = "") -> Iterator[Emit]:
    """Several numbers per message as one plot with a name for each."""
    yield series_names(list(series), at)
    yield Emit(
        rr.Scalars.columns(scalars=np.stack([np.asarray(v, np.float64) for v in series.values()], axis=-1)), at=at
    )
