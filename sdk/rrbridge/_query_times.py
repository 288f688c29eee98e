"""Times as users give them, as the whole numbers that a timeline counts in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._timeline import STATIC_TIME, TimeKind, duration_nanos, timestamp_nanos, unit_nanos
from rrbridge.errors import InvalidValueError

__all__ = ["Bound", "TimeLike", "index_times"]

TimeLike: TypeAlias = int | float | dt.datetime | dt.timedelta | np.datetime64 | np.timedelta64

MAX_SECS = 2**63 / 1e9

_UNITS = {"sequence": (TimeKind.SEQUENCE,), "nanos": (TimeKind.DURATION, TimeKind.TIMESTAMP)}
_PLURAL = {TimeKind.SEQUENCE: "sequence numbers", TimeKind.DURATION: "durations", TimeKind.TIMESTAMP: "time stamps"}
_UNITS["secs"] = _UNITS["nanos"]


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a range of times."""

    value: Any
    unit: Literal["sequence", "nanos", "secs", ""] = ""
    """What the caller said the number is; empty: what fits the timeline."""

    def on(self, timeline: str, kind: TimeKind) -> int:
        """The bound as the timeline counts. Raises InvalidValueError if it does not fit the timeline."""
        if self.unit and kind not in _UNITS[self.unit]:
            wanted = "sequence numbers" if self.unit == "sequence" else "times"
            raise InvalidValueError(
                f"filter_range_{self.unit}", f"a timeline of {wanted}", f"{timeline!r}, which is one of {_PLURAL[kind]}"
            )
        is_whole = isinstance(self.value, int | np.integer) and not isinstance(self.value, bool | np.timedelta64)
        if kind is TimeKind.SEQUENCE or self.unit == "nanos":
            if not is_whole:
                raise InvalidValueError("filter_range", f"a whole number on {timeline!r}", repr(self.value))
            found = int(self.value)
        elif (is_whole or isinstance(self.value, float)) and abs(self.value) > MAX_SECS:
            raise InvalidValueError(
                "filter_range", f"seconds, at most {MAX_SECS:.3g} (nanoseconds: filter_range_nanos)", repr(self.value)
            )
        else:
            found = (duration_nanos if kind is TimeKind.DURATION else timestamp_nanos)(self.value)
        if not STATIC_TIME < found < -STATIC_TIME:
            raise InvalidValueError("filter_range", "a time within 63 bits", repr(self.value))
        return found


def index_times(values: Any, kind: TimeKind) -> npt.NDArray[np.int64]:
    """Times as the timeline counts, in order. Raises InvalidValueError if one stands there twice, or is no such time."""
    times = np.sort(_whole(values, kind))
    if bool((times[1:] == times[:-1]).any()):
        twice = times[1:][times[1:] == times[:-1]][0]
        raise InvalidValueError("using_index_values", "each time once (numpy.unique makes it so)", f"{twice} twice")
    if len(times) and times[0] == STATIC_TIME:
        raise InvalidValueError("using_index_values", "times that are there", "a missing one (NaT)")
    return times


def _whole(values: Any, kind: TimeKind) -> npt.NDArray[np.int64]:
    expected = {
        TimeKind.SEQUENCE: "whole numbers",
        TimeKind.DURATION: "timedeltas, or whole nanoseconds",
        TimeKind.TIMESTAMP: "datetimes, or whole nanoseconds since the Unix epoch",
    }[kind]
    if isinstance(values, pa.Array | pa.ChunkedArray):
        if values.null_count:
            raise InvalidValueError("using_index_values", expected, "nulls among them")
        values = values.to_numpy(zero_copy_only=False) if isinstance(values, pa.Array) else values.to_numpy()
    array = np.asarray(values)
    if array.dtype.kind == "O" or (array.dtype.kind in "iu" and kind is not TimeKind.SEQUENCE and array.ndim == 0):
        array = _of_objects(array.ravel().tolist(), kind, expected)
    wanted = {TimeKind.SEQUENCE: "", TimeKind.DURATION: "m", TimeKind.TIMESTAMP: "M"}[kind]
    if array.ndim != 1 or array.dtype.kind not in f"iu{wanted}":
        if not array.size and array.ndim == 1:
            return np.empty(0, np.int64)
        raise InvalidValueError("using_index_values", expected, f"{array.dtype}, shape {array.shape}")
    if array.dtype.kind in "mM":
        return unit_nanos(array)
    return array.astype(np.int64)


def _of_objects(values: list[Any], kind: TimeKind, expected: str) -> npt.NDArray[Any]:
    """datetime, timedelta and the like, one by one."""
    make = {TimeKind.DURATION: duration_nanos, TimeKind.TIMESTAMP: timestamp_nanos}.get(kind)
    if make is None or any(isinstance(value, int | float | str) for value in values):
        raise InvalidValueError("using_index_values", expected, repr(values[:3])[:80])
    return np.array([make(value) for value in values], np.int64)
