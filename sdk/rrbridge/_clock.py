"""The times that one thread logs at."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator

from rrbridge._misuse import caller_depth
from rrbridge._timeline import TimeKind
from rrbridge.errors import InvalidValueError, RrbridgeWarning

__all__ = ["STATIC", "Clock", "Stamps", "Timelines"]


class Timelines:
    """Which timelines a row has a time on. There is one object for each such set, so that rows are told by identity."""

    __slots__ = ("kinds",)

    kinds: tuple[tuple[str, TimeKind], ...]
    """Names and kinds, by name."""

    def __init__(self, kinds: tuple[tuple[str, TimeKind], ...]) -> None:
        self.kinds = kinds


STATIC = Timelines(())
_known: dict[tuple[tuple[str, TimeKind], ...], Timelines] = {(): STATIC}


class Stamps:
    """Which times a recording adds to every row by itself. Replaced, not changed, so that clocks notice."""

    __slots__ = ("log_tick", "log_time")

    def __init__(self, *, log_time: bool, log_tick: bool) -> None:
        self.log_time = log_time
        self.log_tick = log_tick


class Clock:
    """What `set_time` keeps. A list of all times is held ready: a time that changes is written to its place in it."""

    __slots__ = ("_places", "_set", "_stamps", "_tick_place", "_time_place", "_timelines", "_values")

    def __init__(self) -> None:
        self._set: dict[str, tuple[TimeKind, int]] = {}
        self._stamps: Stamps | None = None
        """For which stamps the rest was made; None: it is out of date."""
        self._places: dict[str, int] = {}
        self._timelines = STATIC
        self._values: list[int] = []
        self._time_place = self._tick_place = -1

    def set(self, timeline: str, kind: TimeKind, value: int) -> None:
        """Stand at this time of a timeline, which keeps its kind. Raises InvalidValueError where that has no name."""
        before = self._set.get(timeline)
        if before is None:
            _check_name(timeline)
            self._stamps = None
        elif before[0] is not kind:
            what = (
                f"{timeline!r} is given a {kind.name.lower()} and stays a {before[0].name.lower()}; use two timelines"
            )
            warnings.warn(f"set_time: {what}", RrbridgeWarning, caller_depth())
            kind = before[0]
        self._set[timeline] = (kind, value)
        if self._stamps is not None:
            self._values[self._places[timeline]] = value

    def drop(self, timeline: str) -> None:
        """Have no time on a timeline."""
        if self._set.pop(timeline, None) is not None:
            self._stamps = None

    def clear(self) -> None:
        """Have no times."""
        self._set.clear()
        self._stamps = None

    def now(self, stamps: Stamps, ticks: Iterator[int]) -> tuple[Timelines, list[int]]:
        """The timelines and the time on each; valid until the next call."""
        if self._stamps is not stamps:
            self._prepare(stamps)
        tick = next(ticks)
        if self._time_place >= 0:
            self._values[self._time_place] = time.time_ns()
        if self._tick_place >= 0:
            self._values[self._tick_place] = tick
        return self._timelines, self._values

    def _prepare(self, stamps: Stamps) -> None:
        times = dict(self._set)
        if stamps.log_time:
            times["log_time"] = (TimeKind.TIMESTAMP, 0)
        if stamps.log_tick:
            times["log_tick"] = (TimeKind.SEQUENCE, 0)
        names = sorted(times)
        kinds = tuple((name, times[name][0]) for name in names)
        self._timelines = _known.setdefault(kinds, Timelines(kinds))
        self._values = [times[name][1] for name in names]
        self._places = {name: place for place, name in enumerate(names)}
        self._time_place = self._places["log_time"] if stamps.log_time else -1
        self._tick_place = self._places["log_tick"] if stamps.log_tick else -1
        self._stamps = stamps


def _check_name(timeline: object) -> None:
    """A timeline of another kind of name would fail with every row that is logged from then on."""
    try:
        if isinstance(timeline, str) and timeline.encode():
            return
    except UnicodeEncodeError:
        pass
    raise InvalidValueError("timeline", "a name", ascii(timeline)[:80])
