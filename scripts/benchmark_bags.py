"""The recordings that conversion is measured with: `python scripts/benchmark_bags.py FOLDER` writes them, 10 GB in all.

*Small*: 255 000 messages of the kinds that a robot makes most of, in 0.23 GB. *Mixed*: pictures and clouds too, 1.1 GB. As MCAP,
plain or with zstd chunks, as rosbag2's `.db3` and as ROS 1 `.bag`. The same seed gives the same messages. A few are serialised;
the others are copies of them with stamps and numbers of their own.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import rosbags.typesys.stores.ros2_humble as ros
from rosbags import rosbag1, rosbag2
from rosbags.rosbag2.enums import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from simulated_robot import messages as msg

__all__ = ["BagKind", "many_small_messages", "mixed_messages"]

BagKind: TypeAlias = Literal["mcap", "mcap-zstd", "db3", "bag"]
Floats: TypeAlias = npt.NDArray[np.float64]

START_NANOS = 1_767_258_000_000_000_000
LAP_NANOS = 500_000_000_000
STORE = get_typestore(Stores.ROS2_HUMBLE)
ROS1_STORE = get_typestore(Stores.ROS1_NOETIC)
ROS1_STORE.register(get_types_from_msg("geometry_msgs/TransformStamped[] transforms", "tf2_msgs/msg/TFMessage"))


@dataclass(frozen=True)
class Stream:
    """What one topic says in a lap of 500 s: the given messages in turn, with stamps and noise of their own."""

    topic: str
    msgtype: str
    count: int
    messages: Sequence[Any]
    noise: tuple[int, int, str] | None = None
    """Numbers around one, which do not compress, are written from so far to so far before the end: from, to, dtype."""
    stamp_at: int | None = 4
    """Byte where the stamp stands: as far after CDR's header as after the sequence number of ROS 1."""

    def lap(self, kind: BagKind, times: npt.NDArray[np.int64], rng: np.random.Generator) -> Iterator[bytes]:
        """The payloads, one for each time."""
        distinct = [np.frombuffer(self._serialized(message, kind), np.uint8) for message in self.messages]
        stamps = np.stack(np.divmod(times, 10**9), axis=-1).astype("<u4").view(np.uint8)
        step = 1000 if len(distinct) == 1 else 1
        for start in range(0, len(times), step):
            rows = np.repeat(distinct[start // step % len(distinct)][None], len(times[start : start + step]), axis=0)
            if self.stamp_at is not None:
                rows[:, self.stamp_at : self.stamp_at + 8] = stamps[start : start + step]
            if self.noise is not None:
                first, last, dtype = self.noise
                numbers = rng.normal(1, 0.2, (len(rows), (first - last) // np.dtype(dtype).itemsize)).astype(dtype)
                rows[:, rows.shape[1] - first : rows.shape[1] - last] = numbers.view(np.uint8)
            yield from (row.tobytes() for row in rows)

    def _serialized(self, message: Any, kind: BagKind) -> bytes:
        data = STORE.serialize_cdr(message, self.msgtype)
        return bytes(STORE.cdr_to_ros1(data, self.msgtype) if kind == "bag" else data)


def many_small_messages(
    folder: Path, kind: BagKind = "mcap", *, scale: float = 1.0, laps: int = 1, seed: int = 1
) -> Path:
    """A new folder with a recording of 255 000 messages and some 230 MB, times `scale`, times `laps`; returns its file."""
    return _write(folder, kind, _small(scale), laps, seed)


def mixed_messages(folder: Path, kind: BagKind = "mcap", *, scale: float = 1.0, seed: int = 1) -> Path:
    """A new folder with a recording of pictures, clouds and small messages, 1.1 GB times `scale`; returns its file."""
    return _write(folder, kind, [*_large(scale, seed), *_small(scale / 4)], 1, seed)


def _small(scale: float) -> list[Stream]:
    zeros9, zeros36 = np.zeros(9), np.zeros(36)
    head = msg.header(0, "base_link")
    imu = ros.sensor_msgs__msg__Imu(head, msg.about_z(0), zeros9, msg.vector(), zeros9, msg.vector(), zeros9)
    where = ros.geometry_msgs__msg__PoseWithCovariance(msg.pose(), zeros36)
    moving = ros.geometry_msgs__msg__Twist(msg.vector(), msg.vector())
    twist = ros.geometry_msgs__msg__TwistWithCovariance(moving, zeros36)
    odometry = ros.nav_msgs__msg__Odometry(head, "wheels", where, twist)
    links = [msg.transform(0, "base_link", f"link_{i}", (0, 0, 0)) for i in range(4)]
    transforms = ros.tf2_msgs__msg__TFMessage(links)
    names = [f"joint_{i}" for i in range(12)]
    joints = ros.sensor_msgs__msg__JointState(head, names, np.zeros(12), np.zeros(12), np.zeros(12))
    beams, none = np.zeros(720, np.float32), np.zeros(0, np.float32)
    scan = ros.sensor_msgs__msg__LaserScan(head, -3.1, 3.1, 0.0087, 0.0, 0.1, 0.1, 12.0, beams, none)
    streams = [
        Stream("/imu", "sensor_msgs/msg/Imu", 82_000, [imu], (37 * 8, 0, "<f8")),
        Stream("/odom", "nav_msgs/msg/Odometry", 60_000, [odometry], (42 * 8, 0, "<f8")),
        Stream("/tf", "tf2_msgs/msg/TFMessage", 40_000, [transforms], (7 * 8, 0, "<f8"), stamp_at=8),
        Stream("/joint_states", "sensor_msgs/msg/JointState", 30_000, [joints], (12 * 8, 0, "<f8")),
        Stream("/scan", "sensor_msgs/msg/LaserScan", 38_000, [scan], (720 * 4 + 4, 4, "<f4")),
        Stream("/cmd_vel", "geometry_msgs/msg/Twist", 5_000, [moving], (48, 0, "<f8"), stamp_at=None),
    ]
    return [_scaled(stream, scale) for stream in streams]


def _large(scale: float, seed: int) -> list[Stream]:
    rng = np.random.default_rng(seed)
    head, width, height, points = msg.header(0, "camera"), 640, 480, 20_000
    hall = np.add.outer(np.arange(height + 64), np.arange(width + 64)) / (height + width)

    def view(index: int) -> Floats:
        """A smooth picture from 0 to 1 that moves, with a camera's noise: zstd takes off a third."""
        part = hall[index % 64 :, index * 7 % 64 :][:height, :width]
        return np.clip(part + rng.normal(0, 0.008, part.shape), 0, 1)

    pictures, depths, clouds = [], [], []
    for i in range(24):
        rgb = np.stack([view(i), view(i + 5), view(i + 9)], axis=-1)
        data = (255 * rgb).astype(np.uint8).ravel()
        pictures.append(ros.sensor_msgs__msg__Image(head, height, width, "rgb8", 0, 3 * width, data))
        depth = (4000 * view(i)).astype("<u2").view(np.uint8).ravel()
        depths.append(ros.sensor_msgs__msg__Image(head, height, width, "16UC1", 0, 2 * width, depth))
        colors = rng.integers(0, 256, (points, 3), np.uint8)
        clouds.append(msg.cloud(0, "lidar", rng.normal(0, 8, (points, 3)), colors))
    streams = [
        Stream("/camera/image_raw", "sensor_msgs/msg/Image", 600, pictures),
        Stream("/camera/depth", "sensor_msgs/msg/Image", 300, depths),
        Stream("/lidar/points", "sensor_msgs/msg/PointCloud2", 900, clouds),
    ]
    return [_scaled(stream, scale) for stream in streams]


def _scaled(stream: Stream, scale: float) -> Stream:
    count = max(1, round(stream.count * scale))
    return Stream(stream.topic, stream.msgtype, count, stream.messages, stream.noise, stream.stamp_at)


def _write(folder: Path, kind: BagKind, streams: Sequence[Stream], laps: int, seed: int) -> Path:
    if kind == "bag":
        folder.mkdir(parents=True)
        path = folder / f"{folder.name}.bag"
        with rosbag1.Writer(path) as writer:
            for connection, nanos, data in _queue(writer, kind, streams, laps, seed):
                writer.write(connection, nanos, data)
        return path
    plugin = StoragePlugin.SQLITE3 if kind == "db3" else StoragePlugin.MCAP
    ros2_writer = rosbag2.Writer(folder, version=8, storage_plugin=plugin)
    if kind == "mcap-zstd":
        ros2_writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
    with ros2_writer:
        for connection, nanos, data in _queue(ros2_writer, kind, streams, laps, seed):
            ros2_writer.write(connection, nanos, data)
    return folder / f"{folder.name}.{'db3' if kind == 'db3' else 'mcap'}"


def _queue(
    writer: Any, kind: BagKind, streams: Sequence[Stream], laps: int, seed: int
) -> Iterator[tuple[Any, int, bytes]]:
    """What to write, in order of time."""
    rng = np.random.default_rng(seed)
    store = ROS1_STORE if kind == "bag" else STORE
    connections = [writer.add_connection(s.topic, s.msgtype, typestore=store) for s in streams]
    for lap in range(laps):
        start = START_NANOS + lap * LAP_NANOS
        times = [np.linspace(start, start + LAP_NANOS, s.count, endpoint=False).astype(np.int64) for s in streams]
        payloads = [
            s.lap(kind, at, np.random.default_rng(rng.integers(2**32))) for s, at in zip(streams, times, strict=True)
        ]
        of = np.repeat(np.arange(len(streams)), [s.count for s in streams])
        every = np.concatenate(times)
        for index in np.argsort(every, kind="stable").tolist():
            yield connections[of[index]], int(every[index]), next(payloads[of[index]])


def main() -> None:
    """Write all that `scripts/benchmark.py` uses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    kinds: tuple[BagKind, ...] = ("mcap", "mcap-zstd", "db3", "bag")
    for kind in kinds:
        for path in (folder / f"small_{kind}", folder / f"small_x10_{kind}"):
            if not path.exists():
                print(many_small_messages(path, kind, laps=10 if "x10" in path.name else 1), flush=True)
        if not (folder / f"mixed_{kind}").exists():
            print(mixed_messages(folder / f"mixed_{kind}", kind), flush=True)


if __name__ == "__main__":
    main()
