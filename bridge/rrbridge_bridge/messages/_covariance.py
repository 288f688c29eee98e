"""Covariances as ellipsoids.

An ellipsoid holds the true value with a probability of 95 %: its half axes are the standard deviations along the principal axes
of the covariance, times the root of the χ² quantile for as many degrees of freedom as have a variance: 1.960, 2.448 or 2.795.
So a planar robot's ellipsoid is the flat 95 % ellipse.

Messages say in several ways that something is not known: all zeros, a first element of -1, NaN, or a huge variance for an
axis that is not estimated (10⁶ is usual). Such an axis is left out; where none is left, nothing is drawn.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge._archetype import ComponentColumnList
from rrbridge.columns import Emit, Ragged, Text, take
from rrbridge_bridge.messages._rotations import quaternions_of

__all__ = ["UNKNOWN_VARIANCE", "ellipsoids", "principal_axes"]

Floats = npt.NDArray[np.float64]
QUANTILE_ROOTS = np.sqrt([0.0, 3.841458820694124, 5.991464547107979, 7.814727903251179])
"""Of χ² at 95 %, for 0 to 3 degrees of freedom."""
UNKNOWN_VARIANCE = 1e5
"""Square metres (of velocities: m²/s²), from which on an axis counts as not estimated."""
COLOR = 0xBF6FCF50
"""Translucent violet: not mistaken for an obstacle."""


def principal_axes(covariance: npt.NDArray[Any]) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Half axes of the 95 % ellipsoid (n, 3), their directions as quaternions (n, 4), and which of the n there are.

    `covariance` has shape (n, 3, 3). What is not symmetric is made so; a negative variance makes none.
    """
    is_new = np.ones(len(covariance), np.bool_)  # mostly it is the same again and again
    is_new[1:] = (covariance[1:] != covariance[:-1]).any(axis=(1, 2))
    which = np.cumsum(is_new) - 1
    sizes, turns, there = _axes(covariance[is_new])
    return sizes[which], turns[which], there[which]


def _axes(covariance: npt.NDArray[Any]) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    entries, largest = _known_entries(covariance)
    rows = np.flatnonzero(_may_be_covariances(entries, largest))
    variances, directions = np.linalg.eigh(entries[_SYMMETRIC][:, :, rows].transpose(2, 0, 1))
    most = np.abs(variances).max(axis=1, initial=0.0)[:, None]
    known = variances > 1e-9 * most
    sound = (variances >= -_ROUNDING * most).all(axis=1)
    sizes, turns = np.zeros((len(covariance), 3)), np.tile([0.0, 0.0, 0.0, 1.0], (len(covariance), 1))
    there = np.zeros(len(covariance), np.bool_)
    there[rows] = sound
    sizes[rows] = np.sqrt(np.where(known & sound[:, None], variances, 0.0)) * QUANTILE_ROOTS[known.sum(axis=1)][:, None]
    turns[rows] = quaternions_of(directions)
    return sizes, turns, there


_SYMMETRIC = np.array([[0, 3, 4], [3, 1, 5], [4, 5, 2]])
"""Where the entries xx, yy, zz, xy, xz, yz stand in a matrix."""
_PAIRS = ((3, 0, 1), (4, 0, 2), (5, 1, 2))
_ROUNDING = 1e-6
_HUGE = 1e150
"""Squares of less can be added up."""


def _known_entries(covariance: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    """Entries as in `_SYMMETRIC`, (6, n), 0 where an axis is not known or a number is none; and the largest of each matrix."""
    c = covariance
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows counts as no number
        mixed = [(c[:, i, j] + c[:, j, i]) / 2 for i, j in ((0, 1), (0, 2), (1, 2))]
    entries = np.stack([c[:, 0, 0], c[:, 1, 1], c[:, 2, 2], *mixed]).astype(np.float64)
    entries[:, ~(np.abs(entries) < _HUGE).all(axis=0)] = 0.0
    unknown = entries[:3] >= UNKNOWN_VARIANCE
    entries[:3][unknown] = 0.0
    for mixed_entry, first, second in _PAIRS:
        entries[mixed_entry, unknown[first] | unknown[second]] = 0.0
    return entries, np.abs(entries).max(axis=0)


def _may_be_covariances(entries: Floats, largest: Floats) -> npt.NDArray[np.bool_]:
    """Whether no variance is negative and no correlation above 1, but for rounding: spares the others' eigenvalues."""
    rounding = 3 * _ROUNDING * largest
    found: npt.NDArray[np.bool_] = (largest > 0) & (entries[:3] >= -rounding).all(axis=0)
    for mixed, first, second in _PAIRS:
        found &= entries[mixed] ** 2 <= (entries[first] + rounding) * (entries[second] + rounding)
    return found


def ellipsoids(
    covariance: npt.NDArray[Any],
    centers: npt.NDArray[Any],
    at: str,
    *,
    scale: float = 1.0,
    frames: Text | None = None,
) -> Emit:
    """An ellipsoid per message; an empty row where the covariance tells of none, and no row where it is zero throughout.

    `scale`: metres for each unit of the square root of the covariance.
    """
    rows = np.flatnonzero(covariance.any(axis=(1, 2)))
    sizes, turns, there = principal_axes(covariance[rows])
    middles = centers[rows]
    there &= np.isfinite(middles).all(axis=1)

    def drawn(values: npt.NDArray[Any]) -> Ragged:
        return Ragged.from_lengths(there.astype(np.int64), values[there])

    columns: list[ComponentColumnList] = [
        rr.Ellipsoids3D.columns(
            half_sizes=drawn(sizes * scale),
            centers=drawn(middles),
            quaternions=drawn(turns),
            colors=drawn(np.full(len(there), COLOR, np.uint32)),
        )
    ]
    if frames is not None:
        columns.append(rr.CoordinateFrame.columns(frame=take(frames, rows)))
    return Emit(columns, at=at, rows=rows)
