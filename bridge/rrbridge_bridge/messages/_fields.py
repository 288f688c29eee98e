"""Fields of messages as arrays, and numbers as plots: what nearly every adapter needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

import rrbridge as rr
from rrbridge._archetype import ComponentColumnList
from rrbridge._arrow import list_array, primitive, unit_lists, utf8
from rrbridge._entity_path import escape_entity_path_part
from rrbridge.columns import Columns, Emit, Ragged, Text, nanos

__all__ = [
    "custom",
    "floats",
    "named_scalars",
    "numbers_of",
    "path_parts",
    "quaternion",
    "seconds",
    "series_names",
    "xyz",
]

Array = npt.NDArray[Any]


def xyz(vector: Columns) -> npt.NDArray[np.float64]:
    """A `Vector3`, `Point` or `Point32`, shape (N, 3)."""
    return np.stack([vector.x, vector.y, vector.z], axis=-1).astype(np.float64, copy=False)


def quaternion(rotation: Columns) -> npt.NDArray[np.float64]:
    """A `Quaternion` as x, y, z, w, as it was sent, shape (N, 4)."""
    return np.stack([rotation.x, rotation.y, rotation.z, rotation.w], axis=-1)


def seconds(time: Columns) -> npt.NDArray[np.float64]:
    """A `Time` or `Duration`, shape (N,)."""
    return nanos(time) / 1e9


def floats(numbers: Ragged) -> Ragged:
    """Lists of numbers as lists of float64."""
    return Ragged(numbers.offsets, numbers.values.astype(np.float64))


def path_parts(names: Text | Sequence[str]) -> pa.StringArray:
    """Each name as one part of an entity path; an empty one is `_`."""
    if isinstance(names, Text):
        codes, distinct = names.dictionary()
        return (
            utf8(escape_entity_path_part(n) or "_" for n in distinct).take(primitive(codes)) if len(codes) else utf8([])
        )
    return utf8(escape_entity_path_part(name) or "_" for name in names)


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


def named_scalars(series: Mapping[str, Array], at: str = "") -> Iterator[Emit]:
    """Several numbers per message as one plot with a name for each."""
    yield series_names(list(series), at)
    yield Emit(
        rr.Scalars.columns(scalars=np.stack([np.asarray(v, np.float64) for v in series.values()], axis=-1)), at=at
    )


def numbers_of(msgs: Columns, *, without: Sequence[str] = ()) -> Iterator[Emit]:
    """Every number of the messages' own fields, as one plot; lists of numbers as a plot each, below."""
    single = {n: msgs[n] for n in msgs if n not in without and isinstance(msgs[n], np.ndarray) and msgs[n].ndim == 1}
    if single:
        yield from named_scalars(single)
    for name in msgs:
        values = msgs[name]
        if name in without or isinstance(values, (Columns, Text)) or name in single:
            continue
        if isinstance(values, np.ndarray):
            yield Emit(rr.Scalars.columns(scalars=values.astype(np.float64)), at=name)
        elif isinstance(values.values, np.ndarray) and values.values.ndim == 1:
            yield Emit(rr.Scalars.columns(scalars=floats(values)), at=name)
