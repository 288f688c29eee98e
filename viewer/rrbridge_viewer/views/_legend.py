"""Where the legend of a plot hides least of its lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Inside", "Line", "Place", "legend_place"]

Inside: TypeAlias = Literal["north_west", "north_east", "south_west", "south_east", "west", "east"]
Place: TypeAlias = Inside | Literal["outside", "none"]
Doubles: TypeAlias = npt.NDArray[np.float64]

INSIDE: tuple[Inside, ...] = ("south_west", "north_west", "south_east", "north_east", "west", "east")
SAMPLES = 96
"""Places along the time axis at which lines are looked at."""
HARDLY, TOO_MUCH = 0.06, 0.12
"""Shares of the lines' visible length that a legend may hide: gladly, and at most."""
LARGEST = 0.6
"""Of the plot's width and height that a legend may take."""
OUTSIDE_FROM = 420.0
"""Plots this wide, in the window's coordinates, can spare the room for a legend beside them."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A line as the plot shows it."""

    xs: Doubles
    """(n,), rising."""
    ys: Doubles
    """(n,)"""


def legend_place(
    lines: Sequence[Line],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    plot_size: tuple[float, float],
    legend_size: tuple[float, float],
) -> Place:
    """The place at an edge, or beside the plot, or nowhere: under the pointer the lines have their names too."""
    width, height = legend_size[0] / max(plot_size[0], 1.0), legend_size[1] / max(plot_size[1], 1.0)
    if height > 1:
        return "none"
    hidden = dict.fromkeys(INSIDE, 1.0)
    if width <= LARGEST and height <= LARGEST:
        grid = np.linspace(0, 1, SAMPLES)
        seen = [_sampled(line, grid, x_range, y_range) for line in lines if len(line.xs)]
        heights = np.stack(seen) if seen else np.zeros((0, SAMPLES))
        hidden = {place: _hidden(place, grid, heights, width, height) for place in INSIDE}
    best = min(INSIDE, key=lambda place: hidden[place])
    if hidden[best] <= HARDLY:
        return best
    if plot_size[0] >= OUTSIDE_FROM and width <= 0.4:
        return "outside"
    return best if hidden[best] <= TOO_MUCH else "none"


def _sampled(line: Line, grid: Doubles, x_range: tuple[float, float], y_range: tuple[float, float]) -> Doubles:
    """(samples,): heights as shares of the plot's; not a number where the line is not."""
    at = x_range[0] + grid * (x_range[1] - x_range[0])
    finite = np.isfinite(line.ys)
    if not finite.any():
        return np.full(len(grid), np.nan)
    ys: Doubles = np.interp(at, line.xs[finite], line.ys[finite], left=np.nan, right=np.nan)
    return (ys - y_range[0]) / max(y_range[1] - y_range[0], 1e-300)


def _hidden(place: Inside, grid: Doubles, heights: Doubles, width: float, height: float) -> float:
    """Which share of what can be seen of the lines lies under a legend there."""
    beside = grid <= width if place.endswith("west") else grid >= 1 - width
    with np.errstate(invalid="ignore"):
        visible = (heights >= 0) & (heights <= 1)
        middle = {"north": 1 - height / 2, "south": height / 2}.get(place.partition("_")[0], 0.5)
        covered = visible & beside & (np.abs(heights - middle) <= height / 2)
    return float(covered.sum()) / max(int(visible.sum()), 1)
