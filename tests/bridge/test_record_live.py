"""Real rclpy publishers, the real command as a process of its own, every byte compared."""

from __future__ import annotations

import fcntl
import json
import os
import random
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rrbridge._messages import StoredChunk
from rrbridge.chunk import Chunk
from rrbridge.rrd import RrdReader

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.xdist_group("live")]

ROOT = Path(__file__).resolve().parents[2]
PUBLISHER = Path(__file__).parent / "ros" / "publisher.py"
BIN = Path(sys.executable).parent
WAIT_SECS = 30.0


@pytest.fixture(scope="session")
def ros_python() -> Path:
    """A Python that has rclpy; `scripts/setup-ros-venv` makes it."""
    python = Path(os.environ.get("RRBRIDGE_ROS_VENV", ROOT / ".venv-ros-kilted")) / "bin" / "python"
    if not python.exists():
        message = f"no rclpy at {python}: run scripts/setup-ros-venv"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return python


@pytest.fixture
def ros_domain() -> Iterator[int]:
    """The number of a ROS graph that no other test on this machine uses at the same time."""
    for domain in random.SystemRandom().sample(range(1, 101), 100):
        with (Path(tempfile.gettempdir()) / f"rrbridge-test-ros-domain-{domain}").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield domain
            return
    pytest.fail("all ROS domains are in use by other tests")


@pytest.fixture
def ros_env(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ros_domain: int) -> None:
    """A ROS graph of its own, on this machine only."""
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setenv("ROS_DOMAIN_ID", str(ros_domain))
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "ros-log"))
    monkeypatch.setenv("RRBRIDGE_TEST_MARK", str(tmp_path))
    for name in ("LD_LIBRARY_PATH", "_ROS_WHEELS_BOOTSTRAP_COMPLETE", "AMENT_PREFIX_PATH", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)


@dataclass
class Sent:
    index: int
    time_nanos: int
    payload: bytes


