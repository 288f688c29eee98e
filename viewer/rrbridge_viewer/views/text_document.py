"""A text, shown as it was logged."""

from __future__ import annotations

from collections.abc import Iterator

from imgui_bundle import imgui

from rrbridge_viewer.blueprint import Pane
from rrbridge_viewer.commands import Command
from rrbridge_viewer.query import Query
from rrbridge_viewer.theme import ICONS
from rrbridge_viewer.views._base import ViewContext, centered_note

__all__ = ["TextDocumentView"]

TEXT = "TextDocument:text"


class TextDocumentView:
    """The latest text of each entity, one under the other."""

    name = "TextDocumentView"
    icon = ICONS.text_document
    follows_cursor = True

    def query(self, _view_id: str, pane: Pane, query: Query) -> tuple[tuple[str, str], ...]:
        """`(entity, text)` of those that have one."""
        found = ((path, query.value(path, TEXT)) for path in pane.contents if pane.shows(path))
        return tuple((path, str(text)) for path, text in found if text is not None)

    def draw(self, scene: tuple[tuple[str, str], ...], context: ViewContext) -> Iterator[Command]:
        """The texts, wrapped."""
        if not scene:
            centered_note("No text yet")
        imgui.push_text_wrap_pos(0)
        for path, text in scene:
            if len(scene) > 1:
                imgui.text_disabled(path)
            for line in text.splitlines():
                title = line.lstrip("#")
                if title != line and title.startswith(" "):
                    imgui.push_font(context.fonts.bold, 21 - 2 * min(len(line) - len(title), 3))
                    imgui.text(title.strip())
                    imgui.pop_font()
                else:
                    imgui.text(line)
        imgui.pop_text_wrap_pos()
        yield from ()
