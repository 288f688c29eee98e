"""A ROS 1 on this machine, as Debian packages it: a master, publishers, `rosbag record`; and what was sent."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from xmlrpc.client import ServerProxy

import pytest
from ports import free_port
from waiting import WAIT_SECS, until

DEBIAN_PYTHON = Path("/usr/bin/python3")
ROSBAG_RECORD = Path("/usr/lib/rosbag/record")
SCRIPTS = Path(__file__).parents[1] / "bridge" / "ros"
PUBLISHER, LISTENER = SCRIPTS / "ros1_publisher.py", SCRIPTS / "ros1_listener.py"


def require_ros1() -> None:
    """Skip where there is no ROS 1; fail where CI should have installed it."""
    needed = f"{DEBIAN_PYTHON} -c 'import rospy, rosmaster, sensor_msgs, tf2_msgs' and {ROSBAG_RECORD}"
    modules = "import rospy, rosmaster, rosgraph_msgs, sensor_msgs, tf2_msgs"
    has_rospy = (
        DEBIAN_PYTHON.exists()
        and not subprocess.run(
            [DEBIAN_PYTHON, "-c", modules], capture_output=True, env=environment({}), check=False
        ).returncode
    )
    if not (has_rospy and ROSBAG_RECORD.exists()):
        message = f"no ROS 1 here ({needed} fails): run scripts/setup-ros1"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)


def environment(more: dict[str, str]) -> dict[str, str]:
    """Ours without what is for our Python alone."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "ROS_")) and k != "VIRTUAL_ENV"}
    return {**ours, "PATH": f"/usr/bin:/bin:{ours.get('PATH', '')}", **more}


class Process:
    """A process that ends with the test."""

    def __init__(self, command: list[Any], env: dict[str, str], log: Path) -> None:
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                list(map(str, command)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env=env,
                text=True,
            )

    def said(self, word: str) -> None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert line == word, line

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(WAIT_SECS)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.kill()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()


class Publisher(Process):
    """Publishes what was asked for, and tells what it sent."""

    def __init__(
        self, world: Ros1World, name: str, spec: list[dict[str, Any]], env: dict[str, str] | None = None
    ) -> None:
        self.spec = spec
        self.log = world.folder / f"sent-{name}-{time.monotonic_ns()}"
        command = [DEBIAN_PYTHON, PUBLISHER, name, self.log, json.dumps(spec)]
        super().__init__(command, world.env | (env or {}), world.folder / "log")
        self.said("ready")

    def sent(self, topic: str) -> list[bytes]:
        """The bytes of every message on a topic, so far."""
        return logged(self.log)[[entry["topic"] for entry in self.spec].index(topic)]

    def leave(self) -> None:
        """End as a node does that is asked to."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(WAIT_SECS)


def logged(path: Path) -> defaultdict[int, list[bytes]]:
    """Messages by the topic's index, as the scripts write them down."""
    data, at = path.read_bytes(), 0
    found: defaultdict[int, list[bytes]] = defaultdict(list)
    while at + 8 <= len(data):
        index, size = struct.unpack_from("<II", data, at)
        if at + 8 + size <= len(data):
            found[index].append(data[at + 8 : at + 8 + size])
        at += 8 + size
    return found


class Subscriber(Process):
    """A rospy node that listens, and tells what it heard."""

    def __init__(self, world: Ros1World, name: str, topics: dict[str, str]) -> None:
        self.topics = list(topics)
        self.log = world.folder / f"heard-{name}"
        chosen = [f"{topic}={msgtype}" for topic, msgtype in topics.items()]
        super().__init__([DEBIAN_PYTHON, LISTENER, name, self.log, *chosen], world.env, world.folder / "log")
        self.said("ready")

    def heard(self, topic: str) -> list[bytes]:
        """The bytes of every message on a topic, so far."""
        return logged(self.log)[self.topics.index(topic)]


class Ros1World:
    """Starts a master, and processes that end with the test."""

    def __init__(self, folder: Path, stack: ExitStack, host: str = "127.0.0.1", *, roscore: bool = False) -> None:
        """`roscore`: with all that belongs to a ROS 1, not its master alone, which is sooner up."""
        require_ros1()
        self.folder = folder
        self._stack = stack
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.env = environment({"ROS_MASTER_URI": self.uri, "ROS_IP": host, "ROS_HOME": str(folder / "ros")})
        self._command = ["roscore"] if roscore else ["rosmaster", "--core"]
        self.master = self.start_master()

    def run(self, *command: Any, env: dict[str, str] | None = None) -> Process:
        process = Process(list(command), self.env | (env or {}), self.folder / "log")
        self._stack.callback(process.close)
        return process

    def start_master(self) -> Process:
        """It answers when this returns."""
        self.master = self.run(*self._command, "-p", self.port)
        if self._command == ["roscore"]:  # whose children are ended by nobody else
            self._stack.callback(self.master.interrupt)
        self.until(lambda: self.asks("getPid") is not None, "a master")
        return self.master

    def asks(self, method: str, *arguments: Any) -> Any:
        """What the master answers; None if it does not."""
        with ServerProxy(self.uri) as master:
            try:
                return getattr(master, method)("/test", *arguments)[2]
            except OSError:
                return None

    def publish(self, name: str, *spec: dict[str, Any], env: dict[str, str] | None = None) -> Publisher:
        publisher = Publisher(self, name, list(spec), env)
        self._stack.callback(publisher.close)
        return publisher

    def listen(self, name: str, topics: dict[str, str]) -> Subscriber:
        subscriber = Subscriber(self, name, topics)
        self._stack.callback(subscriber.close)
        return subscriber

    def rosbag_record(self, bag: Path, *arguments: str) -> Process:
        """The real recorder."""
        return self.run(ROSBAG_RECORD, "-O", bag, *arguments)

    def subscribers(self, topic: str) -> list[str]:
        _, subscribers, _ = self.asks("getSystemState")
        found: list[str] = dict(subscribers).get(topic, [])
        return found

    def until(self, holds: Any, what: str) -> None:
        until(holds, lambda: f"{what}: {(self.folder / 'log').read_text()[-2000:]}")
