"""What the 2D and the 3D view have in common: scenes made by visualizers, labels, picking, highlights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from imgui_bundle import imgui

from rrbridge_viewer import theme
from rrbridge_viewer.blueprint import EntityItem, Item, Pane
from rrbridge_viewer.commands import Command, Hover, Select
from rrbridge_viewer.query import Query
from rrbridge_viewer.render.camera import Camera, Size, on_screen
from rrbridge_viewer.render.primitives import Labels, Primitive
from rrbridge_viewer.render.scene import Scene
from rrbridge_viewer.render.scene_renderer import Highlight, Pick
from rrbridge_viewer.theme import ICONS, color, color_u32
from rrbridge_viewer.values import short_value
from rrbridge_viewer.views._base import ViewContext
from rrbridge_viewer.views._frames import FRAMES, frame_primitives
from rrbridge_viewer.visualizers import EntityData, PinholeView, SceneBuilder, Space, Visualizers

__all__ = [
    "SpatialScene",
    "draw_labels",
    "draw_notes",
    "highlight_of",
    "hovered_entity",
    "pick_commands",
    "spatial_scene",
]

MAX_LABELS = 400
TOOLTIP_ROWS = 7
BESIDE_PX = 7
CELL_PX = 12
"""Names beside their places never share a cell of this size."""


@dataclass(frozen=True, slots=True, eq=False)
class SpatialScene:
    """What a spatial view shows, and what it cannot show."""

    entities: tuple[EntityData, ...]
    scene: Scene
    problems: tuple[tuple[str, str], ...]
    """`(entity, why it is not shown)`."""
    up: tuple[float, float, float] = (0.0, 0.0, 1.0)
    frames: tuple[Primitive, ...] = ()
    """What was drawn of named frames; part of the scene."""

    def entity(self, path: str) -> EntityData | None:
        """The data of one entity; None if it is not in the scene."""
        return next((entity for entity in self.entities if entity.path == path), None)


@cache
def _visualizers() -> Visualizers:
    return Visualizers.discover()


def spatial_scene(
    view_id: str, pane: Pane, query: Query, space: Space, up: tuple[float, float, float] = (0.0, 0.0, 1.0)
) -> SpatialScene:
    """The scene of a view; the very same object while nothing in it changes, so that nothing is drawn again."""
    memo = query.recording.memo
    builder = memo(("scene builder", view_id, space), pane.frame, lambda: SceneBuilder(_visualizers(), space))
    last: list[SpatialScene] = memo(("last scene", view_id, space), pane.frame, list)
    entities, lost = query.entities((path for path in pane.contents if pane.shows(path)), pane.frame, space)
    frames = frame_primitives(query, pane.frame) if pane.frames and space == "3D" else ()
    if last and last[0].up == up and last[0].frames is frames and _same(last[0].entities, entities):
        known = list(last[0].problems[: len(lost)])
        if known == lost and len(last[0].problems) == len(lost) + len(builder.problems):
            return last[0]
    primitives = builder.primitives(entities)
    problems = (*lost, *builder.problems.items())
    last[:] = [SpatialScene(tuple(entities), Scene.of((*primitives, *frames)), problems, up, frames)]
    return last[0]


def _same(before: Sequence[EntityData], after: Sequence[EntityData]) -> bool:
    return len(before) == len(after) and all(
        a.path == b.path
        and a.components is b.components
        and np.array_equal(a.world_from_entity, b.world_from_entity)
        and _same_place(a.pinhole, b.pinhole)
        and a.annotations is b.annotations
        and [sample.time for sample in a.video[-1:]] == [sample.time for sample in b.video[-1:]]
        for a, b in zip(before, after, strict=True)
    )


def _same_place(before: PinholeView | None, after: PinholeView | None) -> bool:
    if before is None or after is None:
        return before is after
    return np.array_equal(before.world_from_camera, after.world_from_camera)


def highlight_of(context: ViewContext) -> Highlight:
    """Outlines for what is selected and for what the pointer is over, here or in another view."""
    hovered = () if context.hovered is None else (context.hovered,)
    return Highlight(selected=_keys(context.selection), hovered=_keys(hovered))


def _keys(items: Sequence[Item]) -> frozenset[tuple[str, int]]:
    entities = (item for item in items if isinstance(item, EntityItem))
    return frozenset((item.path, -1 if item.instance is None else item.instance) for item in entities)


def pick_commands(context: ViewContext, scene: SpatialScene, pick: Pick | None, clicked: bool) -> Iterator[Command]:
    """Hovering shows what it is, a click selects it; Ctrl adds to the selection."""
    on_frame = pick is not None and pick.entity_path == FRAMES
    item = None if pick is None or on_frame else EntityItem(pick.entity_path, pick.instance)
    yield Hover(item)
    if clicked:
        extend = imgui.get_io().key_ctrl
        if item is not None or not extend:
            yield Select(() if item is None else (item,), extend)
    if pick is not None and on_frame and not imgui.is_mouse_down(0):
        names = next(labels.texts for labels in scene.frames if isinstance(labels, Labels))
        imgui.set_tooltip(f"frame {names[pick.instance]}")
    elif pick is not None and not imgui.is_mouse_down(0):
        _tooltip(context, scene, pick)


def hovered_entity(context: ViewContext) -> bool:
    """Whether the last drawn item is under the pointer and no drag is going on."""
    return imgui.is_item_hovered() and not imgui.is_mouse_dragging(0) and context.size[0] > 1


def _tooltip(context: ViewContext, scene: SpatialScene, pick: Pick) -> None:
    imgui.begin_tooltip()
    imgui.text(f"{ICONS.entity}  {pick.entity_path}[{pick.instance}]")
    entity = scene.entity(pick.entity_path)
    if entity is not None:
        imgui.push_font(context.fonts.mono, 14)
        for name, value in list(_instance_values(entity, pick.instance).items())[:TOOLTIP_ROWS]:
            imgui.text_disabled(name)
            imgui.same_line(120)
            imgui.text(value)
        imgui.pop_font()
    imgui.end_tooltip()


def _instance_values(entity: EntityData, instance: int) -> Mapping[str, str]:
    shown: dict[str, Any] = {}
    for name, component in entity.components.items():
        values = component.values
        if name.startswith(("Transform3D:", "CoordinateFrame:")) or not len(values):
            continue
        at = values.slice(instance if instance < len(values) else len(values) - 1, 1)
        field = name.partition(":")[2] or name
        is_color = pa.types.is_uint32(at.type) and field.endswith(("color", "colors")) and at[0].is_valid
        shown[field] = f"#{at[0].as_py():08x}" if is_color else short_value(at)
    return shown


def draw_labels(scene: Scene, camera: Camera, size: Size, origin: imgui.ImVec2) -> None:
    """Words at their places over the picture. `size` and `origin` are in the window's coordinates."""
    draw = imgui.get_window_draw_list()
    left = MAX_LABELS
    taken: set[tuple[int, int]] = set()
    for labels in scene.primitives:
        if not isinstance(labels, Labels) or left <= 0:
            continue
        clip_from_entity = camera.clip_from_world(size) @ labels.world_from_entity
        places, seen = on_screen(labels.positions, clip_from_entity, size)
        for index in np.flatnonzero(seen)[:left].tolist():
            text = labels.texts[index]
            if not text:
                continue
            extent = imgui.calc_text_size(text)
            x = origin.x + float(places[index, 0]) - extent.x / 2
            y = origin.y + float(places[index, 1]) - extent.y / 2
            red, green, blue, _ = labels.colors[index if len(labels.colors) > 1 else 0].tolist()
            if labels.beside:
                x, y = x + extent.x / 2 + BESIDE_PX, y + BESIDE_PX
                columns = range(int(x - origin.x) // CELL_PX, int(x - origin.x + extent.x) // CELL_PX + 1)
                rows = {int(y - origin.y + edge) // CELL_PX for edge in (2, extent.y - 2)}
                cells = {(column, row) for column in columns for row in rows}
                if cells & taken:
                    continue
                taken |= cells
                draw.add_text(imgui.ImVec2(x, y), red | green << 8 | blue << 16 | 0xFF000000, text)
                left -= 1
                continue
            draw.add_rect_filled(
                imgui.ImVec2(x - 4, y - 1),
                imgui.ImVec2(x + extent.x + 4, y + extent.y + 2),
                color_u32(theme.BACKGROUND, 0.75),
                3,
            )
            draw.add_text(imgui.ImVec2(x, y), red | green << 8 | blue << 16 | 0xFF000000, text)
            left -= 1


def draw_notes(context: ViewContext, scene: SpatialScene, origin: imgui.ImVec2) -> None:
    """In the corner, how many entities are missing; the reasons appear under the pointer."""
    problems = (*scene.problems, *context.graphics.problems(context.view_id))
    if not problems:
        return
    count = len({path for path, _ in problems})
    text = f"{ICONS.warning}  {count} not shown" if count > 1 else f"{ICONS.warning}  {problems[0][0]} is not shown"
    imgui.set_cursor_screen_pos(imgui.ImVec2(origin.x + 10, origin.y + context.size[1] - 26))
    imgui.text_colored(color(theme.LEVELS["WARN"]), text)
    if imgui.is_item_hovered():
        imgui.begin_tooltip()
        for path, why in problems[:12]:
            imgui.text(path)
            imgui.push_text_wrap_pos(520)
            imgui.text_disabled(why)
            imgui.pop_text_wrap_pos()
        imgui.end_tooltip()
