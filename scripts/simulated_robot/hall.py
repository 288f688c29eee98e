"""The hall that the robot drives through, and what a ray sees of it.

Everything stands upright and every sensor is level, so a ray splits into a horizontal direction and a slope: a picture of
240 × 320 pixels needs 320 horizontal cuts per shape, not 76 800.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["CRATE", "Box", "Hits", "Pillar", "cast", "hall", "shade"]

Floats: TypeAlias = npt.NDArray[np.floating[Any]]

CEILING_METERS = 3.0
LIGHT_IN_HALL = np.array([0.45, 0.75])
"""Horizontal direction towards the brighter end of the hall, not normalised."""
FLOOR, CEILING, NOTHING = -1, -2, -3


@dataclass(frozen=True, slots=True)
class Box:
    """An upright box. Metres in the map frame."""

    center: tuple[float, float]
    size: tuple[float, float]
    height: float
    color: tuple[int, int, int]
    yaw: float = 0.0
    name: str = ""

    def cut(self, origin: Floats, directions: Floats) -> tuple[Floats, Floats, Floats]:
        """Where rays enter and leave the outline, and how bright the side is that they meet; each shape (A,)."""
        c, s = np.cos(self.yaw), np.sin(self.yaw)
        box_from_map = np.array([[c, s], [-s, c]])
        start = box_from_map @ (origin[:2] - np.array(self.center))
        along = directions @ box_from_map.T
        along = np.where(np.abs(along) < 1e-9, 1e-9, along)
        half = np.array(self.size) / 2
        one, two = (-half - start) / along, (half - start) / along
        near, far = np.minimum(one, two), np.maximum(one, two)
        axis = np.argmax(near, axis=1)
        sign = -np.sign(np.take_along_axis(along, axis[:, None], axis=1))[:, 0]
        normals = (box_from_map.T)[:, axis].T * sign[:, None]
        return near.max(axis=1), far.min(axis=1), brightness(normals)


@dataclass(frozen=True, slots=True)
class Pillar:
    """An upright cylinder. Metres in the map frame."""

    center: tuple[float, float]
    radius: float
    height: float
    color: tuple[int, int, int]
    name: str = ""

    def cut(self, origin: Floats, directions: Floats) -> tuple[Floats, Floats, Floats]:
        """Where rays enter and leave the outline, and how bright the side is that they meet; each shape (A,)."""
        start = origin[:2] - np.array(self.center)
        a = np.einsum("ij,ij->i", directions, directions)
        b = directions @ start
        root = b * b - a * (start @ start - self.radius**2)
        half = np.sqrt(np.maximum(root, 0)) / a
        near = np.where(root > 0, -b / a - half, np.inf)
        far = np.where(root > 0, -b / a + half, -np.inf)
        normals = (start + np.where(np.isfinite(near), near, 0)[:, None] * directions) / self.radius
        return near, far, brightness(normals)


Shape: TypeAlias = Box | Pillar

CRATE = Box((7.55, 2.55), (0.7, 0.6), 0.42, (196, 60, 48), 0.35, "pallet")
"""What somebody left in the way; the robot's map does not have it."""


def hall() -> tuple[Shape, ...]:
    """Everything in the hall, `CRATE` last."""
    wall, door = (206, 204, 196), (92, 112, 130)
    return (
        Box((5.0, -0.08), (10.3, 0.16), CEILING_METERS, wall, name="wall"),
        Box((5.0, 7.08), (10.3, 0.16), CEILING_METERS, wall, name="wall"),
        Box((-0.08, 3.5), (0.16, 7.0), CEILING_METERS, wall, name="wall"),
        Box((10.08, 3.5), (0.16, 7.0), CEILING_METERS, wall, name="wall"),
        Box((4.4, 1.4), (0.14, 2.8), 1.5, (150, 166, 172), name="partition"),
        Box((9.75, 3.1), (0.5, 2.0), 1.7, (70, 128, 92), name="shelf"),
        Box((6.1, 0.8), (1.0, 0.7), 0.9, (66, 104, 168), name="bench"),
        Box((0.8, 5.9), (0.9, 0.9), 0.7, (214, 148, 52), 0.3, "crate"),
        Box((1.9, 6.3), (0.6, 0.6), 0.5, (226, 170, 84), -0.15, "crate"),
        Box((3.0, 6.97), (1.1, 0.1), 2.05, door, name="door"),
        Box((9.72, 5.95), (0.36, 0.7), 0.55, (54, 150, 170), name="dock"),
        Box((8.3, 6.55), (0.7, 0.5), 0.62, (226, 190, 60), 0.12, "crate"),
        Box((7.35, 6.6), (0.5, 0.5), 0.4, (120, 84, 150), -0.2, "crate"),
        Pillar((2.7, 2.9), 0.17, CEILING_METERS, (178, 118, 92), "pillar"),
        Pillar((6.9, 5.2), 0.17, CEILING_METERS, (178, 118, 92), "pillar"),
        CRATE,
    )


