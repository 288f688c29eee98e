"""One run: a ROS, its senders, recorders on all of them at once, and a computer that has other things to do."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from recording_load.rivals import Environment, Figures, Rival, Running

__all__ = ["WORLDS", "Load", "Robot", "run"]

SENDERS = Path(__file__).with_name("senders.py")
DEBIAN_PYTHON = "/usr/bin/python3"
WAIT_SECS = 60.0
REST_SECS = 2.0
MASTER_SECS = 20.0
"""What is still on its way arrives in this time."""


@dataclass(frozen=True)
class Load:
    """What is sent."""

    nbytes: int
    hertz: float
    """Of each topic; 0: as fast as the sender can."""
    topics: int = 1
    secs: float = 5.0

    def __str__(self) -> str:
        size = f"{self.nbytes / 1e6:g} MB" if self.nbytes >= 100_000 else f"{self.nbytes} B"
        rate = f"{self.hertz:g} Hz" if self.hertz else "flat out"
        return f"{self.topics} × {size}, {rate}" if self.topics > 1 else f"{size}, {rate}"


@dataclass(frozen=True)
class Robot:
    """A ROS that runs, for as long as it is needed."""

    world: str
    python: str
    env: Environment
    """Of its own programs."""
    source: str
    """As `--from` has it."""
    recorder_env: Environment


def _plain() -> dict[str, str]:
    return {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "ROS_", "AMENT_")) and k != "VIRTUAL_ENV"
    }


def _for_recorders(env: Environment) -> dict[str, str]:
    """With the path to our own modules, which the ROS of the system must not see."""
    ours = [str(SENDERS.parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**env, "PYTHONPATH": os.pathsep.join(ours)}


def _wait_for_port(port: int) -> None:
    """Until somebody listens there. Raises RuntimeError."""
    deadline = time.monotonic() + MASTER_SECS
    while time.monotonic() < deadline:
        with suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), MASTER_SECS).close()
            return
        time.sleep(0.05)
    raise RuntimeError(f"no master came up within {MASTER_SECS:g} s")


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@contextmanager
def ros1(_: str) -> Iterator[Robot]:
    """A master on a free port."""
    with tempfile.TemporaryDirectory() as home:
        port = _free_port()
        uri = f"http://127.0.0.1:{port}"
        env = {**_plain(), "ROS_MASTER_URI": uri, "ROS_IP": "127.0.0.1", "ROS_HOME": home}
        command = [DEBIAN_PYTHON, "/usr/bin/rosmaster", "--core", "-p", str(port)]
        master = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_for_port(port)
            yield Robot("ros1", DEBIAN_PYTHON, env, f"ros1:{uri}", _for_recorders(env))
        finally:
            master.kill()
            master.wait()


@contextmanager
def ros2(python: str) -> Iterator[Robot]:
    """A graph of its own on this machine, under the Python that has rclpy."""
    with tempfile.TemporaryDirectory() as logs:
        domain = str(random.SystemRandom().randrange(1, 100))
        env = {**_plain(), "ROS_DOMAIN_ID": domain, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "ROS_LOG_DIR": logs}
        yield Robot("ros2", python, env, "rclpy", {**_for_recorders(env), "RRBRIDGE_ROS_PYTHON": python})


@contextmanager
def zenoh(_: str) -> Iterator[Robot]:
    """A router on a free port, through which peers find each other."""
    import zenoh

    port = _free_port()
    config = zenoh.Config()
    config.insert_json5("mode", '"router"')
    config.insert_json5("listen/endpoints", f'["tcp/127.0.0.1:{port}"]')
    config.insert_json5("scouting/multicast/enabled", "false")
    session = zenoh.open(config)
    try:
        yield _ours("zenoh", port, f"zenoh:127.0.0.1:{port}")
    finally:
        session.close()  # type: ignore[no-untyped-call]


@contextmanager
def foxglove(_: str) -> Iterator[Robot]:
    """A free port, where each sender serves."""
    port = _free_port()
    yield _ours("foxglove", port, f"foxglove:ws://127.0.0.1:{port}")


def _ours(world: str, port: int, source: str) -> Robot:
    """One whose programs need no ROS."""
    env = _for_recorders(_plain() | {"LOAD_PORT": str(port)})
    return Robot(world, sys.executable, env, source, env)


WORLDS: Mapping[str, Callable[[str], AbstractContextManager[Robot]]] = MappingProxyType(
    {"ros1": ros1, "ros2": ros2, "zenoh": zenoh, "foxglove": foxglove}
)
"""Each with what it takes to record from it, given the Python that has rclpy."""


def run(robot: Robot, load: Load, rivals: Sequence[Rival], busy: int) -> list[Figures]:
    """Send a load to all recorders at once while so many other processes want a processor each."""
    topics = [f"/load_{n}" for n in range(load.topics)]
    numbers = [load.topics, load.nbytes, load.hertz, load.secs, len(rivals)]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        log = stack.enter_context((Path(folder) / "sender.log").open("w"))
        sender = subprocess.Popen(
            [robot.python, SENDERS, robot.world, *map(str, numbers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=dict(robot.env),
        )
        stack.callback(_end, sender)
        assert sender.stdin is not None
        assert sender.stdout is not None
        if sender.stdout.readline().strip() != "up":
            raise RuntimeError(f"the sender did not start:\n{_logs(Path(folder))}")
        running = [Running(rival, Path(folder), topics, robot.recorder_env) for rival in rivals]
        for one in running:
            stack.callback(one.close)
        if sender.stdout.readline().strip() != "ready":
            raise RuntimeError(f"the sender found no listeners:\n{_logs(Path(folder))}")
        for _ in range(busy):
            stack.callback(_end, subprocess.Popen([sys.executable, "-c", "while True: pass"]))
        for one in running:
            one.begin()
        print("go", file=sender.stdin, flush=True)
        sent = [int(word) for word in sender.stdout.readline().split()]
        if len(sent) != load.topics:
            raise RuntimeError(f"the sender failed:\n{_logs(Path(folder))}")
        time.sleep(REST_SECS)
        return [one.stop(sent) for one in running]


def _logs(folder: Path) -> str:
    return "\n".join(f"{path.name}: {path.read_text()[-2000:]}" for path in folder.glob("*.log"))


def _end(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
