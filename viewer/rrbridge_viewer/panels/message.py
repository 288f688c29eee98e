"""A message at the cursor, as a tree of fields; a click on a number plots it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from imgui_bundle import imgui

from rrbridge_viewer import theme
from rrbridge_viewer.blueprint import PlottedField
from rrbridge_viewer.commands import Command, PlotField
from rrbridge_viewer.message_fields import FieldNode, field_title
from rrbridge_viewer.panels._base import PanelContext
from rrbridge_viewer.plotted_fields import is_plotted
from rrbridge_viewer.theme import ICONS, color_u32
from rrbridge_viewer.widgets import mono

__all__ = ["draw"]

ROW_HEIGHT = 20.0
INDENT = 12.0
CHEVRON = 16.0
VALUE_AT = 0.46
"""Where values begin, as a share of the width."""
GAP = 10.0
OPEN_DEPTH = 2
"""Structs without a short form are unfolded at first down to this depth, lists are not."""


@dataclass(frozen=True, slots=True)
class _Row:
    node: FieldNode
    depth: int
    origin: imgui.ImVec2
    width: float
    hovered: bool


def draw(context: PanelContext, entity: str, component: str, nodes: tuple[FieldNode, ...]) -> Iterator[Command]:
    """The rows of the tree."""
    imgui.push_style_var(imgui.StyleVar_.item_spacing, imgui.ImVec2(0, 0))
    imgui.push_id(component)
    for node in nodes:
        yield from _node(context, PlottedField(entity, component, ()), node, 0)
    imgui.pop_id()
    imgui.pop_style_var()


def _node(context: PanelContext, of: PlottedField, node: FieldNode, depth: int) -> Iterator[Command]:
    key = field_title(node.path)
    identity = imgui.get_id(key)
    storage = imgui.get_state_storage()
    is_struct = not node.text and bool(node.children)
    is_open = bool(node.children) and storage.get_bool(identity, is_struct and depth < OPEN_DEPTH)
    origin, width = imgui.get_cursor_screen_pos(), imgui.get_content_region_avail().x
    imgui.invisible_button(key, imgui.ImVec2(max(width, 1), ROW_HEIGHT))
    clicked, hovered = imgui.is_item_clicked(), imgui.is_item_hovered()
    field = PlottedField(of.entity, of.component, node.path)
    if clicked and node.children:
        is_open = not is_open
        storage.set_bool(identity, is_open)
    elif clicked and node.is_number:
        yield PlotField(field)
    if imgui.is_item_visible():
        plotted = node.is_number and is_plotted(context.recording_state.blueprint, field)
        _row(context, _Row(node, depth, origin, width, hovered), is_open=is_open, plotted=plotted)
    if is_open:
        for child in node.children:
            yield from _node(context, of, child, depth + 1)


def _row(context: PanelContext, row: _Row, *, is_open: bool, plotted: bool) -> None:
    draw, node = imgui.get_window_draw_list(), row.node
    x, y, right = row.origin.x, row.origin.y, row.origin.x + row.width
    below = y + ROW_HEIGHT
    if row.hovered:
        draw.add_rect_filled(row.origin, imgui.ImVec2(right, below), color_u32(theme.HOVERED), 4)
    text_y = y + (ROW_HEIGHT - imgui.get_text_line_height()) / 2
    left = x + row.depth * INDENT
    if node.children:
        chevron = ICONS.open if is_open else ICONS.closed
        draw.add_text(imgui.ImVec2(left, text_y), color_u32(theme.DIM), chevron)
    name_at = left + CHEVRON
    # Values stand under each other, unless a deep name needs the room.
    value_at = max(x + row.width * VALUE_AT, name_at + imgui.calc_text_size(node.name).x + GAP)
    draw.add_text(imgui.ImVec2(name_at, text_y), color_u32(theme.DIM), node.name)
    end = right - (CHEVRON + 4 if node.is_number and (plotted or row.hovered) else 0)
    with mono(context.fonts):
        draw.push_clip_rect(imgui.ImVec2(x, y), imgui.ImVec2(end, below), True)
        ink = theme.DIM if node.children else theme.TEXT
        draw.add_text(imgui.ImVec2(value_at, text_y), color_u32(ink), "" if is_open and not node.text else node.text)
        draw.pop_clip_rect()
    if end < right:
        draw.add_text(
            imgui.ImVec2(end + 2, text_y), color_u32(theme.ACCENT if plotted else theme.DIM), ICONS.time_series
        )
    if row.hovered:
        _tooltip(node, plotted=plotted)


def _tooltip(node: FieldNode, *, plotted: bool) -> None:
    imgui.begin_tooltip()
    imgui.push_text_wrap_pos(480)
    imgui.text(field_title(node.path) or node.name)
    if node.text:
        imgui.text(node.text)
    hint = f"{node.datatype}  ·  click to {'take it out of the plot' if plotted else 'plot it'}"
    imgui.text_disabled(hint if node.is_number else node.datatype)
    imgui.pop_text_wrap_pos()
    imgui.end_tooltip()
