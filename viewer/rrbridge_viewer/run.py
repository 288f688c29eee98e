"""What `rrbridge view` does: open files, then a window, or save pictures."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import rich_click as click

from rrbridge._folders import recordings_in
from rrbridge._timeline import TimeKind
from rrbridge.errors import RrbridgeError
from rrbridge.feeds import FeedOptions
from rrbridge.importers import ImportOptions, Note
from rrbridge_viewer.clock import Play
from rrbridge_viewer.commands import Seek, SetPlay, SetTimeline, SetTimeWindow
from rrbridge_viewer.loading import Library
from rrbridge_viewer.times import TimeSpec, parse_time
from rrbridge_viewer.viewer import Viewer
from rrbridge_viewer.views._base import Views
from rrbridge_viewer.window import ViewerWindow

__all__ = ["move_cursor", "run", "settle", "show_newest"]

MOST_FRAMES = 24
"""After this many frames a picture is taken, whatever still moves."""
LIVE_WINDOW_NANOS = 30 * 10**9
"""So much of a running robot's time is shown at first. What it latched may be hours old, and squeeze all else."""
EXIT_OK, EXIT_LOSSES = 0, 3


def run(
    files: list[str],
    *,
    screenshots: tuple[Path, ...],
    times: tuple[str, ...],
    size: tuple[int, int],
    memory_limit: int,
    definitions: tuple[Path, ...] = (),
    live: FeedOptions | None = None,
    duration_secs: float | None = None,
) -> int:
    """Shows files or, with `live`, a running robot, which is heard for `duration_secs` at most. Returns the exit code.

    Raises RrbridgeError when nothing can be shown.
    """
    specs = [parse_time(text) for text in times]
    if len(specs) > 1 and len(specs) != len(screenshots):
        raise RrbridgeError(
            f"{len(specs)} times for {len(screenshots)} pictures: give one --at for each, or one for all"
        )
    for path in screenshots:
        if not path.absolute().parent.is_dir():
            raise RrbridgeError(f"{path}: there is no folder {path.absolute().parent}")
    named = recordings_in(*(Path(name) for name in files if name != "-"))
    files = [*map(str, named), *(name for name in files if name == "-")]
    library = Library(memory_limit_bytes=memory_limit)
    try:
        if live is not None:
            _listen(library, live, duration_secs)
        title = ", ".join(Path(name).name for name in files)[:80] if live is None else library.loadings[0].name
        window = ViewerWindow(size, headless=bool(screenshots), title=f"{title} – rrbridge")
        try:
            if "-" in files:
                library.open_stream(sys.stdin.buffer)
            library.open_files([Path(name) for name in files if name != "-"], ImportOptions(definitions=definitions))
            viewer = Viewer(library, Views.discover(), window.fonts, window.gl)
            if screenshots:
                viewer.graphics.smooth = True
                return _pictures(window, viewer, screenshots, specs)
            return _interactive(window, viewer, specs[0] if specs else None, follow="-" in files or live is not None)
        finally:
            window.close()
    finally:
        for loading in library.loadings:
            loading.stop()


def _listen(library: Library, options: FeedOptions, duration_secs: float | None) -> None:
    loading = library.open_feed(options)
    if duration_secs is not None:
        timer = threading.Timer(duration_secs, loading.stop)
        timer.daemon = True
        timer.start()


def _interactive(window: ViewerWindow, viewer: Viewer, at: TimeSpec | None, *, follow: bool) -> int:
    reading = glides = True

    def is_due() -> bool:
        nonlocal at, follow, reading, glides
        if reading and not viewer.library.is_loading:
            reading = False
            _say(viewer.library.notices)
        due = viewer.is_due()
        if follow and viewer.state.recording is not None:
            viewer.do(SetPlay(Play.FOLLOWING))
            follow = False
        if glides:
            glides = not show_newest(viewer)
        if at is not None and viewer.state.recording is not None and not viewer.library.is_loading:
            move_cursor(viewer, at)
            at = None
        return due

    window.run(viewer.frame, is_due, lambda: viewer.wants_to_quit)
    if reading:
        _say(viewer.library.notices)
    return EXIT_OK


def show_newest(viewer: Viewer) -> bool:
    """Once a running robot was heard for longer, show the last while, which moves along; whether that is done."""
    recording = viewer.state.recording
    span = recording.clock.span if recording is not None else None
    if span is None or span.kind is TimeKind.SEQUENCE or span.hi - span.lo <= LIVE_WINDOW_NANOS:
        return False
    if not any(loading.is_live for loading in viewer.library.loadings):
        return True
    if recording is not None and recording.clock.window is None:
        viewer.do(SetTimeWindow((span.hi - LIVE_WINDOW_NANOS, span.hi)))
    return True


def _pictures(window: ViewerWindow, viewer: Viewer, paths: tuple[Path, ...], specs: list[TimeSpec]) -> int:
    viewer.library.wait()
    viewer.take_news(final=True)
    if viewer.state.recording is None:
        raise RrbridgeError("; ".join(viewer.library.problems) or "nothing to show: there is no recording")
    for number, path in enumerate(paths):
        if specs:
            move_cursor(viewer, specs[number if len(specs) > 1 else 0])
        elif any(loading.is_live for loading in viewer.library.loadings):
            viewer.do(SetPlay(Play.FOLLOWING))
            show_newest(viewer)
        settle(window, viewer)
        try:
            window.save(path)
        except (OSError, ValueError) as err:
            raise RrbridgeError(f"{path}: the picture could not be saved: {err}") from err
    _say(viewer.library.notices)
    return EXIT_LOSSES if viewer.library.problems else EXIT_OK


def _say(notices: Sequence[Note]) -> None:
    for note in notices:
        click.echo(f"{'warning' if note.is_loss else 'note'}: {note.text}", err=True)


def move_cursor(viewer: Viewer, spec: TimeSpec) -> None:
    """Put the cursor of the recording on screen to a time. Raises InvalidValueError."""
    recording = viewer.state.recording
    assert recording is not None
    timelines = recording.clock.timelines
    timeline, time = spec.resolve(timelines, [recording.clock.timeline, *timelines])
    viewer.do(SetPlay(Play.PAUSED), SetTimeline(timeline), Seek(time))


def settle(window: ViewerWindow, viewer: Viewer) -> None:
    """Draw until nothing changes any more."""
    viewer.wake()
    for _ in range(MOST_FRAMES):
        window.draw(viewer.frame, elapsed_secs=0.0)
        if not viewer.is_due():
            break
