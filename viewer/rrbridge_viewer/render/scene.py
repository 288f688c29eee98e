"""A scene: primitives and the space that they fill."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from rrbridge_viewer.render.primitives import F32, F64, Labels, Lines, Mesh, Picture, Points, Primitive, Solids

__all__ = ["Bounds", "Scene", "bounds_of"]

SAMPLED = 20_000
"""More positions than this are sampled: bounds are for placing cameras, not for culling."""
OUTLIERS = 0.005
"""A cloud's stray returns (this share at either end of each axis) do not count."""

_known: dict[int, tuple[weakref.ref[F32], Bounds]] = {}


@dataclass(frozen=True, slots=True)
class Bounds:
    """An axis-aligned box; empty where low > high."""

    low: tuple[float, float, float] = (np.inf, np.inf, np.inf)
    high: tuple[float, float, float] = (-np.inf, -np.inf, -np.inf)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing inside."""
        return not all(a <= b for a, b in zip(self.low, self.high, strict=True))

    @property
    def center(self) -> F64:
        """(3,)"""
        return (np.array(self.low) + self.high) / 2

    @property
    def size(self) -> F64:
        """(3,)"""
        return np.array(self.high) - self.low

    @property
    def corners(self) -> F64:
        """(8, 3)"""
        return np.array(np.meshgrid(*zip(self.low, self.high, strict=True))).reshape(3, -1).T

    def __or__(self, other: Bounds) -> Bounds:
        low = np.minimum(self.low, other.low)
        high = np.maximum(self.high, other.high)
        return _bounds(low, high)

    def transformed(self, matrix: F64) -> Bounds:
        """The bounds of this box after a (4, 4) transform."""
        if self.is_empty:
            return self
        moved = np.c_[self.corners, np.ones(8)] @ matrix.T
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = moved[:, :3] / moved[:, 3:]
        moved = moved[np.isfinite(moved).all(axis=1)]
        return _bounds(moved.min(axis=0), moved.max(axis=0)) if len(moved) else Bounds()


@dataclass(frozen=True)
class Scene:
    """Everything one view shows at one time."""

    primitives: tuple[Primitive, ...] = ()

    @classmethod
    def of(cls, primitives: Iterable[Primitive]) -> Scene:
        """A scene of these."""
        return cls(tuple(primitives))

    @cached_property
    def bounds(self) -> Bounds:
        """Of all primitives in the world, without stray points."""
        found = Bounds()
        for primitive in self.primitives:
            found |= bounds_of(primitive)
        return found

    def bounds_of_entity(self, entity_path: str) -> Bounds:
        """Of the primitives of one entity, and of the entities below it."""
        found = Bounds()
        for primitive in self.primitives:
            if primitive.entity_path == entity_path or primitive.entity_path.startswith(entity_path.rstrip("/") + "/"):
                found |= bounds_of(primitive)
        return found


def bounds_of(primitive: Primitive) -> Bounds:
    """In the world."""
    return _in_entity(primitive).transformed(primitive.world_from_entity)


def _in_entity(primitive: Primitive) -> Bounds:
    match primitive:
        case Points() | Lines() | Labels():
            return _of_positions(primitive.positions)
        case Solids():
            reach = np.abs(primitive.poses[:, :, :3]).sum(axis=2)
            centers = primitive.poses[:, :, 3]
            return _of_boxes(centers - reach, centers + reach)
        case Mesh():
            box = _of_positions(primitive.vertices)
            if primitive.poses is None:
                return box
            found = Bounds()
            for pose in primitive.poses[:64].astype(np.float64):
                found |= box.transformed(np.vstack([pose, [0, 0, 0, 1]]))
            return found
        case Picture():
            corner, across, down = np.array(primitive.corner), np.array(primitive.across), np.array(primitive.down)
            corners = np.array([corner, corner + across, corner + down, corner + across + down])
            return _bounds(corners.min(axis=0), corners.max(axis=0))
        case _:
            return Bounds()


def _of_boxes(low: F32, high: F32) -> Bounds:
    finite = np.isfinite(low).all(axis=1) & np.isfinite(high).all(axis=1)
    return _bounds(low[finite].min(axis=0), high[finite].max(axis=0)) if finite.any() else Bounds()


def _of_positions(positions: F32) -> Bounds:
    """Remembered by the array's identity, for as long as the array lives."""
    known = _known.get(id(positions))
    if known and known[0]() is positions:
        return known[1]
    sample = positions[:: max(1, len(positions) // SAMPLED)]
    sample = sample[np.isfinite(sample).all(axis=1)].astype(np.float64)
    if not len(sample):
        found = Bounds()
    elif len(sample) < 1000:
        found = _bounds(sample.min(axis=0), sample.max(axis=0))
    else:
        low, high = np.quantile(sample, [OUTLIERS, 1 - OUTLIERS], axis=0)
        found = _bounds(low, high)
    identity = id(positions)
    _known[identity] = (weakref.ref(positions, lambda _: _known.pop(identity, None)), found)
    return found


def _bounds(low: npt.NDArray[Any], high: npt.NDArray[Any]) -> Bounds:
    return Bounds(_triple(low), _triple(high))


def _triple(values: npt.NDArray[Any]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
