"""A GL context without a screen, and a whole viewer in one, for tests that look at pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt
import pytest
from imgui_bundle import imgui

from rrbridge_viewer.clock import Clock
from rrbridge_viewer.commands import Command
from rrbridge_viewer.docking import PANEL_WINDOWS
from rrbridge_viewer.loading import Library
from rrbridge_viewer.run import move_cursor, settle
from rrbridge_viewer.state import RecordingState
from rrbridge_viewer.times import parse_time
from rrbridge_viewer.viewer import Viewer, view_key
from rrbridge_viewer.views._base import Views
from rrbridge_viewer.window import ViewerWindow


@pytest.fixture(scope="session")
def _gl_context() -> Iterator[moderngl.Context]:
    settings: Any = {"standalone": True, "backend": "egl", "require": 330}
    context = moderngl.create_context(**settings)
    yield context
    context.release()


@pytest.fixture
def gl(_gl_context: moderngl.Context) -> Iterator[moderngl.Context]:
    """Current during the test, whatever contexts other tests have made current."""
    with _gl_context:
        yield _gl_context


SEPARATE_FRAMES = 40
"""After so many frames (of 1/60 s each in a headless window) a press is a new click."""


class Desk:
    """A viewer in a headless window: opens recordings, gets events, shows its pixels."""

    def __init__(self, window: ViewerWindow) -> None:
        self.window = window
        self.library = Library()
        self.viewer = Viewer(self.library, Views.discover(), window.fonts, window.gl)

    def open(self, *paths: Path, at: str | None = None) -> Desk:
        """Read files to their ends and put the cursor to a time."""
        for path in paths:
            self.library.open_file(path)
        self.library.wait()
        self.viewer.take_news(final=True)
        return self.at(at) if at else self.settle()

    def at(self, text: str) -> Desk:
        """Move the cursor, as `--at` does."""
        move_cursor(self.viewer, parse_time(text))
        return self.settle()

    def settle(self) -> Desk:
        settle(self.window, self.viewer)
        return self

    def do(self, *commands: Command) -> Desk:
        self.viewer.do(*commands)
        return self.settle()

    @property
    def recording(self) -> RecordingState:
        assert self.viewer.state.recording is not None
        return self.viewer.state.recording

    @property
    def clock(self) -> Clock:
        return self.recording.clock

    @property
    def pixels(self) -> npt.NDArray[np.int16]:
        """(height, width, 3), signed so that colours can be subtracted."""
        return self.window.pixels().astype(np.int16)

    def view_id(self, view: str, title: str | None = None) -> str:
        """The id of the only view of a class, or of the one with this title."""
        panes = self.recording.blueprint.panes.items()
        found = [key for key, pane in panes if pane.view == view and title in (None, pane.title)]
        assert len(found) == 1, found
        return found[0]

    def key(self, view_id: str) -> str:
        """Under which the view's state is kept."""
        assert self.viewer.state.active is not None
        return view_key(self.viewer.state.active, view_id)

    def area(self, name: str) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of the inside of an imgui window, `left`, `right`, `bottom` or a view's id."""
        full = PANEL_WINDOWS.get(name) or f"###{self.key(name)}"
        found = imgui.internal.find_window_by_name(full)
        assert found is not None, full
        box = found.inner_rect
        return int(box.min.x), int(box.min.y), int(box.max.x), int(box.max.y)

    def inside(self, name: str) -> npt.NDArray[np.int16]:
        """The pixels of a window."""
        left, top, right, bottom = self.area(name)
        return self.pixels[top:bottom, left:right]

    def draw(self, count: int = 1, *, elapsed_secs: float = 0.0) -> Desk:
        for _ in range(count):
            self.window.draw(self.viewer.frame, elapsed_secs=elapsed_secs)
        return self

    def _up(self, y: float) -> int:
        return self.window.size[1] - round(y)

    def move(self, x: float, y: float) -> Desk:
        self.window.send("on_mouse_motion", round(x), self._up(y), 0, 0)
        return self.draw(2)

    def press(self, button: int = 1, modifiers: int = 0) -> Desk:
        io = imgui.get_io()
        self.window.send("on_mouse_press", round(io.mouse_pos.x), self._up(io.mouse_pos.y), button, modifiers)
        return self.draw()

    def drag(self, x: float, y: float, button: int = 1, modifiers: int = 0) -> Desk:
        self.window.send("on_mouse_drag", round(x), self._up(y), 0, 0, button, modifiers)
        return self.draw()

    def release(self, button: int = 1, modifiers: int = 0) -> Desk:
        io = imgui.get_io()
        self.window.send("on_mouse_release", round(io.mouse_pos.x), self._up(io.mouse_pos.y), button, modifiers)
        return self.draw(2)

    def click(self, x: float, y: float, button: int = 1, modifiers: int = 0) -> Desk:
        return self.move(x, y).press(button, modifiers).release(button, modifiers)

    def double_click(self, x: float, y: float) -> Desk:
        """Two presses, and none before that could be taken for the first: imgui counts them by its own frames' time."""
        self.move(x, y).draw(SEPARATE_FRAMES)
        return self.press().release().press().release()

    def wheel(self, x: float, y: float, notches: float) -> Desk:
        self.move(x, y)
        self.window.send("on_mouse_scroll", round(x), self._up(y), 0, notches)
        return self.draw(2)

    def type_key(self, name: str, modifiers: int = 0) -> Desk:
        from pyglet.window import key

        self.window.send("on_key_press", getattr(key, name), modifiers)
        self.draw()
        self.window.send("on_key_release", getattr(key, name), 0)
        return self.draw()

    def leave(self) -> Desk:
        """Take the pointer out of the window."""
        self.window.send("on_mouse_leave", 0, 0)
        return self.draw(2)


def near(pixels: npt.NDArray[np.int16], rgb: tuple[int, int, int], within: int = 40) -> npt.NDArray[np.bool_]:
    """Where a picture has about this colour."""
    return np.asarray((np.abs(pixels - np.array(rgb)) <= within).all(axis=-1))


@pytest.fixture(scope="session")
def _window() -> Iterator[ViewerWindow]:
    window = ViewerWindow((1200, 800), headless=True)
    yield window
    window.close()


@pytest.fixture
def desk(_window: ViewerWindow) -> Iterator[Desk]:
    """A viewer with nothing open."""
    made = Desk(_window)
    made.leave()
    yield made
    made.viewer.graphics.keep_only(())


@pytest.fixture(scope="session")
def near_color() -> Callable[..., npt.NDArray[np.bool_]]:
    """`near_color(pixels, (r, g, b), within=40)`: where a picture has about this colour."""
    return near
