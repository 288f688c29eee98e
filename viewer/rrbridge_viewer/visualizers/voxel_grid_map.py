"""Voxel grids: the filled cells of a regular grid, as boxes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rrbridge.components import Colormap
from rrbridge_viewer.render.colormaps import colormap
from rrbridge_viewer.render.geometry import affine, broadcast
from rrbridge_viewer.render.primitives import Colors, Primitive, Solids
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._images import opacity
from rrbridge_viewer.visualizers._ours import visualizers
from rrbridge_viewer.visualizers._values import colors_of, positions_of, rotations_of

NEEDS = ["VoxelGridMap:voxel_indices", "VoxelGridMap:voxel_size"]


@visualizers("VoxelGridMap", needs=NEEDS, content="3D", spaces=["3D"])
def voxel_grid_map(entity: EntityData) -> Iterator[Primitive]:
    """The lower corner of cell 0, 0, 0 is at the translation. Cells whose colour is fully transparent are left out."""
    indices = positions_of(entity, "VoxelGridMap:voxel_indices")
    sizes = positions_of(entity, "VoxelGridMap:voxel_size")[:1]
    colors = broadcast(_colors(entity), len(indices))
    seen = np.flatnonzero(colors[:, 3] > 0)
    if not len(seen) or not len(sizes):
        return
    centers = (indices[seen] + 0.5) * sizes
    turned = rotations_of(entity, "VoxelGridMap", 1, many=False)
    if turned is not None:
        centers = centers @ turned[0].T
    corner = positions_of(entity, "VoxelGridMap:translation")
    centers = centers + corner[:1] if len(corner) else centers
    turns = None if turned is None else broadcast(turned, len(seen))
    half_sizes = broadcast(sizes / 2, len(seen))
    yield Solids(shape="box", poses=affine(centers, turns, half_sizes), colors=colors[seen])


def _colors(entity: EntityData) -> Colors:
    """As logged, else of the values, else the entity's own."""
    values = entity.array("VoxelGridMap:values")
    if values is None or "VoxelGridMap:colors" in entity:
        colors = colors_of(entity, "VoxelGridMap").copy()
    else:
        limits = entity.array("VoxelGridMap:value_range")
        low, high = (0.0, 1.0) if limits is None else np.asarray(limits, np.float64).reshape(-1)[:2].tolist()
        table = colormap(int(entity.scalar("VoxelGridMap:colormap") or Colormap.Turbo))
        shades = np.clip(np.nan_to_num((values.astype(np.float64) - low) / ((high - low) or 1.0)), 0, 1)
        colors = table[np.rint(shades * (len(table) - 1)).astype(np.int64)].copy()
    colors[:, 3] = (colors[:, 3] * opacity(entity, "VoxelGridMap")).astype(np.uint8)
    return colors
