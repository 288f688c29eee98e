"""Clouds of points."""

from __future__ import annotations

from collections.abc import Iterator

from rrbridge_viewer.render.primitives import Points, Primitive
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._ours import visualizers
from rrbridge_viewer.visualizers._values import colors_of, labels_of, positions_of, radii_of

FLAT = 2
"""`PointShading`"""


@visualizers("Points3D", needs=["Points3D:positions"], content="3D")
def points3d(entity: EntityData) -> Iterator[Primitive]:
    """Balls, or discs if asked for."""
    positions = positions_of(entity, "Points3D:positions")
    colors = colors_of(entity, "Points3D")
    yield Points(
        positions=positions,
        colors=colors,
        radii=radii_of(entity, "Points3D:radii"),
        shaded=entity.scalar("Points3D:point_shading") != FLAT,
    )
    yield from labels_of(entity, "Points3D", positions, colors)
