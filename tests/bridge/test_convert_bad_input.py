"""`rrbridge convert` of files that are cut off, damaged or something else: one sentence, an exit code, no half output."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import zstandard
from pyarrow import parquet

import rrbridge as rr
from rrbridge_bridge.cli import main

SMALL = {
    "arm.urdf": "TheRobotStudio+SO-ARM100/Simulation/SO100/so100.urdf",
    "coins.png": "pypi+scikit-image/coins.png",
    "points.ply": "mikedh+trimesh/models/points_bin.ply",
    "a.mp4": "pypi+gradio/a.mp4",
}
SHARES = (0.0, 0.001, 0.1, 0.5, 0.99)
MOST_BYTES = 2_000_000


@pytest.fixture(scope="module")
def good(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Content by name, of every kind of file."""
    folder = tmp_path_factory.mktemp("good")
    found: dict[str, bytes] = {}
    for kind in ("bag", "db3", "mcap"):
        files = [p for p in sorted(shared_data.rglob(f"*.{kind}")) if 10_000 < p.stat().st_size < MOST_BYTES]
        for path in files[:2]:
            found[f"{path.parent.name}.{path.stem}.{kind}"] = path.read_bytes()
    for name, path_of in SMALL.items():
        found[name] = (shared_data / path_of).read_bytes()
    with rr.RecordingStream("app") as recording:
        recording.save(folder / "sdk.rrd")
        for n in range(50):
            recording.set_time("tick", sequence=n)
            recording.log("/points", rr.Points3D(np.zeros((100, 3))))
    found["sdk.rrd"] = (folder / "sdk.rrd").read_bytes()
    found["t.csv"] = b"time,a,b\n" + b"".join(b"%d,%d,x\n" % (n, n) for n in range(1000))
    parquet.write_table(pa.table({"a": list(range(1000))}), folder / "t.parquet")
    found["t.parquet"] = (folder / "t.parquet").read_bytes()
    a_bag = next(name for name in found if name.endswith(".mcap"))
    found["packed.mcap.gz"] = gzip.compress(found[a_bag], mtime=0)
    found["packed.mcap.zst"] = zstandard.compress(found[a_bag])
    return found


def outcome(path: Path, capsys: Any) -> tuple[int, str]:
    """Exit code and all that was said; holds what is promised of both."""
    output = path.parent / "out" / "out.rrd"
    shutil.rmtree(output.parent, ignore_errors=True)
    output.parent.mkdir()
    capsys.readouterr()
    code = main(["convert", str(path), "-o", str(output)])
    printed = capsys.readouterr()
    if path.is_file():
        path.unlink()  # broken recordings are not for the reference to verify
    said = " ".join((printed.out + printed.err).split())
    assert code in (0, 1, 3), said
    assert "Traceback" not in said
    assert "unexpected" not in said, f"{path.name}: {said}"
    assert [p.name for p in output.parent.iterdir()] == ([] if code == 1 else ["out.rrd"])
    if code == 1:
        assert said.startswith("error: ")
        assert path.name in said
    return code, said


@pytest.mark.real_data
@pytest.mark.parametrize("share", SHARES)
def test_files_that_are_cut_off(share: float, good: dict[str, bytes], tmp_path: Path, capsys: Any) -> None:
    for name, content in good.items():
        path = tmp_path / name
        path.write_bytes(content[: int(len(content) * share)])
        code, said = outcome(path, capsys)
        if share == 0:
            assert code == 1
            assert "is empty" in said


@pytest.mark.real_data
@pytest.mark.parametrize("seed", range(3))
def test_files_that_are_damaged(seed: int, good: dict[str, bytes], tmp_path: Path, capsys: Any) -> None:
    """Whatever bytes are overwritten, ends quickly and says something."""
    rng = np.random.default_rng(seed)
    for name, content in good.items():
        damaged = np.frombuffer(content, np.uint8).copy()
        for start in rng.integers(0, len(damaged), 4):
            piece = damaged[start : start + int(rng.integers(1, 64))]
            piece[:] = rng.integers(0, 256, len(piece)) if rng.random() < 0.5 else 0xFF
        path = tmp_path / name
        path.write_bytes(damaged.tobytes())
        outcome(path, capsys)


@pytest.mark.real_data
def test_files_that_are_called_something_else(good: dict[str, bytes], tmp_path: Path, capsys: Any) -> None:
    """What a bag is, its first bytes say; what a picture is, its name."""
    rng = np.random.default_rng(0)
    for suffix in (".bag", ".db3", ".mcap", ".rrd", ".parquet", ".csv", ".urdf", ".ply", ".bag.gz", ".mcap.zst"):
        path = tmp_path / f"noise{suffix}"
        path.write_bytes(rng.integers(0, 256, 5000, np.uint8).tobytes())
        code, _ = outcome(path, capsys)
        assert code in (1, 3), suffix
    mcap = next(content for name, content in good.items() if name.endswith(".mcap"))
    path = tmp_path / "really_an_mcap.bag"
    path.write_bytes(mcap)
    assert outcome(path, capsys)[0] in (0, 3)
    (tmp_path / "empty_folder").mkdir()
    code, said = outcome(tmp_path / "empty_folder", capsys)
    assert (code, "nothing in this folder" in said) == (1, True)
