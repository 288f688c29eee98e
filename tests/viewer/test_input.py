"""Mouse and keyboard: what a person does reaches the state, and nothing else does."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rrbridge as rr
from rrbridge_viewer.blueprint import EntityItem, RecordingItem, ViewItem
from rrbridge_viewer.clock import Loop, Play
from rrbridge_viewer.commands import ActivateRecording, Maximize, Seek, SetPlay, SetSpeed
from rrbridge_viewer.docking import PANEL_WINDOWS
from rrbridge_viewer.render.camera import on_screen

SECOND = 10**9


@pytest.fixture(scope="session")
def input_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A big red box, an image, numbers every second, log lines every two seconds; 0 to 10 s on `run_time`."""
    path = tmp_path_factory.mktemp("input") / "input.rrd"
    with rr.RecordingStream("input") as rec:
        rec.save(path)
        rec.set_time("run_time", duration=0)
        rec.log("/box", rr.Boxes3D(half_sizes=[1, 1, 1], colors=[230, 40, 40], fill_mode="solid"))
        rec.log("/image", rr.Image(np.full((30, 40, 3), 90, np.uint8)))
        for second in range(11):
            rec.set_time("run_time", duration=second)
            rec.log("/number", rr.Scalars(math.sin(second)))
            if second % 2 == 0:
                rec.log("/log", rr.TextLog(f"line {second}"))
        rec.disconnect()
    return path


def ruler(desk: Any, share: float) -> tuple[float, float]:
    """A place on the time panel's ruler: 0 is the first, 1 the last event."""
    left, top, right, _ = desk.area("bottom")
    region = right - left - 20
    names = min(max(region * 0.16, 150.0), 260.0)
    width = region - names - 30
    return left + 10 + names + 10 + share * width, top + 48


def test_pressing_and_dragging_on_the_ruler_scrubs(desk: Any, input_file: Path) -> None:
    desk.open(input_file)
    desk.move(*ruler(desk, 0.3)).press()
    desk.draw(2)
    assert desk.clock.time / SECOND == pytest.approx(3, abs=0.1)
    desk.drag(*ruler(desk, 0.7)).draw(2)
    assert desk.clock.time / SECOND == pytest.approx(7, abs=0.1)
    desk.drag(*ruler(desk, 1.4)).draw(2)
    assert desk.clock.time == 10 * SECOND
    desk.release()
    desk.move(*ruler(desk, 0.2))
    assert desk.clock.time == 10 * SECOND


def test_shift_dragging_marks_a_section_to_loop_over(desk: Any, input_file: Path) -> None:
    from pyglet.window import key

    desk.open(input_file)
    desk.move(*ruler(desk, 0.2)).press(1, key.MOD_SHIFT).drag(*ruler(desk, 0.6), 1, key.MOD_SHIFT).draw(2)
    desk.release(1, 0)
    lo, hi = desk.clock.section
    assert lo / SECOND == pytest.approx(2, abs=0.1)
    assert hi / SECOND == pytest.approx(6, abs=0.1)
    assert desk.clock.loop is Loop.SECTION
    desk.click(*ruler(desk, 0.5), button=4)
    assert (desk.clock.section, desk.clock.loop) == (None, Loop.OFF)


def test_the_wheel_zooms_the_time_axis_around_the_pointer(desk: Any, input_file: Path) -> None:
    desk.open(input_file)
    desk.wheel(*ruler(desk, 0.5), 3)
    lo, hi = desk.clock.window
    assert hi - lo == pytest.approx(10 * SECOND * 0.8**3, rel=0.02)
    assert (lo + hi) / 2 == pytest.approx(5 * SECOND, rel=0.02)
    desk.wheel(*ruler(desk, 0.5), -9)
    assert desk.clock.window is None


def test_keys_move_the_cursor(desk: Any, input_file: Path) -> None:
    from pyglet.window import key

    desk.open(input_file, at="+4.5s")
    desk.type_key("RIGHT")
    assert desk.clock.time == 4_600_000_000
    desk.type_key("LEFT", key.MOD_SHIFT)
    assert desk.clock.time == 3_600_000_000
    desk.type_key("RIGHT", key.MOD_CTRL)
    assert desk.clock.time == 4 * SECOND
    desk.type_key("RIGHT", key.MOD_CTRL)
    assert desk.clock.time == 5 * SECOND
    desk.type_key("LEFT", key.MOD_CTRL)
    assert desk.clock.time == 4 * SECOND
    desk.type_key("END")
    assert desk.clock.time == 10 * SECOND
    desk.type_key("HOME")
    assert desk.clock.time == 0


def test_keys_play_loop_and_set_the_speed(desk: Any, input_file: Path) -> None:
    desk.open(input_file, at="+1s")
    desk.type_key("_3").type_key("SPACE")
    assert (desk.clock.play, desk.clock.speed) == (Play.PLAYING, 3.0)
    desk.draw(elapsed_secs=0.5)
    assert desk.clock.time == 2_500_000_000
    desk.type_key("SPACE")
    assert desk.clock.play is Play.PAUSED
    desk.type_key("L")
    assert desk.clock.loop is Loop.ALL
    desk.type_key("F")
    assert (desk.clock.play, desk.clock.time) == (Play.FOLLOWING, 10 * SECOND)


