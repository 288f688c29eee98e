"""Line strips in 2D and 3D."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rrbridge._arrow import list_values
from rrbridge.errors import InvalidValueError
from rrbridge_viewer.render.primitives import F32
from rrbridge_viewer.visualizers._entity import EntityData

__all__ = ["middles", "strips_of"]


def strips_of(entity: EntityData, component: str) -> tuple[F32, npt.NDArray[np.int64]]:
    """`(positions (n, 3), offsets (m + 1,))` of a component of strips; in 2D z is 0."""
    strips = entity.arrow(component)
    if strips is None:
        return np.zeros((0, 3), np.float32), np.zeros(1, np.int64)
    offsets, points = list_values(strips)
    width = points.type.list_size
    if width not in (2, 3):
        raise InvalidValueError(component, "strips of vectors of 2 or 3", f"vectors of {width}")
    flat: F32 = np.asarray(points.flatten().to_numpy(zero_copy_only=False), np.float32).reshape(-1, width)
    spatial: F32 = flat if width == 3 else np.pad(flat, ((0, 0), (0, 1)))
    return spatial, offsets.astype(np.int64)


def middles(positions: F32, offsets: npt.NDArray[np.int64]) -> F32:
    """(m, 3): the middle point of each strip, for its label."""
    if not len(positions):
        return np.zeros((len(offsets) - 1, 3), np.float32)
    found: F32 = positions[np.minimum((offsets[:-1] + offsets[1:]) // 2, len(positions) - 1)]
    return found
