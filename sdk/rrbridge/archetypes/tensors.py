"""Arrays of any number of axes, and charts and volumes made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY
from typing import Any

import numpy as np

from rrbridge import components as c
from rrbridge._archetype import Archetype, ComponentColumnList
from rrbridge._tensor_encoding import TensorData, TensorLike


class Tensor(Archetype):
    """An array of any number of axes."""

    data: c.TensorValues
    _: KW_ONLY
    value_range: c.Range1D | None = None

    def __init__(
        self,
        data: TensorLike,
        *,
        dim_names: Sequence[str] | None = None,
        value_range: c.Range1D | None = None,
    ) -> None:
        """`dim_names`: what the axes are called."""
        named: Any = data
        if dim_names is not None:
            array = data.array if isinstance(data, TensorData) else np.array(data, order="C")
            named = TensorData(array, tuple(dim_names))
        self._assign(data=named, value_range=value_range)

    @classmethod
    def columns(  # type: ignore[override]  # columns are given field by field, without the constructor's other ways
        cls, *, data: c.TensorValues | None = None, value_range: c.Range1D | None = None
    ) -> ComponentColumnList:
        """Many rows at once: `data` is a tuple of `TensorData`."""
        return cls._columns({"data": data, "value_range": value_range})


class BarChart(Archetype):
    """Bars."""

    values: c.TensorValues
    """Their heights, one axis."""
    _: KW_ONLY
    color: c.Color | None = None
    abscissa: c.TensorValues | None = None
    """Where they stand; none: 0, 1, 2 …"""
    widths: c.Length | None = None


class Volume3D(Archetype):
    """A field of values in a box, to be looked through."""

    values: c.TensorValues
    """Three axes: depth, height, width."""
    _: KW_ONLY
    voxel_size: c.VoxelSize | None = None
    translation: c.Translation3D | None = None
    quaternion: c.RotationQuat | None = None
    value_range: c.Range1D | None = None
    gamma: c.GammaCorrection | None = None
    colormap: c.ColormapLike | None = None
    optical_density: c.OpticalDensity | None = None
