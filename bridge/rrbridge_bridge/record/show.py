"""What a person, or a program, sees of a recording: a live table, plain lines, or JSON lines."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from rrbridge_bridge.format import size
from rrbridge_bridge.live.source import Notice, Severity
from rrbridge_bridge.record.counters import TopicState
from rrbridge_bridge.record.recorder import Outcome, Snapshot

__all__ = ["JsonShow", "LiveShow", "MutedOnFailure", "PlainShow", "Rates", "Show", "closing_table"]

log = logging.getLogger(__name__)

PLAIN_SECS = 5.0
RATE_SECS = 2.0
TABLE_MARGIN_LINES = 8
_STYLES = {Severity.INFO: "dim", Severity.WARNING: "yellow", Severity.ERROR: "bold red"}


def lost_text(lost: int | None) -> str:
    """Losses on the way; unknown is not zero."""
    return "?" if lost is None else str(lost)


class Rates:
    """Messages and bytes per second of each topic, over the last seconds."""

    def __init__(self) -> None:
        self._before: dict[tuple[str, str], tuple[float, int, int]] = {}
        self._rates: dict[tuple[str, str], tuple[float, float]] = {}

    def update(self, snapshot: Snapshot) -> None:
        """Take a new snapshot into account."""
        now = snapshot.elapsed_secs
        for topic in snapshot.topics:
            key = (topic.topic, topic.msgtype)
            then, count, nbytes = self._before.setdefault(key, (now, topic.received, topic.received_bytes))
            if now - then >= RATE_SECS or (key not in self._rates and now > then):
                self._rates[key] = (
                    (topic.received - count) / (now - then),
                    (topic.received_bytes - nbytes) / (now - then),
                )
                if now - then >= RATE_SECS:
                    self._before[key] = (now, topic.received, topic.received_bytes)

    def of(self, topic: TopicState) -> tuple[float, float]:
        """Messages per second, bytes per second."""
        return self._rates.get((topic.topic, topic.msgtype), (0.0, 0.0))


class Show(Protocol):
    """One way to show a recording."""

    def begin(self, path: Path, description: str) -> None:
        """Recording has begun."""

    def notice(self, notice: Notice) -> None:
        """Something happened."""

    def status(self, snapshot: Snapshot) -> None:
        """How it stands; called several times a second."""

    def end(self, outcome: Outcome) -> None:
        """It has ended."""


class MutedOnFailure:
    """Shows as another does until that fails: a terminal that went away must not end a recording."""

    def __init__(self, show: Show) -> None:
        self._show: Show | None = show

    def begin(self, path: Path, description: str) -> None:
        """Recording has begun."""
        self._try(lambda show: show.begin(path, description))

    def notice(self, notice: Notice) -> None:
        """Something happened."""
        self._try(lambda show: show.notice(notice))

    def status(self, snapshot: Snapshot) -> None:
        """How it stands."""
        self._try(lambda show: show.status(snapshot))

    def end(self, outcome: Outcome) -> None:
        """It has ended."""
        self._try(lambda show: show.end(outcome))

    def _try(self, say: Callable[[Show], None]) -> None:
        if self._show is None:
            return
        try:
            say(self._show)
        except OSError as err:
            log.info("nothing more is shown: %s", err)
            self._show = None
            with suppress(OSError), Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), sys.stdout.fileno())  # or what is left in its buffer fails again at exit


def _headline(snapshot: Snapshot) -> str:
    minutes, seconds = divmod(int(snapshot.elapsed_secs), 60)
    lost = [topic.lost for topic in snapshot.topics]
    dropped = sum(topic.dropped for topic in snapshot.topics)
    parts = [
        f"{minutes}:{seconds:02d}",
        f"{len(snapshot.topics)} topics",
        f"{sum(topic.received for topic in snapshot.topics)} messages",
        f"file {size(snapshot.file_bytes)}",
        f"waiting {size(snapshot.backlog_bytes)}",
        f"lost {sum(n or 0 for n in lost)}" + (" (some unknown)" if None in lost else ""),
        f"dropped {dropped}",
    ]
    return " · ".join(parts)


class LiveShow:
    """A table that is redrawn in place, for a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rates = Rates()
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def begin(self, path: Path, description: str) -> None:
        """Say where it goes, and start the table."""
        self._console.print(Text.assemble("recording ", (str(path), "bold"), f" from {description}; Ctrl-C ends it"))
        self._live.start()

    def notice(self, notice: Notice) -> None:
        """A line above the table."""
        self._console.print(_notice_text(notice))

    def status(self, snapshot: Snapshot) -> None:
        """Redraw the table."""
        self._rates.update(snapshot)
        table = Table(box=None, pad_edge=False)
        table.add_column("topic", overflow="fold")
        for name in ("Hz", "rate", "messages", "size", "lost", "dropped"):
            table.add_column(name, justify="right")
        busiest = sorted(snapshot.topics, key=lambda topic: -self._rates.of(topic)[1])
        room = max(self._console.height - TABLE_MARGIN_LINES, 3)
        for topic in sorted(busiest[:room], key=lambda topic: topic.topic):
            hertz, rate = self._rates.of(topic)
            table.add_row(
                topic.topic,
                f"{hertz:.1f}",
                f"{size(rate)}/s",
                str(topic.received),
                size(topic.received_bytes),
                Text(lost_text(topic.lost), "yellow" if topic.lost else ""),
                Text(str(topic.dropped), "bold red" if topic.dropped else ""),
            )
        more = f"… and {len(busiest) - room} quieter topics" if len(busiest) > room else ""
        self._live.update(Group(table, Text(more, "dim"), Text(_headline(snapshot), "bold")), refresh=True)

    def end(self, outcome: Outcome) -> None:
        """Take the table away and print the closing one."""
        self._live.stop()
        closing_table(self._console, outcome)


