"""`rrbridge info` as a person runs it, against what `rosbags` reads of the same recordings."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from mcap.writer import CompressionType, Writer
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

import rrbridge as rr
from rrbridge_bridge.commands.info import info
from rrbridge_bridge.readers._indexed import RecordSizes
from rrbridge_bridge.readers.mcap import McapReader

RECORDINGS = [
    "locusrobotics+fuse/turtlebot3.bag",
    "jsk-ros-pkg+jsk_recognition/watercan.bag",
    "cruise-automation+rosbag.js/example-lz4.bag",
    "Surya-Sriramoju+gazebo_walker/rosbag",
    "ros2+rosbag2/wbag",
    "rerun-io+rerun/rosbag2_2025_09_10-13_03_56_0.mcap",
    "thelonesomeprogrammer+p4/pitch0bag",
]
SLACK = 0.1
"""Sizes by an index count what stands between messages too: descriptions of connections, in small files a good part."""


def shown(*arguments: str | Path) -> str:
    done = CliRunner().invoke(info, list(map(str, arguments)), standalone_mode=False)
    if done.exception:
        raise done.exception
    return str(done.stdout)


def document(*arguments: str | Path) -> dict[str, Any]:
    (found,) = json.loads(shown(*arguments, "--json"))
    return dict(found)


def read(path: Path) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """Time and size of each message, by topic and type, as `rosbags` reads them."""
    found: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    with AnyReader([path], default_typestore=get_typestore(Stores.ROS2_HUMBLE)) as reader:
        for connection, time, data in reader.messages():
            found[connection.topic, connection.msgtype].append((time, len(data)))
    return found


@pytest.mark.real_data
@pytest.mark.parametrize("name", RECORDINGS)
def test_figures_are_those_of_all_messages(shared_data: Path, name: str) -> None:
    path = shared_data / name
    messages = read(path)
    quick, exact = document(path), document(path, "--scan")
    assert quick["messages"] == exact["messages"] == sum(map(len, messages.values()))
    assert exact["sizes_are_exact"]
    for of in (quick, exact):
        topics = {(t["topic"], t["type"]): t for t in of["topics"]}
        for key, own in messages.items():
            topic = topics[key]
            assert topic["messages"] == len(own)
            times = np.sort([time for time, _ in own])
            nbytes = sum(size for _, size in own)
            assert (topic["start_nanos"], topic["end_nanos"]) == (times[0], times[-1])
            if of["sizes_are_exact"]:
                assert topic["bytes"] == nbytes
            else:
                assert abs(topic["bytes"] - nbytes) <= nbytes * SLACK + 4000
            if topic["connections"] == 1 and len(own) > 1 and not of["parts"]:
                assert topic["longest_gap_nanos"] == np.diff(times).max()


@pytest.mark.real_data
def test_frames_are_those_that_messages_name(shared_data: Path) -> None:
    path = shared_data / "Surya-Sriramoju+gazebo_walker/rosbag"
    frames = {topic["topic"]: topic["frames"] for topic in document(path, "--scan")["topics"]}
    assert frames["/scan"] == ["base_scan"]
    assert set(frames["/tf"]) == {"base_footprint", "odom", "base_link", "wheel_left_link", "wheel_right_link"}
    assert frames["/cmd_vel"] == []
    sampled = document(path)
    assert sampled["sampled_messages"] < 200
    for topic in sampled["topics"]:
        assert set(topic["frames"]) <= set(frames[topic["topic"]])
    assert {t["topic"]: t["definition"] for t in sampled["topics"]}["/performance_metrics"] == "missing"
    text = shown(path)
    assert "made by ros distro humble" in text
    assert "/robot_description (latched)" in text


@pytest.fixture
def mcap(tmp_path: Path) -> Path:
    """Three thousand messages on two topics in many chunks; the second topic begins in the last."""
    path = tmp_path / "run.mcap"
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=20_000, compression=CompressionType.NONE)
        writer.start("ros2", "maker 1")
        definition = (
            b"std_msgs/Header header\n"
            + b"=" * 80
            + b"\nMSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n"
        )
        schema = writer.register_schema("my_msgs/msg/Stamped", "ros2msg", definition)
        often, late = (writer.register_channel(topic, "cdr", schema) for topic in ("/often", "/late"))

        def payload(frame: bytes) -> bytes:
            return b"\0\1\0\0" + bytes(8) + (len(frame) + 1).to_bytes(4, "little") + frame + b"\0"

        for i in range(3000):
            writer.add_message(often, i * 10**7, payload(b"lidar"), i * 10**7, i)
        writer.add_message(late, 3 * 10**10, payload(b"camera"), 3 * 10**10, 0)
        writer.add_attachment(1, 2, "robot.yaml", "text/yaml", b"name: r2")
        writer.add_metadata("run", {"operator": "Ada"})
        writer.finish()  # type: ignore[no-untyped-call]
    return path


def test_messages_are_not_read(mcap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all payloads but the first and last overwritten, everything but frames stays as it was."""
    before = document(mcap)
    assert before["messages"] == 3001
    assert {t["topic"]: t["frames"] for t in before["topics"]} == {"/often": ["lidar"], "/late": ["camera"]}
    with McapReader(mcap) as reader:
        assert reader.index is not None
        chunks = reader.index.chunks
    data = bytearray(mcap.read_bytes())
    for chunk in chunks:
        data[chunk.start + 60 : chunk.start + chunk.length] = bytes(chunk.length - 60)
    mcap.write_bytes(data)
    after = document(mcap)
    for part in (before, after):
        part["notes"], part["sampled_messages"] = [], 0
        for topic in part["topics"]:
            topic["frames"] = []
    assert after == before


