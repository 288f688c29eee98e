"""A scene in space."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from imgui_bundle import imgui

from rrbridge_viewer.blueprint import Pane
from rrbridge_viewer.commands import Command, SetViewState
from rrbridge_viewer.pinholes import Pinholes
from rrbridge_viewer.query import Query
from rrbridge_viewer.render.backdrop import Backdrop
from rrbridge_viewer.render.camera import Camera3D, Size
from rrbridge_viewer.render.scene import Bounds
from rrbridge_viewer.render.scene_renderer import Pick
from rrbridge_viewer.theme import ICONS
from rrbridge_viewer.views._base import ViewContext
from rrbridge_viewer.views._fitting import fitted, outline, turned_to
from rrbridge_viewer.views._spatial import (
    SpatialScene,
    draw_labels,
    draw_notes,
    highlight_of,
    hovered_entity,
    pick_commands,
    spatial_scene,
)
from rrbridge_viewer.widgets import clicked_in_place

__all__ = ["Eye", "Spatial3DView"]

DIRECTIONS_UP = {1: 1.0, 2: -1.0}
"""`ViewDir` codes of up and down (`rr.components.ViewCoordinates`)."""
FLY_PER_SEC = 0.8
"""Shares of the distance to the target that a key moves the eye by."""
ZOOM_PER_NOTCH = 0.88
TOP, BOTTOM = (9, 11, 14), (16, 18, 22)


@dataclass(frozen=True, slots=True)
class Eye:
    """Where a 3D view is seen from; what the view finds again in the next frame."""

    camera: Camera3D
    fitted: Bounds | None = None
    """All that was in view so far while nobody had moved the camera; None once somebody has."""


class Spatial3DView:
    """Everything that has a place in one frame, seen by a camera that circles around it."""

    name = "Spatial3DView"
    icon = ICONS.spatial3d
    follows_cursor = True

    def query(self, view_id: str, pane: Pane, query: Query) -> SpatialScene:
        """The scene at the cursor."""
        return spatial_scene(view_id, pane, query, "3D", _up(pane, query))

    def draw(self, scene: SpatialScene, context: ViewContext) -> Iterator[Command]:
        """The picture, and what the pointer does with it."""
        window_size = (max(int(context.size[0]), 1), max(int(context.size[1]), 1))
        eye = _eye(context.value, scene, window_size)
        origin = imgui.get_cursor_screen_pos()
        backdrop = Backdrop(top=TOP, bottom=BOTTOM, grid=True)
        texture = context.graphics.picture(
            context.view_id, scene.scene, eye.camera, context.size, highlight_of(context), backdrop
        )
        size = imgui.ImVec2(*context.size)
        imgui.image(texture, size, imgui.ImVec2(0, 1), imgui.ImVec2(1, 0))
        draw_labels(scene.scene, eye.camera, window_size, origin)
        imgui.set_cursor_screen_pos(origin)
        buttons = imgui.ButtonFlags_
        imgui.set_next_item_allow_overlap()
        imgui.invisible_button(
            "picture", size, buttons.mouse_button_left | buttons.mouse_button_right | buttons.mouse_button_middle
        )
        moved = _moved(eye.camera, window_size)
        if moved != eye.camera:
            eye = Eye(moved)
        if hovered_entity(context):
            pointer = imgui.get_mouse_pos()
            pick = context.graphics.pick(context.view_id, pointer.x - origin.x, pointer.y - origin.y)
            released = clicked_in_place()
            yield from pick_commands(context, scene, pick, released)
            if imgui.is_mouse_double_clicked(0):
                eye = _looking_at(eye.camera, scene, pick, window_size)
        if eye != context.value:
            yield SetViewState(context.view_id, eye)
        draw_notes(context, scene, origin)


def _up(pane: Pane, query: Query) -> tuple[float, float, float]:
    axes = query.value(pane.origin, "ViewCoordinates:xyz") or query.value("/", "ViewCoordinates:xyz")
    if axes is None and Pinholes(query.recording, query.timeline, query.time).is_optical(pane.frame):
        return 0.0, -1.0, 0.0
    for axis, code in enumerate(axes or ()):
        if code in DIRECTIONS_UP:
            up = [0.0, 0.0, 0.0]
            up[axis] = DIRECTIONS_UP[code]
            return up[0], up[1], up[2]
    return 0.0, 0.0, 1.0


def _eye(kept: object, scene: SpatialScene, size: Size) -> Eye:
    """While nobody has moved the camera it keeps in view all that there was to see so far."""
    eye = kept if isinstance(kept, Eye) else Eye(Camera3D(up=scene.up), Bounds())
    if eye.camera.up != scene.up:
        eye = replace(eye, camera=replace(eye.camera, up=scene.up))
    if eye.fitted is None or scene.scene.bounds.is_empty:
        return eye
    seen = eye.fitted | scene.scene.bounds
    if seen == eye.fitted:
        return eye
    points = outline(scene.scene.primitives)
    if eye.fitted.is_empty:
        return Eye(fitted(turned_to(eye.camera, points), points, size), _with_room(seen))
    return Eye(fitted(eye.camera, np.concatenate([points, eye.fitted.corners]), size), _with_room(seen))


def _looking_at(camera: Camera3D, scene: SpatialScene, pick: Pick | None, size: Size) -> Eye:
    """At the picked entity, or at everything again."""
    if pick is None:
        return _eye(None, scene, size)
    shown = [primitive for primitive in scene.scene.primitives if primitive.entity_path == pick.entity_path]
    return Eye(fitted(camera, outline(shown), size))


def _with_room(bounds: Bounds) -> Bounds:
    """A little more, so that a scene that grows does not move the camera at every step."""
    margin = 0.08 * float(np.linalg.norm(bounds.size))
    low, high = np.array(bounds.low) - margin, np.array(bounds.high) + margin
    return Bounds((low[0], low[1], low[2]), (high[0], high[1], high[2]))


def _moved(camera: Camera3D, size: tuple[int, int]) -> Camera3D:
    """After what mouse and keys did in this frame: left orbits, right and middle pan, wheel zooms, W A S D Q E fly."""
    io = imgui.get_io()
    if imgui.is_item_active() and (io.mouse_delta.x or io.mouse_delta.y):
        if imgui.is_mouse_dragging(0):
            delta = imgui.get_io().mouse_delta
            camera = camera.turned(delta.x, delta.y) if io.key_alt else camera.orbited(delta.x, delta.y)
        elif imgui.is_mouse_dragging(1) or imgui.is_mouse_dragging(2):
            camera = camera.panned(io.mouse_delta.x, io.mouse_delta.y, size)
    if not imgui.is_item_hovered():
        return camera
    if io.mouse_wheel:
        camera = camera.zoomed(ZOOM_PER_NOTCH**io.mouse_wheel)
    if not (io.want_text_input or io.key_ctrl):
        step = FLY_PER_SEC * io.delta_time * (4 if io.key_shift else 1)
        keys = imgui.Key
        right = imgui.is_key_down(keys.d) - imgui.is_key_down(keys.a)
        up = imgui.is_key_down(keys.e) - imgui.is_key_down(keys.q)
        forward = imgui.is_key_down(keys.w) - imgui.is_key_down(keys.s)
        if right or up or forward:
            camera = camera.flown(right * step, up * step, forward * step)
    return camera
