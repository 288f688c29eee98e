"""Time, by the names of the reference's `rerun.time`."""

from __future__ import annotations

from rrbridge._global import disable_timeline as disable_timeline
from rrbridge._global import reset_time as reset_time
from rrbridge._global import set_log_tick_enabled as set_log_tick_enabled
from rrbridge._global import set_log_time_enabled as set_log_time_enabled
from rrbridge._global import set_time as set_time
from rrbridge._recording import RecordingStream as RecordingStream
from rrbridge._timeline import duration_nanos as to_nanos
from rrbridge._timeline import timestamp_nanos as to_nanos_since_epoch

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
