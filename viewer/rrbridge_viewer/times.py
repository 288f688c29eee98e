"""Times as people write and read them.

Written: `2024-05-01T12:00:00.5Z`, nanoseconds or seconds since the epoch, `+10s` after the start, `-2s` before the end,
`start`, `end`, or any of these behind `timeline=`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from rrbridge._timeline import TimeKind
from rrbridge.errors import InvalidValueError
from rrbridge_viewer.clock import Span

__all__ = ["ALIASES", "TimeSpec", "format_duration", "format_tick", "format_time", "nice_ticks", "parse_time"]

ALIASES: Mapping[str, str] = {"message_log_time": "log_time"}
"""Timelines shown under another's name: when a bag's message was logged is when it was logged."""

EXPECTED = (
    "an ISO date and time, seconds or nanoseconds since the epoch, `+10s` after the start, `-2s` before the end, "
    "`start`, `end`, or `timeline=` and one of these"
)
_UNITS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_NUMBER = re.compile(r"(?P<sign>[+-]?)(?P<number>\d+(?:\.\d*)?|\.\d+)(?P<unit>ns|us|ms|s|m|h)?")
_ISO = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?:[T ](?P<clock>\d\d:\d\d(?::\d\d)?)(?P<fraction>\.\d{1,9})?)?(?P<zone>Z|[+-]\d\d:\d\d)?"
)
_NANOS_FROM = 10**14
"""Plain numbers from here on are nanoseconds: as seconds they would lie three million years ahead."""
_BOUND = 2**63 - 1
_DAY = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class TimeSpec:
    """A time as it was asked for; which number it is depends on the recording."""

    text: str
    timeline: str | None
    value: str

    def resolve(self, timelines: Mapping[str, Span], preferred: Sequence[str]) -> tuple[str, int]:
        """`(timeline, time)` in a recording with these timelines.

        Without a timeline of its own it means the first of `preferred` on which it makes sense. Raises InvalidValueError.
        """
        if self.timeline is None:
            names = [name for name in preferred if name in timelines]
        else:
            names = [self.timeline if self.timeline in timelines else ALIASES.get(self.timeline, self.timeline)]
        for name in names:
            span = timelines.get(name)
            if span is None:
                known = ", ".join(timelines) or "none"
                raise InvalidValueError("time", f"one of the timelines {known}", repr(self.text))
            time = _resolve(self.value, span)
            if time is not None:
                return name, time
        raise InvalidValueError(
            "time", f"a time that fits the timelines {', '.join(names) or 'of the data'}", self.text
        )


def parse_time(text: str) -> TimeSpec:
    """Read a time. Raises InvalidValueError, which says what can be written."""
    timeline, equals, value = text.strip().rpartition("=")
    if equals and not timeline:
        raise InvalidValueError("time", EXPECTED, repr(text))
    value = value.strip()
    written = value in {"start", "end"} or _NUMBER.fullmatch(value.removeprefix("#")) or _iso_nanos(value) is not None
    if not written:
        raise InvalidValueError("time", EXPECTED, repr(text))
    return TimeSpec(text, timeline if equals else None, value)


def _resolve(value: str, span: Span) -> int | None:
    if value in {"start", "end"}:
        return span.lo if value == "start" else span.hi
    match = _NUMBER.fullmatch(value.removeprefix("#"))
    if match is None:
        return _iso_nanos(value) if span.kind is TimeKind.TIMESTAMP else None
    sign, unit = match["sign"], match["unit"]
    number = Decimal(match["number"])
    if span.kind is TimeKind.SEQUENCE:
        amount = None if unit or number != number.to_integral_value() else int(number)
    elif unit:
        amount = int(number * _UNITS[unit])
    elif not sign and "." not in match["number"] and number >= _NANOS_FROM:
        amount = int(number)
    else:
        amount = int(number * 10**9)
    if amount is None:
        return None
    origin = {"+": span.lo, "-": span.hi}.get(sign, 0)
    time = origin - amount if sign == "-" else origin + amount
    return time if abs(time) <= _BOUND else None


def _iso_nanos(text: str) -> int | None:
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    zone = (match["zone"] or "Z").replace("Z", "+00:00")
    try:
        moment = dt.datetime.fromisoformat(f"{match['day']}T{match['clock'] or '00:00:00'}{zone}")
        fraction = int(Decimal(match["fraction"] or 0) * 10**9)
    except (ValueError, InvalidOperation):
        return None
    since = moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    nanos = (since.days * 86_400 + since.seconds) * 10**9 + fraction
    return nanos if abs(nanos) <= _BOUND else None


def format_time(time: int, kind: TimeKind, *, date: bool = False, digits: int = 3) -> str:
    """A time on one line: `07:26:03.123`, `+1.500s`, `#42`. Time stamps are in UTC; `date` puts the day before them."""
    if kind is TimeKind.SEQUENCE:
        return f"#{time}"
    if kind is TimeKind.DURATION:
        return format_duration(time, digits=digits)
    secs, nanos = divmod(time, 10**9)
    try:
        moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=secs)
    except OverflowError:
        return f"{time} ns"
    tail = f".{nanos:09d}"[: digits + 1] if digits else ""
    return moment.strftime("%Y-%m-%d %H:%M:%S" if date else "%H:%M:%S") + tail


def format_tick(time: int, kind: TimeKind, *, digits: int = 3) -> str:
    """As short as beside a mark of a scale: the time of day, or where a day begins (in UTC), which day it is."""
    if kind is TimeKind.TIMESTAMP and time % _DAY == 0:
        return format_time(time, kind, date=True, digits=0).removesuffix(" 00:00:00")
    return format_time(time, kind, digits=digits)


def format_duration(nanos: int, *, digits: int = 3) -> str:
    """`+1.500s`, `-2m 03s`, `+1h 02m 03s`."""
    sign, rest = ("-", -nanos) if nanos < 0 else ("+", nanos)
    if rest < 60 * 10**9:
        tail = f".{rest % 10**9:09d}"[: digits + 1] if digits else ""
        return f"{sign}{rest // 10**9}{tail}s"
    secs = rest // 10**9
    if secs < 3600:
        return f"{sign}{secs // 60}m {secs % 60:02d}s"
    return f"{sign}{secs // 3600}h {secs // 60 % 60:02d}m {secs % 60:02d}s"


_SECOND_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


def nice_ticks(lo: int, hi: int, kind: TimeKind, wanted: int) -> tuple[int, int]:
    """`(first, step)` of round times inside `[lo, hi]`, about `wanted` of them or fewer.

    Steps are 1, 2, 5 × 10ⁿ; from a second on those of a clock face: 15 s, 1 min, 15 min, 3 h, whole days.
    """
    least = max(-(-(hi - lo) // max(wanted, 1)), 1)
    step = 1
    while step < least:
        for factor in (2, 5, 10):
            if step * factor >= least:
                step *= factor
                break
        else:
            step *= 10
    if kind is not TimeKind.SEQUENCE and least > 10**9:
        days = -(-least // (86_400 * 10**9))
        step = next((s * 10**9 for s in _SECOND_STEPS if s * 10**9 >= least), days * 86_400 * 10**9)
    return -(-lo // step) * step, step
