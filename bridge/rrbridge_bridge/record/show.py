"""What a person, or a program, sees of a recording: a live table, plain lines, or JSON lines."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from rrbridge_bridge.format import size
from rrbridge_bridge.live.source import Notice, Severity
from rrbridge_bridge.record.counters import TopicState
from rrbridge_bridge.record.recorder import Outcome
from rrbridge_bridge.record.status import Status, head_lines, headline, lost_text, snapshot_facts, status_facts

__all__ = ["JsonShow", "LiveShow", "MutedOnFailure", "PlainShow", "Show", "closing_table"]

log = logging.getLogger(__name__)

PLAIN_SECS = 5.0
TABLE_MARGIN_LINES = 9
NAMED_FILES = 2
KEYS_TEXT = "Ctrl-C ends it, space pauses"
_HEADLINE_STYLES = {"paused": "bold yellow", "stopping": "bold dim"}
_STYLES = {Severity.INFO: "dim", Severity.WARNING: "yellow", Severity.ERROR: "bold red"}


class Show(Protocol):
    """One way to show a recording."""

    def begin(self, paths: Sequence[Path], description: str, held: str = "") -> None:
        """Recording has begun; `held`: only so much is held, for snapshots, and nothing is written yet."""

    def notice(self, notice: Notice) -> None:
        """Something happened."""

    def status(self, status: Status) -> None:
        """How it stands; called several times a second."""

    def end(self, outcome: Outcome) -> None:
        """It has ended."""

    def close(self) -> None:
        """Leave the terminal as it was; nothing but `end` comes after it."""


class MutedOnFailure:
    """Shows as another does until that fails: a terminal that went away must not end a recording."""

    def __init__(self, show: Show) -> None:
        self._show: Show | None = show

    def begin(self, paths: Sequence[Path], description: str, held: str = "") -> None:
        """Recording has begun."""
        self._try(lambda show: show.begin(paths, description, held))

    def notice(self, notice: Notice) -> None:
        """Something happened."""
        self._try(lambda show: show.notice(notice))

    def status(self, status: Status) -> None:
        """How it stands."""
        self._try(lambda show: show.status(status))

    def end(self, outcome: Outcome) -> None:
        """It has ended."""
        self._try(lambda show: show.end(outcome))

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._try(lambda show: show.close())

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


class LiveShow:
    """A table that is redrawn in place, for a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def begin(self, paths: Sequence[Path], description: str, held: str = "") -> None:
        """Say where it goes, and start the table."""
        keys = f"s writes it, {KEYS_TEXT}" if held else KEYS_TEXT
        self._console.print(Text.assemble(*_begun(paths, description, held), f"; {keys}"))
        self._live.start()

    def notice(self, notice: Notice) -> None:
        """A line above the table."""
        self._console.print(_notice_text(notice))

    def status(self, status: Status) -> None:
        """Redraw the table."""
        topics = status.snapshot.topics
        left_out = any(topic.paused or topic.throttled for topic in topics)
        table = Table(box=None, pad_edge=False)
        table.add_column("topic", overflow="fold")
        for name in ("Hz", "rate", "messages", "size", "lost", "dropped", *(["left out"] if left_out else [])):
            table.add_column(name, justify="right")
        busiest = sorted(topics, key=lambda topic: -status.rate_of(topic).bytes_per_sec)
        room = max(self._console.height - TABLE_MARGIN_LINES, 3)
        for topic in sorted(busiest[:room], key=lambda topic: topic.topic):
            rate = status.rate_of(topic)
            table.add_row(
                topic.topic,
                f"{rate.hertz:.1f}",
                f"{size(rate.bytes_per_sec)}/s",
                str(topic.received),
                size(topic.received_bytes),
                Text(lost_text(topic.lost), "yellow" if topic.lost else ""),
                Text(str(topic.dropped), "bold red" if topic.dropped else ""),
                *([str(topic.paused + topic.throttled)] if left_out else []),
            )
        more = f"… and {len(busiest) - room} quieter topics" if len(busiest) > room else ""
        head = Text("\n".join(head_lines(status, self._console.width)), _HEADLINE_STYLES.get(status.state, "bold"))
        self._live.update(Group(table, Text(more, "dim"), head), refresh=True)

    def end(self, outcome: Outcome) -> None:
        """Print the closing table in its place."""
        self.close()
        closing_table(self._console, outcome)

    def close(self) -> None:
        """Take the table away."""
        self._live.stop()


