"""The bar at the top."""

from __future__ import annotations

from collections.abc import Iterator

from imgui_bundle import imgui

from rrbridge_viewer import theme
from rrbridge_viewer.clock import Loop, Play
from rrbridge_viewer.commands import Command, Redo, SetLoop, SetPlay, TogglePanel, Undo
from rrbridge_viewer.panels._base import PanelContext
from rrbridge_viewer.theme import ICONS, color

__all__ = ["MenuAnswer", "draw"]

PANELS = {"left": "Recordings and views", "right": "Selection", "bottom": "Time"}
KEYS = (
    ("Space", "play or pause"),
    ("Left, Right", "0.1 s back or forward; with Shift 1 s"),
    ("Ctrl+Left, Ctrl+Right", "previous or next event"),
    ("Home, End", "begin, end"),
    ("L", "loop"),
    ("F", "follow the newest data"),
    ("1 … 9", "speed"),
    ("Ctrl+Z, Ctrl+Shift+Z", "undo, redo changes to the views"),
    ("Drag, right drag, wheel", "turn, move, zoom"),
    ("W A S D Q E", "fly through a 3D view"),
    ("Double click", "show all, or look at what is under the pointer"),
    ("Wheel over a plot's numbers", "zoom its values"),
    ("Click on a number in a message", "plot it, or take it out of the plot"),
)


class MenuAnswer:
    """What the menu asks of the program rather than of the state."""

    quit = False
    reset_layout = False


def draw(context: PanelContext, answer: MenuAnswer) -> Iterator[Command]:
    """The bar."""
    if not imgui.begin_main_menu_bar():
        return
    if imgui.begin_menu("File"):
        answer.quit = imgui.menu_item("Quit", "Ctrl+Q", False)[0]
        imgui.end_menu()
    if imgui.begin_menu("View"):
        recording = context.recording_state
        if imgui.menu_item("Undo", "Ctrl+Z", False, bool(recording.undo))[0]:
            yield Undo()
        if imgui.menu_item("Redo", "Ctrl+Shift+Z", False, bool(recording.redo))[0]:
            yield Redo()
        answer.reset_layout = imgui.menu_item("Automatic layout", "", False)[0]
        imgui.separator()
        for panel, title in PANELS.items():
            if imgui.menu_item(title, "", panel not in context.state.closed_panels)[0]:
                yield TogglePanel(panel)  # type: ignore[arg-type] # the keys of PANELS
        imgui.end_menu()
    if imgui.begin_menu("Play"):
        clock = context.clock
        playing = clock.play is Play.PLAYING
        if imgui.menu_item("Pause" if playing else "Play", "Space", False)[0]:
            yield SetPlay(Play.PAUSED if playing else Play.PLAYING)
        if imgui.menu_item("Follow", "F", clock.play is Play.FOLLOWING)[0]:
            yield SetPlay(Play.FOLLOWING)
        if imgui.menu_item("Loop", "L", clock.loop is not Loop.OFF)[0]:
            yield SetLoop(Loop.OFF if clock.loop is not Loop.OFF else Loop.ALL)
        imgui.end_menu()
    if imgui.begin_menu("Help"):
        for keys, meaning in KEYS:
            imgui.menu_item(meaning, keys, False, False)
        imgui.end_menu()
    _status(context)
    imgui.end_main_menu_bar()


def _status(context: PanelContext) -> None:
    """At the right: memory, and what is to be known about the files; in colour where data is missing."""
    text = f"{context.library.nbytes / 2**20:.0f} MiB"
    notices = context.library.notices
    count = f"{ICONS.warning}  {len(notices)}   " if notices else ""
    width = imgui.calc_text_size(count + text).x
    imgui.same_line(imgui.get_window_width() - width - 18)
    if notices:
        is_loss = any(note.is_loss for note in notices)
        imgui.text_colored(color(theme.LEVELS["WARN"] if is_loss else theme.DIM), count)
        if imgui.is_item_hovered():
            imgui.set_tooltip("\n".join(note.text for note in notices))
        imgui.same_line(0, 0)
    imgui.text_disabled(text)
