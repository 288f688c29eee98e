"""Rotations in space, many at a time: quaternions x, y, z, w, axis-angles and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["axis_angle_quaternions", "quaternions_of", "rotations", "slerp", "squares"]

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
    """Unit quaternions between two each, along the shorter arc; by columns: (4, n), (4, n), (n,) → (4, n).

    What comes in may have any length but none. sin((1 - w)θ)/sin θ · a + sin(wθ)/sin θ · b (Shoemake, Animating rotation
    with quaternion curves, 1985), the first sine by the addition theorem.
    """
    a, b = starts.astype(np.float64, copy=False), ends.astype(np.float64, copy=False)
    to_unit_a, to_unit_b = 1 / np.sqrt(squares(a)), 1 / np.sqrt(squares(b))
    cosine = (a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3]) * (to_unit_a * to_unit_b)
    to_unit_b = np.copysign(to_unit_b, cosine)
    cosine = np.minimum(np.abs(cosine), 1.0)
    sine = np.sqrt((1 - cosine) * (1 + cosine))
    part = np.arccos(cosine) * weights
    turns = sine > 0
    from_b = np.where(turns, np.sin(part) / np.where(turns, sine, 1.0), weights)
    from_a = np.cos(part) - cosine * from_b
    out: Doubles = a * (from_a * to_unit_a) + b * (from_b * to_unit_b)
    return out


def squares(quaternions: Doubles) -> Doubles:
    """The squared lengths of quaternions (4, n)."""
    x, y, z, w = quaternions
    found: Doubles = x * x + y * y + z * z + w * w
    return found


def quaternions_of(matrices: Doubles) -> Doubles:
    """Unit quaternions (4, n) of rotation matrices (n, 3, 3).

    Of the four ways to write one, by the component that is divided by, the one whose divisor is largest (Shepperd,
    Quaternion from rotation matrix, 1978).
    """
    m = matrices
    trace = m[:, 0, 0] + m[:, 1, 1] + m[:, 2, 2]
    x = np.stack(
        [1 + 2 * m[:, 0, 0] - trace, m[:, 0, 1] + m[:, 1, 0], m[:, 0, 2] + m[:, 2, 0], m[:, 2, 1] - m[:, 1, 2]]
    )
    y = np.stack([x[1], 1 + 2 * m[:, 1, 1] - trace, m[:, 1, 2] + m[:, 2, 1], m[:, 0, 2] - m[:, 2, 0]])
    z = np.stack([x[2], y[2], 1 + 2 * m[:, 2, 2] - trace, m[:, 1, 0] - m[:, 0, 1]])
    w = np.stack([x[3], y[3], z[3], 1 + trace])
    ways = np.stack([x, y, z, w])
    largest = np.argmax(np.stack([x[0], y[1], z[2], w[3]]), axis=0)
    chosen = ways[largest, :, np.arange(len(m))].T
    unit: Doubles = chosen / np.sqrt(squares(chosen))
    return unit
