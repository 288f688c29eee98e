"""Draws scenes into textures of its own, and says what is under the pointer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import moderngl
import numpy as np

from rrbridge_viewer.render.backdrop import Backdrop, BackdropDrawable
from rrbridge_viewer.render.camera import Camera, Camera2D, Camera3D, Size, on_screen
from rrbridge_viewer.render.drawables import DRAWABLES, Drawable, Drawing
from rrbridge_viewer.render.drawables.points import BALLS_BELOW, PointsDrawable
from rrbridge_viewer.render.gpu import Gpu
from rrbridge_viewer.render.outlines import HOVERED, SELECTED, Outlines
from rrbridge_viewer.render.primitives import F64, Primitive
from rrbridge_viewer.render.scene import Bounds, Scene, bounds_of
from rrbridge_viewer.render.splats import Splats
from rrbridge_viewer.render.targets import PICK_WINDOW, PickTarget, Targets

__all__ = ["Backdrop", "Highlight", "Pick", "SceneRenderer"]

SPLAT_FROM = 150_000
"""With this many points in a scene, a software renderer splats them by compute shader: about where that begins to pay."""
LIFT = 0.006
"""How far lines are lifted off the surface they lie on: half this share of their distance."""
FLAT_NEAR = 1e-3
"""In a 2D view, what is projected into the picture is cut off this near to its camera, in scene units."""
MARGIN_PX = 80
"""How far an outline may reach beyond its entity's bounds: for radii in UI points, and stray points that bounds leave out."""
MAX_SIDE = 16_384
NORMAL_BLENDING = (moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA, moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA)


@dataclass(frozen=True, slots=True)
class Pick:
    """What is under a pixel."""

    entity_path: str
    instance: int
    """Which point, box, strip … of the entity; of a picture: row × width + column."""
    depth: float
    """0 at the near plane, 1 far away."""
    position: tuple[float, float, float]
    """Where it was hit, in the frame that the view shows."""


@dataclass(frozen=True, slots=True)
class Highlight:
    """What gets an outline: (entity path, instance); an instance of -1 means the whole entity."""

    selected: frozenset[tuple[str, int]] = field(default_factory=frozenset)
    hovered: frozenset[tuple[str, int]] = field(default_factory=frozenset)

    def __bool__(self) -> bool:
        return bool(self.selected or self.hovered)


NO_HIGHLIGHT = Highlight()
PLAIN = Backdrop()


@dataclass(frozen=True, slots=True)
class _Frame:
    """Everything that a picture depends on."""

    scene: Scene
    camera: Camera
    size_px: Size
    highlight: Highlight
    backdrop: Backdrop
    pixels_per_point: float