@dataclass(frozen=True, slots=True)
class Hits:
    """What R × A rays met."""

    distance: npt.NDArray[np.float32]
    """In units of the horizontal direction given; inf where there is nothing."""
    shape: npt.NDArray[np.int8]
    """Index of the shape, or FLOOR, CEILING, NOTHING."""
    light: npt.NDArray[np.float32]
    """Brightness of the surface, 0 to 1."""


def cast(shapes: tuple[Shape, ...], origin: Floats, directions: Floats, slopes: Floats) -> Hits:
    """Meet the hall with every pair of a horizontal direction, shape (A, 2), and a slope (rise per unit of direction), (R,)."""
    rows, columns = len(slopes), len(directions)
    rise = np.where(np.abs(slopes) < 1e-9, 1e-9, slopes).astype(np.float32)[:, None]
    down = rise < 0
    flat = np.where(down, -origin[2] / rise, (CEILING_METERS - origin[2]) / rise).astype(np.float32)
    flat = np.where(flat < 60, flat, np.inf).astype(np.float32)
    distance = np.repeat(flat, columns, axis=1)
    shape = np.repeat(
        np.where(np.isfinite(flat), np.where(down, FLOOR, CEILING), NOTHING).astype(np.int8), columns, axis=1
    )
    light = np.full((rows, columns), 0.9, np.float32)
    for index, solid in enumerate(shapes):
        near, far, side = solid.cut(origin, directions)
        seen = np.flatnonzero((far > np.maximum(near, 0)) & (near > 0))
        if not len(seen):
            continue
        part = slice(seen[0], seen[-1] + 1)
        enter = near[part].astype(np.float32)
        leave = far[part].astype(np.float32)
        base, top = -origin[2] / rise, (solid.height - origin[2]) / rise
        lid = np.minimum(base, top).astype(np.float32)
        at = np.maximum(enter, lid)
        hit = (at < np.minimum(leave, np.maximum(base, top).astype(np.float32))) & (at > 0) & (at < distance[:, part])
        distance[:, part] = np.where(hit, at, distance[:, part])
        shape[:, part] = np.where(hit, np.int8(index), shape[:, part])
        lit = np.where(lid > enter, np.float32(1.0), side[part].astype(np.float32))
        light[:, part] = np.where(hit, lit, light[:, part])
    return Hits(distance, shape, light)


def shade(
    shapes: tuple[Shape, ...], origin: Floats, directions: Floats, slopes: Floats, hits: Hits
) -> npt.NDArray[np.uint8]:
    """The colour of what each ray met, shape (R, A, 3)."""
    far = np.where(np.isfinite(hits.distance), hits.distance, np.float32(0))
    x = np.float32(origin[0]) + far * directions[:, 0].astype(np.float32)
    y = np.float32(origin[1]) + far * directions[:, 1].astype(np.float32)
    z = np.float32(origin[2]) + far * slopes.astype(np.float32)[:, None]
    palette = np.array([s.color for s in shapes] + [(20, 24, 30), (232, 232, 226), (168, 162, 152)], np.float32)
    tone = hits.light.copy()

    floor = hits.shape == FLOOR
    tiles = ((np.floor(x[floor] * 2).astype(np.int32) + np.floor(y[floor] * 2).astype(np.int32)) & 1).astype(np.float32)
    joint = (np.abs((x[floor] * 2) % 1 - 0.5) > 0.485) | (np.abs((y[floor] * 2) % 1 - 0.5) > 0.485)
    tone[floor] = np.where(joint, 0.55, 0.86 - 0.16 * tiles)
    ceiling = hits.shape == CEILING
    lamp = (np.abs(x[ceiling] % 2.5 - 1.25) < 0.6) & (np.abs(y[ceiling] % 2 - 1) < 0.12)
    tone[ceiling] = np.where(lamp, 1.1, 0.72)
    walls = (hits.shape >= 0) & (hits.shape < 4)
    skirting, band = z[walls] < 0.12, np.abs(z[walls] - 1.05) < 0.05
    tone[walls] *= np.where(skirting, 0.4, np.where(band, 0.62, 1.0))
    goods = hits.shape >= 5
    tone[goods] *= np.where(z[goods] % 0.21 < 0.02, 0.55, 1.0)

    color = palette[hits.shape] * tone[..., None]
    haze = np.exp(far * np.float32(-1 / 30))[..., None]
    seen: npt.NDArray[np.uint8] = np.clip(color * haze + 196 * (1 - haze), 0, 255).astype(np.uint8)
    return seen


def brightness(normals: Floats) -> Floats:
    """How bright a vertical side is, by the way it looks."""
    facing = np.clip(normals @ (LIGHT_IN_HALL / np.linalg.norm(LIGHT_IN_HALL)), -1, 1)
    return np.asarray(0.74 + 0.26 * facing)
