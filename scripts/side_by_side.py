"""Measure programs whole, side by side: wall time, processor time and peak memory of a process from start to exit."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt
import rosbags.typesys.stores.ros2_humble as ros
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from simulated_robot import messages as msg

__all__ = ["Cost", "compare", "many_small_messages", "measure"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a program cost."""

    wall_secs: float
    cpu_secs: float
    peak_bytes: int
    """Largest resident set of the process."""


LAUNCHER = """
import json, os, sys, time
began = time.perf_counter()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(pid, 0)
wall = time.perf_counter() - began
os.write(3, json.dumps([os.waitstatus_to_exitcode(status), wall, used.ru_utime + used.ru_stime, used.ru_maxrss]).encode())
"""
"""Starts the program from a small process: the kernel counts what a process held before exec into its peak."""


def measure(command: Sequence[str]) -> Cost:
    """Run a command to its end, quietly. Raises RuntimeError when it fails."""
    told, say = os.pipe()
    with os.fdopen(told) as answer, Path(os.devnull).open("w") as quiet:
        actions = [
            (os.POSIX_SPAWN_DUP2, quiet.fileno(), 1),
            (os.POSIX_SPAWN_DUP2, quiet.fileno(), 2),
            (os.POSIX_SPAWN_DUP2, say, 3),
        ]
        launcher = [sys.executable, "-I", "-S", "-c", LAUNCHER, *command]
        pid = os.posix_spawn(sys.executable, launcher, os.environ, file_actions=actions)
        os.close(say)
        line = answer.read()
        os.waitpid(pid, 0)
    if not line:
        raise RuntimeError(f"{command[0]} could not be started")
    code, wall_secs, cpu_secs, peak_kib = json.loads(line)
    if code != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {code}")
    return Cost(wall_secs, cpu_secs, peak_kib * 1024)


def compare(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, Cost]:
    """The median cost of each command. They take turns, so that what else the machine does hits all alike."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            costs[name].append(measure(command))
    return {
        name: Cost(
            median(c.wall_secs for c in runs), median(c.cpu_secs for c in runs), int(median(c.peak_bytes for c in runs))
        )
        for name, runs in costs.items()
    }


def many_small_messages(folder: Path, *, scale: float = 1.0, seed: int = 1) -> Path:
    """An MCAP bag of 255 000 messages and some 230 MB (times `scale`) of the kind that a robot makes most of."""
    store = get_typestore(Stores.ROS2_HUMBLE)
    rng = np.random.default_rng(seed)
    zeros9, zeros36 = np.zeros(9), np.zeros(36)
    twist = ros.geometry_msgs__msg__TwistWithCovariance(
        ros.geometry_msgs__msg__Twist(msg.vector(), msg.vector()), zeros36
    )
    where = ros.geometry_msgs__msg__PoseWithCovariance(msg.pose(), zeros36)
    joints = [f"joint_{i}" for i in range(12)]
    moved = [msg.transform(0, "base_link", f"link_{i}", (0, 0, 0)) for i in range(4)]
    head = msg.header(0, "base_link")
    beams = np.zeros(720, np.float32)
    # Count, message, bytes at the end to fill with noise, and what they are: the tails of these messages are plain numbers.
    kinds: dict[str, tuple[int, str, object, int, str]] = {
        "/imu": (82_000, "sensor_msgs/msg/Imu", ros.sensor_msgs__msg__Imu(
            head, msg.about_z(0), zeros9, msg.vector(), zeros9, msg.vector(), zeros9
        ), 37 * 8, "<f8"),
        "/odom": (60_000, "nav_msgs/msg/Odometry", ros.nav_msgs__msg__Odometry(head, "wheels", where, twist), 42 * 8, "<f8"),
        "/tf": (40_000, "tf2_msgs/msg/TFMessage", ros.tf2_msgs__msg__TFMessage(moved), 7 * 8, "<f8"),
        "/joint_states": (30_000, "sensor_msgs/msg/JointState", ros.sensor_msgs__msg__JointState(
            head, joints, np.zeros(12), np.zeros(12), np.zeros(12)
        ), 12 * 8, "<f8"),
        "/scan": (38_000, "sensor_msgs/msg/LaserScan", ros.sensor_msgs__msg__LaserScan(
            head, -3.1, 3.1, 0.0087, 0.0, 0.1, 0.1, 12.0, beams, np.zeros(0, np.float32)
        ), 720 * 4 + 4, "<f4"),
        "/cmd_vel": (5_000, "geometry_msgs/msg/Twist", ros.geometry_msgs__msg__Twist(msg.vector(), msg.vector()), 48, "<f8"),
    }  # fmt: skip
    with Writer(folder, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        queue = []
        for topic, (count, msgtype, message, tail, dtype) in kinds.items():
            connection = writer.add_connection(topic, msgtype, typestore=store)
            number = max(1, round(count * scale))
            template = np.frombuffer(bytes(store.serialize_cdr(message, msgtype)), np.uint8)
            payloads = vary(template, number, tail, dtype, rng)
            times = np.linspace(0, 500e9, number).astype(np.int64) + 1_767_258_000_000_000_000
            queue += [(t, connection, row.tobytes()) for t, row in zip(times.tolist(), payloads, strict=True)]
        queue.sort(key=lambda entry: entry[0])
        for log_nanos, connection, data in queue:
            writer.write(connection, log_nanos, data)
    return folder / f"{folder.name}.mcap"


def vary(
    template: npt.NDArray[np.uint8], count: int, tail: int, dtype: str, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Copies of a message, shape (count, bytes), whose last `tail` bytes are numbers around one."""
    rows = np.repeat(template[None], count, axis=0)
    size = np.dtype(dtype).itemsize
    kept = 4 if dtype == "<f4" else 0  # an empty sequence's length ends a LaserScan
    numbers = rng.normal(1, 0.2, (count, (tail - kept) // size)).astype(dtype)
    rows[:, len(template) - tail : len(template) - kept] = numbers.view(np.uint8)
    return rows
