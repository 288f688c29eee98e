"""Ellipsoids, as of covariances."""

from __future__ import annotations

from collections.abc import Iterator

from rrbridge_viewer.render.geometry import affine, broadcast
from rrbridge_viewer.render.primitives import Primitive
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._ours import visualizers
from rrbridge_viewer.visualizers._shapes import shapes
from rrbridge_viewer.visualizers._values import positions_of, rotations_of, with_instance_poses
from rrbridge_viewer.visualizers._wireframes import SPHERE, SPHERE_DENSE


@visualizers("Ellipsoids3D", needs=["Ellipsoids3D:half_sizes"], content="3D")
def ellipsoids3d(entity: EntityData) -> Iterator[Primitive]:
    """Turned around their centers."""
    half_sizes = positions_of(entity, "Ellipsoids3D:half_sizes")
    count = len(half_sizes)
    centers = broadcast(positions_of(entity, "Ellipsoids3D:centers"), count)
    poses = with_instance_poses(entity, affine(centers, rotations_of(entity, "Ellipsoids3D", count), half_sizes))
    yield from shapes(
        entity, "Ellipsoids3D", [("sphere", poses)], [(SPHERE, poses)], [(SPHERE_DENSE, poses)], line_radii="line_radii"
    )
