"""Shapes drawn as lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rrbridge_viewer.render.geometry import broadcast
from rrbridge_viewer.render.primitives import F32, Colors, Lines

__all__ = ["BOX", "SPHERE", "SPHERE_DENSE", "TUBE", "TUBE_DENSE", "Template", "circle", "half_circle", "wireframe"]

AROUND = 40
Polyline = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Template:
    """Strips around the origin."""

    points: F32
    """(n, 3): of all strips."""
    lengths: npt.NDArray[np.int64]
    """(m,): points of each."""

    @classmethod
    def of(cls, strips: Sequence[Polyline]) -> Template:
        """From strips (k, 3) each."""
        return cls(np.concatenate(strips).astype(np.float32), np.array([len(strip) for strip in strips]))


def circle(axis: int, height: float = 0.0, radius: float = 1.0) -> Polyline:
    """A circle around an axis, at a height on it."""
    return _arc(axis, height, radius, 0.0, 2 * np.pi)


def half_circle(axis: int, *, upper: bool) -> Polyline:
    """Half a unit circle around the X or Y axis, above or below z = 0."""
    start = {0: 0.0, 1: -np.pi / 2}[axis] + (0.0 if upper else np.pi)
    return _arc(axis, 0.0, 1.0, start, start + np.pi)


def _arc(axis: int, height: float, radius: float, start: float, end: float) -> Polyline:
    angle = np.linspace(start, end, AROUND + 1)
    points = np.zeros((len(angle), 3))
    points[:, (axis + 1) % 3] = np.cos(angle) * radius
    points[:, (axis + 2) % 3] = np.sin(angle) * radius
    points[:, axis] = height
    return points


def _sides(count: int) -> list[Polyline]:
    angle = np.arange(count) * (2 * np.pi / count)
    return [np.array([[np.cos(a), np.sin(a), -1.0], [np.cos(a), np.sin(a), 1.0]]) for a in angle]


_RING = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
BOX = Template.of(
    [np.c_[_RING, np.full(5, -1)], np.c_[_RING, np.full(5, 1)]]
    + [np.array([[x, y, -1], [x, y, 1]]) for x, y in _RING[:4]]
)
SPHERE = Template.of([circle(axis) for axis in range(3)])
SPHERE_DENSE = Template.of(
    [circle(2, z, float(np.sqrt(1 - z * z))) for z in np.sin(np.linspace(-1.3, 1.3, 9))]
    + [
        circle(1) @ np.array([[np.cos(a), np.sin(a), 0], [-np.sin(a), np.cos(a), 0], [0, 0, 1]])
        for a in np.arange(6) * np.pi / 6
    ]
)
TUBE = Template.of([circle(2, -1.0), circle(2, 1.0), *_sides(4)])
TUBE_DENSE = Template.of([circle(2, z) for z in np.linspace(-1, 1, 5)] + _sides(16))


def wireframe(parts: Sequence[tuple[Template, F32]], colors: Colors, radii: F32) -> Lines:
    """Templates, each at every one of its poses (n, 3, 4); colours and radii are per pose, like instance numbers."""
    positions, lengths, owners = [], [], []
    count = max((len(poses) for _, poses in parts), default=0)
    for template, poses in parts:
        placed = np.einsum("nij,kj->nki", poses[:, :, :3], template.points) + poses[:, None, :, 3]
        positions.append(placed.reshape(-1, 3))
        lengths.append(np.tile(template.lengths, len(poses)))
        owners.append(np.repeat(np.arange(len(poses)), len(template.lengths)))
    owner = np.concatenate(owners) if owners else np.zeros(0, np.int64)
    return Lines(
        positions=np.concatenate(positions).astype(np.float32) if positions else np.zeros((0, 3), np.float32),
        offsets=np.concatenate([[0], np.cumsum(np.concatenate(lengths))]) if lengths else np.zeros(1, np.int64),
        colors=broadcast(colors, count)[owner] if count else colors,
        radii=broadcast(radii, count)[owner] if count else radii,
        instance_ids=owner.astype(np.uint32),
    )
