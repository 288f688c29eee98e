"""Boxes, ellipsoids, cylinders, capsules."""

from __future__ import annotations

from dataclasses import KW_ONLY
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from rrbridge import components as c
from rrbridge import encodings as enc
from rrbridge._archetype import ComponentColumnList, DrawnArchetype
from rrbridge.encodings import FloatLike, VecLike
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
    vectors = enc.vec2.parse if width == 2 else enc.vec3.parse
    if sizes is not None:
        if half_sizes is not None:
            raise InvalidValueError(name, "either sizes= or half_sizes=", "both")
        half_sizes = vectors(sizes) / 2
    if mins is not None:
        if centers is not None:
            raise InvalidValueError(name, "either mins= or centers=", "both")
        if half_sizes is None:
            raise InvalidValueError(name, "sizes= or half_sizes= beside mins=", "mins= alone")
        corner = np.full((1, width), mins, np.float32) if np.size(np.asarray(mins)) == 1 else vectors(mins)
        centers = corner + vectors(half_sizes)
    return half_sizes, centers


_NONE = np.empty((0, 4), np.float32)


def _are_axis_angles(rotations: Any) -> bool:
    first = rotations[0] if isinstance(rotations, list | tuple) and rotations else rotations
    return isinstance(first, enc.RotationAxisAngle)


class Box2DFormat(Enum):
    """What the four numbers of a box in an array mean."""

    XYWH = "XYWH"
    """Smallest x and y, width, height."""
    YXHW = "YXHW"
    XYXY = "XYXY"
    """Smallest x and y, greatest x and y."""
    YXYX = "YXYX"
    XCYCWH = "XCYCWH"
    """Centre, width, height."""
    XCYCW2H2 = "XCYCW2H2"
    """Centre, half width, half height."""


def _from_array(array: npt.ArrayLike, layout: Box2DFormat) -> tuple[Any, Any]:
    """Half sizes and centres of boxes given as rows of four numbers."""
    rows = np.asarray(enc.vec4.parse(array))
    if layout in (Box2DFormat.YXHW, Box2DFormat.YXYX):
        rows = rows[:, [1, 0, 3, 2]]
    first, second = rows[:, :2], rows[:, 2:]
    match layout:
        case Box2DFormat.XYWH | Box2DFormat.YXHW:
            return second / 2, first + second / 2
        case Box2DFormat.XYXY | Box2DFormat.YXYX:
            return (second - first) / 2, (first + second) / 2
        case Box2DFormat.XCYCWH:
            return second / 2, first
        case Box2DFormat.XCYCW2H2:
            return second, first


class Boxes2D(DrawnArchetype):
    """Rectangles along the axes, in pixels."""

    half_sizes: c.HalfSize2DLike
    _: KW_ONLY
    centers: c.Position2DLike | None = None
    colors: c.ColorLike | None = None
    radii: c.RadiusLike | None = None
    """Line width, halved."""
    labels: c.TextLike | None = None
    show_labels: c.ShowLabelsLike | None = None
    draw_order: c.DrawOrderLike | None = None
    class_ids: c.ClassIdLike | None = None

    def __init__(
        self,
        *,
        mins: VecLike | None = None,
        sizes: VecLike | None = None,
        half_sizes: VecLike | None = None,
        centers: VecLike | None = None,
        array: npt.ArrayLike | None = None,
        array_format: Box2DFormat | None = None,
        colors: c.ColorLike | None = None,
        radii: c.RadiusLike | None = None,
        labels: c.TextLike | None = None,
        show_labels: c.ShowLabelsLike | None = None,
        draw_order: c.DrawOrderLike | None = None,
        class_ids: c.ClassIdLike | None = None,
    ) -> None:
        """Give `sizes` or `half_sizes`, and `mins` or `centers`; or `array`, four numbers per box as `array_format` says."""
        if array is not None:
            if array_format is None or any(v is not None for v in (mins, sizes, half_sizes, centers)):
                raise InvalidValueError("Boxes2D", "array= with array_format= and no other sizes", "something else")
            half_sizes, centers = _from_array(array, array_format)
        half_sizes, centers = _centers_and_half_sizes("Boxes2D", 2, mins, sizes, half_sizes, centers)
        self._assign(
            half_sizes=half_sizes, centers=centers, colors=colors, radii=radii, labels=labels,
            show_labels=show_labels, draw_order=draw_order, class_ids=class_ids,
        )  # fmt: skip


