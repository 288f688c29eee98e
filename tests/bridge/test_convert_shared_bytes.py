"""Messages with large pictures: rows with their bytes hold the pictures too, and nothing else is different."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import foxglove.messages as foxglove
import numpy as np
import pytest
from rosbags.typesys import Stores, get_typestore
from scripted_session import FakeSession, payloads_of, recorded

from rrbridge._messages import StoredChunk, StoreId, StoreKind
from rrbridge.chunk import Chunk
from rrbridge.importers import ImportOptions
from rrbridge.rrd import RrdWriter
from rrbridge_bridge import raw
from rrbridge_bridge.cli import main
from rrbridge_bridge.driver import Driver
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.readers.bag import Ros1BagReader
from rrbridge_bridge.readers.mcap import McapReader
from rrbridge_bridge.sharing import SHARED_BYTES_PER_ROW

SEED = int(os.environ.get("RRBRIDGE_PICTURES_SEED", "0"))
ROUNDS = int(os.environ.get("RRBRIDGE_PICTURES_ROUNDS", "4"))
STORES = {"ros1": get_typestore(Stores.ROS1_NOETIC), "cdr": get_typestore(Stores.ROS2_JAZZY)}
WIRES = [*STORES, "protobuf"]
IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
ENCODINGS = {"mono8": 1, "rgb8": 3, "bgr8": 3, "16UC1": 2, "bgra8": 4, "mono16": 2, "nonsense": 1}
RAW, PICTURES = "McapMessage:data", {"Image:buffer", "DepthImage:buffer", "EncodedImage:blob", "VideoStream:sample"}
SAVED = SHARED_BYTES_PER_ROW + 200_000
"""A picture of so many bytes shares its message's."""


def random_message(rng: np.random.Generator, wire: str, number: int) -> tuple[str, bytes]:
    """Of a picture, mostly large; some are padded, of the other byte order, cut off, or no message at all."""
    if wire == "protobuf":
        return random_schema(rng)
    types = STORES[wire].types
    stamp = types["builtin_interfaces/msg/Time"](sec=number, nanosec=5)
    frame = "camera" * int(rng.integers(0, 4))
    header = types["std_msgs/msg/Header"](stamp=stamp, frame_id=frame, **({"seq": number} if wire == "ros1" else {}))
    if rng.random() < 0.3:
        data = rng.integers(0, 256, rng.choice([300, SAVED]), np.uint8)
        name = str(rng.choice(["jpeg", "png", "h264", "16UC1; compressedDepth", "bgr8; jpeg compressed bgr8"]))
        return COMPRESSED, serialized(wire, types[COMPRESSED](header=header, format=name, data=data), rng)
    encoding = str(rng.choice(list(ENCODINGS)))
    width, height = 2 * int(rng.integers(250, 300)), int(rng.choice([4, 1000]))
    padding = int(rng.choice([0, 0, 0, 6]))
    step = width * ENCODINGS[encoding] + padding
    data = rng.integers(0, 256, step * height - int(rng.choice([0, 0, 0, 9])), np.uint8)
    message = types[IMAGE](
        header=header,
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=int(rng.random() < 0.2),
        step=step,
        data=data,
    )
    return IMAGE, serialized(wire, message, rng)


def random_schema(rng: np.random.Generator) -> tuple[str, bytes]:
    """The same of Foxglove's; some have no picture."""
    if rng.random() < 0.3:
        data = rng.bytes(rng.choice([0, 300, SAVED]))
        return COMPRESSED, foxglove.CompressedImage(data=data, format="jpeg").encode()
    encoding, width, height = str(rng.choice(["mono8", "rgb8", "16UC1"])), 2 * int(rng.integers(250, 300)), 1000
    step = width * ENCODINGS[encoding] + int(rng.choice([0, 0, 0, 6]))
    data = rng.bytes(step * height - int(rng.choice([0, 0, 0, 9])))
    made = foxglove.RawImage(width=width, height=height, encoding=encoding, step=step, data=data, frame_id="a")
    return IMAGE, made.encode() if rng.random() < 0.95 else made.encode()[:4000]


