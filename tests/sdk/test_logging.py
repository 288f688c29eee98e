"""Logging calls: what ends up in the file is what the reference's SDK would have written."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rrbridge as rr
from rrbridge._messages import StoredChunk
from rrbridge._misuse import strict
from rrbridge.errors import FileError, InvalidValueError, RrbridgeWarning
from rrbridge.rrd import RrdReader

RERUN = Path(sys.executable).parent / "rerun"


def rows_of(path: Path, *, with_reference: bool = False) -> dict[tuple[str, str], list[tuple[Any, Any]]]:
    """`{(entity, component): [(times, values), …]}` in row order, log times left out."""
    if with_reference:
        from rerun.chunk import RrdReader as TheirReader

        batches = [c.to_record_batch() for c in TheirReader(str(path)).stream()]
    else:
        batches = [m.chunk.to_record_batch() for m in RrdReader(path).messages() if isinstance(m, StoredChunk)]
    found: dict[tuple[str, str], list[tuple[bytes, Any, Any]]] = {}
    for batch in batches:
        entity = batch.schema.metadata[b"rerun:entity_path"].decode()
        kinds = [(f.metadata or {}).get(b"rerun:kind") for f in batch.schema]
        times = [i for i, k in enumerate(kinds) if k == b"index" and batch.schema.names[i] != "log_time"]
        for i, kind in enumerate(kinds):
            if kind != b"data":
                continue
            for row in range(batch.num_rows):
                cell = batch.column(i)[row]
                if cell.is_valid:
                    at = tuple((batch.schema.names[t], batch.column(t).cast("int64")[row].as_py()) for t in times)
                    key = (entity, batch.schema.names[i])
                    found.setdefault(key, []).append((batch.column(0)[row].as_py(), at, cell.as_py()))
    return {key: [(at, v) for _, at, v in sorted(rows, key=lambda r: r[0])] for key, rows in found.items()}


def program(sdk: Any, path: Path) -> None:
    """One program, to be run by either SDK."""
    rec = sdk.RecordingStream("rrbridge_test", recording_id="run1", send_properties=False)
    rec.save(path)
    rng = np.random.default_rng(3)
    rec.log("world", sdk.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
    for i in range(20):
        rec.set_time("frame", sequence=i)
        rec.set_time("sim", duration=dt.timedelta(milliseconds=100 * i))
        rec.set_time("stamp", timestamp=1_700_000_000.25 + i)
        rec.log("world/points", sdk.Points3D(rng.normal(size=(i, 3)), colors=[255, i, 0]))
        rec.log(["world", "a b", "c/d"], sdk.Scalars(float(i)), sdk.TextLog(f"step {i}", level="INFO"))
        if i == 10:
            rec.log("world/points", sdk.Clear(recursive=False))
            rec.disable_timeline("sim")
    rec.reset_time()
    rec.log("world/image", sdk.Image(rng.integers(0, 255, (4, 5, 3), np.uint8)))
    rec.send_columns(
        "scalars", [sdk.TimeColumn("frame", sequence=range(100))], sdk.Scalars.columns(scalars=np.arange(100.0))
    )
    rec.send_property("robot", sdk.TextDocument("spot"))
    rec.flush()
    rec.disconnect()


def test_the_same_program_leaves_the_same_rows_with_the_reference(tmp_path: Path) -> None:
    import rerun

    program(rr, tmp_path / "ours.rrd")
    program(rerun, tmp_path / "theirs.rrd")
    assert rows_of(tmp_path / "ours.rrd") == rows_of(tmp_path / "theirs.rrd")
    assert rows_of(tmp_path / "ours.rrd", with_reference=True) == rows_of(tmp_path / "theirs.rrd")
    verified = subprocess.run([RERUN, "rrd", "verify", tmp_path / "ours.rrd"], capture_output=True, text=True)
    assert verified.returncode == 0, verified.stderr


def test_rows_keep_their_order_from_many_threads(tmp_path: Path) -> None:
    rec = rr.RecordingStream("rrbridge_test")
    rec.save(tmp_path / "threads.rrd")

    def work(number: int) -> None:
        for i in range(200):
            rec.set_time("frame", sequence=i)
            rec.log(f"thread/{number}", rr.Scalars(i))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rec.disconnect()
    rows = rows_of(tmp_path / "threads.rrd")
    for number in range(4):
        found = rows[f"/thread/{number}", "Scalars:scalars"]
        assert [(dict(at)["frame"], v) for at, v in found] == [(i, [float(i)]) for i in range(200)]


def test_what_is_logged_before_save_is_kept(tmp_path: Path) -> None:
    rec = rr.RecordingStream("rrbridge_test")
    rec.log("early", rr.TextLog("first"))
    rec.save(tmp_path / "kept.rrd")
    rec.log("late", rr.TextLog("second"))
    rec.disconnect()
    rows = rows_of(tmp_path / "kept.rrd")
    assert rows["/early", "TextLog:text"][0][1] == ["first"]
    assert rows["/late", "TextLog:text"][0][1] == ["second"]
    assert ("/__properties", "RecordingInfo:start_time") in rows


def test_a_flush_puts_rows_on_disk_while_logging_goes_on(tmp_path: Path) -> None:
    rec = rr.RecordingStream("rrbridge_test", send_properties=False)
    rec.save(tmp_path / "live.rrd")
    rec.log("a", rr.Scalars(1))
    rec.flush()
    assert ("/a", "Scalars:scalars") in rows_of(tmp_path / "live.rrd")
    rec.disconnect()


def test_an_ending_program_finishes_its_file(tmp_path: Path) -> None:
    path = tmp_path / "exit.rrd"
    script = (
        "import sys, rrbridge as rr\nrr.init('app', strict=True)\nrr.save(sys.argv[1])\n"
        "for i in range(500):\n    rr.set_time('frame', sequence=i)\n    rr.log('x', rr.Scalars(i))\n"
    )
    subprocess.run([sys.executable, "-c", script, path], check=True)
    assert len(rows_of(path)["/x", "Scalars:scalars"]) == 500
    assert RrdReader(path).footer() is not None


def test_columns_and_updates_that_do_not_fit_warn_at_the_callers_line(tmp_path: Path) -> None:
    recording = rr.RecordingStream("misuse", send_properties=False)
    recording.save(tmp_path / "x.rrd")
    with strict(False), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        columns = rr.Points3D.columns(positions=[[1, 2, 3]], radii="wide")  # type: ignore[arg-type]
        update = rr.Points3D.from_fields(positions="nonsense")
        recording.send_columns("a", [rr.TimeColumn("t", sequence=[1])], columns)
        recording.log("b", update)
    assert [(w.category, w.filename) for w in caught] == [(RrbridgeWarning, __file__)] * 2
    recording.disconnect()
    (chunk,) = [m.chunk for m in RrdReader(tmp_path / "x.rrd").messages() if isinstance(m, StoredChunk)]
    assert chunk.entity_path == "/b"
    assert chunk.components["Points3D:positions"].cells.to_pylist() == [[]]


def test_of_a_component_given_twice_the_first_counts(tmp_path: Path) -> None:
    recording = rr.RecordingStream("twice", send_properties=False)
    recording.save(tmp_path / "x.rrd")
    with strict(False), pytest.warns(RrbridgeWarning, match="several of Points3D:positions in one call") as caught:
        recording.log("a", rr.Points3D([1, 2, 3]), rr.Points3D([4, 5, 6], radii=2))
    assert [w.filename for w in caught] == [__file__]
    recording.disconnect()
    rows = rows_of(tmp_path / "x.rrd")
    assert rows["/a", "Points3D:positions"][0][1] == [[1, 2, 3]]
    assert rows["/a", "Points3D:radii"][0][1] == [2]


@pytest.mark.parametrize("by_environment", [False, True])
def test_recordings_that_are_off_make_no_files(
    by_environment: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by_environment:
        monkeypatch.setenv("RERUN", "0")
    recording = rr.RecordingStream("off", default_enabled=by_environment)
    recording.save(tmp_path / "x.rrd")
    recording.set_sinks(rr.FileSink(tmp_path / "y.rrd"))
    recording.log("a", rr.Points3D([1, 2, 3]))
    recording.disconnect()
    assert not list(tmp_path.iterdir())


def test_misuse_warns_at_the_callers_line_and_logs_nothing_else(tmp_path: Path) -> None:
    rec = rr.RecordingStream("rrbridge_test", send_properties=False)
    rec.save(tmp_path / "misuse.rrd")
    with strict(False), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        rec.log("x", "not an archetype")  # type: ignore[arg-type]
        rec.set_time("t", sequence=1, duration=2)
        rec.set_time("t", sequence="x")  # type: ignore[arg-type]
        rec.log(None, rr.Scalars(1))  # type: ignore[arg-type]
        rec.log("empty", rr.Points3D("nonsense"))  # type: ignore[arg-type]
        rec.log("x", rr.EncodedImage(path="missing.png"))
        rec.log("x")  # type: ignore[call-arg]
    assert [w.category for w in caught] == [RrbridgeWarning] * 7
    assert {w.filename for w in caught} == {__file__}
    with pytest.raises(InvalidValueError):
        rec.log("x", "not an archetype", strict=True)  # type: ignore[arg-type]
    rec.disconnect()
    assert rows_of(tmp_path / "misuse.rrd").keys() == {("/empty", "Points3D:positions")}


def test_no_recording_is_a_warning() -> None:
    before = rr.set_global_data_recording(None)
    try:
        with strict(False), pytest.warns(RrbridgeWarning, match=r"rr\.init"):
            rr.log("x", rr.Scalars(1))
    finally:
        rr.set_global_data_recording(before)


def test_this_threads_recording_comes_before_the_programs() -> None:
    one, two = rr.RecordingStream("one"), rr.RecordingStream("two")
    before = rr.set_global_data_recording(one)
    try:
        assert rr.get_data_recording() is one
        with two:
            assert rr.get_data_recording() is two
            with one:
                assert rr.get_data_recording() is one
            assert rr.get_data_recording() is two
        assert rr.get_data_recording() is one
    finally:
        rr.set_global_data_recording(before)


def test_a_full_disk_is_reported_and_does_not_stop_the_program() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    rec = rr.RecordingStream("rrbridge_test", send_properties=False)
    with pytest.raises(FileError):
        rec.save(full)
    rec.log("x", rr.Scalars(1))


def test_saving_twice_to_one_path_starts_the_file_anew(tmp_path: Path) -> None:
    path = tmp_path / "twice.rrd"
    rec = rr.RecordingStream("rrbridge_test", send_properties=False)
    rec.save(path)
    rec.log("first", rr.Scalars(np.arange(10_000)))
    rec.save(path)
    rec.log("second", rr.Scalars(2))
    rec.disconnect()
    assert list(rows_of(path)) == [("/second", "Scalars:scalars")]
    assert RrdReader(path).footer() is not None


def test_what_is_logged_after_a_file_could_not_be_opened_is_kept(tmp_path: Path) -> None:
    rec = rr.RecordingStream("rrbridge_test", send_properties=False)
    rec.save(tmp_path / "first.rrd")
    with pytest.raises(FileError):
        rec.save(tmp_path / "no such folder" / "second.rrd")
    rec.log("x", rr.Scalars(1))
    rec.save(tmp_path / "third.rrd")
    rec.disconnect()
    assert list(rows_of(tmp_path / "third.rrd")) == [("/x", "Scalars:scalars")]


def test_columns_are_as_they_were_when_they_were_sent(tmp_path: Path) -> None:
    path = tmp_path / "x.rrd"
    rec = rr.RecordingStream("columns", batcher_config=rr.ChunkBatcherConfig.NEVER())
    rec.save(path)
    steps, values = np.arange(4), np.arange(4.0)
    rec.send_columns("x", [rr.TimeColumn("step", sequence=steps)], rr.Scalars.columns(scalars=values))
    steps[:], values[:] = 0, 0
    rec.disconnect()
    found = [m.chunk for m in RrdReader(path).messages() if isinstance(m, StoredChunk) and m.chunk.entity_path == "/x"]
    assert [chunk.times["step"].values.tolist() for chunk in found] == [[0, 1, 2, 3]]
    assert [chunk.components["Scalars:scalars"].cells.to_pylist() for chunk in found] == [[[0.0], [1.0], [2.0], [3.0]]]


def test_a_value_that_cannot_be_written_costs_only_its_own_rows(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rec = rr.RecordingStream("rrbridge_test", send_properties=False)
    rec.save(tmp_path / "partly.rrd")
    unwritable = rr.DescribedComponentBatch.parsed(rr.ComponentDescriptor("text"), rr.encodings.text, ("\ud800",))
    rec.log("bad", [unwritable])
    rec.log("good", rr.Scalars(1))
    rec.flush()
    rec.log("later", rr.Scalars(2))
    rec.disconnect()
    assert sorted(entity for entity, _ in rows_of(tmp_path / "partly.rrd")) == ["/good", "/later"]
    assert "/bad" in caplog.text
