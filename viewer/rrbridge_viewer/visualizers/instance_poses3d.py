"""Poses of nothing in particular, as of a PoseArray: their axes, so that they can be seen."""

from __future__ import annotations

from collections.abc import Iterator

from rrbridge_viewer.render.primitives import Primitive
from rrbridge_viewer.visualizers._axes import axes
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._ours import visualizers
from rrbridge_viewer.visualizers._values import instance_poses

BODIES = (
    "Asset3D:blob",
    "Boxes3D:half_sizes",
    "Capsules3D:lengths",
    "Cylinders3D:lengths",
    "Ellipsoids3D:half_sizes",
    "Mesh3D:vertex_positions",
    "TransformAxes3D:axis_length",
)
"""What is drawn at each pose, if the entity has it."""
AXIS_LENGTH = 0.25


@visualizers("InstancePoses3D", needs=["InstancePoses3D:translations"], content="3D")
def instance_poses3d(entity: EntityData) -> Iterator[Primitive]:
    """Axes, unless the entity has a body that is drawn at each pose."""
    poses = instance_poses(entity)
    if poses is not None and not any(body in entity for body in BODIES):
        yield axes(poses, AXIS_LENGTH)
