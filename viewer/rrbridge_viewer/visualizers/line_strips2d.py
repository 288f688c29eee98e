"""Line strips in 2D."""

from __future__ import annotations

from collections.abc import Iterator

from rrbridge_viewer.render.primitives import Lines, Primitive
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._images import draw_order
from rrbridge_viewer.visualizers._ours import visualizers
from rrbridge_viewer.visualizers._strips import middles, strips_of
from rrbridge_viewer.visualizers._values import colors_of, labels_of, radii_of

DRAW_ORDER = 20.0


@visualizers("LineStrips2D", needs=["LineStrips2D:strips"], content="2D")
def line_strips2d(entity: EntityData) -> Iterator[Primitive]:
    """Ribbons."""
    positions, offsets = strips_of(entity, "LineStrips2D:strips")
    colors = colors_of(entity, "LineStrips2D")
    yield Lines(
        positions=positions,
        offsets=offsets,
        colors=colors,
        radii=radii_of(entity, "LineStrips2D:radii"),
        draw_order=draw_order(entity, "LineStrips2D", DRAW_ORDER),
    )
    yield from labels_of(entity, "LineStrips2D", middles(positions, offsets), colors)
