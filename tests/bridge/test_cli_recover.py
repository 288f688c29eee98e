"""`rrbridge recover` as a person runs it: exit codes, what is printed, what is left on disk."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap.writer import Writer

import rrbridge as rr
from rrbridge.rrd import RrdReader
from rrbridge_bridge.cli import main


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A finished recording in a folder whose name says that its files are broken on purpose."""
    folder = tmp_path / "damaged"
    folder.mkdir()
    path = folder / "run.rrd"
    recording = rr.RecordingStream("recover", recording_id="r")
    recording.save(path)
    for i in range(50):
        recording.set_time("frame", sequence=i)
        recording.log("points", rr.Points3D(np.full((20, 3), i)))
        recording.flush()
    recording.disconnect()
    return path


@pytest.fixture
def torn(whole: Path) -> Path:
    """The same, cut inside a chunk."""
    footer = RrdReader(whole).footer()
    assert footer is not None
    offsets, sizes = footer.manifests[0].byte_offsets, footer.manifests[0].byte_sizes
    whole.write_bytes(whole.read_bytes()[: int(offsets[-1]) + int(sizes[-1]) - 30])
    return whole


def test_a_torn_file_is_mended_beside_itself(torn: Path, capsys: Any) -> None:
    before = torn.read_bytes()
    assert main(["recover", str(torn)]) == 3
    printed = capsys.readouterr().out
    assert "data is lost" in printed
    assert "of /points" in printed
    assert torn.read_bytes() == before
    mended = torn.with_name("run.recovered.rrd")
    assert RrdReader(mended).footer() is not None
    assert sorted(p.name for p in torn.parent.iterdir()) == ["run.recovered.rrd", "run.rrd"]
    assert main(["recover", str(torn)]) == 1, "the output is there already"
    assert "--force" in capsys.readouterr().err
    assert main(["recover", str(torn), "--force"]) == 3


def test_only_a_lost_index_is_no_loss(whole: Path, capsys: Any) -> None:
    whole.write_bytes(whole.read_bytes()[:-40])
    assert main(["recover", str(whole), "-o", str(whole.with_name("out.rrd")), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["lossless"]
    assert [loss["data"] for loss in found["losses"]] == [False]


def test_in_place_keeps_what_was_there(torn: Path, capsys: Any) -> None:
    before = torn.read_bytes()
    torn.with_name("run.rrd.damaged").write_bytes(b"older backup")
    assert main(["recover", "--in-place", str(torn)]) == 3
    assert RrdReader(torn).footer() is not None
    assert torn.with_name("run.rrd.damaged").read_bytes() == b"older backup"
    assert torn.with_name("run.rrd.damaged.2").read_bytes() == before
    mended = torn.read_bytes()
    assert main(["recover", "--in-place", str(torn)]) == 0
    assert "nothing to mend" in capsys.readouterr().out
    assert torn.read_bytes() == mended
    assert len(list(torn.parent.iterdir())) == 3


def test_joined_files_become_one(whole: Path, tmp_path: Path) -> None:
    joined, out = tmp_path / "damaged" / "joined.rrd", tmp_path / "out.rrd"
    other = rr.RecordingStream("recover", recording_id="r")
    other.save(tmp_path / "other.rrd")
    other.log("other", rr.TextLog("hi"))
    other.disconnect()
    with joined.open("wb") as file:
        for part in (whole, tmp_path / "other.rrd"):
            with part.open("rb") as source:
                shutil.copyfileobj(source, file)
    assert main(["recover", str(joined), "-o", str(out)]) == 0
    footer = RrdReader(out).footer()
    assert footer is not None
    assert {"/points", "/other"} <= set(footer.manifests[0].entities)


@pytest.mark.parametrize("content", [b"", b"not a recording at all" * 100])
def test_what_is_no_recording_is_an_error(content: bytes, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "x.rrd"
    path.write_bytes(content)
    assert main(["recover", str(path)]) == 1
    assert "holds nothing of a recording" in " ".join(capsys.readouterr().err.split())
    assert [p.name for p in tmp_path.iterdir()] == ["x.rrd"]
    assert main(["recover", str(tmp_path / "none.rrd")]) == 1


def write_mcap(path: Path) -> Path:
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=2000)
        writer.start("ros2", "a robot")
        writer.add_metadata("rosbag2", {"ROS_DISTRO": "jazzy"})
        schema = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data")
        channels = [writer.register_channel(t, "cdr", schema, {"offered_qos_profiles": t}) for t in ("/a", "/b")]
        for i in range(300):
            writer.add_message(channels[i % 2], 10 * i + 3, b"%d" % i * 20, 10 * i, i)
        writer.add_attachment(1, 2, "notes", "text/plain", b"hi")
        writer.finish()  # type: ignore[no-untyped-call]
    return path


def mcap_messages(path: Path) -> list[tuple[str, int, int, int, bytes]]:
    with path.open("rb") as file:
        reader = make_reader(file)
        assert reader.get_summary() is not None
        return [
            (channel.topic, m.sequence, m.log_time, m.publish_time, m.data) for _, channel, m in reader.iter_messages()
        ]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.97, 1.0])
def test_a_torn_mcap_is_finished(tmp_path: Path, share: float, capsys: Any) -> None:
    whole, torn = write_mcap(tmp_path / "whole.mcap"), tmp_path / "torn.mcap"
    data = whole.read_bytes()
    torn.write_bytes(data[: int(len(data) * share)])
    code = main(["recover", str(torn), "--json"])
    (found,) = json.loads(capsys.readouterr().out)
    kept, wanted = mcap_messages(tmp_path / "torn.recovered.mcap"), mcap_messages(whole)
    assert kept == wanted[: len(kept)]
    assert found["messages"] == len(kept)
    assert code == (0 if found["lossless"] else 3)
    assert found["lossless"] or len(kept) < len(wanted)
    assert share > 0.7 or not found["lossless"], "torn inside a chunk"
    assert len(kept) / len(wanted) > share - 0.1
    with (tmp_path / "torn.recovered.mcap").open("rb") as file:
        reader = make_reader(file)
        assert [m.name for m in reader.iter_metadata()] == ["rosbag2"]
        assert reader.get_header().profile == "ros2"
        assert len(list(reader.iter_attachments())) == (share > 0.95)
    if share == 1.0:
        assert main(["recover", "--in-place", str(torn)]) == 0
        assert torn.read_bytes() == data


def test_what_a_killed_recorder_left_is_finished_under_a_finished_name(tmp_path: Path) -> None:
    whole, left = write_mcap(tmp_path / "whole.mcap"), tmp_path / "run.mcap.active"
    left.write_bytes(whole.read_bytes()[:-20])
    assert main(["recover", str(left)]) == 0
    assert mcap_messages(tmp_path / "run.recovered.mcap") == mcap_messages(whole)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["ros2+rosbag2/talker/talker.mcap", "reductstore+reductstore/file.mcap"])
def test_real_mcaps_are_finished(shared_data: Path, tmp_path: Path, name: str) -> None:
    source = shared_data / name
    torn = tmp_path / "torn.mcap"
    torn.write_bytes(source.read_bytes()[:-20])
    assert main(["recover", str(torn)]) == 0
    assert mcap_messages(tmp_path / "torn.recovered.mcap") == mcap_messages(source)


def test_wrong_usage_is_told(torn: Path) -> None:
    assert main(["recover", str(torn), "-o", "x.rrd", "--in-place"]) == 2
    assert main(["recover"]) == 2
