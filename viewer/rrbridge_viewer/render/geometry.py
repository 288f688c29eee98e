"""Numpy geometry: poses, unit shapes, normals."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rrbridge_viewer.render.primitives import F32, SolidShape

__all__ = [
    "affine",
    "broadcast",
    "composed",
    "unit_shape",
    "vertex_normals",
]

AROUND = 32
"""Sides of a cylinder, meridians of a sphere."""


def broadcast(values: npt.NDArray[Any], count: int) -> npt.NDArray[Any]:
    """`count` rows of values of which there are that many, or one, or too few: the last one stands for the rest."""
    if len(values) >= count:
        return values[:count]
    if len(values) == 0:
        return np.zeros((count, *values.shape[1:]), values.dtype)
    return values[np.minimum(np.arange(count), len(values) - 1)]


def affine(
    centers: npt.NDArray[np.floating[Any]],
    rotations: npt.NDArray[np.floating[Any]] | None = None,
    scales: npt.NDArray[np.floating[Any]] | None = None,
) -> F32:
    """(n, 3, 4) poses from centers (n, 3), rotations (n, 3, 3) and scales along the turned axes (n, 3)."""
    count = len(centers)
    poses = np.zeros((count, 3, 4), np.float32)
    linear = np.broadcast_to(np.eye(3), (count, 3, 3)) if rotations is None else rotations
    poses[:, :, :3] = linear if scales is None else linear * np.asarray(scales)[:, None, :]
    poses[:, :, 3] = centers
    return poses


def composed(outer: F32, inner: F32) -> F32:
    """(k * n, 3, 4): every inner pose (n, 3, 4) within every outer one (k, 3, 4), outer by outer."""
    linear = outer[:, None, :, :3] @ inner[None, :, :, :3]
    shift = outer[:, None, :, :3] @ inner[None, :, :, 3:] + outer[:, None, :, 3:]
    return np.concatenate([linear, shift], axis=3).reshape(-1, 3, 4).astype(np.float32)


def vertex_normals(vertices: F32, triangles: npt.NDArray[np.uint32]) -> F32:
    """(n, 3) unit normals: the sum of the touching triangles' normals, large triangles counting more."""
    corners = vertices[triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.empty_like(vertices)
    indices = triangles.reshape(-1)
    for axis in range(3):
        weights = np.repeat(faces[:, axis], 3)
        normals[:, axis] = np.bincount(indices, weights, minlength=len(vertices))[: len(vertices)]
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(length > 0, normals / np.where(length > 0, length, 1), (0, 0, 1)).astype(np.float32)


def unit_shape(shape: SolidShape) -> tuple[F32, F32, npt.NDArray[np.uint32]]:
    """`(vertices, normals, triangles)` of a unit shape, see `primitives.Solids`."""
    match shape:
        case "box":
            return _box()
        case "sphere":
            return _sphere()
        case "cylinder":
            return _cylinder(top_radius=1.0)
        case "cone":
            return _cylinder(top_radius=0.0)


def _box() -> tuple[F32, F32, npt.NDArray[np.uint32]]:
    vertices: list[Any] = []
    normals: list[Any] = []
    triangles: list[Any] = []
    for axis in range(3):
        for side in (-1.0, 1.0):
            normal = np.zeros(3)
            normal[axis] = side
            u, v = np.roll(np.eye(3), 1, axis=0)[axis], np.roll(np.eye(3), 2, axis=0)[axis]
            base = 4 * (len(vertices))
            vertices.append([normal + a * u + b * v for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
            normals.append([normal] * 4)
            quad = np.array([[0, 1, 2], [0, 2, 3]]) + base
            inward = np.cross(u, v) @ normal < 0
            triangles.append(quad[:, ::-1] if inward else quad)
    return _packed(vertices, normals, triangles)


def _sphere() -> tuple[F32, F32, npt.NDArray[np.uint32]]:
    rings = AROUND // 2
    polar, azimuth = np.meshgrid(np.linspace(0, np.pi, rings + 1), np.linspace(0, 2 * np.pi, AROUND + 1), indexing="ij")
    vertices = np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=2)
    corner = (np.arange(rings)[:, None] * (AROUND + 1) + np.arange(AROUND)).reshape(-1)
    below = corner + AROUND + 1
    triangles = np.concatenate([np.stack([corner, below, below + 1], 1), np.stack([corner, below + 1, corner + 1], 1)])
    return _packed([vertices.reshape(-1, 3)], [vertices.reshape(-1, 3)], [triangles])


def _cylinder(*, top_radius: float) -> tuple[F32, F32, npt.NDArray[np.uint32]]:
    azimuth = np.linspace(0, 2 * np.pi, AROUND + 1)
    ring = np.stack([np.cos(azimuth), np.sin(azimuth), np.zeros_like(azimuth)], axis=1)
    low, high = ring - (0, 0, 1), np.add(ring * top_radius, (0, 0, 1))
    slope = np.add(ring, (0, 0, (1 - top_radius) / 2))
    slope /= np.linalg.norm(slope, axis=1, keepdims=True)
    number = np.arange(AROUND)
    side = np.concatenate(
        [
            np.stack([number, number + 1, number + AROUND + 2], 1),
            np.stack([number, number + AROUND + 2, number + AROUND + 1], 1),
        ]
    )
    vertices, normals, triangles = [np.concatenate([low, high])], [np.concatenate([slope, slope])], [side]
    for z, radius in ((-1.0, 1.0), (1.0, top_radius)):
        if radius:
            base = sum(map(len, vertices))
            vertices.append(np.concatenate([np.add(ring * radius, (0, 0, z)), [[0, 0, z]]]))
            normals.append(np.tile([0.0, 0, z], (AROUND + 2, 1)))
            fan = np.stack([number, number + 1, np.full(AROUND, AROUND + 1)], 1) + base
            triangles.append(fan if z > 0 else fan[:, ::-1])
    return _packed(vertices, normals, triangles)


def _packed(vertices: list[Any], normals: list[Any], triangles: list[Any]) -> tuple[F32, F32, npt.NDArray[np.uint32]]:
    return (
        np.concatenate(vertices).astype(np.float32),
        np.concatenate(normals).astype(np.float32),
        np.concatenate(triangles).astype(np.uint32),
    )
