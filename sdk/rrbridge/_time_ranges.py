"""Ranges of time: as views show them (relative to the time cursor, absolute or open), and as plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa

from rrbridge._arrow import primitive, utf8
from rrbridge._records import _Record
from rrbridge._values import TimeInt
from rrbridge.encodings import _encoding, structured
from rrbridge.errors import InvalidValueError

__all__ = [
    "AbsoluteTimeRange",
    "TimeRange",
    "TimeRangeBoundary",
    "VisibleTimeRange",
    "absolute_time_range",
    "time_range",
    "time_range_boundary",
    "time_range_of",
    "time_ranges_from_arrow",
    "visible_time_range",
    "visible_time_ranges_from_arrow",
    "whole_time",
]

BoundaryKind: TypeAlias = Literal["cursor_relative", "absolute", "infinite"]
_CODES: dict[BoundaryKind, int] = {"cursor_relative": 1, "absolute": 2, "infinite": 3}
_KINDS = {code: kind for kind, code in _CODES.items()}

# Arm 0 stands for no boundary at all (FORMAT §5.4).
_BOUNDARY = pa.dense_union(
    [
        pa.field("_null_markers", pa.null()),
        pa.field("CursorRelative", pa.int64(), nullable=False),
        pa.field("Absolute", pa.int64(), nullable=False),
        pa.field("Infinite", pa.null()),
    ]
)
_TIME_RANGE = pa.struct([pa.field("start", _BOUNDARY), pa.field("end", _BOUNDARY)])
_VISIBLE_TIME_RANGE = pa.struct(
    [pa.field("timeline", pa.utf8(), nullable=False), pa.field("range", _TIME_RANGE, nullable=False)]
)
_ABSOLUTE_TIME_RANGE = pa.struct(
    [pa.field("min", pa.int64(), nullable=False), pa.field("max", pa.int64(), nullable=False)]
)


def whole_time(what: str, value: Any) -> int:
    """A time as a number of 64 bits: a `TimeInt`, or a whole number of its kind. Raises InvalidValueError."""
    try:
        return int(TimeInt(nanos=value))
    except InvalidValueError as err:
        raise InvalidValueError(what, "a time as a TimeInt or a whole number", repr(value)[:80]) from err


class TimeRangeBoundary(_Record):
    """One end of a time range."""

    __slots__ = ("inner", "kind")

    inner: TimeInt | None
    """The time, or the distance from the time cursor; None where the range is open."""

    def __init__(self, inner: TimeInt | int | None, kind: BoundaryKind = "cursor_relative") -> None:
        """Rather use `cursor_relative`, `absolute` and `infinite`."""
        if kind not in _CODES:
            raise InvalidValueError("TimeRangeBoundary.kind", f"one of {', '.join(_CODES)}", repr(kind)[:80])
        if (inner is None) != (kind == "infinite"):
            raise InvalidValueError("TimeRangeBoundary", "a time, unless the range is open", f"{inner!r} with {kind}")
        self.inner = None if inner is None else TimeInt(nanos=whole_time("TimeRangeBoundary", inner))
        self.kind = kind

    @staticmethod
    def cursor_relative(
        offset: TimeInt | None = None,
        *,
        seq: int | None = None,
        seconds: float | None = None,
        nanos: int | None = None,
    ) -> TimeRangeBoundary:
        """As far from the time cursor as one of the arguments says; without any, at the cursor."""
        if offset is None and seq is None and seconds is None and nanos is None:
            seq = 0
        return TimeRangeBoundary(_one_time("cursor_relative", offset, seq, seconds, nanos), "cursor_relative")

    @staticmethod
    def absolute(
        time: TimeInt | None = None,
        *,
        seq: int | None = None,
        seconds: float | None = None,
        nanos: int | None = None,
    ) -> TimeRangeBoundary:
        """At the time that one of the arguments says."""
        return TimeRangeBoundary(_one_time("absolute", time, seq, seconds, nanos), "absolute")

    @staticmethod
    def infinite() -> TimeRangeBoundary:
        """Without an end."""
        return TimeRangeBoundary(None, "infinite")


def _one_time(what: str, time: Any, seq: int | None, seconds: float | None, nanos: int | None) -> TimeInt:
    if time is None:
        return TimeInt(seq=seq, seconds=seconds, nanos=nanos)
    if (seq, seconds, nanos) != (None, None, None):
        raise InvalidValueError(what, "one time", "several")
    return TimeInt(nanos=whole_time(what, time))


class TimeRange(_Record):
    """From one boundary to another, both included."""

    __slots__ = ("end", "start")

    def __init__(self, start: TimeRangeBoundary, end: TimeRangeBoundary) -> None:
        """Raises InvalidValueError where a boundary is none."""
        for name, boundary in (("start", start), ("end", end)):
            if not isinstance(boundary, TimeRangeBoundary):
                raise InvalidValueError(f"TimeRange.{name}", "a TimeRangeBoundary", repr(boundary)[:80])
        self.start = start
        self.end = end


def time_range_of(
    what: str, whole: TimeRange | None, start: TimeRangeBoundary | None, end: TimeRangeBoundary | None
) -> TimeRange:
    """A range given whole or by its two boundaries. Raises InvalidValueError."""
    if (whole is None) == (start is None and end is None):
        raise InvalidValueError(what, "either range=, or start= and end=", "neither" if whole is None else "both")
    if whole is None:
        if start is None or end is None:
            raise InvalidValueError(what, "both start= and end=", "one of them")
        return TimeRange(start, end)
    if not isinstance(whole, TimeRange):
        raise InvalidValueError(f"{what}.range", "a TimeRange", repr(whole)[:80])
    return whole


class VisibleTimeRange(_Record):
    """What a view shows of a timeline."""

    __slots__ = ("range", "timeline")

    def __init__(
        self,
        timeline: str,
        range: TimeRange | None = None,  # noqa: A002 - the reference's name
        *,
        start: TimeRangeBoundary | None = None,
        end: TimeRangeBoundary | None = None,
    ) -> None:
        """Give `range`, or `start` and `end`."""
        self.timeline = str(timeline)
        self.range = time_range_of("VisibleTimeRange", range, start, end)


class AbsoluteTimeRange(_Record):
    """From one time to another, both included."""

    __slots__ = ("max", "min")

    def __init__(self, min: TimeInt | int, max: TimeInt | int) -> None:  # noqa: A002 - the reference's names
        """Sequence numbers or nanoseconds."""
        self.min = TimeInt(nanos=whole_time("AbsoluteTimeRange.min", min))
        self.max = TimeInt(nanos=whole_time("AbsoluteTimeRange.max", max))


def _boundaries_to_arrow(boundaries: Sequence[TimeRangeBoundary]) -> pa.Array:
    codes = np.array([_CODES[b.kind] for b in boundaries], np.int8)
    places = np.zeros(len(codes), np.int32)
    children: list[pa.Array] = [pa.nulls(0)]
    for code in _KINDS:
        rows = np.flatnonzero(codes == code)
        places[rows] = np.arange(len(rows))
        times = np.array([boundaries[i].inner or 0 for i in rows.tolist()], np.int64)
        children.append(pa.nulls(len(rows)) if _KINDS[code] == "infinite" else primitive(times))
    return pa.Array.from_buffers(
        _BOUNDARY, len(codes), [None, pa.py_buffer(codes), pa.py_buffer(places)], children=children
    )


def _ranges_to_arrow(ranges: Sequence[TimeRange]) -> pa.Array:
    ends = [_boundaries_to_arrow([r.start for r in ranges]), _boundaries_to_arrow([r.end for r in ranges])]
    return pa.StructArray.from_arrays(ends, fields=list(_TIME_RANGE))


def _many(value: Any, kind: type) -> tuple[Any, ...]:
    given = tuple(value) if isinstance(value, list | tuple) else (value,)
    for one in given:
        if not isinstance(one, kind):
            raise TypeError(f"a {kind.__name__}, not {one!r}"[:120])
    return given


def _visible_to_arrow(batches: Sequence[tuple[VisibleTimeRange, ...]]) -> pa.Array:
    given = [v for batch in batches for v in batch]
    timelines = utf8(v.timeline for v in given)
    ranges = _ranges_to_arrow([v.range for v in given])
    return pa.StructArray.from_arrays([timelines, ranges], fields=list(_VISIBLE_TIME_RANGE))


def _one_absolute(value: Any) -> dict[str, int]:
    if not isinstance(value, AbsoluteTimeRange):
        raise TypeError(f"an AbsoluteTimeRange, not {value!r}"[:120])
    return {"min": int(value.min), "max": int(value.max)}


time_range = _encoding(
    _TIME_RANGE,
    lambda value: _many(value, TimeRange),
    lambda batches: _ranges_to_arrow([r for batch in batches for r in batch]),
    "a TimeRange",
    None,
)
time_range_boundary = _encoding(
    _BOUNDARY,
    lambda value: _many(value, TimeRangeBoundary),
    lambda batches: _boundaries_to_arrow([b for batch in batches for b in batch]),
    "a TimeRangeBoundary",
    None,
)
visible_time_range = _encoding(
    _VISIBLE_TIME_RANGE, lambda value: _many(value, VisibleTimeRange), _visible_to_arrow, "VisibleTimeRanges", None
)
absolute_time_range = structured(_ABSOLUTE_TIME_RANGE, _one_absolute, "an AbsoluteTimeRange")


def _boundary_from_arrow(scalar: Any) -> TimeRangeBoundary:
    kind = _KINDS.get(int(scalar.type_code))
    if kind is None:
        raise InvalidValueError("TimeRangeBoundary", "a boundary", "none")
    return TimeRangeBoundary(None if kind == "infinite" else scalar.as_py(), kind)


def time_ranges_from_arrow(values: pa.StructArray) -> list[TimeRange]:
    """The way back from `time_range`. Raises InvalidValueError where a boundary is missing."""
    ends = zip(values.field("start"), values.field("end"), strict=True)
    return [TimeRange(_boundary_from_arrow(start), _boundary_from_arrow(end)) for start, end in ends]


def visible_time_ranges_from_arrow(values: pa.StructArray) -> list[VisibleTimeRange]:
    """The way back from `visible_time_range`. Raises InvalidValueError where a boundary is missing."""
    ranges = time_ranges_from_arrow(values.field("range"))
    return [VisibleTimeRange(name, r) for name, r in zip(values.field("timeline").to_pylist(), ranges, strict=True)]
