"""Small pieces of user interface that several panels and views are made of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from imgui_bundle import imgui

from rrbridge_viewer import theme
from rrbridge_viewer.theme import ICONS, Theme, color, color_u32

__all__ = [
    "RowAnswer",
    "clicked_in_place",
    "elided",
    "heading",
    "icon_button",
    "mono",
    "padded",
    "property_row",
    "property_table",
    "tree_row",
]

ROW_HEIGHT = 22.0
INDENT = 14.0


def heading(fonts: Theme, text: str) -> None:
    """A small title in capitals."""
    imgui.push_font(fonts.bold, 12.5)
    imgui.align_text_to_frame_padding()
    imgui.text(text.upper())
    imgui.pop_font()


@contextmanager
def mono(fonts: Theme) -> Iterator[None]:
    """Figures that stand under each other."""
    imgui.push_font(fonts.mono, 14.5)
    try:
        yield
    finally:
        imgui.pop_font()


@contextmanager
def padded(x: float, y: float) -> Iterator[None]:
    """Another padding for the next window."""
    imgui.push_style_var(imgui.StyleVar_.window_padding, imgui.ImVec2(x, y))
    try:
        yield
    finally:
        imgui.pop_style_var()


def icon_button(icon: str, tooltip: str, *, lit: bool = False, enabled: bool = True) -> bool:
    """A square button; `lit` says that what it stands for is on."""
    imgui.push_style_color(imgui.Col_.button, color(theme.ACCENT if lit else theme.RAISED))
    imgui.begin_disabled(not enabled)
    pressed = imgui.button(f"{icon}##{tooltip}", imgui.ImVec2(30, 0))
    imgui.end_disabled()
    imgui.pop_style_color()
    if imgui.is_item_hovered(imgui.HoveredFlags_.delay_normal):
        imgui.set_tooltip(tooltip)
    return pressed


def clicked_in_place() -> bool:
    """Whether the left button has just come up without having dragged anything."""
    delta = imgui.get_mouse_drag_delta(0)
    return imgui.is_mouse_released(0) and not delta.x and not delta.y


def elided(text: str, width: float) -> str:
    """A name cut at its front to fit: what tells paths from each other is at their end."""
    full = imgui.calc_text_size(text).x
    if full <= width or len(text) < 6:
        return text
    kept = max(int(len(text) * width / full) - 1, 4)
    while kept > 4 and imgui.calc_text_size("…" + text[-kept:]).x > width:
        kept -= 1
    return "…" + text[-kept:]


@dataclass(frozen=True, slots=True)
class RowAnswer:
    """What happened to a row of a tree in this frame."""

    is_open: bool
    clicked: bool = False
    double_clicked: bool = False
    hovered: bool = False
    switched: bool = False
    """The eye was pressed."""


def tree_row(
    key: str,
    label: str,
    icon: str,
    *,
    depth: int,
    has_children: bool = False,
    open_at_first: bool = True,
    selected: bool = False,
    hovered_elsewhere: bool = False,
    dim: bool = False,
    eye: bool | None = None,
    height: float = ROW_HEIGHT,
    width: float = 0.0,
) -> RowAnswer:
    """One row of a tree, highlighted over its full width.

    `eye` adds a switch at the right: whether what the row stands for is shown; None: no switch. Which rows are open is kept by
    imgui under `key`.
    """
    storage = imgui.get_state_storage()
    identity = imgui.get_id(key)
    is_open = storage.get_bool(identity, open_at_first)
    draw = imgui.get_window_draw_list()
    origin = imgui.get_cursor_screen_pos()
    width = width or imgui.get_content_region_avail().x
    imgui.set_next_item_allow_overlap()
    imgui.invisible_button(key, imgui.ImVec2(max(width, 1), height))
    seen = imgui.is_item_visible()
    hovered, clicked = imgui.is_item_hovered(), imgui.is_item_clicked()
    double_clicked = hovered and imgui.is_mouse_double_clicked(0)
    pointer = imgui.get_mouse_pos()
    left = origin.x + 4 + depth * INDENT
    on_chevron = has_children and hovered and pointer.x < left + 16
    if on_chevron and clicked:
        is_open = not is_open
        storage.set_bool(identity, is_open)
    eye_left = origin.x + width - 24
    on_eye = eye is not None and hovered and pointer.x >= eye_left
    if seen:
        if selected or hovered or hovered_elsewhere:
            fill = color_u32(theme.ACCENT, 0.85) if selected else color_u32(theme.HOVERED)
            corner = imgui.ImVec2(origin.x + width, origin.y + height)
            draw.add_rect_filled(imgui.ImVec2(origin.x, origin.y), corner, fill, 4)
        y = origin.y + (height - imgui.get_text_line_height()) / 2
        ink = color_u32(theme.WHITE if selected else theme.FAINT if dim else theme.TEXT)
        faded = color_u32(theme.WHITE if selected else theme.FAINT if dim else theme.DIM)
        if has_children:
            draw.add_text(imgui.ImVec2(left, y), faded, ICONS.open if is_open else ICONS.closed)
        draw.add_text(imgui.ImVec2(left + 18, y), faded, icon)
        clip_right = eye_left if eye is not None else origin.x + width
        draw.push_clip_rect(origin, imgui.ImVec2(clip_right, origin.y + height), True)
        draw.add_text(imgui.ImVec2(left + 40, y), ink, elided(label, clip_right - left - 44))
        draw.pop_clip_rect()
        if eye is not None and (hovered or not eye):
            draw.add_text(imgui.ImVec2(eye_left + 3, y), faded, ICONS.eye if eye else ICONS.eye_off)
    return RowAnswer(
        is_open and has_children,
        clicked and not on_chevron and not on_eye,
        double_clicked and not on_chevron and not on_eye,
        hovered,
        on_eye and clicked,
    )


@contextmanager
def property_table(key: str, name_width: float = 110) -> Iterator[bool]:
    """Names at the left, values at the right."""
    flags = imgui.TableFlags_.sizing_fixed_fit | imgui.TableFlags_.borders_inner_h
    shown = imgui.begin_table(key, 2, flags)
    if shown:
        imgui.table_setup_column("name", imgui.TableColumnFlags_.width_fixed, name_width)
        imgui.table_setup_column("value", imgui.TableColumnFlags_.width_stretch)
    try:
        yield shown
    finally:
        if shown:
            imgui.end_table()


def property_row(fonts: Theme, name: str, value: str) -> None:
    """A row of a property table; the whole value appears under the pointer."""
    imgui.table_next_row()
    imgui.table_next_column()
    imgui.text_disabled(name)
    if imgui.is_item_hovered():
        imgui.set_tooltip(name)
    imgui.table_next_column()
    with mono(fonts):
        imgui.text(value)
    if imgui.is_item_hovered():
        imgui.set_tooltip(value)
