"""Showing how playing goes: one line that is rewritten on a terminal, a line now and then in a log, or JSON lines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import IO, Protocol

from rich.console import Console
from rich.text import Text

from rrbridge_bridge.format import date, many, size
from rrbridge_bridge.live.source import Notice, Severity
from rrbridge_bridge.play.player import Status, Watch

__all__ = ["HELP", "JsonShow", "LineShow", "PlainShow", "Show", "Summary"]

HELP = "space: pause or go on · right or s: next message · up, down: 10 % faster, slower · left: 1 s back · q: end"
PLAIN_SECS = 5.0
MAX_NAMED = 6
STYLES = {Severity.INFO: "", Severity.WARNING: "yellow", Severity.ERROR: "bold red"}
WIDTH = 160


@dataclass(frozen=True, slots=True)
class Summary:
    """From when to when is played, and to where."""

    start_nanos: int
    end_nanos: int
    description: str
    """Of the sink."""
    names: Sequence[str]
    """Of the files."""
    topics: int


class Show(Watch, Protocol):
    """One way to show it."""

    def begin(self, summary: Summary, *, has_keys: bool) -> None:
        """It begins."""

    def end(self, status: Status, *, finished: bool, seconds: float, losses: Sequence[str]) -> None:
        """It has ended."""


def _clock(nanos: int) -> str:
    """`1:02.3`."""
    tenths = max(nanos, 0) // 100_000_000
    minutes, rest = divmod(tenths, 600)
    return f"{minutes}:{rest // 10:02d}.{rest % 10}"


def _late(status: Status) -> str:
    if not status.late:
        return ""
    return f"{status.late} late (99 % within {status.late_p99_nanos / 1e6:.1f} ms, worst {status.late_most_nanos / 1e6:.0f} ms)"


class _ByLines:
    """What is the same for people, whatever they look at."""

    def __init__(self, console: Console) -> None:
        self._console = console
        if not console.is_terminal:
            console.width = WIDTH
        self._summary: Summary | None = None

    def begin(self, summary: Summary, *, has_keys: bool) -> None:
        """Say what is played to where."""
        self._summary = summary
        names = ", ".join(summary.names[:MAX_NAMED]) + (" …" if len(summary.names) > MAX_NAMED else "")
        span = f"{_clock(summary.end_nanos - summary.start_nanos)} from {date(summary.start_nanos)}"
        self._console.print(
            Text.assemble(
                "playing ", (names, "bold"), f" ({span}), {many(summary.topics, 'topic')}, to {summary.description}"
            )
        )
        if has_keys:
            self.help()

    def help(self) -> None:
        """The keys."""
        self._console.print(Text(HELP, "dim"))

    def notice(self, notice: Notice) -> None:
        """A line."""
        prefix = "" if notice.severity is Severity.INFO else f"{notice.severity.value}: "
        topic = f"{notice.topic} " if notice.topic else ""
        self._console.print(Text.assemble((prefix, STYLES[notice.severity]), (topic, "bold"), notice.text))

    def end(self, status: Status, *, finished: bool, seconds: float, losses: Sequence[str]) -> None:
        """Say what came of it."""
        how = "played" if finished else "ended early, played"
        rate = status.messages / seconds if seconds > 0 else 0.0
        loops = f" in {many(status.loops, 'loop')}" if status.loops > 1 else ""
        late = _late(status) or "none late"
        self._console.print(
            Text(
                f"{how} {many(status.messages, 'message')} ({size(status.nbytes)}){loops} in {seconds:.1f} s, {rate:.0f}/s, "
                + late
            )
        )
        for loss in losses:
            self._console.print(Text.assemble(("data is missing: ", "yellow"), loss))

    def _line(self, status: Status) -> str:
        assert self._summary is not None
        position = _clock(status.position_nanos - self._summary.start_nanos)
        parts = [
            f"{position} / {_clock(self._summary.end_nanos - self._summary.start_nanos)}",
            f"× {status.rate:.3g}",
            f"{status.messages_per_sec:.0f} messages/s",
            f"{size(status.nbytes)}",
            *([f"loop {status.loops + 1}"] if status.loops else []),
            *([_late(status)] if status.late else []),
        ]
        return ("paused  " if status.is_paused else "playing ") + " · ".join(parts)


class LineShow(_ByLines):
    """One line, rewritten in place."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._shown = False

    def status(self, status: Status) -> None:
        """Rewrite it."""
        text = Text(self._line(status), no_wrap=True, overflow="ellipsis")
        text.truncate(max(self._console.width - 1, 10), overflow="ellipsis")
        self._clear()
        self._console.print(text, end="")
        self._console.file.flush()
        self._shown = True

    def notice(self, notice: Notice) -> None:
        """Above it."""
        self._clear()
        super().notice(notice)

    def help(self) -> None:
        """Above it."""
        self._clear()
        super().help()

    def end(self, status: Status, *, finished: bool, seconds: float, losses: Sequence[str]) -> None:
        """In its place."""
        self._clear()
        super().end(status, finished=finished, seconds=seconds, losses=losses)

    def _clear(self) -> None:
        if self._shown:
            self._console.file.write("\r\x1b[2K")
            self._shown = False


class PlainShow(_ByLines):
    """A line every few seconds, for logs."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._next = time.monotonic() + PLAIN_SECS

    def status(self, status: Status) -> None:
        """When it is time for one."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + PLAIN_SECS
            self._console.print(Text(self._line(status)))


class JsonShow:
    """One JSON object per line: `begin`, `notice`, `status` (every second), `end`."""

    def __init__(self, out: IO[str] | None = None) -> None:
        self._out = out or sys.stdout
        self._next = 0.0

    def begin(self, summary: Summary, *, has_keys: bool) -> None:  # noqa: ARG002 - as of all
        """What is played to where."""
        self._print(
            "begin",
            files=list(summary.names),
            sink=summary.description,
            topics=summary.topics,
            start_nanos=summary.start_nanos,
            end_nanos=summary.end_nanos,
        )

    def help(self) -> None:
        """Nobody presses keys here."""

    def notice(self, notice: Notice) -> None:
        """Something happened."""
        self._print("notice", severity=notice.severity.value, topic=notice.topic or None, text=notice.text)

    def status(self, status: Status) -> None:
        """Once a second."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + 1.0
            self._print("status", **_facts(status))

    def end(self, status: Status, *, finished: bool, seconds: float, losses: Sequence[str]) -> None:
        """The final account."""
        self._print("end", finished=finished, seconds=seconds, losses=list(losses), **_facts(status))

    def _print(self, event: str, **facts: object) -> None:
        self._out.write(json.dumps({"event": event, "time": time.time(), **facts}) + "\n")
        self._out.flush()


def _facts(status: Status) -> dict[str, object]:
    facts = asdict(status)
    facts["topics"] = facts.pop("by_topic")
    return facts
