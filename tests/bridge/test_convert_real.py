"""Real recordings convert without loss: every message is in the file, and every field of a sample equals `rosbags`' own reading.

All is read back from the written file. Fields that an adapter carries (pixels, points, cells) are compared with what it made
of them: each message's picture, cloud or map equals what these tests make of the same message themselves.

Every recording of the manifest that may have ROS messages is taken. What `rosbags` cannot open is skipped, with the reason (its
counts and bytes are compared elsewhere); each format must have at least ten that it can. Where `rosbags` knows no definition of
a type, the messages' bytes are compared instead.
"""

from __future__ import annotations

import csv
import os
import re
import struct
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.serde import SerdeError
from rosbags.typesys import Stores, TypesysError, get_typestore

from rrbridge._messages import StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge.adapters import Adapters
from rrbridge.chunk import Chunk
from rrbridge.importers import ImportOptions
from rrbridge.rrd import RrdReader, RrdWriter
from rrbridge_bridge.conversion import Conversion
from rrbridge_bridge.report import TopicReport

pytestmark = pytest.mark.real_data

DATA = Path(os.environ.get("RRBRIDGE_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
SAMPLES_PER_TOPIC = 100

Key = tuple[str, str]
Expected = Callable[[Any], dict[str, np.ndarray[Any, Any]]]
PIXEL_BYTES = {
    "rgb8": 3,
    "bgr8": 3,
    "mono8": 1,
    "8UC1": 1,
    "8UC3": 3,
    "mono16": 2,
    "16UC1": 2,
    "32FC1": 4,
    "bgra8": 4,
    "rgba8": 4,
}
POINT_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}


def pixels(message: Any) -> dict[str, np.ndarray[Any, Any]]:
    """Lines without what pads them, numbers in the machine's byte order."""
    size = 1 if message.encoding.startswith("bayer") else PIXEL_BYTES[message.encoding]
    lines = message.data[: message.height * message.step].reshape(message.height, message.step)
    packed = np.ascontiguousarray(lines[:, : message.width * size])
    if message.is_bigendian and "16" in message.encoding:
        packed = packed.view(">u2").astype("<u2").view(np.uint8)
    is_depth = message.encoding.endswith("C1") or message.encoding.startswith("mono")
    return {"DepthImage:buffer" if is_depth else "Image:buffer": packed.reshape(-1)}


def file_bytes(message: Any) -> dict[str, np.ndarray[Any, Any]]:
    if "compressedDepth" in message.format:
        return {"EncodedDepthImage:blob": message.data[12:]}
    return {"VideoStream:sample" if message.format in ("h264", "h265") else "EncodedImage:blob": message.data}


def numbers_of_points(message: Any) -> dict[str, np.ndarray[Any, Any]]:
    """Point by point and field by field."""
    lines = [
        message.data[row * message.row_step :][: message.width * message.point_step] for row in range(message.height)
    ]
    points = np.concatenate(lines).reshape(-1, message.point_step) if lines else np.zeros((0, 1), np.uint8)
    found = {}
    for field in message.fields:
        dtype = np.dtype((">" if message.is_bigendian else "<") + POINT_NUMBERS[field.datatype])
        if field.count <= 1 and field.name:
            octets = np.ascontiguousarray(points[:, field.offset : field.offset + dtype.itemsize])
            found[field.name] = octets.view(dtype)[:, 0].astype(dtype.newbyteorder("="))
    axes = [found.pop(axis, np.zeros(len(points))).astype(np.float32) for axis in "xyz"]
    return {"Points3D:positions": np.stack(axes, axis=-1).reshape(-1)} | {
        f"Points3D:{name}": values for name, values in found.items()
    }


def map_cells(message: Any) -> dict[str, np.ndarray[Any, Any]]:
    cells = message.data.reshape(message.info.height, message.info.width)
    return {"GridMap:data": np.flipud(cells).reshape(-1).view(np.uint8)}


CARRIED: dict[str, Expected] = {
    "sensor_msgs/msg/Image": pixels,
    "sensor_msgs/msg/CompressedImage": file_bytes,
    "sensor_msgs/msg/PointCloud2": numbers_of_points,
    "nav_msgs/msg/OccupancyGrid": map_cells,
}
"""For each type of which an adapter carries a field: what its components must hold, from a message as `rosbags` reads it."""
ELSEWHERE = re.compile(r"foxglove|ffmpeg_image_transport_msgs")
"""No recording that `rosbags` can open has these; `test_messages_images` and `test_messages_foxglove` compare their bytes."""
MAIN_COMPONENTS = {
    *("Image:buffer", "DepthImage:buffer", "EncodedImage:blob", "EncodedDepthImage:blob", "VideoStream:sample"),
    *("Points3D:positions", "GridMap:data", "McapMessage:data"),
}
"""Each message of a carried type has one of these."""


def chosen() -> list[str]:
    """Paths below the data folder; a lone empty one where there is none, so that the tests say so."""
    manifest = DATA / "MANIFEST.tsv"
    if not manifest.is_file():
        return [""]
    csv.field_size_limit(1 << 20)
    with manifest.open(newline="") as lines:
        files = [row["file"] for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)]
    return sorted(
        file for file in files if Path(file).suffix in (".bag", ".db3", ".mcap") and "foxglove+mcap/data/" not in file
    )


