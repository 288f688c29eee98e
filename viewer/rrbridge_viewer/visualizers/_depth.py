"""Depth images: as pictures in 2D, as clouds in 3D."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from rrbridge.components import Colormap
from rrbridge_viewer.render.colormaps import colormap
from rrbridge_viewer.render.primitives import Points, Primitive
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._images import draw_order, picture, value_range

__all__ = ["depth_cloud", "depth_picture"]

DRAW_ORDER = -20.0
MILLIMETRES = 1000.0


def depth_picture(entity: EntityData, archetype: str, depths: npt.NDArray[Any]) -> Iterator[Primitive]:
    """Depths (h, w) through a colour map."""
    grey = _is_brightness(entity, archetype, depths)
    yield picture(
        depths,
        colors=None if grey else _colormap_number(entity, archetype),
        shown_range=(0.0, 255.0) if grey else _shown_range(entity, archetype, depths),
        draw_order=draw_order(entity, archetype, DRAW_ORDER),
    )


def depth_cloud(entity: EntityData, archetype: str, depths: npt.NDArray[Any]) -> Iterator[Primitive]:
    """A point per pixel that has a depth, in the camera's optical frame."""
    if entity.pinhole is None or _is_brightness(entity, archetype, depths):
        return
    meter = entity.scalar(f"{archetype}:meter") or (1.0 if depths.dtype.kind == "f" else MILLIMETRES)
    fill_ratio = entity.scalar(f"{archetype}:point_fill_ratio")
    k = entity.pinhole.image_from_camera
    if not (k[0, 0] and k[1, 1]):
        return
    height, width = depths.shape
    seen = (depths > 0) & np.isfinite(depths)
    rows, columns = np.nonzero(seen)
    values = depths[rows, columns]
    distance = values.astype(np.float32) / np.float32(meter)
    across = ((np.arange(width) + 0.5 - k[0, 2]) / k[0, 0]).astype(np.float32)
    down = ((np.arange(height) + 0.5 - k[1, 2]) / k[1, 1]).astype(np.float32)
    low, high = _shown_range(entity, archetype, depths)
    shade = np.clip((values.astype(np.float32) - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
    yield Points(
        positions=np.stack([across[columns] * distance, down[rows] * distance, distance], axis=1),
        colors=colormap(_colormap_number(entity, archetype))[shade],
        radii=distance * np.float32((1.0 if fill_ratio is None else fill_ratio) / abs(k[0, 0])),
        shaded=False,
    )


def _is_brightness(entity: EntityData, archetype: str, depths: npt.NDArray[Any]) -> bool:
    """Whether these are greys rather than distances: camera images in `mono8` are written as depth images too, as the
    reference's importer does, but then nothing says how long a unit is or which colours to use."""
    said = any(f"{archetype}:{field}" in entity for field in ("meter", "colormap", "depth_range"))
    return depths.dtype == np.uint8 and not said


def _colormap_number(entity: EntityData, archetype: str) -> int:
    return int(entity.scalar(f"{archetype}:colormap") or Colormap.Turbo)


def _shown_range(entity: EntityData, archetype: str, depths: npt.NDArray[Any]) -> tuple[float, float]:
    given = entity.array(f"{archetype}:depth_range")
    if given is not None:
        low, high = (float(value) for value in given.reshape(-1)[:2])
        if np.isfinite((low, high)).all() and high > low:
            return low, high
    return value_range(depths, ignore_zero=True)
