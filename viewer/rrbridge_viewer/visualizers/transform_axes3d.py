"""A frame's axes, where they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rrbridge_viewer.render.primitives import Labels, Primitive
from rrbridge_viewer.visualizers._axes import axes
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._ours import visualizers
from rrbridge_viewer.visualizers._values import instance_poses


@visualizers("TransformAxes3D", needs=["TransformAxes3D:axis_length"], content="3D")
def transform_axes3d(entity: EntityData) -> Iterator[Primitive]:
    """Of the entity, or of each of its instance poses; with the frame's name if wanted."""
    poses = instance_poses(entity)
    placed = np.eye(4, dtype=np.float32)[None, :3] if poses is None else poses
    yield axes(placed, float(entity.scalar("TransformAxes3D:axis_length") or 0))
    if entity.scalar("TransformAxes3D:show_frame") and entity.frame:
        yield Labels(
            texts=(entity.frame,),
            positions=np.zeros((1, 3), np.float32),
            colors=np.full((1, 4), 255, np.uint8),
        )
