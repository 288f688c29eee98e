"""`rrbridge view`: look at recordings, with time under control."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

if TYPE_CHECKING:
    from rrbridge.feeds import FeedOptions

__all__ = ["view"]

PICTURE_SECS = 5.0
"""How long a running robot is listened to before its picture is taken: finding publishers takes up to three seconds."""


class _Size(click.ParamType[tuple[int, int]]):
    """`1600x1000`."""

    name = "WxH"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Width and height. Fails for anything that is no size of a picture."""
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(\d{2,5})[xX](\d{2,5})", str(value))
        if match is None or not all(64 <= int(side) <= 8192 for side in match.groups()):
            self.fail(f"{value!r} is not a size like 1600x1000 (each side 64 to 8192)", param, ctx)
        return int(match[1]), int(match[2])


class _Memory(click.ParamType[int]):
    """`4GB`, `512MB`, `50%`."""

    name = "SIZE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Bytes."""
        from rrbridge._memory import memory_limit_bytes
        from rrbridge.errors import InvalidValueError

        try:
            return memory_limit_bytes(str(value)) or 0
        except InvalidValueError:
            self.fail(f"{value!r} is not a size like 4GB, 512MB or 50%", param, ctx)


@click.command(short_help="Look at recordings.")
@click.argument("files", nargs=-1, metavar="FILE…")
@click.option("--live", is_flag=True, help="Look at a running robot instead: at all topics, or at those named.")
@click.option(
    "--from",
    "source",
    metavar="SOURCE",
    help="With --live: the middleware and where, as for `rrbridge record`; by default what the environment speaks for.",
)
@click.option("-a", "--all", "every", is_flag=True, help="With --live: every topic that is not hidden; the default.")
@click.option("-e", "--regex", metavar="REGEX", help="With --live: topics that match.")
@click.option("-x", "--exclude", metavar="REGEX", help="With --live: leave out topics that match.")
@click.option("--ros-python", metavar="PYTHON", help="With --live: the Python that has rclpy.")
@click.option(
    "--duration",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="With --live: look so long, then take the pictures, or stop to listen.",
)
@click.option(
    "--screenshot",
    "screenshots",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="OUT.png",
    help="Save a picture instead of opening a window; needs no screen. Several are taken one after the other.",
)
@click.option(
    "--at",
    "times",
    multiple=True,
    metavar="TIME",
    help="Where the cursor stands: `2024-05-01T12:00:03`, `+10s` after the start, `-2s` before the end, seconds or "
    "nanoseconds since the epoch, `start`, `end`, or `timeline=` and one of these. One for each picture, or one for all.",
)
@click.option("--size", type=_Size(), default="1600x1000", show_default=True, help="Of the window or the picture.")
@click.option(
    "--msgs",
    "definitions",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Folder to search for message definitions (a workspace's src), for bags that have none. May be repeated.",
)
@click.option(
    "--memory-limit",
    type=_Memory(),
    default="75%",
    show_default=True,
    help="Stop reading beyond this; live, let go of the oldest data.",
)
def view(files: tuple[str, ...], **options: Any) -> int:
    """Look at recordings: .rrd, .mcap, .bag, .db3, or `-` for an .rrd stream on standard input.

    \b
        rrbridge view --live                    a running robot: all topics, the newest data
        rrbridge view --live /tf /scan /camera  some of them

    Live, nothing is written, and the oldest data goes at the memory limit. What the viewer is too slow for is left out and told.

    \b
    Space plays and pauses, arrows move by 0.1 s (Shift: 1 s, Ctrl: to the next event), Home and End, L loops, 1 to 9 set
    the speed. Drag to turn, right drag to move, wheel to zoom, double click to look at something.

    Without --at, the cursor stands where there is something to see in most views. Files of one recording are shown as one:
    the parts of a split run. Rows that several of them have, such as a bag and what was converted from it, are shown once.

    \b
    Exit status: 0 done · 1 nothing could be shown · 3 a picture was saved, but part of the data could not be read
    """
    live = _live_options(files, options)
    from importlib import import_module

    from rrbridge.errors import MissingExtraError

    for package in ("moderngl", "imgui_bundle", "pyglet", "PIL"):
        try:
            import_module(package)
        except ImportError as err:
            raise MissingExtraError("the viewer", "viewer") from err
    from rrbridge_viewer.run import run

    return run(list(files) if live is None else [], live=live, **options)


def _live_options(topics: tuple[str, ...], options: dict[str, Any]) -> FeedOptions | None:
    """Takes what concerns a running robot out of the options; None for files. Raises UsageError."""
    live, every = options.pop("live"), options.pop("every")
    names = {"source": "--from", "regex": "-e", "exclude": "-x", "ros_python": "--ros-python", "duration": "--duration"}
    given = {name: options.pop(name) for name in names}
    if not live:
        stray = [names[name] for name, value in given.items() if value is not None] + ["-a"] * every
        if stray:
            raise click.UsageError(f"{stray[0]} goes with --live")
        if not topics:
            raise click.UsageError("Missing argument 'FILE…'; for a running robot: rrbridge view --live")
        return None
    if every and (topics or given["regex"]):
        raise click.UsageError("-a takes every topic: name none beside it")
    from rrbridge.feeds import FeedOptions

    duration = given.pop("duration")
    options["duration_secs"] = PICTURE_SECS if duration is None and options["screenshots"] else duration
    return FeedOptions(topics=topics, **given)
