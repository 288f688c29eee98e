"""What can be asked of `rrbridge record`, on the command line and in a settings file."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rich_click as click
from scripted_session import CAMERA, CHATTER, FakeSession, payloads_of, recorded

from rrbridge.errors import FileError, RecorderError
from rrbridge_bridge.commands._units import BYTES_PER_UNIT, SIZE, seconds
from rrbridge_bridge.commands.record import record
from rrbridge_bridge.live.qos_overrides import QosProfile
from rrbridge_bridge.live.source import UNKNOWN, Received
from rrbridge_bridge.raw import RawBatch
from rrbridge_bridge.record.backlog import DropPolicy
from rrbridge_bridge.record.places import place_of
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


def test_what_is_to_survive_a_power_cut_soon_is_written_soon() -> None:
    options = [parsed("-a", "--sync", text).recorder_options() for text in ("1s", "200ms", "10s")]
    assert [(o.flush_secs, o.sync_secs) for o in options] == [(1.0, 1.0), (0.2, 0.2), (1.0, 10.0)]


def test_topics_may_be_named_as_ros2_bag_has_it(tmp_path: Path) -> None:
    assert parsed("--topics", "/tf", "/scan", "-x", "a") == parsed("/tf", "/scan", "-x", "a")
    assert parsed("/tf", "--topics", "/scan") == parsed("/tf", "/scan")
    path = tmp_path / "record.yaml"
    path.write_text("topics: [/odom]\n")
    assert parsed("--config", str(path)).topics == ("/odom",)
    assert parsed("--config", str(path), "--topics", "/tf").topics == ("/tf",)


def test_a_snapshot_holds_a_time_or_a_size_or_both() -> None:
    def held(*arguments: str) -> tuple[float | None, int | None]:
        options = parsed("-a", *arguments).recorder_options()
        return options.snapshot_secs, options.snapshot_bytes

    assert held() == (None, None)
    assert held("--snapshot", "30s") == (30.0, 512_000_000)
    assert parsed("-a", "--snapshot", "1m", "--snapshot", "500MB").held == "60 s or 500 MB"
    assert held("--snapshot", "500MB") == (None, 500_000_000)
    assert held("--snapshot", "2GiB", "--snapshot", "1m") == (60.0, 2 << 30)
    assert held("--snapshot", "500M") == held("--snapshot", "500MB"), "not five hundred minutes"
    assert held("--snapshot", "2m") == (120.0, 512_000_000)
    for text in ("much", "0", "10x"):
        with pytest.raises(click.BadParameter, match="neither a time, as 30s, nor a size, as 500MB"):
            held("--snapshot", text)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--snapshot", "30s", "--max-size", "1GB"], "each snapshot is a file"),
        (["--keep-files", "3"], "need parts"),
        (["--trigger-topic", "/t"], "give --snapshot"),
        (["--snapshot-at-end"], "give --snapshot"),
    ],
)
def test_what_has_no_meaning_together_is_refused(wrong: list[str], said: str) -> None:
    with pytest.raises(click.UsageError, match=said):
        parsed("-a", *wrong).recorder_options()


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        (["-o", "run.rrd"], ["run.rrd"]),
        (["-o", "run.mcap"], ["run.mcap"]),
        (["-o", "run.rrd", "-o", "run.mcap"], ["run.rrd", "run.mcap"]),
        (["-o", "run.mcap", "--format", "rrd,mcap"], ["run.mcap", "run.rrd"]),
        (["-o", "logs", "-s", "mcap"], ["logs/TIME.mcap"]),
        (["-o", "logs/"], ["logs/TIME.rrd"]),
        (["-o", "logs_2026.01.31"], ["logs_2026.01.31/TIME.rrd"]),
        (["--format", "mcap", "--format", "rrd"], ["TIME.mcap", "TIME.rrd"]),
        ([], ["TIME.rrd"]),
    ],
)
def test_the_output_is_a_file_or_a_folder_of_one_kind_or_several(arguments: list[str], files: list[str]) -> None:
    paths = parsed("-a", *arguments).place().paths
    assert [re.sub(r"rrbridge_\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d", "TIME", str(path)) for path in paths] == files


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "a.rrd", "-o", "b.mcap"], "a.rrd and b.mcap: .* one name"),
        (["-o", "run.bag"], r"run.bag: a recording is called .rrd or .mcap"),
        (["-o", "e.txt"], r"e.txt: a recording is called .rrd or .mcap"),
        (["-o", "a.rrd", "-o", "logs"], "one name"),
        (["--format", "db3"], "there are rrd, mcap"),
        (["-o", "a.rrd", "--format", "mcap"], "names a .rrd"),
        (["--no-raw", "--no-decode"], "nothing would be recorded"),
        (["--no-raw", "-o", "a.mcap"], "leaves nothing"),
        (["-o", "a.rrd", "--compression", "zstd"], "no zstd"),
    ],
)
def test_outputs_that_contradict_each_other_are_refused(arguments: list[str], said: str) -> None:
    settings = parsed("-a", *arguments)
    with pytest.raises(click.UsageError, match=said):
        settings.outputs(settings.place().formats, lambda maker: maker)


def test_a_folder_that_is_there_may_be_called_anything(tmp_path: Path) -> None:
    (tmp_path / "my.robot").mkdir()
    assert parsed("-a", "-o", str(tmp_path / "my.robot")).place().stem.parent == tmp_path / "my.robot"


def test_only_the_last_folder_is_made_and_nothing_is_overwritten(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place_of([tmp_path / "new" / "run.rrd"], ()).prepare()
    assert (tmp_path / "new").is_dir()
    with pytest.raises(FileError, match="No such file"):
        place_of([tmp_path / "gone" / "disk" / "run.rrd"], ()).prepare()
    (tmp_path / "run.mcap").write_bytes(b"precious")
    for arguments in (["--format", "rrd,mcap"], ["-o", str(tmp_path / "run.mcap")]):
        with pytest.raises(RecorderError, match=r"run\.mcap exists already"):
            recorded(monkeypatch, FakeSession(), tmp_path / "run.rrd", "-a", *arguments)
    assert not (tmp_path / "run.rrd.active").exists()


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
storage: rrd,mcap
split: {size: 2GB, duration: 5m}
keep:
  files: 10
  size: 50GB
metadata: {site: hall 3, shift: 2}
"""


