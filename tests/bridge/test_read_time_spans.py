"""Whether a file's parts stand by time, and stretches of time to read it by."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rrbridge_bridge.readers._time_spans import TimeSpans

part = st.tuples(st.integers(0, 500), st.integers(0, 100), st.integers(1, 50)).map(lambda p: (p[0], p[0] + p[1], p[2]))
parts = st.lists(part, min_size=1, max_size=40)
moment = st.none() | st.integers(-10, 700)


@given(parts)
def test_parts_by_time_are_where_they_belong(spans: list[tuple[int, int, int]]) -> None:
    in_turn: list[tuple[int, int, int]] = []
    for start, end, size in spans:
        base = in_turn[-1][1] if in_turn else 0
        in_turn.append((base + start, base + end, size))
    assert TimeSpans.of(in_turn).displaced_bytes() == 0


@given(parts, st.integers(0, 10**6))
def test_nothing_is_further_from_its_place_than_told(spans: list[tuple[int, int, int]], seed: int) -> None:
    """A message for each byte of each part: what is later than it and stands before it lies within the bytes told."""
    rng = np.random.default_rng(seed)
    times = np.concatenate([rng.integers(start, end + 1, size) for start, end, size in spans])
    whole = np.repeat(np.arange(len(spans)), [size for _, _, size in spans])
    told = TimeSpans.of(spans).displaced_bytes()
    for at in range(0, len(times), 7):
        later = np.flatnonzero((times[:at] > times[at]) & (whole[:at] < whole[at]))
        if len(later):
            assert at - later[0] <= told


@given(parts, moment, moment, st.integers(1, 300))
def test_windows_are_all_of_the_time_asked_for(
    spans: list[tuple[int, int, int]], start: int | None, end: int | None, most: int
) -> None:
    if start is not None and end is not None and end < start:
        start, end = end, start
    windows = TimeSpans.of(spans).windows(start, end, most)
    assert (windows[0][0], windows[-1][1]) == (start, end)
    for (low, high), (following, _) in itertools.pairwise(windows):
        assert high is not None
        assert following == high + 1
        assert low is None or low <= high
