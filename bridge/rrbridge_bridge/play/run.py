"""Plays from a command line: files and patterns in, signals, screen and exit status out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import rich_click as click
from rich.console import Console

from rrbridge.errors import FileError, InvalidValueError, RecorderError
from rrbridge_bridge.cli import EXIT_INTERRUPTED, EXIT_LOSSES
from rrbridge_bridge.ending_signals import Told
from rrbridge_bridge.inputs import Input, find_sources, is_part
from rrbridge_bridge.inspect.names import is_there_or_meant
from rrbridge_bridge.latched import is_latched
from rrbridge_bridge.live.qos_overrides import read_overrides
from rrbridge_bridge.live.sink import SinkOptions, SinkSession, SteeredSession
from rrbridge_bridge.live.source import ROS_PYTHON_VARIABLE, Notice, Severity
from rrbridge_bridge.play.player import Player, PlayerOptions
from rrbridge_bridge.play.show import JsonShow, LineShow, PlainShow, Show, Summary
from rrbridge_bridge.play.sinks import choose, installed
from rrbridge_bridge.play.tape import Tape, TapeOptions
from rrbridge_bridge.play.terminal import Terminal
from rrbridge_bridge.times import parse_time
from rrbridge_bridge.topic_patterns import topic_pattern

__all__ = ["Asked", "parse_place", "parse_remaps", "play", "split_arguments"]

CLOCK = "/clock"
SMALL_SECS = 1e8
"""A number below it is a time since the start, not since 1970: so `rosbag play -s` has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was typed."""

    arguments: tuple[str, ...]
    to: str | None = None
    rate: float = 1.0
    start: str | None = None
    duration_secs: float | None = None
    until: str | None = None
    loop: bool = False
    delay_secs: float = 0.0
    clock_hertz: float | None = None
    clock_topics: tuple[str, ...] = ()
    clock_by_all: bool = False
    start_paused: bool = False
    topics: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    remaps: tuple[str, ...] = ()
    by_publish_time: bool = False
    wait_for_subscribers: bool = False
    skip_secs: float | None = None
    read_ahead_bytes: int = 64 << 20
    ros_python: str | None = None
    qos_overrides: Path | None = None
    definitions: tuple[Path, ...] = ()
    as_json: bool = False
    takes_keys: bool = True


def split_arguments(arguments: Sequence[str]) -> tuple[list[Path], list[str], list[str]]:
    """Files, topics and renamings. What exists or is called as recordings are is a file; the first is one in any case.

    Raises UsageError.
    """
    files: list[Path] = []
    topics: list[str] = []
    remaps: list[str] = []
    for argument in arguments:
        if ":=" in argument and not Path(argument).exists():
            remaps.append(argument)
        elif not files or is_there_or_meant(argument):
            files.append(Path(argument))
        else:
            topics.append(argument)
    if not files:
        raise click.UsageError("Name the recording to play.")
    return files, topics, remaps


def parse_remaps(texts: Sequence[str]) -> dict[str, str]:
    """`/a:=/b`: topics that are played under another name. Raises InvalidValueError."""
    found: dict[str, str] = {}
    for text in texts:
        old, sign, new = text.partition(":=")
        if not sign or not old.strip("/") or not new.strip("/"):
            raise InvalidValueError("--remap", "old and new name of a topic, /a:=/b", text)
        found["/" + old.strip("/")] = "/" + new.strip("/")
    return found


def parse_place(text: str, start_nanos: int, end_nanos: int) -> int:
    """A place in a recording: `10`, `+10s` after its start, `-5s` before its end, a date, seconds since 1970.

    Raises InvalidValueError.
    """
    try:
        seconds = float(text)
    except ValueError:
        pass
    else:
        if 0 <= seconds < SMALL_SECS and not text.lstrip().startswith("+"):
            text = f"+{text.strip()}s"
    return parse_time(text).absolute(start_nanos, end_nanos)


def play(asked: Asked) -> int:
    """Play until the end, or told to stop; returns the exit status. Raises RrbridgeError."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    show: Show = JsonShow() if asked.as_json else LineShow(console) if console.is_terminal else PlainShow(console)
    files, topics, positional = split_arguments(asked.arguments)
    remaps = parse_remaps((*asked.remaps, *positional))
    has_clock = asked.clock_hertz is not None or bool(asked.clock_topics) or asked.clock_by_all
    options = TapeOptions(
        wants=_wanted((*asked.topics, *topics), asked.exclude, without_clock=has_clock),
        names=remaps,
        definitions=asked.definitions,
        by_publish_time=asked.by_publish_time,
        read_ahead_bytes=asked.read_ahead_bytes,
    )
    recordings = _recordings(files, show)
    overrides = read_overrides(asked.qos_overrides) if asked.qos_overrides else {}
    named = {ROS_PYTHON_VARIABLE: asked.ros_python} if asked.ros_python else {}
    destination = choose(asked.to, installed(), os.environ | named)
    with Tape(recordings, options) as tape:
        start, end = _span(asked, tape)
        if has_clock and CLOCK in tape.topics:
            show.notice(Notice(Severity.INFO, "the recorded /clock is left out, for --clock tells the time"))
        for name in sorted(set(remaps) - {connection.topic for connection in tape.connections.values()}):
            show.notice(Notice(Severity.WARNING, f"there is no {name} to play under another name"))
        sink_options = SinkOptions(address=destination.address, ros_python=asked.ros_python, qos_overrides=overrides)
        session = destination.sink.open(sink_options)
        try:
            if isinstance(session, SteeredSession):
                session.offer(
                    tape.start_nanos if start is None else start,
                    tape.end_nanos if end is None else min(end, tape.end_nanos),
                )
            unplayed = _advertise(tape, session)
            name = (
                destination.sink.name if not destination.reason else f"{destination.sink.name} ({destination.reason})"
            )
            summary = Summary(
                tape.start_nanos,
                tape.end_nanos,
                f"{name}: {session.description}",
                [str(file) for file in files],
                len({connection.topic for connection in tape.played.values()}),
            )
            return _perform(asked, tape, session, show, summary, start, end, unplayed)
        finally:
            session.close()