def long_name(msgtype: str) -> str:
    """Old files say `std_msgs/String`."""
    package, _, name = msgtype.rpartition("/")
    return msgtype if "/" in package or not package else f"{package}/msg/{name}"


CHOSEN = chosen()


@cache
def left_out(path: Path) -> str:
    """Why a file can prove nothing here: `rosbags` cannot open it, or finds nothing in it."""
    try:
        with opened(path) as bag:
            if not bag.message_count:
                return "rosbags finds no messages"
            first = next(iter(bag.messages()))[2]
            return "rosbags gives compressed messages" if bytes(first[:4]) == ZSTD_MAGIC else ""
    except (AnyReaderError, OSError, ValueError) as err:
        return f"rosbags cannot open it: {str(err).partition(chr(10))[0]}"


def opened(path: Path) -> AnyReader:
    return AnyReader([path], default_typestore=get_typestore(Stores.ROS2_HUMBLE))


class Messages:
    """What rosbags finds, by topic and type, in order of log time."""

    def __init__(self, bag: AnyReader) -> None:
        self.times: dict[Key, list[int]] = defaultdict(list)
        self.raw: dict[Key, list[bytes]] = defaultdict(list)
        for connection, log_time, data in bag.messages():
            key = (connection.topic, long_name(connection.msgtype))
            self.times[key].append(log_time)
            self.raw[key].append(bytes(data))


def sampled(count: int) -> list[int]:
    return sorted(set(np.linspace(0, count - 1, min(count, SAMPLES_PER_TOPIC)).astype(int).tolist()))


def rows_in_time(chunks: list[Chunk], component: str) -> tuple[list[int], pa.Array | None]:
    """Log times and values of a component, in order of time and then row id."""
    times, ids, cells = [], [], []
    for chunk in chunks:
        if component in chunk.components:
            times.append(chunk.times["message_log_time"].values)
            ids.append(chunk.row_ids.astype(np.uint64))
            cells.append(chunk.components[component].cells)
    if not cells:
        return [], None
    time, row = np.concatenate(times), np.concatenate(ids)
    order = np.lexsort((row[:, 1], row[:, 0], time))
    return time[order].tolist(), pa.concat_arrays(cells).take(pa.array(order))


def same(value: Any, expected: Any, where: str) -> None:
    """A field as Arrow gives it and as rosbags does."""
    match value:
        case dict():
            names = [name for name in value if name != "structure_needs_at_least_one_member"]
            for name in names:
                own = name if hasattr(expected, name) else name.upper()  # ROS 1 spells CameraInfo's matrices D, K, R, P
                same(value[name], getattr(expected, own), f"{where}.{name}")
        case list():
            assert len(value) == len(expected), where
            if isinstance(expected, np.ndarray):
                kind = expected.dtype
                octets = kind == np.int8  # a `byte` is unsigned for us and the reference, signed for rosbags
                mine = np.array(value, np.int64).astype(kind) if octets else np.array(value, kind)
                assert np.array_equal(mine, expected, equal_nan=kind.kind == "f"), where
            else:
                for index, (ours, theirs) in enumerate(zip(value, expected, strict=True)):
                    same(ours, theirs, f"{where}[{index}]")
        case float():
            assert np.array_equal(np.float64(value), np.float64(expected), equal_nan=True), where
        case _:
            assert value == expected, where


