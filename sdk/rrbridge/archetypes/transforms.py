"""Where things are: transforms, frames, cameras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from functools import cache
from itertools import permutations, product
from typing import Any, ClassVar, cast

import numpy as np
import numpy.typing as npt

from rrbridge import components as c
from rrbridge import encodings as enc
from rrbridge._archetype import Archetype, ComponentColumnList, DrawnArchetype
from rrbridge.encodings import Mat3x3Like, VecLike
from rrbridge.errors import InvalidValueError


class Transform3D(Archetype):
    """Where a frame is in its parent: `parent_from_child = translation · rotation · scale`.

    `relation` may say that it is meant the other way round.
    """

    translation: c.Translation3DLike | None = None
    _: KW_ONLY
    rotation_axis_angle: c.RotationAxisAngleLike | None = None
    quaternion: c.RotationQuatLike | None = None
    """x, y, z, w."""
    scale: c.Scale3DLike | None = None
    mat3x3: c.TransformMat3x3Like | None = None
    """By rows here; kept by columns."""
    relation: c.TransformRelationLike | None = None
    child_frame: c.TransformFrameIdLike | None = None
    parent_frame: c.TransformFrameIdLike | None = None

    def __init__(
        self,
        *,
        translation: VecLike | None = None,
        rotation: enc.RotationAxisAngle | VecLike | None = None,
        rotation_axis_angle: enc.RotationAxisAngle | None = None,
        quaternion: VecLike | None = None,
        scale: VecLike | float | None = None,
        mat3x3: Mat3x3Like | None = None,
        from_parent: bool | None = None,
        relation: c.TransformRelationLike | None = None,
        child_frame: str | None = None,
        parent_frame: str | None = None,
    ) -> None:
        """`rotation` is an `AxisAngle` or a quaternion (x, y, z, w)."""
        if rotation is not None:
            if rotation_axis_angle is not None or quaternion is not None:
                raise InvalidValueError("Transform3D", "one rotation", "several")
            first = rotation[0] if isinstance(rotation, list | tuple) and rotation else rotation
            if isinstance(first, enc.RotationAxisAngle):
                rotation_axis_angle = cast("enc.RotationAxisAngle", rotation)
            else:
                quaternion = cast("VecLike", rotation)
        if from_parent is not None:
            if relation is not None:
                raise InvalidValueError("Transform3D", "from_parent= or relation=", "both")
            relation = c.TransformRelation.ChildFromParent if from_parent else None
        if scale is not None and np.size(np.asarray(scale)) == 1:
            scale = np.repeat(np.asarray(scale, np.float32).reshape(-1), 3)
        self._assign(
            translation=translation, rotation_axis_angle=rotation_axis_angle, quaternion=quaternion, scale=scale,
            mat3x3=mat3x3, relation=relation, child_frame=child_frame, parent_frame=parent_frame,
        )  # fmt: skip

    @classmethod
    def columns(  # type: ignore[override]  # columns are given field by field, without the constructor's other ways
        cls,
        *,
        translation: c.Translation3DLike | None = None,
        rotation_axis_angle: c.RotationAxisAngleLike | None = None,
        quaternion: c.RotationQuatLike | None = None,
        scale: c.Scale3DLike | None = None,
        mat3x3: c.TransformMat3x3Like | None = None,
        relation: c.TransformRelationLike | None = None,
        child_frame: c.TransformFrameIdLike | None = None,
        parent_frame: c.TransformFrameIdLike | None = None,
    ) -> ComponentColumnList:
        """Many rows at once."""
        return cls._columns(
            {
                "translation": translation, "rotation_axis_angle": rotation_axis_angle, "quaternion": quaternion,
                "scale": scale, "mat3x3": mat3x3, "relation": relation, "child_frame": child_frame,
                "parent_frame": parent_frame,
            }
        )  # fmt: skip


class TransformAxes3D(DrawnArchetype):
    """Draws the axes of the entity's frame."""

    axis_length: c.AxisLengthLike
    """Metres."""
    _: KW_ONLY
    show_frame: c.ShowLabelsLike | None = None


class CoordinateFrame(Archetype):
    """Says in which named frame an entity's data is."""

    frame: c.TransformFrameIdLike


class InstancePoses3D(Archetype):
    """Draws the entity's shapes once per pose; entities below are not moved."""

    translations: c.Translation3DLike | None = None
    _: KW_ONLY
    rotation_axis_angles: c.RotationAxisAngleLike | None = None
    quaternions: c.RotationQuatLike | None = None
    scales: c.Scale3DLike | None = None
    mat3x3: c.TransformMat3x3Like | None = None


