"""Plots: what the legend hides, which names lines have, how values are zoomed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rrbridge as rr
from rrbridge_viewer.views._legend import Line, legend_place

SECOND = 10**9
XS = np.linspace(0, 10, 200)


def place(*heights: np.ndarray[Any, Any], size: tuple[float, float] = (300, 200)) -> str:
    """Of a legend of 80 by 50."""
    return legend_place([Line(XS, np.asarray(ys, np.float64)) for ys in heights], (0, 10), (0, 1), size, (80, 50))


def test_the_legend_goes_where_there_are_no_lines() -> None:
    assert place(XS / 10) in ("north_west", "south_east")
    assert place(1 - XS / 10) in ("south_west", "north_east")
    assert place(np.full(200, 0.05)).startswith("north")
    # Lines everywhere but in one corner.
    low = np.where(XS < 7, 0.1, 0.9)
    high = np.full(200, 0.9)
    assert place(low, high, np.full(200, 0.5)) == "south_east"
    assert place(np.full(200, 0.05), high) in ("west", "east")


def test_where_it_would_hide_too_much_it_goes_beside_or_away() -> None:
    everywhere = [np.full(200, height) for height in np.linspace(0.02, 0.98, 20)]
    assert place(*everywhere, size=(150, 100)) == "none"
    assert place(*everywhere, size=(600, 100)) == "outside"
    assert legend_place([Line(XS, XS)], (0, 10), (0, 1), (600, 40), (80, 60)) == "none"


@given(st.lists(st.floats(-2, 3) | st.just(math.nan), max_size=20), st.floats(20, 900), st.floats(20, 900))
def test_there_is_a_place_for_any_line(values: list[float], width: float, height: float) -> None:
    ys: np.ndarray[Any, np.dtype[np.float64]] = np.array(values, np.float64)
    found = legend_place([Line(np.arange(len(ys), dtype=np.float64), ys)], (-1, 5), (0, 1), (width, height), (80, 50))
    assert found in ("north_west", "north_east", "south_west", "south_east", "west", "east", "outside", "none")


@pytest.fixture(scope="module")
def plot_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two arms with a line each that goes by the same name, 0 to 10 s."""
    path = tmp_path_factory.mktemp("plots") / "plots.rrd"
    with rr.RecordingStream("plots") as rec:
        rec.save(path)
        for arm in ("left", "right"):
            rec.log(f"/arm/{arm}/angle", rr.SeriesLines(names="angle", colors=[230, 40, 40]), static=True)
        for second in range(11):
            rec.set_time("t", duration=second)
            rec.log("/arm/left/angle", rr.Scalars(float(second)))
            rec.log("/arm/right/angle", rr.Scalars(10.0 - second))
        rec.disconnect()
    return path


def scene(desk: Any, view: str) -> Any:
    return desk.viewer._scenes[desk.viewer.state.active, view][1]


def test_lines_of_one_name_are_told_apart(desk: Any, tmp_path: Path) -> None:
    path = tmp_path / "same.rrd"
    with rr.RecordingStream("same") as rec:
        rec.save(path)
        for entity in ("/arm/left", "/arm/right", "/arm/head"):
            rec.log(entity, rr.SeriesLines(names="tilt" if entity == "/arm/head" else "angle"), static=True)
            rec.set_time("t", duration=1)
            rec.log(entity, rr.Scalars(1.0))
        rec.disconnect()
    desk.open(path)
    labels = [curve.label for curve in scene(desk, desk.view_id("TimeSeriesView")).curves]
    assert sorted(labels) == ["/arm/left angle", "/arm/right angle", "tilt"]


def red_rows(desk: Any, view: str) -> int:
    """How many rows of the plot have the lines' colour."""
    pixels = desk.inside(view)
    red = (pixels[..., 0] > 150) & (pixels[..., 1] < 90) & (pixels[..., 2] < 90)
    return int(red[:, pixels.shape[1] // 3 :].any(axis=1).sum())


def test_the_wheel_over_the_values_zooms_them_and_a_double_click_undoes(desk: Any, plot_file: Path) -> None:
    desk.open(plot_file, at="+5s")
    view = next(iter(desk.recording.blueprint.panes))
    left, top, right, bottom = desk.area(view)
    x, y = left + 12, (top + bottom) / 2
    before = red_rows(desk, view)
    desk.wheel(x, y, -6).leave().settle()
    zoomed = desk.recording.views[desk.key(view)]
    assert zoomed.y is not None
    assert zoomed.y[1] - zoomed.y[0] > 2 * 10
    assert sum(zoomed.y) / 2 == pytest.approx(5, abs=1)
    assert red_rows(desk, view) < 0.6 * before
    # The time axis is as it was, and stays independent.
    assert (zoomed.lo, zoomed.hi) == (-SECOND // 8, 10 * SECOND + SECOND // 8)
    desk.wheel((left + right) / 2, y, 3).settle()
    both = desk.recording.views[desk.key(view)]
    assert both.y == zoomed.y
    assert both.hi - both.lo < zoomed.hi - zoomed.lo
    desk.double_click(x, y).leave().settle()
    assert desk.recording.views[desk.key(view)].y is None
    assert desk.recording.views[desk.key(view)].hi == both.hi


def test_what_is_left_out_is_said(desk: Any, tmp_path: Path) -> None:
    path = tmp_path / "many.rrd"
    with rr.RecordingStream("many") as rec:
        rec.save(path)
        for second in range(3):
            rec.set_time("t", duration=second)
            rec.log("/wide", rr.Scalars(np.linspace(0, 1, 100)))
        rec.disconnect()
    desk.open(path)
    view = desk.view_id("TimeSeriesView")
    assert (len(scene(desk, view).curves), scene(desk, view).left_out) == (60, 40)
    corner = desk.inside(view)[:34, -260:]
    assert (np.abs(corner - np.array((0x7C, 0x85, 0x8F))).max(axis=2) < 40).sum() > 40
