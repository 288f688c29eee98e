"""Times as a person types them: `+10s` after the start, `-5s` before the end, (nano)seconds since the epoch, or an ISO date."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from rrbridge.errors import InvalidValueError

__all__ = ["TimePoint", "as_nanos", "parse_offset", "parse_time"]

NANOS_PER_UNIT = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "min": 60 * 10**9, "h": 3600 * 10**9}
MOST_NANOS = 2**63 - 1
MOST_OFFSET_NANOS = 100 * 365 * 24 * 3600 * 10**9
DURATION = re.compile(r"([+-])\s*(\d+)(\.\d+)?\s*([a-z]*)")
SECONDS = re.compile(r"(\d+)(\.\d+)?")
NANOS_FROM = 10**14
"""Plain whole numbers from here on are nanoseconds: as seconds they would lie three million years ahead."""
EXPECTED = "+10s, -5s (from the end), +500ms, +2m, seconds or nanoseconds since the epoch, or 2024-05-17T10:20:30"


@dataclass(frozen=True, slots=True)
class TimePoint:
    """A time, absolute or counted from the start of a recording."""

    nanos: int
    """Since the Unix epoch, since the start, or (negative) since the end."""
    from_start: bool
    from_end: bool = False

    @property
    def is_relative(self) -> bool:
        """Whether it depends on the recording."""
        return self.from_start or self.from_end

    def absolute(self, start_nanos: int, end_nanos: int | None = None) -> int:
        """Nanoseconds since the epoch, for a recording of that time. Raises InvalidValueError if the end is not known."""
        if not self.from_end:
            return self.nanos + (start_nanos if self.from_start else 0)
        if end_nanos is None:
            raise InvalidValueError("time", "one that is not counted from the end", f"{self.nanos / 1e9:g}s")
        return self.nanos + end_nanos


def parse_offset(text: str) -> int:
    """`1.5s`, `-20ms`, `+2m`: nanoseconds; a number alone is seconds. Raises InvalidValueError."""
    given = text.strip()
    found = DURATION.fullmatch(given if given.startswith(("+", "-")) else f"+{given}")
    unit = NANOS_PER_UNIT.get(found[4] or "s") if found else None
    if found is None or unit is None:
        raise InvalidValueError("--offset", "a duration such as 1.5s, -20ms, 2m", repr(text))
    nanos = _scaled(found[2], found[3], unit)
    if nanos > MOST_OFFSET_NANOS:
        raise InvalidValueError("--offset", "at most a hundred years", repr(text))
    return -nanos if found[1] == "-" else nanos


def as_nanos(time: int) -> int:
    """A time as 64 bits can hold it; what lies beyond is before or after everything all the same."""
    return max(-MOST_NANOS, min(time, MOST_NANOS))


def parse_time(text: str) -> TimePoint:
    """Read a time. Dates without a zone are UTC. Raises InvalidValueError."""
    text = text.strip()
    if duration := DURATION.fullmatch(text):
        unit = NANOS_PER_UNIT.get(duration[4] or "s")
        if unit is not None:
            nanos = _scaled(duration[2], duration[3], unit)
            if duration[1] == "+":
                return TimePoint(nanos, from_start=True)
            return TimePoint(-nanos, from_start=False, from_end=bool(duration[4]))
    elif seconds := SECONDS.fullmatch(text):
        is_nanos = not seconds[2] and int(seconds[1]) >= NANOS_FROM
        return TimePoint(_scaled(seconds[1], seconds[2], 1 if is_nanos else 10**9), from_start=False)
    else:
        fraction = re.search(r"\.(\d+)", text)
        try:
            date = dt.datetime.fromisoformat(text.replace(fraction[0], "") if fraction else text)
        except ValueError:
            raise InvalidValueError("time", EXPECTED, repr(text)) from None
        if date.tzinfo is None:
            date = date.replace(tzinfo=dt.UTC)
        whole = date - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        nanos = (whole.days * 86_400 + whole.seconds) * 10**9
        return TimePoint(nanos + (_scaled("0", fraction[0], 10**9) if fraction else 0), from_start=False)
    raise InvalidValueError("time", EXPECTED, repr(text))


def _scaled(whole: str, fraction: str | None, unit: int) -> int:
    """Exact where floats are not: `1700000000.123456789` s has more digits than a double."""
    digits = (fraction or ".")[1:]
    return int(whole) * unit + (int(digits) * unit // 10 ** len(digits) if digits else 0)