class ViewCoordinates(Archetype):
    """What the x, y and z axes of a space mean, as three letters: `ViewCoordinates.RDF` is right, down, forward."""

    xyz: c.ViewCoordinatesLike
    """1 up, 2 down, 3 right, 4 left, 5 forward, 6 back."""

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(self.xyz, dtype).reshape(-1)

    RDF: ClassVar[ViewCoordinates]
    """A camera's optical frame (REP 103)."""
    FLU: ClassVar[ViewCoordinates]
    """A robot's body (REP 103)."""
    BDL: ClassVar[ViewCoordinates]
    BDR: ClassVar[ViewCoordinates]
    BLD: ClassVar[ViewCoordinates]
    BLU: ClassVar[ViewCoordinates]
    BRD: ClassVar[ViewCoordinates]
    BRU: ClassVar[ViewCoordinates]
    BUL: ClassVar[ViewCoordinates]
    BUR: ClassVar[ViewCoordinates]
    DBL: ClassVar[ViewCoordinates]
    DBR: ClassVar[ViewCoordinates]
    DFL: ClassVar[ViewCoordinates]
    DFR: ClassVar[ViewCoordinates]
    DLB: ClassVar[ViewCoordinates]
    DLF: ClassVar[ViewCoordinates]
    DRB: ClassVar[ViewCoordinates]
    DRF: ClassVar[ViewCoordinates]
    FDL: ClassVar[ViewCoordinates]
    FDR: ClassVar[ViewCoordinates]
    FLD: ClassVar[ViewCoordinates]
    FRD: ClassVar[ViewCoordinates]
    FRU: ClassVar[ViewCoordinates]
    FUL: ClassVar[ViewCoordinates]
    FUR: ClassVar[ViewCoordinates]
    LBD: ClassVar[ViewCoordinates]
    LBU: ClassVar[ViewCoordinates]
    LDB: ClassVar[ViewCoordinates]
    LDF: ClassVar[ViewCoordinates]
    LEFT_HAND_X_DOWN: ClassVar[ViewCoordinates]
    LEFT_HAND_X_UP: ClassVar[ViewCoordinates]
    LEFT_HAND_Y_DOWN: ClassVar[ViewCoordinates]
    LEFT_HAND_Y_UP: ClassVar[ViewCoordinates]
    LEFT_HAND_Z_DOWN: ClassVar[ViewCoordinates]
    LEFT_HAND_Z_UP: ClassVar[ViewCoordinates]
    LFD: ClassVar[ViewCoordinates]
    LFU: ClassVar[ViewCoordinates]
    LUB: ClassVar[ViewCoordinates]
    LUF: ClassVar[ViewCoordinates]
    RBD: ClassVar[ViewCoordinates]
    RBU: ClassVar[ViewCoordinates]
    RDB: ClassVar[ViewCoordinates]
    RFD: ClassVar[ViewCoordinates]
    RFU: ClassVar[ViewCoordinates]
    RIGHT_HAND_X_DOWN: ClassVar[ViewCoordinates]
    RIGHT_HAND_X_UP: ClassVar[ViewCoordinates]
    RIGHT_HAND_Y_DOWN: ClassVar[ViewCoordinates]
    RIGHT_HAND_Y_UP: ClassVar[ViewCoordinates]
    RIGHT_HAND_Z_DOWN: ClassVar[ViewCoordinates]
    RIGHT_HAND_Z_UP: ClassVar[ViewCoordinates]
    RUB: ClassVar[ViewCoordinates]
    RUF: ClassVar[ViewCoordinates]
    UBL: ClassVar[ViewCoordinates]
    UBR: ClassVar[ViewCoordinates]
    UFL: ClassVar[ViewCoordinates]
    UFR: ClassVar[ViewCoordinates]
    ULB: ClassVar[ViewCoordinates]
    ULF: ClassVar[ViewCoordinates]
    URB: ClassVar[ViewCoordinates]
    URF: ClassVar[ViewCoordinates]


_DIRECTIONS = ({"U": 1, "D": 2}, {"R": 3, "L": 4}, {"F": 5, "B": 6})
_BY_UP_AXIS = {
    "LEFT_HAND_X_DOWN": "DRF", "LEFT_HAND_X_UP": "URB", "LEFT_HAND_Y_DOWN": "RDB", "LEFT_HAND_Y_UP": "RUF",
    "LEFT_HAND_Z_DOWN": "RFD", "LEFT_HAND_Z_UP": "RBU", "RIGHT_HAND_X_DOWN": "DRB", "RIGHT_HAND_X_UP": "URF",
    "RIGHT_HAND_Y_DOWN": "RDF", "RIGHT_HAND_Y_UP": "RUB", "RIGHT_HAND_Z_DOWN": "RBD", "RIGHT_HAND_Z_UP": "RFU",
}  # fmt: skip


@cache
def named_view_coordinates() -> Mapping[str, tuple[int, ...]]:
    """The numbers of every way to point three axes, by its letters or by the hand and the axis that goes up."""
    by_letters = {
        "".join(letters): tuple(axis[letter] for axis, letter in zip(axes, letters, strict=True))
        for axes in permutations(_DIRECTIONS)
        for letters in product(*axes)
    }
    return by_letters | {name: by_letters[letters] for name, letters in _BY_UP_AXIS.items()}