def test_typing_a_time_goes_there_and_plays_nothing(desk: Any, input_file: Path) -> None:
    desk.open(input_file)
    left, top, right, _ = desk.area("bottom")
    # The time field stands right of timeline and speed.
    desk.click(left + 10 + 4 * 34 + 30 + 14 + 150 + 6 + 84 + 14 + 60, top + 20)
    from pyglet.window import key

    desk.type_key("A", key.MOD_CTRL)
    for char in "+7.5 s".replace(" ", ""):
        desk.window.send("on_text", char)
        desk.draw()
    desk.type_key("RETURN").draw(2)
    assert (desk.clock.time, desk.clock.play) == (7_500_000_000, Play.PAUSED)
    assert right > left


def test_dragging_turns_only_the_view_in_space(desk: Any, input_file: Path) -> None:
    desk.open(input_file, at="+4s")
    view = desk.view_id("Spatial3DView")
    left, top, right, bottom = desk.area(view)
    before, camera = desk.pixels, desk.recording.views[desk.key(view)].camera
    x, y = left + 40, bottom - 60
    desk.move(x, y).press().drag(x + 30, y).drag(x + 80, y - 20).release().leave().settle()
    turned = desk.recording.views[desk.key(view)].camera
    assert abs(turned.yaw - camera.yaw) > 0.2
    assert turned.distance == camera.distance
    rows, columns = np.nonzero(np.abs(desk.pixels - before).max(axis=2) > 12)
    assert len(rows) > 500
    assert left <= columns.min()
    assert columns.max() <= right
    assert top <= rows.min()
    assert rows.max() <= bottom


def test_the_wheel_brings_the_view_nearer(desk: Any, input_file: Path) -> None:
    desk.open(input_file, at="+4s")
    view = desk.view_id("Spatial3DView")
    left, top, right, bottom = desk.area(view)
    camera = desk.recording.views[desk.key(view)].camera
    desk.wheel((left + right) / 2, (top + bottom) / 2, 2)
    assert desk.recording.views[desk.key(view)].camera.distance == pytest.approx(camera.distance * 0.88**2)
    desk.move((left + right) / 2, top + 30).press(4).drag((left + right) / 2 + 60, top + 60, 4).release(4)
    assert desk.recording.views[desk.key(view)].camera.target != camera.target


def test_clicking_a_box_selects_it_everywhere(desk: Any, input_file: Path, near_color: Any) -> None:
    desk.open(input_file, at="+4s")
    view = desk.view_id("Spatial3DView")
    left, top, right, bottom = desk.area(view)
    size = (right - left, bottom - top)
    places, _ = on_screen([[0, 0, 0.9]], desk.recording.views[desk.key(view)].camera.clip_from_world(size), size)
    x, y = left + places[0, 0], top + places[0, 1]
    desk.move(x, y)
    assert desk.viewer.state.hovered == EntityItem("/box", 0)
    desk.press().release()
    assert desk.viewer.state.selection == (EntityItem("/box", 0),)
    desk.leave().settle()
    assert desk.viewer.state.hovered is None
    # Its rows in the trees at the left and at the bottom stand on the accent colour.
    for panel in ("left", "bottom"):
        assert near_color(desk.inside(panel), (0x2B, 0x6E, 0xD3), 18).sum() > 800, panel
    desk.click(left + 8, bottom - 8).leave()
    assert desk.viewer.state.selection == ()


def test_the_eye_in_the_tree_hides_and_shows(desk: Any, input_file: Path) -> None:
    desk.open(input_file, at="+4s")
    view = desk.view_id("Spatial3DView")
    left, top, right, bottom = desk.area("left")
    found = []
    for y in range(top + 60, min(top + 330, bottom), 11):
        desk.click(right - 8 - 14, y)
        if desk.recording.blueprint.panes[view].hidden:
            found.append(y)
            assert desk.recording.blueprint.panes[view].hidden == {"/box"}
            desk.click(right - 8 - 14, y)
            assert not desk.recording.blueprint.panes[view].hidden
    assert found
    assert right > left


def test_undo_by_key(desk: Any, input_file: Path) -> None:
    from pyglet.window import key

    from rrbridge_viewer.commands import ShowView

    desk.open(input_file, at="+4s")
    view = desk.view_id("Spatial3DView")
    desk.do(ShowView(view, visible=False)).type_key("Z", key.MOD_CTRL)
    assert desk.recording.blueprint.panes[view].visible
    desk.type_key("Z", key.MOD_CTRL | key.MOD_SHIFT)
    assert not desk.recording.blueprint.panes[view].visible


