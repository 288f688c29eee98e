"""Times on a timeline, as a person types them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from rrbridge_bridge.commands.rrd._files import manifests_of

if TYPE_CHECKING:
    from rrbridge._timeline import TimeKind
    from rrbridge.rrd import Manifest

__all__ = ["TIME_HELP", "parse_timeline_time", "span_of", "the_timeline", "time_range"]

TIME_HELP = "A sequence number; seconds, +10s after the start, or a date, if the timeline has such."
PREFERRED = ("message_log_time", "log_time")


def the_timeline(manifests: Sequence[Manifest], wanted: str | None) -> tuple[str, TimeKind]:
    """The timeline of that name; where none is named, the log time, or the only one there is."""
    known = {name: kind for manifest in manifests for name, kind in manifest.timelines.items()}
    if wanted is None:
        named = [name for name in PREFERRED if name in known] or (list(known) if len(known) == 1 else [])
        if not named:
            raise click.UsageError(f"say which --timeline: {', '.join(sorted(known)) or 'there is none'}")
        wanted = named[0]
    if wanted not in known:
        raise click.UsageError(f"no timeline {wanted}; there are {', '.join(sorted(known)) or 'none'}")
    return wanted, known[wanted]


def span_of(manifests: Sequence[Manifest], timeline: str) -> tuple[int, int]:
    """First and last time on a timeline."""
    found = [manifest.times(timeline) for manifest in manifests]
    return (
        min(int(times.start[times.present].min()) for times in found if times.present.any()),
        max(int(times.end[times.present].max()) for times in found if times.present.any()),
    )


def parse_timeline_time(text: str, kind: TimeKind, start: int) -> int:
    """A time as a number on the timeline, which starts at `start`. Raises InvalidValueError."""
    from rrbridge.errors import InvalidValueError
    from rrbridge_bridge.times import parse_time

    if kind.name == "SEQUENCE":
        found = re.fullmatch(r"\+?(-?\d+)", text.strip())
        if found is None:
            raise InvalidValueError("time", "a sequence number, or +N after the start", repr(text))
        return int(found[1]) + (start if text.strip().startswith("+") else 0)
    return parse_time(text).absolute(start)


def time_range(
    files: Sequence[Path], timeline: str | None, start: str | None, end: str | None
) -> tuple[str | None, int | None, int | None]:
    """The timeline and the first and last time on it, as numbers; all None where no range is asked for."""
    if start is None and end is None:
        return None, None, None
    from rrbridge.errors import InvalidValueError

    if not files:
        raise click.UsageError("a range of time needs a file, not standard input")
    manifests = [manifest for path in files for manifest in manifests_of(path)]
    name, kind = the_timeline(manifests, timeline)
    begin, _ = span_of(manifests, name)
    first, last = (None if text is None else parse_timeline_time(text, kind, begin) for text in (start, end))
    if first is not None and last is not None and last < first:
        raise InvalidValueError("--end", f"a time after --start ({start})", str(end))
    return name, first, last
