"""Cylinders with flat caps, along Z, their middle at their center."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rrbridge_viewer.render.geometry import affine, broadcast
from rrbridge_viewer.render.primitives import Primitive
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._ours import visualizers
from rrbridge_viewer.visualizers._shapes import shapes
from rrbridge_viewer.visualizers._values import positions_of, radii_of, rotations_of, with_instance_poses
from rrbridge_viewer.visualizers._wireframes import TUBE, TUBE_DENSE


@visualizers("Cylinders3D", needs=["Cylinders3D:lengths", "Cylinders3D:radii"], content="3D")
def cylinders3d(entity: EntityData) -> Iterator[Primitive]:
    """As many as there are lengths or radii, whichever are more."""
    lengths, radii = radii_of(entity, "Cylinders3D:lengths", 1.0), radii_of(entity, "Cylinders3D:radii", 1.0)
    count = max(len(lengths), len(radii))
    lengths, radii = broadcast(lengths, count), broadcast(radii, count)
    centers = broadcast(positions_of(entity, "Cylinders3D:centers"), count)
    scales = np.stack([radii, radii, lengths / 2], axis=1)
    poses = with_instance_poses(entity, affine(centers, rotations_of(entity, "Cylinders3D", count), scales))
    yield from shapes(
        entity, "Cylinders3D", [("cylinder", poses)], [(TUBE, poses)], [(TUBE_DENSE, poses)], line_radii="line_radii"
    )
