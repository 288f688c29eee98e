"""The three axes of frames: X red, Y green, Z blue."""

from __future__ import annotations

import numpy as np

from rrbridge_viewer.render.primitives import F32, Colors, Lines

__all__ = ["axes"]

COLORS: Colors = np.array([[237, 84, 92, 255], [120, 199, 82, 255], [80, 138, 250, 255]], np.uint8)
RADIUS = -1.5


def axes(poses: F32, length: float) -> Lines:
    """Of frames at these poses (n, 3, 4)."""
    count = len(poses)
    origins = np.repeat(poses[:, None, :, 3], 3, axis=1)
    tips = origins + poses[:, :, :3].transpose(0, 2, 1) * np.float32(length)
    return Lines(
        positions=np.stack([origins, tips], axis=2).reshape(-1, 3).astype(np.float32),
        offsets=np.arange(3 * count + 1) * 2,
        colors=np.tile(COLORS, (count, 1)),
        radii=np.array([RADIUS], np.float32),
        instance_ids=np.repeat(np.arange(count, dtype=np.uint32), 3),
    )
