"""Logging from what comes in between: signal handlers, Ctrl-C, finalizers, forks; in programs of their own, as they may hang."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import rrbridge as rr
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._messages import StoredChunk, StoreId, StoreKind
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.chunk import Chunk, ComponentColumn
from rrbridge.rrd import RrdReader, RrdWriter

HEAD = """
import gc, os, signal, sys, threading, time
import rrbridge as rr
rr.init("interruptions", recording_id="one", strict=True, send_properties=False)
rr.log("warm", rr.Scalars(0))
rr.save(sys.argv[1])
end = time.monotonic() + 1
"""
TIMEOUT_SECS = 200


def rows(path: Path, entity: str) -> list[tuple[int, float]]:
    """`(frame, scalar)` of all rows of an entity, in order."""
    chunks = [
        m.chunk for m in RrdReader(path).messages() if isinstance(m, StoredChunk) and m.chunk.entity_path == entity
    ]
    frames = [
        int(frame) for c in chunks for frame in (c.times["frame"].values if "frame" in c.times else [-1] * len(c))
    ]
    values = [value for c in chunks for cell in c.components["Scalars:scalars"].cells.to_pylist() for value in cell]
    return list(zip(frames, values, strict=True))


def run(script: str, path: Path) -> str:
    """What the program prints, without the variable that unbuffers its output."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-W", "error", "-c", HEAD + script, str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECS)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_signal_handlers_and_finalizers_may_log_in_the_middle_of_a_call(tmp_path: Path) -> None:
    script = """
import itertools
late = itertools.count()
def log_late(*_):
    rr.log("late", rr.Scalars(next(late)))
class Logs:
    def __init__(self):
        self.me = self
    __del__ = log_late
signal.signal(signal.SIGALRM, log_late)
signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
gc.set_threshold(50)
count = 0
while time.monotonic() < end:
    Logs()
    rr.set_time("frame", sequence=count)
    rr.log("x", rr.Scalars(count))
    count += 1
signal.setitimer(signal.ITIMER_REAL, 0)
gc.collect()
print(count, next(late))
"""
    path = tmp_path / "signals.rrd"
    count, late = map(int, run(script, path).split())
    assert late > 10
    assert rows(path, "/x") == [(i, i) for i in range(count)]
    assert sorted(value for _, value in rows(path, "/late")) == list(range(late))


def test_a_signal_handler_may_finish_the_file(tmp_path: Path) -> None:
    script = """
def stop(*_):
    rr.log("x", rr.Scalars(-1))
    rr.disconnect()
    os._exit(0)
signal.signal(signal.SIGALRM, stop)
signal.setitimer(signal.ITIMER_REAL, 0.3)
rr.set_time("frame", sequence=0)
while True:
    rr.log("x", rr.Scalars(0))
"""
    for attempt in range(3):
        path = tmp_path / f"{attempt}.rrd"
        run(script, path)
        values = [value for _, value in rows(path, "/x")]
        assert values.count(-1) == 1
        assert len(values) > 1