class PlainShow:
    """A line every few seconds, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next = PLAIN_SECS

    def begin(self, path: Path, description: str) -> None:
        """Say where it goes."""
        self._console.print(Text(f"recording {path} from {description}"))

    def notice(self, notice: Notice) -> None:
        """A line."""
        self._console.print(_notice_text(notice))

    def status(self, snapshot: Snapshot) -> None:
        """A line, when it is time for one."""
        if snapshot.elapsed_secs >= self._next:
            self._next = snapshot.elapsed_secs + PLAIN_SECS
            self._console.print(Text(_headline(snapshot)))

    def end(self, outcome: Outcome) -> None:
        """Print the closing table."""
        closing_table(self._console, outcome)


class JsonShow:
    """One JSON object per line: `begin`, `notice`, `status` (every second), `end`."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._next = 0.0

    def begin(self, path: Path, description: str) -> None:
        """Where it goes."""
        self._print("begin", path=str(path), source=description)

    def notice(self, notice: Notice) -> None:
        """Something happened."""
        self._print("notice", severity=notice.severity.value, topic=notice.topic or None, text=notice.text)

    def status(self, snapshot: Snapshot) -> None:
        """Every topic's account, once a second."""
        if snapshot.elapsed_secs >= self._next:
            self._next = snapshot.elapsed_secs + 1.0
            self._print("status", **_json_snapshot(snapshot))

    def end(self, outcome: Outcome) -> None:
        """The final account."""
        facts = _json_snapshot(outcome.snapshot)
        path = str(outcome.path) if outcome.path else None
        error = outcome.error or None
        self._print("end", path=path, finished=outcome.finished, error=error, absent=outcome.absent, **facts)

    def _print(self, event: str, **facts: object) -> None:
        self._out.write(json.dumps({"event": event, "time": time.time(), **facts}) + "\n")
        self._out.flush()


def _json_snapshot(snapshot: Snapshot) -> dict[str, object]:
    facts = asdict(snapshot)
    facts["topics"] = [asdict(topic) for topic in snapshot.topics]
    return facts


def _notice_text(notice: Notice) -> Text:
    prefix = "" if notice.severity is Severity.INFO else f"{notice.severity.value}: "
    return Text.assemble(
        (prefix, _STYLES[notice.severity]), (f"{notice.topic} " if notice.topic else "", "bold"), notice.text
    )


def closing_table(console: Console, outcome: Outcome) -> None:
    """Every topic's account, and where the file is."""
    table = Table(box=None, pad_edge=False)
    table.add_column("topic", overflow="fold")
    table.add_column("type", overflow="fold")
    for name in ("messages", "size", "mean Hz", "lost", "dropped", "bytes only"):
        table.add_column(name, justify="right")
    seconds = max(outcome.snapshot.elapsed_secs, 1e-9)
    for state in sorted(outcome.snapshot.topics, key=lambda state: state.topic):
        table.add_row(
            state.topic,
            state.msgtype,
            str(state.written),
            size(state.received_bytes),
            f"{state.received / seconds:.1f}",
            lost_text(state.lost),
            str(state.dropped),
            str(state.undecoded),
        )
    console.print(table)
    if not outcome.snapshot.topics:
        console.print(Text("no topic was recorded", "yellow"))
    elif outcome.is_empty:
        console.print(Text("no message was recorded", "yellow"))
    for topic in outcome.absent:
        console.print(Text(f"{topic}: no message of it came", "yellow"))
    if any(state.lost is None for state in outcome.snapshot.topics):
        console.print(Text("lost ?: this ROS does not say which publisher's counter a message has", "dim"))
    if outcome.path:
        console.print(Text(f"{outcome.path}: {size(outcome.snapshot.file_bytes)} in {seconds:.1f} s"))