def test_clicking_in_a_plot_and_dragging_its_cursor_seek(desk: Any, input_file: Path) -> None:
    desk.open(input_file, at="+5s")
    left, top, right, bottom = desk.area(desk.view_id("TimeSeriesView"))
    middle = (top + bottom) / 2
    desk.click(left + 0.3 * (right - left), middle)
    clicked = desk.clock.time / SECOND
    assert 1.5 < clicked < 3.5
    bright = (desk.inside(desk.view_id("TimeSeriesView")) > 144).all(axis=2).sum(axis=0)
    x = left + int(np.argmax(bright))
    desk.move(x, middle).press().drag(x + 20, middle).drag(x + 80, middle).release().draw(2)
    assert desk.clock.time / SECOND > clicked + 1


def test_zooming_a_plot_keeps_and_a_double_click_undoes(desk: Any, input_file: Path) -> None:
    desk.open(input_file, at="+5s")
    view = desk.view_id("TimeSeriesView")
    left, top, right, bottom = desk.area(view)
    x, y = (left + right) / 2, (top + bottom) / 2
    desk.wheel(x, y, 3).settle()
    zoomed = desk.recording.views[desk.key(view)]
    assert 0 < zoomed.hi - zoomed.lo < 9.8 * SECOND
    desk.double_click(x, y).settle()
    assert desk.recording.views[desk.key(view)] is None


def test_clicking_a_log_line_goes_to_its_time(desk: Any, input_file: Path) -> None:
    desk.open(input_file, at="+0s")
    left, top, _, bottom = desk.area(desk.view_id("TextLogView"))
    desk.click(left + 150, top + 6 + 24 + 21 + 10)
    assert desk.clock.time == 2 * SECOND
    assert desk.viewer.state.selection == (EntityItem("/log"),)
    assert bottom > top


def test_clicking_rows_of_the_tree_selects_views_and_recordings(desk: Any, input_file: Path) -> None:
    desk.open(input_file, at="+0s")
    left, top, _, bottom = desk.area("left")
    selected: list[Any] = []
    for y in range(top + 20, bottom, 11):
        desk.click(left + 70, y)
        selected += desk.viewer.state.selection
    assert any(isinstance(item, RecordingItem) for item in selected)
    assert len({item for item in selected if isinstance(item, ViewItem)}) == 4
    paths = {item.path for item in selected if isinstance(item, EntityItem)}
    assert paths == {"/box", "/image", "/number", "/log"}


def test_nothing_is_drawn_while_nothing_happens(desk: Any, input_file: Path) -> None:
    desk.open(input_file, at="+4s")
    for _ in range(10):
        desk.draw()
    assert not desk.viewer.is_due()
    scenes = desk.viewer.graphics.scenes_drawn
    desk.draw(5)
    assert desk.viewer.graphics.scenes_drawn == scenes
    desk.do(SetSpeed(2.0), SetPlay(Play.PLAYING))
    assert desk.viewer.is_due()


def test_folding_a_panel_away_gives_its_room_to_the_views(desk: Any, input_file: Path) -> None:
    from rrbridge_viewer.commands import TogglePanel

    desk.open(input_file, at="+4s")
    view = desk.view_id("Spatial3DView")
    before = desk.area(view)
    desk.do(TogglePanel("left"), TogglePanel("bottom"))
    after = desk.area(view)
    assert after[0] < before[0] - 50
    assert after[3] > before[3] + 50
    desk.do(TogglePanel("left"), TogglePanel("bottom"))
    assert desk.area(view) == before
    assert set(PANEL_WINDOWS) == {"left", "right", "bottom"}


def test_two_files_are_two_recordings_to_choose_from(desk: Any, input_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.rrd"
    with rr.RecordingStream("another") as rec:
        rec.save(other)
        rec.set_time("step", sequence=3)
        rec.log("/words", rr.TextLog("hello"))
        rec.disconnect()
    desk.open(input_file)
    desk.open(other)
    assert [key.application_id for key in desk.viewer.state.recordings] == ["input", "another"]
    assert desk.viewer.state.active.application_id == "input"
    desk.do(Seek(4 * SECOND))
    left, top, _, bottom = desk.area("left")
    for y in range(top + 20, top + 90, 8):
        desk.click(left + 70, y)
        if desk.viewer.state.active.application_id == "another":
            break
    desk.settle()
    assert next(iter(desk.recording.blueprint.panes.values())).view == "TextLogView"
    assert desk.clock.timeline == "step"
    desk.do(ActivateRecording(next(iter(desk.viewer.state.recordings))))
    assert desk.clock.time == 4 * SECOND
    assert bottom > top


def test_escape_brings_all_views_back(desk: Any, input_file: Path) -> None:
    desk.open(input_file)
    view = desk.view_id("Spatial2DView")
    small = desk.area(view)
    desk.do(Maximize(view))
    large = desk.area(view)
    assert (large[2] - large[0]) * (large[3] - large[1]) > 3 * (small[2] - small[0]) * (small[3] - small[1])
    desk.type_key("ESCAPE").settle()
    assert desk.area(view) == small