def names_of(reader: AnyReader, msgtype: str) -> set[str]:
    names = [
        name for name, _ in reader.typestore.fielddefs[msgtype][1] if name != "structure_needs_at_least_one_member"
    ]
    return {name.lower() if name in "DKRP" else name for name in names}


def converted(path: Path, tmp_path: Path, **options: Any) -> tuple[list[Chunk], dict[Key, TopicReport], Path]:
    conversion = Conversion([path], ImportOptions(**options))
    store = StoreId(StoreKind.RECORDING, "rrbridge", "test")
    output = tmp_path / "out.rrd"
    with RrdWriter(output) as writer:
        writer.write(StoreInfo.new(store))
        for chunk in conversion.chunks():
            writer.write(StoredChunk(store, chunk))
    reader = RrdReader(output)
    chunks = [message.chunk for message in reader.messages() if isinstance(message, StoredChunk)]
    assert reader.truncated_at is None
    return chunks, {(r.topic, r.msgtype): r for r in conversion.reports}, output


@pytest.fixture
def bag(request: pytest.FixtureRequest, shared_data: Path) -> Iterator[tuple[Path, AnyReader]]:
    path = shared_data / request.param
    reason = left_out(path)
    if reason:
        pytest.skip(reason)
    with opened(path) as reader:
        yield path, reader


def test_enough_recordings_of_each_format(shared_data: Path) -> None:
    useful = Counter(Path(file).suffix for file in CHOSEN if not left_out(shared_data / file))
    print(dict(useful))
    assert all(useful[suffix] >= 10 for suffix in (".bag", ".db3", ".mcap")), useful


@pytest.mark.parametrize("bag", CHOSEN, indirect=True)
def test_every_message_and_field(bag: tuple[Path, AnyReader], tmp_path: Path, verified: Callable[[Path], None]) -> None:
    path, reader = bag
    truth = Messages(reader)
    chunks, reports, output = converted(path, tmp_path)
    verified(output)
    assert {key: r.messages for key, r in reports.items() if r.messages} == {k: len(t) for k, t in truth.times.items()}
    assert [(r.topic, r.reason) for r in reports.values() if r.unmapped] == []
    carries = {msgtype: adapter.carries for msgtype, adapter in Adapters.discover().by_type.items()}
    for key, times in truth.times.items():
        report = reports[key]
        at_topic = [c for c in chunks if c.entity_path == report.entity_path and not c.is_static]
        check_topic(key, at_topic, reader, truth, carries.get(key[1], frozenset()))
        if key[1] in CARRIED:
            assert check_carried(key, at_topic, reader, truth) == len(sampled(len(times)))
        assert times


def test_every_carried_type_is_compared(shared_data: Path) -> None:
    """None is left out above because no recording that `rosbags` can open has it."""
    carrying = {msgtype for msgtype, adapter in Adapters.discover().by_type.items() if adapter.carries}
    assert {msgtype for msgtype in carrying if not ELSEWHERE.match(msgtype)} == CARRIED.keys()
    found: Counter[tuple[str, str]] = Counter()
    for file in CHOSEN:
        if not left_out(shared_data / file):
            with opened(shared_data / file) as bag:
                for connection in bag.connections:
                    if long_name(connection.msgtype) in CARRIED:
                        found[long_name(connection.msgtype), Path(file).suffix] += connection.msgcount
    print(dict(found))
    assert {msgtype for msgtype, _ in found} == CARRIED.keys()
    assert {suffix for msgtype, suffix in found if msgtype == "sensor_msgs/msg/Image"} == {".bag", ".db3", ".mcap"}


