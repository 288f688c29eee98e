"""Recordings over the life of a program: forks, full queues, strictness, other people's threads and tasks."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import rrbridge as rr
from rrbridge import _spawn
from rrbridge._messages import StoredChunk
from rrbridge._misuse import strict
from rrbridge.errors import FileError, InvalidChunkError, InvalidValueError, RrbridgeWarning
from rrbridge.rrd import RrdReader


def scalars(path: Any, entity: str = "/x") -> list[float]:
    """What was logged at an entity, in order."""
    chunks = [m.chunk for m in RrdReader(path).messages() if isinstance(m, StoredChunk)]
    cells = [c.components["Scalars:scalars"].cells.to_pylist() for c in chunks if c.entity_path == entity]
    return [value for rows in cells for row in rows for value in row]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_leaves_the_parents_file_alone(tmp_path: Path) -> None:
    script = """
import os, sys, rrbridge as rr
rr.init("forks", recording_id="one", strict=True)
rr.save(sys.argv[1])
rr.log("x", rr.Scalars(1))
if os.fork() == 0:
    rr.log("x", rr.Scalars(100))
    rr.save(sys.argv[2])
    rr.log("x", rr.Scalars(101))
    rr.rerun_shutdown()
    os._exit(0)
os.wait()
rr.log("x", rr.Scalars(2))
"""
    parent, child = tmp_path / "parent.rrd", tmp_path / "child.rrd"
    subprocess.run([sys.executable, "-c", script, parent, child], check=True, timeout=200)
    assert scalars(parent) == [1, 2]
    assert scalars(child) == [100, 101]


def test_processes_of_one_program_share_a_recording_id(tmp_path: Path) -> None:
    script = """
import multiprocessing as mp, rrbridge as rr
def child(queue):
    rr.init("family")
    queue.put(rr.get_recording_id())
if __name__ == "__main__":
    queue = mp.get_context("spawn").Queue()
    process = mp.get_context("spawn").Process(target=child, args=(queue,))
    process.start()
    rr.init("family")
    assert queue.get(timeout=120) == rr.get_recording_id()
    process.join()