def serialized(wire: str, message: Any, rng: np.random.Generator) -> bytes:
    if wire == "ros1":
        made = bytes(STORES[wire].serialize_ros1(message, message.__msgtype__))
    else:
        made = bytes(STORES[wire].serialize_cdr(message, message.__msgtype__, little_endian=bool(rng.random() < 0.98)))
    return made if rng.random() < 0.95 else made[: len(made) // 2]


def connection(wire: str, msgtype: str) -> Connection:
    if wire == "protobuf":
        schema = (foxglove.RawImage if msgtype == IMAGE else foxglove.CompressedImage).get_schema()
        number = [IMAGE, COMPRESSED].index(msgtype)
        return Connection(number, f"/{number}", schema.name, wire, schema.data.decode("latin-1"), "protobuf")
    version = 1 if wire == "ros1" else 2
    definition, _ = STORES[wire].generate_msgdef(msgtype, ros_version=version)
    number = [IMAGE, COMPRESSED].index(msgtype)
    return Connection(number, f"/{wire}/{number}", msgtype, wire, definition, f"ros{version}msg")


def batches(seed: int, wire: str) -> list[RawBatch]:
    rng = np.random.default_rng([SEED, seed])
    found: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
    for number in range(12):
        msgtype, payload = random_message(rng, wire, number)
        found[msgtype].append((number, payload))
    made = []
    for msgtype, messages in found.items():
        cut = int(rng.integers(0, len(messages) + 1))
        for part in (messages[:cut], messages[cut:]):
            if part:
                orders = np.array([number for number, _ in part])
                payloads = [payload for _, payload in part]
                made.append(RawBatch.of(connection(wire, msgtype), payloads, 10**18 + orders, order=orders))
    return made


def cells(chunks: Iterable[Chunk]) -> dict[tuple[str, str], list[Any]]:
    """By entity and component, in order of time: all times and the value."""
    found: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for chunk in chunks:
        times = sorted((name, column.values.tolist()) for name, column in chunk.times.items())
        for name, column in chunk.components.items():
            for row, cell in enumerate(column.cells):
                found[chunk.entity_path, name].append(([(t, values[row]) for t, values in times], digest(cell)))
    return {key: sorted(rows, key=lambda row: str(row[0])) for key, rows in found.items()}


def digest(cell: Any) -> Any:
    if cell.is_valid and len(cell.values) == 1 and str(cell.type) == "list<item: list<item: uint8 not null>>":
        return cell.values[0].values.to_numpy().tobytes()
    return cell.as_py()


def converted(given: Sequence[RawBatch], **options: Any) -> tuple[list[Chunk], Driver]:
    driver = Driver(ImportOptions(**options))
    return [chunk for batch in given for chunk in driver.convert(batch)], driver


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("seed", range(ROUNDS))
def test_nothing_is_different_but_the_rows(monkeypatch: pytest.MonkeyPatch, wire: str, seed: int) -> None:
    given = batches(seed, wire)
    found, driver = converted(given, raw=True)
    without, _ = converted(given)
    with monkeypatch.context() as patched:
        patched.setattr(raw, "LARGE_BYTES", 1 << 40)
        expected, plain = converted(given, raw=True)
        expected_without, _ = converted(given)
    assert cells(found) == cells(expected)
    assert cells(without) == cells(expected_without)
    together = [len(chunk.components) for chunk in found if {RAW, *PICTURES} & chunk.components.keys() > {RAW}]
    assert together or seed
    for ours, theirs in zip(driver.reports, plain.reports, strict=True):
        assert (ours.messages, ours.unmapped, ours.undecodable, ours.reasons) == (
            (theirs.messages, theirs.unmapped, theirs.undecodable, theirs.reasons)
        )


@pytest.mark.parametrize("wire", WIRES)
def test_pictures_are_recorded_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wire: str) -> None:
    given = [batch for seed in range(3) for batch in batches(seed, wire)]
    session = FakeSession()
    sent: dict[str, list[bytes]] = defaultdict(list)
    for batch in given:
        if not sent[batch.connection.topic]:
            session.announce(batch.connection)
        payloads = [batch.payload(row).tobytes() for row in range(len(batch))]
        session.send(batch.connection, *payloads)
        sent[batch.connection.topic] += payloads
    path = tmp_path / "run.rrd"
    assert recorded(monkeypatch, session, path, "-a") == 0
    assert {topic: sorted(payloads) for topic, payloads in payloads_of(path).items()} == {
        topic: sorted(payloads) for topic, payloads in sent.items()
    }
    command = [str(Path(sys.executable).with_name("rerun")), "rrd", "verify", str(path)]
    assert subprocess.run(command, check=False, timeout=60).returncode == 0
    back = tmp_path / ("back.bag" if wire == "ros1" else "back.mcap")
    assert main(["convert", str(path), "-o", str(back)]) == 0
    read: dict[str, list[bytes]] = defaultdict(list)
    with Ros1BagReader(back) if wire == "ros1" else McapReader(back) as reader:
        for batch in reader.batches():
            read[batch.connection.topic] += [batch.payload(row).tobytes() for row in range(len(batch))]
    assert read == sent


def test_a_file_of_pictures_is_as_large_as_their_messages(tmp_path: Path) -> None:
    payloads = [np.random.default_rng(n).bytes(400_000) for n in range(8)]
    types = STORES["cdr"].types
    header = types["std_msgs/msg/Header"](stamp=types["builtin_interfaces/msg/Time"](sec=1, nanosec=2), frame_id="c")
    messages = [types[COMPRESSED](header=header, format="jpeg", data=np.frombuffer(p, np.uint8)) for p in payloads]
    made = [bytes(STORES["cdr"].serialize_cdr(message, COMPRESSED)) for message in messages]
    chunks, _ = converted([RawBatch.of(connection("cdr", COMPRESSED), made, np.arange(8))], raw=True)
    with RrdWriter(tmp_path / "a.rrd") as writer:
        for chunk in chunks:
            writer.write(StoredChunk(StoreId(StoreKind.RECORDING, "a", "b"), chunk))
    assert writer.bytes_written < 1.05 * sum(map(len, made))
    assert "EncodedImage:blob" in {name for _, name in cells(chunks)}
