"""What a view is: one kind of picture of a recording."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from imgui_bundle import imgui

from rrbridge import plugins
from rrbridge_viewer.blueprint import EntityItem, Item, Pane
from rrbridge_viewer.clock import Clock
from rrbridge_viewer.commands import Command
from rrbridge_viewer.graphics import Graphics
from rrbridge_viewer.query import Query
from rrbridge_viewer.theme import Theme

__all__ = ["View", "ViewContext", "Views", "centered_note"]


@dataclass(frozen=True, slots=True)
class ViewContext:
    """What a view may look at while it draws, besides its scene."""

    view_id: str
    pane: Pane
    clock: Clock
    value: Any
    """What the view asked to find again with `SetViewState`; None at first."""
    selection: tuple[Item, ...]
    hovered: Item | None
    fonts: Theme
    graphics: Graphics
    size: tuple[float, float]
    """Of the region to draw in, in the window's coordinates."""

    def is_selected(self, entity: str) -> bool:
        """Whether an entity, or an instance of it, is selected."""
        return any(isinstance(item, EntityItem) and item.path == entity for item in self.selection)


class View(Protocol):
    """One kind of view. It holds nothing between frames: `query` reads the store, `draw` draws what `query` made.

    `query` is called only when the pane, the data or the cursor has changed; `draw` in every frame.
    """

    name: ClassVar[str]
    icon: ClassVar[str]
    follows_cursor: ClassVar[bool]
    """Whether what `query` finds depends on the cursor; plots and logs show all times at once."""

    def query(self, view_id: str, pane: Pane, query: Query) -> Any:
        """What is to be seen."""

    def draw(self, scene: Any, context: ViewContext) -> Iterator[Command]:
        """Draw it into the current imgui window, and say what the person asked for."""


@dataclass
class Views:
    """The installed view classes by name. A broken plug-in is left out."""

    by_name: dict[str, View] = field(default_factory=dict)

    @classmethod
    def discover(cls) -> Views:
        """Those that packages offer under `rrbridge.views`."""
        return cls({plugin.name: plugin.value() for plugin in plugins.load("rrbridge.views")})


def centered_note(text: str) -> None:
    """A sentence in the middle of an otherwise empty view."""
    region = imgui.get_content_region_avail()
    size = imgui.calc_text_size(text, False, max(region.x - 24, 40))
    start = imgui.get_cursor_pos()
    imgui.set_cursor_pos(
        imgui.ImVec2(start.x + max((region.x - size.x) / 2, 12), start.y + max((region.y - size.y) / 2, 0))
    )
    imgui.push_text_wrap_pos(start.x + region.x - 12)
    imgui.text_disabled(text)
    imgui.pop_text_wrap_pos()
