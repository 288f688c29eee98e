"""One transform in the ways that people write it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rrbridge._transform_poses import polar

__all__ = ["Spelled", "spelled"]

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Spelled:
    """A transform as a translation, a rotation and what is neither."""

    translation: Doubles
    """Shape (3,)."""
    quaternion: Doubles
    """x, y, z, w; w is not negative. Shape (4,)."""
    roll_pitch_yaw_rad: Doubles
    """About the fixed axes x, y, z, in this order (REP 103). Shape (3,)."""
    stretch: Doubles | None
    """What comes before the rotation, shape (3, 3); None = nothing does."""


def spelled(matrix: Doubles) -> Spelled:
    """Take target_from_source apart, shape (4, 4)."""
    quaternions, stretches = polar(matrix[None, :3, :3])
    quaternion, stretch = quaternions[:, 0], stretches[0]
    quaternion = -quaternion if quaternion[3] < 0 else quaternion
    turn = matrix[:3, :3] @ np.linalg.inv(stretch)
    pitch = np.arcsin(np.clip(-turn[2, 0], -1, 1))
    angles = np.array([np.arctan2(turn[2, 1], turn[2, 2]), pitch, np.arctan2(turn[1, 0], turn[0, 0])])
    return Spelled(matrix[:3, 3], quaternion, angles, None if np.allclose(stretch, np.eye(3), atol=1e-5) else stretch)
