"""Line strips in 3D."""

from __future__ import annotations

from collections.abc import Iterator

from rrbridge_viewer.render.primitives import Lines, Primitive
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._ours import visualizers
from rrbridge_viewer.visualizers._strips import middles, strips_of
from rrbridge_viewer.visualizers._values import colors_of, labels_of, radii_of


@visualizers("LineStrips3D", needs=["LineStrips3D:strips"], content="3D")
def line_strips3d(entity: EntityData) -> Iterator[Primitive]:
    """Ribbons."""
    positions, offsets = strips_of(entity, "LineStrips3D:strips")
    colors = colors_of(entity, "LineStrips3D")
    yield Lines(
        positions=positions,
        offsets=offsets,
        colors=colors,
        radii=radii_of(entity, "LineStrips3D:radii"),
    )
    yield from labels_of(entity, "LineStrips3D", middles(positions, offsets), colors)
