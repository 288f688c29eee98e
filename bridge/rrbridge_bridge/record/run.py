"""Runs a recording from a command line: signals, screen, exit status."""

from __future__ import annotations

import datetime as dt
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Literal

import rich_click as click
from rich.console import Console

from rrbridge.errors import RecorderError
from rrbridge.importers import ImportOptions
from rrbridge_bridge.cli import EXIT_INTERRUPTED, EXIT_LOSSES
from rrbridge_bridge.live.choose import choose
from rrbridge_bridge.live.source import ROS_PYTHON_VARIABLE, Notice, Severity, SourceOptions
from rrbridge_bridge.record.file import RecordingFile
from rrbridge_bridge.record.maker import DriverMaker
from rrbridge_bridge.record.recorder import Outcome, Recorder, RecorderOptions
from rrbridge_bridge.record.selection import Selection
from rrbridge_bridge.record.show import JsonShow, LiveShow, MutedOnFailure, PlainShow, Show

__all__ = ["record"]

POLL_SECS = 0.25
LOG_WIDTH = 160
STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Signals:
    """What the person, or the system, asked for by signals."""

    def __init__(self) -> None:
        self.stop = False
        self.abort = False

    def __call__(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGINT and self.stop:
            self.abort = True
        self.stop = True

    @contextmanager
    def caught(self) -> Iterator[None]:
        """While this lasts, signals are noted instead of ending the process."""
        before = {number: signal.signal(number, self) for number in STOPPING_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def default_output() -> Path:
    """A name by the local time, as rosbag2 makes one."""
    return Path(dt.datetime.now().astimezone().strftime("rrbridge_%Y_%m_%d-%H_%M_%S.rrd"))


def record(
    *,
    topics: tuple[str, ...],
    output: Path | None,
    every: bool,
    regex: str | None,
    exclude: str | None,
    duration: float | None,
    raw: bool,
    decode: bool,
    ros_python: str | None,
    from_: str | None,
    application_id: str,
    robot: str | None,
    prefix: str,
    recording_id: str | None,
    compression: Literal["lz4", "none"],
    backlog_mb: int,
    min_free_mb: int,
    drain: float,
    as_json: bool,
) -> int:
    """Record until told to stop; returns the exit status."""
    if not (topics or every or regex):
        raise click.UsageError("name the topics to record, or -a for all, or -e REGEX")
    if not (raw or decode):
        raise click.UsageError("with both --no-raw and --no-decode nothing would be recorded")
    try:
        selection = Selection.of(topics, every=every, pattern=regex, exclude=exclude)
    except re.error as err:
        raise click.UsageError(f"not a regular expression: {err.pattern!r}: {err}") from err
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    if not console.is_terminal:
        console.width = LOG_WIDTH
    chosen: Show = JsonShow(sys.stdout) if as_json else LiveShow(console) if console.is_terminal else PlainShow(console)
    show = MutedOnFailure(chosen)
    signals = _Signals()
    with signals.caught():
        path = output or default_output()
        if path.exists():
            raise RecorderError(f"{path} exists already; it is not overwritten")
        maker = DriverMaker(ImportOptions(raw=raw, prefix=prefix), decode=decode)
        environment = os.environ | ({ROS_PYTHON_VARIABLE: ros_python} if ros_python else {})
        choice = choose(from_, environment)
        session = choice.source.start(SourceOptions(address=choice.address, ros_python=ros_python, drain_secs=drain))
        try:
            file = RecordingFile(
                path, application_id=application_id, recording_id=recording_id, compression=compression
            )
            options = RecorderOptions(
                raw=raw,
                backlog_bytes=backlog_mb << 20,
                min_free_bytes=min_free_mb * 1_000_000,
                drain_secs=drain,
                robot=robot,
            )
            recorder = Recorder(session, file, selection, options, maker)
            show.begin(path, session.description)
            if choice.reason:
                show.notice(Notice(Severity.INFO, f"listening by {choice.source.name}: {choice.reason}"))
            recorder.start()
            try:
                outcome = _run(recorder, show, signals, duration, drain)
            except BaseException:
                recorder.stop()
                recorder.outcome()
                raise
        finally:
            session.close()
    show.end(outcome)
    return _exit_status(outcome, signals)


def _run(recorder: Recorder, show: Show, signals: _Signals, duration_secs: float | None, drain_secs: float) -> Outcome:
    began = time.monotonic()
    stopping = ended = False
    while not ended:
        ended = recorder.wait(POLL_SECS)
        for notice in recorder.notices():
            show.notice(notice)
        if not ended:
            show.status(recorder.snapshot())
        if signals.abort:
            recorder.abort()
        elif signals.stop or (duration_secs is not None and time.monotonic() - began >= duration_secs):
            recorder.stop()
            if not stopping:
                stopping = True
                text = (
                    f"stopping; what has to be sent again is waited for up to {drain_secs:g} s, Ctrl-C leaves at once"
                )
                show.notice(Notice(Severity.INFO, text))
    outcome = recorder.outcome()
    for notice in recorder.notices():
        show.notice(notice)
    return outcome


def _exit_status(outcome: Outcome, signals: _Signals) -> int:
    if signals.abort and not outcome.finished:
        return EXIT_INTERRUPTED
    if outcome.error:
        written = sum(topic.written for topic in outcome.snapshot.topics)
        saved = f"; {written} messages are saved in {outcome.path}" if outcome.path else ""
        raise RecorderError(outcome.error + saved)
    return EXIT_LOSSES if outcome.dropped or outcome.absent or outcome.is_empty else 0
