"""Where a pinhole camera's picture is in space."""

from __future__ import annotations

import numpy as np

from rrbridge.errors import InvalidValueError
from rrbridge_viewer.render.primitives import F64
from rrbridge_viewer.visualizers._entity import PinholeView

__all__ = ["camera_from_image_plane", "camera_from_optical", "plane_distance"]

DEFAULT_PLANE_DISTANCE = 0.5
"""Scene units; what is shown of a camera that does not say."""
RIGHT_DOWN_FORWARD = {1: (0, -1, 0), 2: (0, 1, 0), 3: (1, 0, 0), 4: (-1, 0, 0), 5: (0, 0, 1), 6: (0, 0, -1)}
"""`ViewDir` (up, down, right, left, forward, back) as an axis of the optical frame."""


def camera_from_optical(camera_xyz: tuple[int, int, int]) -> F64:
    """(4, 4): from right-down-forward, in which pixels are projected, to the axes that the camera's frame was logged with."""
    try:
        optical_from_camera = np.array([RIGHT_DOWN_FORWARD[int(direction)] for direction in camera_xyz], np.float64).T
    except KeyError as err:
        raise InvalidValueError("camera_xyz", "three of the directions 1..6", str(camera_xyz)) from err
    matrix = np.eye(4)
    matrix[:3, :3] = optical_from_camera.T
    return matrix


def plane_distance(pinhole: PinholeView) -> float:
    """How far before the camera its picture is shown, in scene units."""
    given = pinhole.image_plane_distance
    return given if given is not None and 0 < given < np.inf else DEFAULT_PLANE_DISTANCE


def camera_from_image_plane(pinhole: PinholeView, *, optical_only: bool = False) -> F64:
    """(4, 4): from (u, v, 0) in pixels to the camera's frame, on the plane where the picture is shown.

    `optical_only` leaves out the projection: from the optical frame, for what has depth of its own.
    """
    camera_from_plane = camera_from_optical(pinhole.camera_xyz)
    if optical_only:
        return camera_from_plane
    k = np.asarray(pinhole.image_from_camera, np.float64)
    if not (np.isfinite(k).all() and k[0, 0] and k[1, 1]):
        raise InvalidValueError("image_from_camera", "a projection with focal lengths", str(k.tolist()))
    distance = plane_distance(pinhole)
    optical_from_image = np.eye(4)
    optical_from_image[:3, :2] = distance * np.linalg.inv(k)[:, :2]
    optical_from_image[:3, 3] = distance * np.linalg.inv(k)[:, 2]
    return camera_from_plane @ optical_from_image
