"""Timelines and the columns of times that index a chunk.

A timeline is a name and a kind: a sequence number, a duration, or a time stamp. Durations and time stamps are held as
nanoseconds (int64); time stamps count from the Unix epoch.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import empty
from rrbridge.errors import InvalidValueError

__all__ = ["MIN_TIME", "STATIC_TIME", "TimeColumn", "TimeKind", "duration_nanos", "timestamp_nanos", "unit_nanos"]

STATIC_TIME = -(2**63)
"""Reserved: a row written with this time would vanish from queries (FORMAT §5.2)."""
MIN_TIME = STATIC_TIME + 1
_LAST_TIME = 2**63 - 1
BLOCK = 1 << 14
"""As many times at a time, so that what is worked out on the way stays in the processor's cache."""

DurationLike: TypeAlias = int | float | dt.timedelta | np.timedelta64
TimestampLike: TypeAlias = int | float | dt.datetime | np.datetime64
_MOST_SECONDS = 9_223_372_036
"""Nanoseconds of 64 bits reach about so far."""
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class TimeKind(Enum):
    """What the numbers of a timeline mean; the value is its Arrow type."""

    SEQUENCE = pa.int64()
    DURATION = pa.duration("ns")
    TIMESTAMP = pa.timestamp("ns")

    @classmethod
    def from_arrow(cls, datatype: pa.DataType) -> TimeKind:
        """The kind that an Arrow column type stands for. Raises ValueError for any other type."""
        if pa.types.is_timestamp(datatype) and datatype.unit == "ns":
            return cls.TIMESTAMP
        return cls(datatype)