class Boxes3D(DrawnArchetype):
    """Boxes, turned as one likes."""

    half_sizes: c.HalfSize3DLike
    """Half the extent along each of the box's own axes, metres. Shape (n, 3)."""
    _: KW_ONLY
    centers: c.Translation3DLike | None = None
    rotation_axis_angles: c.RotationAxisAngleLike | None = None
    quaternions: c.RotationQuatLike | None = None
    """x, y, z, w. Shape (n, 4)."""
    colors: c.ColorLike | None = None
    radii: c.RadiusLike | None = None
    """Line width, halved."""
    fill_mode: c.FillModeLike | None = None
    labels: c.TextLike | None = None
    show_labels: c.ShowLabelsLike | None = None
    class_ids: c.ClassIdLike | None = None

    def __init__(
        self,
        *,
        mins: VecLike | None = None,
        sizes: VecLike | None = None,
        half_sizes: VecLike | None = None,
        centers: VecLike | None = None,
        rotation_axis_angles: c.RotationAxisAngleLike | None = None,
        quaternions: c.RotationQuatLike | None = None,
        rotations: Any | None = None,
        colors: c.ColorLike | None = None,
        radii: c.RadiusLike | None = None,
        fill_mode: c.FillModeLike | None = None,
        labels: c.TextLike | None = None,
        show_labels: c.ShowLabelsLike | None = None,
        class_ids: c.ClassIdLike | None = None,
    ) -> None:
        """Give `sizes` or `half_sizes`, and `mins` or `centers`. `rotations`: quaternions, or `RotationAxisAngle`s."""
        half_sizes, centers = _centers_and_half_sizes("Boxes3D", 3, mins, sizes, half_sizes, centers)
        if rotations is not None:
            if quaternions is not None or rotation_axis_angles is not None:
                raise InvalidValueError("Boxes3D", "one kind of rotation", "several")
            # The kind that was not meant is logged empty, so that it does not outlive this call.
            as_axes = _are_axis_angles(rotations)
            rotation_axis_angles, quaternions = (rotations, _NONE) if as_axes else ([], rotations)
        self._assign(
            half_sizes=half_sizes, centers=centers, rotation_axis_angles=rotation_axis_angles, quaternions=quaternions,
            colors=colors, radii=radii, fill_mode=fill_mode, labels=labels, show_labels=show_labels, class_ids=class_ids,
        )  # fmt: skip

    @classmethod
    def columns(  # type: ignore[override]  # columns are given field by field, without the constructor's other ways
        cls,
        *,
        half_sizes: c.HalfSize3DLike | None = None,
        centers: c.Translation3DLike | None = None,
        rotation_axis_angles: c.RotationAxisAngleLike | None = None,
        quaternions: c.RotationQuatLike | None = None,
        colors: c.ColorLike | None = None,
        radii: c.RadiusLike | None = None,
        fill_mode: c.FillModeLike | None = None,
        labels: c.TextLike | None = None,
        show_labels: c.ShowLabelsLike | None = None,
        class_ids: c.ClassIdLike | None = None,
    ) -> ComponentColumnList:
        """Many rows at once."""
        return cls._columns(
            {
                "half_sizes": half_sizes, "centers": centers, "rotation_axis_angles": rotation_axis_angles,
                "quaternions": quaternions, "colors": colors, "radii": radii, "fill_mode": fill_mode, "labels": labels,
                "show_labels": show_labels, "class_ids": class_ids,
            }
        )  # fmt: skip


