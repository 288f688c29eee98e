"""How much of what a ROS 2 publisher sends `rrbridge record` takes, beside a bare loop that takes messages and throws them away.

    scripts/record_benchmark_rclpy.py [--ros-python PYTHON] [--repeats 3] [--seconds 5] [--beside N] [--folder DIR]

For each load the bare loop and the recorder listen in turn, several times, to a publisher of the same settings; then both
at once to one publisher. `--beside N` keeps N busy loops running meanwhile; `--folder` is where recordings are written (and
deleted): in `/dev/shm` no disk counts. Told are, as medians: the share of the
published messages that was taken, what the recorder says was lost, and CPU seconds per GB (or per million small messages) of
the bare loop, of the recorder's worker and of the recorder itself.

The loop and the publisher run under the ROS Python, from this same file.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TOPIC = "/load"
QUIET_SECS = 1.5
START_SECS = 30.0


@dataclass(frozen=True)
class Load:
    """What is published."""

    name: str
    hertz: int
    size: int
    """Bytes of each message."""
    depth: int
    """Of the publisher's queue."""


LOADS = (Load("small", 20_000, 64, 20_000), Load("1 MB", 300, 1_050_000, 300))


def publish(hertz: float, size: int, seconds: float, depth: int, listeners: int) -> None:
    """Publish when enough listen; under the ROS Python."""
    import rclpy
    from rclpy.qos import QoSProfile
    from rclpy.serialization import serialize_message
    from std_msgs.msg import String

    rclpy.init(args=[])
    publisher = rclpy.create_node("load").create_publisher(String, TOPIC, QoSProfile(depth=depth))
    payload = serialize_message(String(data="x" * (size - 12)))
    deadline = time.monotonic() + START_SECS
    while publisher.get_subscription_count() < listeners and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.0)
    count, began = int(hertz * seconds), time.monotonic()
    for number in range(count):
        while True:
            with contextlib.suppress(Exception):  # the queue is full: its listeners have not acknowledged yet
                publisher.publish(payload)
                break
        pause = began + (number + 1) / hertz - time.monotonic()
        if pause > 0.0005:
            time.sleep(pause)
    print(json.dumps({"sent": count, "secs": time.monotonic() - began}), flush=True)
    time.sleep(QUIET_SECS + 3.0)
    os._exit(0)


def bare(depth: int) -> None:
    """Take messages and throw them away; under the ROS Python."""
    import rclpy
    from rclpy.qos import QoSProfile
    from std_msgs.msg import String

    rclpy.init(args=[])
    node = rclpy.create_node("bare")
    handle = node.create_subscription(String, TOPIC, lambda _: None, QoSProfile(depth=depth), raw=True).handle
    taken, quiet_from = 0, time.monotonic() + START_SECS
    while time.monotonic() < quiet_from:
        before = taken
        while handle.take_message(String, True) is not None:
            taken += 1
        if taken > before:
            quiet_from = time.monotonic() + QUIET_SECS
        else:
            time.sleep(0.002)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"taken": taken, "cpu": used.ru_utime + used.ru_stime}), flush=True)
    os._exit(0)


def busy() -> None:
    """Keep a core busy."""
    while True:
        sum(range(10_000))


