"""`rrbridge rrd` as a person runs it: files, pipes, exit codes, what is printed, memory that does not grow."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rrbridge as rr
from rrbridge._arrow import fixed_size_list, list_array, primitive, unit_lists
from rrbridge._messages import StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.chunk import Chunk, ComponentColumn, ComponentDescriptor
from rrbridge.rrd import RrdReader, RrdWriter
from rrbridge_bridge.cli import main


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two timelines, three entities, forty rows."""
    path = tmp_path / "run.rrd"
    recording = rr.RecordingStream("tools", recording_id="run")
    recording.save(path)
    recording.log("fixed", rr.TextDocument("once"), static=True)
    for i in range(20):
        recording.set_time("frame", sequence=i)
        recording.log("camera/points", rr.Points3D(np.full((5, 3), i)))
        recording.log("height", rr.Scalars(float(i)))
        if i % 5 == 0:
            recording.flush()
    recording.disconnect()
    return path


def rrd(*arguments: object) -> int:
    return main(["rrd", *map(str, arguments)])


def program(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    code = "import sys; from rrbridge_bridge.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "rrd", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=120)


def entities(path: Path) -> set[str]:
    return {m.chunk.entity_path for m in RrdReader(path, strict=True).messages() if isinstance(m, StoredChunk)}


def test_print_shows_more_with_every_v(run: Path, capsys: Any) -> None:
    outputs = []
    for level in ([], ["-v"], ["-vv"], ["-vvv"]):
        assert rrd("print", *level, "--entity", "/height", run) == 0
        outputs.append(capsys.readouterr().out)
    plain, names, schema, data = outputs
    assert "Scalars:scalars" in plain
    assert "rerun.components.Scalar" not in plain
    assert "rerun.components.Scalar" in names
    assert "rerun:is_sorted = true" in schema
    assert "[7.0]" not in schema
    assert "frame = 7" in data
    assert "[7.0]" in data
    assert "points" not in data
    assert rrd("print", "--footers", "true", run) == 0
    assert "byte_offset = " in capsys.readouterr().out


def test_print_as_json_is_a_message_a_line(run: Path, capsys: Any) -> None:
    assert rrd("print", "--json", "-vvv", run) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["message"] for line in lines} == {"store", "chunk"}
    rows = [row for line in lines if line.get("entity") == "/height" for row in line["data"]]
    assert [(row["frame"], row["Scalars:scalars"]) for row in rows] == [(i, [float(i)]) for i in range(20)]


def test_stats_in_words_and_numbers(run: Path, capsys: Any) -> None:
    assert rrd("stats", run) == 0
    assert "/camera/points" in capsys.readouterr().out
    assert rrd("stats", "--json", run) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["timelines"]["frame"] | {"chunks": 0, "bytes": 0} == {
        "kind": "sequence", "chunks": 0, "rows": 40, "bytes": 0, "unsorted_chunks": 0, "start": 0, "end": 19,
    }  # fmt: skip
    (store,) = found["stores"]
    assert store["entities"]["/height"]["components"]["Scalars:scalars"]["values"] == 20


def test_verify_tells_good_from_bad(run: Path, tmp_path: Path, capsys: Any) -> None:
    assert rrd("verify", run) == 0
    assert "as it should be" in capsys.readouterr().out
    (tmp_path / "damaged").mkdir()
    torn = tmp_path / "damaged" / "torn.rrd"
    torn.write_bytes(run.read_bytes()[:-50])
    assert rrd("verify", run, torn, "--json") == 1
    good, bad = json.loads(capsys.readouterr().out)
    assert good["problems"] == []
    assert {problem["severity"] for problem in bad["problems"]} == {"error"}
    unfinished = tmp_path / "damaged" / "unfinished.rrd"
    unfinished.write_bytes(run.read_bytes()[: int(RrdReader(run).manifests()[0].byte_offsets[-1]) - 16])
    assert rrd("verify", unfinished) == 1
    assert rrd("verify", "--check-footers", "false", unfinished) == 0
    assert rrd("verify", tmp_path / "none.rrd") == 1
    empty = tmp_path / "empty.rrd"
    assert rrd("filter", run, "--component", "None:such", "-o", empty) == 0
    capsys.readouterr()
    assert rrd("verify", empty) == 1
    assert "no chunks, so no index" in capsys.readouterr().out


