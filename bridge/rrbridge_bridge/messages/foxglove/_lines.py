"""Strips, loops and lists of points as lines, of scenes and of annotations."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rrbridge.columns import Flags, Ragged

__all__ = ["Lines", "lines_of"]

Int64s = npt.NDArray[np.int64]


class Lines(NamedTuple):
    """The lines of shapes."""

    counts: Int64s
    """Lines of each shape."""
    shape: Int64s
    """Of each line: its shape …"""
    number: Int64s
    """… and which of the shape's lines it is."""
    lengths: Int64s
    """Points of each line."""
    points: Int64s
    """The points of all lines, end to end, among those of all shapes."""


def lines_of(points: Ragged, *, pairs: Flags, loops: Flags, cut: Flags) -> Lines:
    """`pairs`: shapes with a line for each two points; `loops`: closed ones; `cut`: those with a line for each step."""
    lengths = points.lengths
    steps = np.maximum(lengths - 1, 0) + (loops & (lengths > 2))
    counts = np.where(pairs, lengths // 2, np.where(cut, steps, lengths > 0))
    shape = np.repeat(np.arange(len(lengths)), counts)
    number = np.arange(len(shape)) - np.repeat(np.cumsum(counts) - counts, counts)
    is_short = (pairs | cut)[shape]
    first = np.where(is_short, np.where(pairs[shape], 2 * number, number), 0)
    sizes = np.where(is_short, 2, lengths[shape] + (loops & (lengths > 2))[shape])
    step = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    of_point = np.repeat(shape, sizes)
    index = points.offsets[of_point] + (np.repeat(first, sizes) + step) % np.maximum(lengths, 1)[of_point]
    return Lines(counts, shape, number, sizes, index)
