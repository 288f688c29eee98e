"""Covariances as ellipsoids.

An ellipsoid holds the true value with a probability of 95 %: its half axes are the standard deviations along the principal axes
of the covariance, times the root of the χ² quantile for as many degrees of freedom as have a variance: 1.960, 2.448 or 2.795.
So a planar robot's ellipsoid is the flat 95 % ellipse.

Messages say in several ways that something is not known: all zeros, a first element of -1, NaN, or a huge variance for an
axis that is not estimated (10⁶ is usual). Such an axis is left out; where none is left, nothing is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge._archetype import ComponentColumnList
from rrbridge.columns import Emit, Ragged, Text
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
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is not finite, hence left out
        symmetric = (covariance + np.swapaxes(covariance, 1, 2)).astype(np.float64) / 2
        finite = np.isfinite(symmetric).all(axis=(1, 2)) & (np.abs(symmetric) < np.sqrt(np.finfo(np.float64).max)).all(
            axis=(1, 2)
        )
    symmetric = np.where(finite[:, None, None], symmetric, 0.0)
    unknown = np.diagonal(symmetric, axis1=1, axis2=2) >= UNKNOWN_VARIANCE
    symmetric = np.where(unknown[:, :, None] | unknown[:, None, :], 0.0, symmetric)
    variances, directions = np.linalg.eigh(symmetric)
    largest = np.abs(variances).max(axis=1, initial=0.0)[:, None]
    known = (variances > 1e-9 * largest) & (largest > 0)
    there = finite & known.any(axis=1) & (variances >= -1e-6 * largest).all(axis=1)
    sizes = np.sqrt(np.where(known & there[:, None], variances, 0.0)) * QUANTILE_ROOTS[known.sum(axis=1)][:, None]
    return sizes, quaternions_of(directions), there


def ellipsoids(
    covariance: npt.NDArray[Any],
    centers: npt.NDArray[Any],
    at: str,
    *,
    scale: float = 1.0,
    frames: Text | Sequence[str] | None = None,
) -> Emit:
    """An ellipsoid per message, or an empty row. `scale`: metres for each unit of the square root of the covariance."""
    sizes, turns, there = principal_axes(covariance)
    there &= np.isfinite(centers).all(axis=1)

    def drawn(values: npt.NDArray[Any]) -> Ragged:
        return Ragged.from_lengths(there.astype(np.int64), values[there])

    columns: list[ComponentColumnList] = [
        rr.Ellipsoids3D.columns(
            half_sizes=drawn(sizes * scale),
            centers=drawn(centers),
            quaternions=drawn(turns),
            colors=drawn(np.full(len(there), COLOR, np.uint32)),
        )
    ]
    if frames is not None:
        columns.append(rr.CoordinateFrame.columns(frame=frames))
    return Emit(columns, at=at)