for _name, _numbers in named_view_coordinates().items():
    setattr(ViewCoordinates, _name, ViewCoordinates(_numbers))


class Pinhole(DrawnArchetype, visualizer="Cameras"):
    """A camera without distortion: `pixel = image_from_camera · point / depth`."""

    image_from_camera: c.PinholeProjectionLike
    """By rows here; kept by columns. Pixels."""
    _: KW_ONLY
    resolution: c.ResolutionLike | None = None
    """Width and height in pixels."""
    camera_xyz: c.ViewCoordinatesLike | None = None
    child_frame: c.TransformFrameIdLike | None = None
    parent_frame: c.TransformFrameIdLike | None = None
    image_plane_distance: c.ImagePlaneDistanceLike | None = None
    """How far from the camera its image is drawn in 3D, metres."""
    color: c.ColorLike | None = None
    line_width: c.RadiusLike | None = None

    def __init__(
        self,
        *,
        image_from_camera: Mat3x3Like | None = None,
        resolution: VecLike | None = None,
        camera_xyz: c.ViewCoordinatesLike | None = None,
        width: float | None = None,
        height: float | None = None,
        focal_length: float | VecLike | None = None,
        principal_point: VecLike | None = None,
        fov_y: float | None = None,
        aspect_ratio: float | None = None,
        child_frame: str | None = None,
        parent_frame: str | None = None,
        image_plane_distance: float | None = None,
        color: c.ColorLike | None = None,
        line_width: c.RadiusLike | None = None,
    ) -> None:
        """Give `image_from_camera`, or `focal_length` (pixels) or `fov_y` (radians) with a resolution or an aspect ratio."""
        if resolution is not None and (width is not None or height is not None):
            raise InvalidValueError("Pinhole", "resolution=, or width= with height=", "both")
        if width is not None and height is not None:
            resolution = (width, height)
        if image_from_camera is None:
            image_from_camera, resolution = _projection(resolution, focal_length, principal_point, fov_y, aspect_ratio)
        self._assign(
            image_from_camera=image_from_camera, resolution=resolution, camera_xyz=camera_xyz, child_frame=child_frame,
            parent_frame=parent_frame, image_plane_distance=image_plane_distance, color=color, line_width=line_width,
        )  # fmt: skip

    @classmethod
    def columns(  # type: ignore[override]  # columns are given field by field, without the constructor's other ways
        cls,
        *,
        image_from_camera: c.PinholeProjectionLike | None = None,
        resolution: c.ResolutionLike | None = None,
        camera_xyz: c.ViewCoordinatesLike | None = None,
        child_frame: c.TransformFrameIdLike | None = None,
        parent_frame: c.TransformFrameIdLike | None = None,
        image_plane_distance: c.ImagePlaneDistanceLike | None = None,
        color: c.ColorLike | None = None,
        line_width: c.RadiusLike | None = None,
    ) -> ComponentColumnList:
        """Many rows at once."""
        return cls._columns(
            {
                "image_from_camera": image_from_camera, "resolution": resolution, "camera_xyz": camera_xyz,
                "child_frame": child_frame, "parent_frame": parent_frame,
                "image_plane_distance": image_plane_distance, "color": color, "line_width": line_width,
            }
        )  # fmt: skip


_NARROWEST_HALF_FOV = 1.19209e-07
"""Radians; what is narrower counts as this, so that focal lengths stay finite."""


def _projection(
    resolution: Any, focal_length: Any, principal_point: Any, fov_y: Any, aspect_ratio: float | None
) -> tuple[Any, Any]:
    """`(image_from_camera, resolution)` of an ideal camera. Field of view and aspect ratio together say all there is to say."""
    if fov_y is not None and aspect_ratio is not None:
        resolution, focal_length = (aspect_ratio, 1.0), None
    if resolution is None and (focal_length is None or principal_point is None):
        raise InvalidValueError(
            "Pinhole",
            "a resolution, fov_y= with aspect_ratio=, or focal_length= with principal_point=",
            "none of these",
        )
    size = None if resolution is None else np.asarray(resolution, np.float64).reshape(2)
    if focal_length is None:
        if fov_y is None:
            raise InvalidValueError("Pinhole", "image_from_camera=, focal_length= or fov_y=", "none of them")
        half_fov = np.maximum(np.asarray(fov_y, np.float64) * 0.5, _NARROWEST_HALF_FOV)
        focal_length = 0.5 * (1.0 if size is None else size[1]) / np.tan(half_fov)
    focal = np.broadcast_to(np.asarray(focal_length, np.float64), 2)
    center = np.zeros(2) if size is None else size / 2
    if principal_point is not None:
        center = np.asarray(principal_point, np.float64).reshape(2)
    return np.array([[focal[0], 0, center[0]], [0, focal[1], center[1]], [0, 0, 1]]), size
