"""What is kept on the GPU between frames: one scene renderer per view."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import moderngl
from imgui_bundle import imgui

from rrbridge_viewer.render.backdrop import Backdrop
from rrbridge_viewer.render.camera import Camera
from rrbridge_viewer.render.gpu import Gpu
from rrbridge_viewer.render.scene import Scene
from rrbridge_viewer.render.scene_renderer import Highlight, Pick, SceneRenderer

__all__ = ["Graphics"]


@dataclass
class Graphics:
    """Draws scenes for views. A view whose scene, camera and size are those of the last frame costs nothing."""

    gl: moderngl.Context
    pixels_per_point: float = 1.0
    """Framebuffer pixels per unit of the window's coordinates."""
    smooth: bool | None = None
    """Whether edges are smoothed; None: where that is cheap."""
    _renderers: dict[str, SceneRenderer] = field(default_factory=dict)

    @cached_property
    def _gpu(self) -> Gpu:
        return Gpu(self.gl, self.smooth)

    def picture(
        self,
        view_id: str,
        scene: Scene,
        camera: Camera,
        size: tuple[float, float],
        highlight: Highlight,
        backdrop: Backdrop,
    ) -> imgui.ImTextureRef:
        """A scene as a texture, its first row at the bottom. `size` is in the window's coordinates."""
        if view_id not in self._renderers:
            self._renderers[view_id] = SceneRenderer(self.gl, self._gpu)
        scale = self.pixels_per_point
        pixels = max(round(size[0] * scale), 1), max(round(size[1] * scale), 1)
        texture = self._renderers[view_id].render(
            scene, camera, pixels, highlight=highlight, backdrop=backdrop, pixels_per_point=scale
        )
        return imgui.ImTextureRef(texture.glo)

    def pick(self, view_id: str, x: float, y: float) -> Pick | None:
        """What is at a place of a view's last picture, in the window's coordinates from its top left."""
        renderer = self._renderers.get(view_id)
        return renderer.pick(x * self.pixels_per_point, y * self.pixels_per_point) if renderer else None

    def problems(self, view_id: str) -> tuple[tuple[str, str], ...]:
        """`(entity, why)` of what the driver could not draw in a view's last picture."""
        renderer = self._renderers.get(view_id)
        return tuple(renderer.problems.items()) if renderer else ()

    @property
    def scenes_drawn(self) -> int:
        """How often a scene was really drawn."""
        return sum(renderer.frames_drawn for renderer in self._renderers.values())

    def keep_only(self, view_ids: Iterable[str]) -> None:
        """Free what belongs to views that are gone."""
        for view_id in self._renderers.keys() - set(view_ids):
            self._renderers.pop(view_id).release()
