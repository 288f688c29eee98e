"""Time, by the names of the reference's `rerun.time`."""

from __future__ import annotations

from rrbridge._global import disable_timeline as disable_timeline
from rrbridge._global import reset_time as reset_time
from rrbridge._global import set_log_tick_enabled as set_log_tick_enabled
from rrbridge._global import set_log_time_enabled as set_log_time_enabled
from rrbridge._global import set_time as set_time
from rrbridge._recording import RecordingStream as RecordingStream
from rrbridge._timeline import DurationLike, TimestampLike, duration_nanos, timestamp_nanos

__all__ = [
    "RecordingStream",
    "disable_timeline",
    "reset_time",
    "set_log_tick_enabled",
    "set_log_time_enabled",
    "set_time",
    "to_nanos",
    "to_nanos_since_epoch",
]


def to_nanos(duration: DurationLike) -> int:
    """Nanoseconds of a duration; plain numbers are seconds. Raises InvalidValueError."""
    return duration_nanos(duration)


def to_nanos_since_epoch(timestamp: TimestampLike) -> int:
    """Nanoseconds since the Unix epoch; plain numbers are seconds, naive datetimes are UTC. Raises InvalidValueError."""
    return timestamp_nanos(timestamp)
