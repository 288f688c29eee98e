"""Times as a sentence names them."""

from __future__ import annotations

import numpy as np

from rrbridge._timeline import TimeKind

__all__ = ["span_text", "time_text"]

_YEAR_1973_NANOS = 10**17
"""Nobody has older robots, but simulators start at 0."""


def time_text(time: int, kind: TimeKind | None) -> str:
    """`2024-05-17T10:20:30.25Z`, `12.5 s`, or a sequence number; exact to the nanosecond."""
    if kind is TimeKind.TIMESTAMP and abs(time) >= _YEAR_1973_NANOS:
        return str(np.datetime_as_string(np.datetime64(time, "ns"))).rstrip("0").rstrip(".") + "Z"
    return span_text(time, kind)


def span_text(span: int, kind: TimeKind | None) -> str:
    """`12.5 s`, or a difference of sequence numbers; exact to the nanosecond."""
    if kind is None or kind is TimeKind.SEQUENCE:
        return str(span)
    whole, rest = divmod(abs(span), 10**9)
    digits = f"{whole}.{rest:09d}".rstrip("0").rstrip(".")
    return f"{'-' if span < 0 else ''}{digits} s"
