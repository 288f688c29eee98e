"""A whole blueprint: the tree of containers and views, and the panels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias, TypeVar

from rrbridge._archetype import own_errors
from rrbridge._messages import LogMessage
from rrbridge.blueprint._rows import Row, blueprint_messages
from rrbridge.blueprint._view import View
from rrbridge.blueprint.archetypes import ViewportBlueprint
from rrbridge.blueprint.containers import Container, Tabs
from rrbridge.blueprint.panels import BlueprintPanel, Panel, SelectionPanel, TimePanel, TopPanel
from rrbridge.errors import InvalidValueError
from rrbridge.rrd import RrdWriter

__all__ = ["Blueprint", "BlueprintLike", "BlueprintPart", "to_messages"]

PanelT = TypeVar("PanelT", bound=Panel)
BlueprintPart: TypeAlias = Container | View | TopPanel | BlueprintPanel | SelectionPanel | TimePanel


@own_errors
class Blueprint:
    """What a viewer shows, and how it is arranged."""

    root_container: Container | None
    top_panel: TopPanel | None
    blueprint_panel: BlueprintPanel | None
    selection_panel: SelectionPanel | None
    time_panel: TimePanel | None

    def __init__(
        self,
        *parts: BlueprintPart,
        auto_layout: bool | None = None,
        auto_views: bool | None = None,
        collapse_panels: bool = False,
    ) -> None:
        """Containers and views, several of them as tabs, and at most one panel of each kind.

        Without any container or view, `auto_layout` and `auto_views` are on: the viewer makes views of its own.
        `collapse_panels`: those panels that are not given. Raises InvalidValueError.
        """
        contents = [part for part in parts if isinstance(part, Container | View)]
        for part in parts:
            if not isinstance(part, Container | View | Panel):
                raise InvalidValueError("Blueprint", "containers, views and panels", repr(part)[:80])
        self.collapse_panels = collapse_panels
        self.top_panel = _only(parts, TopPanel)
        self.blueprint_panel = _only(parts, BlueprintPanel) or (
            BlueprintPanel(expanded=False) if collapse_panels else None
        )
        self.selection_panel = _only(parts, SelectionPanel) or (
            SelectionPanel(expanded=False) if collapse_panels else None
        )
        self.time_panel = _only(parts, TimePanel) or (TimePanel(expanded=False) if collapse_panels else None)
        if not contents:
            self.root_container = None
        elif len(contents) == 1:
            self.root_container = contents[0].to_container()
        else:
            self.root_container = Tabs(*contents)
        self.auto_layout = True if self.root_container is None and auto_layout is None else auto_layout
        self.auto_views = True if self.root_container is None and auto_views is None else auto_views
        self._viewport()

    def to_blueprint(self) -> Blueprint:
        """The blueprint itself."""
        return self

    def blueprint_rows(self) -> Iterator[Row]:
        """What it says, without what it is for."""
        if self.root_container is not None:
            yield from self.root_container.blueprint_rows()
        yield Row("/viewport", self._viewport().as_component_batches())
        for panel in (self.top_panel, self.blueprint_panel, self.selection_panel, self.time_panel):
            if panel is not None:
                yield from panel.blueprint_rows()

    def save(self, application_id: str, path: str | Path | None = None) -> None:
        """Write it to a file, `<application_id>.rbl` if none is named. Raises FileError.

        Opened next to recordings of the same application, it is what these are shown with.
        """
        with RrdWriter(f"{application_id}.rbl" if path is None else path) as writer:
            for message in to_messages(self, application_id, make_active=True, make_default=True):
                writer.write(message)

    def _viewport(self) -> ViewportBlueprint:
        return ViewportBlueprint(
            root_container=None if self.root_container is None else self.root_container.id,
            auto_layout=self.auto_layout,
            auto_views=self.auto_views,
        )

    def __repr__(self) -> str:
        panels = (self.top_panel, self.blueprint_panel, self.selection_panel, self.time_panel)
        return f"Blueprint({', '.join(repr(part) for part in (self.root_container, *panels) if part is not None)})"


BlueprintLike: TypeAlias = Blueprint | View | Container


def to_messages(
    blueprint: BlueprintLike, application_id: str, *, make_active: bool, make_default: bool
) -> Iterator[LogMessage]:
    """A blueprint as it is sent: its store, and then the command that puts it to use. Raises InvalidValueError."""
    if not isinstance(blueprint, Blueprint | View | Container):
        raise InvalidValueError("blueprint", "a Blueprint, a view or a container", repr(blueprint)[:80])
    rows = blueprint.to_blueprint().blueprint_rows()
    return blueprint_messages(rows, application_id, make_active=make_active, make_default=make_default)


def _only(parts: tuple[object, ...], kind: type[PanelT]) -> PanelT | None:
    found = [part for part in parts if isinstance(part, kind)]
    if len(found) > 1:
        raise InvalidValueError("Blueprint", f"at most one {kind.__name__}", str(len(found)))
    return found[0] if found else None
