"""Plays messages when they are due.

Everything that has to do with time goes through a `Timekeeper`, so that hours are played in a moment where its clock is not real.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from rrbridge_bridge.format import duration
from rrbridge_bridge.live.sink import PlayState, SinkSession, SteeredSession
from rrbridge_bridge.live.source import Notice, Severity
from rrbridge_bridge.play.lateness import Lateness
from rrbridge_bridge.play.pace import Pace
from rrbridge_bridge.play.stream import Run
from rrbridge_bridge.play.timekeeper import Command, Timekeeper
from rrbridge_bridge.raw import Connection

__all__ = ["Played", "Player", "PlayerOptions", "Status", "Watch"]

LOOK_NANOS = 20_000_000
"""So often keys are looked at while one message follows the other without a wait."""
LONG_NANOS = 30_000_000_000
"""Who waits that long for a message is told."""
STATUS_NANOS = 200_000_000
LISTENERS_NANOS = 100_000_000
RATE_STEP = 1.1
SEEK_NANOS = 1_000_000_000
"""One press of a key goes back by that much of the recording."""


class Played(Protocol):
    """What is played: `Tape`."""

    played: dict[int, Connection]

    def runs(self, start_nanos: int | None, end_nanos: int | None) -> AbstractContextManager[Iterator[Run]]:
        """The messages between two times."""

    def latched_before(self, position_nanos: int) -> Run | None:
        """What a late listener would have at a place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerOptions:
    """How to play."""

    start_nanos: int
    """Where in the recording to begin."""
    from_first: bool = True
    """Whether that is before everything, so that nothing is left out."""
    end_nanos: int | None = None
    """The last moment to play; None: all."""
    rate: float = 1.0
    loop: bool = False
    start_paused: bool = False
    delay_nanos: int = 0
    """Between making topics known and the first message."""
    clock_hertz: float | None = None
    """How often the graph's simulated time is told; None: not by the clock."""
    clock_topics: Callable[[str], bool] | None = None
    """Topics at each message of which it is told."""
    wait_for_subscribers: bool = False
    skip_nanos: int | None = None
    """Of the recording: longer stretches without a message are left out; None: none is."""


@dataclass(frozen=True, slots=True)
class Status:
    """How it stands."""

    position_nanos: int
    rate: float
    is_paused: bool
    messages: int
    """Sent so far."""
    nbytes: int
    messages_per_sec: float
    loops: int
    """Times that the end was reached."""
    late: int
    late_p99_nanos: int
    late_most_nanos: int
    by_topic: Mapping[str, int]


class Watch(Protocol):
    """Is told what happens."""

    def notice(self, notice: Notice) -> None:
        """Something to know."""

    def status(self, status: Status) -> None:
        """How it stands; a few times a second."""

    def help(self) -> None:
        """Somebody wants to know the keys."""


class _Quit(Exception):  # noqa: N818 - it is no error
    """Somebody wants to end."""


