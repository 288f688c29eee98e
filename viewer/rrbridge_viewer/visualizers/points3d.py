"""Clouds of points."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rrbridge.components import Colormap, PointShading
from rrbridge_viewer.render.colormaps import colormap
from rrbridge_viewer.render.primitives import F32, Colors, Points, Primitive
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._ours import visualizers
from rrbridge_viewer.visualizers._values import colors_of, labels_of, positions_of, radii_of

CLOUD_FROM = 200
"""So many points without colours are a scan, and shown by height, in which its shape is seen at once."""
LEVEL = 0.02
"""A scan whose height is less than this share of its width is flat, and keeps one colour."""


@visualizers("Points3D", needs=["Points3D:positions"], content="3D")
def points3d(entity: EntityData) -> Iterator[Primitive]:
    """Balls, or discs if asked for."""
    positions = positions_of(entity, "Points3D:positions")
    plain = "Points3D:colors" not in entity and "Points3D:class_ids" not in entity
    by_height = colors_by_height(positions) if plain and len(positions) >= CLOUD_FROM else None
    colors = colors_of(entity, "Points3D") if by_height is None else by_height
    yield Points(
        positions=positions,
        colors=colors,
        radii=radii_of(entity, "Points3D:radii"),
        shaded=entity.scalar("Points3D:point_shading") != PointShading.Flat,
    )
    yield from labels_of(entity, "Points3D", positions, colors)


def colors_by_height(positions: F32) -> Colors | None:
    """(n, 4): from the lowest to the highest, stray points left out; None where all are level."""
    sample = positions[:: max(1, len(positions) // 5000)]
    sample = sample[np.isfinite(sample).all(axis=1)]
    if len(sample) < 2:
        return None
    low, high = np.quantile(sample, [0.02, 0.98], axis=0)
    depth = float(high[2] - low[2])
    if depth <= LEVEL * float((high - low)[:2].max()):
        return None
    with np.errstate(invalid="ignore"):
        share = np.clip((positions[:, 2] - low[2]) * (210 / depth) + 22, 22, 232)
    colors: Colors = colormap(Colormap.Turbo)[np.nan_to_num(share).astype(np.uint8)]
    return colors
