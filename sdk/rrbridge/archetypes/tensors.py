"""Arrays of any number of axes, and charts and volumes made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY
from typing import Annotated, TypeAlias

from rrbridge import components as c
from rrbridge._archetype import Component, ComponentColumnList, DrawnArchetype
from rrbridge._tensor_encoding import TensorData, TensorLike, bars


class Tensor(DrawnArchetype):
    """An array of any number of axes."""

    data: c.TensorDataLike
    _: KW_ONLY
    value_range: c.ValueRangeLike | None = None

    def __init__(
        self,
        data: TensorLike | None = None,
        *,
        dim_names: Sequence[str] | None = None,
        value_range: c.ValueRangeLike | None = None,
    ) -> None:
        """`dim_names`: what the axes are called."""
        tensor = None if data is None else TensorData(array=data, dim_names=dim_names)
        self._assign(data=tensor, value_range=value_range)

    @classmethod
    def columns(  # type: ignore[override]  # columns are given field by field, without the constructor's other ways
        cls, *, data: c.TensorDataLike | None = None, value_range: c.ValueRangeLike | None = None
    ) -> ComponentColumnList:
        """Many rows at once: `data` is a tuple of `TensorData`."""
        return cls._columns({"data": data, "value_range": value_range})


BarsLike: TypeAlias = Annotated[TensorLike, Component("TensorData", bars)]


class BarChart(DrawnArchetype):
    """Bars."""

    values: BarsLike
    """Their heights, one axis."""
    _: KW_ONLY
    color: c.ColorLike | None = None
    abscissa: c.TensorDataLike | None = None
    """Where they stand; none: 0, 1, 2 …"""
    widths: c.LengthLike | None = None


class Volume3D(DrawnArchetype):
    """A field of values in a box, to be looked through."""

    values: c.TensorDataLike
    """Three axes: depth, height, width."""
    _: KW_ONLY
    voxel_size: c.VoxelSizeLike | None = None
    translation: c.Translation3DLike | None = None
    quaternion: c.RotationQuatLike | None = None
    value_range: c.ValueRangeLike | None = None
    gamma: c.GammaCorrectionLike | None = None
    colormap: c.ColormapLike | None = None
    optical_density: c.OpticalDensityLike | None = None
