"""Times as people write and read them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrbridge._timeline import TimeKind
from rrbridge.errors import InvalidValueError
from rrbridge_viewer.clock import Span
from rrbridge_viewer.times import format_tick, format_time, nice_ticks, parse_time

NOON = 1_714_564_800_000_000_000
SPANS = {
    "log_time": Span(TimeKind.TIMESTAMP, NOON, NOON + 60 * 10**9),
    "frame": Span(TimeKind.SEQUENCE, 0, 100),
    "sim_time": Span(TimeKind.DURATION, 2 * 10**9, 8 * 10**9),
}


def resolve(text: str, preferred: tuple[str, ...] = ("log_time", "sim_time", "frame")) -> tuple[str, int]:
    return parse_time(text).resolve(SPANS, preferred)


@pytest.mark.parametrize(
    ("text", "timeline", "time"),
    [
        ("2024-05-01T12:00:10Z", "log_time", NOON + 10 * 10**9),
        ("2024-05-01 12:00:10.000000001", "log_time", NOON + 10 * 10**9 + 1),
        ("2024-05-01T14:00:10.25+02:00", "log_time", NOON + 10_250_000_000),
        ("2024-05-01", "log_time", NOON - 12 * 3600 * 10**9),
        (str(NOON + 7), "log_time", NOON + 7),
        ("1714564800.25", "log_time", NOON + 250_000_000),
        ("1714564800", "log_time", NOON),
        ("+10s", "log_time", NOON + 10 * 10**9),
        ("+10", "log_time", NOON + 10 * 10**9),
        ("+1.5m", "log_time", NOON + 90 * 10**9),
        ("+250ms", "log_time", NOON + 250_000_000),
        ("-2s", "log_time", NOON + 58 * 10**9),
        ("end", "log_time", NOON + 60 * 10**9),
        ("start", "log_time", NOON),
        ("frame=42", "frame", 42),
        ("frame=#42", "frame", 42),
        ("frame=+3", "frame", 3),
        ("frame=end", "frame", 100),
        ("message_log_time=+5s", "log_time", NOON + 5 * 10**9),
        ("sim_time=4.5", "sim_time", 4_500_000_000),
        ("sim_time=+1s", "sim_time", 3 * 10**9),
        ("sim_time=5500000000ns", "sim_time", 5_500_000_000),
    ],
)
def test_a_written_time_is_a_time(text: str, timeline: str, time: int) -> None:
    assert resolve(text) == (timeline, time)


def test_seconds_on_a_sequence_mean_the_next_timeline_that_has_seconds() -> None:
    assert resolve("+1s", ("frame", "sim_time")) == ("sim_time", 3 * 10**9)
    assert resolve("7", ("frame", "sim_time")) == ("frame", 7)


@pytest.mark.parametrize(
    "text", ["", "soon", "=3", "2024-13-01", "+", "10 parsecs", "frame=", "1e9", "++3", "9" * 40 + "x"]
)
def test_nonsense_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(InvalidValueError, match="expected an ISO date"):
        parse_time(text)


@pytest.mark.parametrize("text", ["mars_time=3", "frame=1.5", "frame=2024-05-01", "frame=+3s", "9" * 40])
def test_a_time_that_the_recording_cannot_have_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError):
        resolve(text)


@given(st.integers(-(2**62), 2**62), st.sampled_from(list(TimeKind)), st.booleans())
def test_every_time_has_a_text(time: int, kind: TimeKind, date: bool) -> None:
    assert format_time(time, kind, date=date)


@given(st.integers(0, 2**61), st.integers(1, 2**61), st.sampled_from(list(TimeKind)), st.integers(1, 30))
def test_ticks_are_few_round_and_inside(lo: int, length: int, kind: TimeKind, wanted: int) -> None:
    first, step = nice_ticks(lo, lo + length, kind, wanted)
    ticks = np.arange(first, lo + length + 1, step, dtype=np.uint64)
    assert len(ticks) <= wanted + 2
    assert first >= lo
    assert first - step < lo


def test_ticks_of_a_minute_stand_on_the_clock() -> None:
    first, step = nice_ticks(NOON + 1, NOON + 60 * 10**9, TimeKind.TIMESTAMP, 5)
    assert (first - NOON, step) == (15 * 10**9, 15 * 10**9)


def test_a_timeline_of_its_own_name_is_not_taken_for_another() -> None:
    both = {**SPANS, "message_log_time": Span(TimeKind.TIMESTAMP, NOON + 3, NOON + 9)}
    assert parse_time("message_log_time=start").resolve(both, ()) == ("message_log_time", NOON + 3)


def test_ticks_over_days_tell_the_days_apart() -> None:
    lo, hi = NOON, NOON + 153 * 3600 * 10**9
    first, step = nice_ticks(lo, hi, TimeKind.TIMESTAMP, 7)
    labels = [format_tick(tick, TimeKind.TIMESTAMP, digits=0) for tick in range(first, hi, step)]
    assert labels[:2] == ["2024-05-02", "2024-05-03"]
    assert len(set(labels)) == len(labels) == 6
    assert format_tick(NOON, TimeKind.TIMESTAMP, digits=0) == "12:00:00"
    assert format_tick(0, TimeKind.DURATION, digits=0) == "+0s"


@given(st.integers(-(2**62), 2**62), st.sampled_from(list(TimeKind)))
def test_every_tick_has_a_text(time: int, kind: TimeKind) -> None:
    day = 86_400 * 10**9
    assert format_tick(time // day * day, kind)
    assert format_tick(time, kind)
