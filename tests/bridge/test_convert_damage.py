"""Damaged files: what is missing is told, by a sentence and by the exit code; what is not missing is not lamented."""

from __future__ import annotations

import json
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from rosbags.rosbag1 import Writer as BagWriter
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from rrbridge.errors import RrbridgeError
from rrbridge.importers import ImportOptions, Note
from rrbridge.rrd import RrdReader
from rrbridge_bridge import importers
from rrbridge_bridge.cli import main
from rrbridge_bridge.readers import ReadOptions, open_bag

ROS1, ROS2 = get_typestore(Stores.ROS1_NOETIC), get_typestore(Stores.ROS2_HUMBLE)
TEXT = "std_msgs/msg/String"
COUNT = 600


def make_bag(path: Path, compression: BagWriter.CompressionFormat | None = None) -> Path:
    writer = BagWriter(path)
    writer.chunk_threshold = 4000
    if compression:
        writer.set_compression(compression)
    with writer:
        topics = [writer.add_connection(topic, TEXT, typestore=ROS1) for topic in ("/a", "/b")]
        for i in range(COUNT):
            message = ROS1.types[TEXT](data=f"message {i}")
            writer.write(topics[i % 2], 10**9 + i, ROS1.serialize_ros1(message, TEXT))
    return path


def make_folder(path: Path, storage: StoragePlugin = StoragePlugin.MCAP) -> Path:
    with Writer(path, version=8, storage_plugin=storage) as writer:
        topics = [writer.add_connection(topic, TEXT, typestore=ROS2) for topic in ("/a", "/b")]
        for i in range(COUNT):
            message = ROS2.types[TEXT](data=f"message {i}")
            writer.write(topics[i % 2], 10**9 + i, ROS2.serialize_cdr(message, TEXT))
    (file,) = (p for p in path.iterdir() if p.suffix != ".yaml")
    return file


MAKERS = {
    "bag": lambda folder: make_bag(folder / "a.bag"),
    "bz2": lambda folder: make_bag(folder / "a.bag", BagWriter.CompressionFormat.BZ2),
    "lz4": lambda folder: make_bag(folder / "a.bag", BagWriter.CompressionFormat.LZ4),
    "mcap": lambda folder: make_folder(folder / "a"),
}


def read(path: Path, options: ReadOptions | None = None) -> tuple[int, list[Note]]:
    with open_bag(path) as reader:
        return sum(len(batch) for batch in reader.batches(options)), list(reader.notes)


def converted(path: Path, output: Path, capsys: Any) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main(["convert", str(path), "-o", str(output), "--force", "--json"])
    return code, json.loads(capsys.readouterr().out) if code in (0, 3) else {}


@pytest.mark.parametrize("kind", MAKERS)
def test_messages_do_not_go_missing_in_silence(kind: str, tmp_path: Path) -> None:
    """Of a file with an index: whatever byte is changed and wherever it is cut off, fewer messages are never read unsaid."""
    whole = MAKERS[kind](tmp_path).read_bytes()
    path = tmp_path / f"damaged{'.mcap' if kind == 'mcap' else '.bag'}"
    rng = random.Random(kind)
    short = 0
    for attempt in range(250):
        data = bytearray(whole)
        if attempt % 5 == 0:
            data = data[: rng.randrange(64, len(data))]
        else:
            data[rng.randrange(64, len(data))] ^= rng.randrange(1, 256)
        path.write_bytes(data)
        try:
            count, notes = read(path)
        except RrbridgeError:
            continue
        if count < COUNT:
            short += 1
            assert notes, attempt
            assert any(note.is_loss for note in notes) or "not finished" in notes[0].text, notes
    assert short > 40


