"""Cameras, frames, classes and video in pictures."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rrbridge as rr
from rrbridge_viewer.query import Query
from rrbridge_viewer.render.camera import on_screen
from rrbridge_viewer.video_samples import samples_at

GREEN = (40, 220, 60)
Write = Callable[[rr.RecordingStream], None]


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Write], Path]:
    """A recording of what a function logs."""

    def write(log: Write) -> Path:
        path = tmp_path / "run.rrd"
        with rr.RecordingStream("spatial") as rec:
            rec.save(path)
            log(rec)
            rec.disconnect()
        return path

    return write


def hue_at(desk: Any, world: tuple[float, float, float]) -> np.ndarray[Any, Any]:
    """The mean colour where the 3D view shows a point of the world."""
    view = desk.view_id("Spatial3DView")
    left, top, right, bottom = desk.area(view)
    size = (right - left, bottom - top)
    places, seen = on_screen([world], desk.recording.views[desk.key(view)].camera.clip_from_world(size), size)
    assert seen.all()
    x, y = left + int(places[0, 0]), top + int(places[0, 1])
    found: np.ndarray[Any, Any] = desk.pixels[y - 2 : y + 3, x - 2 : x + 3].mean(axis=(0, 1))
    return found


def is_green(color: np.ndarray[Any, Any]) -> bool:
    return bool(color[1] > 100 and color[1] > 2 * color[0] and color[1] > 2 * color[2])


def test_an_image_hangs_before_its_camera(desk: Any, written: Callable[[Write], Path]) -> None:
    def log(rec: rr.RecordingStream) -> None:
        rec.log("/cam", rr.Transform3D(translation=[0, 1, 0]), static=True)
        rec.log("/cam", rr.Pinhole(focal_length=20, width=40, height=40, image_plane_distance=0.5), static=True)
        rec.log("/cam/image", rr.Image(np.full((40, 40, 3), GREEN, np.uint8)), static=True)
        rec.log("/somewhere", rr.Points3D([[-1.0, -1.0, -0.5], [1.0, 1.0, 1.0]]), static=True)

    desk.open(written(log))
    assert is_green(hue_at(desk, (0, 1, 0.5)))
    assert not is_green(hue_at(desk, (0, 0, 0.5)))


def test_named_frames_carry_an_image_along(desk: Any, written: Callable[[Write], Path]) -> None:
    def log(rec: rr.RecordingStream) -> None:
        for second, x in enumerate([0.0, 2.0]):
            rec.set_time("t", duration=second)
            rec.log("/tf", rr.Transform3D(translation=[x, 0, 0], parent_frame="map", child_frame="lens"))
            camera = rr.Pinhole(
                focal_length=20, width=40, height=40, image_plane_distance=0.5, parent_frame="lens", child_frame="plane"
            )
            rec.log("/cam/info", camera)
            rec.log("/cam/image", rr.CoordinateFrame("plane"), rr.Image(np.full((40, 40, 3), GREEN, np.uint8)))
            rec.log("/corners", rr.CoordinateFrame("map"), rr.Points3D([[-1, -1, 0], [3, 1, 1]]))

    desk.open(written(log), at="+0s")
    assert is_green(hue_at(desk, (0, 0, 0.5)))
    assert not is_green(hue_at(desk, (2, 0, 0.5)))
    desk.at("+1s")
    assert is_green(hue_at(desk, (2, 0, 0.5)))
    assert not is_green(hue_at(desk, (0, 0, 0.5)))


def test_classes_have_the_colours_of_their_annotation(
    desk: Any, written: Callable[[Write], Path], near_color: Any
) -> None:
    def log(rec: rr.RecordingStream) -> None:
        rec.log("/", rr.AnnotationContext([(1, "grass", (12, 200, 99)), (2, "road", (200, 40, 150))]), static=True)
        ids = np.ones((20, 30), np.uint8)
        ids[:, 15:] = 2
        rec.set_time("t", duration=1)
        rec.log("/segments", rr.SegmentationImage(ids, opacity=1.0))

    desk.open(written(log))
    inside = desk.inside(desk.view_id("Spatial2DView"))
    grass, road = near_color(inside, (12, 200, 99), 8), near_color(inside, (200, 40, 150), 8)
    assert grass.mean() > 0.15
    assert road.mean() > 0.15
    assert np.nonzero(grass)[1].mean() < np.nonzero(road)[1].mean()


def video(colors: list[tuple[int, int, int]], every: int) -> list[bytes]:
    """Each colour as an H.264 frame, with a key frame every so many."""
    import av

    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 64, 48, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 10), Fraction(10, 1)
    encoder.options = {"tune": "zerolatency", "g": str(every), "x264-params": f"keyint={every}:scenecut=0:annexb=1"}
    samples = []
    for number, color in enumerate(colors):
        frame: Any = av.VideoFrame.from_ndarray(np.full((48, 64, 3), color, np.uint8), format="rgb24")
        frame.pts = number
        samples += [bytes(packet) for packet in encoder.encode(frame)]
    samples += [bytes(packet) for packet in encoder.encode(None)]
    return samples


def test_video_shows_the_frame_at_the_cursor(desk: Any, written: Callable[[Write], Path], near_color: Any) -> None:
    red, blue = (200, 40, 40), (40, 40, 200)
    samples = video([red] * 7 + [blue] * 8, every=5)
    assert len(samples) == 15

    def log(rec: rr.RecordingStream) -> None:
        rec.log("/video", rr.VideoStream(codec=rr.VideoCodec.H264), static=True)
        for number, sample in enumerate(samples):
            rec.set_time("t", duration=number / 10)
            rec.log("/video", rr.VideoStream.from_fields(sample=sample))

    desk.open(written(log), at="+0.65s")
    view = desk.view_id("Spatial2DView")
    assert near_color(desk.inside(view), red, 25).mean() > 0.3
    assert near_color(desk.at("+0.75s").inside(view), blue, 25).mean() > 0.3
    assert near_color(desk.at("+0.1s").inside(view), red, 25).mean() > 0.3
    recording = next(iter(desk.library.recordings.values()))
    # From the last key frame: 5, 6, 7.
    assert [sample.time for sample in samples_at(recording, "/video", "t", 750_000_000)] == [
        500_000_000,
        600_000_000,
        700_000_000,
    ]


def test_a_query_is_the_same_object_while_nothing_changes(desk: Any, written: Callable[[Write], Path]) -> None:
    def log(rec: rr.RecordingStream) -> None:
        for second in range(3):
            rec.set_time("t", duration=second)
            rec.log("/a", rr.Points3D([[float(second), 0.0, 0.0]]))
            rec.log("/n", rr.Scalars(second))

    desk.open(written(log))
    recording = next(iter(desk.library.recordings.values()))
    queries = [Query(recording, "t", time, desk.clock.span) for time in (1_000_000_000, 1_500_000_000, 2_000_000_000)]
    entities = [query.entities(["/a"], "tf#/", "3D")[0][0] for query in queries]
    assert entities[0].components is entities[1].components
    assert entities[1].components is not entities[2].components
    assert queries[0].series("/n", "Scalars:scalars") is queries[2].series("/n", "Scalars:scalars")
