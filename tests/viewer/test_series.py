"""Plots draw as many points as there are pixels, and lose no peak."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from rrbridge_viewer.series import by_name, decimate, series_of_cells


@settings(max_examples=50)
@given(st.integers(2_000, 20_000), st.integers(20, 400), st.integers(0, 2**32 - 1))
def test_decimation_keeps_the_extremes_of_every_window_and_the_order_of_time(
    count: int, columns: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(0, 10**12, count))
    values = rng.normal(size=count)
    lo, hi = 10**11, 9 * 10**11
    seen_times, seen = decimate(times, values, lo, hi, columns)
    inside = (times >= lo) & (times <= hi)
    assert len(seen) <= max(4 * columns, 2 * columns + 6)
    assert np.all(np.diff(seen_times) >= 0)
    assert seen.max() >= values[inside].max()
    assert seen.min() <= values[inside].min()
    assert seen_times[0] <= lo
    assert seen_times[-1] >= hi


def test_a_single_spike_among_a_million_is_still_drawn() -> None:
    values = np.zeros(1_000_000)
    values[654_321] = 1.0
    assert decimate(np.arange(1_000_000), values, 0, 1_000_000, 800)[1].max() == 1.0


def test_few_points_are_drawn_as_they_are() -> None:
    times, values = np.arange(10), np.arange(10.0)
    seen_times, seen = decimate(times, values, 3, 6, 500)
    assert seen_times.tolist() == [2, 3, 4, 5, 6, 7]
    assert seen.tolist() == [2.0, 3, 4, 5, 6, 7]


def test_gaps_do_not_swallow_their_neighbours() -> None:
    values = np.sin(np.arange(10_000.0))
    values[::3] = np.nan
    assert not np.isnan(decimate(np.arange(10_000), values, 0, 10_000, 100)[1]).any()


def test_rows_of_different_length_become_series_with_gaps() -> None:
    cells = pa.array([[1.0, 2.0], [3.0], None, []], pa.list_(pa.float64()))
    series = series_of_cells(np.arange(4), cells)
    np.testing.assert_array_equal(series.values, [[1, 2], [3, np.nan], [np.nan, np.nan], [np.nan, np.nan]])


def test_names_that_change_places_keep_their_numbers() -> None:
    """Two drivers publish their joints in turn, one of them in another order later."""
    rng = np.random.default_rng(0)
    orders = [[["wheel"], ["arm", "hand"], [], ["hand", "arm"]][i] for i in rng.integers(0, 4, 200)]
    numbers = [rng.normal(size=len(order)).tolist() for order in orders]
    times = np.arange(200)
    series = series_of_cells(times, pa.array(numbers, pa.list_(pa.float64())))
    found = by_name(series, times, pa.array(orders, pa.list_(pa.utf8())))
    assert found is not None
    assert sorted(one.name for one in found) == ["arm", "hand", "wheel"]
    for one in found:
        expected = [
            (i, value)
            for i, (order, row) in enumerate(zip(orders, numbers, strict=True))
            for name, value in zip(order, row, strict=True)
            if name == one.name
        ]
        assert list(zip(one.times.tolist(), one.values.tolist(), strict=True)) == expected


def test_names_that_stay_need_no_sorting() -> None:
    times = np.arange(3)
    series = series_of_cells(times, pa.array([[1.0, 2.0], [], [3.0, 4.0]], pa.list_(pa.float64())))
    names = pa.array([["a", "b"], [], ["a", "b"]], pa.list_(pa.utf8()))
    assert by_name(series, times, names) is None


def test_what_is_not_a_number_is_no_series() -> None:
    assert series_of_cells(np.arange(1), pa.array([["text"]])).values.size == 0
