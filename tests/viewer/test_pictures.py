"""What is in the picture: every view shows a known thing at its place, and another one at another time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import rrbridge as rr
from rrbridge_viewer.commands import Maximize, SetViewState, ShowEntity, ShowView, Undo
from rrbridge_viewer.render.camera import Camera2D, on_screen

RED, GREEN, BLUE, YELLOW = (230, 40, 40), (40, 220, 60), (50, 90, 240), (240, 220, 40)
Near = Callable[..., npt.NDArray[np.bool_]]
Mask = npt.NDArray[np.bool_]


@pytest.fixture(scope="session")
def scene_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Boxes in space, an image with a rectangle on it, three lines to plot, a log; 0 to 10 s on `run_time`."""
    path = tmp_path_factory.mktemp("scene") / "scene.rrd"
    with rr.RecordingStream("pictures") as rec:
        rec.save(path)
        rec.log(
            "/world/blue",
            rr.Boxes3D(centers=[-3, 0, 0], half_sizes=[0.6, 0.6, 0.6], colors=BLUE, fill_mode="solid"),
            static=True,
        )
        rec.log("/world/arm/tip", rr.Boxes3D(half_sizes=[0.6, 0.6, 0.6], colors=RED, fill_mode="solid"), static=True)
        rec.log("/plots/low", rr.SeriesLines(colors=RED, names="low one"), static=True)
        rec.log("/plots/high", rr.SeriesLines(colors=GREEN), static=True)
        for second in range(11):
            rec.set_time("run_time", duration=second)
            rec.log("/world/arm", rr.Transform3D(translation=[3, 0, 0] if second < 5 else [0, 3, 0]))
            rec.log("/plots/low", rr.Scalars(0.0))
            rec.log("/plots/high", rr.Scalars(1.0))
            rec.log("/log/planner", rr.TextLog(f"line {second}", level="ERROR" if second == 7 else "INFO"))
            picture = np.zeros((40, 60, 3), np.uint8)
            picture[:20, :30], picture[:20, 30:] = RED, GREEN
            picture[20:, :30], picture[20:, 30:] = BLUE, YELLOW if second < 5 else RED
            rec.log("/camera", rr.Image(picture))
            rec.log("/camera/found", rr.Boxes2D(mins=[10, 5], sizes=[20, 20], colors=[255, 255, 255], radii=0.5))
        rec.disconnect()
    return path


def place_in_view(desk: Any, view_id: str, world: tuple[float, float, float]) -> tuple[int, int]:
    """Where the 3D view's own camera puts a point of the world, in pixels of the window."""
    left, top, right, bottom = desk.area(view_id)
    eye = desk.recording.views[desk.key(view_id)]
    size = (right - left, bottom - top)
    places, seen = on_screen([world], eye.camera.clip_from_world(size), size)
    assert seen.all()
    return left + int(places[0, 0]), top + int(places[0, 1])


def test_boxes_stand_where_their_transforms_put_them(desk: Any, scene_file: Path, near_color: Near) -> None:
    desk.open(scene_file, at="+2s")
    view = desk.view_id("Spatial3DView")
    for color, world, is_there in ((BLUE, (-3, 0, 0), True), (RED, (3, 0, 0), True), (RED, (0, 3, 0), False)):
        x, y = place_in_view(desk, view, world)
        patch = desk.pixels[y - 3 : y + 4, x - 3 : x + 4]
        hue = np.argmax(patch.mean(axis=(0, 1))) == np.argmax(color) and patch.max() > 90
        assert bool(hue) is is_there, (color, world, patch.mean(axis=(0, 1)))
    desk.at("+6s")
    x, y = place_in_view(desk, view, (0, 3, 0))
    patch = desk.pixels[y - 3 : y + 4, x - 3 : x + 4].mean(axis=(0, 1))
    assert patch[0] > 90
    assert patch[0] > 2 * patch[2]
    x, y = place_in_view(desk, view, (3, 0, 0))
    assert desk.pixels[y - 3 : y + 4, x - 3 : x + 4].mean(axis=(0, 1))[0] < 90


