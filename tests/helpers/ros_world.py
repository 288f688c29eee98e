"""A ROS graph for tests: real rclpy publishers, the real recorder as a process, and what both leave behind."""

from __future__ import annotations

import fcntl
import json
import os
import random
import re
import signal
import socket
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
from waiting import WAIT_SECS, until

from rrbridge._messages import StoredChunk
from rrbridge.chunk import Chunk
from rrbridge.rrd import RrdReader

ROOT = Path(__file__).resolve().parents[2]
ROS_SCRIPTS = ROOT / "tests" / "bridge" / "ros"
DISTROS = ("kilted", "jazzy")
OUR_FOLDERS = [ROOT / name for name in ("sdk", "bridge", "viewer")]
BIN = Path(sys.executable).parent


@dataclass
class Sent:
    index: int
    time_nanos: int
    payload: bytes


class Process:
    """A script under the ROS Python, and the messages that it wrote down."""

    def __init__(self, script: str, python: Path, folder: Path, spec: list[dict[str, Any]]) -> None:
        self.spec = spec
        self.log = folder / f"{script}-{len(list(folder.glob(f'{script}-*')))}"
        self.process = subprocess.Popen(
            [python, ROS_SCRIPTS / script, self.log, json.dumps(spec)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
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


class Publisher(Process):
    """A process that publishes, and what it sent."""

    def __init__(self, python: Path, folder: Path, spec: list[dict[str, Any]]) -> None:
        super().__init__("publisher.py", python, folder, spec)


class Listener(Process):
    """A process that listens, and what it heard."""

    def __init__(self, python: Path, folder: Path, spec: list[dict[str, Any]]) -> None:
        super().__init__("listener.py", python, folder, spec)

    def until_heard(self, count: int) -> list[Sent]:
        until(lambda: len(self.sent()) >= count, lambda: f"{count} messages, heard {len(self.sent())}")
        return self.sent()


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
        which = [] if python is None or "--ros-python" in arguments else ["--ros-python", str(python)]
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
        return self._until_told("received", counts)

    def until_written(self, **counts: int) -> dict[str, Any]:
        """The same, until they are in the file."""
        return self._until_told("written", counts)

    def _until_told(self, what: str, counts: dict[str, int]) -> dict[str, Any]:
        def enough(event: dict[str, Any]) -> bool:
            if event["event"] != "status":
                return False
            have = {topic["topic"].strip("/"): topic[what] for topic in event["topics"]}
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
        until(lambda: set(marked_pids(self.folder)) <= {os.getpid()}, "the end of killed processes")
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

    def listen(self, *spec: dict[str, Any]) -> Listener:
        listener = Listener(self.python, self.folder, list(spec))
        self.stack.callback(listener.close)
        self.stack.callback(self.note)
        return listener

    def record(self, *arguments: str, env: dict[str, str] | None = None, sourced: bool = False) -> Recording:
        recording = Recording(None if sourced else self.python, self.folder / "run.rrd", *arguments, env=env)
        self.stack.callback(recording.close)
        recording.on_received = self.note
        return recording


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


def missing(heard: list[bytes], sent: list[bytes]) -> int:
    """How many of what was sent are not there between the first and the last that are; the others are in their order."""
    numbers = [sent.index(payload) for payload in heard]
    assert numbers == sorted(set(numbers))
    return numbers[-1] - numbers[0] + 1 - len(numbers)


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


def venv_python(distro: str) -> Path:
    """A Python that has rclpy of a distribution; `scripts/setup-ros-venv` makes it. Skips or fails where there is none."""
    given = os.environ.get(f"RRBRIDGE_ROS_VENV_{distro.upper()}", ROOT / f".venv-ros-{distro}")
    if distro == DISTROS[0]:
        given = os.environ.get("RRBRIDGE_ROS_VENV", given)
    elif "RRBRIDGE_ROS_VENV" in os.environ and not Path(given).exists():
        given = Path(os.environ["RRBRIDGE_ROS_VENV"]).with_name(f".venv-ros-{distro}")
    python = Path(given) / "bin" / "python"
    if not python.exists():
        message = f"no rclpy at {python}: run scripts/setup-ros-venv {distro}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return python


@pytest.fixture(scope="session")
def ros_python() -> Path:
    """A Python that has rclpy."""
    return venv_python(DISTROS[0])


@pytest.fixture(scope="session", params=DISTROS)
def each_ros_python(request: pytest.FixtureRequest) -> Path:
    """One after the other, a Python of each distribution that is tested."""
    return venv_python(request.param)


def has_nobody(domain: int) -> bool:
    """Whether the port is free that the first participant of a DDS domain takes on a machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        try:
            trial.bind(("", 7410 + 250 * domain))
        except OSError:
            return False
    return True


@pytest.fixture
def ros_domain() -> Iterator[int]:
    """The number of a ROS graph that nobody else on this machine is in, and that no other test takes meanwhile."""
    for domain in random.SystemRandom().sample(range(1, 101), 100):
        with (Path(tempfile.gettempdir()) / f"rrbridge-test-ros-domain-{domain}").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if has_nobody(domain):
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
    for name in ("LD_LIBRARY_PATH", "_ROS_WHEELS_BOOTSTRAP_COMPLETE", "AMENT_PREFIX_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, OUR_FOLDERS)))


@pytest.fixture
def world(ros_python: Path, ros_env: None, tmp_path: Path) -> Iterator[World]:
    """Starts publishers and recorders, and ends them."""
    yield from _world(ros_python, tmp_path)


@pytest.fixture
def each_world(each_ros_python: Path, ros_env: None, tmp_path: Path) -> Iterator[World]:
    """The same with each distribution."""
    yield from _world(each_ros_python, tmp_path)


def _world(python: Path, folder: Path) -> Iterator[World]:
    with ExitStack() as stack:
        world = World(python, folder, stack)
        stack.callback(world.clean)  # the last of all
        yield world
