"""Ellipses on an image, as of annotations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rrbridge_viewer.render.geometry import affine, broadcast
from rrbridge_viewer.render.primitives import Primitive
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._images import draw_order
from rrbridge_viewer.visualizers._ours import visualizers
from rrbridge_viewer.visualizers._values import colors_of, labels_of, positions_of, radii_of
from rrbridge_viewer.visualizers._wireframes import Template, circle, wireframe

DRAW_ORDER = 10.0
OUTLINE = Template.of([circle(2)])


@visualizers("Ellipses2D", needs=["Ellipses2D:half_sizes"], content="2D")
def ellipses2d(entity: EntityData) -> Iterator[Primitive]:
    """Outlines, with labels in their middles."""
    half_sizes = positions_of(entity, "Ellipses2D:half_sizes")
    centers = broadcast(positions_of(entity, "Ellipses2D:centers"), len(half_sizes))
    colors = colors_of(entity, "Ellipses2D")
    lines = wireframe([(OUTLINE, affine(centers, None, half_sizes))], colors, radii_of(entity, "Ellipses2D:line_radii"))
    yield replace(lines, draw_order=draw_order(entity, "Ellipses2D", DRAW_ORDER))
    yield from labels_of(entity, "Ellipses2D", centers, colors)
