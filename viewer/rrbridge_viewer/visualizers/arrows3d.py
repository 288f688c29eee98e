"""Arrows in 3D."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rrbridge_viewer.render.geometry import broadcast
from rrbridge_viewer.render.primitives import Lines, Primitive
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._ours import visualizers
from rrbridge_viewer.visualizers._values import colors_of, labels_of, positions_of, radii_of


@visualizers("Arrows3D", needs=["Arrows3D:vectors"], content="3D")
def arrows3d(entity: EntityData) -> Iterator[Primitive]:
    """Ribbons with heads, from the origins (or zero) along the vectors."""
    vectors = positions_of(entity, "Arrows3D:vectors")
    origins = broadcast(positions_of(entity, "Arrows3D:origins"), len(vectors))
    colors = colors_of(entity, "Arrows3D")
    yield Lines(
        positions=np.stack([origins, origins + vectors], axis=1).reshape(-1, 3),
        offsets=np.arange(len(vectors) + 1) * 2,
        colors=colors,
        radii=radii_of(entity, "Arrows3D:radii"),
        arrow_heads=True,
    )
    yield from labels_of(entity, "Arrows3D", origins + vectors / 2, colors)
