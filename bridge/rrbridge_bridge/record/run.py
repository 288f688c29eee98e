"""Runs a recording from a command line: signals, screen, exit status."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from rich.console import Console

from rrbridge.errors import RecorderError
from rrbridge_bridge.cli import EXIT_INTERRUPTED, EXIT_LOSSES
from rrbridge_bridge.format import wide_console
from rrbridge_bridge.live.choose import choose
from rrbridge_bridge.live.source import ROS_PYTHON_VARIABLE, Notice, Severity
from rrbridge_bridge.memory import keep_freed_memory
from rrbridge_bridge.record.control import check_name
from rrbridge_bridge.record.listing import as_json_lines, as_table, listed_topics
from rrbridge_bridge.record.loop import Loop
from rrbridge_bridge.record.overheard import OverhearingSession
from rrbridge_bridge.record.recorder import Outcome, Recorder
from rrbridge_bridge.record.settings import RecordSettings
from rrbridge_bridge.record.show import JsonShow, LiveShow, MutedOnFailure, PlainShow, Show
from rrbridge_bridge.record.signals import Signals
from rrbridge_bridge.record.sim_time import CLOCK_TOPIC, SimClock, SimTimeMaker
from rrbridge_bridge.record.staged import StagedMaker
from rrbridge_bridge.record.stages import Stages
from rrbridge_bridge.record.trigger import Trigger
from rrbridge_bridge.record.watchdog import Watchdog

__all__ = ["record"]

LOG_WIDTH = 160


def record(settings: RecordSettings) -> int:
    """Record until told to stop, or list what could be recorded; returns the exit status."""
    keep_freed_memory()
    if settings.listing:
        return _list(settings)
    show = MutedOnFailure(_show(settings))
    signals = Signals()
    try:
        with signals.caught():
            outcome = _recorded(settings, show, signals)
    finally:
        show.close()
    if outcome is None:
        leave_now()
    show.end(outcome)
    return _exit_status(outcome, signals, may_be_empty=bool(settings.snapshot))


def _recorded(settings: RecordSettings, show: Show, signals: Signals) -> Outcome | None:
    selection, options, place = settings.selection(), settings.recorder_options(), settings.place()
    stages, clock, trigger = Stages(), SimClock(), Trigger()
    outputs = settings.outputs(place.formats, lambda maker: SimTimeMaker(StagedMaker(maker, stages), clock))
    place.prepare()
    if settings.name:
        check_name(settings.name)
    choice = choose(settings.from_, _environment(settings))
    session = choice.source.start(settings.source_options(choice.address))
    try:
        listeners = {CLOCK_TOPIC: clock.hear} if "rrd" in place.formats else {}
        if settings.trigger_topic:
            listeners["/" + settings.trigger_topic.strip("/")] = trigger.hear
        heard = OverhearingSession(session, listeners, selection.wants)
        recorder = Recorder(heard, place.stem, outputs, selection, options, stages)
        watchdog = Watchdog(is_dds="fastrtps" in session.description, decodes=settings.decodes(place.formats))
        loop = Loop(recorder, settings, show, signals, stages, watchdog, trigger)
        show.begin(place.first_parts if settings.has_parts else place.paths, session.description, settings.held)
        if choice.reason:
            show.notice(Notice(Severity.INFO, f"listening by {choice.source.name}: {choice.reason}"))
        with loop.doors_open(settings.name):
            return loop.run()
    finally:
        session.close()


def leave_now() -> NoReturn:
    """End the process, whatever its threads are doing."""
    sys.stderr.write("left at once: the disk does not answer; what was synced is in the unfinished file\n")
    sys.stderr.flush()
    os._exit(EXIT_INTERRUPTED)


def _list(settings: RecordSettings) -> int:
    selection = settings.selection()
    choice = choose(settings.from_, _environment(settings))
    session = choice.source.start(settings.source_options(choice.address))
    topics = listed_topics(session, selection, settings.duration)
    if settings.as_json:
        sys.stdout.write(as_json_lines(session.description, topics))
    else:
        as_table(wide_console(), session.description, topics)
    return 0


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


def _exit_status(outcome: Outcome, signals: Signals, *, may_be_empty: bool) -> int:
    if signals.abort and not outcome.finished:
        return EXIT_INTERRUPTED
    if outcome.error:
        written = sum(topic.written for topic in outcome.snapshot.topics)
        saved = f"; {written} messages are saved in {outcome.path}" if outcome.path else ""
        raise RecorderError(outcome.error + saved)
    is_lacking = outcome.dropped or outcome.absent or outcome.refused or (outcome.is_empty and not may_be_empty)
    return EXIT_LOSSES if is_lacking else 0
