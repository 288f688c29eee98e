"""Several topics on one clock: which row of each stands at the clock's times, and values between two rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import list_values
from rrbridge._query_rows import MISSING, EntityRows, as_array, positions_until
from rrbridge._rotations import slerp, squares

__all__ = ["Aligned", "Alignment", "Method", "blend"]

Method: TypeAlias = Literal["latest", "nearest", "linear"]

Indices = npt.NDArray[np.int64]
Times = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating[Any]]


class Aligned(NamedTuple):
    """The rows that stand at some times, as row numbers, shape (times,); MISSING where none is near enough."""

    rows: Indices | range
    """The one that is shown, or where values are blended, what is shown of those that cannot be."""
    before: Indices | range | None = None
    after: Indices | range | None = None
    """The two to blend, both MISSING where one is; None where nothing is to be blended."""
    weights: Weights | None = None
    """How much of the one after."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """How rows are found for the times of a clock."""

    method: Method
    tolerance: int | None = None
    """How far a row may be from the time it stands for, in the timeline's own numbers."""

    def find(self, rows: EntityRows, times: Times) -> Aligned:
        """The rows of one entity for strictly rising times; a clear counts as an empty row."""
        known = rows.shown.times
        positions = positions_until(known, times)
        if self.method == "latest" and self.tolerance is None:
            return Aligned(rows.shown.at(positions))
        before = as_array(positions)
        limit = float("inf") if self.tolerance is None else self.tolerance
        since = _distance(known, times, before)
        if self.method == "latest":
            return Aligned(rows.shown.at(np.where(since <= limit, before, MISSING)))
        after = np.where(before + 1 < len(known), before + 1, MISSING)
        until = _distance(known, times, after)
        if self.method == "nearest":
            nearest = np.where(until < since, after, before)
            return Aligned(rows.shown.at(np.where(np.minimum(since, until) <= limit, nearest, MISSING)))
        exact = since == 0
        between = ~exact & (since <= limit) & (until <= limit) & np.isfinite(since) & np.isfinite(until)
        weights = np.divide(since, since + until, out=np.zeros(len(times)), where=between)
        return Aligned(
            rows.shown.at(np.where(since <= limit, before, MISSING)),
            rows.shown.at(np.where(exact | between, before, MISSING)),
            rows.shown.at(np.where(between, after, np.where(exact, before, MISSING))),
            weights,
        )


def _distance(known: Times, times: Times, positions: Indices) -> Weights:
    """How far apart, never negative; infinite for MISSING."""
    found = np.full(len(times), np.inf)
    there = positions != MISSING
    found[there] = np.abs((times[there] - known[positions[there]]).astype(np.float64))
    return found


def blend(before: pa.Array, after: pa.Array, weights: Weights, *, is_rotation: bool = False) -> pa.Array | None:
    """Values between two columns of cells or plain values: `before + weight * (after - before)`; rotations by slerp.

    Where two cells have different numbers of instances, the one before stays. None if these are no floating-point
    numbers, nor vectors of them.
    """
    listed = pa.types.is_list(before.type)
    width = _width(before.type.value_type if listed else before.type)
    if width is None:
        return None
    starts, values = list_values(before) if listed else _as_lists(before)
    other_starts, other_values = list_values(after) if listed else _as_lists(after)
    lengths = np.diff(starts)
    same = lengths == np.diff(other_starts)
    row_of = np.repeat(np.arange(len(lengths)), lengths)
    mixed = np.flatnonzero(same[row_of])
    rows = row_of[mixed]
    flat, other = _numbers(values, width), _numbers(other_values, width)
    partner = other[other_starts[rows] + (mixed - starts[rows])]
    out = flat.copy()
    mix = _turned if is_rotation and width == 4 else _mixed
    out[mixed] = mix(flat[mixed], partner, weights[rows])
    made = _rebuilt(out, values.type)
    if not listed:
        return made.take(pa.array(np.where(lengths == 1, starts[:-1], 0), mask=lengths == 0)) if len(made) else before
    return pa.ListArray.from_arrays(
        pa.array(starts.astype(np.int32)), made, before.type, mask=before.is_null() if before.null_count else None
    )


def _mixed(first: Numbers, second: Numbers, share: Weights) -> Numbers:
    return first + share[:, None] * (second - first)


def _turned(first: Numbers, second: Numbers, share: Weights) -> Numbers:
    """Quaternions between two each; where one is no rotation, having no length, the first."""
    out = first.astype(np.float64)
    lengths = squares(first.T.astype(np.float64)) * squares(second.T.astype(np.float64))
    usable = (lengths > 0) & np.isfinite(lengths)
    out[usable] = slerp(first[usable].T, second[usable].T, share[usable]).T
    return out


def _width(datatype: pa.DataType) -> int | None:
    """How many floating-point numbers a value is; None if it is something else."""
    if pa.types.is_floating(datatype):
        return 1
    if pa.types.is_fixed_size_list(datatype) and pa.types.is_floating(datatype.value_type):
        return int(datatype.list_size)
    return None


def _as_lists(values: pa.Array) -> tuple[Indices, pa.Array]:
    present = values.is_valid().to_numpy(zero_copy_only=False)
    return np.concatenate(([0], np.cumsum(present))), values.drop_null()


def _numbers(values: pa.Array, width: int) -> Numbers:
    flat = values.flatten() if pa.types.is_fixed_size_list(values.type) else values
    numbers: Numbers = flat.to_numpy(zero_copy_only=False)
    return numbers.reshape(-1, width)


def _rebuilt(numbers: Numbers, datatype: pa.DataType) -> pa.Array:
    if pa.types.is_fixed_size_list(datatype):
        flat = pa.array(numbers.ravel().astype(datatype.value_type.to_pandas_dtype()))
        return pa.FixedSizeListArray.from_arrays(flat, type=datatype)
    return pa.array(numbers.ravel().astype(datatype.to_pandas_dtype()))
