"""`rrbridge tf` as a person runs it: the tree, a transform, and why there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mcap.writer import Writer

import rrbridge as rr
from rrbridge_bridge.cli import main

START_SECS = 1_700_000_000


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A base that drives a metre per second for ten seconds, with a camera on it, and one that looks backwards."""
    path = tmp_path / "run.rrd"
    stream = rr.RecordingStream("robot", recording_id="run")
    stream.save(path)
    camera = rr.Transform3D(translation=[0, 0, 1], parent_frame="base", child_frame="camera")
    stream.log("tf_static/camera", camera, static=True)
    turned = rr.Transform3D(quaternion=[0, 0, 1, 0], parent_frame="base", child_frame="rear", scale=2)
    stream.log("tf_static/rear", turned, static=True)
    for i in range(11):
        stream.set_time("message_log_time", timestamp=START_SECS + i)
        stream.set_time("frame_nr", sequence=i)
        stream.log("tf", rr.Transform3D(translation=[i, 0, 0], parent_frame="map", child_frame="base"))
    stream.disconnect()
    return path


def printed(capsys: Any, *arguments: str, code: int = 0) -> str:
    assert main(["tf", *arguments]) == code
    out = capsys.readouterr()
    return str(out.err if code else out.out)


def test_the_tree(recording: Path, capsys: Any) -> None:
    lines = printed(capsys, str(recording)).splitlines()
    assert lines[0].startswith("frames at 2023-11-14T22:13:30Z on message_log_time")
    assert [line.split("  /")[0].rstrip() for line in lines[1:]] == [
        "map",
        "└── base",
        "    ├── camera",
        "    └── rear",
    ]
    assert "/tf         1 Hz    11 rows  0.000 s … 10.000 s  longest gap 1.000 s" in lines[2]
    assert lines[3].split()[-2:] == ["/tf_static", "static"]
    document = json.loads(printed(capsys, str(recording), "--json", "--timeline", "frame_nr", "--at", "3"))
    assert document["time"] == 3
    assert document["parents"] == {"base": "map", "camera": "base", "map": None, "rear": "base", "tf#/": None}
    base = document["edges"][0]
    assert (base["child"], base["first"], base["last"], base["rate_hz"]) == ("base", 0, 10, None)
    yaml = pytest.importorskip("yaml").safe_load(printed(capsys, str(recording), "--yaml"))
    assert yaml["base"] == {
        "parent": "map",
        "broadcaster": "/tf",
        "rate": 1.0,
        "most_recent_transform": START_SECS + 10,
        "oldest_transform": START_SECS,
        "buffer_length": 10,
    }
    assert yaml["camera"] == {"parent": "base", "broadcaster": "/tf_static", "is_static": True}


def test_a_transform(recording: Path, capsys: Any) -> None:
    found = json.loads(printed(capsys, str(recording), "map", "camera", "--at", "+3.5s", "--json"))
    assert found["translation"] == [3.5, 0, 1]
    assert found["chain"] == ["map", "base", "camera"]
    assert found["time"] == START_SECS * 10**9 + 3_500_000_000
    assert json.loads(printed(capsys, str(recording), "map", "camera", "--at", "+3.5s", "--latest", "--json"))[
        "translation"
    ] == [3, 0, 1]
    text = printed(capsys, str(recording), "map", "rear")
    assert "rear in map at 2023-11-14T22:13:30Z" in text
    assert "0.000   0.000 180.000°" in text
    assert "scaled by" in text
    assert "map → base → rear" in text
    assert "held" not in text
    late = printed(capsys, str(recording), "map", "camera", "--at", "+12.5s")
    assert "held            base: its last transform is 2.5 s before that time" in late
    assert "at 4 on frame_nr" in printed(capsys, str(recording), "map", "base", "--timeline", "frame_nr", "--at", "+4")


def test_why_there_is_none_in_the_words_of_tf2(recording: Path, capsys: Any) -> None:
    told = printed(capsys, str(recording), "map", "camara", code=1)
    assert '"camara" passed to lookupTransform argument source_frame does not exist.' in told
    assert "→ perhaps camera is meant" in told
    told = printed(capsys, str(recording), "map", "camera", "--at", "+12s", "--limit", "0.5", code=1)
    assert "Lookup would require extrapolation 2 s into the future." in told
    assert "the latest data is at time 2023-11-14T22:13:30Z" in told
    assert "→ ask for a time from 2023-11-14T22:13:20Z to 2023-11-14T22:13:30Z" in told
    told = printed(capsys, str(recording), "map", "camera", "--at", "1000", code=1)
    assert "extrapolation 1699999000 s into the past" in told


