"""A recorder that is killed at any moment, or whose machine loses power: what was synced is there.

`RRBRIDGE_KILLS=200` kills so many times instead of a few; `RRBRIDGE_LIVE_KILLS=10` those that record real publishers.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import random
import shutil
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import piped_recorder
import pytest
from mcap.reader import make_reader
from ros_world import IMAGE, STRING, World, payloads_of
from waiting import until

import rrbridge as rr
from rrbridge._messages import StoredChunk
from rrbridge.errors import NotARecordingError
from rrbridge.rrd import RrdReader
from rrbridge_bridge.cli import main
from rrbridge_bridge.readers import open_bag
from rrbridge_bridge.recovery import recover_file

KILLS = int(os.environ.get("RRBRIDGE_KILLS", "8"))
KINDS = ("rrd", "mcap", "rrd mcap")
CASES = [(KINDS[(turn + place) % 3], mode) for turn in range(3) for place, mode in enumerate(piped_recorder.MODES)]


@pytest.fixture(scope="module")
def processes() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["piped_recorder"])
    return context


@dataclass(frozen=True)
class Left:
    """What a killed recorder left."""

    folder: Path
    written: dict[str, int]
    """By topic: so many were synced at least."""
    sizes: dict[str, int]
    """By file, at the last sync."""
    sent: dict[str, int]


def feed(pipe: int, sent: dict[str, int], seed: int) -> None:
    chosen = random.Random(seed)
    topics = [connection.topic for connection in piped_recorder.CONNECTIONS]
    large = chosen.choice([20_000, 200_000])
    with suppress(BrokenPipeError), os.fdopen(pipe, "wb") as out:
        while True:
            which = chosen.choices([0, 1, 2], [30, 3, 1])[0]
            topic = topics[which]
            number = sent.get(topic, 0)
            out.write(piped_recorder.frame(which, number, large if which == 1 else 12))
            sent[topic] = number + 1
            if which == 1:
                out.flush()
                time.sleep(0.002)


def killed(processes: Any, folder: Path, kinds: str, mode: str, seed: int) -> Left:
    """Let a recorder run for some time."""
    folder.mkdir()
    chosen = random.Random(seed)
    messages, to_recorder = os.pipe()
    reports, from_recorder = os.pipe()
    process = processes.Process(
        target=piped_recorder.main, args=(str(folder), kinds, mode, _dup(messages), _dup(from_recorder)), daemon=True
    )
    process.start()
    os.close(messages)
    os.close(from_recorder)
    sent: dict[str, int] = {}
    feeder = threading.Thread(target=feed, args=(to_recorder, sent, seed), daemon=True)
    feeder.start()
    lines = io.BytesIO()
    reader = threading.Thread(target=lambda: drain(reports, lines), daemon=True)
    reader.start()
    until(lines.getvalue)
    time.sleep(chosen.uniform(0, 0.5))
    process.kill()
    process.join()
    for active in folder.glob("*.active"):
        if active.with_suffix("").exists():
            active.unlink()  # the same file: it was killed between giving it a name and taking the other away
    reader.join()
    feeder.join()
    whole = [json.loads(line) for line in lines.getvalue().split(b"\n")[:-1]]
    assert whole
    assert not [line for line in whole if "error" in line]
    return Left(folder, whole[-1]["written"], whole[-1]["sizes"], sent)


def _dup(descriptor: int) -> Any:
    from multiprocessing.reduction import DupFd

    return DupFd(descriptor)


def drain(descriptor: int, into: io.BytesIO) -> None:
    with os.fdopen(descriptor, "rb", buffering=0) as pipe:
        while data := pipe.read(1 << 16):
            into.write(data)


def numbers_in_rrd(path: Path) -> dict[str, list[int]]:
    """By topic, the numbers of messages that are not repeated."""
    with_query = rr.open(path)
    assert with_query is not None
    found: dict[str, list[tuple[bytes, int]]] = {}
    for message in RrdReader(path).messages():
        if isinstance(message, StoredChunk) and "McapMessage:data" in message.chunk.components:
            chunk = message.chunk
            if "repeated" in chunk.components:
                continue
            ids = [one.tobytes() for one in np.ascontiguousarray(chunk.row_ids, ">u8")]
            cells = chunk.components["McapMessage:data"].cells.to_pylist()
            found.setdefault(chunk.entity_path, []).extend(
                (row, number_of(bytes(cell[0]))) for row, cell in zip(ids, cells, strict=True)
            )
    return {topic: [number for _, number in sorted(rows)] for topic, rows in found.items()}


def numbers_in_mcap(path: Path) -> dict[str, list[int]]:
    """The same, as our reader reads it: torn or not."""
    found: dict[str, list[int]] = {}
    if not path.stat().st_size:
        return found
    with open_bag(path) as reader:
        for batch in reader.batches():
            numbers = found.setdefault(batch.connection.topic, [])
            numbers += [number_of(batch.payload(row).tobytes()) for row in range(len(batch))]
        marks = [record for record in reader.metadata_records() if record.name == "rrbridge.repeated"]  # type: ignore[attr-defined]
    for record in marks:
        for topic, count in record.values.items():
            if topic == "log_time_nanos":
                continue
            found[topic] = found.get(topic, [])[int(count) :]
    return found


def number_of(data: bytes) -> int:
    (number,) = struct.unpack_from("<Q", data, 4)
    assert data == piped_recorder.payload(number, len(data))
    return int(number)


def check(folder: Path, suffix: str, mode: str, written: dict[str, int]) -> None:
    """All files open, and together they have what was synced, from the first message on without a gap."""
    read = numbers_in_rrd if suffix == ".rrd" else numbers_in_mcap
    paths = sorted(path for path in folder.iterdir() if path.name.removesuffix(".active").endswith(suffix))
    paths = [path for path in paths if path.stat().st_size]
    together: dict[str, list[int]] = {}
    for path in paths:
        for topic, numbers in read(path).items():
            together.setdefault(topic, []).extend(numbers)
    for numbers in together.values():
        first = 0 if mode in ("one file", "by size", "by time") else numbers[0] if numbers else 0
        if mode != "snapshots":
            assert numbers == list(range(first, first + len(numbers)))
        else:
            assert numbers == sorted(set(numbers))
    if mode in ("one file", "by size", "by time"):
        for topic, count in written.items():
            assert len(together.get(topic, [])) >= count, (topic, mode)
    elif mode == "ring":
        last = {topic: numbers[-1] for topic, numbers in together.items() if numbers}
        assert all(last.get(topic, -1) >= count - 1 for topic, count in written.items() if topic != "/robot")


def cut_like_a_power_cut(left: Left, to: Path, zeros: int) -> None:
    """Only what was synced is there; the file may be longer, but what follows are zeros."""
    shutil.copytree(left.folder, to)
    for path in to.iterdir():
        name = path.name.removesuffix(".active")
        if path.name.endswith(".active") and not left.sizes.get(name):
            path.unlink()
        elif path.name.endswith(".active"):
            with path.open("r+b") as file:
                file.truncate(left.sizes[name])
                file.truncate(left.sizes[name] + zeros)


def runs() -> Iterator[tuple[int, str, str]]:
    for number in range(KILLS):
        kinds, mode = CASES[number % len(CASES)]
        yield number, kinds, mode


@pytest.mark.slow
@pytest.mark.parametrize(("number", "kinds", "mode"), list(runs()))
def test_a_killed_recorder_leaves_all_that_was_synced(
    processes: Any, tmp_path: Path, number: int, kinds: str, mode: str
) -> None:
    left = killed(processes, tmp_path / "run", kinds, mode, number)
    for suffix in (f".{kind}" for kind in kinds.split()):
        check(left.folder, suffix, mode, left.written)
        for zeros in (0, 4096 * (number % 3 + 1) + number):
            place = tmp_path / f"cut{suffix}{zeros}"
            cut_like_a_power_cut(left, place, zeros)
            check(place, suffix, mode, left.written)
    for path in left.folder.glob("*.mcap.active"):
        if not path.stat().st_size:
            continue
        before = numbers_in_mcap(path)
        recover_file(path, tmp_path / "recovered.mcap")
        assert numbers_in_mcap(tmp_path / "recovered.mcap") == before
        messages = make_reader(
            io.BytesIO((tmp_path / "recovered.mcap").read_bytes()), validate_crcs=True
        ).iter_messages()
        found = sum(1 for _ in messages)
        assert found >= sum(map(len, before.values()))


LIVE_KILLS = int(os.environ.get("RRBRIDGE_LIVE_KILLS", "1"))
LIVE_CASES = [
    ("rrd mcap", ("--max-size", "4MB")),
    ("rrd", ("--max-duration", "1s", "--keep-files", "50")),
    ("rrd mcap", ()),
    ("rrd mcap", ("--max-duration", "0.7s")),
    ("rrd", ()),
]


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.xdist_group("live")
@pytest.mark.parametrize("number", range(LIVE_KILLS))
def test_a_killed_recorder_of_a_real_robot_leaves_all_but_the_last_moment(world: World, number: int) -> None:
    kinds, arguments = LIVE_CASES[number % len(LIVE_CASES)]
    other = ("-o", str(world.folder / "run.mcap")) if "mcap" in kinds else ()
    publisher = world.publish(STRING | {"count": 3000, "hertz": 200}, IMAGE | {"count": 600, "hertz": 20})
    recording = world.record("-a", *other, *arguments)
    recording.until_received(chatter=random.Random(number).randint(300, 600))
    status = recording.until_written(chatter=300, camera=1)
    recording.process.kill()
    recording.close()
    for suffix in (f".{kind}" for kind in kinds.split()):
        paths = sorted(world.folder.glob(f"run*{suffix}*"))
        assert any(path.name.endswith(".active") for path in paths)
        for topic in ("/chatter", "/camera"):
            payloads = [data for path in paths for data in payloads_in(path).get(topic, [])]
            sent = [one for one in publisher.sent() if publisher.spec[one.index]["topic"] == topic]
            first = sent.index(next(one for one in sent if one.payload == payloads[0]))
            assert payloads == [one.payload for one in sent[first : first + len(payloads)]]
            assert len(payloads) >= recording.topic(status, topic)["written"] > 0


def payloads_in(path: Path) -> dict[str, list[bytes]]:
    """By topic, what a file has, torn or not."""
    if ".rrd" in path.name:
        return payloads_of(path)
    found: dict[str, list[bytes]] = {}
    with open_bag(path) as reader:
        for batch in reader.batches():
            found.setdefault(batch.connection.topic, []).extend(
                batch.payload(row).tobytes() for row in range(len(batch))
            )
    return found


@pytest.mark.parametrize(("left", "said"), [(b"", "is empty"), (bytes(5000), "begins with zeros alone")])
@pytest.mark.parametrize("suffix", [".rrd", ".mcap"])
def test_a_file_of_which_nothing_was_on_the_disk_is_told(
    tmp_path: Path, suffix: str, left: bytes, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    torn = tmp_path / f"run_0001{suffix}.active"
    torn.write_bytes(left)
    with pytest.raises(NotARecordingError, match=said):
        rr.open(torn)
    output = tmp_path / ("all" + suffix)
    for arguments in (["info", str(torn)], ["convert", str(torn), "-o", str(output)]):
        assert main(arguments) == 1
        assert said in capsys.readouterr().err
    assert main(["recover", str(torn)]) == 1
    assert "holds nothing of a recording" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [torn.name]
