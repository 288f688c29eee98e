"""What a person, or a program, sees while recording."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from rrbridge_bridge.format import size
from rrbridge_bridge.live.source import Notice, Severity
from rrbridge_bridge.record.counters import TopicState
from rrbridge_bridge.record.recorder import Outcome, Snapshot
from rrbridge_bridge.record.show import JsonShow, LiveShow, MutedOnFailure, PlainShow, Rates, Show

WARNING = Notice(Severity.WARNING, "3 messages were lost", "/camera")


def snapshot(elapsed_secs: float, received: int, lost: int | None = 3) -> Snapshot:
    topics = (
        TopicState("/camera", "sensor_msgs/msg/Image", received, 1_000_000 * received, lost, 7, received - 7, 2, 123),
        TopicState("/imu", "sensor_msgs/msg/Imu", 10, 3000, None, 0, 10, 0, 456),
    )
    return Snapshot(elapsed_secs, topics, 5_000_000, 1_000, 1_000_000)


def shown(show: Show) -> None:
    show.begin(Path("run.rrd"), "rclpy, domain 0")
    show.notice(WARNING)
    for second in range(12):
        show.status(snapshot(second, 30 * second))
    show.end(Outcome(snapshot(12, 360), "", finished=True, path=Path("run.rrd")))


def test_rates_are_those_of_the_last_seconds() -> None:
    rates = Rates()
    for second, received in [(0, 0), (1, 10), (2, 20), (3, 20), (4, 20), (5, 20)]:
        rates.update(snapshot(second, received))
    camera = snapshot(5, 20).topics[0]
    assert rates.of(camera) == (0, 0)
    rates.update(snapshot(6, 80))
    assert rates.of(camera) == (30, 30_000_000)


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
    assert ("30.0 MB/s" in text) == terminal
    assert "run.rrd: 5.0 MB in 12.0 s" in text
    assert terminal or text.count("lost 3 (some unknown)") == 2, "a log gets a line every few seconds"


def test_json_lines_are_a_program_s_view() -> None:
    out = io.StringIO()
    shown(JsonShow(out))
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["begin", "notice", *["status"] * 12, "end"]
    assert lines[-1]["finished"] is True
    assert lines[-1]["topics"][1]["lost"] is None


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
