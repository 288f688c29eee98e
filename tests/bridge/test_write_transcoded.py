"""Messages of ROS 2 in ROS 1 bags and the other way round: the same values, by `rosbags`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcap.writer import Writer as McapWriter
from rosbags.highlevel import AnyReader
from rosbags.interfaces import Nodetype
from rosbags.rosbag1 import Reader as Reader1
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as Writer2
from rosbags.typesys import Stores, get_typestore

from rrbridge_bridge.cli import main

ROS1, ROS2 = get_typestore(Stores.ROS1_NOETIC), get_typestore(Stores.ROS2_HUMBLE)
DUMMY = "structure_needs_at_least_one_member"
"""What a message without fields has in ROS 2; its value means nothing."""
FILES = (
    "Extelligence-ai+bagel/sample.bag",
    "UbiquityRobotics+fiducials/aruco_transforms.bag",
    "AIT-Assistive-Autonomous-Systems+ros2bag_tools/diagnostics.bag/diagnostics.bag_0.db3",
)


def plain_types() -> list[str]:
    """Message types of ROS 2 that ROS 1 can spell: no wide strings."""

    def spelled(kind: Any) -> bool:
        node, argument = kind
        if node == Nodetype.BASE:
            return bool(argument[0] not in ("wstring", "long double"))
        return spelled(argument[0]) if node != Nodetype.NAME else all_spelled(argument)

    def all_spelled(name: str) -> bool:
        return "/msg/" in name and all(spelled(kind) for _, kind in ROS2.fielddefs[name][1])

    return sorted(filter(all_spelled, ROS2.fielddefs))


def run(capsys: Any, *arguments: str | Path) -> dict[str, Any]:
    code = main(["convert", *map(str, arguments), "--json"])
    printed = capsys.readouterr()
    assert code in (0, 3), printed.err
    found: dict[str, Any] = json.loads(printed.out)
    assert (code == 0) == found["lossless"]
    return found


def random_value(rng: np.random.Generator, node: Any, argument: Any) -> Any:
    """A random value of a type of ROS 2 Humble."""
    if node == Nodetype.BASE:
        if argument[0] == "string":
            return "".join(rng.choice(list("abcé/ "), rng.integers(0, 6)))
        return float(np.float32(rng.normal())) if argument[0].startswith("float") else int(rng.integers(0, 2))
    if node == Nodetype.NAME:
        members = {name: random_value(rng, *kind) for name, kind in ROS2.fielddefs[argument][1]}
        return ROS2.types[argument](**{name: 0 if name == DUMMY else value for name, value in members.items()})
    (inner, kind), bound = argument
    count = bound if node == Nodetype.ARRAY else int(rng.integers(0, min(bound or 7, 7) + 1))
    items = [random_value(rng, inner, kind) for _ in range(count)]
    if inner == Nodetype.BASE and kind[0] != "string":
        octet = {"bool": "?", "byte": "u1", "octet": "u1", "char": "u1"}
        return np.array(items, octet.get(kind[0], kind[0]))
    return items


def test_every_type_there_and_back(tmp_path: Path, capsys: Any) -> None:
    """ROS 2 to ROS 1 to ROS 2: to the byte, where ROS 1 has all fields; where it lacks some, that is told."""
    types = [name for name in plain_types() if not name.startswith("builtin_interfaces")]
    assert len(types) > 120
    sent: dict[str, list[bytes]] = {}
    with Writer2(tmp_path / "run", version=8, storage_plugin=StoragePlugin.SQLITE3) as writer:
        for number, msgtype in enumerate(types):
            connection = writer.add_connection(f"/t{number}", msgtype, typestore=ROS2)
            sent[f"/t{number}"] = []
            for at in range(3):
                message = random_value(np.random.default_rng((number, at)), Nodetype.NAME, msgtype)
                data = bytes(ROS2.serialize_cdr(message, msgtype))
                writer.write(connection, 1000 * number + at, data)
                sent[f"/t{number}"].append(data)
    there = run(capsys, tmp_path / "run", "-o", tmp_path / "there.bag")
    lossy = {loss.partition(":")[0] for loss in there["losses"]}
    assert [topic["reasons"] for topic in there["topics"] if topic["undecodable"]] == []
    with Reader1(tmp_path / "there.bag") as bag:
        assert {c.topic: (c.msgtype, c.msgcount) for c in bag.connections} == {
            f"/t{number}": (msgtype, 3) for number, msgtype in enumerate(types)
        }
        for connection in bag.connections:
            if connection.msgtype in ROS1.fielddefs:
                assert connection.digest == ROS1.generate_msgdef(connection.msgtype)[1], connection.msgtype
    run(capsys, tmp_path / "there.bag", "-o", tmp_path / "back", "--to", "rosbag2")
    received: dict[str, list[bytes]] = {topic: [] for topic in sent}
    with AnyReader([tmp_path / "back"]) as back:
        for connection, _, data in back.messages():
            received[connection.topic].append(bytes(data))
    different = {topic for topic in sent if received[topic] != sent[topic]}
    assert different <= lossy, [types[int(topic[2:])] for topic in different - lossy]
    assert len(lossy) < 15, [types[int(topic[2:])] for topic in lossy]


@pytest.mark.real_data
@pytest.mark.parametrize("file", FILES)
def test_values_of_recordings(file: str, shared_data: Path, tmp_path: Path, capsys: Any) -> None:
    source = shared_data / file
    output = tmp_path / ("out.db3" if source.suffix == ".bag" else "out.bag")
    found = run(capsys, source, "-o", output)
    unreadable = sum(topic["undecodable"] for topic in found["topics"])
    with AnyReader([source], default_typestore=ROS2) as before, AnyReader([output]) as after:
        mine = list(after.messages())
        theirs = [m for m in before.messages() if len(m[2]) or not unreadable]
        assert len(mine) == len(theirs) > 0 or unreadable
        for (ours, time, data), (original, expected_time, expected) in zip(mine, theirs, strict=True):
            assert (ours.topic, time) == (original.topic, expected_time)
            same(after.deserialize(data, ours.msgtype), before.deserialize(expected, original.msgtype), ours.topic)


def same(value: Any, expected: Any, where: str) -> None:
    if hasattr(expected, "__dataclass_fields__"):
        for name in expected.__dataclass_fields__:
            if name in ("seq", "__msgtype__"):
                continue
            own = name if hasattr(value, name) else name.lower()
            same(getattr(value, own), getattr(expected, name), f"{where}.{name}")
    elif isinstance(expected, np.ndarray):
        assert np.array_equal(value, expected, equal_nan=expected.dtype.kind == "f"), where
    elif isinstance(expected, list):
        assert len(value) == len(expected), where
        for index, (one, other) in enumerate(zip(value, expected, strict=True)):
            same(one, other, f"{where}[{index}]")
    else:
        assert value == expected or value != value, where


def test_latched_stays_latched(tmp_path: Path, capsys: Any) -> None:
    """ROS 1's latching is transient local in ROS 2, and becomes latching again."""
    from rosbags.rosbag1 import Writer as Writer1

    text = ROS1.types["std_msgs/msg/String"]
    with Writer1(tmp_path / "in.bag") as writer:
        for topic, latching in (("/map", 1), ("/chat", 0)):
            connection = writer.add_connection(
                topic, text.__msgtype__, typestore=ROS1, callerid="/n", latching=latching
            )
            writer.write(connection, 5, ROS1.serialize_ros1(text(data="hello"), text.__msgtype__))
    run(capsys, tmp_path / "in.bag", "-o", tmp_path / "run", "--to", "rosbag2-mcap")
    with AnyReader([tmp_path / "run"]) as reader:
        durabilities = {c.topic: [q.durability.name for q in c.ext.offered_qos_profiles] for c in reader.connections}  # type: ignore[union-attr]
    assert durabilities == {"/map": ["TRANSIENT_LOCAL"], "/chat": []}
    run(capsys, tmp_path / "run", "-o", tmp_path / "out.bag")
    with Reader1(tmp_path / "out.bag") as bag:
        assert {c.topic: c.ext.latching for c in bag.connections} == {"/map": 1, "/chat": None}  # type: ignore[union-attr]