"""
    path = tmp_path / "family.py"
    path.write_text(script)
    subprocess.run([sys.executable, path], check=True, timeout=200)


def test_a_full_queue_drops_and_counts(tmp_path: Path) -> None:
    config = rr.ChunkBatcherConfig(1000.0, 2**40, max_bytes_in_flight=20_000, when_full="drop")
    rec = rr.RecordingStream("full", batcher_config=config, send_properties=False)
    rec.save(tmp_path / "full.rrd")
    for i in range(2000):
        rec.log("x", rr.Scalars(i))
    dropped = rec.dropped_rows
    rec.send_columns("y", [rr.TimeColumn("t", sequence=range(30))], rr.Scalars.columns(scalars=range(30)))
    assert rec.dropped_rows == dropped + 30
    rec.disconnect()
    assert dropped > 0
    assert scalars(tmp_path / "full.rrd") == list(range(2000 - dropped))
    assert scalars(tmp_path / "full.rrd", "/y") == []


def test_a_full_queue_blocks_by_default_and_loses_nothing(tmp_path: Path) -> None:
    config = rr.ChunkBatcherConfig(1000.0, 2**40, max_bytes_in_flight=20_000)
    rec = rr.RecordingStream("full", batcher_config=config, send_properties=False)
    rec.save(tmp_path / "full.rrd")
    for i in range(2000):
        rec.log("x", rr.Scalars(i))
    rec.disconnect()
    assert scalars(tmp_path / "full.rrd") == list(range(2000))
    assert rec.dropped_rows == 0


def test_nothing_is_lost_between_a_tick_and_a_disconnect(tmp_path: Path) -> None:
    config = rr.ChunkBatcherConfig(0.0001)
    for run in range(10):
        rec = rr.RecordingStream("ticks", batcher_config=config, send_properties=False)
        rec.save(tmp_path / f"{run}.rrd")
        for i in range(300):
            rec.log("x", rr.Scalars(i))
        rec.disconnect()
        assert scalars(tmp_path / f"{run}.rrd") == list(range(300))


@pytest.mark.parametrize("sdk_strict", [True, False])
def test_strictness_decides_between_error_and_warning(sdk_strict: bool) -> None:
    rec = rr.RecordingStream("strict", send_properties=False)
    before = rr.strict_mode()
    rr.set_strict_mode(sdk_strict)
    try:
        with pytest.raises(InvalidValueError) if sdk_strict else pytest.warns(RrbridgeWarning):
            rec.log("x", 5)  # type: ignore[arg-type]
    finally:
        rr.set_strict_mode(before)


def test_tasks_have_their_own_with_blocks() -> None:
    seen = []

    async def task(name: str, wait: int) -> None:
        with rr.RecordingStream(name, send_properties=False):
            for _ in range(wait):
                await asyncio.sleep(0)
            seen.append((name, rr.get_application_id()))

    async def both() -> None:
        await asyncio.gather(task("a", 3), task("b", 1))

    asyncio.run(both())
    assert sorted(seen) == [("a", "a"), ("b", "b")]


def test_memory_gives_up_what_it_kept_and_goes_on() -> None:
    rec = rr.RecordingStream("memory", send_properties=False)
    memory = rec.memory_recording()
    rec.log("x", rr.Scalars(1))
    assert scalars(BytesIO(memory.drain_as_bytes())) == [1]
    rec.log("x", rr.Scalars(2))
    assert scalars(BytesIO(memory.drain_as_bytes())) == [2]


def test_a_binary_stream_can_be_read_while_others_log() -> None:
    rec = rr.RecordingStream("binary", send_properties=False)
    stream = rec.binary_stream()

    def work() -> None:
        for i in range(500):
            rec.log("x", rr.Scalars(i))

    thread = threading.Thread(target=work)
    thread.start()
    parts = []
    while thread.is_alive():
        parts.append(stream.read() or b"")
    thread.join()
    parts.append(stream.read() or b"")
    assert sorted(scalars(BytesIO(b"".join(parts)))) == list(range(500))


def test_environment_sets_what_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RERUN_FLUSH_NUM_ROWS", "7")
    monkeypatch.setenv("RERUN_FLUSH_TICK_SECS", "nonsense")
    assert rr.ChunkBatcherConfig().flush_num_rows == 7
    assert rr.ChunkBatcherConfig(flush_num_rows=3).flush_num_rows == 3
    assert rr.ChunkBatcherConfig().flush_tick.total_seconds() == 0.2


def test_files_that_cannot_be_logged_are_named(tmp_path: Path) -> None:
    rec = rr.RecordingStream("files", send_properties=False)
    with strict(False), pytest.warns(RrbridgeWarning, match=r"missing\.png"):
        rec.log_file_from_path(tmp_path / "missing.png")
    with pytest.raises(FileError):
        rr.EncodedImage(path=tmp_path / "missing.png")


def test_spawn_without_a_viewer_says_what_is_missing() -> None:
    rec = rr.RecordingStream("spawn", send_properties=False)
    with pytest.raises(FileError, match="pip install"):
        rec.spawn(executable_name="no-such-viewer")


def test_spawn_pipes_the_recording_into_the_viewer(tmp_path: Path) -> None:
    out, viewer = tmp_path / "piped.rrd", tmp_path / "viewer"
    viewer.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\ncat > {out}\n')
    viewer.chmod(0o755)
    rec = rr.RecordingStream("spawn", send_properties=False)
    rec.log("x", rr.Scalars(1))
    rec.spawn(executable_path=str(viewer), memory_limit="10%")
    rec.log("x", rr.Scalars(2))
    rec.disconnect()
    assert _spawn._viewers[-1].wait(timeout=120) == 0
    assert scalars(out) == [1, 2]
    assert (tmp_path / "arguments").read_text().split() == ["view", "-", "--memory-limit", "10%"]


@pytest.mark.parametrize(
    ("columns", "index"),
    [
        ({"x": [1.0]}, ...),
        ({"x": [1.0]}, "missing"),
        ({"t": pa.array([1, None], pa.int64()), "x": [1.0, 2.0]}, "t"),
        ({"t": ["a"], "x": [1.0]}, "t"),
        ({"t": pa.array([1], pa.int64())}, "t"),
    ],
)
def test_tables_that_make_no_chunk_are_refused(columns: dict[str, Any], index: Any) -> None:
    batch = pa.RecordBatch.from_pydict(columns)
    with pytest.raises(InvalidChunkError):
        rr.Chunk.from_record_batch(batch, **({} if index is ... else {"index": index}))


def test_chunks_and_tables_come_back_as_they_were(tmp_path: Path) -> None:
    rec = rr.RecordingStream("tables", send_properties=False)
    rec.save(tmp_path / "t.rrd")
    column = rr.TimeColumn("t", sequence=np.arange(3))
    (chunk,) = [rr.Chunk.from_columns("/x", times=[column], components=rr.Scalars.columns(scalars=[1, 2, 3]))]
    assert rr.Chunk.from_record_batch(chunk.to_record_batch())[0].id == chunk.id
    rec.send_chunks([chunk])
    rec.disconnect()
    assert scalars(tmp_path / "t.rrd") == [1, 2, 3]


def test_handlers_of_log_messages_raise_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("rrbridge_test_handler")
    logger.propagate = False  # pytest's own handler raises
    logger.addHandler(rr.LoggingHandler("logs"))
    with rr.RecordingStream("rrbridge_test_handler"):
        logger.error("%d wheels", "four")
    assert "four" in capsys.readouterr().err


def test_a_full_disk_does_not_hide_what_ended_a_block(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    script = """
import resource, sys, numpy as np, rrbridge as rr
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
recording = rr.RecordingStream("full")
recording.save(sys.argv[1])
with recording:
    rr.log("x", rr.Tensor(np.random.default_rng(1).random(10_000)))
    raise SystemExit(7)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "a.rrd"], capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 7
    assert done.stderr.count("nothing more is recorded") == 1


