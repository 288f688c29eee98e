"""The panel at the bottom: the time control, and every entity's events over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from imgui_bundle import imgui

from rrbridge._timeline import TimeKind
from rrbridge.errors import InvalidValueError
from rrbridge_viewer import theme
from rrbridge_viewer.blueprint import EntityItem
from rrbridge_viewer.clock import SPEEDS, Clock, Loop, Play, Span, next_event, previous_event
from rrbridge_viewer.commands import (
    Command,
    Hover,
    Seek,
    Select,
    SetLoop,
    SetPlay,
    SetSection,
    SetSpeed,
    SetTimeline,
    SetTimeWindow,
)
from rrbridge_viewer.entity_tree import Node, entity_tree
from rrbridge_viewer.panels._base import PanelContext
from rrbridge_viewer.query import Query
from rrbridge_viewer.theme import ICONS, color_u32
from rrbridge_viewer.ticks import LEVELS, Marks, event_marks
from rrbridge_viewer.times import format_duration, format_tick, format_time, nice_ticks, parse_time
from rrbridge_viewer.widgets import heading, icon_button, mono, tree_row

__all__ = ["draw", "step"]

ROW_HEIGHT = 20.0
RULER_HEIGHT = 24.0
COLUMN_PX = 3
"""Width of a column in which events are counted."""
UNFOLDED = 40
"""With more entities than this the streams are folded at first."""
ZOOM_PER_NOTCH = 0.8
MARGIN = 10.0


@dataclass(frozen=True, slots=True)
class _Axis:
    """Between time and the screen."""

    left: float
    width: float
    lo: int
    hi: int

    def x(self, time: int) -> float:
        """Where a time is on the screen."""
        return self.left + (time - self.lo) / max(self.hi - self.lo, 1) * self.width

    def time(self, x: float) -> int:
        """The time at a place on the screen."""
        return self.lo + round((x - self.left) / max(self.width, 1) * (self.hi - self.lo))


def draw(context: PanelContext) -> Iterator[Command]:
    """The panel."""
    clock, span = context.clock, context.clock.span
    yield from _controls(context, clock)
    if span is None or context.query is None:
        imgui.text_disabled("no data with a time yet" if context.library.is_loading else "no data with a time")
        return
    region = imgui.get_content_region_avail()
    names = min(max(region.x * 0.16, 150.0), 260.0)
    start = imgui.get_cursor_screen_pos()
    axis = _axis(clock, span, start.x + names + MARGIN, max(region.x - names - 2 * MARGIN - 10, 1))
    heading(context.fonts, "Streams")
    imgui.set_cursor_screen_pos(imgui.ImVec2(start.x + names, start.y))
    yield from _ruler(context, axis, span)
    _playhead_on_ruler(clock, axis, start, start.x + region.x)
    imgui.set_cursor_screen_pos(imgui.ImVec2(start.x, start.y + RULER_HEIGHT))
    if imgui.begin_child("rows", imgui.ImVec2(0, 0)):
        yield from _rows(context, context.query, axis, names)
        _playhead_on_rows(clock, axis)
    imgui.end_child()


def step(query: Query, time: int, direction: int) -> int | None:
    """The time of the next event after (1) or before (-1) a time, of any entity; None at the end."""
    find = next_event if direction > 0 else previous_event
    store = query.recording.store
    found = [find(store.times(entity, query.timeline), time) for entity in store.entities()]
    known = [time for time in found if time is not None]
    return (min(known) if direction > 0 else max(known)) if known else None


def _axis(clock: Clock, span: Span, left: float, width: float) -> _Axis:
    lo, hi = clock.window or (span.lo, span.hi)
    return _Axis(left, width, lo, hi if hi > lo else lo + 1)


def _controls(context: PanelContext, clock: Clock) -> Iterator[Command]:
    enabled = clock.span is not None
    playing = clock.play is Play.PLAYING
    if icon_button(ICONS.pause if playing else ICONS.play, "Play or pause (Space)", lit=playing, enabled=enabled):
        yield SetPlay(Play.PAUSED if playing else Play.PLAYING)
    imgui.same_line(0, 4)
    following = clock.play is Play.FOLLOWING
    if icon_button(ICONS.follow, "Follow the newest data (F)", lit=following, enabled=enabled):
        yield SetPlay(Play.PAUSED if following else Play.FOLLOWING)
    for direction, icon, tip in (
        (-1, ICONS.previous, "Previous event (Ctrl+Left)"),
        (1, ICONS.next, "Next event (Ctrl+Right)"),
    ):
        imgui.same_line(0, 4)
        if icon_button(icon, tip, enabled=enabled) and context.query is not None:
            at = step(context.query, clock.time, direction)
            if at is not None:
                yield Seek(at)
    imgui.same_line(0, 4)
    loops = {Loop.OFF: "No loop (L)", Loop.ALL: "Looping over all (L)", Loop.SECTION: "Looping over the section (L)"}
    if icon_button(ICONS.loop, loops[clock.loop], lit=clock.loop is not Loop.OFF, enabled=enabled):
        yield SetLoop(next_loop(clock))
    imgui.same_line(0, 14)
    yield from _choices(clock)
    imgui.same_line(0, 14)
    yield from _time_field(context, clock)


def next_loop(clock: Clock) -> Loop:
    """Off, all, and where there is one the section."""
    order = [Loop.OFF, Loop.ALL] + ([Loop.SECTION] if clock.section else [])
    return order[(order.index(clock.loop) + 1) % len(order)] if clock.loop in order else Loop.OFF


def _choices(clock: Clock) -> Iterator[Command]:
    imgui.set_next_item_width(150)
    if imgui.begin_combo("##timeline", clock.timeline or "no timeline"):
        for name in clock.timelines:
            if imgui.selectable(name, name == clock.timeline)[0]:
                yield SetTimeline(name)
        imgui.end_combo()
    imgui.same_line(0, 6)
    imgui.set_next_item_width(84)
    if imgui.begin_combo("##speed", f"{clock.speed:g}×"):
        for speed in SPEEDS:
            if imgui.selectable(f"{speed:g}×", speed == clock.speed)[0]:
                yield SetSpeed(speed)
        imgui.end_combo()


def _time_field(context: PanelContext, clock: Clock) -> Iterator[Command]:
    span = clock.span
    if span is None:
        return
    imgui.set_next_item_width(226 if span.kind is TimeKind.TIMESTAMP else 130)
    with mono(context.fonts):
        shown = format_time(clock.time, span.kind, date=True)
        entered, text = imgui.input_text("##time", shown, imgui.InputTextFlags_.enter_returns_true)
    if imgui.is_item_hovered(imgui.HoveredFlags_.delay_normal):
        imgui.set_tooltip("Write a time and press Enter: 2024-05-01 12:00:03.5, +10s, -2s, start, end")
    if entered:
        try:
            timeline, time = parse_time(text).resolve(clock.timelines, (clock.timeline,))
        except InvalidValueError:
            return
        yield SetTimeline(timeline)
        yield Seek(time)
    imgui.same_line(0, 14)
    if span.kind is TimeKind.SEQUENCE:
        imgui.text_disabled(f"{span.lo} … {span.hi}")
    else:
        imgui.text_disabled(f"{format_duration(clock.time - span.lo)}  of  {format_duration(span.hi - span.lo)[1:]}")


def _ruler(context: PanelContext, axis: _Axis, span: Span) -> Iterator[Command]:
    """Round times; press to move the cursor, Shift and drag to mark a section, wheel to zoom, double click to see all."""
    draw = imgui.get_window_draw_list()
    top = imgui.get_cursor_screen_pos().y
    bottom = top + RULER_HEIGHT
    clock = context.clock
    if clock.section is not None:
        ends = [min(max(axis.x(time), axis.left), axis.left + axis.width) for time in clock.section]
        draw.add_rect_filled(
            imgui.ImVec2(ends[0], top + 2), imgui.ImVec2(ends[1], bottom), color_u32(theme.ACCENT, 0.35), 2
        )
    first, tick = nice_ticks(axis.lo, axis.hi, span.kind, max(int(axis.width / 120), 1))
    minor = max(tick // 5, 1)
    fine = first - tick
    draw.push_clip_rect(
        imgui.ImVec2(axis.left - MARGIN, top), imgui.ImVec2(axis.left + axis.width + MARGIN, bottom), True
    )
    while fine <= axis.hi:
        if fine >= axis.lo:
            long = (fine - first) % tick == 0
            x = axis.x(fine)
            ink = color_u32(theme.FAINT if long else "2c3238")
            draw.add_line(imgui.ImVec2(x, top + (8 if long else 17)), imgui.ImVec2(x, bottom), ink)
            if long:
                digits = 0 if tick % 10**9 == 0 else 3 if tick % 10**6 == 0 else 9
                label = format_tick(fine, span.kind, digits=digits)
                if x + 5 + imgui.calc_text_size(label).x <= axis.left + axis.width + MARGIN:
                    draw.add_text(imgui.ImVec2(x + 5, top + 2), color_u32(theme.DIM), label)
        fine += minor
    draw.pop_clip_rect()
    imgui.set_cursor_screen_pos(imgui.ImVec2(axis.left - MARGIN, top))
    imgui.invisible_button("ruler", imgui.ImVec2(axis.width + 2 * MARGIN, RULER_HEIGHT))
    if imgui.is_item_hovered() and not imgui.is_item_active():
        imgui.set_mouse_cursor(imgui.MouseCursor_.resize_ew)
    yield from _scrubbed(axis, clock)
    if imgui.is_item_hovered():
        yield from _zoomed(axis, span, imgui.get_io().mouse_wheel)
        if imgui.is_mouse_double_clicked(0):
            yield SetTimeWindow(None)
        if imgui.is_mouse_clicked(1):
            yield SetSection(None)
            yield SetLoop(Loop.OFF)


def _scrubbed(axis: _Axis, clock: Clock) -> Iterator[Command]:
    """What dragging over the last item asks for."""
    if not imgui.is_item_active():
        return
    io = imgui.get_io()
    time = axis.time(io.mouse_pos.x)
    if io.key_shift:
        begun = axis.time(io.mouse_pos.x - imgui.get_mouse_drag_delta(0).x)
        if begun != time:
            yield SetSection((begun, time))
            yield SetLoop(Loop.SECTION)
    elif time != clock.time:
        yield Seek(time)


def _zoomed(axis: _Axis, span: Span, notches: float) -> Iterator[Command]:
    """The wheel zooms around the pointer; with Shift it moves along."""
    if not notches:
        return
    io = imgui.get_io()
    length = axis.hi - axis.lo
    if io.key_shift:
        shift = round(-notches * length * 0.1)
        yield SetTimeWindow((axis.lo + shift, axis.hi + shift))
        return
    at = axis.time(io.mouse_pos.x)
    factor = ZOOM_PER_NOTCH**notches
    lo, hi = at - round((at - axis.lo) * factor), at + round((axis.hi - at) * factor)
    if hi - lo >= (span.hi - span.lo) * 1.02:
        yield SetTimeWindow(None)
    elif hi - lo >= 2:
        yield SetTimeWindow((lo, hi))


def _rows(context: PanelContext, query: Query, axis: _Axis, names: float) -> Iterator[Command]:
    imgui.push_style_var(imgui.StyleVar_.item_spacing, imgui.ImVec2(8, 0))
    start = imgui.get_cursor_screen_pos()
    entities = _streams(query)
    for node in entity_tree(tuple(entities)):
        yield from _row(context, query, axis, names, node, 0, open_at_first=len(entities) <= UNFOLDED)
    height = max(imgui.get_cursor_screen_pos().y - start.y, imgui.get_window_height())
    end = imgui.get_cursor_screen_pos()
    imgui.set_cursor_screen_pos(imgui.ImVec2(axis.left - MARGIN, start.y))
    imgui.invisible_button("events", imgui.ImVec2(axis.width + 2 * MARGIN, max(height, 1)))
    yield from _scrubbed(axis, context.clock)
    if imgui.is_item_hovered() and (imgui.get_io().key_ctrl or imgui.get_io().key_shift) and context.clock.span:
        yield from _zoomed(axis, context.clock.span, imgui.get_io().mouse_wheel)
    imgui.set_cursor_screen_pos(end)
    imgui.dummy(imgui.ImVec2(1, 1))
    imgui.pop_style_var()


def _streams(query: Query) -> list[str]:
    """The entities worth a row: not the book-keeping of a file format, which has no times."""
    store = query.recording.store
    source = (store.revision, query.timeline)

    def make() -> list[str]:
        return [path for path in store.entities() if "/__" not in path or len(store.times(path, query.timeline))]

    return query.recording.memo("streams", source, make)


def _row(
    context: PanelContext, query: Query, axis: _Axis, names: float, node: Node, depth: int, *, open_at_first: bool
) -> Iterator[Command]:
    item = EntityItem(node.path)
    origin = imgui.get_cursor_screen_pos()
    answer = tree_row(
        f"stream {node.path}",
        node.name,
        ICONS.entity if node.has_data else ICONS.group,
        depth=depth,
        has_children=bool(node.children),
        open_at_first=open_at_first,
        selected=context.is_selected(item),
        hovered_elsewhere=context.is_hovered(node.path),
        height=ROW_HEIGHT,
        width=names,
    )
    if answer.hovered:
        yield Hover(item)
    if answer.clicked:
        yield Select((item,), imgui.get_io().key_ctrl)
    if imgui.is_item_visible() or imgui.is_rect_visible(imgui.ImVec2(axis.width, ROW_HEIGHT)):
        folded = bool(node.children) and not answer.is_open
        if node.has_data or folded:
            _draw_marks(_marks(query, node.path, axis, recursive=folded), axis, origin.y + ROW_HEIGHT / 2)
    if answer.is_open:
        for child in node.children:
            yield from _row(context, query, axis, names, child, depth + 1, open_at_first=open_at_first)


def _marks(query: Query, path: str, axis: _Axis, *, recursive: bool) -> Marks:
    store = query.recording.store
    columns = max(int(axis.width / COLUMN_PX), 1)
    revision = store.revision if recursive else store.entity_revision(path)
    source = (revision, query.timeline, axis.lo, axis.hi, columns)

    def make() -> Marks:
        times = store.times(path, query.timeline, recursive=recursive)
        return event_marks(np.asarray(times), axis.lo, axis.hi, columns)

    return query.recording.memo(("marks", path, recursive), source, make)


def _draw_marks(marks: Marks, axis: _Axis, y: float) -> None:
    draw = imgui.get_window_draw_list()
    ink = color_u32("8d97a2")
    for share in marks.dots:
        draw.add_circle_filled(imgui.ImVec2(axis.left + share * axis.width, y), 3.0, ink, 8)
    for begin, end, level in marks.runs:
        half = 0.8 + 3.4 * level / LEVELS
        draw.add_rect_filled(
            imgui.ImVec2(axis.left + begin * axis.width, y - half),
            imgui.ImVec2(axis.left + end * axis.width, y + half),
            ink,
        )


def _playhead_on_ruler(clock: Clock, axis: _Axis, start: imgui.ImVec2, right: float) -> None:
    draw = imgui.get_window_draw_list()
    x, bottom = axis.x(clock.time), start.y + RULER_HEIGHT
    draw.add_line(imgui.ImVec2(start.x, bottom), imgui.ImVec2(right, bottom), color_u32(theme.LINE))
    if not axis.left - 1 <= x <= axis.left + axis.width + 1:
        return
    draw.add_line(imgui.ImVec2(x, start.y + 10), imgui.ImVec2(x, bottom), color_u32(theme.WHITE, 0.9), 1.5)
    draw.add_triangle_filled(
        imgui.ImVec2(x - 6, start.y + 3),
        imgui.ImVec2(x + 6, start.y + 3),
        imgui.ImVec2(x, start.y + 13),
        color_u32(theme.WHITE),
    )


def _playhead_on_rows(clock: Clock, axis: _Axis) -> None:
    """What lies after the cursor is dimmed."""
    draw = imgui.get_window_draw_list()
    top = imgui.get_window_pos().y
    bottom, right = top + imgui.get_window_height(), axis.left + axis.width + MARGIN
    x = axis.x(clock.time)
    draw.add_rect_filled(
        imgui.ImVec2(max(x, axis.left - MARGIN), top), imgui.ImVec2(right, bottom), color_u32(theme.PANEL, 0.5)
    )
    if axis.left - 1 <= x <= axis.left + axis.width + 1:
        draw.add_line(imgui.ImVec2(x, top), imgui.ImVec2(x, bottom), color_u32(theme.WHITE, 0.9), 1.5)