class SceneRenderer:
    """One per view. Keeps GPU buffers between frames by key and array identity; needs its GL context to be current.

    Renderers of one context may share a `Gpu`, so that programs are compiled once.
    """

    def __init__(self, ctx: moderngl.Context, gpu: Gpu | None = None) -> None:
        self.ctx = ctx
        self.gpu = gpu or Gpu(ctx)
        self.drawables: dict[str, Drawable[Any]] = {}
        self.problems: dict[str, str] = {}
        """Why an entity is missing from the last picture: entity path → a sentence."""
        self.frames_drawn = 0
        self._frame: _Frame | None = None
        self._splatted: set[str] = set()
        self._targets = Targets(self.gpu)
        self._pick_target = PickTarget(self.gpu)
        self._backdrop = BackdropDrawable(self.gpu)
        self._splats = Splats(self.gpu)
        self._outlines: Outlines | None = None

    def render(
        self,
        scene: Scene,
        camera: Camera,
        size_px: Size,
        *,
        highlight: Highlight = NO_HIGHLIGHT,
        backdrop: Backdrop = PLAIN,
        pixels_per_point: float = 1.0,
    ) -> moderngl.Texture:
        """The scene as an RGBA texture of this size, first row at the bottom as OpenGL has it; valid until the next call.

        Nothing is drawn if nothing has changed since the last call.
        """
        size_px = _within(size_px[0]), _within(size_px[1])
        frame = _Frame(scene, camera, size_px, highlight, backdrop, pixels_per_point)
        if frame == self._frame and self._targets.texture is not None:
            return self._targets.texture
        self._frame = frame
        self.frames_drawn += 1
        self._update(scene)
        with _own_state(self.ctx):
            target = self._targets.begin(size_px)
            self._draw(frame, target)
            if highlight:
                self._draw_outlines(frame, target)
            return self._targets.finish()

    def pick(self, x_px: float, y_px: float) -> Pick | None:
        """What was drawn last at a pixel, origin top left, or else nearest to it within a few pixels; None: nothing."""
        frame = self._frame
        if frame is None:
            return None
        height = frame.size_px[1]
        left = int(x_px) - PICK_WINDOW // 2
        low = height - 1 - int(y_px) - PICK_WINDOW // 2
        window_from_clip = _window_from_clip(left, low, frame.size_px)
        clip_from_world = window_from_clip @ frame.camera.clip_from_world(frame.size_px)
        shown = [primitive for primitive in frame.scene.primitives if primitive.key in self.drawables]
        if not isinstance(frame.camera, Camera3D):
            shown = self._in_order(shown, frame.camera)
        with _own_state(self.ctx):
            self._pick_target.begin()
            window = self._drawing(frame, clip_from_world, (PICK_WINDOW, PICK_WINDOW))
            for number, primitive in enumerate(shown, 1):
                drawing = replace(window, entity=number)
                self._set_depth_test(frame.camera, primitive)
                drawable = self.drawables[primitive.key]
                if primitive.key in self._splatted and isinstance(drawable, PointsDrawable):
                    self._splats.pick(drawable, drawing, (left, low))
                else:
                    drawable.draw(drawing)
            hit = self._pick_target.nearest()
        if hit is None:
            return None
        number, instance, depth, column, row = hit
        primitive = shown[number - 1]
        device = np.array([2 * (column + 0.5) / PICK_WINDOW - 1, 2 * (row + 0.5) / PICK_WINDOW - 1, 2 * depth - 1, 1.0])
        position = np.linalg.solve(clip_from_world, device)
        x, y, z = (float(value) for value in position[:3] / position[3])
        if depth == 1:
            z = 0.0  # flat things of a 2D view leave no depth
        return Pick(primitive.entity_path, instance, depth, (x, y, z))

    def release(self) -> None:
        """Free everything of this view on the GPU; shared programs stay."""
        for drawable in self.drawables.values():
            drawable.release()
        self.drawables.clear()
        self._targets.release()
        self._pick_target.release()
        self._backdrop.release()
        self._splats.release()
        if self._outlines is not None:
            self._outlines.release()
        self._frame = None

    def _update(self, scene: Scene) -> None:
        wanted = {primitive.key: primitive for primitive in scene.primitives if type(primitive) in DRAWABLES}
        self.problems = {}
        for key in self.drawables.keys() - wanted.keys():
            self.drawables.pop(key).release()
        for key, primitive in wanted.items():
            kind = DRAWABLES[type(primitive)]
            drawable = self.drawables.get(key)
            if type(drawable) is not kind:
                if drawable is not None:
                    drawable.release()
                drawable = self.drawables[key] = kind(self.gpu)
            try:
                drawable.update(primitive)
            except moderngl.Error as err:
                self.problems[primitive.entity_path] = f"the graphics driver cannot hold it: {err}"
                self.drawables.pop(key).release()

    def _draw(self, frame: _Frame, target: moderngl.Framebuffer) -> None:
        drawing = self._drawing(frame, frame.camera.clip_from_world(frame.size_px), frame.size_px)
        self._backdrop.draw_gradient(frame.backdrop)
        ordered = self._in_order(frame.scene.primitives, frame.camera)
        if not isinstance(frame.camera, Camera3D):
            self._splatted = set()
            for primitive in ordered:
                self._set_depth_test(frame.camera, primitive)
                self.drawables[primitive.key].draw(drawing)
            return
        self.ctx.enable(moderngl.DEPTH_TEST)
        self._splat(ordered, drawing, frame.size_px, target)
        for primitive in ordered:
            if primitive.key not in self._splatted and not self.drawables[primitive.key].transparent:
                self.drawables[primitive.key].draw(drawing)
        if frame.backdrop.grid:
            target.depth_mask = False
            self._backdrop.draw_grid(frame.backdrop, frame.camera, frame.size_px)
        for primitive in ordered:
            drawable = self.drawables[primitive.key]
            if drawable.transparent:
                target.depth_mask = drawable.writes_depth
                drawable.draw(drawing)
        target.depth_mask = True

    def _splat(
        self, primitives: list[Primitive], drawing: Drawing, size_px: Size, target: moderngl.Framebuffer
    ) -> None:
        self._splatted = set()
        if not (self.gpu.is_software and self.gpu.can_compute):
            return
        clouds = {
            primitive.key: drawable
            for primitive in primitives
            if isinstance(drawable := self.drawables[primitive.key], PointsDrawable)
            and drawable.count >= BALLS_BELOW
            and drawable.nbytes <= self.gpu.largest_storage
        }
        if sum(cloud.count for cloud in clouds.values()) < SPLAT_FROM:
            return
        self._splatted = set(clouds)
        self._splats.scatter([(cloud, drawing) for cloud in clouds.values()], size_px)
        target.use()
        self._splats.show()

    def _draw_outlines(self, frame: _Frame, target: moderngl.Framebuffer) -> None:
        self._outlines = self._outlines or Outlines(self.gpu)
        self._outlines.begin(frame.size_px)
        self.ctx.disable(moderngl.DEPTH_TEST | moderngl.BLEND)
        clip_from_world = frame.camera.clip_from_world(frame.size_px)
        whole = self._drawing(frame, clip_from_world, frame.size_px)
        for number, wanted in ((SELECTED, frame.highlight.selected), (HOVERED, frame.highlight.hovered)):
            instances: dict[str, set[int]] = {}
            for path, instance in wanted:
                instances.setdefault(path, set()).add(instance)
            for primitive in frame.scene.primitives:
                drawable = self.drawables.get(primitive.key)
                chosen = instances.get(primitive.entity_path, set())
                for instance in {-1} if -1 in chosen else chosen:
                    drawing = replace(whole, entity=number, only_instance=instance)
                    if primitive.key in self._splatted and isinstance(drawable, PointsDrawable):
                        self._splats.pick(drawable, drawing)
                    elif drawable is not None:
                        drawable.draw(drawing)
        self.ctx.enable(moderngl.BLEND)
        target.use()
        paths = {path for path, _ in frame.highlight.selected | frame.highlight.hovered}
        width_px = max(2.0, 2.0 * frame.pixels_per_point)
        self.ctx.scissor = _rectangle_around(
            [primitive for primitive in frame.scene.primitives if primitive.entity_path in paths],
            clip_from_world,
            frame.size_px,
        )
        self._outlines.draw(width_px=width_px)
        self.ctx.scissor = None

    def _drawing(
        self,
        frame: _Frame,
        clip_from_world: F64,
        viewport_px: Size,
    ) -> Drawing:
        camera = frame.camera
        spatial = camera if isinstance(camera, Camera3D) else None
        return Drawing(
            clip_from_world=clip_from_world,
            eye_from_world=spatial.eye_from_world if spatial else np.diag([1.0, -1.0, -1.0, 1.0]),
            viewport_px=viewport_px,
            pixels_per_unit=camera.pixels_per_unit(frame.size_px),
            pixels_per_point=frame.pixels_per_point,
            nearer=spatial.near * LIFT if spatial else 0.0,
            near=spatial.near if spatial else FLAT_NEAR,
        )

    def _in_order(self, primitives: Any, camera: Camera) -> list[Primitive]:
        """In 2D by draw order; in 3D far things first, as transparent ones need it."""
        known = [primitive for primitive in primitives if primitive.key in self.drawables]
        if not isinstance(camera, Camera3D):
            return sorted(known, key=lambda primitive: primitive.draw_order)
        eye = camera.eye_in_world

        def distance(primitive: Primitive) -> float:
            drawable = self.drawables[primitive.key]
            if not drawable.transparent or drawable.writes_depth:
                return 0.0
            bounds = bounds_of(primitive)
            return 0.0 if bounds.is_empty else float(np.linalg.norm(bounds.center - eye))

        return sorted(known, key=lambda primitive: (self.drawables[primitive.key].order, -distance(primitive)))

    def _set_depth_test(self, camera: Camera, primitive: Primitive) -> None:
        """In 2D, only what is projected into the picture has depth."""
        if isinstance(camera, Camera2D) and np.array_equal(primitive.world_from_entity[3], (0, 0, 0, 1)):
            self.ctx.disable(moderngl.DEPTH_TEST)
        else:
            self.ctx.enable(moderngl.DEPTH_TEST)