def test_a_viewer_that_ends_is_told_once_and_harms_nobody() -> None:
    program = (
        "import time, rrbridge as rr\n"
        "rr.init('gone')\n"
        "rr.spawn(executable_path='/bin/true')\n"
        "for i in range(40):\n"
        "    rr.log('a', rr.Scalars(i))\n"
        "    time.sleep(0.025)\n"
        "print('went on')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=200)
    assert (done.returncode, done.stdout) == (0, "went on\n")
    assert done.stderr == "nothing more is recorded: the viewer: Broken pipe\n"


@pytest.mark.parametrize("unregister", ["", "rr.unregister_shutdown()"])
def test_what_outlives_the_library_at_the_interpreter_s_end_is_left_alone(unregister: str, tmp_path: Path) -> None:
    program = f"""
import logging, sys, rrbridge as rr
logging.kept = [rr.RecordingStream("kept"), sys.modules["rrbridge._recording"]]
logging.kept[0].save({str(tmp_path / "kept.rrd")!r})
logging.kept[0].log("x", rr.Scalars(1))
{unregister}
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=200)
    assert (done.returncode, done.stderr) == (0, "")
    assert unregister or scalars(tmp_path / "kept.rrd") == [1]


@pytest.mark.parametrize("sdk", ["rerun", "rrbridge"])
def test_a_forced_file_takes_what_programs_send_elsewhere(sdk: str, tmp_path: Path) -> None:
    """The reference's own switch for comparing programs, which then need no change to say where to."""
    program = f"""
import {sdk} as rr
rr.init("forced", spawn=True)
rr.log("a", rr.Scalars(1))
rr.save({str(tmp_path / "own.rrd")!r})
rr.set_sinks(rr.FileSink({str(tmp_path / "own.rrd")!r}))
rr.log("b", rr.Scalars(2))
"""
    forced = tmp_path / "forced.rrd"
    environment = {**os.environ, "_RERUN_TEST_FORCE_SAVE": str(forced)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=200)
    assert [path.name for path in tmp_path.iterdir()] == ["forced.rrd"]
    found = {m.chunk.entity_path for m in RrdReader(forced).messages() if isinstance(m, StoredChunk)}
    assert found == {"/__properties", "/a", "/b"}
