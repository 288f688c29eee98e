"""`rrbridge check`: what is healthy passes, and every planted fault is found, with its place."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from mcap.writer import CompressionType, Writer
from rosbags.rosbag1 import Writer as BagWriter
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as FolderWriter
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

import rrbridge as rr
from rrbridge.errors import FileError
from rrbridge_bridge.commands.check import check
from rrbridge_bridge.inspect.check.findings import seconds
from rrbridge_bridge.inspect.check.run import check_file
from rrbridge_bridge.inspect.check.spread import Intervals, Spread
from rrbridge_bridge.readers.mcap import McapReader

ROS2 = get_typestore(Stores.ROS2_HUMBLE)
ROS1 = get_typestore(Stores.ROS1_NOETIC)
ROS1.register(get_types_from_msg("geometry_msgs/TransformStamped[] transforms", "tf2_msgs/msg/TFMessage"))
START = 1_700_000_000 * 10**9
SECS = 10**9


@dataclass(frozen=True)
class Event:
    """One message that was logged."""

    topic: str
    msgtype: str
    time: int
    """Log time."""
    stamp: int
    frame: str
    values: tuple[float, ...] = (0.0,) * 7
    child: str = ""
    publish: int | None = None
    sequence: int = 0


Events = list[Event]


def healthy() -> Events:
    """Ten seconds of a robot that drives: IMU, lidar, speed commands and transforms, logged a few milliseconds late."""
    rng = np.random.default_rng(3)

    def at(period: int, topic: str, msgtype: str, frame: str, **more: Any) -> Events:
        stamps = START + np.arange(0, 10 * SECS, period)
        times = stamps + 2_000_000 + rng.integers(0, 1_500_000, len(stamps))
        return [
            Event(topic, msgtype, int(t), int(s), frame, (i * 0.01, 0, 0, 0, 0, 0, 1.0), sequence=i, **more)
            for i, (t, s) in enumerate(zip(times, stamps, strict=True))
        ]

    transforms = "tf2_msgs/msg/TFMessage"
    static = [
        Event("/tf_static", transforms, START + 1, START, "base_link", (0, 0, 1, 0, 0, 0, 1.0), child)
        for child in ("imu", "lidar")
    ]
    found = [
        *static,
        *at(SECS // 100, "/imu", "sensor_msgs/msg/Imu", "imu"),
        *at(SECS // 10, "/scan", "sensor_msgs/msg/LaserScan", "lidar"),
        *at(SECS // 50, "/tf", transforms, "odom", child="base_link"),
        *at(SECS // 20, "/cmd_vel", "geometry_msgs/msg/Twist", ""),
    ]
    return sorted(found, key=lambda event: event.time)


def message(event: Event, store: Any) -> Any:
    types = store.types
    secs, nanosecs = divmod(event.stamp, SECS)
    stamp = types["builtin_interfaces/msg/Time"](sec=secs, nanosec=nanosecs)
    extra = {"seq": event.sequence} if store is ROS1 else {}
    header = types["std_msgs/msg/Header"](stamp=stamp, frame_id=event.frame, **extra)
    x, y, z, qx, qy, qz, qw = event.values
    vector = types["geometry_msgs/msg/Vector3"](x=float(x), y=float(y), z=float(z))
    turn = types["geometry_msgs/msg/Quaternion"](x=float(qx), y=float(qy), z=float(qz), w=float(qw))
    if event.msgtype == "geometry_msgs/msg/Twist":
        return types[event.msgtype](linear=vector, angular=vector)
    if event.msgtype == "tf2_msgs/msg/TFMessage":
        transform = types["geometry_msgs/msg/Transform"](translation=vector, rotation=turn)
        edge = types["geometry_msgs/msg/TransformStamped"](
            header=header, child_frame_id=event.child, transform=transform
        )
        return types[event.msgtype](transforms=[edge])
    if event.msgtype == "sensor_msgs/msg/LaserScan":
        ranges = np.full(2000, x, np.float32)
        numbers = dict.fromkeys(
            ("angle_min", "angle_max", "angle_increment", "time_increment", "scan_time", "range_min", "range_max"), 1.0
        )
        return types[event.msgtype](header=header, ranges=ranges, intensities=ranges, **numbers)
    zeros = np.zeros(9)
    return types[event.msgtype](
        header=header,
        orientation=turn,
        orientation_covariance=zeros,
        angular_velocity=vector,
        angular_velocity_covariance=zeros,
        linear_acceleration=vector,
        linear_acceleration_covariance=zeros,
    )


def write_mcap(
    path: Path, events: Events, *, compression: CompressionType = CompressionType.ZSTD, **options: Any
) -> Path:
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=20_000, compression=compression, enable_data_crcs=True, **options)
        writer.start("ros2", "test")
        channels: dict[str, int] = {}
        for event in events:
            if event.topic not in channels:
                text = ROS2.generate_msgdef(event.msgtype, ros_version=2)[0]
                schema = writer.register_schema(event.msgtype, "ros2msg", text.encode())
                channels[event.topic] = writer.register_channel(event.topic, "cdr", schema)
            data = bytes(ROS2.serialize_cdr(message(event, ROS2), event.msgtype))
            publish = event.time if event.publish is None else event.publish
            writer.add_message(channels[event.topic], event.time, data, publish, event.sequence)
        writer.finish()  # type: ignore[no-untyped-call]
    return path


def write_bag(path: Path, events: Events) -> Path:
    with BagWriter(path) as writer:
        connections: dict[str, Any] = {}
        for event in events:
            if event.topic not in connections:
                connections[event.topic] = writer.add_connection(event.topic, event.msgtype, typestore=ROS1)
            writer.write(connections[event.topic], event.time, ROS1.serialize_ros1(message(event, ROS1), event.msgtype))
    return path


def write_folder(path: Path, events: Events) -> Path:
    with FolderWriter(path, version=9, storage_plugin=StoragePlugin.SQLITE3) as writer:
        connections: dict[str, Any] = {}
        for event in events:
            if event.topic not in connections:
                connections[event.topic] = writer.add_connection(event.topic, event.msgtype, typestore=ROS2)
            writer.write(connections[event.topic], event.time, ROS2.serialize_cdr(message(event, ROS2), event.msgtype))
    return path


def run(*arguments: str | Path, code: int) -> str:
    done = CliRunner().invoke(check, list(map(str, arguments)), standalone_mode=False)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    given = done.return_value if done.exit_code == 0 else done.exit_code
    assert given == code, done.output
    return str(done.output)


def findings(path: Path, *, code: int = 3) -> list[dict[str, Any]]:
    (report,) = json.loads(run(path, "--json", code=code))
    return list(report["findings"])


@pytest.mark.parametrize(
    ("name", "write"),
    [("run.mcap", write_mcap), ("run.bag", write_bag), ("run", write_folder)],
    ids=["mcap", "bag", "db3"],
)
def test_a_healthy_recording_gives_nothing_at_all(tmp_path: Path, name: str, write: Callable[..., Path]) -> None:
    path = write(tmp_path / name, healthy())
    text = run(path, "--strict", code=0)
    assert text.endswith("nothing found\n")
    assert "5 topics" in text


def of(events: Events, topic: str) -> list[int]:
    return [i for i, event in enumerate(events) if event.topic == topic]


def moved(events: Events, chosen: Callable[[Event], bool], **by: int) -> Events:
    """Events with some of their times changed by so many nanoseconds."""
    return [
        replace(e, **{name: getattr(e, name) + nanos for name, nanos in by.items()}) if chosen(e) else e for e in events
    ]


def gap(events: Events) -> Events:
    return [e for e in events if e.topic != "/imu" or not START + 4 * SECS < e.stamp < START + 6 * SECS]


def command_gap(events: Events) -> Events:
    return [e for e in events if e.topic != "/cmd_vel" or not START + 4 * SECS < e.stamp < START + 6 * SECS]


def pause(events: Events) -> Events:
    return [e for e in events if not START + 4 * SECS < e.stamp < START + 6 * SECS]


def held_up(events: Events) -> Events:
    """What the IMU sent within one second arrives at its end."""
    end = START + 5 * SECS
    return sorted(
        (
            replace(e, time=end + i) if e.topic == "/imu" and end - SECS < e.stamp <= end else e
            for i, e in enumerate(events)
        ),
        key=lambda e: e.time,
    )


def jump_back(events: Events) -> Events:
    return moved(events, lambda e: e.time > START + 5 * SECS, time=-3 * SECS, stamp=-3 * SECS)


def never_set(events: Events) -> Events:
    return moved(events, lambda e: e.time < START + SECS, time=-START, stamp=-START)


def out_of_order(events: Events) -> Events:
    rows = of(events, "/imu")
    a, b = rows[500], rows[503]
    events[a], events[b] = events[b], events[a]
    return events


def late_stamps(events: Events) -> Events:
    return moved(
        events, lambda e: e.topic == "/scan" and START + 4 * SECS <= e.stamp < START + 5 * SECS, stamp=-2 * SECS
    )


def always_late(events: Events) -> Events:
    return moved(events, lambda e: e.topic == "/scan", stamp=-800_000_000)


def late_simulated(events: Events) -> Events:
    """All stamps are of a simulator's clock, and a second of scans comes late."""
    return moved(late_stamps(events), lambda e: True, stamp=-START + 50 * SECS)