class PlainShow:
    """A line every few seconds, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next = PLAIN_SECS

    def begin(self, paths: Sequence[Path], description: str, held: str = "") -> None:
        """Say where it goes."""
        self._console.print(Text.assemble(*_begun(paths, description, held)))

    def notice(self, notice: Notice) -> None:
        """A line."""
        self._console.print(_notice_text(notice))

    def status(self, status: Status) -> None:
        """A line, when it is time for one."""
        if status.snapshot.elapsed_secs >= self._next:
            self._next = status.snapshot.elapsed_secs + PLAIN_SECS
            self._console.print(Text(headline(status)), soft_wrap=True)

    def end(self, outcome: Outcome) -> None:
        """Print the closing table."""
        closing_table(self._console, outcome)

    def close(self) -> None:
        """Nothing of the terminal was changed."""


class JsonShow:
    """One JSON object per line: `begin`, `notice`, `status` (every second), `end`."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._next = 0.0

    def begin(self, paths: Sequence[Path], description: str, held: str = "") -> None:
        """Where it goes."""
        names = [str(path) for path in paths]
        self._print("begin", path=names[0], paths=names, source=description, held=held or None)

    def notice(self, notice: Notice) -> None:
        """Something happened."""
        self._print("notice", severity=notice.severity.value, topic=notice.topic or None, text=notice.text)

    def status(self, status: Status) -> None:
        """Every topic's account, once a second."""
        if status.snapshot.elapsed_secs >= self._next:
            self._next = status.snapshot.elapsed_secs + 1.0
            self._print("status", **status_facts(status))

    def end(self, outcome: Outcome) -> None:
        """The final account."""
        facts = snapshot_facts(outcome.snapshot)
        paths = [str(path) for path in outcome.paths]
        self._print(
            "end",
            path=paths[0] if paths else None,
            paths=paths,
            finished=outcome.finished,
            error=outcome.error or None,
            absent=outcome.absent,
            **facts,
        )

    def close(self) -> None:
        """Nothing of the terminal was changed."""

    def _print(self, event: str, **facts: object) -> None:
        self._out.write(json.dumps({"event": event, "time": time.time(), **facts}) + "\n")
        self._out.flush()


def _begun(paths: Sequence[Path], description: str, held: str) -> Sequence[str | tuple[str, str]]:
    file = (_named(paths), "bold")
    if held:
        return (f"holding the last {held} of {description} in memory, for ", file)
    return ("recording ", file, f" from {description}")


def _notice_text(notice: Notice) -> Text:
    prefix = "" if notice.severity is Severity.INFO else f"{notice.severity.value}: "
    return Text.assemble(
        (prefix, _STYLES[notice.severity]), (f"{notice.topic} " if notice.topic else "", "bold"), notice.text
    )


def closing_table(console: Console, outcome: Outcome) -> None:
    """Every topic's account, and where the file is."""
    topics = outcome.snapshot.topics
    end_nanos = max((state.last_time_nanos or 0 for state in topics), default=0)
    asked_for = {"paused": "paused", "throttled": "throttled", "undecoded": "bytes only"}
    extra = {key: name for key, name in asked_for.items() if any(getattr(state, key) for state in topics)}
    table = Table(box=None, pad_edge=False)
    table.add_column("topic", overflow="fold")
    table.add_column("type", overflow="fold")
    for name in ("received", "size", "mean Hz", "lost", "dropped", *extra.values(), "written"):
        table.add_column(name, justify="right")
    for state in sorted(topics, key=lambda state: state.topic):
        table.add_row(
            state.topic,
            state.msgtype,
            str(state.received),
            size(state.received_bytes),
            f"{_mean_hertz(state, end_nanos):.1f}",
            lost_text(state.lost),
            str(state.dropped),
            *(str(getattr(state, key)) for key in extra),
            str(state.written),
        )
    console.print(table)
    if not topics:
        console.print(Text("no topic was recorded", "yellow"))
    elif outcome.is_empty:
        console.print(Text("no message was recorded", "yellow"))
    for state in sorted(outcome.refused, key=lambda state: state.topic):
        console.print(Text(f"{state.topic} ({state.msgtype}): not recorded: {state.refused}", "yellow"))
    for topic in sorted(set(outcome.absent) - {state.topic for state in outcome.refused}):
        console.print(Text(f"{topic}: no message of it came", "yellow"))
    if any(state.lost is None and state.received for state in topics):
        console.print(Text("lost ?: messages have no counter, or it is not told whose it is", "dim"))
    if held := outcome.snapshot.window_bytes:
        how = "s, SIGUSR1 or `rrbridge control snapshot` writes it while recording, --snapshot-at-end at the end"
        console.print(
            Text(f"{size(held)} held for a snapshot were not asked for, and are not written; {how}", "yellow")
        )
    if outcome.paths:
        took = f"{size(outcome.snapshot.file_bytes)} in {outcome.snapshot.elapsed_secs:.1f} s"
        console.print(Text(f"{_named(outcome.paths)}: {took}"))


def _mean_hertz(state: TopicState, end_nanos: int) -> float:
    """From its first message on: that it was found late, or began late, makes a topic no slower."""
    nanos = end_nanos - (state.first_time_nanos or end_nanos)
    return (state.received - 1) / nanos * 1e9 if nanos > 0 and state.received > 1 else 0.0


def _named(paths: Sequence[Path]) -> str:
    if len(paths) <= NAMED_FILES:
        return " and ".join(map(str, paths))
    return f"{paths[0]} … {paths[-1].name} ({len(paths)} files)"