def unit_nanos(times: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Nanoseconds of numpy's datetime64 or timedelta64 of any unit; NaT becomes STATIC_TIME. Raises InvalidValueError."""
    array = np.asarray(times)
    nanos = array.astype(f"{array.dtype.kind}8[ns]")
    is_coarser = np.can_cast(array.dtype, nanos.dtype, "safe")  # then numpy multiplies, and wraps around without a word
    if is_coarser and not np.array_equal(nanos.astype(array.dtype).view(np.int64), array.view(np.int64)):
        raise InvalidValueError("time", "at most 292 years, which nanoseconds of 64 bits reach", repr(array)[:80])
    return nanos.view(np.int64)


def duration_nanos(value: DurationLike) -> int:
    """Nanoseconds of a duration; plain numbers are seconds. Raises InvalidValueError.

    Objects of `datetime` go through seconds in double precision, as in the reference: digits past them are equal, not exact.
    """
    match value:
        case np.timedelta64() if not np.isnat(value):
            return int(unit_nanos(value))
        case dt.timedelta() if abs(value.days) < _MOST_SECONDS // 86_400:
            return round(1e9 * value.total_seconds())
        case int() | np.integer() if -_MOST_SECONDS <= value <= _MOST_SECONDS:
            return int(value) * 1_000_000_000
        case float() | np.floating() if -_MOST_SECONDS <= value <= _MOST_SECONDS:
            return round(float(value) * 1e9)
    raise InvalidValueError("duration", "seconds, timedelta or numpy.timedelta64", repr(value))


def timestamp_nanos(value: TimestampLike) -> int:
    """Nanoseconds since the Unix epoch; plain numbers are seconds, naive datetimes are UTC. Raises InvalidValueError."""
    match value:
        case pa.TimestampScalar() if value.is_valid:
            return int(value.cast(pa.timestamp("ns")).value)
        case np.datetime64() if not np.isnat(value):
            return int(unit_nanos(value))
        case dt.datetime() if hasattr(value, "to_datetime64"):  # of pandas, which knows nanoseconds
            return int(unit_nanos(value.to_datetime64()))
        case dt.datetime():
            aware = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
            return duration_nanos(aware - _EPOCH)
        case int() | float() | np.integer() | np.floating() if not isinstance(value, np.timedelta64):
            return duration_nanos(value)
    raise InvalidValueError("timestamp", "seconds since the epoch, datetime or numpy.datetime64", repr(value))


def _many_nanos(values: object, unit_kind: str, one: Callable[[Any], int]) -> npt.NDArray[np.int64]:
    """Fractions of nanoseconds are cut off in arrays and rounded in lists, which is what the reference does."""
    array = np.asarray(values)
    if array.dtype.kind == unit_kind and not np.isnat(array).any():
        return unit_nanos(array)
    if array.dtype.kind not in "iuf" or not _are_within(array, -_MOST_SECONDS, _MOST_SECONDS):
        return np.array([one(v) for v in array.ravel().tolist()], np.int64)
    if array.dtype.kind != "f":
        whole_secs: npt.NDArray[np.int64] = array.astype(np.int64)
        return whole_secs * 1_000_000_000
    flat = array.reshape(-1)
    nanos = empty(flat.shape, np.int64)
    for start in range(0, len(flat), BLOCK):
        block = flat[start : start + BLOCK]
        nanos[start : start + BLOCK] = (
            block * 1e9 if isinstance(values, np.ndarray) else np.rint(block.astype(np.float64) * 1e9)
        )
    return nanos


def _are_within(array: npt.NDArray[Any], low: int, high: int) -> bool:
    """Whether all numbers are; what is not a number is not."""
    return not array.size or bool(low <= array.min() and array.max() <= high)


def _many_numbers(values: object) -> npt.NDArray[np.int64]:
    """Sequence numbers. Raises InvalidValueError."""
    array = np.asarray(values)
    if array.dtype.kind in "mM" and not np.isnat(array).any():
        array = array.astype(np.int64)
    is_cut_off = array.dtype.kind == "f" and array is not values  # in lists, as the reference does it
    whole = array.dtype.kind in "iu" or is_cut_off or (array.dtype.kind == "f" and bool((array % 1 == 0).all()))
    if array.size and not (whole and _are_within(array, MIN_TIME, _LAST_TIME)):
        raise InvalidValueError("sequence", "whole numbers of 64 bits", repr(values)[:80])
    return array.astype(np.int64)


@runtime_checkable
class TimeColumnLike(Protocol):
    """Anything that can give the times of many rows."""

    def timeline_name(self) -> str:
        """The timeline."""

    def as_arrow_array(self) -> pa.Array:
        """int64, timestamp(ns) or duration(ns)."""


@dataclass(frozen=True, eq=False, slots=True, init=False)
class TimeColumn:
    """The times of many rows on one timeline."""

    timeline: str
    kind: TimeKind
    values: npt.NDArray[np.int64]
    """Sequence numbers or nanoseconds, shape (rows,)."""

    def __init__(
        self,
        timeline: str,
        *,
        sequence: Iterable[int] | None = None,
        duration: Iterable[DurationLike] | None = None,
        timestamp: Iterable[TimestampLike] | None = None,
    ) -> None:
        """Give exactly one of `sequence`, `duration` (seconds if plain numbers), `timestamp` (seconds since the epoch)."""
        given = [v is not None for v in (sequence, duration, timestamp)]
        if sum(given) != 1:
            raise InvalidValueError(
                f"TimeColumn({timeline!r})", "exactly one of sequence=, duration=, timestamp=", f"{sum(given)} of them"
            )
        if sequence is not None:
            kind, values = TimeKind.SEQUENCE, _many_numbers(_indexable(sequence))
        elif duration is not None:
            kind, values = TimeKind.DURATION, _many_nanos(_indexable(duration), "m", duration_nanos)
        else:
            kind, values = TimeKind.TIMESTAMP, _many_nanos(_indexable(timestamp), "M", timestamp_nanos)
        self._fill(timeline, kind, values)

    @classmethod
    def of(cls, timeline: str, kind: TimeKind, values: npt.ArrayLike) -> TimeColumn:
        """Times that are already sequence numbers or nanoseconds."""
        column = cls.__new__(cls)
        column._fill(timeline, kind, np.asarray(values, np.int64))
        return column

    @classmethod
    def from_like(cls, column: Any) -> TimeColumn:
        """From anything with `timeline_name()` and `as_arrow_array()`. Raises InvalidValueError."""
        if isinstance(column, cls):
            return column
        if not (hasattr(column, "timeline_name") and hasattr(column, "as_arrow_array")):
            raise InvalidValueError("indexes", "time columns", repr(column)[:80])
        values = column.as_arrow_array()
        try:
            kind = TimeKind.from_arrow(values.type)
        except ValueError:
            raise InvalidValueError("indexes", "int64, timestamp(ns) or duration(ns)", str(values.type)) from None
        return cls.of(column.timeline_name(), kind, values.cast(pa.int64()).to_numpy(zero_copy_only=False))

    def timeline_name(self) -> str:
        """The timeline."""
        return self.timeline

    def as_arrow_array(self) -> pa.Array:
        """The same as `to_arrow`, by the reference's name."""
        return self.to_arrow()

    def _fill(self, timeline: str, kind: TimeKind, values: npt.NDArray[np.int64]) -> None:
        if not timeline:
            raise InvalidValueError("timeline", "a name", "an empty string")
        object.__setattr__(self, "timeline", timeline)
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "values", values.reshape(-1))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def is_sorted(self) -> bool:
        """Whether the times never fall."""
        return bool(np.all(self.values[1:] >= self.values[:-1]))

    def to_arrow(self) -> pa.Array:
        """The column as it stands in a chunk, without a copy."""
        values = np.ascontiguousarray(self.values)
        return pa.Array.from_buffers(self.kind.value, len(values), [None, pa.py_buffer(values)])


def _indexable(values: Any) -> Any:
    if isinstance(values, np.ndarray | list | tuple) or hasattr(values, "__array__"):
        return values
    try:
        return list(values)
    except TypeError as err:
        raise InvalidValueError("TimeColumn", "many times", repr(values)[:80]) from err
