"""Named frames in 3D views, cameras in frames of their own, and the first look at a scene."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import rrbridge as rr
from rrbridge_viewer.blueprint import ViewItem
from rrbridge_viewer.commands import Select, ShowFrames, Undo
from rrbridge_viewer.render.camera import Camera3D, on_screen
from rrbridge_viewer.render.primitives import Labels, Lines, Picture, Points
from rrbridge_viewer.views._fitting import fitted, outline, turned_to

Write = Callable[[rr.RecordingStream], None]
SIZE = (800, 500)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Write], Path]:
    """A recording of what a function logs."""

    def write(log: Write) -> Path:
        path = tmp_path / "run.rrd"
        with rr.RecordingStream("frames") as rec:
            rec.save(path)
            log(rec)
            rec.disconnect()
        return path

    return write


def place(desk: Any, world: tuple[float, float, float]) -> tuple[int, int]:
    view = desk.view_id("Spatial3DView")
    left, top, right, bottom = desk.area(view)
    size = (right - left, bottom - top)
    places, seen = on_screen([world], desk.recording.views[desk.key(view)].camera.clip_from_world(size), size)
    assert seen.all()
    return left + int(places[0, 0]), top + int(places[0, 1])


def chain(rec: rr.RecordingStream) -> None:
    """map → base → tool, and another tree; the tool rises after the first second."""
    for second, height in enumerate([1.0, 2.0]):
        rec.set_time("t", duration=second)
        rec.log("/tf/base", rr.Transform3D(translation=[3, 0, 0], parent_frame="map", child_frame="base"))
        rec.log("/tf/tool", rr.Transform3D(translation=[0, 0, height], parent_frame="base", child_frame="tool"))


def greyish(patch: np.ndarray[Any, Any]) -> int:
    """How many pixels have the colour of the lines from frame to frame."""
    return int((np.abs(patch - np.array((92, 101, 112))).max(axis=2) < 24).sum())


def test_a_recording_of_transforms_shows_its_frames(desk: Any, written: Callable[[Write], Path]) -> None:
    desk.open(written(chain), at="+0s")
    x, y = place(desk, (3, 0, 0.5))
    assert greyish(desk.pixels[y - 3 : y + 4, x - 3 : x + 4]) >= 3
    view = desk.view_id("Spatial3DView")
    assert desk.recording.blueprint.panes[view].frame == "map"
    shown = desk.inside(view)
    desk.do(ShowFrames(view, visible=False))
    x, y = place(desk, (3, 0, 0.5))
    assert greyish(desk.pixels[y - 3 : y + 4, x - 3 : x + 4]) == 0
    desk.do(Undo())
    np.testing.assert_array_equal(desk.inside(view), shown)
    assert (desk.at("+1s").inside(view) != shown).any()


def test_frames_have_their_names_beside_them(desk: Any, written: Callable[[Write], Path]) -> None:
    desk.open(written(chain), at="+0s")
    view = desk.view_id("Spatial3DView")
    scene = desk.viewer._scenes[desk.viewer.state.active, view][1]
    (names,) = (labels for labels in scene.frames if isinstance(labels, Labels))
    assert dict(zip(names.texts, names.positions.tolist(), strict=True)) == {
        "map": [0, 0, 0],
        "base": [3, 0, 0],
        "tool": [3, 0, 1],
    }
    x, y = place(desk, (3, 0, 1))
    beside = desk.pixels[y + 6 : y + 24, x + 6 : x + 40]
    assert (np.abs(beside - np.array((150, 159, 169))).max(axis=2) < 40).sum() > 8
    # A frame under the pointer is no entity.
    desk.move(*place(desk, (3, 0, 0.5)))
    assert desk.viewer.state.hovered is None


def test_frames_are_left_out_where_there_is_much_else(desk: Any, written: Callable[[Write], Path]) -> None:
    def log(rec: rr.RecordingStream) -> None:
        chain(rec)
        for name in "abcd":
            rec.log(f"/{name}", rr.CoordinateFrame("base"), rr.Points3D([[0, 0, 0]]))

    desk.open(written(log))
    view = desk.view_id("Spatial3DView")
    assert not desk.recording.blueprint.panes[view].frames
    desk.do(Select((ViewItem(view),)))
    left, top, _, bottom = desk.area("right")
    for y in range(top + 60, min(top + 300, bottom), 12):
        desk.click(left + 18, y)
        if desk.recording.blueprint.panes[view].frames:
            return
    pytest.fail("no switch for frames in the selection panel")


def test_nothing_is_drawn_again_while_frames_stand_still(desk: Any, written: Callable[[Write], Path]) -> None:
    desk.open(written(chain), at="+1s")
    scenes = desk.viewer.graphics.scenes_drawn
    desk.at("+0.9s").at("+0.95s").at("+0.99s")
    assert desk.viewer.graphics.scenes_drawn <= scenes + 1


def test_a_camera_whose_frame_no_transform_mentions_is_shown(
    desk: Any, written: Callable[[Write], Path], near_color: Any
) -> None:
    green = (40, 220, 60)

    def log(rec: rr.RecordingStream) -> None:
        rec.set_time("t", duration=0)
        camera = rr.Pinhole(focal_length=20, width=40, height=40, parent_frame="lens", child_frame="plane")
        rec.log("/cam/info", camera)
        image = np.zeros((40, 40, 3), np.uint8)
        image[:20] = green
        rec.log("/cam/image", rr.CoordinateFrame("plane"), rr.Image(image))

    desk.open(written(log))
    view = desk.view_id("Spatial3DView")
    assert set(desk.recording.blueprint.panes[view].contents) == {"/cam/info", "/cam/image"}
    inside = desk.inside(view)
    bright = near_color(inside, green, 30)
    assert bright.mean() > 0.02
    # The picture stands upright: its first row is above its last one on the screen.
    assert place(desk, (0, -0.4, 0.5))[1] < place(desk, (0, 0.4, 0.5))[1]
    x, y = place(desk, (-0.25, -0.25, 0.25))
    edge = desk.pixels[y - 2 : y + 3, x - 2 : x + 3]
    assert (np.abs(edge - np.array((150, 158, 168))).max(axis=2) < 50).any()


@pytest.mark.real_data
def test_a_real_camera_without_transforms_is_shown(desk: Any, shared_data: Path) -> None:
    desk.open(shared_data / "UbiquityRobotics+fiducials" / "aruco_marker.bag", at="end")
    inside = desk.inside(desk.view_id("Spatial3DView"))
    assert (inside.min(axis=2) > 90).mean() > 0.03


def cloud(points: np.ndarray[Any, Any]) -> Points:
    color = np.full((1, 4), 255, np.uint8)
    return Points(positions=points.astype(np.float32), colors=color, radii=np.array([-1.0], np.float32))


@given(st.integers(0, 2**32 - 1), st.floats(-3, 3), st.floats(-1.4, 1.4))
@example(seed=36453, yaw=0.0, pitch=0.0)
def test_a_fitted_scene_touches_the_edge_of_its_picture_and_crosses_none(seed: int, yaw: float, pitch: float) -> None:
    random = np.random.default_rng(seed)
    points = random.normal(size=(50, 3)) * random.uniform(0.1, 20, 3) + random.uniform(-100, 100, 3)
    camera = fitted(Camera3D(yaw=yaw, pitch=pitch), points, SIZE)
    places, seen = on_screen(points, camera.clip_from_world(SIZE), SIZE)
    assert seen.all()
    reach = np.abs(places[:, :2] / np.array(SIZE) * 2 - 1).max()
    assert reach <= 0.9 + 1e-3
    if places[:, 2].min() > 3 * camera.near:  # nearer, the eye keeps its distance from what points at it
        assert reach == pytest.approx(0.9, abs=1e-3)


def test_stray_points_do_not_count() -> None:
    random = np.random.default_rng(1)
    points = random.uniform(-1, 1, (2000, 3))
    points[:5] = 1e4
    assert np.abs(outline([cloud(points)])).max() <= 1


def test_of_a_map_only_what_is_known_counts() -> None:
    cells = np.full((100, 100), 255, np.uint8)
    cells[20:30, 40:60] = 0
    across, down = (10.0, 0.0, 0.0), (0.0, -10.0, 0.0)
    points = outline([Picture(pixels=cells, corner=(0.0, 10.0, 0.0), across=across, down=down, indexed=True)])
    assert (points.min(axis=0).tolist(), points.max(axis=0).tolist()) == ([4, 7, 0], [6, 8, 0])


def test_a_lone_pose_is_not_made_to_fill_the_picture() -> None:
    lines = Lines(
        key="/pose#InstancePoses3D#0",
        positions=np.array([[0, 0, 0], [0.25, 0, 0], [0, 0, 0], [0, 0, 0.25]], np.float32),
        offsets=np.array([0, 2, 4]),
        colors=np.full((1, 4), 255, np.uint8),
        radii=np.array([-1.0], np.float32),
    )
    points = outline([lines])
    assert np.ptp(points[:, 0]) == pytest.approx(1.0)


def test_long_scenes_are_seen_across_their_length_and_flat_ones_from_above() -> None:
    random = np.random.default_rng(2)
    for direction in (0.0, 0.7, 2.0, 3.0):
        along = np.array([math.cos(direction), math.sin(direction), 0])
        points = random.uniform(-20, 20, (500, 1)) * along + random.uniform(-1, 1, (500, 3)) * (1, 1, 0.1)
        camera = turned_to(Camera3D(), points)
        assert abs(camera.forward @ along) < 0.45
        assert camera.pitch > Camera3D().pitch
    assert turned_to(Camera3D(), random.uniform(-1, 1, (500, 3))).yaw == Camera3D().yaw


def test_what_the_driver_cannot_draw_is_said_in_the_view(
    desk: Any, written: Callable[[Write], Path], near_color: Any
) -> None:
    desk.open(written(chain))
    view = desk.view_id("Spatial3DView")
    warn = (0xF0, 0xA0, 0x4F)
    assert near_color(desk.inside(view), warn, 30).sum() == 0
    desk.viewer.graphics._renderers[desk.key(view)].problems["/cloud"] = "the graphics driver cannot hold it"
    assert near_color(desk.draw(2).inside(view)[-40:, :300], warn, 30).sum() > 30