def test_filter_split_merge_compare(run: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "camera.rrd"
    assert rrd("filter", run, "-o", out, "--entity", "/camera/**", "--drop-timeline", "log_time") == 0
    assert entities(out) == {"/__properties", "/camera/points"}
    assert rrd("compare", run, out) == 1
    assert "only in the first file" in capsys.readouterr().out
    parts = tmp_path / "parts"
    assert rrd("split", run, "-o", parts, "--timeline", "frame", "-t", "5", "-t", "+12") == 0
    names = ["run_0__5.rrd", "run_12__20.rrd", "run_5__12.rrd"]
    assert sorted(p.name for p in parts.iterdir()) == names
    assert rrd("merge", *(parts / name for name in names), "-o", tmp_path / "again.rrd") == 0
    assert rrd("compare", "--unordered", "--with-log-time", run, tmp_path / "again.rrd") == 0
    assert rrd("compare", "--unordered", "--json", run, parts / names[0]) == 1
    told = json.loads(capsys.readouterr().out)
    assert {one["entity_path"] for one in told} == {"/camera/points", "/height"}
    assert rrd("split", run, "-o", tmp_path / "own", "--timeline", "frame", "-n", "2", "--recording-id", "part-") == 0
    stores = {store.recording_id for p in (tmp_path / "own").iterdir() for store in RrdReader(p).stores()}
    assert stores == {"part-0", "part-1"}


def test_optimize_makes_fewer_chunks(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out.rrd"
    assert rrd("optimize", run, "-o", out) == 0
    assert rrd("compare", run, out) == 0
    before, after = (len(RrdReader(path).manifests()[0]) for path in (run, out))
    assert after < before
    monkeypatch.setenv("RERUN_CHUNK_MAX_ROWS", "2")
    assert rrd("optimize", run, "-o", out, "--force") == 0
    assert len(RrdReader(out).manifests()[0]) > after
    assert rrd("optimize", run, "-o", out, "--force", "--max-rows", "1000", "--max-size", "1MiB") == 0
    assert len(RrdReader(out).manifests()[0]) == after
    monkeypatch.setenv("RERUN_CHUNK_MAX_ROWS", "many")
    assert rrd("optimize", run, "-o", out, "--force") == 2


def test_a_folder_is_optimized_file_by_file(run: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    for name in ("a.rrd", "deep/er/b.rrd"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(run.read_bytes())
    (folder / "notes.txt").write_text("no recording")
    assert rrd("optimize", folder) == 2
    assert rrd("optimize", folder, run, "-o", out) == 2
    assert rrd("optimize", folder, "-o", out) == 0
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()) == ["a.rrd", "deep/er/b.rrd"]
    assert rrd("compare", run, out / "deep" / "er" / "b.rrd") == 0


def test_pipes_go_from_tool_to_tool(run: Path, tmp_path: Path) -> None:
    merged = program("merge", stdin=run.read_bytes())
    assert merged.returncode == 0, merged.stderr
    optimized = program("optimize", "-", stdin=merged.stdout)
    assert optimized.returncode == 0, optimized.stderr
    filtered = program("filter", "--drop-entity", "/height", stdin=optimized.stdout)
    assert filtered.returncode == 0, filtered.stderr
    (tmp_path / "out.rrd").write_bytes(filtered.stdout)
    assert entities(tmp_path / "out.rrd") == entities(run) - {"/height"}
    assert b"/camera/points" in program("print", stdin=filtered.stdout).stdout
    assert b"/camera/points" in program("stats", stdin=filtered.stdout).stdout
    assert program("verify", stdin=filtered.stdout).returncode == 0
    assert program("filter", "--start", "+1s", stdin=run.read_bytes()).returncode == 2


def test_a_cut_input_is_a_loss_and_a_damaged_one_an_error(run: Path, tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    data = run.read_bytes()
    offset = int(RrdReader(run).manifests()[0].byte_offsets[2])
    cut, bad = folder / "cut.rrd", folder / "bad.rrd"
    cut.write_bytes(data[: offset + 100])
    bad.write_bytes(data[:offset] + bytes(200) + data[offset + 200 :])
    for tool in ("stats", "print"):
        assert rrd(tool, cut) == 3
        assert rrd(tool, bad) == 1
        assert rrd(tool, "--continue-on-error", bad) == 3
    out = folder / "out.rrd"
    assert rrd("merge", cut, "-o", out) == 3
    assert rrd("merge", bad, "-o", out, "--force") == 1
    assert "rrbridge recover" in " ".join(capsys.readouterr().err.split())
    assert rrd("merge", bad, "-o", out, "--force", "--continue-on-error") == 3
    assert RrdReader(out).footer() is not None
    assert sorted(p.name for p in folder.iterdir()) == ["bad.rrd", "cut.rrd", "out.rrd"]


def test_nothing_is_overwritten_unasked(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.rrd"
    out.write_bytes(b"precious")
    for tool in ("merge", "filter", "optimize"):
        assert rrd(tool, run, "-o", out) == 1
        assert rrd(tool, run, "-o", run, "--force") == 1
    assert out.read_bytes() == b"precious"
    assert rrd("merge", run, "-o", out, "--force") == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["split", "run.rrd", "-o", "x"],
        ["split", "run.rrd", "-o", "x", "-n", "2", "--size", "1MB"],
        ["split", "run.rrd", "-o", "x", "--size", "much"],
        ["split", "run.rrd", "-o", "x", "-n", "2", "--timeline", "nothing"],
        ["split", "run.rrd", "-o", "x", "--timeline", "frame", "-t", "+100000"],
        ["filter", "run.rrd", "--timeline", "nothing", "--start", "3"],
        ["nothing"],
    ],
)
def test_wrong_usage_is_told(run: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.parent)
    assert rrd(*arguments) == 2


# Memory.


def write_large(path: Path, megabytes: int) -> Path:
    """Clouds and many small series, which do not compress."""
    noise = np.random.default_rng(0)
    store_id = StoreId(StoreKind.RECORDING, "large", "run")
    cloud = ComponentDescriptor("Points3D:positions", "rerun.archetypes.Points3D", "rerun.components.Position3D")
    number = ComponentDescriptor("Scalars:scalars", "rerun.archetypes.Scalars", "rerun.components.Scalar")
    with RrdWriter(path) as writer:
        writer.write(StoreInfo.new(store_id))
        second = 0
        while writer.bytes_written < megabytes * 1_000_000:
            start = 1_700_000_000_000_000_000 + second * 1_000_000_000
            times = [TimeColumn.of("log_time", TimeKind.TIMESTAMP, start + np.arange(10) * 100_000_000)]
            points = noise.normal(size=(80_000, 3)).astype(np.float32)
            cells = list_array(np.arange(11) * 8000, fixed_size_list(points))
            chunks = [Chunk.from_columns("/lidar", times=times, components=[ComponentColumn(cloud, cells)])]
            for entity in range(10):
                values = unit_lists(primitive(noise.normal(size=10)))
                chunks.append(
                    Chunk.from_columns(f"/s/{entity}", times=times, components=[ComponentColumn(number, values)])
                )
            for chunk in chunks:
                writer.write(StoredChunk(store_id, chunk))
            second += 1
    return path


MEASURED = """
import resource, sys
from rrbridge_bridge.cli import main
code = main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, file=sys.stderr)
sys.exit(code)
"""


def peak_bytes(*arguments: object, codes: tuple[int, ...] = (0,)) -> int:
    command = [sys.executable, "-c", MEASURED, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode in codes, done.stderr
    return int(done.stderr.split()[-1])


@pytest.fixture(scope="module")
def sizes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small and a large recording, in a folder that is not looked through afterwards."""
    folder = tmp_path_factory.mktemp("large") / "damaged"
    folder.mkdir()
    return write_large(folder / "small.rrd", 10), write_large(folder / "large.rrd", 110)


@pytest.mark.slow
@pytest.mark.parametrize(
    "tool", ["print", "stats", "verify", "merge", "filter", "split", "optimize", "compare", "recover"]
)
def test_memory_does_not_grow_with_the_file(sizes: tuple[Path, Path], tmp_path: Path, tool: str) -> None:
    """A hundred megabytes more of recording cost at most fifteen more of memory: indexes, and what an allocator keeps.

    The small chunks that `optimize` holds back are more in the large file, up to a limit.
    """
    peaks = []
    for path in sizes:
        out = tmp_path / "damaged" / f"{path.stem}.out.rrd"
        out.parent.mkdir(exist_ok=True)
        arguments: list[object] = {
            "print": ["rrd", "print", path],
            "stats": ["rrd", "stats", path],
            "verify": ["rrd", "verify", path],
            "merge": ["rrd", "merge", path, "-o", out],
            "filter": ["rrd", "filter", path, "-o", out, "--start", "+3s", "--drop-entity", "/s/1"],
            "split": ["rrd", "split", path, "-o", tmp_path / "damaged" / path.stem, "-n", "3"],
            "optimize": ["rrd", "optimize", path, "-o", out],
            "compare": ["rrd", "compare", path, path],
            "recover": ["recover", path, "-o", out],
        }[tool]
        peaks.append(peak_bytes(*arguments))
        for made in out.parent.rglob("*.rrd"):
            made.unlink()
    grown = sizes[1].stat().st_size - sizes[0].stat().st_size
    assert grown > 90_000_000
    assert peaks[1] - peaks[0] < (50_000_000 if tool == "optimize" else 15_000_000), peaks