def test_a_settings_file_takes_what_the_command_line_takes(tmp_path: Path) -> None:
    assert configured(tmp_path, EVERYTHING) == parsed(
        *("/tf", "/scan", "-x", "^/rosout", "--exclude-topic-types", "sensor_msgs/Image", "--include-hidden"),
        *("--duration", "5400", "--limit", "5", "--throttle", "/imu=10", "--throttle", "/scan=0.5"),
        *("--drop", "/camera=newest", "--min-free", "1000000000", "--source", "rclpy"),
        *("--format", "rrd,mcap", "--max-size", "2GB", "--max-bag-duration", "300", "--keep-files", "10"),
        *("--keep-size", "50GB", "--metadata", "site=hall 3", "--custom-data", "shift=2"),
    )
    assert configured(tmp_path, EVERYTHING, "/other", "--duration", "3s").topics == ("/other",)
    assert configured(tmp_path, "topics: /one\nregex: a\n") == parsed("/one", "-e", "a")
    grouped = configured(
        tmp_path, "all: true\nsnapshot: {duration: 30s, size: 1GB, trigger_topic: /oops, at_end: true}\n"
    )
    asked = ("--snapshot", "30s", "--snapshot", "1GB", "--trigger-topic", "/oops", "--snapshot-at-end")
    assert grouped == parsed("-a", *asked)
    assert configured(tmp_path, "all: true\nsnapshot: 30s\n") == parsed("-a", "--snapshot", "30s")


