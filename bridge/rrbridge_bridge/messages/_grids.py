"""Grids of cells as `GridMap`: messages begin at the lower edge, pictures at the upper one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

import rrbridge as rr
from rrbridge._archetype import ComponentColumnList
from rrbridge._arrow import list_type
from rrbridge.columns import Ragged

__all__ = ["COST_COLORS", "Cells", "grid_maps"]

Cells = npt.NDArray[np.uint8]
"""Shape (height, width), the lower edge first."""

COST_COLORS = np.zeros(256, np.uint8)
"""What RViz draws costs of Nav2 as, which run from 0 to 254: 0 free … 98, 99 inscribed, 100 lethal, 255 unknown."""
COST_COLORS[1:253] = 1 + 97 * np.arange(252) // 251
COST_COLORS[253:] = 99, 100, 255


def grid_maps(
    cells: Sequence[Cells],
    *,
    cell_sizes: npt.NDArray[Any],
    corners: npt.NDArray[Any],
    quaternions: npt.NDArray[Any],
    colormap: rr.Colormap,
) -> ComponentColumnList:
    """A map per row. `cell_sizes` in metres, (N,); lower left `corners` (N, 3) and `quaternions` (N, 4) in the frame."""
    pixels = [one[::-1].reshape(-1) for one in cells]
    columns = rr.GridMap.columns(
        data=Ragged.from_lengths([p.size for p in pixels], np.concatenate(pixels) if pixels else np.empty(0, np.uint8)),
        format=[
            rr.ImageFormat(w, h, None, rr.ColorModel.L, rr.ChannelDatatype.U8) for h, w in (c.shape for c in cells)
        ],
        cell_size=cell_sizes,
        translation=corners,
        quaternion=quaternions,
        colormap=np.full(len(cells), colormap),
    )
    return _typed_as_reference(columns)


def _typed_as_reference(columns: rr.ComponentColumnList) -> rr.ComponentColumnList:
    """The reference's importer writes the cells of maps as a list that might hold nulls."""
    cells = list_type(list_type(pa.uint8()))
    return ComponentColumnList(
        rr.ComponentColumn(c.descriptor, c.cells.cast(cells)) if c.descriptor.component == "GridMap:data" else c
        for c in columns
    )