def test_voxels_fill_their_cells(desk: Any, tmp_path: Path) -> None:
    """Cells of 1 × 1 × 1, in a grid that begins at (2, 0, 0) and is turned to the left."""
    path = tmp_path / "voxels.rrd"
    with rr.RecordingStream("voxels") as rec:
        rec.save(path)
        indices, colors = [[0, 0, 0], [3, 0, 0], [1, 0, 0]], [RED, BLUE, [255, 0, 255, 0]]
        half = float(np.sqrt(0.5))
        grid = rr.VoxelGridMap(indices, [1, 1, 1], colors=colors, translation=[2, 0, 0], quaternion=[0, 0, half, half])
        rec.log("/voxels", grid, static=True)
        rec.disconnect()
    desk.open(path)
    view = desk.view_id("Spatial3DView")
    for color, world in ((RED, (1.5, 0.5, 0.5)), (BLUE, (1.5, 3.5, 0.5))):
        x, y = place_in_view(desk, view, world)
        patch = desk.pixels[y - 2 : y + 3, x - 2 : x + 3].mean(axis=(0, 1))
        assert np.argmax(patch) == np.argmax(color)
        assert patch.max() > 60
    picture = desk.inside(view)
    assert not ((picture[..., 0] > 60) & (picture[..., 2] > 60) & (picture[..., 1] < 30)).any()