def cpu_secs(pid: int) -> float:
    """CPU seconds that a living process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Run:
    """One publisher and who listens to it."""

    def __init__(self, given: argparse.Namespace, load: Load, listeners: frozenset[str]) -> None:
        self.python: str = given.ros_python
        self.seconds: float = given.seconds
        self.folder: str | None = given.folder
        self.load, self.listeners = load, listeners
        self.env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        self.env |= {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "ROS_DOMAIN_ID": str(secrets.randbelow(100) + 1)}

    def role(self, *arguments: object) -> subprocess.Popen[str]:
        """This file under the ROS Python."""
        command = [self.python, __file__, "--role", *map(str, arguments)]
        return subprocess.Popen(command, env=self.env, stdout=subprocess.PIPE, text=True)

    def result(self) -> dict[str, float]:
        """What came of it."""
        found: dict[str, float] = {}
        with tempfile.TemporaryDirectory(dir=self.folder) as folder, contextlib.ExitStack() as stack:
            recorder = self.recorder(Path(folder)) if "recorder" in self.listeners else None
            loop = self.role("bare", 1000 if self.load.size > 100_000 else 10_000) if "bare" in self.listeners else None
            publisher = self.role(
                "publish", self.load.hertz, self.load.size, self.seconds, self.load.depth, len(self.listeners)
            )
            for process in filter(None, (recorder, loop, publisher)):
                stack.callback(process.kill)
            assert publisher.stdout is not None
            sent = json.loads(publisher.stdout.readline())
            found["rate"] = sent["sent"] / sent["secs"]
            if loop is not None:
                told = json.loads(loop.communicate()[0])
                found |= {"bare": told["taken"] / sent["sent"], "bare cpu": told["cpu"]}
            if recorder is not None:
                time.sleep(QUIET_SECS)
                found |= self.recorded(recorder, sent["sent"])
            publisher.communicate()
        return found

    def recorder(self, folder: Path) -> subprocess.Popen[str]:
        """`rrbridge record`."""
        command = ["rrbridge", "record", TOPIC, "--json", "--no-parameters", "--ros-python", self.python]
        env = self.env | {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        return subprocess.Popen(
            [*command, "-o", folder / "run.rrd"], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def recorded(self, recorder: subprocess.Popen[str], sent: int) -> dict[str, float]:
        """Stop it, and what it tells."""
        (worker,) = map(int, Path(f"/proc/{recorder.pid}/task/{recorder.pid}/children").read_text().split())
        used = {"worker cpu": cpu_secs(worker), "recorder cpu": cpu_secs(recorder.pid)}
        began = time.monotonic()
        recorder.send_signal(signal.SIGINT)
        last = json.loads(recorder.communicate()[0].splitlines()[-1])
        (topic,) = [topic for topic in last["topics"] if topic["topic"] == TOPIC]
        return used | {
            "recorder": topic["written"] / sent,
            "lost": topic["lost"] if topic["lost"] is not None else -1,
            "dropped": topic["dropped"],
            "undecoded": topic["undecoded"],
            "stop secs": time.monotonic() - began,
        }


def report(load: Load, seconds: float, found: list[dict[str, float]], title: str) -> None:
    """One line of medians."""
    amount = load.hertz * seconds * (load.size / 1e9 if load.size > 100_000 else 1e-6)
    parts = []
    for name in dict.fromkeys(key for run in found for key in run):
        value = statistics.median(run[name] for run in found if name in run)
        if name.endswith(" cpu"):
            parts.append(f"{name} {value / amount:.2f}")
        else:
            parts.append(f"{name} {value:.3g}" if name != "rate" else f"{value:.0f} Hz")
    print(f"{load.name}, {title}: " + ", ".join(parts), flush=True)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ros-python", default=str(ROOT / ".venv-ros-kilted" / "bin" / "python"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--beside", type=int, default=0)
    parser.add_argument("--folder")
    parser.add_argument("--role", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.role:
        name, *numbers = given.role
        roles: dict[str, Any] = {"publish": publish, "bare": bare, "busy": busy}
        roles[name](*(float(n) if "." in n else int(n) for n in numbers))
        return
    print("CPU seconds are per million small messages and per GB of images", flush=True)
    loops = [subprocess.Popen([sys.executable, __file__, "--role", "busy"]) for _ in range(given.beside)]
    try:
        for load in LOADS:
            in_turn = [frozenset({who}) for _ in range(given.repeats) for who in ("bare", "recorder")]
            apart = [Run(given, load, who).result() for who in in_turn]
            report(load, given.seconds, apart, "in turn")
            both = frozenset({"bare", "recorder"})
            at_once = [Run(given, load, both).result() for _ in range(given.repeats)]
            report(load, given.seconds, at_once, "at once")
    finally:
        for loop in loops:
            loop.kill()


if __name__ == "__main__":
    main()
