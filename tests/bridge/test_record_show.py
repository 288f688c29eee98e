"""What a person, or a program, sees while recording."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from rrbridge_bridge.format import size
from rrbridge_bridge.live.source import Notice, Severity
from rrbridge_bridge.record.counters import TopicState
from rrbridge_bridge.record.disk import Disk, DiskMeter
from rrbridge_bridge.record.recorder import Outcome, Snapshot
from rrbridge_bridge.record.show import JsonShow, LiveShow, MutedOnFailure, PlainShow, Show, closing_table
from rrbridge_bridge.record.status import Rate, Status, StatusMeter, head_lines, headline

WARNING = Notice(Severity.WARNING, "3 messages were lost", "/camera")


def snapshot(elapsed_secs: float, received: int, lost: int | None = 3) -> Snapshot:
    topics = (
        TopicState("/camera", "sensor_msgs/msg/Image", received, 1_000_000 * received, lost, 7, received - 7, 2, 123),
        TopicState("/imu", "sensor_msgs/msg/Imu", 10, 3000, None, 0, 10, 0, 456),
    )
    return Snapshot(elapsed_secs, topics, 5_000_000, 1_000, 1_000_000, disk_free_bytes=2_000_000_000)


def shown(show: Show) -> None:
    show.begin([Path("run.rrd")], "rclpy, domain 0")
    show.notice(WARNING)
    rates = StatusMeter(DiskMeter(0))
    for second in range(12):
        status = rates.look(snapshot(second, 30 * second), "paused" if second == 11 else "recording")
        show.status(replace(status, disk=Disk(2_000_000_000, 3700.0)))
    show.end(Outcome(snapshot(12, 360), "", finished=True, paths=(Path("run.rrd"),)))


def test_rates_are_those_of_the_last_seconds() -> None:
    meter = StatusMeter(DiskMeter(0))
    for second, received in [(0, 0), (1, 10), (2, 20), (3, 20), (4, 20), (5, 20)]:
        status = meter.look(snapshot(second, received), "recording")
    camera = status.snapshot.topics[0]
    assert status.rate_of(camera) == Rate(0, 0)
    assert meter.look(snapshot(6, 80), "recording").rate_of(camera) == Rate(30, 30_000_000)


def test_it_is_told_for_how_long_the_disk_lasts() -> None:
    meter = DiskMeter(min_free_bytes=1_000_000)
    assert meter.look(0, 0, None) is None
    assert meter.look(1, 0, 101_000_000) == Disk(101_000_000, None), "nothing is known of the rate yet"
    assert meter.look(10, 50_000_000, 101_000_000) == Disk(101_000_000, 20.0)
    assert meter.look(12, 60_000_000, 900_000) == Disk(900_000, 0.0)
    for second in range(13, 40):
        idle = meter.look(second, 60_000_000, 900_000)
    assert idle == Disk(900_000, None)
    ring = DiskMeter(0, is_ring=True)
    ring.look(0, 0, 101_000_000)
    assert ring.look(10, 50_000_000, 101_000_000) == Disk(101_000_000, None)


@pytest.mark.parametrize("terminal", [True, False])
def test_topics_rates_sizes_and_losses_are_shown(terminal: bool) -> None:
    out = io.StringIO()
    console = Console(file=out, width=120, height=30, force_terminal=terminal, color_system=None)
    shown(LiveShow(console) if terminal else PlainShow(console))
    text = out.getvalue()
    assert "recording run.rrd from rclpy, domain 0" in text
    assert "warning: /camera 3 messages were lost" in text
    assert "2 topics" in text
    assert "lost 3 (some unknown)" in text
    assert "dropped 7" in text
    assert "waiting 1.0 kB of 1.0 MB" in text
    assert "disk 2.0 GB free, enough for 1 h 01 min" in text
    assert ("paused · 0:11" in text) == terminal
    assert ("30.0 MB/s" in text) == terminal
    assert "run.rrd: 5.0 MB in 12.0 s" in text
    assert terminal or text.count("lost 3 (some unknown)") == 2, "a log gets a line every few seconds"


def test_the_line_below_the_table_is_broken_where_the_terminal_ends() -> None:
    status = Status(snapshot(3, 100), "paused", disk=Disk(2_000_000_000, None))
    for width in (20, 60, 100, 500):
        lines = head_lines(status, width)
        assert " · ".join(lines) == headline(status)
        assert max(map(len, lines)) <= max(width, 25)


def test_json_lines_are_a_program_s_view() -> None:
    out = io.StringIO()
    shown(JsonShow(out))
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["begin", "notice", *["status"] * 12, "end"]
    assert lines[-1]["finished"] is True
    status = lines[7]
    assert (status["state"], status["disk_free_bytes"], status["secs_until_full"]) == ("recording", 2_000_000_000, 3700)
    assert (status["topics"][0]["hertz"], status["topics"][0]["bytes_per_sec"]) == (30, 30_000_000)
    assert lines[-2]["state"] == "paused"
    assert lines[-1]["topics"][1]["lost"] is None


def test_the_terminal_has_its_cursor_back_whatever_happens() -> None:
    out = io.StringIO()
    show = LiveShow(Console(file=out, width=120, height=30, force_terminal=True))
    show.begin([Path("run.rrd")], "fake")
    assert out.getvalue().endswith("\x1b[?25l")
    show.close()
    show.close()
    assert out.getvalue().count("\x1b[?25h") == 1


class Gone(io.StringIO):
    """A terminal that went away."""

    def write(self, _: str) -> int:
        raise OSError(5, "Input/output error")


def test_a_terminal_that_went_away_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())
    shown(MutedOnFailure(JsonShow(Gone())))


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2.5e9, "2.5 GB"), (3e15, "3000.0 TB")]
)
def test_sizes_are_read_by_people(count: float, text: str) -> None:
    assert size(count) == text


def test_a_topic_that_was_found_late_is_not_said_to_be_slow() -> None:
    """The mean is from its first message to the end, and falls if it stopped early."""
    second = 10**9
    late = TopicState("/late", "a/B", 51, 0, 0, 0, 51, 0, 10 * second, first_time_nanos=5 * second)
    stopped = TopicState("/stopped", "a/B", 51, 0, 0, 0, 51, 0, 5 * second, first_time_nanos=1)
    once = TopicState("/once", "a/B", 1, 0, 0, 0, 1, 0, second, first_time_nanos=second)
    out = io.StringIO()
    taken = Snapshot(12.0, (late, stopped, once), 1, 0, 1)
    closing_table(Console(file=out, width=120), Outcome(taken, "", finished=True, paths=()))
    means = {cells[0]: cells[5] for cells in map(str.split, out.getvalue().splitlines()) if cells[0].startswith("/")}
    assert means == {"/late": "10.0", "/stopped": "5.0", "/once": "0.0"}


@pytest.mark.parametrize("terminal", [True, False])
def test_that_snapshots_write_nothing_yet_is_told_at_the_start(terminal: bool) -> None:
    out = io.StringIO()
    console = Console(file=out, width=120, force_terminal=terminal, color_system=None)
    show = LiveShow(console) if terminal else PlainShow(console)
    show.begin([Path("run_0000.rrd")], "fake", "30 s or 500 MB")
    show.close()
    assert "holding the last 30 s or 500 MB of fake in memory, for run_0000.rrd" in out.getvalue()
    assert ("s writes it" in out.getvalue()) == terminal
    assert "recording" not in out.getvalue()


def test_a_topic_of_which_nothing_came_puts_no_loss_in_doubt() -> None:
    silent = TopicState("/rosout", "a/B", 0, 0, None, 0, 0, 0, None)
    counted = TopicState("/imu", "a/B", 5, 0, 0, 0, 5, 0, 1)
    taken = Snapshot(1.0, (silent, counted), 1, 0, 1)
    text = headline(StatusMeter(DiskMeter(0)).look(taken, "recording"))
    assert "lost 0" in text
    assert "unknown" not in text