def test_trees_that_are_not_connected(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "apart.rrd"
    stream = rr.RecordingStream("robot", recording_id="apart")
    stream.save(path)
    for parent, child in (("map", "base"), ("world", "dock")):
        transform = rr.Transform3D(translation=[0, 0, 1], parent_frame=parent, child_frame=child)
        stream.log(f"tf_static/{child}", transform, static=True)
    stream.disconnect()
    told = printed(capsys, str(path), "base", "dock", code=1)
    assert "Could not find a connection between 'base' and 'dock' because they are not part of the same tree." in told
    assert "base is below map, dock is below world" in told
    assert "→ a transform from one of" in told


def test_what_says_nothing_of_frames_is_not_missed(tmp_path: Path, capsys: Any) -> None:
    """A topic whose definition is not known costs no transform."""
    path = tmp_path / "run.mcap"
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start("ros2", "test")
        unknown = writer.register_channel("/own", "cdr", writer.register_schema("my_msgs/msg/Own", "", b""))
        text = b"geometry_msgs/TransformStamped[] transforms"
        known = writer.register_channel("/tf", "cdr", writer.register_schema("tf2_msgs/msg/TFMessage", "ros2msg", text))
        writer.add_message(unknown, 1, b"\0\1\0\0\1\0\0\0", 1)
        writer.add_message(known, 1, b"\0\1\0\0\0\0\0\0", 1)
        writer.finish()  # type: ignore[no-untyped-call]
    assert "nothing says where a frame is" in printed(capsys, str(path))


def test_why_there_is_none(recording: Path, capsys: Any) -> None:
    told = printed(capsys, str(recording), "map", "camara", code=1)
    assert "there is no frame camara; near it: camera" in told
    told = printed(capsys, str(recording), "map", "camera", "--at", "+12s", "--limit", "0.5", code=1)
    assert "base at 2023-11-14T22:13:30Z is 2 s old at 2023-11-14T22:13:32Z" in told
    assert "the limit is 0.5 s" in told
    assert "one of frame_nr, log_time, message_log_time, got clock" in printed(
        capsys, str(recording), "--timeline", "clock", code=1
    )
    assert "Name both frames" in printed(capsys, str(recording), "map", code=2)
    assert "there is no recording other; it holds run" in printed(
        capsys, str(recording), "--recording", "other", code=1
    )
    assert "a whole number" in printed(capsys, str(recording), "--timeline", "frame_nr", "--at", "noon", code=1)


def test_a_torn_recording_is_told_once(recording: Path, capsys: Any, caplog: pytest.LogCaptureFixture) -> None:
    recording.write_bytes(recording.read_bytes()[:-40])
    assert main(["tf", str(recording)]) == 3
    out = capsys.readouterr()
    assert "base" in out.out
    assert out.err.startswith("data is missing: left out from byte")
    assert out.err.count("left out from byte") == 1
    assert not caplog.messages


def test_a_recording_without_frames(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "log.rrd"
    stream = rr.RecordingStream("robot")
    stream.save(path)
    stream.log("imu", rr.Scalars([1.0]))
    stream.disconnect()
    assert printed(capsys, str(path)) == "nothing says where a frame is\n"


@pytest.mark.real_data
def test_a_bag(shared_data: Path, capsys: Any) -> None:
    bag = shared_data / "cruise-automation+rosbag.js" / "example.bag"
    text = printed(capsys, str(bag))
    assert [line.split()[1] for line in text.splitlines()[2:]] == ["turtle1", "└──", "turtle2"]
    assert "62.5 Hz" in text
    found = json.loads(
        printed(capsys, str(bag), "turtle1", "turtle2", "--timeline", "ros1_timestamp", "--at", "+10s", "--json")
    )
    assert found["chain"] == ["turtle1", "world", "turtle2"]


@pytest.mark.real_data
def test_a_recording_made_of_a_bag_says_the_same(shared_data: Path, tmp_path: Path, capsys: Any) -> None:
    bag = shared_data / "cruise-automation+rosbag.js" / "example.bag"
    for options in ([], ["--raw"], ["--fields", "none"]):
        made = tmp_path / f"{len(options)}{options[-1:]}.rrd"
        assert main(["convert", str(bag), "-o", str(made), *options]) in (0, 3)
        capsys.readouterr()
        assert printed(capsys, str(made)) == printed(capsys, str(bag))
