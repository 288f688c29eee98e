"""Reading while looking: whatever a file does, the viewer stays."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rrbridge as rr
from rrbridge._messages import LogMessage, StoreId, StoreKind
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.chunk import Chunk
from rrbridge.importers import Note
from rrbridge_bridge.convert import convert_files
from rrbridge_bridge.inputs import Input, find_sources
from rrbridge_bridge.settings import Settings
from rrbridge_viewer.loading import Library, Loading
from rrbridge_viewer.recordings import Recording
from rrbridge_viewer.values import short_value
from rrbridge_viewer.views._base import Views


@pytest.fixture
def recording_file(tmp_path: Path) -> Path:
    path = tmp_path / "run.rrd"
    with rr.RecordingStream("loading") as rec:
        rec.save(path)
        for step in range(50):
            rec.set_time("step", sequence=step)
            rec.log("/cloud", rr.Points3D(np.random.default_rng(step).normal(size=(2000, 3))))
        rec.disconnect()
    return path


def read(path: Path, **options: Any) -> Library:
    library = Library(**options)
    library.open_file(path)
    library.wait()
    return library


def test_a_file_is_read_with_progress(recording_file: Path) -> None:
    library = read(recording_file)
    (loading,) = library.loadings
    assert (loading.problem, loading.is_running, loading.share_done) == ("", False, 1.0)
    (recording,) = library.recordings.values()
    assert len(recording.store.times("/cloud", "step")) == 50
    assert recording.sources == ["run.rrd"]


def test_the_same_file_twice_is_one_recording_with_the_same_rows(recording_file: Path) -> None:
    library = read(recording_file)
    library.open_file(recording_file)
    library.wait()
    (recording,) = library.recordings.values()
    assert len(recording.store.times("/cloud", "step")) == 50


def test_a_stream_is_read_as_it_comes(recording_file: Path) -> None:
    library = Library()
    library.open_stream(io.BytesIO(recording_file.read_bytes()))
    library.wait()
    assert len(library.recordings) == 1
    assert not library.problems


def test_a_torn_file_is_shown_up_to_the_tear(recording_file: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn.rrd"
    raw = recording_file.read_bytes()
    torn.write_bytes(raw[: len(raw) * 2 // 3])
    library = read(torn)
    (recording,) = library.recordings.values()
    assert recording.store_id.application_id == "loading"
    (problem,) = library.problems
    assert problem.startswith("torn.rrd: left out from byte")
    piped = Library()
    piped.open_stream(io.BytesIO(torn.read_bytes()))
    piped.wait()
    assert [text.replace("standard input", "torn.rrd") for text in piped.problems] == library.problems


@pytest.mark.parametrize("content", [b"", b"no recording at all", b"RRF2" + bytes(200)])
def test_what_is_no_recording_is_told_in_a_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd.rrd"
    path.write_bytes(content)
    library = read(path)
    assert not library.recordings
    assert "Traceback" not in "".join(library.problems)


def test_reading_stops_at_the_memory_limit_and_says_so(recording_file: Path) -> None:
    library = read(recording_file, memory_limit_bytes=100_000)
    (problem,) = library.problems
    assert "memory limit" in problem
    assert library.recordings


@pytest.mark.real_data
def test_a_bag_and_what_was_made_of_it_are_shown_once(shared_data: Path, tmp_path: Path) -> None:
    """A conversion gives rows and chunks new ids, so only what they tell of is the same."""
    bag = shared_data / "locusrobotics+fuse" / "turtlebot3.bag"
    converted = tmp_path / "converted.rrd"
    convert_files(find_sources([Input(bag)]), converted, Settings())
    alone = read(converted)
    library = Library()
    for path in (bag, converted):
        library.open_file(path)
    library.wait()
    (expected,), (recording,) = alone.recordings.values(), library.recordings.values()
    assert expected.store.entities() == recording.store.entities()
    for entity in expected.store.entities():
        for timeline in expected.timelines():
            times = recording.store.times(entity, timeline)
            np.testing.assert_array_equal(times, expected.store.times(entity, timeline), str((entity, timeline)))
    assert any("shown once" in note.text for note in library.notices)
    assert not library.problems


@pytest.mark.real_data
def test_the_parts_of_a_split_run_are_one_recording(shared_data: Path) -> None:
    """Copies are told by their times, so a part must never be taken for one."""
    run = shared_data / "ros2+rosbag2" / "file_compression"
    whole, parts = read(run), Library()
    for path in sorted(run.glob("*.zstd")):
        parts.open_file(path)
    parts.wait()
    (expected,), (recording,) = whole.recordings.values(), parts.recordings.values()
    for entity in expected.store.entities():
        np.testing.assert_array_equal(
            recording.store.times(entity, "log_time"), expected.store.times(entity, "log_time"), entity
        )
    assert not parts.notices


def test_only_another_sources_rows_are_taken_for_copies() -> None:
    def chunk(*times: int) -> Chunk:
        steps = TimeColumn.of("step", TimeKind.SEQUENCE, np.array(times))
        return Chunk.from_columns(
            "/x", times=[steps], components=list(rr.Scalars.columns(scalars=np.zeros(len(times))))
        )

    recording = Recording(StoreId(StoreKind.RECORDING, "copies", "c"))
    taken = [
        recording.insert(chunk(1, 2, 3), "a"),
        recording.insert(chunk(1, 2, 3), "a"),  # a message sent twice
        recording.insert(chunk(1, 2, 3), "b"),
        recording.insert(
            chunk(3, 4), "b"
        ),  # the next part of a split run may begin at the time where the last one ends
    ]
    assert taken == [True, True, False, True]
    assert recording.store.times("/x", "step").tolist() == [1, 1, 2, 2, 3, 3, 3, 4]


def broken(_progress: Any, _note: Any) -> Iterator[LogMessage]:
    raise ZeroDivisionError("a plug-in's fault")
    yield


def test_a_fault_of_a_plug_in_is_told_and_not_fatal() -> None:
    library = Library()
    loading = Loading(library, "strange.file", broken)
    loading.start()
    loading.join()
    assert loading.problem == "strange.file could not be read to its end: ZeroDivisionError: a plug-in's fault"


def test_harmless_notes_are_no_problems_and_many_are_summed_up() -> None:
    def chatty(_progress: Any, note: Any) -> Iterator[LogMessage]:
        note(Note("it has no index"))
        for place in range(1000):
            note(Note(f"damaged at byte {place}", is_loss=True))
            note(Note("damaged at byte 0", is_loss=True))
        yield from ()

    library = Library()
    loading = Loading(library, "chatty.bag", chatty)
    library.loadings.append(loading)
    loading.start()
    loading.join()
    assert library.notices[0] == Note("chatty.bag: it has no index")
    assert library.problems[0] == "chatty.bag: damaged at byte 0"
    assert library.problems[-1] == "chatty.bag: and 981 more such notes"


def test_recordings_appear_while_they_are_read(desk: Any, recording_file: Path) -> None:
    desk.library.open_file(recording_file)
    deadline = time.monotonic() + 120
    while desk.library.is_loading or desk.viewer.state.recording is None or not desk.recording.blueprint.panes:
        assert time.monotonic() < deadline
        if desk.viewer.is_due():
            desk.draw()
    assert desk.clock.span.hi == 49


def test_problems_are_on_screen(desk: Any, tmp_path: Path, near_color: Any) -> None:
    path = tmp_path / "odd.rrd"
    path.write_bytes(b"no recording at all")
    desk.library.open_file(path)
    desk.library.wait()
    desk.settle()
    assert near_color(desk.inside("left"), (0xF0, 0xA0, 0x4F)).sum() > 50


class FailingView:
    """A plug-in with a fault."""

    name = "Spatial3DView"
    icon = ""
    follows_cursor = True

    def query(self, *_: Any) -> Any:
        raise KeyError("nothing there")

    def draw(self, *_: Any) -> Iterator[Any]:
        raise AssertionError
        yield


def test_a_view_that_fails_does_so_in_its_own_place(desk: Any, recording_file: Path) -> None:
    failing: Any = FailingView()
    desk.viewer.views = Views({**Views.discover().by_name, "Spatial3DView": failing})
    desk.open(recording_file)
    assert (desk.inside(desk.view_id("Spatial3DView")) > 80).sum() > 100


def test_entities_without_a_way_to_the_view_are_named(desk: Any, tmp_path: Path, near_color: Any) -> None:
    path = tmp_path / "lost.rrd"
    with rr.RecordingStream("lost") as rec:
        rec.save(path)
        for second in range(3):
            rec.set_time("t", duration=second)
            rec.log("/here", rr.CoordinateFrame("map"), rr.Points3D([[0, 0, 0], [1, 1, 1]]))
            rec.log("/scan", rr.CoordinateFrame("base"), rr.Points3D([[0, 0, 0]]))
        rec.log("/tf", rr.Transform3D(translation=[1, 0, 0], parent_frame="map", child_frame="base"))
        rec.disconnect()
    desk.open(path, at="+0s")
    view = desk.view_id("Spatial3DView")
    orange = (0xF0, 0xA0, 0x4F)
    assert near_color(desk.inside(view), orange).sum() > 50
    assert near_color(desk.at("+2s").inside(view), orange).sum() == 0


def test_values_fit_on_a_line() -> None:
    import pyarrow as pa

    assert short_value(pa.array([1.5])) == "1.5"
    assert short_value(pa.array([[1.0, 2.0, 3.0]], pa.list_(pa.float32(), 3))) == "[1, 2, 3]"
    assert short_value(pa.array(np.zeros(5000, np.float32))) == "5 000 × f32"
    assert short_value(pa.array([[0.0] * 3] * 7, pa.list_(pa.float32(), 3))) == "7 × f32[3]"
    assert short_value(pa.array([{"a": 1, "b": ["x"]}])) == "{a: 1, b: [x]}"
    assert len(short_value(pa.array(["long " * 500]))) <= 160
    assert short_value(pa.array([], pa.int8())) == "cleared"