def test_topics_that_cannot_be_carried_over_are_named(shared_data: Path, tmp_path: Path, capsys: Any) -> None:
    source = shared_data / "rerun-io+rerun" / "simple-protobuf.mcap"
    output = tmp_path / "out.bag"
    assert main(["convert", str(source), "-o", str(output)]) == 1
    told = capsys.readouterr().err
    assert "cannot hold mouse (its messages are encoded as json)" in told
    assert "leave them out with -x" in told
    assert list(tmp_path.iterdir()) == []


def test_types_of_plain_dds_are_refused_by_name(tmp_path: Path, capsys: Any) -> None:
    with (tmp_path / "a.mcap").open("wb") as file:
        writer = McapWriter(file)
        writer.start()
        schema = writer.register_schema("drone::State", "omgidl", b"module drone { struct State { long x; }; };")
        channel = writer.register_channel("/state", "cdr", schema)
        writer.add_message(channel, 1, b"\0\1\0\0\5\0\0\0", 1)
        writer.finish()  # type: ignore[no-untyped-call]
    assert main(["convert", str(tmp_path / "a.mcap"), "-o", str(tmp_path / "a.bag")]) == 1
    told = capsys.readouterr().err
    assert "cannot hold /state (the definition of drone::State cannot be carried over: it is not of ROS)" in told


def test_two_definitions_of_a_type_are_not_taken_for_one(tmp_path: Path, capsys: Any) -> None:
    """A SQLite file has room for one of each type: by another, messages could not be read again. Comments do not count."""
    for name, definition, size in (
        ("a", b"float64 x", 8),
        ("b", b"float64 x # m", 8),
        ("c", b"float64 x\nint32 y", 12),
    ):
        with (tmp_path / f"{name}.mcap").open("wb") as file:
            writer = McapWriter(file)
            writer.start("ros2", "test")
            schema = writer.register_schema("my_msgs/msg/Pair", "ros2msg", definition)
            writer.add_message(writer.register_channel(f"/{name}", "cdr", schema), 1, b"\0\1\0\0" + bytes(size), 1)
            writer.finish()  # type: ignore[no-untyped-call]
    a, b, c = (tmp_path / f"{name}.mcap" for name in "abc")
    assert run(capsys, a, b, "-o", tmp_path / "ab.db3")["lossless"]
    assert run(capsys, tmp_path / "ab.db3", "-o", tmp_path / "ab.rrd")["lossless"]
    assert main(["convert", str(a), str(c), "-o", str(tmp_path / "ac.db3")]) == 1
    assert "cannot hold /c (another definition of my_msgs/msg/Pair than that of /a" in capsys.readouterr().err
    assert run(capsys, a, c, "-o", tmp_path / "ac", "--to", "rosbag2-mcap")["lossless"]
