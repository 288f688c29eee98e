"""Grids of cells and of voxels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge.adapters import Skipped
from rrbridge.columns import Columns, Emit, Ragged, take
from rrbridge_bridge.messages._fields import xyz
from rrbridge_bridge.messages.foxglove._schema import (
    chosen,
    element_dtype,
    foxglove,
    layouts,
    orientations,
    positions,
    rgba_of_elements,
    subset,
)

Rows = npt.NDArray[np.int64]
COLORS = ("red", "green", "blue")


@foxglove("Grid")
def grid(msgs: Columns) -> Iterator[Emit | Skipped]:
    """A flat grid: its colours if cells have them, else the first field from its lowest to its highest value."""
    for rows, fields in layouts(msgs, "cell_stride", "row_stride", "column_count"):
        first = rows[0]
        width, stride, row_stride = (int(msgs[n][first]) for n in ("column_count", "cell_stride", "row_stride"))
        dtype = element_dtype(fields, stride)
        if dtype is None or not width or row_stride < width * stride:
            yield Skipped(rows, "a grid has no usable cells")
            continue
        yield from _grids(msgs, rows, dtype, width, row_stride)


def _grids(msgs: Columns, rows: Rows, dtype: np.dtype[Any], width: int, row_stride: int) -> Iterator[Emit | Skipped]:
    """Grids that differ in their height at most; a loop over grids, which are few and large."""
    square = np.isclose(msgs.cell_size.x[rows], msgs.cell_size.y[rows])
    yield Skipped(rows[~square], "a grid's cells are not square")
    rows = rows[square]
    heights = msgs.data.lengths[rows] // row_stride
    images = [
        _pixels(msgs.data[row], height, dtype, width, row_stride) for row, height in zip(rows, heights, strict=True)
    ]
    colored = set(COLORS) <= set(dtype.names or ())
    model = rr.ColorModel.RGBA if colored else rr.ColorModel.L
    pose = take(msgs.pose, rows)
    yield Emit(
        rr.GridMap.columns(
            data=Ragged.from_lengths(
                [len(image) for image in images], np.concatenate([np.empty(0, np.uint8), *images])
            ),
            format=[rr.ImageFormat(width, int(height), None, model, rr.ChannelDatatype.U8) for height in heights],
            cell_size=msgs.cell_size.x[rows],
            translation=positions(pose),
            quaternion=orientations(pose),
            colormap=None if colored else [rr.Colormap.Viridis] * len(rows),
        ),
        rows=rows,
    )


def _pixels(
    data: npt.NDArray[np.uint8], height: int, dtype: np.dtype[Any], width: int, row_stride: int
) -> npt.NDArray[np.uint8]:
    """Images start at the upper row, grids at the lower."""
    lines = data[: height * row_stride].reshape(height, row_stride)[::-1, : width * dtype.itemsize]
    cells = np.ascontiguousarray(lines).reshape(-1).view(dtype)
    colors = rgba_of_elements(cells)
    if colors is not None:
        return colors.astype(">u4").view(np.uint8)
    return _shades(cells[(dtype.names or ("",))[0]])


def _shades(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Numbers as 0 … 255; bytes stay as they are."""
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values)
    numbers = values.astype(np.float64)
    finite = numbers[np.isfinite(numbers)]
    low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 0.0)
    shades = np.clip((np.nan_to_num(numbers, nan=low) - low) / ((high - low) or 1.0), 0.0, 1.0) * 255
    return shades.astype(np.uint8)


@foxglove("VoxelGrid", carries=["data"], reference=True)
def voxel_grid(msgs: Columns) -> Iterator[Emit | Skipped]:
    """All voxels of a grid, coloured where they have colours."""
    strides = ("cell_stride", "row_stride", "slice_stride", "column_count", "row_count")
    for rows, fields in layouts(msgs, *strides):
        cell, line, layer, columns, lines = (int(msgs[name][rows[0]]) for name in strides)
        dtype = element_dtype(fields, cell)
        if dtype is None or line < cell * columns or layer < line * lines or not columns * lines:
            yield Skipped(rows, "a voxel grid has no usable cells")
            continue
        counts = take(msgs.data, rows).lengths // layer
        yield Emit(_voxels(subset(msgs, rows), dtype, counts, (columns, lines), (line, layer)), rows=rows)
    rows = chosen(msgs, "pose")
    if len(rows):
        pose = take(msgs.pose, rows)
        placement = rr.VoxelGridMap._columns({"translation": positions(pose), "quaternion": orientations(pose)})
        yield Emit(placement, rows=rows)


def _voxels(
    msgs: Columns,
    dtype: np.dtype[Any],
    layers: Rows,
    shape: tuple[int, int],
    strides: tuple[int, int],
) -> rr.ComponentColumnList:
    """`layers`: how many of them each grid has; `shape`: columns and rows; `strides`: bytes of a row and of a layer."""
    columns, lines = shape
    sizes = layers * columns * lines
    cells, colors = [np.empty((0, 3), np.int32)], [np.empty(0, np.uint32)]
    for row, depth in enumerate(layers.tolist()):  # grids are few and large
        z, y, x = np.unravel_index(np.arange(depth * lines * columns), (depth, lines, columns))
        cells.append(np.stack([x, y, z], axis=-1).astype(np.int32))
        octets = np.asarray(msgs.data[row])[: depth * strides[1]].reshape(depth, strides[1])[:, : lines * strides[0]]
        used = octets.reshape(depth, lines, strides[0])[:, :, : columns * dtype.itemsize]
        found = rgba_of_elements(np.ascontiguousarray(used).reshape(-1).view(dtype))
        if found is not None:
            colors.append(found)
    colored = set(COLORS) <= set(dtype.names or ())
    indices = Ragged.from_lengths(sizes, np.concatenate(cells))
    return rr.VoxelGridMap.columns(
        voxel_indices=indices,
        voxel_size=xyz(msgs.cell_size),
        colors=Ragged(indices.offsets, np.concatenate(colors)) if colored else None,
    )
