"""A picture, and what was drawn on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from imgui_bundle import imgui

from rrbridge_viewer import theme
from rrbridge_viewer.blueprint import Pane
from rrbridge_viewer.commands import Command, SetViewState
from rrbridge_viewer.query import Query
from rrbridge_viewer.render.backdrop import Backdrop
from rrbridge_viewer.render.camera import Camera2D
from rrbridge_viewer.render.primitives import Picture
from rrbridge_viewer.render.scene import Bounds, bounds_of
from rrbridge_viewer.theme import ICONS, color_u32
from rrbridge_viewer.views._base import ViewContext, centered_note
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

__all__ = ["Spatial2DView", "Window2D"]

ZOOM_PER_NOTCH = 0.85
GROUND = (16, 18, 20)


@dataclass(frozen=True, slots=True)
class Window2D:
    """The part of a 2D view that was chosen by hand."""

    camera: Camera2D


class Spatial2DView:
    """Images and 2D shapes in pixels, x to the right and y down."""

    name = "Spatial2DView"
    icon = ICONS.spatial2d
    follows_cursor = True

    def query(self, view_id: str, pane: Pane, query: Query) -> SpatialScene:
        """The scene at the cursor."""
        return spatial_scene(view_id, pane, query, "2D")

    def draw(self, scene: SpatialScene, context: ViewContext) -> Iterator[Command]:
        """The picture, and what the pointer does with it."""
        if not scene.scene.primitives:
            origin = imgui.get_cursor_screen_pos()
            centered_note("Nothing here at this time")
            draw_notes(context, scene, origin)
            return
        kept = context.value
        camera = kept.camera if isinstance(kept, Window2D) else Camera2D().fitted(_extent(scene))
        origin = imgui.get_cursor_screen_pos()
        texture = context.graphics.picture(
            context.view_id, scene.scene, camera, context.size, highlight_of(context), Backdrop(GROUND, GROUND)
        )
        size = imgui.ImVec2(*context.size)
        imgui.image(texture, size, imgui.ImVec2(0, 1), imgui.ImVec2(1, 0))
        window_size = (int(context.size[0]), int(context.size[1]))
        draw_labels(scene.scene, camera, window_size, origin)
        imgui.set_cursor_screen_pos(origin)
        imgui.set_next_item_allow_overlap()
        buttons = imgui.ButtonFlags_
        imgui.invisible_button(
            "picture", size, buttons.mouse_button_left | buttons.mouse_button_right | buttons.mouse_button_middle
        )
        pointer = imgui.get_mouse_pos()
        at = (pointer.x - origin.x, pointer.y - origin.y)
        moved = _moved(camera, at, window_size)
        if hovered_entity(context):
            released = clicked_in_place()
            yield from pick_commands(context, scene, context.graphics.pick(context.view_id, *at), released)
            _show_place(scene, camera.at(*at, window_size), origin, context.size)
        if imgui.is_item_hovered() and imgui.is_mouse_double_clicked(0):
            yield SetViewState(context.view_id, None)
        elif moved != camera:
            yield SetViewState(context.view_id, Window2D(moved))
        draw_notes(context, scene, origin)


def _extent(scene: SpatialScene) -> Bounds:
    """Of the pictures, if there are any: boxes that stick out of an image do not make it smaller."""
    found = Bounds()
    for primitive in scene.scene.primitives:
        if isinstance(primitive, Picture):
            found |= bounds_of(primitive)
    return scene.scene.bounds if found.is_empty else found


def _moved(camera: Camera2D, at: tuple[float, float], size: tuple[int, int]) -> Camera2D:
    io = imgui.get_io()
    if imgui.is_item_active() and any(imgui.is_mouse_dragging(button) for button in range(3)):
        camera = camera.panned(io.mouse_delta.x, io.mouse_delta.y, size)
    if imgui.is_item_hovered() and io.mouse_wheel:
        camera = camera.zoomed(ZOOM_PER_NOTCH**io.mouse_wheel, *at, size)
    return camera


def _show_place(
    scene: SpatialScene, place: tuple[float, float], origin: imgui.ImVec2, size: tuple[float, float]
) -> None:
    """The pixel under the pointer and what it holds, in the lower right corner."""
    column, row = int(place[0] // 1), int(place[1] // 1)
    text = f"{column}, {row}"
    for primitive in scene.scene.primitives:
        if isinstance(primitive, Picture) and bounds_of(primitive).size[0] == primitive.pixels.shape[1]:
            height, width = primitive.pixels.shape[:2]
            if 0 <= row < height and 0 <= column < width:
                value = primitive.pixels[row, column]
                text += "   " + (f"#{bytes(value.tolist()[:3]).hex()}" if value.ndim else f"{value.item():g}")
            break
    extent = imgui.calc_text_size(text)
    corner = imgui.ImVec2(origin.x + size[0] - extent.x - 14, origin.y + size[1] - 26)
    draw = imgui.get_window_draw_list()
    opposite = imgui.ImVec2(corner.x + extent.x + 12, corner.y + extent.y + 4)
    draw.add_rect_filled(corner, opposite, color_u32(theme.BACKGROUND, 0.8), 3)
    draw.add_text(imgui.ImVec2(corner.x + 6, corner.y + 2), color_u32(theme.TEXT), text)
