"""`rrbridge recover` as a person runs it: exit codes, what is printed, what is left on disk."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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


def test_wrong_usage_is_told(torn: Path) -> None:
    assert main(["recover", str(torn), "-o", "x.rrd", "--in-place"]) == 2
    assert main(["recover"]) == 2
