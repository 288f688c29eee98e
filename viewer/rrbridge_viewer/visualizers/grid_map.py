"""Grid maps: occupancy and costs as a textured plane."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np

from rrbridge.components import Colormap
from rrbridge_viewer.render.colormaps import colormap
from rrbridge_viewer.render.primitives import Colors, Picture, Primitive
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._images import draw_order, opacity, picture, pixels
from rrbridge_viewer.visualizers._ours import visualizers
from rrbridge_viewer.visualizers._values import positions_of, rotations_of

NEEDS = ["GridMap:data", "GridMap:format"]
DRAW_ORDER = -10.0
CALM = 0.42
CELL_SIZE = 0.01
"""Scene units, where none was logged."""


@visualizers("GridMap", needs=NEEDS, content="3D", spaces=["3D"])
def grid_map(entity: EntityData) -> Iterator[Primitive]:
    """The picture's lower left corner is at the translation; its rows run from the top, +Y, down."""
    for flat in _pictures(entity, calm="GridMap:opacity" not in entity):
        height, width = flat.pixels.shape[:2]
        cell = float(entity.scalar("GridMap:cell_size") or CELL_SIZE)
        corner = positions_of(entity, "GridMap:translation")
        origin = corner[0].astype(np.float64) if len(corner) else np.zeros(3)
        turned = rotations_of(entity, "GridMap", 1, many=False)
        east, north = np.eye(3)[:2] if turned is None else turned[0].T[:2]
        yield replace(
            flat,
            corner=tuple((origin + north * (cell * height)).tolist()),
            across=tuple((east * (cell * width)).tolist()),
            down=tuple((-north * (cell * height)).tolist()),
        )


@visualizers("GridMap picture", needs=NEEDS, content="2D", spaces=["2D"])
def grid_map_picture(entity: EntityData) -> Iterator[Primitive]:
    """A pixel per cell."""
    yield from _pictures(entity)


def _pictures(entity: EntityData, *, calm: bool = False) -> Iterator[Picture]:
    found = pixels(entity, "GridMap", "data")
    if found is None:
        return
    given = entity.scalar("GridMap:colormap")
    colors = int(given) if given is not None else Colormap.RvizMap if found.dtype == np.uint8 else None
    made = picture(
        found,
        colors=colors,
        opacity=opacity(entity, "GridMap"),
        draw_order=draw_order(entity, "GridMap", DRAW_ORDER),
    )
    yield replace(made, colormap=_calm_map()) if calm and colors == Colormap.RvizMap else made


@cache
def _calm_map() -> Colors:
    """RViz's greys, darkened: on a dark ground a white floor outshines all that stands on it."""
    table = colormap(Colormap.RvizMap).copy()
    table[:, :3] = (table[:, :3] * CALM).round()
    table.flags.writeable = False
    return table
