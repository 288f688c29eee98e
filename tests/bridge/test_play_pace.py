"""Where in a recording playing is: laws of the line from wall time to recorded time."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rrbridge_bridge.play.lateness import LATE_NANOS, Lateness
from rrbridge_bridge.play.pace import Pace

HOUR = 3_600_000_000_000
rates = st.floats(0.01, 100)
moments = st.integers(0, 100 * HOUR)
changes = st.lists(st.tuples(st.integers(0, HOUR), st.sampled_from(["pause", "resume", "rate"]), rates), max_size=20)


@given(rates, moments, moments)
def test_a_place_is_reached_when_it_is_due(rate: float, wall: int, ahead: int) -> None:
    pace = Pace(wall, 1_700_000_000_000_000_000, rate)
    due = pace.due(pace.position_nanos + ahead)
    assert due is not None
    assert abs(pace.position(due) - (pace.position_nanos + ahead)) <= max(rate, 1) + ahead * 1e-15 + 128 * rate


@given(rates, changes)
def test_position_never_goes_back_and_is_the_sum_of_what_was_played(
    rate: float, steps: list[tuple[int, str, float]]
) -> None:
    pace = Pace(0, 0, rate)
    now, played, current, is_paused = 0, 0.0, rate, False
    for after, what, new_rate in steps:
        before = pace.position(now)
        now += after
        played += 0.0 if is_paused else after * current
        assert pace.position(now) >= before
        if what == "pause":
            pace, is_paused = pace.paused(now), True
        elif what == "resume":
            pace, is_paused = pace.resumed(now), False
        else:
            pace, current = pace.at_rate(new_rate, now), new_rate
        assert abs(pace.position(now) - played) <= 1 + len(steps) + played * 1e-12


@given(rates, moments)
def test_nothing_is_due_while_paused(rate: float, wait: int) -> None:
    pace = Pace(0, 500, rate).paused(0)
    assert (pace.due(501), pace.position(wait)) == (None, 500)
    assert pace.resumed(wait).due(500) == wait


@given(st.lists(st.integers(-HOUR, HOUR), min_size=1, max_size=300), st.floats(0.01, 1))
def test_percentiles_are_right_within_their_step(late: list[int], share: float) -> None:
    counted = Lateness()
    for nanos in late:
        counted.add(nanos)
    exact = int(np.percentile(np.maximum(late, 0), share * 100, method="inverted_cdf"))
    assert exact <= counted.percentile(share) * 1.0001 + 1
    assert counted.percentile(share) <= exact * 1.06 + 1
    assert (counted.late, counted.most_nanos) == (sum(n > LATE_NANOS for n in late), max(0, *late))