class Publisher:
    """A process that publishes, and what it sent."""

    def __init__(self, python: Path, folder: Path, spec: list[dict[str, Any]]) -> None:
        self.spec = spec
        self.log = folder / f"sent-{len(list(folder.glob('sent-*')))}"
        self.process = subprocess.Popen(
            [python, PUBLISHER, self.log, json.dumps(spec)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            self.said("ready")
        except BaseException:
            self.close()
            raise

    def said(self, word: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == word

    def sent(self) -> list[Sent]:
        data, found, at = self.log.read_bytes(), [], 0
        while at + 16 <= len(data):
            index, nanos, size = struct.unpack_from("<IQI", data, at)
            payload = data[at + 16 : at + 16 + size]
            found.append(Sent(index, nanos, payload + bytes(-size % 4)))  # DDS pads to whole words on the wire
            at += 16 + size
        return found

    def sent_on(self, topic: str) -> list[bytes]:
        return [s.payload for s in self.sent() if self.spec[s.index]["topic"] == topic]

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def marked_pids(mark: Path) -> list[int]:
    """Processes of this test that are alive."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"RRBRIDGE_TEST_MARK={mark}".encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def shared_memory(pids: Iterable[int]) -> set[str]:
    """Names of what Fast DDS keeps in shared memory for these processes."""
    found: set[str] = set()
    for pid in pids:
        try:
            found |= set(re.findall(r"/dev/shm/(fastdds_\w+)", Path(f"/proc/{pid}/maps").read_text()))
        except OSError:
            continue
    return found


def delete_shared_memory(names: set[str]) -> None:
    """Delete what killed processes left behind, unless some other process uses it too."""
    in_use = shared_memory(int(folder.name) for folder in Path("/proc").glob("[0-9]*"))
    for name in names - in_use:
        for file in (name, f"{name}_el", f"sem.{name}_mutex"):
            (Path("/dev/shm") / file).unlink(missing_ok=True)


class Recording:
    """`rrbridge record` as a process."""

    def __init__(self, python: Path | None, path: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
        self.path = path
        self.active = path.with_name(path.name + ".active")
        self.errors = path.with_suffix(".stderr")
        self.events: list[dict[str, Any]] = []
        self.on_received: Callable[[], object] = list
        """Called when so much was received that the worker has all that it needs."""
        which = [] if python is None else ["--ros-python", str(python)]
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                [BIN / "rrbridge", "record", "--json", "-o", path, *which, *arguments],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=os.environ | (env or {}),
            )
        try:
            self.until(lambda event: event["event"] == "begin")
        except BaseException:
            self.close()
            raise

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Read JSON lines up to the wanted one."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + WAIT_SECS
        while time.monotonic() < deadline:
            line = self.process.stdout.readline()
            if not line:
                raise AssertionError(f"the recorder ended: {self.errors.read_text()}")
            event: dict[str, Any] = json.loads(line)
            self.events.append(event)
            if wanted(event):
                return event
        raise AssertionError(f"waited for too long; heard {self.events[-3:]}")

    def until_received(self, **counts: int) -> dict[str, Any]:
        """Read on until so many messages of each topic (named without its slash) have arrived."""

        def enough(event: dict[str, Any]) -> bool:
            if event["event"] != "status":
                return False
            have = {topic["topic"].strip("/"): topic["received"] for topic in event["topics"]}
            return all(have.get(name, 0) >= count for name, count in counts.items())

        event = self.until(enough)
        self.on_received()
        return event

    def end(self, number: int = signal.SIGINT) -> tuple[int, dict[str, Any]]:
        """Send a signal; the exit status and the last JSON line."""
        self.process.send_signal(number)
        last = self.until(lambda event: event["event"] == "end")
        status = self.process.wait(WAIT_SECS)
        self.close()
        return status, last

    def close(self) -> None:
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def topic(self, last: dict[str, Any], name: str) -> dict[str, Any]:
        (found,) = [t for t in last["topics"] if t["topic"] == name]
        return dict(found)


@dataclass
class World:
    python: Path
    folder: Path
    stack: ExitStack
    shared: set[str] = field(default_factory=set)

    def note(self) -> list[int]:
        """Remember what the test's processes have in shared memory, to be called before any is killed; their ids."""
        pids = marked_pids(self.folder)
        self.shared |= shared_memory(pids)
        return pids

    def clean(self) -> None:
        """End what is left of the test's processes, and delete what they left behind."""
        for pid in set(self.note()) - {os.getpid()}:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while set(marked_pids(self.folder)) - {os.getpid()} and time.monotonic() < deadline:
            time.sleep(0.01)
        delete_shared_memory(self.shared)

    @cached_property
    def not_lost(self) -> int | None:
        """What stands for no loss with several publishers: Jazzy does not tell which of them a message is from."""
        code = "import importlib.metadata as m; print(m.version('rclpy'))"
        version = subprocess.run([self.python, "-c", code], capture_output=True, text=True, check=True).stdout
        return 0 if int(version.split(".")[0]) >= 9 else None

    def publish(self, *spec: dict[str, Any]) -> Publisher:
        publisher = Publisher(self.python, self.folder, list(spec))
        self.stack.callback(publisher.close)
        self.stack.callback(self.note)
        return publisher

    def record(self, *arguments: str, env: dict[str, str] | None = None, sourced: bool = False) -> Recording:
        recording = Recording(None if sourced else self.python, self.folder / "run.rrd", *arguments, env=env)
        self.stack.callback(recording.close)
        recording.on_received = self.note
        return recording


@pytest.fixture
def world(ros_python: Path, ros_env: None, tmp_path: Path) -> Iterator[World]:
    """Starts publishers and recorders, and ends them."""
    with ExitStack() as stack:
        world = World(ros_python, tmp_path, stack)
        stack.callback(world.clean)  # the last of all
        yield world


def chunks_of(path: Path) -> list[Chunk]:
    return [message.chunk for message in RrdReader(path).messages() if isinstance(message, StoredChunk)]


def raw_of(path: Path) -> dict[str, list[tuple[int, bytes]]]:
    """`(log time, payload)` of every message by topic, in the order of the file's row ids."""
    found: defaultdict[str, list[tuple[bytes, int, bytes]]] = defaultdict(list)
    for chunk in chunks_of(path):
        data = chunk.components.get("McapMessage:data")
        if data is not None:
            times = chunk.times["message_log_time"].values
            ids = np.ascontiguousarray(chunk.row_ids).view("S16")
            for row, time_nanos in enumerate(times.tolist()):
                payload = bytes(data.cells[row].values[0].values.to_numpy())
                found[chunk.entity_path].append((ids[row].tobytes(), time_nanos, payload))
    return {topic: [(t, p) for _, t, p in sorted(rows)] for topic, rows in found.items()}


def payloads_of(path: Path) -> dict[str, list[bytes]]:
    return {topic: [payload for _, payload in rows] for topic, rows in raw_of(path).items()}


def verify(path: Path) -> None:
    subprocess.run([BIN / "rerun", "rrd", "verify", path], check=True, capture_output=True)


def worker_pids(mark: Path) -> list[int]:
    """Workers of this test that are alive."""
    found = []
    for pid in marked_pids(mark):
        with suppress(OSError):
            if b"rclpy_worker.py" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


STRING = {"type": "std_msgs/msg/String", "topic": "/chatter"}
IMAGE = {"type": "sensor_msgs/msg/Image", "topic": "/camera"}
IMU = {"type": "sensor_msgs/msg/Imu", "topic": "/imu"}
LATCHED = {"type": "geometry_msgs/msg/TransformStamped", "topic": "/latched", "latched": True, "wait": False}


def test_every_byte_is_recorded(world: World) -> None:
    publisher = world.publish(
        STRING | {"count": 150, "hertz": 100},
        IMAGE | {"count": 30, "hertz": 20, "bytes": 300_000},
        IMU | {"count": 150, "hertz": 100, "reliable": False},
        LATCHED | {"count": 1, "depth": 1},
    )
    recording = world.record("-a")
    recording.until_received(chatter=150, camera=30, imu=150, latched=1)
    status, last = recording.end()
    assert status == 0
    assert last["finished"]
    assert not recording.active.exists()
    verify(recording.path)
    recorded = payloads_of(recording.path)
    for topic in ("/chatter", "/camera", "/imu", "/latched"):
        assert recorded[topic] == publisher.sent_on(topic), topic
        account = recording.topic(last, topic)
        assert (account["lost"], account["dropped"], account["written"]) == (0, 0, len(recorded[topic]))


def test_the_file_says_what_it_holds(world: World) -> None:
    world.publish(IMU | {"count": 20}, LATCHED | {"count": 1})
    recording = world.record("/imu", "latched")
    recording.until_received(imu=20, latched=1)
    recording.end()
    static = {
        (chunk.entity_path, name): column.cells[0].as_py()
        for chunk in chunks_of(recording.path)
        if chunk.is_static
        for name, column in chunk.components.items()
    }
    assert static["/imu", "McapChannel:topic"] == ["/imu"]
    assert static["/imu", "McapSchema:name"] == ["sensor_msgs/msg/Imu"]
    definition = bytes(static["/imu", "McapSchema:data"][0]).decode()
    assert "MSG: std_msgs/Header" in definition
    assert "MSG: builtin_interfaces/Time" in definition
    assert "durability: transient_local" in str(static["/latched", "McapChannel:metadata"])
    account = dict(
        zip(
            static["/__properties/recorder", "topic"],
            zip(
                static["/__properties/recorder", "written"],
                static["/__properties/recorder", "lost"],
                static["/__properties/recorder", "dropped"],
                strict=True,
            ),
            strict=True,
        )
    )
    assert account == {"/imu": (20, 0, 0), "/latched": (1, 0, 0)}
    assert static["/__properties/recorder", "complete"] == [True]


def test_messages_are_decoded_while_they_are_recorded(world: World) -> None:
    world.publish(IMU | {"count": 30}, LATCHED | {"count": 1})
    recording = world.record("-a")
    recording.until_received(imu=30, latched=1)
    _, last = recording.end()
    assert recording.topic(last, "/imu")["undecoded"] == 0
    cells = [
        cell[0]
        for chunk in chunks_of(recording.path)
        for name, column in chunk.components.items()
        if name == "sensor_msgs.msg.Imu:message"
        for cell in column.cells.to_pylist()
    ]
    assert [cell["angular_velocity"]["x"] for cell in cells] == [number / 3 for number in range(30)]
    transforms = [chunk for chunk in chunks_of(recording.path) if "Transform3D:translation" in chunk.components]
    assert [chunk.entity_path for chunk in transforms] == ["/latched"]
    assert transforms[0].components["Transform3D:child_frame"].cells.to_pylist() == [["laser_0"]]


def test_a_second_interrupt_leaves_at_once(world: World, tmp_path: Path) -> None:
    world.publish(STRING | {"count": 500})
    recording = world.record("/chatter", "--drain", "60")
    recording.until_received(chatter=50)
    (pid,) = worker_pids(tmp_path)
    os.kill(pid, signal.SIGSTOP)  # so that an orderly end has to wait
    recording.process.send_signal(signal.SIGINT)
    recording.until(lambda event: event["event"] == "notice" and event["text"].startswith("stopping"))
    recording.process.send_signal(signal.SIGINT)
    assert recording.process.wait(WAIT_SECS) == 130
    assert not recording.path.exists()
    assert len(payloads_of(recording.active)["/chatter"]) > 0


def test_a_worker_that_hangs_does_not_keep_the_file_from_being_finished(world: World, tmp_path: Path) -> None:
    world.publish(STRING | {"count": 500})
    recording = world.record("/chatter")
    recording.until_received(chatter=50)
    (pid,) = worker_pids(tmp_path)
    os.kill(pid, signal.SIGSTOP)
    recording.until(lambda event: event["event"] == "notice" and "no sign of life" in event["text"])
    status, last = recording.end()
    assert last["finished"]
    assert status == 1
    assert "had last been heard" in last["error"]
    assert "is missing" in recording.errors.read_text()
    verify(recording.path)


def test_what_has_to_be_sent_again_is_waited_for_at_the_stop(world: World) -> None:
    """Images larger than Fast DDS's shared memory push small messages out of it: these are sent again at a heartbeat."""
    publisher = world.publish(
        STRING | {"count": 3000, "hertz": 150, "depth": 3000},
        IMAGE | {"count": 400, "hertz": 20, "bytes": 6_000_000, "depth": 10, "logged": False},
    )
    recording = world.record("/chatter", "/camera")
    recording.until_received(chatter=300)
    asked_nanos = time.time_ns()
    status, last = recording.end()
    assert status == 0
    sent = publisher.sent()
    numbers = {s.payload: number for number, s in enumerate(sent)}
    recorded = [numbers[payload] for payload in payloads_of(recording.path)["/chatter"]]
    assert recorded == sorted(set(recorded))
    lost = recorded[-1] - recorded[0] + 1 - len(recorded)
    assert recording.topic(last, "/chatter")["lost"] == lost
    assert sent[recorded[-1]].time_nanos < asked_nanos + 3_000_000_000, "later ones are not wanted"
    notices = [event for event in recording.events if event["event"] == "notice" and event["topic"] == "/chatter"]
    if not any(
        "is unknown" in notice["text"] for notice in notices
    ):  # under so much load even what is sent again gets lost
        assert recorded[-1] + 1 >= sum(s.time_nanos < asked_nanos for s in sent)


def test_a_topic_that_never_comes_is_told(world: World) -> None:
    world.publish(STRING | {"count": 500})
    recording = world.record("/chatter", "/nothing")
    told = recording.until(lambda event: event["event"] == "notice" and event["topic"] == "/nothing")
    assert "no publisher" in told["text"]
    status, last = recording.end()
    assert (status, last["absent"], last["finished"]) == (3, ["/nothing"], True)


def test_two_publishers_and_a_late_one(world: World) -> None:
    first = world.publish(STRING | {"count": 100, "hertz": 50})
    second = world.publish(STRING | {"count": 100, "hertz": 50})
    recording = world.record("-a")
    recording.until_received(chatter=50)
    late = world.publish(STRING | {"topic": "/late", "count": 30})
    recording.until_received(chatter=200, late=30)
    status, last = recording.end()
    assert status == 0
    recorded = payloads_of(recording.path)
    sent = first.sent_on("/chatter") + second.sent_on("/chatter")
    assert sorted(recorded["/chatter"]) == sorted(sent)
    assert recording.topic(last, "/chatter")["lost"] == world.not_lost
    assert recorded["/late"] == late.sent_on("/late")


def test_a_later_publisher_of_other_quality_is_heard(world: World) -> None:
    reliable = world.publish(STRING | {"count": 400, "hertz": 50})
    latched = world.publish(LATCHED | {"count": 2, "depth": 5})
    recording = world.record("-a")
    recording.until_received(chatter=50, latched=2)
    careless = world.publish(
        STRING | {"count": 100, "hertz": 50, "reliable": False},
        LATCHED | {"count": 5, "latched": False, "wait": True},
    )
    again = recording.until(lambda e: e["event"] == "notice" and e["topic"] == "/chatter" and "subscribed" in e["text"])
    assert "best effort" in again["text"]
    recording.until_received(chatter=500, latched=7)
    status, last = recording.end()
    assert status == 0
    recorded = payloads_of(recording.path)
    assert sorted(recorded["/chatter"]) == sorted(reliable.sent_on("/chatter") + careless.sent_on("/chatter"))
    assert sorted(recorded["/latched"]) == sorted(latched.sent_on("/latched") + careless.sent_on("/latched"))
    assert recording.topic(last, "/chatter")["lost"] == world.not_lost


def test_an_unknown_type_does_not_stop_the_others(world: World) -> None:
    shadow = world.folder / "shadow" / "geometry_msgs"
    shadow.mkdir(parents=True)
    (shadow / "__init__.py").write_text("raise ImportError('not built here')\n")
    publisher = world.publish(LATCHED | {"count": 1}, STRING | {"count": 20})
    recording = world.record("-a", env={"PYTHONPATH": str(shadow.parent)})
    told = recording.until(lambda e: e["event"] == "notice" and e["topic"] == "/latched")
    assert told["severity"] == "warning"
    assert "geometry_msgs/msg/TransformStamped" in told["text"]
    recording.until_received(chatter=20)
    status, _ = recording.end()
    assert status == 0
    assert payloads_of(recording.path)["/chatter"] == publisher.sent_on("/chatter")


def test_a_sourced_set_up_is_enough(world: World) -> None:
    """What `source /opt/ros/<distro>/setup.bash` sets, with the wheels in the place of /opt/ros."""
    prefix = world.python.parent.parent
    (packages,) = prefix.glob("lib/python3.*/site-packages")
    folder = world.folder / "usr-bin"
    folder.mkdir()
    (folder / packages.parent.name).symlink_to(world.python.resolve())
    libraries = [prefix / "lib", *packages.glob("ros_*.libs")]
    only_ros = (
        world.folder / "lib" / packages.parent.name / "site-packages"
    )  # the wheels' folder has numpy and more too
    only_ros.mkdir(parents=True)
    for package in packages.iterdir():
        if not package.name.startswith(("numpy", "yaml", "pip", "ros_wheels")):
            (only_ros / package.name).symlink_to(package)
    set_up = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "PYTHONPATH": str(only_ros),
        "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
        "AMENT_PREFIX_PATH": str(prefix),
        "ROS_DISTRO": "kilted",
    }
    publisher = world.publish(STRING | {"count": 30}, IMU | {"count": 30})
    recording = world.record("-a", env=set_up, sourced=True)
    assert recording.events[0]["source"].startswith("rclpy (kilted)")
    recording.until_received(chatter=30, imu=30)
    status, last = recording.end()
    assert status == 0
    assert recording.topic(last, "/imu")["undecoded"] == 0
    assert payloads_of(recording.path)["/chatter"] == publisher.sent_on("/chatter")


def test_a_killed_recorder_loses_at_most_the_last_second(world: World, tmp_path: Path) -> None:
    publisher = world.publish(STRING | {"count": 2000, "hertz": 100}, IMAGE | {"count": 500, "hertz": 20})
    recording = world.record("-a")
    recording.until_received(chatter=300)
    recording.process.kill()
    killed_nanos = time.time_ns()
    recording.close()
    assert not recording.path.exists()
    recorded = raw_of(recording.active)
    for topic in ("/chatter", "/camera"):
        payloads = [payload for _, payload in recorded[topic]]
        sent = [s for s in publisher.sent() if publisher.spec[s.index]["topic"] == topic]
        assert payloads == [s.payload for s in sent[: len(payloads)]]
        sure = [
            s for s in sent if s.time_nanos < killed_nanos - 2_000_000_000
        ]  # 1 s of gathering, 1 s for a busy machine
        assert len(payloads) >= len(sure) > 0
    printed = subprocess.run([BIN / "rerun", "rrd", "stats", recording.active], capture_output=True, check=True)
    assert b"num_chunks" in printed.stdout
    deadline = time.monotonic() + 5
    while worker_pids(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert worker_pids(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_end_it_cleanly_too(world: World, number: int) -> None:
    publisher = world.publish(STRING | {"count": 50})
    recording = world.record("/chatter")
    recording.until_received(chatter=50)
    status, last = recording.end(number)
    assert (status, last["finished"]) == (0, True)
    verify(recording.path)
    assert payloads_of(recording.path)["/chatter"] == publisher.sent_on("/chatter")


def test_a_terminal_that_goes_away_does_not_cost_the_recording(world: World) -> None:
    publisher = world.publish(STRING | {"count": 100})
    recording = world.record("/chatter")
    recording.until_received(chatter=10)
    assert recording.process.stdout is not None
    recording.process.stdout.close()
    publisher.said("done")
    time.sleep(1.0)
    recording.process.send_signal(signal.SIGHUP)
    assert recording.process.wait(WAIT_SECS) == 0
    verify(recording.path)
    assert payloads_of(recording.path)["/chatter"] == publisher.sent_on("/chatter")


def test_a_worker_that_dies_is_told_and_what_came_is_saved(world: World, tmp_path: Path) -> None:
    world.publish(STRING | {"count": 1000})
    recording = world.record("/chatter")
    recording.until_received(chatter=20)
    for pid in worker_pids(tmp_path):
        os.kill(pid, signal.SIGKILL)
    last = recording.until(lambda event: event["event"] == "end")
    assert recording.process.wait(WAIT_SECS) == 1
    assert last["finished"]
    assert "worker ended by itself" in recording.errors.read_text()
    verify(recording.path)
    assert len(payloads_of(recording.path)["/chatter"]) >= 20


def test_the_definition_is_asked_of_the_publisher_where_no_package_has_it(world: World) -> None:
    from rrbridge_bridge.live.definitions import DefinitionFinder
    from rrbridge_bridge.live.rclpy import RclpySource
    from rrbridge_bridge.live.source import Discovered, Received, SourceOptions

    world.publish(IMU | {"count": 100})
    session = RclpySource(finder=DefinitionFinder([])).start(SourceOptions(ros_python=str(world.python)))
    world.stack.callback(session.close)
    events = session.events()
    world.stack.callback(events.close)
    for event in events:
        if isinstance(event, Discovered) and event.topic == "/imu":
            session.subscribe("/imu", "sensor_msgs/msg/Imu")
        if isinstance(event, Received):
            assert "MSG: geometry_msgs/Vector3" in event.batch.connection.definition
            break
    else:
        pytest.fail("nothing was received")


def test_it_says_how_many_were_lost_on_the_way(world: World) -> None:
    publisher = world.publish(
        STRING | {"count": 4000, "hertz": 100_000, "bytes": 20_000, "depth": 1, "reliable": False}
    )
    recording = world.record("/chatter")
    publisher.said("done")
    time.sleep(1.5)
    _, last = recording.end()
    account = recording.topic(last, "/chatter")
    recorded = payloads_of(recording.path)["/chatter"]
    sent = publisher.sent_on("/chatter")
    numbers = [sent.index(payload) for payload in (recorded[0], recorded[-1])]
    assert account["received"] == len(recorded)
    assert account["lost"] == numbers[1] - numbers[0] + 1 - len(recorded)
