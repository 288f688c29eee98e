"""Numbers as a person reads them, and a console that does not fold tables in a pipe."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from rrbridge._timeline import TimeKind

__all__ = ["count", "date", "duration", "rate", "size", "timeline_time", "unless_nobody_reads", "wide_console"]

PIPE_WIDTH = 200


def size(nbytes: float) -> str:
    """`1.4 MB`; powers of 1000, as file managers show it."""
    for unit in ("B", "kB", "MB", "GB"):
        if nbytes < 1000:
            return f"{nbytes:.0f} {unit}" if unit == "B" or nbytes >= 100 else f"{nbytes:.1f} {unit}"
        nbytes /= 1000
    return f"{nbytes:.1f} TB"


def count(number: int) -> str:
    """`12 345`, with a narrow no-break space."""
    return f"{number:,}".replace(",", "\u202f")


def many(number: int, thing: str, things: str = "") -> str:
    """`1 chunk`, `12 chunks`; `things` where an s is not enough."""
    return f"{count(number)} {thing if number == 1 else things or thing + 's'}"


def duration(nanos: int) -> str:
    """`1 h 02 min`, `2 min 05 s`, `12.3 s`."""
    seconds = nanos / 1e9
    if seconds >= 3600:
        return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60):02d} min"
    if seconds >= 60:
        return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
    return f"{seconds:.1f} s"


def rate(messages: int, nanos: int | None) -> str:
    """Messages per second between the first and the last; empty where that has no meaning."""
    if not nanos or messages < 2:
        return ""
    hertz = (messages - 1) * 1e9 / nanos
    return f"{hertz:.0f} Hz" if hertz >= 100 else f"{hertz:.3g} Hz"


def date(nanos: int) -> str:
    """A time stamp in UTC; small ones (simulated time) as seconds."""
    if abs(nanos) < 10**17:  # 1973: nobody has older robots, but simulators start at 0
        return f"{nanos / 1e9:.3f} s"
    whole = dt.datetime.fromtimestamp(nanos // 10**9, dt.UTC)
    return f"{whole:%Y-%m-%d %H:%M:%S}.{nanos % 10**9 // 10**6:03d} UTC"


def timeline_time(kind: TimeKind, value: int) -> str:
    """A time on a timeline, as its kind has it."""
    match kind.name:
        case "TIMESTAMP":
            return date(value)
        case "DURATION":
            return f"{value / 1e9:.3f} s"
        case _:
            return f"#{value}"


def wide_console() -> Console:
    """Standard output; as wide as a table needs where it is no terminal. Raises BrokenPipeError when nobody reads it."""
    from rich.console import Console  # takes 17 ms, which who prints no table need not spend

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            """Leave it to the caller; rich would end the program."""
            raise  # the BrokenPipeError that rich is handling

    return Plain(highlight=False) if sys.stdout.isatty() else Plain(highlight=False, width=PIPE_WIDTH)


@contextmanager
def unless_nobody_reads() -> Iterator[None]:
    """Print to standard output, to its end or until its reader (`head`) has gone away: that is not a failure."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the flush at exit complains
