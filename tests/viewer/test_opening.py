"""Where the cursor stands when a recording is opened: where most views have something to show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rrbridge as rr
from simulated_robot import simulate


def test_views_wait_for_each_other_but_not_for_long(desk: Any, tmp_path: Path, near_color: Any) -> None:
    path = tmp_path / "run.rrd"
    with rr.RecordingStream("opening") as rec:
        rec.save(path)
        for second in range(60):
            rec.set_time("t", duration=second)
            rec.log("/battery", rr.Scalars(12.0))
            if second >= 5:
                rec.log("/points", rr.Points3D(np.eye(3)))
            if second >= 7:
                rec.log("/image", rr.Image(np.full((30, 40, 3), (200, 30, 30), np.uint8)))
            if second >= 40:
                rec.log("/text", rr.TextDocument("late"))
        rec.disconnect()
    desk.open(path)
    assert desk.clock.timeline == "t"
    assert desk.clock.time == 7 * 10**9
    assert near_color(desk.inside(desk.view_id("Spatial2DView")), (200, 30, 30)).mean() > 0.2
    assert desk.at("start").clock.time == 0


@pytest.mark.real_data
def test_a_robot_that_was_logged_in_no_time_is_there_as_a_whole(desk: Any, shared_data: Path) -> None:
    """Every link of this recording has a time stamp of its own, 3 ms from the first to the last."""
    path = shared_data / "TheRobotStudio+SO-ARM100" / "so100.rrd"

    def drawn() -> int:
        red, _, blue = np.moveaxis(desk.inside(desk.view_id("Spatial3DView")), -1, 0)
        return int((red - blue > 60).sum())

    at_opening = (desk.open(path), drawn())[1]
    at_start = (desk.at("start"), drawn())[1]
    at_end = (desk.at("end"), drawn())[1]
    assert at_opening == at_end > 10_000
    assert at_start < at_end / 4


def test_the_demonstration_opens_with_all_its_views_filled(desk: Any, tmp_path: Path) -> None:
    """Cameras, maps and fixes come at rates of their own, none at the first message."""
    bag = tmp_path / "field_log"
    simulate(bag, duration_secs=3.0)
    desk.open(bag)
    assert desk.clock.span.lo < desk.clock.time < desk.clock.span.lo + 3 * 10**9
    query = desk.viewer._query()
    images = [pane for pane in desk.recording.blueprint.panes.values() if pane.view == "Spatial2DView"]
    spaces = [pane for pane in desk.recording.blueprint.panes.values() if pane.view == "Spatial3DView"]
    assert images
    assert spaces
    for pane in images:
        assert query.all_latest(pane.origin), pane.title
    for pane in spaces:
        shown = [path for path in pane.contents if query.all_latest(path)]
        assert len(shown) == len(pane.contents), set(pane.contents) - set(shown)
