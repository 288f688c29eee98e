"""What checks find, and how bad it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

__all__ = ["SIMULATED_BELOW_NANOS", "Finding", "Severity", "by_severity", "seconds"]

SIMULATED_BELOW_NANOS = 10**17
"""1973: nobody has older robots, but simulators start at 0."""


class Severity(IntEnum):
    """How bad a finding is, the worst first."""

    ERROR = 0
    """Data is lost, or is not what was written."""
    WARNING = 1
    """Whoever works with the data will stumble over it."""
    NOTE = 2
    """Odd, and often meant to be so."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    severity: Severity
    code: str
    """A short name for programs: `gap`, `late-stamps`, `two-parents` …"""
    text: str
    """What was found."""
    topic: str = ""
    time_nanos: int | None = None
    """Log time of the first, or worst, place."""
    advice: str = ""
    """What to do next."""
    times: int = 1
    """How often it was found."""
    value: float | None = None
    """The figure of the worst place, in seconds where it is a time."""


def by_severity(found: Iterable[Finding]) -> list[Finding]:
    """The worst first; of equal severity by kind, then topic."""
    return sorted(found, key=lambda f: (f.severity, f.code, f.topic, f.time_nanos or 0))


def seconds(nanos: float) -> str:
    """`2.31 s`, `45 ms`, `3 d`: a span as a sentence has it."""
    secs = abs(nanos) / 1e9
    if secs < 1:
        return f"{secs * 1e3:.3g} ms"
    if secs < 100:
        return f"{secs:.3g} s"
    if secs < 7200:
        return f"{secs:.0f} s"
    if secs < 2 * 86400:
        return f"{secs / 3600:.3g} h"
    days = secs / 86400
    return f"{days:.3g} days" if days < 1000 else f"{days / 365.25:.3g} years"
