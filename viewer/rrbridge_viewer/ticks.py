"""Events on a time line, as marks on a row of pixels. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Marks", "event_marks"]

DOT_SPACING = 2
"""Dots need this many columns each; where they would touch, density is shown instead."""
LEVELS = 4


@dataclass(frozen=True, slots=True)
class Marks:
    """Where events are, as shares of the row's width."""

    dots: tuple[float, ...] = ()
    """One for each event, where there is room."""
    runs: tuple[tuple[float, float, int], ...] = ()
    """Else stretches `(from, to, level)` with about equally many events; level 1 … `LEVELS`."""


def event_marks(times: npt.NDArray[np.int64], lo: int, hi: int, columns: int) -> Marks:
    """The events of `[lo, hi]`, whose times rise, on so many columns."""
    first, last = np.searchsorted(times, [lo, hi + 1])
    inside = times[first:last]
    if not len(inside) or columns < 1 or hi <= lo:
        return Marks(dots=(0.5,) if len(inside) and hi == lo else ())
    if len(inside) * DOT_SPACING <= columns:
        return Marks(dots=tuple(((inside - lo) / (hi - lo)).tolist()))
    edges = lo + (np.arange(columns + 1) * ((hi - lo) / columns)).astype(np.int64)
    edges[-1] = hi + 1
    counts = np.diff(np.searchsorted(inside, edges)).astype(np.float64)
    occupied = np.flatnonzero(counts)
    if len(occupied) * DOT_SPACING <= columns and np.diff(occupied).min(initial=columns) >= DOT_SPACING:
        return Marks(dots=tuple(((occupied + 0.5) / columns).tolist()))
    smooth = np.convolve(counts, np.ones(5) / 5)[2:-2]
    level = np.ceil(LEVELS * np.log1p(smooth) / np.log1p(smooth.max())).astype(np.int64)
    # Smoothing must not cover gaps: a column without events stays empty unless its neighbours just miss it.
    near = np.convolve(counts, np.ones(3))[1:-1] > 0
    level[~near] = 0
    starts = np.flatnonzero(np.diff(level, prepend=-1))
    stops = np.append(starts[1:], columns)
    runs = [
        (start / columns, stop / columns, int(level[start]))
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)
        if level[start]
    ]
    return Marks(runs=tuple(runs))
