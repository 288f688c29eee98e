"""Which columns of a table are times, and what they count.

A column is a timeline if its type is a date, a time stamp or a duration; or if it is a number that is called like one (`time`,
`timestamp`, `stamp`, `t` …, also as the last part of `header.stamp`). The unit is what its name says (`time_ms`, `t [ns]`),
else what its size suggests. What lies before 1973 is no date but a duration. Whole numbers called `index`, `frame`, `step`,
`seq` … are a sequence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rrbridge._timeline import TimeKind

__all__ = ["Clock", "clock_of"]

TIMES = frozenset((
    "time", "timestamp", "time_stamp", "stamp", "t", "ts", "datetime", "date_time", "utc", "elapsed", "elapsed_time",
    "log_time", "message_log_time", "message_publish_time", "ros_time", "rosbagtimestamp", "ros1_timestamp", "ros2_timestamp",
    "sim_time", "seconds", "secs", "milliseconds", "millis", "microseconds", "micros", "nanoseconds", "nanos",
))  # fmt: skip
INDEXES = frozenset(
    ("index", "idx", "frame", "frame_nr", "frame_number", "step", "iteration", "seq", "sequence", "row")
)
UNITS = {
    name: scale
    for names, scale in (
        ("s sec secs second seconds", 10**9),
        ("ms msec msecs millis millisecond milliseconds", 10**6),
        ("us µs μs usec usecs micros microsecond microseconds", 10**3),
        ("ns nsec nsecs nanos nanosec nanosecs nanosecond nanoseconds", 1),
    )
    for name in names.split()
}
NAME = re.compile(r"[%#_\s]*(?P<name>.*?)[\s_]*(?:[\[(]\s*(?P<bracketed>\w+)\s*[\])])?\s*")
EPOCH_SECONDS = 10**8
"""1973: smaller numbers are durations."""
MAX_INT64 = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Clock:
    """A timeline that a column gives."""

    column: str
    timeline: str
    kind: TimeKind
    nanos_per_unit: int = 1

    def values(self, column: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Sequence numbers or nanoseconds, and which of them there are; both of shape (rows,)."""
        if pa.types.is_temporal(column.type):
            values = pc.fill_null(_nanos_of(column), 0)
            return values.to_numpy(zero_copy_only=False), column.is_valid().to_numpy(zero_copy_only=False)
        limit = MAX_INT64 / self.nanos_per_unit
        present = column.is_valid().to_numpy(zero_copy_only=False)
        if pa.types.is_integer(column.type):
            numbers = pc.fill_null(column, 0).to_numpy(zero_copy_only=False)
            fits = present & (np.abs(numbers.astype(np.float64)) < limit)
            return np.where(fits, numbers, 0).astype(np.int64) * self.nanos_per_unit, fits
        floats = pc.fill_null(column.cast(pa.float64()), np.nan).to_numpy(zero_copy_only=False)
        fits = np.abs(floats) < limit
        floats = np.where(fits, floats, 0)
        whole = np.floor(floats)  # apart, as a double has too few digits for both
        nanos = np.rint((floats - whole) * self.nanos_per_unit).astype(np.int64)
        return whole.astype(np.int64) * self.nanos_per_unit + nanos, fits


def clock_of(name: str, column: pa.Array) -> Clock | None:
    """The timeline that a column is, by its name, its type and the numbers at its beginning."""
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return Clock(name, _timeline(name), TimeKind.TIMESTAMP)
    if pa.types.is_duration(kind):
        return Clock(name, _timeline(name), TimeKind.DURATION)
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return None
    base, unit = _split(name)
    if base in INDEXES or not base:
        return Clock(name, _timeline(name) or "index", TimeKind.SEQUENCE) if pa.types.is_integer(kind) else None
    if base not in TIMES:
        return None
    usual = _usual_size(column)
    scale = UNITS[unit] if unit else _likely_unit(usual)
    is_date = usual * scale >= EPOCH_SECONDS * 10**9
    return Clock(name, _timeline(name), TimeKind.TIMESTAMP if is_date else TimeKind.DURATION, scale)


def _usual_size(column: pa.Array) -> float:
    """The middle one of the absolute values; the largest may be a mistake."""
    numbers = np.abs(column.drop_null().cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
    numbers = numbers[np.isfinite(numbers)]
    return float(np.median(numbers)) if len(numbers) else 0.0


def _likely_unit(usual: float) -> int:
    """Nanoseconds per unit: today is 1.7e9 s, 1.7e12 ms, 1.7e15 µs, 1.7e18 ns after the epoch."""
    for limit, scale in ((1e17, 1), (1e14, 10**3), (1e11, 10**6)):
        if usual >= limit:
            return scale
    return 10**9


def _split(name: str) -> tuple[str, str]:
    """`"/imu/header.stamp_ms"` → `stamp`, `ms`; all in lower case."""
    match = NAME.fullmatch(name.lower())
    assert match is not None
    base, unit = match["name"], match["bracketed"] or ""
    base = re.split(r"[./]", base)[-1]
    if base in TIMES | INDEXES:
        return base, unit if unit in UNITS else UNITS_IN_NAMES.get(base, "")
    stem, _, last = base.rpartition("_")
    if not unit and last in UNITS and stem:
        return stem, last
    return base, unit if unit in UNITS else ""


UNITS_IN_NAMES = {name: name for name in TIMES if name in UNITS}


def _timeline(name: str) -> str:
    match = NAME.fullmatch(name)
    assert match is not None
    return match["name"] or name.strip()


def _nanos_of(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_date(kind):
        column = column.cast(pa.timestamp("ms"))
    target = pa.duration("ns") if pa.types.is_duration(kind) else pa.timestamp("ns")
    if pa.types.is_timestamp(kind):
        target = pa.timestamp("ns", kind.tz)
    return column.cast(target).cast(pa.int64())
