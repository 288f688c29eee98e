"""Boxes, ellipsoids, cylinders, capsules."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any

import numpy as np
import numpy.typing as npt

from rrbridge import components as c
from rrbridge._archetype import Archetype, ComponentColumnList
from rrbridge.encodings import VecLike
from rrbridge.errors import InvalidValueError


def _centers_and_half_sizes(
    name: str,
    width: int,
    mins: VecLike | None,
    sizes: VecLike | None,
    half_sizes: VecLike | None,
    centers: VecLike | None,
) -> tuple[Any, Any]:
    """Half sizes and centres from the ways a box may be given."""
    if sizes is not None:
        if half_sizes is not None:
            raise InvalidValueError(name, "either sizes= or half_sizes=", "both")
        half_sizes = np.asarray(sizes, np.float32).reshape(-1, width) / 2
    if mins is not None:
        if centers is not None:
            raise InvalidValueError(name, "either mins= or centers=", "both")
        if half_sizes is None:
            raise InvalidValueError(name, "sizes= or half_sizes= beside mins=", "mins= alone")
        half: npt.NDArray[np.float32] = np.asarray(half_sizes, np.float32).reshape(-1, width)
        centers = np.asarray(mins, np.float32).reshape(-1, width) + half
    return half_sizes, centers


class Boxes2D(Archetype):
    """Rectangles along the axes, in pixels."""

    half_sizes: c.HalfSize2D
    _: KW_ONLY
    centers: c.Position2D | None = None
    colors: c.Color | None = None
    radii: c.Radius | None = None
    """Line width, halved."""
    labels: c.Label | None = None
    show_labels: c.ShowLabels | None = None
    draw_order: c.DrawOrder | None = None
    class_ids: c.ClassId | None = None

    def __init__(
        self,
        *,
        mins: VecLike | None = None,
        sizes: VecLike | None = None,
        half_sizes: VecLike | None = None,
        centers: VecLike | None = None,
        colors: c.Color | None = None,
        radii: c.Radius | None = None,
        labels: c.Label | None = None,
        show_labels: c.ShowLabels | None = None,
        draw_order: c.DrawOrder | None = None,
        class_ids: c.ClassId | None = None,
    ) -> None:
        """Give `sizes` or `half_sizes`, and `mins` or `centers`."""
        half_sizes, centers = _centers_and_half_sizes("Boxes2D", 2, mins, sizes, half_sizes, centers)
        self._assign(
            half_sizes=half_sizes, centers=centers, colors=colors, radii=radii, labels=labels,
            show_labels=show_labels, draw_order=draw_order, class_ids=class_ids,
        )  # fmt: skip


class Boxes3D(Archetype):
    """Boxes, turned as one likes."""

    half_sizes: c.HalfSize3D
    """Half the extent along each of the box's own axes, metres. Shape (n, 3)."""
    _: KW_ONLY
    centers: c.Translation3D | None = None
    rotation_axis_angles: c.RotationAxisAngle | None = None
    quaternions: c.RotationQuat | None = None
    """x, y, z, w. Shape (n, 4)."""
    colors: c.Color | None = None
    radii: c.Radius | None = None
    """Line width, halved."""
    fill_mode: c.FillModeLike | None = None
    labels: c.Label | None = None
    show_labels: c.ShowLabels | None = None
    class_ids: c.ClassId | None = None

    def __init__(
        self,
        *,
        mins: VecLike | None = None,
        sizes: VecLike | None = None,
        half_sizes: VecLike | None = None,
        centers: VecLike | None = None,
        rotation_axis_angles: c.RotationAxisAngle | None = None,
        quaternions: c.RotationQuat | None = None,
        colors: c.Color | None = None,
        radii: c.Radius | None = None,
        fill_mode: c.FillModeLike | None = None,
        labels: c.Label | None = None,
        show_labels: c.ShowLabels | None = None,
        class_ids: c.ClassId | None = None,
    ) -> None:
        """Give `sizes` or `half_sizes`, and `mins` or `centers`."""
        half_sizes, centers = _centers_and_half_sizes("Boxes3D", 3, mins, sizes, half_sizes, centers)
        self._assign(
            half_sizes=half_sizes, centers=centers, rotation_axis_angles=rotation_axis_angles, quaternions=quaternions,
            colors=colors, radii=radii, fill_mode=fill_mode, labels=labels, show_labels=show_labels, class_ids=class_ids,
        )  # fmt: skip

    @classmethod
    def columns(  # type: ignore[override]  # columns are given field by field, without the constructor's other ways
        cls,
        *,
        half_sizes: c.HalfSize3D | None = None,
        centers: c.Translation3D | None = None,
        rotation_axis_angles: c.RotationAxisAngle | None = None,
        quaternions: c.RotationQuat | None = None,
        colors: c.Color | None = None,
        radii: c.Radius | None = None,
        fill_mode: c.FillModeLike | None = None,
        labels: c.Label | None = None,
        show_labels: c.ShowLabels | None = None,
        class_ids: c.ClassId | None = None,
    ) -> ComponentColumnList:
        """Many rows at once."""
        return cls._columns(
            {
                "half_sizes": half_sizes, "centers": centers, "rotation_axis_angles": rotation_axis_angles,
                "quaternions": quaternions, "colors": colors, "radii": radii, "fill_mode": fill_mode, "labels": labels,
                "show_labels": show_labels, "class_ids": class_ids,
            }
        )  # fmt: skip


class Ellipsoids3D(Archetype):
    """Ellipsoids, and spheres."""

    half_sizes: c.HalfSize3D
    """Radius along each own axis, metres. Shape (n, 3)."""
    _: KW_ONLY
    centers: c.Translation3D | None = None
    rotation_axis_angles: c.RotationAxisAngle | None = None
    quaternions: c.RotationQuat | None = None
    colors: c.Color | None = None
    line_radii: c.Radius | None = None
    fill_mode: c.FillModeLike | None = None
    labels: c.Label | None = None
    show_labels: c.ShowLabels | None = None
    class_ids: c.ClassId | None = None


class Ellipses2D(Archetype):
    """Ellipses along the axes, in pixels."""

    half_sizes: c.HalfSize2D
    _: KW_ONLY
    centers: c.Position2D | None = None
    colors: c.Color | None = None
    line_radii: c.Radius | None = None
    labels: c.Label | None = None
    show_labels: c.ShowLabels | None = None
    draw_order: c.DrawOrder | None = None
    class_ids: c.ClassId | None = None


class Cylinders3D(Archetype):
    """Cylinders along their own z axis, centred."""

    lengths: c.Length
    radii: c.Radius
    _: KW_ONLY
    centers: c.Translation3D | None = None
    rotation_axis_angles: c.RotationAxisAngle | None = None
    quaternions: c.RotationQuat | None = None
    colors: c.Color | None = None
    line_radii: c.Radius | None = None
    fill_mode: c.FillModeLike | None = None
    labels: c.Label | None = None
    show_labels: c.ShowLabels | None = None
    class_ids: c.ClassId | None = None


class Capsules3D(Archetype):
    """Capsules: the points within `radii` of a segment from the origin along their own z axis."""

    lengths: c.Length
    radii: c.Radius
    _: KW_ONLY
    translations: c.Translation3D | None = None
    rotation_axis_angles: c.RotationAxisAngle | None = None
    quaternions: c.RotationQuat | None = None
    colors: c.Color | None = None
    line_radii: c.Radius | None = None
    fill_mode: c.FillModeLike | None = None
    labels: c.Label | None = None
    show_labels: c.ShowLabels | None = None
    class_ids: c.ClassId | None = None