def test_a_call_interrupted_anywhere_holds_up_no_other_thread() -> None:
    """A signal handler may wait for a thread that writes, and which makes ids as the interrupted call does."""
    recording = rr.RecordingStream("interruptions", send_properties=False)
    recording.log("x", rr.Scalars(0))
    files = {sys.modules["rrbridge._tuid"].__file__, sys.modules["rrbridge._batcher"].__file__}
    held_up: list[str] = []

    def wait_for_another(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename not in files:
            return None
        if event == "line" and not held_up:
            other = threading.Thread(target=recording.log, args=("y", rr.Scalars(1)), daemon=True)
            sys.settrace(None)
            other.start()
            other.join(TIMEOUT_SECS)
            if other.is_alive():
                held_up.append(f"{frame.f_code.co_name}:{frame.f_lineno}")
            sys.settrace(wait_for_another)
        return wait_for_another

    sys.settrace(wait_for_another)
    try:
        recording.log("x", rr.Scalars(2))
    finally:
        sys.settrace(None)
    assert held_up == []


def test_ctrl_c_leaves_whole_rows(tmp_path: Path) -> None:
    script = """
done, inside, count, hits = [], False, 0, 0
def interrupt(*_):
    global inside, hits
    if inside:
        inside = False
        hits += 1
        raise KeyboardInterrupt
def press():
    while hits < 50:
        time.sleep(0.002)
        os.kill(os.getpid(), signal.SIGINT)
    done.append(True)
signal.signal(signal.SIGINT, interrupt)
threading.Thread(target=press).start()
while not done:
    try:
        inside = True
        while not done:
            rr.set_time("frame", sequence=count)
            rr.log("x", rr.Scalars(count))
            count += 1
        inside = False
    except KeyboardInterrupt:
        pass
print(count, hits)
"""
    path = tmp_path / "keys.rrd"
    count, hits = map(int, run(script, path).split())
    frames, values = np.array(rows(path, "/x")).T
    assert np.array_equal(frames, values)
    assert len(set(range(count)) - set(frames)) <= hits  # each costs no more than the row it falls into


def test_a_write_interrupted_anywhere_and_repeated_leaves_the_same_file(tmp_path: Path) -> None:
    def chunk(first: int, values: list[list[float] | None]) -> Chunk:
        stamps = np.arange(first, first + len(values))
        cells = pa.array(values, pa.list_(pa.float64()))
        plain = pa.array([[float(i)] for i in stamps], pa.list_(pa.float64()))
        return Chunk.from_columns(
            "/x",
            times=[
                TimeColumn.of("frame", TimeKind.SEQUENCE, stamps),
                TimeColumn.of("step", TimeKind.SEQUENCE, -stamps),
            ],
            components=[
                ComponentColumn(ComponentDescriptor("gaps"), cells),
                ComponentColumn(ComponentDescriptor("plain"), plain),
            ],
        )

    store = StoreId(StoreKind.RECORDING, "interruptions", "one")
    chunks = [chunk(0, [[1.0], None]), chunk(10, [None, [2.0], [3.0]]), chunk(20, [None, [4.0]])]

    def write(path: Path, steps: int | None) -> bool:
        """Whether the write of the second chunk was longer than so many steps, and was interrupted there."""
        left = steps or 0

        def step(frame: FrameType, event: str, _: object) -> Any:
            nonlocal left
            if not frame.f_code.co_filename.endswith(("_writer.py", "_manifest_builder.py")):
                return None
            if event == "line":
                left -= 1
                if left == 0:
                    raise KeyboardInterrupt
            return step

        interrupted = False
        with RrdWriter(path) as writer:
            writer.write(StoredChunk(store, chunks[0]))
            tracing = sys.gettrace()
            try:
                if steps is not None:
                    sys.settrace(step)
                writer.write(StoredChunk(store, chunks[1]))
            except KeyboardInterrupt:
                interrupted = True
            finally:
                sys.settrace(tracing)
            if interrupted:
                writer.write(StoredChunk(store, chunks[1]))
            writer.write(StoredChunk(store, chunks[2]))
        return interrupted

    write(tmp_path / "whole.rrd", None)
    whole = (tmp_path / "whole.rrd").read_bytes()
    steps = 1
    while write(tmp_path / "interrupted.rrd", steps):
        assert (tmp_path / "interrupted.rrd").read_bytes() == whole, f"after {steps} steps"
        steps += 1
    assert steps > 60


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_children_forked_while_others_log_can_log(tmp_path: Path) -> None:
    script = """
def busy():
    while time.monotonic() < end:
        rr.log("busy", rr.Scalars(1))
threads = [threading.Thread(target=busy) for _ in range(2)]
for thread in threads:
    thread.start()
for child in range(20):
    if (pid := os.fork()) == 0:
        signal.alarm(120)
        rr.set_time("frame", sequence=child)
        rr.save(f"{sys.argv[1]}.{child}")
        rr.log("x", rr.Scalars(child))
        rr.disconnect()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
"""
    path = tmp_path / "parent.rrd"
    run(script, path)
    assert [rows(Path(f"{path}.{child}"), "/x") for child in range(20)] == [[(child, child)] for child in range(20)]


def test_what_is_logged_to_a_pipe_arrives_while_the_program_goes_on(tmp_path: Path) -> None:
    script = """
rr.stdout()
rr.log("x", rr.Scalars(1))
sys.stdin.readline()
"""
    command = [sys.executable, "-c", HEAD + script, str(tmp_path / "unused.rrd")]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        received = b""
        while b"/x" not in received:
            received += os.read(program.stdout.fileno(), 4096)
        program.stdin.close()
