"""What happens to a recording when the disk is full, goes away, or its clock is set."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scripted_session import CAMERA, CHATTER, FakeSession, payloads_of
from waiting import until

from rrbridge.importers import ImportOptions
from rrbridge_bridge.readers import open_bag
from rrbridge_bridge.record import clock
from rrbridge_bridge.record.maker import DriverMaker
from rrbridge_bridge.record.mcap_output import McapOutput
from rrbridge_bridge.record.output import Output
from rrbridge_bridge.record.recorder import Outcome, Recorder, RecorderOptions
from rrbridge_bridge.record.rrd_output import RrdOutput
from rrbridge_bridge.record.selection import Selection
from rrbridge_bridge.recovery import recover_file

DISK_BYTES = 30_000_000
NOISE = np.random.default_rng(0)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", place],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=False, capture_output=True)


def outputs(kinds: str) -> list[Output]:
    made: list[Output] = []
    if "rrd" in kinds:
        made.append(RrdOutput(DriverMaker(ImportOptions(raw=True), decode=False)))
    if "mcap" in kinds:
        made.append(McapOutput())
    return made


def recorder_on(path: Path, session: FakeSession, kinds: str, **options: Any) -> Recorder:
    settings = RecorderOptions(flush_secs=0.05, sync_secs=0.05, **options)
    return Recorder(session, path, outputs(kinds), Selection(every=True), settings)


def finish(recorder: Recorder) -> Outcome:
    until(lambda: recorder.wait(0.05))
    return recorder.outcome()


def images_in(path: Path) -> list[bytes]:
    """Those in a file, torn or not; of both kinds."""
    if ".rrd" in path.name:
        return payloads_of(path).get("/camera", [])
    with open_bag(path) as reader:
        return [batch.payload(row).tobytes() for batch in reader.batches() for row in range(len(batch))]


def send(session: FakeSession, count: int) -> list[bytes]:
    images = [NOISE.bytes(500_000) for _ in range(count)]
    session.announce(CAMERA)
    for image in images:
        session.send(CAMERA, image)
    return images


@pytest.mark.parametrize("kinds", ["rrd", "mcap", "rrd mcap"])
def test_it_stops_in_good_order_before_the_disk_is_full(disk: Path, kinds: str) -> None:
    session = FakeSession()
    recorder = recorder_on(disk / "run", session, kinds, min_free_bytes=20_000_000)
    recorder.start()
    session.announce(CAMERA)
    images: list[bytes] = []
    while not recorder.wait(0.02) and len(images) < 100:
        images.append(NOISE.bytes(500_000))
        session.send(CAMERA, images[-1])
    outcome = finish(recorder)
    assert "MB are free" in outcome.error
    assert "stopped before the disk is full" in outcome.error
    assert outcome.finished
    for path in outcome.paths:
        assert path.suffix in (".rrd", ".mcap")
        found = images_in(path)
        assert found == images[: len(found)]
        assert len(found) == outcome.snapshot.topics[0].written >= 3
    (camera,) = outcome.snapshot.topics
    assert camera.received == camera.written + camera.dropped


@pytest.mark.parametrize(("kinds", "share"), [("rrd", 1.0), ("rrd mcap", 0.5)])
def test_what_has_come_is_written_though_the_disk_is_low(disk: Path, kinds: str, share: float) -> None:
    """As far as half of the margin reaches; the rest is counted."""
    session = FakeSession()
    recorder = recorder_on(disk / "run", session, kinds, min_free_bytes=DISK_BYTES - 1000)
    images = send(session, 25)
    recorder.start()
    outcome = finish(recorder)
    (camera,) = outcome.snapshot.topics
    assert "stopped before the disk is full" in outcome.error
    assert outcome.finished
    assert camera.received == camera.written + camera.dropped == 25
    assert share * 25 <= camera.written
    for path in outcome.paths:
        assert images_in(path) == images[: camera.written]


@pytest.mark.parametrize("kinds", ["rrd", "mcap", "rrd mcap"])
@pytest.mark.parametrize("splits", [{}, {"max_bytes": 3_000_000}])
def test_a_full_disk_is_an_error_and_what_was_written_stays(disk: Path, kinds: str, splits: dict[str, int]) -> None:
    session = FakeSession()
    recorder = recorder_on(disk / "run", session, kinds, min_free_bytes=0, **splits)
    images = send(session, 80)
    recorder.start()
    outcome = finish(recorder)
    assert "No space left on device" in outcome.error
    assert not outcome.finished
    for suffix in (f".{kind}" for kind in kinds.split()):
        paths = sorted(path for path in disk.iterdir() if suffix in path.name)
        found = [image for path in paths if path.stat().st_size for image in images_in(path)]
        assert found == images[: len(found)]
        assert len(found) >= outcome.snapshot.topics[0].written > 5
    (camera,) = outcome.snapshot.topics
    assert camera.received == camera.written + camera.dropped


def test_a_file_on_a_full_disk_is_finished_elsewhere(disk: Path, tmp_path: Path) -> None:
    session = FakeSession()
    recorder = recorder_on(disk / "run", session, "mcap", min_free_bytes=0)
    images = send(session, 80)
    recorder.start()
    finish(recorder)
    recover_file(disk / "run.mcap.active", tmp_path / "mended.mcap")
    found = images_in(tmp_path / "mended.mcap")
    assert found == images[: len(found)]
    assert len(found) > 20


@pytest.mark.parametrize("kinds", ["rrd", "mcap"])
def test_a_ring_lives_on_a_disk_that_is_too_small_for_the_run(disk: Path, kinds: str) -> None:
    session = FakeSession()
    recorder = recorder_on(
        disk / "run", session, kinds, min_free_bytes=1_000_000, max_bytes=2_000_000, keep_bytes=9_000_000
    )
    recorder.start()
    session.announce(CAMERA)
    images = [NOISE.bytes(500_000) for _ in range(120)]
    for image in images:
        session.send(CAMERA, image)
        while recorder.snapshot().backlog_bytes > 2_000_000:
            time.sleep(0.002)
    recorder.stop()
    outcome = finish(recorder)
    assert (outcome.error, outcome.finished) == ("", True)
    found = [image for path in outcome.paths for image in images_in(path)]
    assert found == images[-len(found) :]
    assert len(found) >= 8


@pytest.mark.parametrize("kinds", ["rrd", "mcap"])
@pytest.mark.parametrize("how", ["folder deleted", "unmounted"])
def test_a_place_that_goes_away_ends_the_recording_and_is_told(disk: Path, kinds: str, how: str) -> None:
    session = FakeSession()
    folder = disk / "deep"
    folder.mkdir()
    recorder = recorder_on(folder / "run", session, kinds, min_free_bytes=0)
    recorder.start()
    send(session, 3)
    until(lambda: any(topic.written for topic in recorder.snapshot().topics))
    if how == "unmounted":
        subprocess.run(["umount", "-l", disk], check=True)
    else:
        shutil.rmtree(folder)
    outcome = finish(recorder)
    assert "was deleted, moved or replaced" in outcome.error or "No such file or directory" in outcome.error
    assert "unexpected" not in outcome.error
    assert (outcome.finished, outcome.paths) == (False, ())


@pytest.mark.parametrize("kinds", ["rrd", "mcap"])
def test_a_clock_that_is_set_back_costs_nothing_and_is_told(
    tmp_path: Path, kinds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_time = time.time_ns
    offset = 0
    monkeypatch.setattr(time, "time_ns", lambda: true_time() + offset)
    session = FakeSession()
    recorder = recorder_on(tmp_path / "run", session, kinds, min_free_bytes=0, max_secs=0.3)
    told: list[str] = []

    def jumps() -> list[str]:
        told.extend(notice.text for notice in recorder.notices())
        return [found[1] for text in told if (found := re.match(r"the clock was set (\w+) by", text))]

    recorder.start()
    session.announce(CHATTER)
    sent = []
    for step in range(30):
        if step == 10:
            offset -= 3600 * 10**9
        if step == 20:
            until(lambda: jumps() == ["back"])  # it is looked at now and then
            offset += 7200 * 10**9
        sent.append(b"\0\1\0\0" + bytes([2, 0, 0, 0, 65 + step % 26, 0]))
        session.send(CHATTER, sent[-1])
        time.sleep(0.03)
    recorder.stop()
    outcome = finish(recorder)
    assert (outcome.error, outcome.finished) == ("", True)
    found = []
    for path in outcome.paths:
        if kinds == "rrd":
            found += payloads_of(path).get("/chatter", [])
        else:
            with open_bag(path) as reader:
                found += [batch.payload(row).tobytes() for batch in reader.batches() for row in range(len(batch))]
    assert sorted(found) == sorted(sent)
    assert jumps() == ["back", "forward"]


def test_steady_readings_tell_the_true_time_between_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    wall, steady = 10**18, 5 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: wall)
    monkeypatch.setattr(time, "monotonic_ns", lambda: steady)
    clocks = clock.Clocks()
    for change in (0, 3_000_000, -90 * 10**9, 0, 20_000_000):
        wall, steady = wall + 10**9 + change, steady + 10**9
        jump = clocks.look()
        assert (jump != 0) == (abs(change) > 10**9)
    first, *_, last = clocks.readings
    assert len(clocks.readings) == 3
    assert last[1] - first[1] == 5 * 10**9
    for _ in range(3000):
        wall, steady = wall + 10**9 + 20_000_000, steady + 10**9
        clocks.look()
    assert len(clocks.readings) <= 1024
    assert clocks.readings[0] == first


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux'")
def test_every_write_of_an_mcap_file_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever write fails first: header, chunk, metadata, summary."""
    true_writev = os.writev
    for failing in range(6):
        calls = 0

        def writev(descriptor: int, parts: Any, failing: int = failing) -> int:
            nonlocal calls
            calls += 1
            if calls > failing:
                raise OSError(28, "No space left on device")
            return true_writev(descriptor, parts)

        monkeypatch.setattr(os, "writev", writev)
        session = FakeSession()
        session.announce(CHATTER)
        session.send(CHATTER, b"one")
        recorder = recorder_on(tmp_path / f"run{failing}", session, "mcap", min_free_bytes=0)
        recorder.start()
        recorder.stop()
        outcome = finish(recorder)
        with suppress(IndexError):
            assert outcome.paths[0].name == f"run{failing}.mcap" + (".active" if outcome.error else "")
        if calls > failing:
            assert "No space left on device" in outcome.error
            assert not outcome.finished
        else:
            assert outcome.finished