def late_transforms(events: Events) -> Events:
    return moved(events, lambda e: e.topic == "/tf", time=700_000_000)


def ahead(events: Events) -> Events:
    return moved(events, lambda e: e.topic == "/scan", stamp=300_000_000)


def boot_time(events: Events) -> Events:
    return moved(events, lambda e: e.topic == "/imu", stamp=-START + 100 * SECS)


def some_zero(events: Events) -> Events:
    for row in of(events, "/imu")[100:110]:
        events[row] = replace(events[row], stamp=0)
    return events


def no_stamps(events: Events) -> Events:
    return [replace(e, stamp=0) if e.topic == "/imu" else e for e in events]


def duplicates(events: Events) -> Events:
    rows = of(events, "/scan")[20:30]
    twice = [replace(events[row], time=events[row].time + 1000) for row in rows]
    return sorted(events + twice, key=lambda e: (e.time, e.stamp))


def lost(events: Events) -> Events:
    rows = set(of(events, "/imu")[400:403])
    return [e for i, e in enumerate(events) if i not in rows]


def bursts(events: Events) -> Events:
    """The IMU's messages come ten at a time, without a gap in their stamps: this is no fault."""
    return sorted(
        [
            replace(e, time=e.stamp - e.stamp % (SECS // 10) + 100_000_000 + e.sequence % 10 * 50_000)
            if e.topic == "/imu"
            else e
            for e in events
        ],
        key=lambda e: e.time,
    )


def published_after(events: Events) -> Events:
    return [replace(e, publish=e.time + 100_000_000) if e.topic == "/imu" else e for e in events]


def late_delivery(events: Events) -> Events:
    return [replace(e, publish=e.time - 3 * SECS) if e.topic == "/scan" else e for e in events]


def unknown_frame(events: Events) -> Events:
    return [replace(e, frame="lidr") if e.topic == "/scan" else e for e in events]


def no_static(events: Events) -> Events:
    return [e for e in events if e.topic != "/tf_static"]


def two_parents(events: Events) -> Events:
    odd = Event("/tf_static", "tf2_msgs/msg/TFMessage", START + 2, START, "camera_link", (0, 0, 1, 0, 0, 0, 1), "lidar")
    return [*events[:2], odd, *events[2:]]


def apart(events: Events) -> Events:
    odd = Event("/tf_static", "tf2_msgs/msg/TFMessage", START + 2, START, "map", (0, 0, 1, 0, 0, 0, 1), "dock")
    return [*events[:2], odd, *events[2:]]


def also_static(events: Events) -> Events:
    odd = Event("/tf_static", "tf2_msgs/msg/TFMessage", START + 2, START, "odom", (0, 0, 1, 0, 0, 0, 1), "base_link")
    return [*events[:2], odd, *events[2:]]


def never_moves(events: Events) -> Events:
    return [replace(e, values=(0, 0, 1, 0, 0, 0, 1)) if e.topic == "/tf" else e for e in events]


def no_rotation(events: Events) -> Events:
    row = of(events, "/tf")[7]
    events[row] = replace(events[row], values=(0,) * 7)
    return events


def not_a_number(events: Events) -> Events:
    row = of(events, "/tf")[7]
    events[row] = replace(events[row], values=(float("nan"), 0, 0, 0, 0, 0, 1))
    return events


def below_itself(events: Events) -> Events:
    row = of(events, "/tf")[7]
    events[row] = replace(events[row], frame="base_link")
    return events


def tf_stops(events: Events) -> Events:
    return [e for e in events if e.topic != "/tf" or e.stamp < START + 6 * SECS]


def tf_late(events: Events) -> Events:
    return [e for e in events if e.topic != "/tf" or e.stamp > START + 3 * SECS]


def tf_gap(events: Events) -> Events:
    return [e for e in events if e.topic != "/tf" or not START + 3 * SECS < e.stamp < START + 6 * SECS]


FAULTS: list[tuple[Callable[[Events], Events], str, str, str]] = [
    (gap, "gap", "warning", "/imu"),
    (command_gap, "gap", "note", "/cmd_vel"),
    (pause, "recording-gap", "warning", ""),
    (held_up, "gap", "warning", "/imu"),
    (held_up, "late-stamps", "warning", "/imu"),
    (jump_back, "time-jump", "warning", "/imu"),
    (never_set, "time-jump", "warning", "/scan"),
    (out_of_order, "out-of-order", "note", "/imu"),
    (late_stamps, "late-stamps", "warning", "/scan"),
    (late_stamps, "stamps-back", "warning", "/scan"),
    (always_late, "late-stamps", "warning", "/scan"),
    (late_simulated, "late-stamps", "warning", "/scan"),
    (late_transforms, "late-stamps", "warning", "/tf"),
    (ahead, "stamps-ahead", "warning", "/scan"),
    (boot_time, "other-clock", "warning", "/imu"),
    (some_zero, "zero-stamps", "warning", "/imu"),
    (no_stamps, "zero-stamps", "note", "/imu"),
    (duplicates, "duplicates", "warning", "/scan"),
    (lost, "sequence-gap", "warning", "/imu"),
    (published_after, "published-ahead", "warning", "/imu"),
    (late_delivery, "late-delivery", "warning", "/scan"),
    (unknown_frame, "missing-tf", "warning", "/scan"),
    (no_static, "missing-tf", "warning", "/imu"),
    (two_parents, "two-parents", "warning", "/tf_static"),
    (apart, "tf-apart", "warning", ""),
    (also_static, "static-and-moving", "warning", "/tf"),
    (never_moves, "static-as-moving", "note", "/tf"),
    (no_rotation, "bad-transform", "error", "/tf"),
    (not_a_number, "bad-transform", "error", "/tf"),
    (below_itself, "tf-loop", "error", "/tf"),
    (tf_stops, "tf-ends-early", "warning", "/imu"),
    (tf_late, "tf-begins-late", "warning", "/scan"),
    (tf_gap, "tf-gap", "warning", "/tf"),
]


@pytest.mark.parametrize(("plant", "code", "severity", "topic"), FAULTS, ids=lambda v: getattr(v, "__name__", None))
def test_planted_faults_are_found(
    tmp_path: Path, plant: Callable[[Events], Events], code: str, severity: str, topic: str
) -> None:
    path = write_mcap(tmp_path / "run.mcap", plant(healthy()))
    (report,) = json.loads(run(path, "--json", "--strict", code=3))
    found = [f for f in report["findings"] if f["code"] == code and (f["topic"] or "") == topic]
    assert [f["severity"] for f in found] == [severity], report["findings"]
    assert found[0]["text"]
    assert found[0]["advice"]
    order = [("error", "warning", "note").index(f["severity"]) for f in report["findings"]]
    assert order == sorted(order)


def test_a_folder_is_checked_for_recordings_of_messages(tmp_path: Path) -> None:
    """What is called one and is none is an error; a table beside them is none of its business."""
    write_mcap(tmp_path / "run.mcap", healthy())
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    assert run(tmp_path, code=0).endswith("nothing found\n")
    (tmp_path / "junk.bag").write_bytes(b"junk")
    result = CliRunner().invoke(check, [str(tmp_path)])
    assert result.exit_code == 1
    assert f"error: {tmp_path / 'junk.bag'}: not a file that rrbridge can open" in result.stderr
    result = CliRunner().invoke(check, [str(tmp_path / "notes.csv")])
    assert "is CSV; recordings of messages and chunks are checked" in result.stderr


def test_a_simulated_clock_alone_is_no_alarm(tmp_path: Path) -> None:
    events = moved(healthy(), lambda e: True, stamp=-START + 50 * SECS)
    slow = [replace(e, time=START + 2 * (e.time - START)) for e in events]  # at half the speed
    for number, some in enumerate((events, slow)):
        path = write_mcap(tmp_path / f"{number}.mcap", some)
        assert [(f["code"], f["severity"]) for f in findings(path, code=0)] == [("other-clock", "note")]


def test_bursts_are_no_gaps(tmp_path: Path) -> None:
    assert run(write_mcap(tmp_path / "run.mcap", bursts(healthy())), code=0).endswith("nothing found\n")


def test_places_and_figures_are_right(tmp_path: Path) -> None:
    def only(plant: Callable[[Events], Events], code: str, name: str) -> dict[str, Any]:
        (found,) = (f for f in findings(write_mcap(tmp_path / name, plant(healthy()))) if f["code"] == code)
        return found

    hole = only(gap, "gap", "gap.mcap")
    assert hole["value"] == pytest.approx(2.0, abs=0.01)
    assert hole["time_nanos"] == pytest.approx(START + 4 * SECS, abs=0.02 * SECS)
    assert hole["times"] == 1
    assert only(duplicates, "duplicates", "duplicates.mcap")["times"] == 10
    assert only(some_zero, "zero-stamps", "zero.mcap")["times"] == 10
    missing = only(lost, "sequence-gap", "lost.mcap")
    assert (missing["value"], missing["times"]) == (3, 1)
    assert only(late_stamps, "late-stamps", "late.mcap")["value"] == pytest.approx(2.0, abs=0.01)
    assert "near it: lidar" in only(unknown_frame, "missing-tf", "frame.mcap")["advice"]
    assert "odom with 4 frames; map with 2 frames" in only(apart, "tf-apart", "apart.mcap")["text"]
    assert only(held_up, "gap", "held.mcap")["text"].endswith("messages came late and all at once")


def test_ros1_counts_are_followed(tmp_path: Path) -> None:
    found = findings(write_bag(tmp_path / "run.bag", lost(healthy())))
    assert [(f["code"], f["topic"]) for f in found] == [("sequence-gap", "/imu")]
    assert "header.seq" in found[0]["text"]


def changed(path: Path, at: int, value: bytes) -> Path:
    data = bytearray(path.read_bytes())
    data[at : at + len(value)] = value
    path.write_bytes(data)
    return path


def test_damage_of_an_mcap_file_is_found(tmp_path: Path) -> None:
    path = write_mcap(tmp_path / "run.mcap", healthy(), compression=CompressionType.NONE)
    whole = path.read_bytes()
    changed(path, len(whole) // 2, bytes(8))
    assert [f["code"] for f in findings(path) if f["severity"] == "error"] == ["damaged"]
    path.write_bytes(whole[: len(whole) // 2])
    assert {"damaged", "index"} & {f["code"] for f in findings(path)}
    bare = write_mcap(tmp_path / "bare.mcap", healthy(), enable_crcs=False)
    assert [(f["code"], f["severity"]) for f in findings(bare, code=0)] == [("no-checksum", "note")]


def test_every_changed_byte_of_an_mcap_file_is_found(tmp_path: Path) -> None:
    events = [event for event in healthy() if event.topic in ("/imu", "/tf", "/tf_static")][:200]
    path = write_mcap(tmp_path / "run.mcap", events, compression=CompressionType.NONE)
    whole = path.read_bytes()
    assert check_file(path).findings == ()
    rng = np.random.default_rng(4)
    for at in rng.integers(0, len(whole), 40).tolist():
        changed_bytes = bytearray(whole)
        changed_bytes[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed_bytes)
        with contextlib.suppress(FileError):  # it no longer is an MCAP file
            assert not check_file(path).is_clean, f"byte {at}"


@pytest.mark.parametrize(("name", "write"), [("run.mcap", write_mcap), ("run.bag", write_bag)], ids=["mcap", "bag"])
def test_every_cut_is_found(tmp_path: Path, name: str, write: Callable[..., Path]) -> None:
    path = write(tmp_path / name, healthy())
    whole = path.read_bytes()
    for cut in np.random.default_rng(5).integers(0, len(whole), 12).tolist():
        path.write_bytes(whole[:cut])
        with contextlib.suppress(FileError):
            assert not check_file(path).is_clean, f"{cut} bytes"


def test_a_damaged_attachment_is_found(tmp_path: Path) -> None:
    path = tmp_path / "run.mcap"
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start("ros2", "test")
        writer.add_attachment(1, 2, "robot.yaml", "text/yaml", b"name: r2d2")
        writer.finish()  # type: ignore[no-untyped-call]
    assert findings(path, code=0) == []
    changed(path, path.read_bytes().index(b"r2d2"), b"c3po")
    (found,) = (f for f in findings(path) if f["severity"] == "error")
    assert "robot.yaml" in found["text"]


def test_an_index_that_lies_is_found(tmp_path: Path) -> None:
    """Statistics that count fewer messages, and begin later, than there are."""
    path = write_mcap(tmp_path / "run.mcap", healthy(), enable_crcs=False)
    with McapReader(path) as reader:
        statistics = reader.statistics
    assert statistics is not None
    data = path.read_bytes()
    count, start = struct.pack("<Q", statistics.message_count), struct.pack("<Q", statistics.message_start_time)
    (channel, of_channel), *_ = ((k, n) for k, n in statistics.channel_message_counts.items() if n == 1000)
    at = data.rindex(count + struct.pack("<HI", statistics.schema_count, statistics.channel_count))
    record = bytearray(data[at:])
    for old, new in (
        (count, struct.pack("<Q", statistics.message_count - 7)),
        (start, struct.pack("<Q", statistics.message_start_time + 10**9)),
        (struct.pack("<HQ", channel, of_channel), struct.pack("<HQ", channel, of_channel - 7)),
    ):
        place = record.index(old)
        record[place : place + len(old)] = new
    path.write_bytes(data[:at] + record)
    found = [(f["code"], f["topic"], f["severity"]) for f in findings(path) if f["code"] != "no-checksum"]
    assert found == [("index", None, "warning"), ("index", "/imu", "warning")]


def test_damage_of_a_bag_is_found(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "run.bag", healthy())
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert [f["severity"] for f in findings(path)][:1] == ["error"]


def test_metadata_that_contradicts_the_messages_is_found(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "run", healthy())
    (part,) = path.glob("*.db3")
    with sqlite3.connect(part) as db:
        db.execute("DELETE FROM messages WHERE rowid IN (SELECT rowid FROM messages ORDER BY rowid DESC LIMIT 40)")
    db.close()
    found = findings(path)
    assert found[0]["severity"] == "error"
    assert {f["code"] for f in found} & {"damaged", "metadata"}
    metadata = path / "metadata.yaml"
    text = metadata.read_text()
    start = f"nanoseconds_since_epoch: {START + 1}"
    assert start in text
    other = write_folder(tmp_path / "other", healthy())
    (other / "metadata.yaml").write_text(
        (other / "metadata.yaml").read_text().replace(start, start[:-10] + "5000000000")
    )
    assert [(f["code"], f["severity"]) for f in findings(other)] == [("metadata", "warning")] * 2


def test_a_damaged_database_is_found(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "run", healthy())
    (part,) = path.glob("*.db3")
    changed(part, 4096 * 40, bytes(4096))
    assert "sqlite" in {f["code"] for f in findings(part)} | {f["code"] for f in findings(path)}


def test_messages_of_another_definition_are_found(tmp_path: Path) -> None:
    path = tmp_path / "run.mcap"
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start("ros2", "test")
        schema = writer.register_schema("my_msgs/msg/Pair", "ros2msg", b"float64 a\nfloat64 b\n")
        channel = writer.register_channel("/pair", "cdr", schema)
        for i in range(30):
            writer.add_message(channel, i, b"\0\1\0\0" + bytes(16 if i != 7 else 3), i, i)
        writer.finish()  # type: ignore[no-untyped-call]
    (found,) = (f for f in findings(path) if f["severity"] == "error")
    assert (found["code"], found["topic"], found["times"], found["time_nanos"]) == ("undecodable", "/pair", 1, 7)


def test_recordings_of_chunks_are_verified(tmp_path: Path) -> None:
    path = tmp_path / "damaged" / "own.rrd"
    path.parent.mkdir()
    stream = rr.RecordingStream("robot", recording_id="own")
    stream.save(path)
    for i in range(100):
        stream.log("speed", rr.Scalars([i]))
    stream.disconnect()
    assert run(path, code=0).endswith("nothing found\n")
    path.write_bytes(path.read_bytes()[:-200])
    assert [f["severity"] for f in findings(path)][:1] == ["error"]


def test_messages_that_a_recording_kept_are_checked(tmp_path: Path) -> None:
    from rrbridge_bridge.commands.convert import convert

    for plant, want in (
        (lambda events: events, []),
        (gap, [("gap", "/imu")]),
        (unknown_frame, [("missing-tf", "/scan")]),
    ):
        name = getattr(plant, "__name__", "")
        path = tmp_path / f"{name.strip('<>')}.rrd"
        done = CliRunner().invoke(
            convert, [str(write_mcap(tmp_path / "run.mcap", plant(healthy()))), "--raw", "-o", str(path)]
        )
        assert done.exit_code == 0, done.output
        found = json.loads(run(path, "--json", code=3 if want else 0))[0]["findings"]
        assert [(f["code"], f["topic"]) for f in found if f["code"] not in ("sequence-gap", "structure")] == want


def test_several_files_and_one_that_is_none(tmp_path: Path) -> None:
    good = write_bag(tmp_path / "run.bag", healthy())
    bad = tmp_path / "none.bag"
    bad.write_bytes(b"nothing")
    text = run(good, bad, code=1)
    assert "nothing found" in text
    assert "none.bag" in text
    assert run(good, write_bag(tmp_path / "gap.bag", gap(healthy())), code=3).count("run.bag") == 1


def test_the_like_on_many_topics_is_one_line(tmp_path: Path) -> None:
    events = [replace(e, topic=f"/imu{i % 5}", stamp=0) for i, e in enumerate(healthy()) if e.topic == "/imu"]
    text = run(write_mcap(tmp_path / "run.mcap", events), code=0)
    assert text.count("without a stamp") == 1
    assert "the like on /imu1, /imu2, /imu3, /imu4" in text


HEALTHY = [
    "leggedrobotics+xpp/biped.bag",
    "cra-ros-pkg+robot_localization/test1.bag",
    "cra-ros-pkg+robot_localization/test2.bag",
    "locusrobotics+fuse/turtlebot3.bag",
    "jsk-ros-pkg+jsk_recognition/watercan.bag",
    "cartographer-project+cartographer_ros/b0-2014-07-21-12-42-53-tiny.bag",
    "drewbot02341+gps_nav_ws/bag",
    "Surya-Sriramoju+gazebo_walker/rosbag",
    "ros2+rosbag2/wbag",
]


@pytest.mark.real_data
def test_healthy_recordings_give_no_alarm(shared_data: Path) -> None:
    text = run(*(shared_data / name for name in HEALTHY), code=0)
    assert "warning" not in text


@pytest.mark.real_data
def test_what_is_odd_in_real_recordings_is_told(shared_data: Path) -> None:
    def codes(name: str, code: int) -> set[tuple[str, str]]:
        return {(f["code"], f["topic"] or "") for f in findings(shared_data / name, code=code)}

    gps = codes("foxglove+foxglove-cli/gps.bag.active", 3)
    assert {("index", ""), ("recording-gap", ""), ("stamps-ahead", "/gps/fix")} <= gps
    assert ("duplicates", "/scan") in codes("AakashDammala+my_webots_tutorials/results/results_0.db3", 3)
    assert codes("dmweis+rplidar-zenoh-driver/out.mcap", 3) == {("stamps-ahead", "/laser_scan")}
    assert ("damaged", "") in codes("cruise-automation+webviz/invalid.bag", 3)


def test_quantiles_are_near_those_of_all_numbers() -> None:
    rng = np.random.default_rng(1)
    numbers = np.concatenate((rng.lognormal(12, 2, 5000), -rng.lognormal(9, 1, 2000), np.zeros(100))).astype(np.int64)
    spread = Spread()
    for part in np.array_split(rng.permutation(numbers), 7):
        spread.add(part)
    for share in (0.01, 0.1, 0.5, 0.9, 0.99):
        assert spread.quantile(share) == pytest.approx(np.quantile(numbers, share), rel=0.06, abs=2)
    limit = float(np.quantile(numbers, 0.9))
    assert spread.above(limit) == pytest.approx((numbers > limit).sum(), rel=0.2)
    assert (spread.least, spread.most, spread.count) == (numbers.min(), numbers.max(), len(numbers))


def test_intervals_are_the_same_however_they_are_cut() -> None:
    rng = np.random.default_rng(2)
    times = np.cumsum(rng.integers(-5, 100, 3000)) * 10**6
    whole, parts = Intervals(), Intervals()
    whole.add(times)
    for part in np.array_split(times, 13):
        parts.add(part)
    assert whole.usual == parts.usual
    assert (whole.steps_back, whole.longest_back, whole.back_at) == (
        parts.steps_back,
        parts.longest_back,
        parts.back_at,
    )
    assert whole.longest(95e6).tolist() == parts.longest(95e6).tolist()
    steps = np.diff(times)
    assert whole.steps_back == (steps < 0).sum()
    assert whole.longest(0)[0, 0] == steps.max()
    assert len(whole.longest(0)) <= 256, "what is kept does not grow with the stream"
    assert seconds(2.5e9) == "2.5 s"
    assert seconds(90 * 86400e9) == "90 days"
