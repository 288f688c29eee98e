"""What a conversion takes of memory: bounded by chunks and batches, whatever the file's size."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter
from rosbags.rosbag1 import Writer as BagWriter
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as Rosbag2Writer
from rosbags.typesys import Stores, get_typestore

from rrbridge_bridge.cli import main

MB = 1_000_000
SMALL_MB, LARGE_MB = 100, 500
BOUND_MB = 400
"""What docs/convert.md promises, and some room for other versions of what is below."""
PROGRAM = """
import sys
from pathlib import Path
from rrbridge_bridge.cli import main
code = main()
Path(STATUS).write_text(Path("/proc/self/status").read_text())
sys.exit(code)
"""
ARRAY, NUMBER = "std_msgs/msg/UInt8MultiArray", "std_msgs/msg/Float64"


def serialized(store: Any, serialize: Callable[[Any, str], memoryview]) -> tuple[memoryview, memoryview]:
    """A megabyte of zeros, and a number."""
    types = store.types
    layout = types["std_msgs/msg/MultiArrayLayout"](dim=[], data_offset=0)
    return (
        serialize(types[ARRAY](layout=layout, data=np.zeros(MB, np.uint8)), ARRAY),
        serialize(types[NUMBER](data=1.0), NUMBER),
    )


def fill(writer: Any, store: Any, messages: tuple[memoryview, memoryview], megabytes: int) -> None:
    arrays = writer.add_connection("/array", ARRAY, typestore=store)
    numbers = writer.add_connection("/number", NUMBER, typestore=store)
    for i in range(megabytes):
        writer.write(arrays, i * 10**8, messages[0])
        for k in range(20):
            writer.write(numbers, i * 10**8 + k, messages[1])


def write_bag(path: Path, megabytes: int) -> None:
    store = get_typestore(Stores.ROS1_NOETIC)
    writer = BagWriter(path)
    writer.set_compression(writer.CompressionFormat.LZ4)
    with writer:
        fill(writer, store, serialized(store, store.serialize_ros1), megabytes)


def write_db3(path: Path, megabytes: int) -> None:
    store = get_typestore(Stores.ROS2_HUMBLE)
    with Rosbag2Writer(path, version=8, storage_plugin=StoragePlugin.SQLITE3) as writer:
        fill(writer, store, serialized(store, store.serialize_cdr), megabytes)


def write_mcap(path: Path, megabytes: int, *, chunk_bytes: int = 4 * MB) -> None:
    store = get_typestore(Stores.ROS2_HUMBLE)
    with path.open("wb") as file:
        writer: Any = McapWriter(file, chunk_size=chunk_bytes, compression=CompressionType.ZSTD)
        writer.start("ros2")
        channels = []
        for topic, name in (("/array", ARRAY), ("/number", NUMBER)):
            definition, _ = store.generate_msgdef(name, ros_version=2)
            schema = writer.register_schema(name, "ros2msg", definition.encode())
            channels.append(writer.register_channel(topic, "cdr", schema))
        array, number = (bytes(message) for message in serialized(store, store.serialize_cdr))
        for i in range(megabytes):
            writer.add_message(channels[0], i * 10**8, array, i * 10**8, i)
            for k in range(20):
                writer.add_message(channels[1], i * 10**8 + k, number, i * 10**8 + k, i)
        writer.finish()


def peak_megabytes(folder: Path, *arguments: object, code: int = 0) -> float:
    """As the program itself says: `ru_maxrss` would begin with what this process had when it started the other."""
    status = folder / "status.txt"
    program = PROGRAM.replace("STATUS", repr(str(status)))
    done = subprocess.run([sys.executable, "-c", program, "convert", *map(str, arguments)], check=False)
    assert done.returncode == code
    kilobytes = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
    assert kilobytes is not None
    return int(kilobytes[1]) * 1024 / MB


@pytest.mark.slow
@pytest.mark.parametrize(
    ("write", "suffix"), [(write_bag, ".bag"), (write_db3, ""), (write_mcap, ".mcap")], ids=["bag", "db3", "mcap"]
)
def test_memory_does_not_grow_with_the_file(write: Callable[[Path, int], None], suffix: str, tmp_path: Path) -> None:
    peaks = []
    for megabytes in (SMALL_MB, LARGE_MB):
        path = tmp_path / f"run{megabytes}{suffix}"
        write(path, megabytes)
        peaks.append(peak_megabytes(tmp_path, path, "-o", tmp_path / "out.rrd", "--force", "-q", "--raw"))
    assert peaks[1] < 1.4 * peaks[0]
    assert peaks[1] < BOUND_MB


def test_a_chunk_is_held_whole_and_no_larger_one_is_taken(tmp_path: Path, capsys: Any) -> None:
    """What it claims decides, before memory is taken; the chunks around it are read."""
    path = tmp_path / "run.mcap"
    write_mcap(path, 3, chunk_bytes=MB)
    data = bytearray(path.read_bytes())
    at = data.index(b"\x06", 8)
    while True:  # records are an opcode, a length in 8 bytes, the content
        length = struct.unpack_from("<Q", data, at + 1)[0]
        if data[at] == 6:
            break
        at += 9 + length
    struct.pack_into("<Q", data, at + 9 + 16, 2**31)
    path.write_bytes(data)
    assert peak_megabytes(tmp_path, path, "-o", tmp_path / "out.rrd", "-q", code=3) < BOUND_MB
    assert main(["convert", str(path), "-o", str(tmp_path / "out.rrd"), "--force"]) == 3
    assert "it claims to hold 2147483648 bytes; at most 1073741824 are taken" in capsys.readouterr().out.replace(
        "\n", " "
    )
