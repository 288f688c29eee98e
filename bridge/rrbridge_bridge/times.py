"""Times as a person types them: `+10s` after the start, seconds since the epoch, or an ISO date."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from rrbridge.errors import InvalidValueError

__all__ = ["TimePoint", "parse_time"]

NANOS_PER_UNIT = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "min": 60 * 10**9, "h": 3600 * 10**9}
DURATION = re.compile(r"\+\s*(\d+)(\.\d+)?\s*([a-z]*)")
SECONDS = re.compile(r"(-?)(\d+)(\.\d+)?")
EXPECTED = "+10s, +500ms, +2m, seconds since the epoch, or 2024-05-17T10:20:30"


@dataclass(frozen=True, slots=True)
class TimePoint:
    """A time, absolute or counted from the start of a recording."""

    nanos: int
    """Since the Unix epoch, or since the start."""
    from_start: bool

    def absolute(self, start_nanos: int) -> int:
        """Nanoseconds since the epoch, for a recording that starts then."""
        return start_nanos + self.nanos if self.from_start else self.nanos


def parse_time(text: str) -> TimePoint:
    """Read a time. Dates without a zone are UTC. Raises InvalidValueError."""
    text = text.strip()
    if duration := DURATION.fullmatch(text):
        unit = NANOS_PER_UNIT.get(duration[3] or "s")
        if unit is not None:
            return TimePoint(_scaled(duration[1], duration[2], unit), from_start=True)
    elif seconds := SECONDS.fullmatch(text):
        nanos = _scaled(seconds[2], seconds[3], 10**9)
        return TimePoint(-nanos if seconds[1] else nanos, from_start=False)
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
