"""Where a scene is looked at from. Cameras are values: every movement gives a new one.

Screen positions are pixels, origin top left, y down. Clip space is OpenGL's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from rrbridge_viewer.render.primitives import F64
from rrbridge_viewer.render.scene import Bounds

__all__ = ["NEAR_SHARE", "Camera", "Camera2D", "Camera3D", "Size", "level_axes", "on_screen"]

Size: TypeAlias = tuple[int, int]
"""Width and height in pixels."""
Vec3: TypeAlias = tuple[float, float, float]

MAX_PITCH = math.radians(89.5)
NEAR_SHARE = 0.004
"""The near plane's distance as a share of the distance to the target; the far plane is at infinity."""
FLAT_DEPTH = 1e-3
"""Clip depth per unit of z in a 2D view: room for z up to 1000 on either side."""


class Camera(Protocol):
    """What the renderer asks of a camera."""

    def clip_from_world(self, size_px: Size) -> F64:
        """(4, 4)"""

    def pixels_per_unit(self, size_px: Size) -> float:
        """How many pixels one scene unit is high where clip w is 1."""


@dataclass(frozen=True, slots=True)
class Camera3D:
    """A perspective camera that looks at a target and circles around it."""

    target: Vec3 = (0.0, 0.0, 0.0)
    """In the world."""
    distance: float = 10.0
    """From the target, in scene units."""
    yaw: float = math.radians(-50)
    """Around `up`; radians."""
    pitch: float = math.radians(26)
    """Above the ground; radians."""
    vertical_fov: float = math.radians(50)
    """Radians."""
    up: Vec3 = (0.0, 0.0, 1.0)
    """The world's up direction, unit length."""

    @property
    def eye_in_world(self) -> F64:
        """(3,)"""
        return np.array(self.target) - self.distance * self.forward

    @property
    def forward(self) -> F64:
        """(3,): unit vector in the world from the eye to the target."""
        east, north, up = level_axes(self.up)
        ground = math.cos(self.yaw) * east + math.sin(self.yaw) * north
        return -(math.cos(self.pitch) * ground + math.sin(self.pitch) * up)

    @property
    def eye_from_world(self) -> F64:
        """(4, 4): +X right, +Y up, looking along -Z."""
        forward = self.forward
        right = np.cross(forward, self.up)
        right /= np.linalg.norm(right)
        matrix = np.eye(4)
        matrix[:3, :3] = right, np.cross(right, forward), -forward
        matrix[:3, 3] = -matrix[:3, :3] @ self.eye_in_world
        return matrix

    @property
    def near(self) -> float:
        """Distance of the near plane."""
        return self.distance * NEAR_SHARE

    def clip_from_eye(self, size_px: Size) -> F64:
        """(4, 4): perspective with the far plane at infinity."""
        width, height = size_px
        cotangent = 1 / math.tan(self.vertical_fov / 2)
        matrix = np.zeros((4, 4))
        matrix[0, 0] = cotangent * height / width
        matrix[1, 1] = cotangent
        matrix[2, 2:] = -1, -2 * self.near
        matrix[3, 2] = -1
        return matrix

    def clip_from_world(self, size_px: Size) -> F64:
        """(4, 4)"""
        return self.clip_from_eye(size_px) @ self.eye_from_world

    def pixels_per_unit(self, size_px: Size) -> float:
        """At distance 1."""
        return size_px[1] / 2 / math.tan(self.vertical_fov / 2)

    def orbited(self, right_px: float, down_px: float) -> Camera3D:
        """After dragging with the orbit button."""
        pitch = min(max(self.pitch + down_px * 0.006, -MAX_PITCH), MAX_PITCH)
        return replace(self, yaw=math.remainder(self.yaw - right_px * 0.006, math.tau), pitch=pitch)

    def panned(self, right_px: float, down_px: float, size_px: Size) -> Camera3D:
        """After dragging with the pan button: what is at the target's depth follows the pointer."""
        per_px = self.distance / self.pixels_per_unit(size_px)
        right, up = self.eye_from_world[:2, :3]
        return replace(self, target=_vec3(self.target + (down_px * up - right_px * right) * per_px))

    def zoomed(self, factor: float) -> Camera3D:
        """`factor` times as far from the target."""
        return replace(self, distance=min(max(self.distance * factor, 1e-4), 1e8))

    def flown(self, right: float, up: float, forward: float) -> Camera3D:
        """Moved, target and all, by these shares of the distance: keys W A S D Q E."""
        axis_right, axis_up, axis_back = self.eye_from_world[:3, :3]
        moved = right * axis_right + up * axis_up - forward * axis_back
        return replace(self, target=_vec3(self.target + moved * self.distance))

    def turned(self, right_px: float, down_px: float) -> Camera3D:
        """Looking elsewhere from the same place."""
        eye = self.eye_in_world
        turned = self.orbited(right_px, down_px)
        return replace(turned, target=_vec3(eye + turned.distance * turned.forward))

    def fitted(self, bounds: Bounds) -> Camera3D:
        """Looking at all of `bounds` from the same direction."""
        if bounds.is_empty:
            return self
        radius = max(float(np.linalg.norm(bounds.size)) / 2, 1e-3)
        distance = radius / math.sin(self.vertical_fov / 2) * 0.85
        return replace(self, target=_vec3(bounds.center), distance=distance)

    def ray_in_world(self, x_px: float, y_px: float, size_px: Size) -> tuple[F64, F64]:
        """`(origin, unit direction)` of the ray through a pixel."""
        width, height = size_px
        in_eye = np.array([x_px - width / 2, height / 2 - y_px, -self.pixels_per_unit(size_px)])
        direction = in_eye @ self.eye_from_world[:3, :3]
        return self.eye_in_world, direction / np.linalg.norm(direction)


