"""Where a camera should stand so that a scene fills its picture."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from rrbridge_viewer.render.camera import NEAR_SHARE, Camera3D, Size, level_axes
from rrbridge_viewer.render.primitives import F64, Labels, Lines, Picture, Points, Primitive
from rrbridge_viewer.render.scene import bounds_of

__all__ = ["fitted", "outline", "turned_to"]

SAMPLED = 3000
STRAY = 0.02
"""This share of a cloud's points at either end of each axis may lie outside the picture."""
FIT_SHARE = 0.9
"""How much of the picture's width and height a fitted scene may take."""
SYMBOLS = frozenset({"InstancePoses3D", "TransformAxes3D"})
"""Visualizers whose drawings stand for a place and have no size of their own."""
SYMBOL_ROOM = 4.0
"""Where there are only symbols, they are shown with so many times their size around them."""
UNKNOWN_CELL = 255
FLAT = 0.06
"""Scenes whose height is less than this share of their width are looked at more from above."""
PITCH, FLAT_PITCH = math.radians(28), math.radians(48)
LONG = 2.0
"""Scenes so many times as long as wide are looked at across their length."""
ASKEW = math.radians(22)


def outline(primitives: Iterable[Primitive]) -> F64:
    """(n, 3): points of the world that ought to be in the picture."""
    found = [np.zeros((0, 3))]
    shown = [primitive for primitive in primitives if not isinstance(primitive, Labels)]
    room = SYMBOL_ROOM if all(_kind(primitive) in SYMBOLS for primitive in shown) else 1.0
    for primitive in shown:
        points = _outline(primitive, room)
        if len(points):
            world = np.c_[points, np.ones(len(points))] @ primitive.world_from_entity.T
            with np.errstate(divide="ignore", invalid="ignore"):
                world = world[:, :3] / world[:, 3:]
            found.append(world[np.isfinite(world).all(axis=1)])
    return np.concatenate(found)


def _kind(primitive: Primitive) -> str:
    """The visualizer that made it."""
    return primitive.key.rpartition("#")[0].rpartition("#")[2]


def _outline(primitive: Primitive, symbol_room: float) -> F64:
    if isinstance(primitive, Picture):
        return _known_part(primitive)
    if _kind(primitive) in SYMBOLS:
        corners = _corners(primitive)
        middle = corners.mean(axis=0) if len(corners) else corners
        return middle + (corners - middle) * symbol_room if len(corners) else corners
    if isinstance(primitive, Points | Lines):
        points = primitive.positions[:: max(1, len(primitive.positions) // SAMPLED)].astype(np.float64)
        points = points[np.isfinite(points).all(axis=1)]
        if len(points) < 100:
            return points
        low, high = np.quantile(points, [STRAY, 1 - STRAY], axis=0)
        kept: F64 = points[((points >= low) & (points <= high)).all(axis=1)]
        return kept
    return _corners(primitive)


def _corners(primitive: Primitive) -> F64:
    box = bounds_of(replace(primitive, world_from_entity=np.eye(4)))
    return np.zeros((0, 3)) if box.is_empty else box.corners


def _known_part(picture: Picture) -> F64:
    """The corners of a picture; of a map, of the part that is known."""
    height, width = picture.pixels.shape[:2]
    left, top, right, bottom = 0, 0, width, height
    if picture.indexed and picture.pixels.ndim == 2:
        known = picture.pixels != UNKNOWN_CELL
        rows, columns = np.flatnonzero(known.any(axis=1)), np.flatnonzero(known.any(axis=0))
        if len(rows):
            left, top, right, bottom = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    across, down = np.array(picture.across) / max(width, 1), np.array(picture.down) / max(height, 1)
    places = np.array([(left, top), (right, top), (left, bottom), (right, bottom)], np.float64)
    corners: F64 = np.array(picture.corner) + places[:, :1] * across + places[:, 1:] * down
    return corners


def turned_to(camera: Camera3D, points: F64) -> Camera3D:
    """Looking from a side on which the points spread: flat scenes more from above, long ones across their length."""
    if len(points) < 4:
        return camera
    level = points @ np.array(level_axes(camera.up)).T
    low, high = np.quantile(level, [0.02, 0.98], axis=0)
    width = float(np.linalg.norm((high - low)[:2]))
    if not width > 0:
        return camera
    pitch = FLAT_PITCH if high[2] - low[2] < FLAT * width else PITCH
    spread, directions = np.linalg.eigh(np.cov(level[:, :2].T))
    yaw = camera.yaw
    if spread[1] > LONG**2 * max(float(spread[0]), 0.0):
        along = math.atan2(directions[1, 1], directions[0, 1])
        # Of the two sides, the one that is nearer to where the camera was.
        sides = (along + math.pi / 2 - ASKEW, along - math.pi / 2 - ASKEW)
        yaw = min(sides, key=lambda side: abs(math.remainder(side - camera.yaw, math.tau)))
    return replace(camera, pitch=pitch, yaw=math.remainder(yaw, math.tau))


def fitted(camera: Camera3D, points: F64, size: Size) -> Camera3D:
    """The same direction, as near as possible with all points (n, 3) in the picture; itself if there are none.

    Each side of the picture is a plane through the eye. In axes of the camera (x right, z back) a point is inside the right
    one where x + z·t ≤ eye_x + eye_z·t, t the tangent of half the field of view; so two opposite sides settle the eye's x and
    the least z, and of the two directions the larger z holds.
    """
    if not len(points):
        return camera
    axes = camera.eye_from_world[:3, :3]
    seen = points @ axes.T
    vertical = math.tan(camera.vertical_fov / 2) * FIT_SHARE
    tangents = (vertical * size[0] / size[1], vertical)
    eye, back = np.zeros(3), -math.inf
    for axis, tangent in enumerate(tangents):
        above = float((seen[:, axis] + seen[:, 2] * tangent).max())
        below = float((-seen[:, axis] + seen[:, 2] * tangent).max())
        eye[axis] = (above - below) / 2
        back = max(back, (above + below) / 2 / tangent)
    middle = float(np.median(seen[:, 2]))
    nearest, share = float(seen[:, 2].max()), 2 * NEAR_SHARE
    back = max(back, (nearest - share * middle) / (1 - share))  # the tip of a needle seen end on must not be in the eye
    distance = max(back - middle, 1e-3)
    target = np.array([eye[0], eye[1], back - distance]) @ axes
    return replace(camera, target=(float(target[0]), float(target[1]), float(target[2])), distance=distance)
