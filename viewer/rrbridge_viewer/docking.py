"""Puts windows where the blueprint says, with imgui's dock builder."""

from __future__ import annotations

from collections.abc import Callable

from imgui_bundle import imgui
from imgui_bundle.imgui import internal

from rrbridge_viewer.blueprint import Blueprint, Container

__all__ = ["PANEL_WINDOWS", "arrange"]

PANEL_WINDOWS = {"left": "Views###left", "right": "Selection###right", "bottom": "Time###bottom"}
_SHARES = {"bottom": 0.27, "left": 0.155, "right": 0.2}
_DIRECTIONS = {"bottom": imgui.Dir.down, "left": imgui.Dir.left, "right": imgui.Dir.right}
_FRAMELESS = internal.DockNodeFlagsPrivate_.no_tab_bar | internal.DockNodeFlagsPrivate_.no_docking_over_me


def arrange(
    dockspace: int,
    size: tuple[float, float],
    blueprint: Blueprint,
    open_panels: set[str],
    title_of: Callable[[str], str],
) -> None:
    """Lay everything out anew. `title_of` is the imgui window name of a view."""
    internal.dock_builder_remove_node(dockspace)
    internal.dock_builder_add_node(dockspace, internal.DockNodeFlagsPrivate_.dock_space)
    internal.dock_builder_set_node_size(dockspace, imgui.ImVec2(*size))
    rest = dockspace
    for panel in ("bottom", "left", "right"):
        if panel not in open_panels:
            continue
        split = internal.dock_builder_split_node(rest, _DIRECTIONS[panel], _shrunk(_SHARES[panel], panel, size))
        internal.dock_builder_dock_window(PANEL_WINDOWS[panel], split.id_at_dir)
        internal.dock_builder_get_node(split.id_at_dir).set_local_flags(_FRAMELESS)
        rest = split.id_at_opposite_dir
    if blueprint.maximized is not None:
        internal.dock_builder_dock_window(title_of(blueprint.maximized), rest)
    elif blueprint.root is not None:
        visible = _visible(blueprint.root, blueprint)
        if visible is not None:
            _place(visible, rest, title_of)
    internal.dock_builder_finish(dockspace)


def _shrunk(share: float, panel: str, size: tuple[float, float]) -> float:
    """Panels do not grow without end with the screen, nor vanish on a small one."""
    length = size[1] if panel == "bottom" else size[0]
    return min(max(share, 190 / max(length, 1)), 420 / max(length, 1), 0.45)


def _visible(container: Container, blueprint: Blueprint) -> Container | None:
    """Without the views that are switched off."""
    shares = container.shares or (1.0,) * len(container.children)
    kept: list[tuple[str | Container, float]] = []
    for child, share in zip(container.children, shares, strict=True):
        if isinstance(child, Container):
            inner = _visible(child, blueprint)
            if inner is not None:
                kept.append((inner, share))
        elif child in blueprint.panes and blueprint.panes[child].visible:
            kept.append((child, share))
    if not kept:
        return None
    return Container(container.kind, tuple(child for child, _ in kept), tuple(share for _, share in kept))


def _place(child: str | Container, node: int, title_of: Callable[[str], str]) -> None:
    if isinstance(child, str):
        internal.dock_builder_dock_window(title_of(child), node)
        return
    if child.kind == "tabs":
        for inner in child.children:
            for view_id in _leaves(inner):
                internal.dock_builder_dock_window(title_of(view_id), node)
        return
    direction = imgui.Dir.left if child.kind == "horizontal" else imgui.Dir.up
    left_over = sum(child.shares)
    for inner, share in zip(child.children[:-1], child.shares[:-1], strict=True):
        split = internal.dock_builder_split_node(node, direction, share / left_over)
        _place(inner, split.id_at_dir, title_of)
        node = split.id_at_opposite_dir
        left_over -= share
    _place(child.children[-1], node, title_of)


def _leaves(child: str | Container) -> list[str]:
    if isinstance(child, str):
        return [child]
    return [view_id for inner in child.children for view_id in _leaves(inner)]
