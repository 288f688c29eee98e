"""Clouds of points."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from rrbridge.components import Colormap, PointShading
from rrbridge_viewer.render.colormaps import colormap
from rrbridge_viewer.render.primitives import F32, Colors, Points, Primitive
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._ours import visualizers
from rrbridge_viewer.visualizers._values import colors_of, labels_of, positions_of, radii_of

INTENSITY = "Points3D:intensity"
"""What laser scanners measure besides distances; not part of the archetype, so that its name is a convention of ours."""
SAMPLED = 5000
CLOUD_FROM = 200
"""So many points without colours are a scan, and shown by height, in which its shape is seen at once."""
LEVEL = 0.02
"""A scan whose height is less than this share of its width is flat, and keeps one colour."""


@visualizers("Points3D", needs=["Points3D:positions"], content="3D")
def points3d(entity: EntityData) -> Iterator[Primitive]:
    """Balls, or discs if asked for."""
    positions = positions_of(entity, "Points3D:positions")
    plain = "Points3D:colors" not in entity and "Points3D:class_ids" not in entity
    scan = _scan_colors(entity, positions) if plain else None
    colors = colors_of(entity, "Points3D") if scan is None else scan
    yield Points(
        positions=positions,
        colors=colors,
        radii=radii_of(entity, "Points3D:radii"),
        shaded=entity.scalar("Points3D:point_shading") != PointShading.Flat,
    )
    yield from labels_of(entity, "Points3D", positions, colors)


def _scan_colors(entity: EntityData, positions: F32) -> Colors | None:
    """(n, 4): by intensity, if the points have one that tells them apart, else by height; None: one colour for all."""
    intensity = entity.array(INTENSITY)
    if intensity is not None and intensity.shape == positions.shape[:1] and intensity.dtype.kind in "fiu":
        colors = colors_by_value(intensity)
        if colors is not None:
            return colors
    return colors_by_height(positions) if len(positions) >= CLOUD_FROM else None


def colors_by_value(values: npt.NDArray[Any]) -> Colors | None:
    """(n, 4): from the least to the greatest, stray values left out; None where all are the same."""
    sample = values[:: max(1, len(values) // SAMPLED)].astype(np.float64)
    sample = sample[np.isfinite(sample)]
    if not len(sample):
        return None
    low, high = (float(value) for value in np.quantile(sample, [0.02, 0.98]))
    if not high > low:
        low, high = float(sample.min()), float(sample.max())
    return _turbo(values, low, high) if high > low else None


def _turbo(values: npt.NDArray[Any], low: float, high: float) -> Colors:
    """Without the ends of the map, which are dark."""
    with np.errstate(invalid="ignore"):
        share = np.clip((values.astype(np.float32) - low) * (194 / (high - low)) + 26, 26, 220)
    colors: Colors = colormap(Colormap.Turbo)[np.nan_to_num(share).astype(np.uint8)]
    return colors


def colors_by_height(positions: F32) -> Colors | None:
    """(n, 4): from the lowest to the highest, stray points left out; None where all are level."""
    sample = positions[:: max(1, len(positions) // SAMPLED)]
    sample = sample[np.isfinite(sample).all(axis=1)]
    if len(sample) < 2:
        return None
    low, high = np.quantile(sample, [0.02, 0.98], axis=0)
    depth = float(high[2] - low[2])
    if depth <= LEVEL * float((high - low)[:2].max()):
        return None
    return _turbo(positions[:, 2], float(low[2]), float(high[2]))
