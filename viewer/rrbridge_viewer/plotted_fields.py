"""Numbers inside messages, put into plots and taken out again. Pure."""

from __future__ import annotations

from dataclasses import replace

from rrbridge_viewer.blueprint import Blueprint, Container, Pane, PlottedField, ViewId
from rrbridge_viewer.message_fields import field_title

__all__ = ["is_plotted", "with_field_switched"]

PLOT = "TimeSeriesView"


def is_plotted(blueprint: Blueprint, field: PlottedField) -> bool:
    """Whether a plot shows the field."""
    return any(field in pane.fields for pane in blueprint.panes.values())


def with_field_switched(blueprint: Blueprint, field: PlottedField) -> Blueprint:
    """Without the field, if a plot shows it; else with it, in the plot of its entity or in a new one."""
    panes = dict(blueprint.panes)
    showing = {view_id: pane for view_id, pane in panes.items() if field in pane.fields}
    if showing:
        for view_id, pane in showing.items():
            kept = tuple(other for other in pane.fields if other != field)
            panes[view_id] = replace(pane, fields=kept, left_out=pane.left_out + 1)
        return replace(blueprint, panes=panes)
    mine = [key for key, pane in panes.items() if pane.view == PLOT and pane.origin == field.entity and pane.visible]
    if mine:
        # The last one is the one that was made by hand, if any.
        pane = panes[mine[-1]]
        contents = pane.contents if field.entity in pane.contents else (*pane.contents, field.entity)
        left_out = max(pane.left_out - 1, 0)
        grown = replace(pane, contents=contents, fields=(*pane.fields, field), left_out=left_out)
        return replace(blueprint, panes={**panes, mine[-1]: grown})
    view_id = f"{PLOT}:{field.entity}:field"
    while view_id in panes:
        view_id += "'"
    title = f"{field.entity} {field_title(field.path)}"
    made = Pane(PLOT, title, field.entity, (field.entity,), fields=(field,))
    plots = {key for key, pane in panes.items() if pane.view == PLOT}
    return replace(blueprint, panes={**panes, view_id: made}, root=_placed(blueprint.root, view_id, plots))


def _placed(root: Container | None, view_id: ViewId, plots: set[ViewId]) -> Container:
    """Where other plots are; else at the right, below what is there."""
    if root is None:
        return Container("horizontal", (view_id,))
    grown = _beside(root, view_id, plots)
    if grown is not None:
        return grown
    last = root.children[-1] if root.children else None
    if root.kind == "horizontal" and isinstance(last, Container) and last.kind == "vertical":
        return replace(root, children=(*root.children[:-1], _appended(last, view_id)))
    if root.kind == "horizontal":
        return _appended(root, view_id)
    return Container("horizontal", (root, view_id))


def _beside(container: Container, view_id: ViewId, plots: set[ViewId]) -> Container | None:
    """With the view in the last container that holds one of the plots; None where none does."""
    for place in range(len(container.children) - 1, -1, -1):
        child = container.children[place]
        if isinstance(child, Container):
            grown = _beside(child, view_id, plots)
            if grown is not None:
                children = (*container.children[:place], grown, *container.children[place + 1 :])
                return replace(container, children=children)
    return _appended(container, view_id) if any(child in plots for child in container.children) else None


def _appended(container: Container, view_id: ViewId) -> Container:
    shares = container.shares
    if shares:
        shares = (*shares, sum(shares) / len(shares))
    return replace(container, children=(*container.children, view_id), shares=shares)
