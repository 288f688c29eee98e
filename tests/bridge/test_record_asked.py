"""What `rrbridge record` is asked while it runs, and what it writes then: parts, snapshots, several formats, simulated time."""

from __future__ import annotations

import json
import os
import signal
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from mcap.reader import make_reader
from scripted_session import CAMERA, CHATTER, FakeSession, payloads_of, recorded
from waiting import until

from rrbridge._messages import StoredChunk
from rrbridge.chunk import Chunk
from rrbridge.errors import RecorderError
from rrbridge.rrd import RrdReader
from rrbridge_bridge.commands.convert import convert
from rrbridge_bridge.live.source import Received
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.record import loop, run, settings, watchdog
from rrbridge_bridge.record.control import ControlServer, ask, names
from rrbridge_bridge.record.maker import DriverMaker
from rrbridge_bridge.record.trigger import Trigger

CLOCK = Connection(7, "/clock", "rosgraph_msgs/msg/Clock", "cdr")
OOPS = Connection(8, "/oops", "std_msgs/msg/Empty", "cdr")


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    folder.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))


def received(count: int) -> bool:
    status = ask("mine", "status")["status"]
    return bool(sum(topic["received"] for topic in status["topics"]) == count)


def begun(parts: int) -> None:
    until(lambda: ask("mine", "status")["status"]["parts"] >= parts)


