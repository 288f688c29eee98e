"""`rrbridge view --live`: a running robot in the viewer, its newest data on screen, within the memory limit."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import live_replay
import numpy as np
import numpy.typing as npt
import pytest
from mcap.writer import Writer
from PIL import Image
from rosbags.typesys import Stores, get_typestore

import rrbridge as rr
from rrbridge._messages import LogMessage, StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge.errors import RecorderError
from rrbridge.feeds import FeedOptions
from rrbridge.importers import Note
from rrbridge_bridge.cli import main
from rrbridge_viewer.clock import Play
from rrbridge_viewer.commands import SetPlay, SetTimeWindow
from rrbridge_viewer.loading import Library, Loading
from rrbridge_viewer.run import LIVE_WINDOW_NANOS, show_newest

RRBRIDGE = Path(sys.executable).with_name("rrbridge")
STORE = get_typestore(Stores.ROS2_HUMBLE)
RED, BLUE = (200, 30, 30), (30, 30, 200)


@pytest.fixture
def robot(tmp_path: Path) -> Path:
    """What a camera sees that looks at red for a second, then at blue."""
    types = STORE.types
    image, header, moment = (
        types[name] for name in ("sensor_msgs/msg/Image", "std_msgs/msg/Header", "builtin_interfaces/msg/Time")
    )
    path = tmp_path / "robot.mcap"
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start("ros2")
        definition, _ = STORE.generate_msgdef("sensor_msgs/msg/Image", ros_version=2)
        schema = writer.register_schema("sensor_msgs/msg/Image", "ros2msg", definition.encode())
        channels = [writer.register_channel(topic, "cdr", schema) for topic in ("/camera", "/_hidden")]
        for number in range(20):
            pixels = np.full((30, 40, 3), RED if number < 10 else BLUE, np.uint8)
            stamp = moment(sec=number // 10, nanosec=number % 10 * 100_000_000)
            made = image(header(stamp, "camera"), 30, 40, "rgb8", 0, 120, pixels.reshape(-1))
            payload = bytes(STORE.serialize_cdr(made, "sensor_msgs/msg/Image"))
            for channel in channels:
                writer.add_message(channel, number * 100_000_000, payload, number * 100_000_000)
        writer.finish()  # type: ignore[no-untyped-call]
    return path


def view(tmp_path: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The program, with a source that replays files, on a machine without a screen."""
    plugs = tmp_path / "plugs"
    if not plugs.exists():
        live_replay.install(plugs)
    known = {k: v for k, v in os.environ.items() if k not in {"DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"}}
    return subprocess.run(
        [RRBRIDGE, "view", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=known | {"PYTHONPATH": f"{plugs}{os.pathsep}{known.get('PYTHONPATH', '')}"},
    )


def share(path: Path, color: tuple[int, int, int]) -> float:
    with Image.open(path) as image:
        pixels: npt.NDArray[np.int_] = np.asarray(image.convert("RGB")).astype(int)
    return float((np.abs(pixels - color).max(axis=2) < 8).mean())


def test_a_picture_of_a_robot_shows_its_newest_data(robot: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    done = view(
        tmp_path, "--live", "--from", f"replay:{robot}", "--duration", 4, "--screenshot", out, "--size", "900x600"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert share(out, BLUE) > 0.2
    assert share(out, RED) < 0.01


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        ([], 2, "rrbridge view --live"),
        (["file.rrd", "--from", "ros1"], 2, "--from goes with --live"),
        (["file.rrd", "--duration", "3"], 2, "--duration goes with --live"),
        (["--live", "-a", "/tf"], 2, "name none beside it"),
        (["--live", "--from", "nobody", "--screenshot", "out.png"], 1, "no live source for 'nobody'"),
        (["--live", "--from", "rclpy", "-e", "(", "--screenshot", "out.png"], 1, "not a regular expression"),
    ],
)
def test_what_cannot_be_is_said(
    arguments: list[str], status: int, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["view", *(str(tmp_path / a) if a.endswith(".png") else a for a in arguments)]) == status
    assert sentence in " ".join(capsys.readouterr().err.replace("│", "").split())


class Robot:
    """A feed that sends as fast as it is taken, or says what a test wants."""

    description = "a robot"

    def __init__(self, rows: int, row_bytes: int) -> None:
        self.rows, self.row_bytes = rows, row_bytes
        self.error = ""
        self.goes_on = threading.Event()
        self.closed = threading.Event()

    def messages(self, note: Callable[[Note], None]) -> Iterator[LogMessage]:
        store_id = StoreId(StoreKind.RECORDING, "rrbridge", "live")
        yield StoreInfo.new(store_id)
        static = rr.Transform3D.columns(translation=[[1, 2, 3]])
        yield StoredChunk(store_id, rr.chunk.Chunk.from_columns("/tf_static/arm", components=static))
        for row in range(self.rows):
            pixels = np.full((1, self.row_bytes), row % 256, np.uint8)
            columns = rr.Image.columns(buffer=pixels, format=[self._format()])
            index = rr.TimeColumn("message_log_time", timestamp=[np.datetime64(row, "ms").astype("datetime64[ns]")])
            yield StoredChunk(store_id, rr.chunk.Chunk.from_columns("/camera", indexes=[index], components=columns))
        note(Note("half of it is missing", is_loss=True))
        self.goes_on.wait(120)
        if self.error:
            raise RecorderError(self.error)

    def _format(self) -> rr.components.ImageFormat:
        return rr.components.ImageFormat(width=self.row_bytes, height=1, color_model="L", channel_datatype="U8")

    def close(self) -> None:
        self.goes_on.set()
        self.closed.set()


def test_the_oldest_data_goes_at_the_memory_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty times the limit comes; what came last is there, what came once and stays true is too, and it is told."""
    robot = Robot(rows=3000, row_bytes=100_000)
    monkeypatch.setattr("rrbridge_viewer.loading.open_feed", lambda _: robot)
    library = Library(memory_limit_bytes=10_000_000)
    loading = library.open_feed(FeedOptions())
    peak = 0
    while not loading.notices or "half of it" not in loading.notices[-1].text:
        peak = max(peak, library.nbytes)
        assert loading.is_running, loading.problem
        time.sleep(0.001)
    assert peak <= 10_000_000
    (recording,) = library.recordings.values()
    assert recording.timelines()["log_time"].hi == 2999 * 1_000_000
    assert recording.timelines()["log_time"].lo > 2800 * 1_000_000
    newest = recording.store.latest_at("/camera", None, "log_time", 2999 * 1_000_000)["Image:buffer"].values
    assert newest[0].values[0].as_py() == 2999 % 256
    assert "Transform3D:translation" in recording.store.components("/tf_static/arm")
    texts = [note.text for note in loading.notices]
    assert texts[0].startswith("a robot: the oldest data goes, to keep to the memory limit of 10 MiB")
    loading.stop()
    loading.join()
    assert robot.closed.is_set()
    assert not loading.problem


def test_a_source_that_fails_leaves_what_it_brought(monkeypatch: pytest.MonkeyPatch) -> None:
    robot = Robot(rows=3, row_bytes=10)
    robot.error = "the robot went away"
    robot.goes_on.set()
    monkeypatch.setattr("rrbridge_viewer.loading.open_feed", lambda _: robot)
    library = Library(memory_limit_bytes=10_000_000)
    loading = library.open_feed(FeedOptions())
    loading.join()
    assert library.problems == ["a robot: half of it is missing", "the robot went away"]
    (recording,) = library.recordings.values()
    assert len(recording.store.times("/camera", "log_time")) == 3


def test_following_stays_at_the_newest_data_until_somebody_pauses(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    robot = Robot(rows=50, row_bytes=100)
    monkeypatch.setattr("rrbridge_viewer.loading.open_feed", lambda _: robot)
    loading = desk.library.open_feed(FeedOptions())
    while not loading.notices:
        time.sleep(0.01)
    desk.viewer.take_news()
    desk.do(SetPlay(Play.FOLLOWING))
    assert desk.recording.clock.time == 49 * 1_000_000
    (recording,) = desk.library.recordings.values()

    def arrive(row: int) -> None:
        index = rr.TimeColumn("log_time", timestamp=[np.datetime64(row, "ms").astype("datetime64[ns]")])
        columns = rr.Scalars.columns(scalars=[float(row)])
        recording.insert(rr.chunk.Chunk.from_columns("/speed", indexes=[index], components=columns))
        desk.viewer.take_news()

    arrive(60)
    assert desk.recording.clock.time == 60 * 1_000_000
    desk.do(SetPlay(Play.PAUSED))
    arrive(70)
    assert desk.recording.clock.time == 60 * 1_000_000
    assert desk.recording.clock.span.hi == 70 * 1_000_000
    loading.stop()
    loading.join()


def test_plots_show_the_last_while_however_old_what_was_latched_is(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour after a map came, the last seconds of a curve fill its plot; zooming out shows the hour."""
    robot = Robot(rows=1, row_bytes=100)
    monkeypatch.setattr("rrbridge_viewer.loading.open_feed", lambda _: robot)
    loading = desk.library.open_feed(FeedOptions())
    while not loading.notices:
        time.sleep(0.01)
    (recording,) = desk.library.recordings.values()
    hour = 3600
    seconds = np.arange(hour - 40, hour, 0.1)
    index = rr.TimeColumn("log_time", timestamp=seconds)
    columns = rr.Scalars.columns(scalars=np.sin(seconds))
    desk.viewer.take_news()
    desk.do(SetPlay(Play.FOLLOWING))
    assert not show_newest(desk.viewer), "there is not more than that"
    recording.insert(rr.chunk.Chunk.from_columns("/speed", indexes=[index], components=columns))
    desk.viewer.take_news(final=True)
    assert show_newest(desk.viewer)
    plot = desk.view_id("TimeSeriesView")

    def width() -> float:
        """The share of the plot's columns that the curve is in."""
        vivid = np.ptp(desk.settle().inside(plot), axis=2) > 60
        return float(vivid.any(axis=0).mean())

    assert width() > 0.6
    newest = rr.TimeColumn("log_time", timestamp=[hour + 5.0])
    columns = rr.Scalars.columns(scalars=[0.0])
    recording.insert(rr.chunk.Chunk.from_columns("/speed", indexes=[newest], components=columns))
    desk.viewer.take_news()
    assert desk.clock.window == ((hour + 5) * 10**9 - LIVE_WINDOW_NANOS, (hour + 5) * 10**9)
    desk.do(SetTimeWindow(None))
    assert width() < 0.2
    loading.stop()
    loading.join()


def test_a_note_that_names_its_source_is_not_given_the_name_twice() -> None:
    loading = Loading(Library(), "robot a", lambda *_: iter(()))
    loading.note(Note("robot a is silent"))
    loading.note(Note("it is silent"))
    assert [note.text for note in loading.notices] == ["robot a is silent", "robot a: it is silent"]
