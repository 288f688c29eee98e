"""Points with colours, to try things out with."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rrbridge._turbo import turbo

__all__ = ["ColorGrid", "ColorSpiral", "bounce_lerp", "build_color_grid", "build_color_spiral"]


class ColorGrid(NamedTuple):
    """Points of a grid."""

    positions: npt.NDArray[Any]
    """Shape (n, 3)."""
    colors: npt.NDArray[np.uint8]
    """Shape (n, 3)."""


class ColorSpiral(NamedTuple):
    """Points of a spiral."""

    positions: npt.NDArray[Any]
    """Shape (n, 3)."""
    colors: npt.NDArray[np.float64]
    """Shape (n, 3), 0 … 1."""


def build_color_grid(x_count: int = 10, y_count: int = 10, z_count: int = 10, *, twist: float = 0) -> ColorGrid:
    """A cube of points from −10 to 10, coloured by place; `twist` turns it along z, radians from bottom to top."""
    steps = [np.linspace(0.0, 1.0, count) for count in (x_count, y_count, z_count)]
    unit = np.stack([axis.ravel() for axis in np.meshgrid(*steps, indexing="ij")], axis=1)
    x, y, z = (unit * 20 - 10).T
    angle = twist * z / 20
    positions = np.stack([np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y, z], axis=1)
    return ColorGrid(positions, (unit * 255).astype(np.uint8))


def build_color_spiral(
    num_points: int = 100,
    *,
    radius: float = 2,
    angular_step: float = 0.02,
    angular_offset: float = 0,
    z_step: float = 0.1,
) -> ColorSpiral:
    """A spiral upwards; `angular_step` is in turns, `angular_offset` in radians."""
    index = np.arange(num_points)
    angle = 2 * math.pi * index * angular_step + angular_offset
    positions = np.stack([np.cos(angle) * radius, np.sin(angle) * radius, index * z_step], axis=1)
    colors = turbo()
    return ColorSpiral(positions, colors[np.linspace(0, len(colors) - 1, num_points, dtype=int)])


def bounce_lerp(a: float, b: float, t: float | npt.NDArray[Any]) -> float | npt.NDArray[Any]:
    """From `a` to `b` and back as `t` goes from 0 to 2, and so on."""
    rest = np.mod(t, 1)
    is_back = np.trunc(t) % 2 != 0
    found = np.where(is_back, rest, 1.0 - rest) * a + np.where(is_back, 1.0 - rest, rest) * b
    return float(found) if np.ndim(found) == 0 else found


def __getattr__(name: str) -> Any:
    """`color_grid` and `color_spiral`: those of the usual size, made when asked for."""
    if name == "color_grid":
        return build_color_grid()
    if name == "color_spiral":
        return build_color_spiral()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
