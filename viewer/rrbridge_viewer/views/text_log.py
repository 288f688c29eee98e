"""Log lines in a table that follows the cursor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from imgui_bundle import imgui

from rrbridge._store_range import Range
from rrbridge._timeline import TimeKind
from rrbridge_viewer import theme
from rrbridge_viewer.blueprint import EntityItem, Pane
from rrbridge_viewer.clock import Span
from rrbridge_viewer.commands import Command, Seek, Select, SetViewState
from rrbridge_viewer.query import Query
from rrbridge_viewer.theme import ICONS, color, color_u32
from rrbridge_viewer.times import format_time
from rrbridge_viewer.views._base import ViewContext, centered_note

__all__ = ["LogScene", "TextLogView"]

TEXT = "TextLog:text"
LEVEL = "TextLog:level"
ROW_HEIGHT = 21.0


@dataclass(frozen=True, slots=True, eq=False)
class LogScene:
    """All lines, by time."""

    times: npt.NDArray[np.int64]
    """(n,), rising."""
    entity: npt.NDArray[np.int64]
    """(n,): index into `entities`."""
    entities: tuple[str, ...]
    texts: pa.Array
    levels: pa.Array
    """Null where a line has none."""
    kind: TimeKind

    def __len__(self) -> int:
        return len(self.times)


class TextLogView:
    """Lines of text with level, entity and time; the cursor is marked, and a click goes there."""

    name = "TextLogView"
    icon = ICONS.text_log
    follows_cursor = False

    def query(self, view_id: str, pane: Pane, query: Query) -> LogScene:
        """Every line of the entities shown, whatever the cursor."""
        paths = tuple(path for path in pane.contents if pane.shows(path))
        ranges = [query.range(path, TEXT) for path in paths]
        store = query.recording.store
        revisions = (paths, query.timeline, query.span, tuple(store.entity_revision(path) for path in paths))
        return query.recording.memo(("log", view_id), revisions, lambda: _merge(paths, ranges, query))

    def draw(self, scene: LogScene, context: ViewContext) -> Iterator[Command]:
        """The table; it scrolls when the cursor moves."""
        if not len(scene):
            centered_note("No log lines on this timeline")
            return
        now = int(np.searchsorted(scene.times, context.clock.time, side="right")) - 1
        flags = (
            imgui.TableFlags_.scroll_y
            | imgui.TableFlags_.borders_inner_h
            | imgui.TableFlags_.resizable
            | imgui.TableFlags_.sizing_fixed_fit
        )
        if not imgui.begin_table("log", 4, flags):
            return
        imgui.table_setup_scroll_freeze(0, 1)
        fixed = imgui.TableColumnFlags_.width_fixed
        imgui.table_setup_column(context.clock.timeline, fixed, 92)
        imgui.table_setup_column("Entity", fixed, min(150.0, context.size[0] * 0.18))
        imgui.table_setup_column("Level", fixed, 48)
        imgui.table_setup_column("Text", imgui.TableColumnFlags_.width_stretch)
        imgui.table_headers_row()
        clipper = imgui.ListClipper()
        clipper.begin(len(scene), ROW_HEIGHT)
        while clipper.step():
            for row in range(clipper.display_start, clipper.display_end):
                yield from _row(scene, row, now, context)
        clipper.end()
        yield from _scrolled(scene, now, context)
        imgui.end_table()


def _scrolled(scene: LogScene, now: int, context: ViewContext) -> Iterator[Command]:
    """Once for each move of the cursor, so that a hand can scroll elsewhere: its line comes to a bit below the middle."""
    seen = (context.clock.time, len(scene), int(context.size[1]))
    if context.value == seen:
        return
    height = imgui.get_window_height()
    most = max((len(scene) + 1.3) * ROW_HEIGHT - height, 0)
    wanted = min(max((now + 2) * ROW_HEIGHT - height * 0.6, 0), most)
    imgui.set_scroll_y(wanted)
    # In its first frames a table does not know its own height yet and scrolls nowhere: then it is tried again.
    if imgui.get_scroll_max_y() >= wanted - ROW_HEIGHT:
        yield SetViewState(context.view_id, seen)


def _row(scene: LogScene, row: int, now: int, context: ViewContext) -> Iterator[Command]:
    later = row > now
    time, entity = int(scene.times[row]), scene.entities[scene.entity[row]]
    text, level = str(scene.texts[row].as_py()), str(scene.levels[row].as_py() or "")
    imgui.table_next_row(0, ROW_HEIGHT)
    imgui.table_next_column()
    start = imgui.get_cursor_screen_pos()
    flags = imgui.SelectableFlags_.span_all_columns | imgui.SelectableFlags_.allow_overlap
    selected = context.is_selected(entity)
    imgui.push_style_color(imgui.Col_.header, color(theme.RAISED))
    if imgui.selectable(f"##{row}", selected, flags, imgui.ImVec2(0, ROW_HEIGHT - 6))[0]:
        yield Seek(time)
        yield Select((EntityItem(entity),))
    imgui.pop_style_color()
    if imgui.is_item_hovered(imgui.HoveredFlags_.delay_normal):
        imgui.set_item_tooltip(text)
    imgui.same_line(0, 0)
    if row == now:
        draw = imgui.get_window_draw_list()
        width = imgui.calc_text_size(format_time(time, scene.kind)).x
        draw.add_rect_filled(
            imgui.ImVec2(start.x - 3, start.y - 1),
            imgui.ImVec2(start.x + width + 4, start.y + ROW_HEIGHT - 5),
            color_u32(theme.ACCENT),
            3,
        )
    if later:
        imgui.push_style_var(imgui.StyleVar_.alpha, 0.45)
    imgui.text(format_time(time, scene.kind))
    imgui.table_next_column()
    imgui.text_disabled(entity)
    imgui.table_next_column()
    imgui.text_colored(color(theme.LEVELS.get(level.upper(), theme.TEXT)), level)
    imgui.table_next_column()
    imgui.text(text.partition("\n")[0])
    if later:
        imgui.pop_style_var()


def _merge(paths: tuple[str, ...], ranges: list[Range], query: Query) -> LogScene:
    """One row per line of text, over all entities, by time."""
    times: list[npt.NDArray[np.int64]] = []
    entity: list[npt.NDArray[np.int64]] = []
    texts: list[pa.Array] = []
    levels: list[pa.Array] = []
    for number, (path, rows) in enumerate(zip(paths, ranges, strict=True)):
        lengths = np.asarray(rows.cells.value_lengths().fill_null(0).to_numpy(zero_copy_only=False), np.int64)
        if not lengths.sum():
            continue
        times.append(np.repeat(rows.times, lengths))
        entity.append(np.full(int(lengths.sum()), number, np.int64))
        texts.append(rows.cells.flatten().cast(pa.utf8()))
        levels.append(_levels_at(query.range(path, LEVEL), query, path, times[-1]))
    kind = (query.span or Span(TimeKind.SEQUENCE, 0, 0)).kind
    if not times:
        nothing = np.zeros(0, np.int64)
        return LogScene(nothing, nothing, paths, pa.nulls(0, pa.utf8()), pa.nulls(0, pa.utf8()), kind)
    all_times = np.concatenate(times)
    order = np.argsort(all_times, kind="stable")
    return LogScene(
        all_times[order],
        np.concatenate(entity)[order],
        paths,
        pa.concat_arrays(texts).take(pa.array(order)),
        pa.concat_arrays(levels).take(pa.array(order)),
        kind,
    )


def _levels_at(rows: Range, query: Query, path: str, times: npt.NDArray[np.int64]) -> pa.Array:
    """The level in force at each of the times, (len(times),); null where none is."""
    if not len(rows):
        static = query.value(path, LEVEL)
        return pa.array([static] * len(times), pa.utf8())
    lengths = np.asarray(rows.cells.value_lengths().fill_null(0).to_numpy(zero_copy_only=False), np.int64)
    level_times = rows.times[lengths > 0]
    firsts = (np.cumsum(lengths) - lengths)[lengths > 0]
    flat = rows.cells.flatten().cast(pa.utf8())
    if len(level_times) == len(times) and (level_times == times).all():
        return flat.take(pa.array(firsts))
    at = np.searchsorted(level_times, times, side="right") - 1
    index = pa.array(firsts[np.maximum(at, 0)], mask=at < 0)
    return flat.take(index)
