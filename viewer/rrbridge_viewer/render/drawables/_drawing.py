"""What every drawable is given and must answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from rrbridge_viewer.render.gpu import Gpu, set_uniforms
from rrbridge_viewer.render.primitives import F32, F64, Colors, Primitive

__all__ = ["DRAWABLES", "PICK_FRAGMENT", "Drawable", "Drawing", "draws", "is_transparent", "recentred"]

P = TypeVar("P", bound=Primitive)

FAR_FROM_ORIGIN = 4096.0
"""Positions further out than this (in scene units) lose millimetres in 32-bit shaders, so they are stored around their middle."""

PICK_FRAGMENT = """#version 330
flat in uint instance;
uniform uint entity;
uniform int only_instance;
layout(location=0) out uvec2 hit;
void main() {
    if (only_instance >= 0 && instance != uint(only_instance)) discard;
    hit = uvec2(entity, instance + 1u);
}
"""
"""Writes who is where instead of colours: entity number, instance + 1."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawing:
    """One pass over the scene: from where, how large, and whether colours or identities are wanted."""

    clip_from_world: F64
    eye_from_world: F64
    """For lighting; its rotation matters."""
    viewport_px: tuple[int, int]
    pixels_per_unit: float
    """Where clip w is 1."""
    pixels_per_point: float
    nearer: float
    """Subtracted from clip z, to lift lines off the surfaces they lie on."""
    near: float
    """Clip w where lines are cut off before they pass through the eye."""
    entity: int | None = None
    """For picking: the number to write for the entity; None: colours."""
    only_instance: int = -1
    """For picking: leave out other instances."""

    def uniforms(self, world_from_entity: F64, origin: F64) -> dict[str, Any]:
        """What all shaders may ask for, for positions that are stored relative to `origin` (3,).

        Products are made in 64 bits, so that a camera near a robot at UTM coordinates does not tremble.
        """
        world_from_stored = world_from_entity.copy()
        world_from_stored[:, 3] += world_from_entity[:, :3] @ origin
        clip_from_stored = self.clip_from_world @ world_from_stored
        affine = world_from_entity[3, 3] == 1 and not world_from_entity[3, :3].any()
        rows = (0, 1, 2) if affine else (0, 1, 3)
        linear = world_from_entity[rows, :3]
        determinant = abs(float(np.linalg.det(linear)))
        values: dict[str, Any] = {
            "clip_from_entity": clip_from_stored,
            "eye_from_entity": self.eye_from_world[:3, :3] @ (_scaled(linear) if affine else _camera_axes(linear)),
            "viewport_px": tuple(float(side) for side in self.viewport_px),
            "pixels_per_unit": self.pixels_per_unit * determinant ** (1 / 3 if affine else 1 / 2),
            "pixels_per_point": self.pixels_per_point,
            "nearer": self.nearer,
            "near": self.near,
        }
        if self.entity is not None:
            values |= {"entity": self.entity, "only_instance": self.only_instance}
        return values


class Drawable(ABC, Generic[P]):
    """GPU memory of one primitive, kept from frame to frame."""

    transparent = False
    """Whether what is behind shows through; drawn after all that is opaque."""
    writes_depth = True
    """Whether a transparent one hides what is drawn after it."""
    order = 0
    """Among transparent ones, lower is drawn first."""

    def __init__(self, gpu: Gpu) -> None:
        self.gpu = gpu

    @abstractmethod
    def update(self, primitive: P) -> None:
        """Upload what changed."""

    @abstractmethod
    def draw(self, drawing: Drawing) -> None:
        """Draw what was uploaded into the bound framebuffer."""

    @abstractmethod
    def release(self) -> None:
        """Free the memory."""

    def set_uniforms(self, program: Any, drawing: Drawing, primitive: Primitive, origin: F64, **more: Any) -> None:
        """The common uniforms, and some more."""
        values = drawing.uniforms(primitive.world_from_entity, origin) | more
        if program.get("to_eye", None) is not None:
            values["to_eye"] = to_eye(values["clip_from_entity"])
        set_uniforms(program, **values)


DRAWABLES: dict[type[Primitive], type[Drawable[Any]]] = {}
"""Which class draws which primitive."""


def draws(primitive: type[Primitive]) -> Callable[[type[Drawable[Any]]], type[Drawable[Any]]]:
    """Register the decorated class."""

    def register(drawable: type[Drawable[Any]]) -> type[Drawable[Any]]:
        DRAWABLES[primitive] = drawable
        return drawable

    return register


def is_transparent(colors: Colors) -> bool:
    """Whether any of (n, 4) colours lets something through."""
    return bool(len(colors)) and int(colors[:, 3].min()) < 255


def recentred(positions: F32) -> tuple[F32, F64]:
    """Positions around an origin near them, and that origin (3,): zero unless they are far out."""
    sample = positions[:: max(1, len(positions) // 256)]
    sample = sample[np.isfinite(sample).all(axis=1)]
    if not len(sample):
        return positions, np.zeros(3)
    middle = np.median(sample, axis=0).astype(np.float64)
    if np.abs(middle).max() < FAR_FROM_ORIGIN:
        return positions, np.zeros(3)
    return (positions - middle).astype(np.float32), middle


def _scaled(linear: F64) -> F64:
    """(3, 3) without its uniform scale; normals only need directions."""
    scale = np.linalg.norm(linear, axis=1, keepdims=True).max()
    return linear / scale if scale > 0 else linear


def _camera_axes(linear: F64) -> F64:
    """(3, 3): the camera's right, down and forward in a pinhole projection's rows f·right + c·forward, …, forward."""
    forward = linear[2] / max(float(np.linalg.norm(linear[2])), 1e-12)
    axes = np.array([*(row - (row @ forward) * forward for row in linear[:2]), forward])
    return np.asarray(axes / np.maximum(np.linalg.norm(axes, axis=1, keepdims=True), 1e-12))


def to_eye(clip_from_entity: F64) -> F64:
    """(4,): the eye as seen from the entity, w = 1, or the direction towards it, w = 0, if it is infinitely far away."""
    x, y, w = clip_from_entity[[0, 1, 3]]
    if np.abs(w[:3]).max() > 1e-9 * abs(w[3]):
        return np.append(np.linalg.solve(np.array([x[:3], y[:3], w[:3]]), -np.array([x[3], y[3], w[3]])), 1.0)
    toward = np.cross(x[:3], y[:3])
    toward /= max(float(np.linalg.norm(toward)), 1e-12)
    return np.append(-toward if clip_from_entity[2, :3] @ toward > 0 else toward, 0.0)