def _perform(
    asked: Asked,
    tape: Tape,
    session: SinkSession,
    show: Show,
    summary: Summary,
    start: int | None,
    end: int | None,
    unplayed: Sequence[str],
) -> int:
    terminal = Terminal()
    clocked = _matching(asked.clock_topics) if asked.clock_topics else None
    options = PlayerOptions(
        start_nanos=tape.start_nanos if start is None else start,
        from_first=start is None,
        end_nanos=end,
        rate=asked.rate,
        loop=asked.loop,
        start_paused=asked.start_paused,
        delay_nanos=round(asked.delay_secs * 1e9),
        clock_hertz=asked.clock_hertz,
        clock_topics=(lambda _: True) if asked.clock_by_all else clocked,
        wait_for_subscribers=asked.wait_for_subscribers,
        skip_nanos=None if asked.skip_secs is None else round(asked.skip_secs * 1e9),
    )
    began = terminal.now_nanos()
    finished, interrupted = False, False
    told: Told | None = None
    with terminal.keys() if asked.takes_keys else nullcontext(False) as has_keys:
        show.begin(summary, has_keys=has_keys)
        for text in unplayed:
            show.notice(Notice(Severity.WARNING, f"not played: {text}"))
        player = Player(tape, session, terminal, options, show)
        try:
            finished = player.run()
        except KeyboardInterrupt:
            interrupted = True
        except Told as err:
            told = err
    losses = [*unplayed, *(note.text for note in tape.notes() if note.is_loss)]
    if tape.misplaced:
        losses.append(
            f"{tape.misplaced} messages stand so far from their place in the file that they were played too late; "
            "a larger --read-ahead brings them into order"
        )
    seconds = (terminal.now_nanos() - began) / 1e9
    show.end(player.status(), finished=finished, seconds=seconds, losses=losses)
    if told is not None:
        return told.exit_code
    return EXIT_INTERRUPTED if interrupted else EXIT_LOSSES if losses else 0


def _recordings(files: Sequence[Path], show: Show) -> list[Path]:
    """Every recording that was named, and what is in folders. Raises FileError."""
    found = find_sources([Input(file) for file in files], recordings_only=True)
    for note in found.notes():
        show.notice(Notice(Severity.WARNING, note.text))
    sources = [source.path for source in found.sources if not is_part(source)]
    if not sources:
        raise FileError(files[0], "is no recording of messages, so there is nothing to play")
    return sources


def _matching(patterns: Sequence[str]) -> Callable[[str], bool]:
    compiled = [topic_pattern(pattern) for pattern in patterns]
    return lambda topic: any(pattern.search(topic) for pattern in compiled)


def _wanted(topics: Sequence[str], exclude: Sequence[str], *, without_clock: bool) -> Callable[[str], bool]:
    chosen, left_out = _matching(topics), _matching(exclude)

    def wants(topic: str) -> bool:
        if left_out(topic) or (without_clock and topic == CLOCK):
            return False
        return not topics or chosen(topic)

    return wants


def _span(asked: Asked, tape: Tape) -> tuple[int | None, int | None]:
    """From when to when; None: from the first, to the last message. Raises InvalidValueError."""
    start = None if asked.start is None else parse_place(asked.start, tape.start_nanos, tape.end_nanos)
    end = None if asked.until is None else parse_place(asked.until, tape.start_nanos, tape.end_nanos)
    if asked.duration_secs is not None:
        until = (tape.start_nanos if start is None else start) + round(asked.duration_secs * 1e9)
        end = until if end is None else min(end, until)
    if start is not None and start > tape.end_nanos:
        length = (tape.end_nanos - tape.start_nanos) / 1e9
        raise InvalidValueError("--start", f"a place in the recording, which is {length:.1f} s long", str(asked.start))
    if end is not None and end < (tape.start_nanos if start is None else start):
        raise InvalidValueError("--until", "a place behind the start", str(asked.until or asked.duration_secs))
    return start, end


def _advertise(tape: Tape, session: SinkSession) -> list[str]:
    """Make the topics known; what cannot be played, and why. Raises RecorderError if nothing can."""
    refused = [_named(topic, why) for topic, why in tape.prepare(session.encodings).items()]
    for number, connection in list(tape.played.items()):
        why = session.advertise(connection, is_latched(tape.connections[number]), tape.keep(number))
        if why:
            tape.leave_out(number)
            refused.append(_named(connection.topic, why))
    if not tape.played:
        raise RecorderError("nothing can be played: " + "; ".join(refused))
    return refused


def _named(topic: str, why: str) -> str:
    return why if why.startswith(topic) else f"{topic}: {why}"