class Robot:
    """A session that records in the test's own thread while `work` goes on beside it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.session = FakeSession()
        self.folder = folder
        self._monkeypatch = monkeypatch
        self._error: BaseException | None = None

    def record(self, work: Callable[[], None], *arguments: str) -> int:
        def beside() -> None:
            try:
                until(lambda: names() == ["mine"])
                work()
                with suppress(RecorderError):  # it may have ended already
                    ask("mine", "stop")
            except BaseException as err:  # noqa: BLE001 - told by the test's own thread
                self._error = err
                os.kill(os.getpid(), signal.SIGTERM)

        thread = threading.Thread(target=beside)
        thread.start()
        path = self.folder / "run.rrd"
        status = recorded(self._monkeypatch, self.session, path, "--name", "mine", *arguments, duration="1h")
        thread.join()
        if self._error:
            raise self._error
        return status

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("run*"))


@pytest.fixture
def robot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Robot:
    return Robot(monkeypatch, tmp_path)


def chunks_of(path: Path) -> list[Chunk]:
    return [message.chunk for message in RrdReader(path).messages() if isinstance(message, StoredChunk)]


def mcap_payloads(path: Path) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    with path.open("rb") as stream:
        for _, channel, message in make_reader(stream).iter_messages():
            found.setdefault(channel.topic, []).append(message.data)
    return found


def test_one_recording_in_two_formats(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    session = FakeSession()
    session.announce(CHATTER)
    session.announce(CAMERA)
    session.send(CHATTER, b"\x00\x01\x00\x00\x02\x00\x00\x00a\x00")
    session.send(CAMERA, b"image" * 1000)
    arguments = ("-a", "--format", "rrd,mcap", "--metadata", "site=hall 3", "--metadata", "who=ann", "--robot", "r2")
    recorded(monkeypatch, session, tmp_path / "run.rrd", *arguments)
    assert payloads_of(tmp_path / "run.rrd") == mcap_payloads(tmp_path / "run.mcap")
    properties = {
        name: column.cells.to_pylist()
        for chunk in chunks_of(tmp_path / "run.rrd")
        if chunk.entity_path.startswith("/__properties")
        for name, column in chunk.components.items()
    }
    assert (properties["site"], properties["who"]) == ([["hall 3"]], [["ann"]])
    with (tmp_path / "run.mcap").open("rb") as stream:
        metadata = {record.name: record.metadata for record in make_reader(stream).iter_metadata()}
    assert metadata["rrbridge.metadata"] == {"site": "hall 3", "who": "ann"}


def test_another_program_begins_another_file(robot: Robot, capsys: pytest.CaptureFixture[str]) -> None:
    session = robot.session
    session.announce(CHATTER)
    session.announce(CAMERA, latched=True)

    def work() -> None:
        session.send(CAMERA, b"latched")
        session.send(CHATTER, b"1")
        until(lambda: received(2))
        assert ask("mine", "split")["text"] == "another file is begun"
        until(lambda: len(robot.files()) == 2 and "run.rrd" in robot.files())
        session.send(CHATTER, b"2")
        until(lambda: received(3))
        assert "only with --snapshot" in ask("mine", "snapshot")["text"]
        assert not ask("mine", "snapshot")["ok"]

    assert robot.record(work, "-a", "--json") == 0
    assert robot.files() == ["run.rrd", "run_0001.rrd"]
    assert payloads_of(robot.folder / "run.rrd") == {"/chatter": [b"1"], "/camera": [b"latched"]}
    assert payloads_of(robot.folder / "run_0001.rrd") == {"/chatter": [b"2"], "/camera": [b"latched"]}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1]["paths"] == [str(robot.folder / name) for name in robot.files()]
    assert any(line["event"] == "notice" and line["text"].startswith("run.rrd finished") for line in lines)


def test_files_are_split_by_size_and_only_the_last_are_kept(robot: Robot) -> None:
    session = robot.session
    session.announce(CAMERA)

    def work() -> None:
        for number in range(6):
            session.send(CAMERA, np.random.default_rng(number).bytes(3_000_000))
            begun(number + 2)

    robot.record(work, "-a", "--max-size", "2MB", "--keep-files", "3")
    kept = [payloads_of(robot.folder / name).get("/camera", []) for name in robot.files()]
    assert len(robot.files()) <= 3
    assert [payload for part in kept for payload in part][-1] == np.random.default_rng(5).bytes(3_000_000)


def test_files_are_split_by_time(robot: Robot) -> None:
    session = robot.session
    session.announce(CHATTER)

    def work() -> None:
        for number in range(3):
            session.send(CHATTER, b"%d" % number)
            begun(number + 2)

    robot.record(work, "-a", "--max-duration", "500ms")
    parts = [payloads_of(robot.folder / name).get("/chatter", []) for name in robot.files()]
    assert parts[:3] == [[b"0"], [b"1"], [b"2"]]


TRIGGERS: dict[str, Callable[[FakeSession], Any]] = {
    "another program": lambda _: ask("mine", "snapshot"),
    "a signal": lambda _: os.kill(os.getpid(), signal.SIGUSR1),
    "a topic": lambda session: session.send(OOPS, b""),
}


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_snapshot_is_what_came_before_its_trigger(robot: Robot, trigger: str) -> None:
    session = robot.session
    session.discover("/chatter")
    session.discover("/oops", "std_msgs/msg/Empty")
    session.announce(CHATTER)
    session.announce(CAMERA, latched=True)
    session.announce(OOPS)

    def work() -> None:
        session.send(CAMERA, b"latched")
        for number in range(50):
            session.send(CHATTER, b"%d" % number)
        until(lambda: received(51))
        assert robot.files() == [], "nothing is written before"
        TRIGGERS[trigger](session)
        until(lambda: robot.files() == ["run_0000.rrd"])
        session.send(CHATTER, b"late")
        until(lambda: received(52))
        assert "nothing to split" in ask("mine", "split")["text"]
        TRIGGERS[trigger](session)
        until(lambda: robot.files() == ["run_0000.rrd", "run_0001.rrd"])

    extra = ("--trigger-topic", "oops") if trigger == "a topic" else ()
    robot.record(work, "-e", "chatter|camera", "--snapshot", "1h", *extra)
    first, second = (payloads_of(robot.folder / name) for name in robot.files())
    assert first == {"/camera": [b"latched"], "/chatter": [b"%d" % number for number in range(50)]}
    assert second == {"/camera": [b"latched"], "/chatter": [b"late"]}
    assert session.asked.count(("/oops", "std_msgs/msg/Empty")) == (trigger == "a topic")


def test_a_snapshot_that_nobody_asked_for_is_no_failure(robot: Robot, capsys: pytest.CaptureFixture[str]) -> None:
    robot.session.announce(CHATTER)
    robot.session.send(CHATTER, b"1")
    assert robot.record(lambda: until(lambda: received(1)), "-a", "--snapshot", "30s") == 0
    assert robot.files() == []
    assert "no message was recorded" in capsys.readouterr().err


def test_the_watchdog_tells_of_losses(robot: Robot, capsys: pytest.CaptureFixture[str]) -> None:
    session = robot.session
    session.announce(CHATTER)

    def work() -> None:
        session.send(CHATTER, b"1")
        session.skip(CHATTER, 7)
        session.send(CHATTER, b"2")
        told = "warning: /chatter 7 messages were lost between publisher and recorder"
        until(lambda: told in capsys.readouterr().err)

    robot.record(work, "-a")


def test_topics_fall_silent_at_the_end_and_that_is_not_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watchdog, "LEAST_SILENCE_SECS", 1.5)
    session = FakeSession(hangs=True)
    session.announce(CHATTER)

    def publish() -> None:
        for number in range(40):
            session.send(CHATTER, b"%d" % number)
            time.sleep(0.01)

    publisher = threading.Thread(target=publish)
    publisher.start()
    with pytest.raises(RecorderError, match="did not finish"):
        recorded(monkeypatch, session, tmp_path / "run.rrd", "-a", "--drain", "0")
    publisher.join()
    assert "silent for" not in capsys.readouterr().err


class StuckMaker(DriverMaker):
    """Never comes back."""

    is_stuck = threading.Event()

    def convert(self, batch: RawBatch, *, repeated: bool = False) -> list[Chunk]:
        self.is_stuck.set()
        threading.Event().wait()
        return super().convert(batch, repeated=repeated)


def test_leaving_at_once_does_not_wait_for_what_is_stuck(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    class LeftError(Exception):
        pass

    def leave() -> NoReturn:
        raise LeftError

    monkeypatch.setattr(run, "leave_now", leave)
    monkeypatch.setattr(loop, "LEAVE_SECS", 0.5)
    monkeypatch.setattr(settings, "DriverMaker", StuckMaker)
    robot.session.announce(CHATTER)
    robot.session.send(CHATTER, b"1")

    def work() -> None:
        until(StuckMaker.is_stuck.is_set)
        os.kill(os.getpid(), signal.SIGINT)
        until(lambda: ask("mine", "status")["status"]["state"] == "stopping")
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(LeftError):
        robot.record(work, "-a")


def test_a_name_that_is_taken_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = ControlServer("mine", lambda _: {})
    with pytest.raises(RecorderError, match="another --name"):
        recorded(monkeypatch, FakeSession(), tmp_path / "run.rrd", "-a", "--name", "mine")
    other.close()
    assert list(tmp_path.glob("run*")) == []


def clock(seconds: float) -> bytes:
    return b"\x00\x01\x00\x00" + struct.pack("<iI", int(seconds), int(seconds % 1 * 1e9))


def test_simulated_time_stands_beside_that_of_the_wall(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    session = FakeSession()
    session.discover("/clock", "rosgraph_msgs/msg/Clock")
    for connection in (CHATTER, CLOCK):
        session.announce(connection)
    text = b"\x00\x01\x00\x00\x02\x00\x00\x00a\x00"
    for sent in ((CHATTER, text, text), (CLOCK, clock(100.25)), (CHATTER, text), (CLOCK, clock(101)), (CHATTER, text)):
        session.send(*sent)
        time.sleep(0.002)
    recorded(monkeypatch, session, tmp_path / "run.rrd", "/chatter")
    assert session.asked == [("/clock", "rosgraph_msgs/msg/Clock")]
    simulated = [
        int(nanos)
        for chunk in chunks_of(tmp_path / "run.rrd")
        if "McapMessage:data" in chunk.components and "sim_time" in chunk.times
        for nanos in chunk.times["sim_time"].values
    ]
    assert simulated == [100_250_000_000, 101_000_000_000]
    assert len(payloads_of(tmp_path / "run.rrd")["/chatter"]) == 4
    assert "/clock" not in payloads_of(tmp_path / "run.rrd")
    fields = [c for c in chunks_of(tmp_path / "run.rrd") if "std_msgs.msg.String:message" in c.components]
    assert sum(len(c) for c in fields) == 4
    assert sum(len(c) for c in fields if "sim_time" in c.times) == 2


def test_a_trigger_is_followed_at_once_and_many_of_them_together(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    fired: list[float] = []
    trigger = Trigger()
    trigger.hear(
        Received(RawBatch.of(OOPS, [b""], [time.time_ns() - 10**12]), np.zeros(1, np.int64), np.zeros(1, np.int64))
    )
    trigger.connect(lambda: fired.append(now))
    trigger.look()
    assert fired == [], "that was latched"
    for tenth in range(30):
        now = 100.0 + tenth / 10
        if tenth < 12:
            trigger.hear(
                Received(RawBatch.of(OOPS, [b""], [time.time_ns()]), np.zeros(1, np.int64), np.zeros(1, np.int64))
            )
        trigger.look()
    assert fired == pytest.approx([100.0, 100.5, 101.0, 101.5])


class SlowMaker(DriverMaker):
    """Takes its time."""

    def convert(self, batch: RawBatch, *, repeated: bool = False) -> list[Chunk]:
        time.sleep(1.2)
        return super().convert(batch, repeated=repeated)


def test_the_watchdog_says_which_stage_stalls_and_what_is_held_up(
    robot: Robot, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(settings, "DriverMaker", SlowMaker)
    monkeypatch.setattr(watchdog, "STALL_SECS", 0.6)
    session = robot.session
    session.announce(CAMERA, latched=True)

    def work() -> None:
        for _ in range(4):
            session.send(CAMERA, b"x" * 1_500_000)
        until(lambda: not missing())

    told = [
        "warning: decoding stalls, for ",
        "making something of messages of /camera takes long",
        "decoding goes on, after",
        "warning: receiving stalls",
        "(/camera waits)",
        "warning: decoding cannot keep up",
    ]
    heard: list[str] = []

    def missing() -> list[str]:
        heard.append(capsys.readouterr().err)
        return [text for text in told if text not in "".join(heard)]

    assert robot.record(work, "-a", "--backlog", "2MB", "--no-raw") == 0


def test_what_was_not_decoded_can_be_decoded_later(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def components(*arguments: str) -> set[str]:
        session = FakeSession()
        session.announce(CHATTER)
        session.send(CHATTER, b"\x00\x01\x00\x00\x03\x00\x00\x00hi\x00\x00")
        path = tmp_path / f"{len(arguments)}.rrd"
        recorded(monkeypatch, session, path, "-a", *arguments)
        if arguments:
            path = tmp_path / "whole.rrd"
            convert.main([str(tmp_path / "1.rrd"), "-q", "-o", str(path)], standalone_mode=False)
        return {name for chunk in chunks_of(path) if chunk.entity_path == "/chatter" for name in chunk.components}

    whole = components()
    assert "std_msgs.msg.String:message" in whole
    assert components("--no-decode") == whole
