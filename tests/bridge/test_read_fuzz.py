"""Recordings with random changes give errors of ours, notes, or what they hold, within bounds of memory and time.

A short run over small files of each format; `scripts/fuzz_readers.py` runs as long as one likes, over any files.
"""

from __future__ import annotations

import bz2
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from mcap.writer import CompressionType, IndexType
from mcap.writer import Writer as McapWriter
from rosbags.rosbag1 import Writer as BagWriter
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as FolderWriter
from rosbags.typesys import Stores, get_typestore

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "fuzz_readers.py"
ROS1, ROS2 = get_typestore(Stores.ROS1_NOETIC), get_typestore(Stores.ROS2_HUMBLE)
TEXT, ODOMETRY = "std_msgs/msg/String", "nav_msgs/msg/Path"
CASES = 25


def bag(path: Path, compression: BagWriter.CompressionFormat | None) -> Path:
    writer = BagWriter(path)
    writer.chunk_threshold = 1500
    if compression:
        writer.set_compression(compression)
    with writer:
        topics = [
            writer.add_connection(topic, TEXT, typestore=ROS1, latching=n) for n, topic in enumerate(("/a", "/b"))
        ]
        poses = writer.add_connection("/path", ODOMETRY, typestore=ROS1)
        for i in range(60):
            writer.write(topics[i % 2], i, struct.pack("<I", i) + b"x" * i)
            writer.write(poses, i, bytes(12) + struct.pack("<I", 4) + b"base" + bytes(4))
    return path


def mcap(path: Path, compression: CompressionType, index: IndexType, *, chunks: bool = True) -> Path:
    with path.open("wb") as file:
        writer = McapWriter(
            file,
            chunk_size=1500,
            compression=compression,
            index_types=index,
            use_chunking=chunks,
            enable_data_crcs=True,
        )
        writer.start("ros2", "test")
        schemas = [
            writer.register_schema(name, "ros2msg", ROS2.generate_msgdef(name)[0].encode()) for name in (TEXT, ODOMETRY)
        ]
        channels = [writer.register_channel(f"/{n}", "cdr", schema) for n, schema in enumerate(schemas)]
        for i in range(60):
            writer.add_message(channels[0], i, b"\0\1\0\0" + struct.pack("<I", i + 1) + b"x" * i + b"\0", i)
            writer.add_message(channels[1], i, b"\0\1\0\0" + bytes(8) + struct.pack("<I", 1) + bytes(8), i)
        writer.add_attachment(1, 2, "notes", "text/plain", b"hello")
        writer.add_metadata("m", {"a": "b"})
        writer.finish()  # type: ignore[no-untyped-call]
    return path


def folder(path: Path, storage: StoragePlugin) -> Path:
    with FolderWriter(path, version=8, storage_plugin=storage) as writer:
        topics = [writer.add_connection(topic, TEXT, typestore=ROS2) for topic in ("/a", "/b")]
        for i in range(60):
            writer.write(topics[i % 2], i, bytes(ROS2.serialize_cdr(ROS2.types[TEXT](data="x" * i), TEXT)))
    return path


def packed(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


MAKERS: dict[str, Callable[[Path], list[Path]]] = {
    "bags": lambda at: [
        bag(at / "none.bag", None),
        bag(at / "bz2.bag", BagWriter.CompressionFormat.BZ2),
        bag(at / "lz4.bag", BagWriter.CompressionFormat.LZ4),
        packed(at / "packed.bag.bz2", bz2.compress(bag(at / "a.bag", None).read_bytes())),
    ],
    "mcap": lambda at: [
        mcap(at / "none.mcap", CompressionType.NONE, IndexType.ALL),
        mcap(at / "lz4.mcap", CompressionType.LZ4, IndexType.ALL),
        mcap(at / "zstd.mcap", CompressionType.ZSTD, IndexType.ALL),
        mcap(at / "no-index.mcap", CompressionType.NONE, IndexType.NONE),
        mcap(at / "no-chunks.mcap", CompressionType.NONE, IndexType.NONE, chunks=False),
        packed(
            at / "a.mcap.zstd",
            zstandard.compress(mcap(at / "a.mcap", CompressionType.NONE, IndexType.ALL).read_bytes()),
        ),
    ],
    "rosbag2": lambda at: [
        folder(at / "sqlite", StoragePlugin.SQLITE3),
        folder(at / "mcap", StoragePlugin.MCAP),
        at / "sqlite" / "sqlite.db3",
    ],
}


@pytest.mark.parametrize("kind", MAKERS)
def test_random_changes(kind: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--cases", str(CASES), "--keep", tmp_path / "kept", *MAKERS[kind](tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"RRBRIDGE_DATA": ""},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 faults" in done.stdout
