"""The window, and the loop that draws it when something has changed. With the imgui backend, all that knows pyglet."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt
import pyglet
from imgui_bundle import imgui, implot

from rrbridge.errors import RrbridgeError
from rrbridge_viewer.theme import BACKGROUND, Theme

__all__ = ["NoDisplayError", "ViewerWindow"]

PICTURE_ADVICE = "--screenshot out.png saves a picture instead"
IDLE_SECS = 0.1
"""How often an idle window looks for data that has arrived."""
FASTEST_SECS = 1 / 120
PICTURE_FRAME_SECS = 1 / 60
_RED, _GREEN, _BLUE = (channel / 255 for channel in bytes.fromhex(BACKGROUND))


class NoDisplayError(RrbridgeError):
    """There is no screen to open a window on, or no OpenGL to draw with."""


class ViewerWindow:
    """A window with an OpenGL and an imgui context, on the screen or, headless, in memory only."""

    def __init__(self, size: tuple[int, int], *, headless: bool = False, title: str = "rrbridge") -> None:
        """Raises NoDisplayError."""
        pyglet.options.headless = headless
        # With debug_gl, pyglet raises for errors that moderngl leaves behind and handles itself.
        pyglet.options.debug_gl = False
        pyglet.options.shadow_window = False
        pyglet.options.dpi_scaling = "stretch"
        self.headless = headless
        self._window = _open(size, title, headless=headless)
        self.gl = moderngl.create_context()
        imgui.create_context()
        implot.create_context()
        io = imgui.get_io()
        io.config_flags |= imgui.ConfigFlags_.docking_enable
        io.config_windows_move_from_title_bar_only = True
        io.config_input_text_cursor_blink = not headless
        # This import chooses pyglet's platform, so it has to wait until `headless` is set.
        from rrbridge_viewer.imgui_backend import ImguiBackend

        self._backend = ImguiBackend(self._window, self.gl, frame_secs=PICTURE_FRAME_SECS if headless else None)
        self.fonts = Theme.install()
        self._last_frame = time.perf_counter()

    @property
    def renderer(self) -> str:
        """What draws: `llvmpipe …` is software."""
        return str(self.gl.info["GL_RENDERER"])

    @property
    def size(self) -> tuple[int, int]:
        """In window coordinates."""
        width, height = self._window.get_size()
        return int(width), int(height)

    def draw(self, frame: Callable[[float], None], *, elapsed_secs: float | None = None) -> None:
        """One frame: deliver events, let `frame` make the user interface, draw it, show it."""
        self._window.switch_to()
        if self.headless:
            self._window.dispatch_events()
        now = time.perf_counter()
        elapsed = now - self._last_frame if elapsed_secs is None else elapsed_secs
        self._last_frame = now
        self._backend.touched = False
        self._backend.new_frame()
        frame(elapsed)
        imgui.render()
        self.gl.screen.use()
        self.gl.clear(_RED, _GREEN, _BLUE, 1.0)
        self._backend.render(self.gl.screen)
        if not self.headless:
            self._window.flip()

    def send(self, event: str, *arguments: Any) -> None:
        """Queue a pyglet event, as if it had come from the keyboard or the mouse."""
        self._window.dispatch_event(event, *arguments)
        self._window.dispatch_events()

    def pixels(self) -> npt.NDArray[np.uint8]:
        """What was drawn last, (height, width, 3), first row at the top."""
        width, height = self._window.get_framebuffer_size()
        raw = self.gl.screen.read(viewport=(0, 0, width, height), components=3, alignment=1)
        return np.frombuffer(raw, np.uint8).reshape(height, width, 3)[::-1].copy()

    def save(self, path: Path) -> None:
        """What was drawn last, as a picture file. Raises OSError."""
        from PIL import Image

        Image.fromarray(self.pixels()).save(path)

    def run(self, frame: Callable[[float], None], is_due: Callable[[], bool], quits: Callable[[], bool]) -> None:
        """Until the window is closed: draw whenever `is_due` or an event has come, else sleep."""
        loop = _OnDemand(lambda: self._turn(frame, is_due, quits))
        pyglet.app.event_loop = loop
        loop.run(interval=None)

    def _turn(self, frame: Callable[[float], None], is_due: Callable[[], bool], quits: Callable[[], bool]) -> float:
        """One turn of the loop; returns how long it may sleep unless an event wakes it."""
        if quits() or self._window.has_exit:
            self._window.close()
            pyglet.app.event_loop.exit()
            return 0.0
        touched = self._backend.touched
        if touched or is_due():
            began = time.perf_counter()
            self.draw(frame)
            return max(FASTEST_SECS - (time.perf_counter() - began), 0.0)
        self._last_frame = time.perf_counter()
        return IDLE_SECS

    def close(self) -> None:
        """Free the window and its contexts."""
        implot.destroy_context()
        imgui.destroy_context()
        self._window.close()


class _OnDemand(pyglet.app.EventLoop):  # type: ignore[misc] # pyglet has no types
    """pyglet's event loop, drawing only when asked to."""

    def __init__(self, turn: Callable[[], float]) -> None:
        super().__init__()
        self._turn = turn

    def idle(self) -> float:
        """Called after events, and when the time that it returned has passed."""
        super().idle()
        return self._turn()


def _open(size: tuple[int, int], title: str, *, headless: bool) -> Any:
    """A pyglet window with OpenGL 3.3 or better. Raises NoDisplayError."""
    try:
        with warnings.catch_warnings():
            # Without a screen, pyglet warns of what the error below says too.
            warnings.filterwarnings("ignore", "No device available", UserWarning)
            return _pyglet_window(size, title)
    except (ImportError, OSError) as err:
        raise NoDisplayError(_no_opengl(str(err), headless=headless)) from err
    except Exception as err:
        # pyglet's own classes cannot be named here: importing them can fail in the same ways.
        kinds = {kind.__name__ for kind in type(err).__mro__}
        if "NoSuchDisplayException" in kinds:
            raise NoDisplayError(f"there is no screen to open a window on; {PICTURE_ADVICE}") from err
        if not kinds & {"WindowException", "ContextException"}:
            raise
        raise NoDisplayError(_no_opengl(str(err), headless=headless)) from err


def _pyglet_window(size: tuple[int, int], title: str) -> Any:
    from pyglet import gl
    from pyglet.window import Window

    # Without explicit channel sizes, EGL hands out RGB565 and all colours are coarse.
    config = gl.Config(
        double_buffer=True,
        red_size=8,
        green_size=8,
        blue_size=8,
        alpha_size=8,
        depth_size=24,
        major_version=3,
        minor_version=3,
    )
    return Window(*size, caption=title, resizable=True, vsync=True, config=config)


def _no_opengl(why: str, *, headless: bool) -> str:
    failed = "cannot draw a picture" if headless else "cannot open a window"
    reason = f" ({why})" if why else ""
    advice = "" if headless else f"; without a screen, {PICTURE_ADVICE}"
    return (
        f"{failed}{reason}: OpenGL 3.3 is needed, drawn by a graphics card or by software; "
        f"on Debian and Ubuntu, apt install libgl1 libegl1 libgl1-mesa-dri{advice}"
    )
