"""Rotations in space, many at a time: quaternions x, y, z, w, axis-angles and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["axis_angle_quaternions", "rotations", "slerp"]

Doubles = npt.NDArray[np.float64]


def rotations(quaternions: npt.NDArray[np.floating[Any]]) -> Doubles:
    """Rotation matrices (n, 3, 3) of quaternions x, y, z, w of any length (n, 4); a zero or broken one does not rotate."""
    q = quaternions.astype(np.float64)
    square = np.einsum("ij,ij->i", q, q)
    usable = (square > 0) & np.isfinite(square)
    x, y, z, w = np.where(usable[:, None], q, (0.0, 0.0, 0.0, 1.0)).T
    s = 2.0 / np.where(usable, square, 1.0)
    out = np.empty((len(q), 3, 3))
    out[:, 0, 0], out[:, 0, 1], out[:, 0, 2] = 1 - s * (y * y + z * z), s * (x * y - z * w), s * (x * z + y * w)
    out[:, 1, 0], out[:, 1, 1], out[:, 1, 2] = s * (x * y + z * w), 1 - s * (x * x + z * z), s * (y * z - x * w)
    out[:, 2, 0], out[:, 2, 1], out[:, 2, 2] = s * (x * z - y * w), s * (y * z + x * w), 1 - s * (x * x + y * y)
    return out


def axis_angle_quaternions(axes: npt.NDArray[np.floating[Any]], angles_rad: npt.NDArray[np.floating[Any]]) -> Doubles:
    """Quaternions (n, 4) of turns about axes (n, 3) of any length by angles (n,); an axis of no length does not turn."""
    axis, half = axes.astype(np.float64), angles_rad.astype(np.float64)[:, None] / 2
    length = np.linalg.norm(axis, axis=1, keepdims=True)
    turned = np.hstack([axis / np.where(length > 0, length, 1) * np.sin(half), np.cos(half)])
    return np.where(length > 0, turned, (0.0, 0.0, 0.0, 1.0))


def slerp(starts: npt.NDArray[np.floating[Any]], ends: npt.NDArray[np.floating[Any]], weights: Doubles) -> Doubles:
    """Unit quaternions between two each, shapes (n, 4), (n, 4), (n, 1) → (n, 4), along the shorter arc.

    sin((1 - w)θ)/sin θ · a + sin(wθ)/sin θ · b (Shoemake, Animating rotation with quaternion curves, 1985).
    """
    a, b = _unit(starts), _unit(ends)
    dot = np.einsum("ij,ij->i", a, b)[:, None]
    b = np.where(dot < 0, -b, b)
    angle = np.arctan2(np.linalg.norm(a - b, axis=1, keepdims=True), np.linalg.norm(a + b, axis=1, keepdims=True)) * 2
    sine = np.sin(angle)
    near = sine < 1e-9
    divisor = np.where(near, 1.0, sine)
    from_a = np.where(near, 1 - weights, np.sin((1 - weights) * angle) / divisor)
    from_b = np.where(near, weights, np.sin(weights * angle) / divisor)
    return from_a * a + from_b * b


def _unit(quaternions: npt.NDArray[np.floating[Any]]) -> Doubles:
    q = quaternions.astype(np.float64)
    length = np.linalg.norm(q, axis=1, keepdims=True)
    usable = (length > 0) & np.isfinite(length)
    return np.where(usable, q / np.where(usable, length, 1.0), (0.0, 0.0, 0.0, 1.0))