class Player:
    """One performance."""

    def __init__(
        self, tape: Played, session: SinkSession, time: Timekeeper, options: PlayerOptions, watch: Watch
    ) -> None:
        self._tape, self._session, self._time = tape, session, time
        self._options, self._watch = options, watch
        self._steered = session if isinstance(session, SteeredSession) else None
        self._pace = Pace(time.now_nanos(), options.start_nanos, options.rate, options.start_paused)
        self._lateness = Lateness()
        self._by_connection: dict[int, int] = {}
        self._nbytes = self._messages = self._loops = self._steps = 0
        self._seek: int | None = None
        self._told_wait: int | None = None
        self._next_clock: int | None = None
        self._next_status = self._next_look = 0
        self._last_status = (time.now_nanos(), 0)
        self._rate = 0.0
        self._upcoming_nanos = options.start_nanos
        self._clocked = {
            number
            for number, connection in tape.played.items()
            if options.clock_topics is not None and options.clock_topics(connection.topic)
        }

    def run(self) -> bool:
        """Play to the end, which with `loop` never comes; False if somebody asked to end before. Raises RecorderError."""
        try:
            self._wait_for_subscribers()
            self._wait(self._time.now_nanos() + self._options.delay_nanos)
            if self._options.clock_hertz is not None:
                self._next_clock = self._time.now_nanos()
            position: int | None = None
            while True:
                sent, began = self._messages, self._time.now_nanos()
                position = self._play(position)
                if position is not None:
                    continue
                if not self._options.loop or self._messages == sent:
                    self._tell(self._position(self._time.now_nanos()), has_ended=True)
                    return True
                self._loops += 1
                position = self._options.start_nanos
                self._wait(began + LOOK_NANOS)  # a recording of one moment must not fill the graph
        except _Quit:
            return False
        finally:
            self._tell_notices()
            self._watch.status(self.status())

    def status(self) -> Status:
        """How it stands."""
        now = self._time.now_nanos()
        topics: dict[str, int] = dict.fromkeys((c.topic for c in self._tape.played.values()), 0)
        for number, count in self._by_connection.items():
            topics[self._tape.played[number].topic] += count
        return Status(
            self._position(now),
            self._pace.rate,
            self._pace.is_paused,
            self._messages,
            self._nbytes,
            self._rate,
            self._loops,
            self._lateness.late,
            self._lateness.percentile(0.99),
            self._lateness.most_nanos,
            topics,
        )

    def _position(self, now_nanos: int) -> int:
        """Where it is: never past a message that has not been sent."""
        return min(self._pace.position(now_nanos), self._upcoming_nanos)

    def _wait_for_subscribers(self) -> None:
        told = False
        while self._options.wait_for_subscribers:
            waiting = sorted({c.topic for n, c in self._tape.played.items() if self._session.subscribers(n) == 0})
            if not waiting:
                return
            if not told:
                told = True
                self._watch.notice(Notice(Severity.INFO, f"waiting for somebody to listen to {', '.join(waiting)}"))
            self._wait(self._time.now_nanos() + LISTENERS_NANOS)

    def _wait(self, until_nanos: int) -> None:
        """Before the first message."""
        while self._time.now_nanos() < until_nanos:
            command = self._time.wait(until_nanos)
            if command is not None:
                self._obey(command)

    def _play(self, position: int | None) -> int | None:
        """From a place on, None: the start; where to go next, None: the end was reached."""
        options = self._options
        is_start = position is None
        at = options.start_nanos if position is None else position
        from_first = options.from_first and at <= options.start_nanos
        self._seek = None
        self._upcoming_nanos = at
        self._pace = self._pace.at(at, self._time.now_nanos())
        if not is_start:
            self._session.seeked()
            self._tell(at, has_jumped=True)
        if not from_first:
            self._send_latched(at)
        with self._tape.runs(None if from_first else at, options.end_nanos) as runs:
            is_first = True
            for run in runs:
                if is_first:  # what it takes to get the first messages makes none of them late
                    is_first = False
                    begin = int(run.due_nanos[0]) if from_first else at
                    self._pace = self._pace.at(begin, self._time.now_nanos())
                if not self._send(run):
                    return self._seek
        return None

    def _send_latched(self, position_nanos: int) -> None:
        run = self._tape.latched_before(position_nanos)
        if run is None:
            return
        payloads = memoryview(run.buffer)  # type: ignore[arg-type]
        for number, start, size, _, log_time, publish_time in _messages(run):
            self._session.publish(number, payloads[start : start + size], log_time, publish_time)
            self._count(number, size)

    def _send(self, run: Run) -> bool:
        """All messages of a run, each when it is due; False if there is somewhere else to go."""
        payloads = memoryview(run.buffer)  # type: ignore[arg-type]
        publish = self._session.publish
        for number, start, size, due_nanos, log_time, publish_time in _messages(run):
            self._upcoming_nanos = due_nanos
            lateness = self._until(due_nanos)
            if self._seek is not None:
                return False
            publish(number, payloads[start : start + size], log_time, publish_time)
            self._count(number, size)
            if lateness is not None:
                self._lateness.add(lateness)
            if number in self._clocked:
                self._session.clock(due_nanos)
        return True

    def _count(self, number: int, size: int) -> None:
        self._by_connection[number] = self._by_connection.get(number, 0) + 1
        self._messages += 1
        self._nbytes += size

    def _until(self, position_nanos: int) -> int | None:
        """Wait for a message's time; how late it is then, None if it was asked for before its time."""
        while True:
            now = self._time.now_nanos()
            if now >= self._next_look or now >= self._next_status or now >= (self._next_clock or now + 1):
                self._look(now)
            if self._seek is not None:
                return None
            if self._steps:
                self._steps -= 1
                self._pace = self._pace.at(position_nanos, now)
                return None
            skip = self._options.skip_nanos
            if skip is not None and not self._pace.is_paused and position_nanos - self._pace.position(now) > skip:
                self._pace = self._pace.at(position_nanos, now)
            due = self._pace.due(position_nanos)
            if due is not None and due <= now:
                return now - due
            if due is not None and due - now > LONG_NANOS and self._told_wait != position_nanos:
                self._told_wait = position_nanos
                text = f"no message is due for {duration(due - now)}; --skip-empty 10 leaves such gaps out"
                self._watch.notice(Notice(Severity.INFO, text))
            wakes = [self._next_status] + [t for t in (due, self._next_clock) if t is not None]
            self._next_look = now + LOOK_NANOS
            command = self._time.wait(min([*wakes, self._next_look] if self._steered else wakes))
            if command is not None:
                self._obey(command)

    def _look(self, now: int) -> None:
        """At what comes round by itself, and for keys where nothing has been waited for."""
        if now >= self._next_look:
            self._next_look = now + LOOK_NANOS
            command = self._time.wait(now)
            if command is not None:
                self._obey(command)
            self._grant_wishes(now)
        if self._next_clock is not None and now >= self._next_clock:
            period = round(1e9 / (self._options.clock_hertz or 1))
            self._next_clock = max(self._next_clock + period, now)
            self._session.clock(self._position(now))
        if now >= self._next_status:
            self._next_status = now + STATUS_NANOS
            since, before = self._last_status
            if now > since:
                self._rate = (self._messages - before) * 1e9 / (now - since)
            self._last_status = (now, self._messages)
            self._tell_notices()
            self._watch.status(self.status())

    def _tell_notices(self) -> None:
        for notice in self._session.notices():
            self._watch.notice(notice)

    def _grant_wishes(self, now: int) -> None:
        """What listeners ask for."""
        if self._steered is None:
            return
        for wish in self._steered.wishes():
            if wish.rate is not None:
                self._pace = self._pace.at_rate(wish.rate, now)
            if wish.is_paused is not None:
                self._pace = self._pace.paused(now) if wish.is_paused else self._pace.resumed(now)
            if wish.position_nanos is not None:
                self._seek = max(wish.position_nanos, self._options.start_nanos)
            self._next_status = now
        if self._seek is None:
            self._tell(self._position(now))

    def _tell(self, position_nanos: int, *, has_jumped: bool = False, has_ended: bool = False) -> None:
        if self._steered is not None:
            pace = self._pace
            self._steered.tell(PlayState(position_nanos, pace.rate, pace.is_paused, has_jumped, has_ended))

    def _obey(self, command: Command) -> None:
        now = self._time.now_nanos()
        match command:
            case Command.PAUSE:
                self._pace = self._pace.resumed(now) if self._pace.is_paused else self._pace.paused(now)
            case Command.NEXT:
                self._steps += 1
            case Command.FASTER:
                self._pace = self._pace.at_rate(self._pace.rate * RATE_STEP, now)
            case Command.SLOWER:
                self._pace = self._pace.at_rate(self._pace.rate / RATE_STEP, now)
            case Command.BACK:
                self._seek = max(self._position(now) - SEEK_NANOS, self._options.start_nanos)
            case Command.HELP:
                self._watch.help()
            case Command.QUIT:
                raise _Quit
        self._next_status = now


def _messages(run: Run) -> Iterator[tuple[int, int, int, int, int, int]]:
    """Connection, where its bytes begin, how many they are, when it is due, log time, publish time."""
    return zip(
        run.connection_ids.tolist(),
        run.starts.tolist(),
        run.sizes.tolist(),
        run.due_nanos.tolist(),
        run.log_time_nanos.tolist(),
        run.publish_time_nanos.tolist(),
        strict=True,
    )
