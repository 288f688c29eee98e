"""Points on an image."""

from __future__ import annotations

from collections.abc import Iterator

from rrbridge_viewer.render.primitives import Points, Primitive
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._images import draw_order
from rrbridge_viewer.visualizers._ours import visualizers
from rrbridge_viewer.visualizers._values import colors_of, labels_of, positions_of, radii_of

DRAW_ORDER = 30.0
RADIUS = -3.0


@visualizers("Points2D", needs=["Points2D:positions"], content="2D")
def points2d(entity: EntityData) -> Iterator[Primitive]:
    """Discs."""
    positions = positions_of(entity, "Points2D:positions")
    colors = colors_of(entity, "Points2D")
    yield Points(
        positions=positions,
        colors=colors,
        radii=radii_of(entity, "Points2D:radii", RADIUS),
        shaded=False,
        draw_order=draw_order(entity, "Points2D", DRAW_ORDER),
    )
    yield from labels_of(entity, "Points2D", positions, colors)
