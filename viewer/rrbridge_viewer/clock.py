"""The time control as a value: where the cursor stands, whether and how it moves. Pure; knows no window and no store.

Times are int64: nanoseconds on temporal timelines, numbers on sequence timelines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np
import numpy.typing as npt

from rrbridge._timeline import TimeKind

__all__ = ["Clock", "Loop", "Play", "Span", "next_event", "opening_time", "previous_event"]

SEQUENCE_PER_SEC = 30.0
"""How fast a sequence timeline plays at speed 1."""
OPENING_SECS = 3.0
"""What appears within this time after the first thing to see is waited for when a recording is opened."""
BRIEF_SECS = 1.0
"""A recording no longer than this holds one state of things, logged piece by piece: it is opened at its end."""
SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0)


class Play(Enum):
    """What the cursor does by itself."""

    PAUSED = "paused"
    PLAYING = "playing"
    FOLLOWING = "following"
    """Stays at the newest data."""


class Loop(Enum):
    """What happens at the end."""

    OFF = "off"
    ALL = "all"
    SECTION = "section"


@dataclass(frozen=True, slots=True)
class Span:
    """One timeline of a recording: what its numbers mean, and its first and last event."""

    kind: TimeKind
    lo: int
    hi: int

    def clamp(self, time: int) -> int:
        """The nearest time inside."""
        return min(max(time, self.lo), self.hi)


@dataclass(frozen=True, slots=True)
class Clock:
    """The one time that all views of a recording show."""

    timelines: Mapping[str, Span] = field(default_factory=dict)
    timeline: str = ""
    chosen: bool = False
    """Whether somebody asked for this timeline; else a better one may take its place as data arrives."""
    times: Mapping[str, int] = field(default_factory=dict)
    """Where the cursor stands on each timeline on which it was moved so far."""
    openings: Mapping[str, int] = field(default_factory=dict)
    """Where it stands on the others; at their beginning if they are not in here."""
    play: Play = Play.PAUSED
    speed: float = 1.0
    loop: Loop = Loop.OFF
    section: tuple[int, int] | None = None
    """The part of the current timeline that `Loop.SECTION` repeats."""
    window: tuple[int, int] | None = None
    """What the time panel shows of the current timeline; None: all of it."""
    remainder: float = 0.0
    """Part of a unit that playing has not yet moved by, so that slow sequence timelines move at all."""

    @property
    def span(self) -> Span | None:
        """The current timeline; None while no data has arrived."""
        return self.timelines.get(self.timeline)

    @property
    def time(self) -> int:
        """Where the cursor stands; 0 while no data has arrived."""
        if self.timeline in self.times:
            return self.times[self.timeline]
        return self.span.clamp(self.openings.get(self.timeline, self.span.lo)) if self.span else 0

    def learn(self, timelines: Mapping[str, Span], preferred: str) -> Clock:
        """Take note of what timelines there now are; the cursor keeps its place where it can."""
        timeline = self.timeline if self.chosen and self.timeline in timelines else preferred
        clock = replace(self, timelines=timelines, timeline=timeline)
        if timeline != self.timeline:
            clock = replace(clock, section=None, window=None)
        span = clock.span
        if span is None:
            return clock
        if clock.play is Play.FOLLOWING:
            return clock.seek(span.hi)
        return clock.seek(clock.time) if timeline in clock.times else clock

    def seek(self, time: int) -> Clock:
        """Stand at the nearest time that the data covers; the time panel moves along to keep it in sight."""
        if self.span is None:
            return self
        time = self.span.clamp(time)
        window = self.window
        if window is not None:
            shift = max(time - window[1], 0) + min(time - window[0], 0)
            window = (window[0] + shift, window[1] + shift)
        return replace(self, times={**self.times, self.timeline: time}, window=window, remainder=0.0)

    def on(self, timeline: str) -> Clock:
        """Look along another timeline, where it was left, and stay on it; unknown ones are ignored."""
        if timeline not in self.timelines:
            return self
        if timeline == self.timeline:
            return self if self.chosen else replace(self, chosen=True)
        clock = replace(self, timeline=timeline, chosen=True, section=None, window=None, remainder=0.0)
        return clock.seek(clock.time) if timeline in clock.times else clock

    def playing(self, play: Play) -> Clock:
        """Start, stop or follow. Playing on from the end starts again at the beginning."""
        clock = replace(self, play=play, remainder=0.0)
        if self.span is None:
            return clock
        if play is Play.FOLLOWING:
            return clock.seek(self.span.hi)
        if play is Play.PLAYING and self.time >= self.span.hi:
            return clock.seek(self.span.lo)
        return clock

    def tick(self, elapsed_secs: float) -> Clock:
        """Let real time pass."""
        span = self.span
        if self.play is not Play.PLAYING or span is None or elapsed_secs <= 0:
            return self
        per_sec = SEQUENCE_PER_SEC if span.kind is TimeKind.SEQUENCE else 1e9
        moved = elapsed_secs * self.speed * per_sec + self.remainder
        whole = int(moved)
        lo, hi = self._repeated(span)
        time = self.time + whole
        if time <= hi:
            return replace(self.seek(time), remainder=moved - whole)
        if self.loop is Loop.OFF:
            return replace(self.seek(hi), play=Play.PAUSED)
        return self.seek(lo + (time - hi - 1) % (hi - lo + 1))

    def _repeated(self, span: Span) -> tuple[int, int]:
        if self.loop is Loop.SECTION and self.section is not None:
            lo, hi = (span.clamp(t) for t in self.section)
            return lo, hi
        return span.lo, span.hi


def opening_time(firsts: Iterable[int], span: Span) -> int:
    """Where a cursor that nobody has moved sees most, given when each thing to see first appears.

    When all of those that come soon after the first have come; later ones are not waited for, as a recording is not
    opened in its middle. With nothing to see, the beginning.
    """
    per_sec = SEQUENCE_PER_SEC if span.kind is TimeKind.SEQUENCE else 1e9
    known = sorted(firsts)
    if known and span.hi - span.lo <= BRIEF_SECS * per_sec:
        return span.hi
    return max((time for time in known if time - known[0] <= OPENING_SECS * per_sec), default=span.lo)


def next_event(times: npt.NDArray[np.int64], time: int) -> int | None:
    """The first of the sorted event times after `time`."""
    at = int(np.searchsorted(times, time, side="right"))
    return int(times[at]) if at < len(times) else None


def previous_event(times: npt.NDArray[np.int64], time: int) -> int | None:
    """The last of the sorted event times before `time`."""
    at = int(np.searchsorted(times, time, side="left"))
    return int(times[at - 1]) if at else None