@pytest.mark.parametrize("kind", MAKERS)
def test_a_choice_is_no_loss(kind: str, tmp_path: Path) -> None:
    path = MAKERS[kind](tmp_path)
    assert read(path) == (COUNT, [])
    assert read(path, ReadOptions(wants="/a".__eq__)) == (COUNT // 2, [])
    assert read(path, ReadOptions(start_nanos=10**9 + 100, end_nanos=10**9 + 199)) == (100, [])


def test_damage_has_its_exit_code(tmp_path: Path, capsys: Any) -> None:
    path = make_bag(tmp_path / "a.bag")
    whole = path.read_bytes()
    assert converted(path, tmp_path / "out.rrd", capsys)[0] == 0
    path.write_bytes(whole[: len(whole) // 2])
    code, told = converted(path, tmp_path / "out.rrd", capsys)
    assert (code, told["lossless"]) == (3, False)
    assert "cut off" in told["losses"][0]
    assert sum(topic["messages"] for topic in told["topics"]) < COUNT
    main(["convert", str(path), "-o", str(tmp_path / "out.rrd"), "--force"])
    assert "data is missing: the bag is cut off" in capsys.readouterr().out
    assert RrdReader(tmp_path / "out.rrd").footer() is not None


def test_an_index_that_can_be_done_without_is_no_loss(tmp_path: Path, capsys: Any) -> None:
    path = make_bag(tmp_path / "a.bag")
    whole = path.read_bytes()
    at = whole.index(b"index_pos=") + len(b"index_pos=")
    path.write_bytes(whole[:at] + bytes(8) + whole[at + 8 :])
    code, told = converted(path, tmp_path / "out.rrd", capsys)
    assert (code, told["lossless"], told["losses"]) == (0, True, [])
    assert told["notes"] == ["the bag was not closed (no index); it was scanned"]
    assert sum(topic["messages"] for topic in told["topics"]) == COUNT


def test_a_torn_index_record_is_no_loss(tmp_path: Path) -> None:
    """What a recorder that was killed while it wrote the index leaves behind."""
    path = make_folder(tmp_path / "a")
    with open_bag(path) as reader:
        (chunk,) = reader._summary.chunks  # type: ignore[attr-defined]
    path.write_bytes(path.read_bytes()[: chunk.start + chunk.length + chunk.index_length - 3])
    count, notes = read(path)
    assert count == COUNT
    assert notes
    assert not any(note.is_loss for note in notes)


@pytest.mark.parametrize("storage", [StoragePlugin.SQLITE3, StoragePlugin.MCAP])
def test_metadata_knows_the_count(storage: StoragePlugin, tmp_path: Path, capsys: Any) -> None:
    path = make_folder(tmp_path / "a", storage)
    metadata = path.parent / "metadata.yaml"
    metadata.write_text(
        metadata.read_text().replace(f"message_count: {COUNT // 2}", f"message_count: {COUNT // 2 + 5}")
    )
    metadata.write_text(metadata.read_text().replace(f"message_count: {COUNT}\n", f"message_count: {COUNT + 10}\n"))
    code, told = converted(path.parent, tmp_path / "out.rrd", capsys)
    assert (code, told["losses"]) == (3, ["10 of the messages that metadata.yaml counts are not there"])


def test_missing_parts_are_a_loss(tmp_path: Path) -> None:
    path = make_folder(tmp_path / "a")
    metadata = path.parent / "metadata.yaml"
    text = metadata.read_text()
    assert f"- {path.name}" in text
    metadata.write_text(text.replace(f"- {path.name}", f"- {path.name}\n  - a_1.mcap", 1))
    _, notes = read(path.parent)
    assert [note.is_loss for note in notes] == [True]
    metadata.write_text(text.replace(f"- {path.name}", "- before_it_was_renamed.mcap", 1))
    _, notes = read(path.parent)
    assert [note.is_loss for note in notes] == [False]


def test_a_damaged_database(tmp_path: Path, capsys: Any) -> None:
    path = make_folder(tmp_path / "a", StoragePlugin.SQLITE3)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE messages SET topic_id = 99 WHERE rowid % 100 = 0")
    db.close()
    code, told = converted(path, tmp_path / "out.rrd", capsys)
    assert (code, told["losses"]) == (3, ["6 messages belong to no known topic; they are left out"])


def test_whoever_opens_a_bag_is_told(tmp_path: Path) -> None:
    """A viewer that opens a bag itself hears what a conversion's table would say."""
    folder = tmp_path / "a"
    with Writer(folder, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        odd = writer.add_connection("/odd", "odd_msgs/msg/Odd", msgdef="", rihs01="RIHS01_" + 64 * "0")
        for i in range(COUNT):
            writer.write(odd, i, b"\0\1\0\0" + bytes(1000))
    (path,) = folder.glob("*.mcap")
    path.write_bytes(path.read_bytes()[:-20_000])
    told: list[Note] = []
    chunks = list(importers.mcap.chunks(path, ImportOptions(note=told.append)))
    assert chunks
    assert any("ends inside a chunk" in note.text and note.is_loss for note in told)
    assert any(note.text.startswith("/odd: ") and note.is_loss for note in told)
