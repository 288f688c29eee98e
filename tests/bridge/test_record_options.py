"""What can be asked of `rrbridge record`, on the command line and in a settings file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import rich_click as click
from scripted_session import CAMERA, CHATTER, FakeSession, payloads_of, recorded

from rrbridge_bridge.commands._units import BYTES_PER_UNIT, SIZE, seconds
from rrbridge_bridge.commands.record import record
from rrbridge_bridge.record.backlog import DropPolicy
from rrbridge_bridge.record.settings import RecordSettings


def parsed(*arguments: str) -> RecordSettings:
    return RecordSettings(**record.make_context("record", list(arguments)).params)


def configured(tmp_path: Path, text: str, *arguments: str) -> RecordSettings:
    path = tmp_path / "record.yaml"
    path.write_text(text)
    return parsed("--config", str(path), *arguments)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90", 90),
        ("90s", 90),
        ("1h30m", 5400),
        ("1h 30m 15s", 5415),
        ("1.5 min", 90),
        ("500ms", 0.5),
        ("2d", 172800),
        ("1M", 60),
    ],
)
def test_durations_have_units(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "x", "5 x", "30m1h", "1h1h", "1h30", "inf", "nan", "-3s", "1e999"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        seconds(text)


def test_sizes_have_units() -> None:
    def size(text: object) -> int:
        return SIZE.convert(text, None, None)

    assert [size(text) for text in ("4096", 4096, "2GB", "500 MB", "1.5GiB", "1k", "1Kb")] == [
        4096,
        4096,
        2_000_000_000,
        500_000_000,
        3 << 29,
        1000,
        1000,
    ]
    assert all(size(f"1{unit}") == factor for unit, factor in BYTES_PER_UNIT.items())
    for text in ("", "GB", "2 QB", "-1", "0"):
        with pytest.raises(click.BadParameter):
            size(text)


@pytest.mark.parametrize("text", ["/imu", "=10", "/imu=", "/imu=x", "/imu=0", "/imu=-3"])
def test_a_rate_is_of_a_topic(text: str) -> None:
    with pytest.raises(click.UsageError):
        parsed("-a", "--throttle", text)


def test_each_topic_has_its_own_rate_and_policy() -> None:
    options = parsed(
        "-a", "--throttle", "/imu=10", "--throttle", "/scan=0.5Hz", "--drop", "camera=newest", "--drop", "/odom=never"
    ).recorder_options()
    assert options.throttle_hertz == {"/imu": 10.0, "/scan": 0.5}
    assert options.drop == {"camera": DropPolicy.NEWEST, "/odom": DropPolicy.NEVER}
    with pytest.raises(click.UsageError, match="regular expression"):
        parsed("-a", "--drop", "(=never").recorder_options()
    with pytest.raises(click.BadParameter, match="sometimes"):
        parsed("-a", "--drop", "/odom=sometimes")


EVERYTHING = """
topics: [/tf, /scan]
exclude_regex: ^/rosout
exclude-types: [sensor_msgs/Image]
include_hidden_topics: true
duration: 1h30m
limit: 5
throttle: {/imu: 10, /scan: 0.5}
drop:
  /camera: newest
min-free: 1GB
from: rclpy
"""


def test_a_settings_file_takes_what_the_command_line_takes(tmp_path: Path) -> None:
    assert configured(tmp_path, EVERYTHING) == parsed(
        *("/tf", "/scan", "-x", "^/rosout", "--exclude-topic-types", "sensor_msgs/Image", "--include-hidden"),
        *("--duration", "5400", "--limit", "5", "--throttle", "/imu=10", "--throttle", "/scan=0.5"),
        *("--drop", "/camera=newest", "--min-free", "1000000000", "--source", "rclpy"),
    )
    assert configured(tmp_path, EVERYTHING, "/other", "--duration", "3s").topics == ("/other",)
    assert configured(tmp_path, "topics: /one\nregex: a\n") == parsed("/one", "-e", "a")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour: red", "unknown: colour; known are .*exclude-types.*topics"),
        ("duration: red", "'red' is no duration"),
        ("throttle: {/imu: fast}", "'fast' is no rate"),
        ("drop: [/imu]", "is not TOPIC="),
        ("all: sometimes", "not a valid boolean"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_is_known(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(click.BadParameter, match=said):
        configured(tmp_path, text)


def heard() -> FakeSession:
    session = FakeSession()
    session.announce(CHATTER)
    session.announce(CAMERA)
    session.send(CHATTER, b"1", b"2", b"3")
    session.send(CHATTER, b"4", b"5")
    session.send(CAMERA, b"a", b"b", b"c", b"d")
    session.send(CHATTER, b"6")
    return session


def last_line(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text.splitlines()[-1])
    assert found["event"] == "end"
    return found


def test_a_limit_takes_the_first_messages_of_each_topic_and_ends_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.rrd"
    assert recorded(monkeypatch, heard(), path, "-a", "--limit", "4", "--duration", "1h", "--json") == 0
    assert payloads_of(path) == {"/chatter": [b"1", b"2", b"3", b"4"], "/camera": [b"a", b"b", b"c", b"d"]}
    assert {topic["received"] for topic in last_line(capsys.readouterr().out)["topics"]} == {4}


def test_topics_are_chosen_by_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    session = FakeSession()
    session.discover("/chatter", "std_msgs/msg/String")
    session.discover("/camera", "sensor_msgs/msg/Image")
    recorded(monkeypatch, session, tmp_path / "run.rrd", "--topic-types", "sensor_msgs/Image")
    assert session.asked == [("/camera", "sensor_msgs/msg/Image")]


def test_a_recording_that_starts_paused_keeps_latched_messages_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = FakeSession()
    session.announce(CHATTER)
    session.announce(CAMERA, latched=True)
    session.send(CHATTER, b"1", b"2")
    session.send(CAMERA, b"a")
    recorded(monkeypatch, session, tmp_path / "run.rrd", "-a", "--start-paused", "--json")
    assert payloads_of(tmp_path / "run.rrd") == {"/camera": [b"a"]}
    counts = {topic["topic"]: topic["paused"] for topic in last_line(capsys.readouterr().out)["topics"]}
    assert counts == {"/chatter": 2, "/camera": 0}


def test_throttled_messages_are_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(monkeypatch, heard(), tmp_path / "run.rrd", "-a", "--throttle", "/chatter=0.01", "--json")
    assert payloads_of(tmp_path / "run.rrd")["/camera"] == [b"a", b"b", b"c", b"d"]
    (chatter,) = (topic for topic in last_line(capsys.readouterr().out)["topics"] if topic["topic"] == "/chatter")
    assert chatter["throttled"] + chatter["written"] == chatter["received"] == 6
    assert chatter["throttled"] >= 4  # one of each 100 s; the clock may pass a bound
