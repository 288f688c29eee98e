"""Rotations: quaternions (x, y, z, w) of N messages."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rrbridge.columns import Columns

__all__ = ["about_z", "orientation", "quaternions_of", "roll_pitch_yaw", "rotate"]

Floats = npt.NDArray[np.float64]


def orientation(rotation: Columns) -> Floats:
    """A `Quaternion` of length 1, shape (N, 4); one that says nothing (zero, NaN) turns nothing."""
    given = np.stack([rotation.x, rotation.y, rotation.z, rotation.w], axis=-1).astype(np.float64)
    return _normalized(given)


def _normalized(quaternions: Floats) -> Floats:
    largest = np.abs(quaternions).max(axis=-1, initial=0.0)[..., None]
    sound = np.isfinite(largest) & (largest > 0)
    scaled = np.divide(quaternions, largest, out=np.zeros_like(quaternions), where=sound)
    norms = np.linalg.norm(scaled, axis=-1, keepdims=True)
    unit = np.broadcast_to([0.0, 0.0, 0.0, 1.0], scaled.shape).copy()
    np.divide(scaled, norms, out=unit, where=sound)
    return unit


def about_z(angles: npt.NDArray[Any]) -> Floats:
    """Of angles in a plane, radians, shape (N,): quaternions, shape (N, 4)."""
    half = np.where(np.isfinite(angles), angles, 0.0).astype(np.float64) / 2
    zeros = np.zeros_like(half)
    return np.stack([zeros, zeros, np.sin(half), np.cos(half)], axis=-1)


def rotate(quaternions: npt.NDArray[Any], vectors: npt.NDArray[Any]) -> Floats:
    """Each vector turned by its quaternion (zero, NaN: not at all), shapes (N, 4) and (N, 3)."""
    unit = _normalized(quaternions.astype(np.float64, copy=False))
    imaginary, real = unit[..., :3], unit[..., 3:]
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite stays so
        twice = 2.0 * np.cross(imaginary, vectors)
        turned: Floats = vectors + real * twice + np.cross(imaginary, twice)
    return turned


def quaternions_of(matrices: Floats) -> Floats:
    """Of orthogonal matrices (N, 3, 3), one of them mirrored back if its determinant is -1: quaternions, shape (N, 4).

    The largest of four times the squared components is found first, so that nothing is divided by what is near zero (Shepperd).
    """
    mirrored = (np.cross(matrices[:, 0], matrices[:, 1]) * matrices[:, 2]).sum(axis=1) < 0
    m = matrices * np.where(mirrored, -1.0, 1.0)[:, None, None]
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = (tuple(m[:, i, j] for j in range(3)) for i in range(3))
    candidates = np.stack(
        [
            np.stack([1 + xx - yy - zz, xy + yx, xz + zx, zy - yz], axis=-1),
            np.stack([xy + yx, 1 - xx + yy - zz, yz + zy, xz - zx], axis=-1),
            np.stack([xz + zx, yz + zy, 1 - xx - yy + zz, yx - xy], axis=-1),
            np.stack([zy - yz, xz - zx, yx - xy, 1 + xx + yy + zz], axis=-1),
        ],
        axis=1,
    )
    largest = np.argmax(np.diagonal(candidates, axis1=1, axis2=2), axis=1)
    return _normalized(candidates[np.arange(len(m)), largest])


def roll_pitch_yaw(quaternions: Floats) -> Floats:
    """Angles about the fixed axes x, y and z, radians, as REP 103 has them; shapes (N, 4) and (N, 3)."""
    x, y, z, w = np.moveaxis(quaternions, -1, 0)
    roll = np.arctan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))
    pitch = np.arcsin(np.clip(2 * (w * y - z * x), -1, 1))
    yaw = np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    return np.stack([roll, pitch, yaw], axis=-1)
