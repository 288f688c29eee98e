"""What boxes, ellipsoids, cylinders and capsules have in common: filled, as lines, or both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from rrbridge.components import FillMode
from rrbridge_viewer.render.geometry import broadcast
from rrbridge_viewer.render.primitives import F32, Primitive, Solids, SolidShape
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._values import colors_of, labels_of, radii_of
from rrbridge_viewer.visualizers._wireframes import Template, wireframe

__all__ = ["shapes"]

LINE_RADIUS = -1.0
TRANSPARENT = 0.25
"""How much of a transparent fill's colour is seen."""


def shapes(
    entity: EntityData,
    archetype: str,
    solids: Sequence[tuple[SolidShape, F32]],
    lines: Sequence[tuple[Template, F32]],
    dense_lines: Sequence[tuple[Template, F32]],
    *,
    line_radii: str,
) -> Iterator[Primitive]:
    """An archetype's shapes as its fill mode says; poses (n, 3, 4) are one per instance."""
    count = len(solids[0][1])
    if not count:
        return
    colors = broadcast(colors_of(entity, archetype), count)
    mode = entity.scalar(f"{archetype}:fill_mode") or FillMode.TransparentFillMajorWireframe
    if mode in (FillMode.Solid, FillMode.TransparentFillMajorWireframe):
        fill = colors
        if mode == FillMode.TransparentFillMajorWireframe:
            fill = colors.copy()
            fill[:, 3] = (colors[:, 3] * TRANSPARENT).astype(np.uint8)
        for shape, poses in solids:
            yield Solids(shape=shape, poses=poses, colors=fill)
    if mode != FillMode.Solid:
        drawn = dense_lines if mode == FillMode.DenseWireframe else lines
        yield wireframe(drawn, colors, radii_of(entity, f"{archetype}:{line_radii}", LINE_RADIUS))
    centers = np.ascontiguousarray(solids[0][1][:, :, 3])
    yield from labels_of(entity, archetype, centers, colors)