def test_what_else_is_in_the_file_and_who_made_it(mcap: Path) -> None:
    found = document(mcap)
    assert found["made_by"] == {"library": found["made_by"]["library"], "profile": "ros2"}
    assert "maker 1" in found["made_by"]["library"]
    assert [c["codec"] for c in found["compression"]] == ["none"]
    assert found["attachments"] == [{"name": "robot.yaml", "media_type": "text/yaml", "bytes": 8, "log_time_nanos": 2}]
    assert found["metadata"] == {"run": {"operator": "Ada"}}
    assert found["topics"][0]["definition"] == "recorded"
    text = shown(mcap, mcap)
    assert text.count("attachment robot.yaml (text/yaml), 8 B") == 2
    assert "metadata run: operator=Ada" in text


def test_a_topic_that_begins_late_is_found_by_the_index(mcap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rrbridge_bridge.inspect import sample
    from rrbridge_bridge.readers import _chunks

    monkeypatch.setattr(_chunks, "GROUP_BYTES", 1000)
    monkeypatch.setattr(sample, "FIRST_GROUPS", 1)
    assert {t["topic"]: t["frames"] for t in document(mcap)["topics"]} == {"/often": ["lidar"], "/late": ["camera"]}


def test_a_recording_of_chunks_tells_its_entities(tmp_path: Path) -> None:
    path = tmp_path / "own.rrd"
    stream = rr.RecordingStream("robot", recording_id="own")
    stream.save(path)
    stream.log("here", rr.TextDocument("hello"), static=True)
    for i in range(11):
        stream.set_time("clock", timestamp=1e9 + i)
        stream.log("speed", rr.Scalars([i]))
    stream.disconnect()
    found = document(path)
    entities = {e["entity_path"]: e for e in found["entities"]}
    assert entities["/speed"]["rows"] == 11
    assert entities["/speed"]["components"] == ["Scalars:scalars"]
    assert "clock" in entities["/speed"]["timelines"]
    assert entities["/here"]["static"]
    assert found["timelines"]["clock"] == {"kind": "timestamp", "start": 10**18, "end": 10**18 + 10**10}
    assert found["made_by"] == {"application_id": "robot", "recording_id": "own"}
    text = shown(path)
    assert "/speed" in text
    assert "static" in text


def test_a_file_that_cannot_be_read_does_not_hide_the_others(mcap: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.bag").touch()
    names = [mcap, tmp_path / "empty.bag", tmp_path / "nothing.bag", mcap]
    result = CliRunner().invoke(info, list(map(str, names)))
    assert result.exit_code == 1
    assert result.stdout.count(f"{mcap}  MCAP") == 2
    assert f"error: {tmp_path / 'empty.bag'}: is empty\n" in result.stderr
    assert f"error: {tmp_path / 'nothing.bag'}: no such file or folder\n" in result.stderr
    result = CliRunner().invoke(info, [*map(str, names), "--json"])
    assert [one["path"] for one in json.loads(result.stdout)] == [str(mcap)] * 2


def test_sizes_go_from_record_to_record() -> None:
    sizes = RecordSizes(10, {1: 7, 2: 20})
    assert sizes.of(np.array([2, 1, 1]), np.array([100, 0, 40]), 150).tolist() == [40, 30, 50 - 20]
    assert sizes.of(np.array([1, 2]), np.array([0, 40]), 90).tolist() == [30, 40], "both have been described"
