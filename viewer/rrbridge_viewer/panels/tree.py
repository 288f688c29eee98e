"""The left panel: recordings, and the views of the one on screen with what they show."""

from __future__ import annotations

from collections.abc import Iterator

from imgui_bundle import imgui

from rrbridge_viewer import theme
from rrbridge_viewer.blueprint import EntityItem, Pane, RecordingItem, ViewItem
from rrbridge_viewer.commands import ActivateRecording, Command, Hover, Maximize, Select, ShowEntity, ShowView
from rrbridge_viewer.entity_tree import Node, entity_tree
from rrbridge_viewer.panels._base import PanelContext
from rrbridge_viewer.theme import ICONS, color
from rrbridge_viewer.widgets import heading, tree_row

__all__ = ["draw"]

UNFOLDED = 14
"""Views with more entities than this are folded at first."""


def draw(context: PanelContext) -> Iterator[Command]:
    """The panel."""
    imgui.push_style_var(imgui.StyleVar_.item_spacing, imgui.ImVec2(8, 1))
    heading(context.fonts, "Recordings")
    yield from _recordings(context)
    imgui.dummy(imgui.ImVec2(0, 6))
    imgui.separator()
    heading(context.fonts, "Views")
    for view_id, pane in context.recording_state.blueprint.panes.items():
        yield from _view(context, view_id, pane)
    imgui.pop_style_var()


def _recordings(context: PanelContext) -> Iterator[Command]:
    recordings = context.library.recordings
    for store_id, recording in recordings.items():
        title = recording.title
        if sum(other.title == title for other in recordings.values()) > 1:
            title += f"  {store_id.recording_id[:8]}"
        active = store_id == context.state.active
        answer = tree_row(f"recording {store_id}", title, ICONS.recording, depth=0, selected=active, dim=not active)
        if answer.clicked:
            yield ActivateRecording(store_id)
            yield Select((RecordingItem(store_id),))
    for loading in context.library.loadings:
        if loading.is_running and loading.is_live:
            imgui.push_text_wrap_pos(0)
            imgui.text_colored(color(theme.LEVELS["INFO"]), f"{ICONS.follow}  live: {loading.name}")
            imgui.pop_text_wrap_pos()
        elif loading.is_running:
            share = loading.share_done
            imgui.push_style_color(imgui.Col_.frame_bg, color(theme.FRAME))
            percent = "" if share is None else f"  {share:.0%}"
            bar = imgui.ImVec2(-1, 16)
            imgui.progress_bar(share if share is not None else -1 * imgui.get_time(), bar, f"{loading.name}{percent}")
            imgui.pop_style_color()
        elif loading.problem:
            imgui.push_text_wrap_pos(0)
            imgui.text_colored(color(theme.LEVELS["WARN"]), f"{ICONS.warning}  {loading.problem}")
            imgui.pop_text_wrap_pos()


def _view(context: PanelContext, view_id: str, pane: Pane) -> Iterator[Command]:
    view = context.views.by_name.get(pane.view)
    answer = tree_row(
        f"view {view_id}",
        pane.title,
        view.icon if view else ICONS.view,
        depth=0,
        has_children=bool(pane.contents),
        open_at_first=len(pane.contents) <= UNFOLDED,
        selected=context.is_selected(ViewItem(view_id)),
        dim=not pane.visible,
        eye=pane.visible,
    )
    if answer.switched:
        yield ShowView(view_id, not pane.visible)
    if answer.clicked:
        yield Select((ViewItem(view_id),), imgui.get_io().key_ctrl)
    if answer.double_clicked:
        yield Maximize(None if context.recording_state.blueprint.maximized == view_id else view_id)
    if answer.is_open:
        for node in entity_tree(tuple(sorted(pane.contents))):
            yield from _entity(context, view_id, pane, node, 1)


def _entity(context: PanelContext, view_id: str, pane: Pane, node: Node, depth: int) -> Iterator[Command]:
    item = EntityItem(node.path)
    off_here = node.path in pane.hidden
    answer = tree_row(
        f"{view_id} {node.path}",
        node.name,
        ICONS.entity if node.has_data else ICONS.group,
        depth=depth,
        has_children=bool(node.children),
        selected=context.is_selected(item),
        hovered_elsewhere=context.is_hovered(node.path),
        dim=not pane.visible or not pane.shows(node.path),
        eye=not off_here,
    )
    if answer.hovered:
        yield Hover(item)
    if answer.switched:
        yield ShowEntity(view_id, node.path, off_here)
    if answer.clicked:
        yield Select((item,), imgui.get_io().key_ctrl)
    if answer.is_open:
        for child in node.children:
            yield from _entity(context, view_id, pane, child, depth + 1)