def check_carried(key: Key, chunks: list[Chunk], reader: AnyReader, truth: Messages) -> int:
    """The pictures, clouds or maps of a topic are one per message, and those of a sample are what they should be."""
    topic, msgtype = key
    expected = CARRIED[msgtype]
    rows = sorted(
        (int(chunk.times["message_log_time"].values[row]), *map(int, chunk.row_ids[row]), number, row)
        for number, chunk in enumerate(chunks)
        if chunk.components.keys() & MAIN_COMPONENTS
        for row in range(chunk.num_rows)
    )
    assert [time for time, *_ in rows] == truth.times[key], f"{topic}: not one row per message"
    compared = 0
    for place in sampled(len(rows)):
        *_, number, row = rows[place]
        components = chunks[number].components
        if "McapMessage:data" in components:
            assert bytes(components["McapMessage:data"].cells[row].as_py()[0]) == truth.raw[key][place]
            continue
        for name, values in expected(reader.deserialize(truth.raw[key][place], msgtype)).items():
            mine = components[name].cells[row].values
            while pa.types.is_list(mine.type) or pa.types.is_fixed_size_list(mine.type):
                mine = mine.flatten()
            got = mine.to_numpy(zero_copy_only=False)
            assert got.dtype == values.dtype, f"{topic}[{place}] {name}"
            assert np.array_equal(got, values, equal_nan=values.dtype.kind == "f"), f"{topic}[{place}] {name}"
        compared += 1
    return compared


def check_topic(key: Key, chunks: list[Chunk], reader: AnyReader, truth: Messages, carried: frozenset[str]) -> None:
    """Every message is there once, as fields or as bytes; as bytes only what rosbags cannot read either."""
    topic, msgtype = key
    times, cells = rows_in_time(chunks, f"{msgtype.replace('/', '.')}:message")
    if cells is None:  # an MCAP file that spells the type `std_msgs/Float64`: as the reference names it
        times, cells = rows_in_time(chunks, f"{msgtype.replace('/msg/', '.')}:message")
    raw_times, raw = rows_in_time(chunks, "McapMessage:data")
    if cells is None:
        assert raw_times == truth.times[key], f"{topic}: neither fields nor bytes"
        assert raw is not None
        for row in sampled(len(raw_times)):
            assert bytes(raw[row].as_py()[0]) == truth.raw[key][row], f"{topic} message {row}"
            assert is_unreadable(reader, truth.raw[key][row], msgtype), f"{topic} message {row} was not decoded"
        return
    assert times == truth.times[key], topic
    for row in sampled(len(times)):
        if is_unreadable(reader, truth.raw[key][row], msgtype):
            print(f"{topic}: rosbags cannot read it")
            continue
        value = cells[row].as_py()[0]
        same(value, reader.deserialize(truth.raw[key][row], msgtype), f"{topic}[{row}]")
        assert names_of(reader, msgtype) - set(value) <= carried, topic


def is_unreadable(reader: AnyReader, raw: bytes, msgtype: str) -> bool:
    try:
        reader.deserialize(raw, msgtype)
    except (AnyReaderError, TypesysError, SerdeError, KeyError, struct.error, ValueError):
        return True
    return False


@pytest.mark.parametrize("bag", CHOSEN, indirect=True)
def test_bytes_are_kept_on_request(bag: tuple[Path, AnyReader], tmp_path: Path) -> None:
    """Fields that an adapter carries elsewhere are not lost: with `--raw` the message is there to the byte."""
    path, reader = bag
    truth = Messages(reader)
    chunks, reports, _ = converted(path, tmp_path, raw=True, fields="none", mapping="reference")
    for key, wanted in truth.raw.items():
        at_topic = [c for c in chunks if c.entity_path == reports[key].entity_path and not c.is_static]
        times, raw = rows_in_time(at_topic, "McapMessage:data")
        assert times == truth.times[key]
        assert raw is not None
        for row in sampled(len(wanted)):
            assert bytes(raw[row].as_py()[0]) == wanted[row], f"{key[0]} message {row}"