def test_things_without_a_name_have_no_label(desk: Any, tmp_path: Path) -> None:
    path = tmp_path / "nameless.rrd"
    with rr.RecordingStream("nameless") as rec:
        rec.save(path)
        rec.log("/camera", rr.Image(np.full((40, 60, 3), 255, np.uint8)), static=True)
        rec.log("/camera/seen", rr.Points2D([[15, 20], [45, 20]], radii=0.01, labels=["", "cat"]), static=True)
        rec.disconnect()
    desk.open(path)
    dark = desk.inside(desk.view_id("Spatial2DView")).max(axis=-1) < 128
    rows, columns = np.flatnonzero(~dark.all(axis=1)), np.flatnonzero(~dark.all(axis=0))
    inside = dark[rows.min() : rows.max(), columns.min() : columns.max()]
    left, right = np.array_split(inside[len(inside) // 3 : -len(inside) // 3], 2, axis=1)
    assert (left.sum() < 4, right.sum() > 50) == (True, True)


def test_ellipses_lie_on_the_image_where_they_say(desk: Any, tmp_path: Path) -> None:
    path = tmp_path / "ellipse.rrd"
    with rr.RecordingStream("ellipse") as rec:
        rec.save(path)
        rec.log("/camera", rr.Image(np.zeros((40, 60, 3), np.uint8)), static=True)
        seen = rr.Ellipses2D(half_sizes=[12, 6], centers=[30, 20], colors=GREEN, line_radii=1)
        rec.log("/camera/seen", seen, static=True)
        rec.disconnect()
    desk.open(path)
    picture = desk.inside(desk.view_id("Spatial2DView"))[..., 1] > 90
    rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
    wide, high = np.ptp(columns), np.ptp(rows)
    assert wide / high == pytest.approx(26 / 14, rel=0.1)
    middle = picture[rows.mean().astype(int) - 5 : rows.mean().astype(int) + 5]
    assert not middle[:, columns.mean().astype(int) - 5 : columns.mean().astype(int) + 5].any()


def test_the_image_fills_its_view_in_the_right_orientation(desk: Any, scene_file: Path, near_color: Near) -> None:
    desk.open(scene_file, at="+2s")
    view = desk.view_id("Spatial2DView")
    left, top, right, bottom = desk.area(view)
    scale = min((right - left) / 60, (bottom - top) / 40)
    center = ((left + right) / 2, (top + bottom) / 2)

    def pixel(column: float, row: float) -> npt.NDArray[np.int16]:
        found: npt.NDArray[np.int16] = desk.pixels[
            round(center[1] + (row - 20) * scale), round(center[0] + (column - 30) * scale)
        ]
        return found

    for (column, row), color in {(5, 3): RED, (55, 3): GREEN, (5, 37): BLUE, (55, 37): YELLOW}.items():
        np.testing.assert_allclose(pixel(column, row), color, atol=4)
    np.testing.assert_allclose(pixel(10, 15), (255, 255, 255), atol=60)
    desk.at("+6s")
    np.testing.assert_allclose(pixel(55, 37), RED, atol=4)


def test_zooming_a_picture_shows_its_corner(desk: Any, scene_file: Path, near_color: Near) -> None:
    desk.open(scene_file, at="+2s")
    view = desk.view_id("Spatial2DView")
    from rrbridge_viewer.views.spatial2d import Window2D

    desk.do(SetViewState(desk.key(view), Window2D(Camera2D((5, 3), (4, 3)))))
    inside = desk.inside(view)
    assert near_color(inside, RED, 4).mean() > 0.95


def test_plotted_lines_have_their_colours_and_heights(desk: Any, scene_file: Path, near_color: Near) -> None:
    desk.open(scene_file, at="+2s")
    inside = desk.inside(desk.view_id("TimeSeriesView"))
    rows = {}
    for name, color in (("low", RED), ("high", GREEN)):
        mask = near_color(inside, color, 60)
        row = int(np.argmax(mask.sum(axis=1)))
        assert mask[row].sum() > 0.7 * inside.shape[1], name
        columns = np.flatnonzero(mask[row])
        assert columns.max() - columns.min() > 0.75 * inside.shape[1], name
        rows[name] = row
    assert rows["high"] < rows["low"]
    assert 0.4 * inside.shape[0] < rows["low"] - rows["high"] < inside.shape[0]


def cursor_column(inside: npt.NDArray[np.int16], near_color: Near) -> int:
    """The column of the white line that crosses a plot or the time panel."""
    white = near_color(inside, (200, 200, 200), 56)
    column = int(np.argmax(white.sum(axis=0)))
    assert white[:, column].sum() > 0.4 * inside.shape[0]
    return column


def test_cursors_of_plot_and_time_panel_move_with_the_time(desk: Any, scene_file: Path, near_color: Near) -> None:
    desk.open(scene_file)
    plot, panel = [], []
    for second in (0, 2, 4, 6, 8, 10):
        desk.at(f"+{second}s")
        plot.append(cursor_column(desk.inside(desk.view_id("TimeSeriesView")), near_color))
        panel.append(cursor_column(desk.inside("bottom")[60:], near_color))
    for columns in (plot, panel):
        steps = np.diff(columns)
        assert steps.min() > 20
        assert steps.max() - steps.min() <= 3


def test_log_lines_show_their_levels(desk: Any, scene_file: Path, near_color: Near) -> None:
    desk.open(scene_file, at="+5s")
    inside = desk.inside(desk.view_id("TextLogView"))
    info, error = near_color(inside, (0x4C, 0xC3, 0x8A)), near_color(inside, (0xE5, 0x48, 0x4D))
    warn = near_color(inside, (0xF0, 0xA0, 0x4F))
    assert info.sum() > 60
    assert warn.sum() == 0
    # Its line is still to come, so it is faint.
    assert error.sum() == 0
    desk.at("+7s")
    inside = desk.inside(desk.view_id("TextLogView"))
    assert near_color(inside, (0xE5, 0x48, 0x4D)).sum() > 15
    # The line at the cursor stands on the accent colour.
    accent = near_color(inside, (0x2F, 0x7D, 0xF6), 12)
    assert 200 < accent.sum() < 4000


def test_an_entity_switched_off_is_gone_and_undo_brings_it_back(desk: Any, scene_file: Path, near_color: Near) -> None:
    desk.open(scene_file, at="+2s")
    view = desk.view_id("Spatial3DView")
    before = desk.inside(view)

    def blue() -> int:
        inside = desk.inside(view)
        return int(((inside[..., 2] > 90) & (inside[..., 2] > 2 * inside[..., 0])).sum())

    shown = blue()
    assert shown > 150
    desk.do(ShowEntity(view, "/world/blue", visible=False))
    assert blue() < shown / 10
    desk.do(Undo())
    np.testing.assert_array_equal(desk.inside(view), before)


def test_a_view_switched_off_leaves_its_place_to_others(desk: Any, scene_file: Path) -> None:
    desk.open(scene_file, at="+2s")
    plot, image = desk.view_id("TimeSeriesView"), desk.view_id("Spatial2DView")
    _, top, _, bottom = desk.area(plot)
    desk.do(ShowView(image, visible=False))
    _, new_top, _, new_bottom = desk.area(plot)
    assert new_bottom - new_top > 1.2 * (bottom - top)


def test_the_same_state_gives_the_same_picture(desk: Any, scene_file: Path) -> None:
    first = desk.open(scene_file, at="+9s").at("+3s").pixels
    assert (first == desk.at("+9s").at("+3s").pixels).all()


def test_all_times_differ(desk: Any, scene_file: Path) -> None:
    desk.open(scene_file)
    pictures = [desk.at(f"+{second}s").pixels for second in (1, 4, 6)]
    for one, other in itertools.pairwise(pictures):
        assert (np.abs(one - other).max(axis=2) > 24).sum() > 300


def test_text_documents_are_shown_as_text(desk: Any, tmp_path: Path) -> None:
    path = tmp_path / "text.rrd"
    with rr.RecordingStream("text") as rec:
        rec.save(path)
        for second, text in enumerate(("# Title\n\nshort", "word " * 200)):
            rec.set_time("run_time", duration=second)
            rec.log("/notes", rr.TextDocument(text))
        rec.disconnect()
    desk.open(path, at="+0s")
    view = desk.view_id("TextDocumentView")
    short = (desk.inside(view) > 120).sum()
    assert short > 50
    assert (desk.at("+1s").inside(view) > 120).sum() > 5 * short


@pytest.mark.real_data
def test_a_real_image_has_the_pixels_that_were_recorded(desk: Any, shared_data: Path) -> None:
    from rosbags.highlevel import AnyReader

    from rrbridge_viewer.views.spatial2d import Window2D

    bag = shared_data / "ctu-vras+ros-utils" / "raw.bag"
    with AnyReader([bag]) as reader:
        topic = "/spot/camera/frontleft/image"
        connections = [connection for connection in reader.connections if connection.topic == topic]
        connection, _, raw = next(reader.messages(connections))
        message: Any = reader.deserialize(raw, connection.msgtype)
    rows = message.data.reshape(message.height, message.step)
    channels = message.step // message.width
    expected = rows[:, : message.width * channels].reshape(message.height, message.width, channels)
    if message.encoding.startswith("bgr"):
        expected = expected[..., 2::-1]
    desk.open(bag, at="end")
    view = desk.view_id("Spatial2DView", "camera/frontleft/image")
    desk.do(Maximize(view))
    left, top, right, bottom = desk.area(view)
    compared = 0
    for corner_column, corner_row in ((0, 0), (message.width - 12, message.height - 8), (message.width // 2, 40)):
        camera = Camera2D((corner_column + 6, corner_row + 4), (12, 8))
        desk.do(SetViewState(desk.key(view), Window2D(camera)))
        pixels = desk.pixels
        scale = camera.pixels_per_unit((right - left, bottom - top))
        for row in range(corner_row, corner_row + 8):
            for column in range(corner_column, corner_column + 12):
                x = round((left + right) / 2 + (column + 0.5 - camera.center[0]) * scale)
                y = round((top + bottom) / 2 + (row + 0.5 - camera.center[1]) * scale)
                np.testing.assert_allclose(pixels[y, x], np.broadcast_to(expected[row, column], 3), atol=2)
                compared += 1
    assert compared == 3 * 96
