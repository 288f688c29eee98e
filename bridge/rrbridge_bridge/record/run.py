"""Runs a recording from a command line: signals, screen, exit status."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console

from rrbridge.errors import RecorderError
from rrbridge_bridge.cli import EXIT_INTERRUPTED, EXIT_LOSSES
from rrbridge_bridge.live.choose import choose
from rrbridge_bridge.live.source import ROS_PYTHON_VARIABLE, LiveSession, Notice, Severity
from rrbridge_bridge.record.file import RecordingFile
from rrbridge_bridge.record.limits import LimitedSession
from rrbridge_bridge.record.maker import DriverMaker
from rrbridge_bridge.record.recorder import Outcome, Recorder
from rrbridge_bridge.record.settings import RecordSettings
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


def record(settings: RecordSettings) -> int:
    """Record until told to stop; returns the exit status."""
    selection, imported = settings.selection(), settings.import_options()
    options = settings.recorder_options()
    show = MutedOnFailure(_show(settings))
    signals = _Signals()
    with signals.caught():
        path = settings.output or default_output()
        if path.exists():
            raise RecorderError(f"{path} exists already; it is not overwritten")
        maker = DriverMaker(imported, decode=settings.decode)
        choice = choose(settings.from_, _environment(settings))
        session: LiveSession = choice.source.start(settings.source_options(choice.address))
        limited = LimitedSession(session, settings.limit) if settings.limit else None
        try:
            file = RecordingFile(
                path,
                application_id=settings.application_id,
                recording_id=settings.recording_id,
                compression=settings.compression,
            )
            recorder = Recorder(limited or session, file, selection, options, maker)
            show.begin(path, session.description)
            if choice.reason:
                show.notice(Notice(Severity.INFO, f"listening by {choice.source.name}: {choice.reason}"))
            recorder.start()
            try:
                outcome = _run(recorder, show, signals, _Ends(settings, limited), settings.drain)
            except BaseException:
                recorder.stop()
                recorder.outcome()
                raise
        finally:
            session.close()
    show.end(outcome)
    return _exit_status(outcome, signals)


def _environment(settings: RecordSettings) -> dict[str, str]:
    return os.environ | ({ROS_PYTHON_VARIABLE: settings.ros_python} if settings.ros_python else {})


def _show(settings: RecordSettings) -> Show:
    if settings.as_json:
        return JsonShow(sys.stdout)
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    if console.is_terminal:
        return LiveShow(console)
    console.width = LOG_WIDTH
    return PlainShow(console)


class _Ends:
    """When a recording has what was asked for."""

    def __init__(self, settings: RecordSettings, limited: LimitedSession | None) -> None:
        self._until = None if settings.duration is None else time.monotonic() + settings.duration
        self._limited = limited

    def are_reached(self) -> bool:
        """Whether it has."""
        if self._until is not None and time.monotonic() >= self._until:
            return True
        return self._limited is not None and self._limited.is_reached


def _run(recorder: Recorder, show: Show, signals: _Signals, ends: _Ends, drain_secs: float) -> Outcome:
    stopping = ended = False
    while not ended:
        ended = recorder.wait(POLL_SECS)
        for notice in recorder.notices():
            show.notice(notice)
        if not ended:
            show.status(recorder.snapshot())
        if signals.abort:
            recorder.abort()
        elif signals.stop or ends.are_reached():
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
