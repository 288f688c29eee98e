"""Times as a program may give them to a lookup: one or many, as numbers of a timeline or as dates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rrbridge._timeline import MIN_TIME, duration_nanos, timestamp_nanos, unit_nanos
from rrbridge.errors import InvalidValueError

__all__ = ["SpanLike", "TimeLike", "TimesLike", "span_of", "times_of"]

TimeLike: TypeAlias = int | np.integer | np.datetime64 | np.timedelta64 | dt.datetime | dt.timedelta
TimesLike: TypeAlias = TimeLike | Sequence[TimeLike] | npt.NDArray[np.integer | np.datetime64 | np.timedelta64]
SpanLike: TypeAlias = int | np.integer | np.timedelta64 | dt.timedelta

_EXPECTED = "whole numbers (nanoseconds or sequence numbers), datetime64, timedelta64, datetime or timedelta"

Indices = npt.NDArray[np.int64]


def times_of(given: TimesLike) -> tuple[Indices, bool]:
    """Times as a timeline has them, shape (n,), and whether many were given, not one. Raises InvalidValueError."""
    array = np.asarray(_plain(given))
    if array.ndim > 1:
        raise InvalidValueError("t", "one time or a row of times", f"an array of shape {array.shape}")
    if array.dtype.kind in "mM":
        array = unit_nanos(array)
    if array.size and array.dtype.kind == "O" and all(isinstance(time, int) for time in array.ravel().tolist()):
        raise InvalidValueError("t", "times of 64 bits", f"{array.ravel()[0]}")
    if array.size and array.dtype.kind not in "iu":
        raise InvalidValueError("t", _EXPECTED, f"{array.dtype} {str(array.ravel()[0])[:40]}")
    if array.size and (int(array.min()) < MIN_TIME or int(array.max()) >= 2**63):
        raise InvalidValueError("t", "times of 64 bits", "not a time (NaT), or one beyond them")
    return np.atleast_1d(array).astype(np.int64), array.ndim == 1


def _plain(given: object) -> object:
    if isinstance(given, dt.datetime):
        return timestamp_nanos(given)
    if isinstance(given, dt.timedelta):
        return duration_nanos(given)
    if isinstance(given, Sequence) and any(isinstance(each, dt.datetime | dt.timedelta) for each in given):
        return [_plain(each) for each in given]
    return given


def span_of(given: SpanLike) -> int:
    """A length of time as a timeline has it. Raises InvalidValueError."""
    if isinstance(given, np.timedelta64 | dt.timedelta):
        span = duration_nanos(given)
    elif isinstance(given, int | np.integer):
        span = int(given)
    else:
        raise InvalidValueError(
            "extrapolation_limit", "a whole number (nanoseconds, sequence numbers) or a timedelta", repr(given)
        )
    if span < 0:
        raise InvalidValueError("extrapolation_limit", "0 or more", str(span))
    return span