def test_profiles_stand_in_a_file_of_their_own_or_in_the_settings(tmp_path: Path) -> None:
    profiles = "/imu: {reliability: best_effort, depth: 7}\n"
    (tmp_path / "qos.yaml").write_text(profiles)
    expected = {"/imu": QosProfile(reliability="best_effort", depth=7)}
    for settings in (
        parsed("-a", "--qos-profile-overrides-path", str(tmp_path / "qos.yaml")),
        configured(tmp_path, f"all: true\nqos_overrides:\n  {profiles}"),
        configured(tmp_path, f"all: true\nqos_profile_overrides_path: {tmp_path / 'qos.yaml'}\n"),
    ):
        assert settings.source_options("").qos_overrides == expected
    with pytest.raises(click.BadParameter, match="reliabilty; known are"):
        configured(tmp_path, "all: true\nqos_overrides: {/imu: {reliabilty: reliable}}\n")
    with pytest.raises(click.BadParameter, match="No such file"):
        parsed("-a", "--qos-profile-overrides-path", str(tmp_path / "gone.yaml"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour: red", "unknown: colour; known are .*exclude-types.*topics"),
        ("duration: red", "'red' is no duration"),
        ("throttle: {/imu: fast}", "'fast' is no rate"),
        ("drop: [/imu]", "record.yaml: drop: '/imu' is not TOPIC=WHAT"),
        ("metadata: [site]", "record.yaml: metadata: 'site' is not KEY=VALUE"),
        ("all: sometimes", "not a valid boolean"),
        ("split: {length: 3}", "split: unknown: length; known are size, duration"),
        ("split: 3", "split: not a list of `option: value`; known are size, duration"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_is_known(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(click.BadParameter, match=said):
        configured(tmp_path, text)


def test_a_wrong_setting_is_refused_though_the_command_line_has_another(tmp_path: Path) -> None:
    with pytest.raises(click.BadParameter, match=r"record.yaml: duration: 'red' is no duration"):
        configured(tmp_path, "all: true\nduration: red\n", "--duration", "3s")


def test_a_wrong_option_is_told_in_its_own_words() -> None:
    with pytest.raises(click.BadParameter, match="'novalue' is not KEY=VALUE"):
        parsed("-a", "--metadata", "novalue")
    with pytest.raises(click.BadParameter, match="'/imu' is not TOPIC=HZ"):
        parsed("-a", "--throttle", "/imu")


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


def test_a_limit_counts_what_is_kept_of_all_publishers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = FakeSession()
    other = replace(CHATTER, id=5, metadata={"callerid": "/other"})
    session.announce(CHATTER)
    session.announce(other)
    session.send(CHATTER, b"1", b"2")
    session.send(other, b"a", b"b", b"c", b"d")
    session.send(CHATTER, b"3")
    assert recorded(monkeypatch, session, tmp_path / "run.rrd", "-a", "--limit", "4", "--duration", "1h", "--json") == 0
    assert payloads_of(tmp_path / "run.rrd") == {"/chatter": [b"1", b"2", b"a", b"b"]}
    (chatter,) = last_line(capsys.readouterr().out)["topics"]
    assert chatter["received"] == chatter["written"] == 4


def test_what_is_throttled_or_paused_does_not_count_for_the_limit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = FakeSession()
    session.announce(CHATTER)
    batch = RawBatch.of(CHATTER, [bytes([i]) for i in range(40)], np.arange(40) * 10_000_000)
    nobody = np.full(40, UNKNOWN)
    session.tell(Received(batch, nobody, nobody))
    options = ("--throttle", "/chatter=10", "--limit", "3", "--duration", "1h", "--json")
    assert recorded(monkeypatch, session, tmp_path / "run.rrd", "-a", *options) == 0
    assert payloads_of(tmp_path / "run.rrd") == {"/chatter": [b"\0", b"\x0a", b"\x14"]}
    (chatter,) = last_line(capsys.readouterr().out)["topics"]
    assert (chatter["received"], chatter["throttled"], chatter["written"]) == (21, 18, 3)


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