@dataclass(frozen=True, slots=True)
class Camera2D:
    """A window onto a plane, x right and y down like pixels of an image."""

    center: tuple[float, float] = (0.5, 0.5)
    extent: tuple[float, float] = (1.0, 1.0)
    """Width and height of what must be visible; the rest of the window shows what is around it."""

    def pixels_per_unit(self, size_px: Size) -> float:
        """Screen pixels per scene unit (image pixel)."""
        return min(size_px[0] / self.extent[0], size_px[1] / self.extent[1])

    def clip_from_world(self, size_px: Size) -> F64:
        """(4, 4): larger z is nearer to the eye."""
        width, height = size_px
        scale = self.pixels_per_unit(size_px)
        matrix = np.diag([2 * scale / width, -2 * scale / height, -FLAT_DEPTH, 1.0])
        matrix[:2, 3] = -matrix[0, 0] * self.center[0], -matrix[1, 1] * self.center[1]
        return matrix

    def at(self, x_px: float, y_px: float, size_px: Size) -> tuple[float, float]:
        """The place in the plane under a screen pixel."""
        scale = self.pixels_per_unit(size_px)
        return (
            self.center[0] + (x_px - size_px[0] / 2) / scale,
            self.center[1] + (y_px - size_px[1] / 2) / scale,
        )

    def panned(self, right_px: float, down_px: float, size_px: Size) -> Camera2D:
        """After dragging: the plane follows the pointer."""
        scale = self.pixels_per_unit(size_px)
        return replace(self, center=(self.center[0] - right_px / scale, self.center[1] - down_px / scale))

    def zoomed(self, factor: float, x_px: float, y_px: float, size_px: Size) -> Camera2D:
        """Showing `factor` times as much, with what is under the pointer staying there."""
        factor = min(max(factor, 1e-6 / max(self.extent)), 1e9 / max(self.extent))
        x, y = self.at(x_px, y_px, size_px)
        return Camera2D(
            (x + (self.center[0] - x) * factor, y + (self.center[1] - y) * factor),
            (self.extent[0] * factor, self.extent[1] * factor),
        )

    def fitted(self, bounds: Bounds) -> Camera2D:
        """Showing all of `bounds`."""
        if bounds.is_empty:
            return self
        width, height, _ = bounds.size
        x, y, _ = bounds.center
        return Camera2D((float(x), float(y)), (max(float(width), 1e-6), max(float(height), 1e-6)))


def on_screen(positions: npt.ArrayLike, clip_from_world: F64, size_px: Size) -> tuple[F64, npt.NDArray[np.bool_]]:
    """Where world positions (n, 3) are on the screen: `(n, 3) x_px, y_px, clip w` and (n,) whether they can be seen."""
    world = np.asarray(positions, np.float64)
    clip = np.c_[world, np.ones(len(world))] @ clip_from_world.T
    w = clip[:, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        device = clip[:, :3] / w[:, None]
    seen = (w > 0) & (np.abs(device) <= 1).all(axis=1)
    width, height = size_px
    return np.c_[(device[:, 0] + 1) * (width / 2), (1 - device[:, 1]) * (height / 2), w], seen


def level_axes(up: Vec3) -> tuple[F64, F64, F64]:
    """East, north and up of a world with this up direction; x and y themselves where z is up."""
    upward = np.array(up, np.float64)
    east = np.array([1.0, 0, 0]) if abs(upward[0]) < 0.9 else np.array([0, 0, 1.0])
    east -= upward * (east @ upward)
    east /= np.linalg.norm(east)
    return east, np.cross(upward, east), upward


def _vec3(values: F64) -> Vec3:
    x, y, z = (float(value) for value in values)
    return x, y, z
