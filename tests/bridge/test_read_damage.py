"""Damage costs what it hits: the other chunks are read, with or without an index, and what is missing is told."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mcap.writer import CompressionType, IndexType
from mcap.writer import Writer as McapWriter
from rosbags.rosbag1 import Writer as BagWriter
from rosbags.typesys import Stores, get_typestore

from rrbridge_bridge.readers import open_bag
from rrbridge_bridge.readers._mcap_records import CHUNK_HEAD, RECORD_HEAD

ROS1 = get_typestore(Stores.ROS1_NOETIC)
TEXT = "std_msgs/msg/String"
COUNT = 1200
CHUNK_MESSAGES = 100
PAYLOAD_BYTES = 40
MESSAGES = [struct.pack("<I", PAYLOAD_BYTES - 4) + random.Random(i).randbytes(PAYLOAD_BYTES - 4) for i in range(COUNT)]
Make = Callable[[Path], Path]


def bag(compression: BagWriter.CompressionFormat | None = None, *, closed: bool = True) -> Make:
    def make(folder: Path) -> Path:
        path = folder / "a.bag"
        path.unlink(missing_ok=True)
        writer = BagWriter(path)
        writer.chunk_threshold = CHUNK_MESSAGES * (PAYLOAD_BYTES + 46)
        if compression:
            writer.set_compression(compression)
        with writer:
            topics = [writer.add_connection(topic, TEXT, typestore=ROS1) for topic in ("/a", "/b")]
            for i, message in enumerate(MESSAGES):
                writer.write(topics[i % 2], i, message)
        if not closed:
            data = path.read_bytes()
            at = data.index(b"index_pos=") + len(b"index_pos=")
            path.write_bytes(data[:at] + bytes(8) + data[at + 8 :])
        return path

    return make


def mcap(
    compression: CompressionType = CompressionType.NONE, index: IndexType = IndexType.ALL, *, chunks: bool = True
) -> Make:
    def make(folder: Path) -> Path:
        path = folder / "a.mcap"
        with path.open("wb") as file:
            writer = McapWriter(
                file,
                chunk_size=CHUNK_MESSAGES * (PAYLOAD_BYTES + 31),
                compression=compression,
                index_types=index,
                use_chunking=chunks,
            )
            writer.start("ros1", "test")
            schema = writer.register_schema("std_msgs/String", "ros1msg", b"string data\n")
            topics = [writer.register_channel(topic, "ros1", schema) for topic in ("/a", "/b")]
            for i, message in enumerate(MESSAGES):
                writer.add_message(topics[i % 2], i, message, i)
            writer.finish()  # type: ignore[no-untyped-call]
        data = path.read_bytes()
        if index is IndexType.NONE:
            path.write_bytes(data[: data.index(b"\x0f\x04\0\0\0\0\0\0\0", len(data) // 2)])
        return path

    return make


LZ4, BZ2 = BagWriter.CompressionFormat.LZ4, BagWriter.CompressionFormat.BZ2
KINDS: dict[str, Make] = {
    "bag": bag(),
    "bag bz2": bag(BZ2),
    "bag lz4": bag(LZ4),
    "bag without index": bag(closed=False),
    "bag lz4 without index": bag(LZ4, closed=False),
    "mcap": mcap(),
    "mcap lz4": mcap(CompressionType.LZ4),
    "mcap zstd": mcap(CompressionType.ZSTD),
    "mcap without index": mcap(index=IndexType.NONE),
    "mcap zstd without index": mcap(CompressionType.ZSTD, IndexType.NONE),
    "mcap without chunks": mcap(index=IndexType.NONE, chunks=False),
}


def check_cost(path: Path, most: int, where: str, *, has_checksums: bool = False) -> int:
    """All messages but some neighbours are read as they were written, and that those are missing, or may be wrong, is told.

    Returns how many. What has no checksum can change unnoticed.
    """
    with open_bag(path) as reader:
        found = {(int(b.log_time_nanos[i]), b.payload(i).tobytes()) for b in reader.batches() for i in range(len(b))}
        notes = list(reader.notes)
    missing = np.array([i for i, message in enumerate(MESSAGES) if (i, message) not in found])
    if len(missing):
        assert missing[-1] - missing[0] < most, f"{where}: {len(missing)} messages are missing, {missing}"
        assert len(found) == COUNT or notes, where
        assert any(note.is_loss for note in notes) or not has_checksums, where
    return len(missing)


WITH_CHECKSUMS = {kind for kind in KINDS if kind.startswith("mcap") and kind != "mcap without chunks"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_stretch_of_rubbish_costs_what_it_hits(kind: str, tmp_path: Path) -> None:
    path = KINDS[kind](tmp_path)
    whole = path.read_bytes()
    rng = random.Random(kind)
    first, last = whole.index(MESSAGES[1]) if MESSAGES[1] in whole else 6000, len(whole) - 8000
    cost = 0
    for attempt in range(24):
        at = rng.randrange(first, last)
        rubbish = bytes(150) if attempt % 3 == 0 else rng.randbytes(rng.choice([1, 8, 150]))
        path.write_bytes(whole[:at] + rubbish + whole[at + len(rubbish) :])
        # A chunk, and the next one where the end of the first or the index behind it is hit.
        where = f"{len(rubbish)} bytes at {at}"
        cost += check_cost(path, 2 * CHUNK_MESSAGES + 20, where, has_checksums=kind in WITH_CHECKSUMS)
    assert cost >= 20


@pytest.mark.parametrize("kind", ["bag", "bag lz4 without index", "mcap zstd", "mcap zstd without index"])
def test_a_missing_piece_costs_what_it_hits(kind: str, tmp_path: Path) -> None:
    """Everything behind it stands elsewhere than the index says."""
    path = KINDS[kind](tmp_path)
    whole = path.read_bytes()
    rng = random.Random(kind)
    for _ in range(12):
        at = rng.randrange(6000, len(whole) - 8000)
        path.write_bytes(whole[:at] + whole[at + 37 :])
        check_cost(path, 2 * CHUNK_MESSAGES + 20, f"at {at}")


@pytest.mark.parametrize("kind", ["mcap zstd without index", "mcap without index"])
@pytest.mark.parametrize("field", ["record", "unpacked size", "records"])
def test_lengths_of_chunks_that_lie(kind: str, field: str, tmp_path: Path) -> None:
    path = KINDS[kind](tmp_path)
    whole = path.read_bytes()
    at = 8
    chunks = []
    while at < len(whole):
        opcode, length = RECORD_HEAD.unpack_from(whole, at)
        chunks += [at] if opcode == 6 else []
        at += RECORD_HEAD.size + length
    third = chunks[2]
    (name_bytes,) = struct.unpack_from("<I", whole, third + RECORD_HEAD.size + CHUNK_HEAD.size)
    place = {"record": 1, "unpacked size": 9 + 16, "records": 9 + CHUNK_HEAD.size + 4 + name_bytes}[field]
    (right,) = struct.unpack_from("<Q", whole, third + place)
    for wrong in (0, 1, right - 1, right + 1, right + 5000, 10**7, 10**11, 2**63, 2**64 - 1):
        path.write_bytes(whole[: third + place] + struct.pack("<Q", wrong) + whole[third + place + 8 :])
        check_cost(path, CHUNK_MESSAGES + 20, f"{field} {wrong} for {right}")


@pytest.mark.parametrize("kind", ["bag", "bag lz4", "bag without index", "bag lz4 without index"])
@pytest.mark.parametrize("field", ["data", "size", "header"])
def test_lengths_of_bags_that_lie(kind: str, field: str, tmp_path: Path) -> None:
    path = KINDS[kind](tmp_path)
    whole = path.read_bytes()
    second = whole.index(b"op=\x05", whole.index(b"op=\x05") + 1)
    size_at, header_at = whole.index(b"size=", second) + 5, second - 8
    (header_bytes,) = struct.unpack_from("<I", whole, header_at)
    place = {"data": header_at + 4 + header_bytes, "size": size_at, "header": header_at}[field]
    (right,) = struct.unpack_from("<I", whole, place)
    for wrong in (0, 1, right - 1, right + 1, right + 5000, 10**7, 2**31, 2**32 - 1):
        path.write_bytes(whole[:place] + struct.pack("<I", wrong) + whole[place + 4 :])
        check_cost(path, CHUNK_MESSAGES + 20, f"{field} {wrong} for {right}")
