"""MCAP's checksums: a changed byte is told with its place and its topics, and costs nothing else."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from mcap.writer import CompressionType, Writer

from rrbridge.importers import Note
from rrbridge_bridge.readers import open_bag
from rrbridge_bridge.readers.mcap import McapReader

COUNT = 400


def make(path: Path, **options: Any) -> Path:
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=4000, **options)
        writer.start("ros2", "test")
        schema = writer.register_schema("std_msgs/msg/UInt8MultiArray", "ros2msg", b"uint8[] data\n")
        channels = [writer.register_channel(topic, "cdr", schema) for topic in ("/a", "/b")]
        for i in range(COUNT):
            data = b"\0\1\0\0" + (56).to_bytes(4, "little") + random.Random(i).randbytes(56)
            writer.add_message(channels[i * 2 // COUNT], i, data, i, i)
        writer.finish()  # type: ignore[no-untyped-call]
    return path


def read(path: Path) -> tuple[dict[int, bytes], list[Note]]:
    with open_bag(path) as reader:
        found = {int(b.log_time_nanos[i]): b.payload(i).tobytes() for b in reader.batches() for i in range(len(b))}
        return found, list(reader.notes)


def payload_in_file(path: Path, number: int) -> int:
    """Where a message's bytes stand in an uncompressed file."""
    return path.read_bytes().index(random.Random(number).randbytes(56))


@pytest.mark.parametrize("compression", [CompressionType.NONE, CompressionType.LZ4, CompressionType.ZSTD])
def test_whole_files_pass(compression: CompressionType, tmp_path: Path) -> None:
    found, notes = read(make(tmp_path / "a.mcap", compression=compression, enable_data_crcs=True))
    assert (len(found), notes) == (COUNT, [])


@pytest.mark.parametrize("whole_file_too", [False, True])
def test_a_changed_byte_is_told_once_and_costs_nothing_else(whole_file_too: bool, tmp_path: Path) -> None:
    path = make(tmp_path / "a.mcap", compression=CompressionType.NONE, enable_data_crcs=whole_file_too)
    want, _ = read(path)
    data = bytearray(path.read_bytes())
    at = payload_in_file(path, 7)
    data[at] ^= 1
    path.write_bytes(data)
    found, notes = read(path)
    assert [time for time in want if found[time] != want[time]] == [7]
    assert len(notes) == 1
    assert notes[0].is_loss
    with McapReader(path) as reader:
        first = reader._summary.chunks[0]  # type: ignore[union-attr]
    assert f"chunk at byte {first.start + 9 + 40}" in notes[0].text
    assert notes[0].text.endswith("of /a")
    assert "checksum" in notes[0].text


def test_several_damaged_chunks_are_told_apart(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mcap", compression=CompressionType.NONE)
    data = bytearray(path.read_bytes())
    for number in (7, COUNT - 7):
        data[payload_in_file(path, number)] ^= 1
    path.write_bytes(data)
    found, notes = read(path)
    assert len(found) == COUNT
    assert [note.text[-2:] for note in notes] == ["/a", "/b"]


def test_no_checksum_is_no_damage(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mcap", compression=CompressionType.NONE, enable_crcs=False)
    data = bytearray(path.read_bytes())
    data[payload_in_file(path, 7)] ^= 1
    path.write_bytes(data)
    found, notes = read(path)
    assert (len(found), notes) == (COUNT, [])


def test_the_summary_has_one(tmp_path: Path) -> None:
    """A summary with a changed byte is not believed: the file is scanned, and nothing is lost."""
    path = make(tmp_path / "a.mcap", compression=CompressionType.NONE)
    want, _ = read(path)
    with McapReader(path) as reader:
        start = reader._summary.data_end  # type: ignore[union-attr]
    whole = path.read_bytes()
    rng = random.Random(1)
    for _ in range(30):
        data = bytearray(whole)
        data[rng.randrange(start, len(data) - 8 - 20)] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        found, notes = read(path)
        assert found == want
        assert [note.is_loss for note in notes] == [False]
        assert "scanned" in notes[0].text


@pytest.mark.parametrize(("chunks", "is_loss"), [(True, False), (False, True)])
def test_the_whole_file_has_one(chunks: bool, is_loss: bool, tmp_path: Path) -> None:
    """Where chunks vouch for their messages, a changed byte between them is no loss."""
    path = make(tmp_path / "a.mcap", compression=CompressionType.NONE, enable_data_crcs=True, use_chunking=chunks)
    data = bytearray(path.read_bytes())
    with McapReader(path) as reader:
        refs = reader._summary.chunks if reader._summary else []
    # the time of an entry of a message index, which is not read; or a byte of a message
    at = refs[0].start + refs[0].length + 15 if chunks else payload_in_file(path, 7)
    data[at] ^= 1
    path.write_bytes(data)
    found, notes = read(path)
    assert len(found) == COUNT
    assert [note.is_loss for note in notes] == [is_loss]
    assert "the file's checksum does not fit" in notes[0].text
