"""Numbers over time, as plots want them: arrays, and no more points than there are pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import list_values

__all__ = ["NamedSeries", "Series", "by_name", "decimate", "series_of_cells"]

Times = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One or several numbers over time."""

    times: Times
    """(n,), rising."""
    values: Values
    """(n, k): NaN where a row has fewer than k numbers."""


def series_of_cells(times: Times, cells: pa.ListArray) -> Series:
    """The series in a column of number lists."""
    offsets, flat = list_values(cells)
    if not (pa.types.is_floating(flat.type) or pa.types.is_integer(flat.type) or pa.types.is_boolean(flat.type)):
        return Series(times[:0], np.zeros((0, 0)))
    if pa.types.is_boolean(flat.type):
        flat = flat.cast(pa.uint8())
    numbers = np.asarray(flat.to_numpy(zero_copy_only=False), np.float64)
    lengths = np.diff(offsets)
    if not len(lengths):
        return Series(times, np.zeros((0, 0)))
    width = int(lengths.max())
    if (lengths == width).all():
        return Series(times, numbers.reshape(len(lengths), width))
    values = np.full((len(lengths), width), np.nan)
    row = np.repeat(np.arange(len(lengths)), lengths)
    values[row, np.arange(len(numbers)) - np.repeat(offsets[:-1], lengths)] = numbers
    return Series(times, values)


@dataclass(frozen=True, slots=True, eq=False)
class NamedSeries:
    """One number over time, which was not always at the same place of its row."""

    name: str
    times: Times
    """(n,), rising."""
    values: Values
    """(n,)"""


def by_name(series: Series, name_times: Times, names: pa.ListArray) -> list[NamedSeries] | None:
    """A series per name where names change places with time (several drivers publish their joints on one topic), else None.

    A row's names are those that were latest at its time; numbers without a name are left out. `name_times`, (m,), rise.
    """
    offsets, flat = list_values(names)
    if not pa.types.is_string(flat.type) or len(names) < 2:
        return None
    encoded = flat.dictionary_encode()
    words: list[str] = encoded.dictionary.to_pylist()
    codes = series_of_cells(name_times, pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), encoded.indices)).values
    filled = codes[~np.isnan(codes).all(axis=1)]
    if not len(filled) or np.array_equal(filled, np.broadcast_to(filled[0], filled.shape), equal_nan=True):
        return None
    row = np.searchsorted(name_times, series.times, side="right") - 1
    if np.array_equal(name_times, series.times):  # also where several rows have one time
        row = np.arange(len(name_times))
    width = min(codes.shape[1], series.values.shape[1])
    of_number = np.where((row >= 0)[:, None], codes[row, :width], np.nan)
    numbers = series.values[:, :width]
    found = []
    for code, word in enumerate(words):
        at, place = np.nonzero(of_number == code)
        if np.isfinite(numbers[at, place]).any():
            found.append(NamedSeries(word or "", series.times[at], numbers[at, place]))
    return found


def decimate(times: Times, values: npt.NDArray[Any], lo: int, hi: int, columns: int) -> tuple[Times, npt.NDArray[Any]]:
    """What `[lo, hi]` shows of a series on this many pixel columns: at most two points per column, its extremes.

    One point beyond either edge is kept, so that the line leaves the picture where it should. `values` is (n,).
    """
    first = max(int(np.searchsorted(times, lo)) - 1, 0)
    last = min(int(np.searchsorted(times, hi, side="right")) + 1, len(times))
    times, values = times[first:last], values[first:last]
    if len(times) <= 4 * max(columns, 1):
        return times, values
    edges = lo + (np.arange(columns + 1) * ((hi - lo) / columns)).astype(np.int64)
    starts = np.unique(np.searchsorted(times, edges))
    starts = np.unique(np.concatenate(([0], starts[starts < len(times)])))
    lows = np.fmin.reduceat(values, starts)
    highs = np.fmax.reduceat(values, starts)
    ends = np.append(starts[1:], len(times)) - 1
    out_times = np.empty(2 * len(starts), np.int64)
    out_values = np.empty(2 * len(starts), np.float64)
    out_times[0::2], out_times[1::2] = times[starts], times[ends]
    rising = values[starts] <= values[ends]
    out_values[0::2] = np.where(rising, lows, highs)
    out_values[1::2] = np.where(rising, highs, lows)
    return out_times, out_values
