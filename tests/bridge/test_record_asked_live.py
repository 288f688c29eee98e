"""A recorder of a real ROS graph that is asked for things while it runs: nothing gets lost, and what was left out is counted."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import subprocess
import termios
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from mcap.reader import make_reader
from ros_world import BIN, IMU, LATCHED, STRING, World, chunks_of, payloads_of, raw_of, verify
from waiting import WAIT_SECS, until

from rrbridge_bridge.record.control import ask, names

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.xdist_group("live")]

CLOCK = {"type": "rosgraph_msgs/msg/Clock", "topic": "/clock"}


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    folder.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))


def control(command: str) -> dict[str, Any]:
    """At once: the command `rrbridge control` takes some time to start, in which a robot sends a lot."""
    found = ask(names()[0], command)
    assert found["ok"], found
    return found


def mcap_payloads(path: Path, topic: str) -> list[bytes]:
    with path.open("rb") as stream:
        found = make_reader(stream).iter_messages(topics=[topic], log_time_order=False)
        return [message.data for _, _, message in found]


def test_a_paused_throttled_and_split_recording_accounts_for_every_message(world: World) -> None:
    publisher = world.publish(
        STRING | {"count": 400, "hertz": 100, "depth": 400},
        IMU | {"count": 400, "hertz": 100, "depth": 400},
        LATCHED | {"count": 1},
    )
    recording = world.record("-a", "--format", "rrd,mcap", "--throttle", "/imu=10", "--max-duration", "1h")
    recording.until_received(chatter=50, imu=50, latched=1)
    assert control("pause")["status"]["topics"]
    recording.until_received(chatter=150)
    control("resume")
    control("split")
    recording.until_received(chatter=400, imu=400)
    assert control("status")["status"]["parts"] == 2
    status, last = recording.end()
    assert status == 0
    names = [Path(path).name for path in last["paths"]]
    assert names == ["run_0000.rrd", "run_0000.mcap", "run_0001.rrd", "run_0001.mcap"]
    parts = [Path(path).parent / f"run_000{number}" for number, path in enumerate(last["paths"][:2])]
    for topic in ("/chatter", "/imu"):
        recorded = [payload for part in parts for payload in payloads_of(part.with_suffix(".rrd"))[topic]]
        assert recorded == [p for part in parts for p in mcap_payloads(part.with_suffix(".mcap"), topic)]
        account = recording.topic(last, topic)
        assert (account["received"], account["lost"], account["dropped"]) == (400, 0, 0)
        assert account["written"] == len(recorded) == 400 - account["paused"] - account["throttled"]
        sent = publisher.sent_on(topic)
        numbers = [sent.index(payload) for payload in recorded]
        assert numbers == sorted(set(numbers))
        assert account["paused"] >= 50
    assert recording.topic(last, "/chatter")["throttled"] == 0
    assert len(sent) > recording.topic(last, "/imu")["throttled"] > 150
    for part in parts:
        verify(part.with_suffix(".rrd"))
        assert payloads_of(part.with_suffix(".rrd"))["/latched"] == publisher.sent_on("/latched")


def test_a_topic_triggers_a_snapshot_with_simulated_time(world: World) -> None:
    publisher = world.publish(
        STRING | {"count": 8000, "hertz": 100},
        CLOCK | {"count": 1000, "hertz": 20, "wait": False},
        LATCHED | {"count": 1},
    )
    recording = world.record("/chatter", "latched", "--snapshot", "1s", "--trigger-topic", "/oops")
    recording.until_received(chatter=300)
    assert list(world.folder.glob("run*.rrd*")) == []
    world.publish(STRING | {"topic": "/oops", "count": 1})
    first = world.folder / "run_0000.rrd"
    until(first.exists)
    recording.process.send_signal(signal.SIGUSR1)
    until((world.folder / "run_0001.rrd").exists)
    status, last = recording.end()
    assert status == 0
    assert [topic["topic"] for topic in last["topics"]] != ["/oops"]
    recorded = payloads_of(first)
    assert set(recorded) == {"/chatter", "/latched"}
    sent = publisher.sent_on("/chatter")
    numbers = [sent.index(payload) for payload in recorded["/chatter"]]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    times = [nanos for nanos, _ in raw_of(first)["/chatter"]]
    assert 0.3e9 < max(times) - min(times) <= 1e9
    assert payloads_of(world.folder / "run_0001.rrd")["/latched"] == publisher.sent_on("/latched")
    simulated = [
        int(nanos)
        for chunk in chunks_of(first)
        if chunk.entity_path == "/chatter" and "sim_time" in chunk.times
        for nanos in chunk.times["sim_time"].values
    ]
    assert len(simulated) >= len(numbers)
    assert len({nanos for nanos in simulated if nanos % 1_000_000_000 == 0}) > 1, "readings are whole seconds"


def test_what_there_is_to_record_is_listed_with_rates(world: World) -> None:
    world.publish(
        STRING | {"count": 2000, "hertz": 50, "wait": False},
        IMU | {"count": 1000, "reliable": False},
        LATCHED | {"count": 1},
    )
    command = [
        str(BIN / "rrbridge"),
        "record",
        "--list",
        "--json",
        "--ros-python",
        str(world.python),
        "--duration",
        "2s",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    world.note()
    found = {topic["topic"]: topic for topic in map(json.loads, done.stdout.splitlines())}
    assert found["/chatter"]["msgtypes"] == ["std_msgs/msg/String"]
    assert found["/chatter"]["nodes"][0].startswith("/test_publisher")
    assert found["/imu"]["qos"] == "best effort, volatile"
    assert found["/latched"]["qos"] == "reliable, transient local"
    assert 2 < found["/chatter"]["hertz"] < 500
    assert not any("/_" in topic for topic in found)


def test_keys_of_the_terminal_pause_and_end_it(world: World, tmp_path: Path) -> None:
    publisher = world.publish(STRING | {"count": 3000, "hertz": 100})
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, b"\x28\x00\x78\x00\x00\x00\x00\x00")
    path = tmp_path / "run.rrd"
    process = subprocess.Popen(
        [BIN / "rrbridge", "record", "-o", path, "--ros-python", world.python, "/chatter"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        env=os.environ | {"TERM": "xterm"},
    )
    world.stack.callback(process.kill)
    os.close(theirs)
    os.set_blocking(ours, False)
    shown = bytearray()

    def is_shown(text: str) -> bool:
        with suppress(OSError):  # nothing to read just now
            shown.extend(os.read(ours, 1 << 16))
        return text.encode() in shown

    until(lambda: is_shown("space pauses"))
    until(lambda: is_shown("/chatter ") and sum(t["received"] for t in control("status")["status"]["topics"]) > 50)
    os.write(ours, b" ")
    until(lambda: is_shown("paused; latched topics"))
    world.note()
    os.write(ours, b"\x03")
    until(lambda: is_shown("run.rrd:"))
    assert process.wait(WAIT_SECS) == 0
    os.close(ours)
    recorded = payloads_of(path)["/chatter"]
    assert publisher.sent_on("/chatter")[: len(recorded)] == recorded