class Ellipsoids3D(DrawnArchetype):
    """Ellipsoids, and spheres."""

    half_sizes: c.HalfSize3DLike
    """Radius along each own axis, metres. Shape (n, 3)."""
    _: KW_ONLY
    centers: c.Translation3DLike | None = None
    rotation_axis_angles: c.RotationAxisAngleLike | None = None
    quaternions: c.RotationQuatLike | None = None
    colors: c.ColorLike | None = None
    line_radii: c.RadiusLike | None = None
    fill_mode: c.FillModeLike | None = None
    labels: c.TextLike | None = None
    show_labels: c.ShowLabelsLike | None = None
    class_ids: c.ClassIdLike | None = None

    def __init__(
        self,
        *,
        half_sizes: VecLike | None = None,
        radii: FloatLike | None = None,
        centers: VecLike | None = None,
        rotation_axis_angles: c.RotationAxisAngleLike | None = None,
        quaternions: c.RotationQuatLike | None = None,
        colors: c.ColorLike | None = None,
        line_radii: c.RadiusLike | None = None,
        fill_mode: c.FillModeLike | None = None,
        labels: c.TextLike | None = None,
        show_labels: c.ShowLabelsLike | None = None,
        class_ids: c.ClassIdLike | None = None,
    ) -> None:
        """Give `half_sizes`, or `radii` of spheres."""
        if half_sizes is not None and radii is not None:
            raise InvalidValueError("Ellipsoids3D", "one of half_sizes=, radii=", "both")
        if radii is not None:
            half_sizes = np.repeat(np.asarray(enc.float32.parse(radii))[:, None], 3, axis=1)
        self._assign(
            half_sizes=half_sizes, centers=centers, rotation_axis_angles=rotation_axis_angles, quaternions=quaternions,
            colors=colors, line_radii=line_radii, fill_mode=fill_mode, labels=labels, show_labels=show_labels,
            class_ids=class_ids,
        )  # fmt: skip

    @classmethod
    def columns(  # type: ignore[override]  # columns are given field by field, without the constructor's other ways
        cls,
        *,
        half_sizes: c.HalfSize3DLike | None = None,
        centers: c.Translation3DLike | None = None,
        rotation_axis_angles: c.RotationAxisAngleLike | None = None,
        quaternions: c.RotationQuatLike | None = None,
        colors: c.ColorLike | None = None,
        line_radii: c.RadiusLike | None = None,
        fill_mode: c.FillModeLike | None = None,
        labels: c.TextLike | None = None,
        show_labels: c.ShowLabelsLike | None = None,
        class_ids: c.ClassIdLike | None = None,
    ) -> ComponentColumnList:
        """Many rows at once."""
        return cls._columns(
            {
                "half_sizes": half_sizes, "centers": centers, "rotation_axis_angles": rotation_axis_angles,
                "quaternions": quaternions, "colors": colors, "line_radii": line_radii, "fill_mode": fill_mode,
                "labels": labels, "show_labels": show_labels, "class_ids": class_ids,
            }
        )  # fmt: skip


class Ellipses2D(DrawnArchetype):
    """Ellipses along the axes, in pixels."""

    half_sizes: c.HalfSize2DLike | None = None
    _: KW_ONLY
    centers: c.Position2DLike | None = None
    colors: c.ColorLike | None = None
    line_radii: c.RadiusLike | None = None
    labels: c.TextLike | None = None
    show_labels: c.ShowLabelsLike | None = None
    draw_order: c.DrawOrderLike | None = None
    class_ids: c.ClassIdLike | None = None


class Cylinders3D(DrawnArchetype):
    """Cylinders along their own z axis, centred."""

    lengths: c.LengthLike | None = None
    radii: c.RadiusLike | None = None
    _: KW_ONLY
    centers: c.Translation3DLike | None = None
    rotation_axis_angles: c.RotationAxisAngleLike | None = None
    quaternions: c.RotationQuatLike | None = None
    colors: c.ColorLike | None = None
    line_radii: c.RadiusLike | None = None
    fill_mode: c.FillModeLike | None = None
    labels: c.TextLike | None = None
    show_labels: c.ShowLabelsLike | None = None
    class_ids: c.ClassIdLike | None = None


class Capsules3D(DrawnArchetype):
    """Capsules: the points within `radii` of a segment from the origin along their own z axis."""

    lengths: c.LengthLike | None = None
    radii: c.RadiusLike | None = None
    _: KW_ONLY
    translations: c.Translation3DLike | None = None
    rotation_axis_angles: c.RotationAxisAngleLike | None = None
    quaternions: c.RotationQuatLike | None = None
    colors: c.ColorLike | None = None
    line_radii: c.RadiusLike | None = None
    fill_mode: c.FillModeLike | None = None
    labels: c.TextLike | None = None
    show_labels: c.ShowLabelsLike | None = None
    class_ids: c.ClassIdLike | None = None
