"""Rectangles on an image, as of detections."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rrbridge_viewer.render.geometry import affine, broadcast
from rrbridge_viewer.render.primitives import Primitive
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._images import draw_order
from rrbridge_viewer.visualizers._ours import visualizers
from rrbridge_viewer.visualizers._values import colors_of, labels_of, positions_of, radii_of
from rrbridge_viewer.visualizers._wireframes import Template, wireframe

DRAW_ORDER = 10.0
RECTANGLE = Template.of([np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0], [-1, -1, 0]])])


@visualizers("Boxes2D", needs=["Boxes2D:half_sizes"], content="2D")
def boxes2d(entity: EntityData) -> Iterator[Primitive]:
    """Outlines, with labels at their upper left."""
    half_sizes = positions_of(entity, "Boxes2D:half_sizes")
    centers = broadcast(positions_of(entity, "Boxes2D:centers"), len(half_sizes))
    colors = colors_of(entity, "Boxes2D")
    lines = wireframe([(RECTANGLE, affine(centers, None, half_sizes))], colors, radii_of(entity, "Boxes2D:radii"))
    yield replace(lines, draw_order=draw_order(entity, "Boxes2D", DRAW_ORDER))
    yield from labels_of(entity, "Boxes2D", centers - half_sizes, colors)