@contextmanager
def _own_state(ctx: moderngl.Context) -> Iterator[None]:
    """Leave the context's framebuffer as it was: others draw into it too."""
    before = ctx.fbo
    ctx.scissor = None
    ctx.enable_only(moderngl.BLEND | moderngl.PROGRAM_POINT_SIZE)
    ctx.blend_func = NORMAL_BLENDING  # type: ignore[assignment]  # colour and alpha apart: the stubs know only pairs
    ctx.depth_func = "<="
    try:
        yield
    finally:
        ctx.enable_only(moderngl.BLEND)
        # A context without a window may have none, or one of ours that was replaced when the view changed its size.
        if not isinstance(getattr(before, "mglo", None), moderngl.InvalidObject | None):
            before.use()


def _window_from_clip(left: int, low: int, size_px: Size) -> F64:
    """(4, 4): makes the pick window, whose lower left pixel is this one of the view, the whole of clip space."""
    width, height = size_px
    matrix = np.eye(4)
    matrix[0, 0], matrix[1, 1] = width / PICK_WINDOW, height / PICK_WINDOW
    matrix[0, 3] = (width - 2 * left) / PICK_WINDOW - 1
    matrix[1, 3] = (height - 2 * low) / PICK_WINDOW - 1
    return matrix


def _rectangle_around(
    primitives: list[Primitive], clip_from_world: F64, size_px: Size
) -> tuple[int, int, int, int] | None:
    """Where on the screen (x, y from below, width, height) these may be; None: anywhere."""
    found = Bounds()
    for primitive in primitives:
        found |= bounds_of(primitive)
    if found.is_empty:
        return None
    places, _ = on_screen(found.corners, clip_from_world, size_px)
    if places[:, 2].min() <= 0:
        return None
    low, high = places[:, :2].min(axis=0) - MARGIN_PX, places[:, :2].max(axis=0) + MARGIN_PX
    left, top = np.clip(low, 0, size_px).astype(int).tolist()
    right, bottom = np.clip(high, 0, size_px).astype(int).tolist()
    return left, size_px[1] - bottom, max(right - left, 1), max(bottom - top, 1)


def _within(side: float) -> int:
    return min(max(int(side), 1), MAX_SIDE)
