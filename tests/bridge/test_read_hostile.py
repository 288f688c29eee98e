"""Files that are made to do harm, or are no recordings: a sentence, bounded memory, and everything else still read."""

from __future__ import annotations

import bz2
import contextlib
import os
import resource
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import lz4.frame
import pytest
import zstandard
from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter
from rosbags.rosbag1 import Writer as BagWriter
from rosbags.typesys import Stores, get_typestore

from rrbridge import importers
from rrbridge.errors import DamagedFileError, FileError, NotARecordingError
from rrbridge_bridge.cli import main
from rrbridge_bridge.readers import ReadOptions, _db3_open, open_bag
from rrbridge_bridge.readers._folder import FolderReader
from rrbridge_bridge.readers._metadata import parse_metadata
from rrbridge_bridge.readers._notes import MAX_NOTES, Notes

ROS1 = get_typestore(Stores.ROS1_NOETIC)
TABLES = """
CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT, type TEXT, serialization_format TEXT, offered_qos_profiles TEXT);
CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER, timestamp INTEGER, data BLOB);
INSERT INTO topics VALUES (1, '/a', 'std_msgs/msg/UInt8MultiArray', 'cdr', '');
"""


def database(path: Path, *more: str, count: int = 2000) -> Path:
    db = sqlite3.connect(path)
    db.executescript("PRAGMA page_size=4096;" + TABLES)
    rows = [(1, i, struct.pack("<I", i) + bytes(96)) for i in range(count)]
    db.executemany("INSERT INTO messages(topic_id, timestamp, data) VALUES (?, ?, ?)", rows)
    for statement in more:
        db.execute(statement)
    db.commit()
    db.close()
    return path


def bag(path: Path, count: int = 300) -> Path:
    with BagWriter(path) as writer:
        topic = writer.add_connection("/a", "std_msgs/msg/String", typestore=ROS1)
        for i in range(count):
            writer.write(topic, i, struct.pack("<I", 4) + b"abcd")
    return path


def mcap(path: Path, count: int = 300) -> Path:
    with path.open("wb") as file:
        writer = McapWriter(file, compression=CompressionType.NONE)
        writer.start("ros2", "test")
        schema = writer.register_schema("std_msgs/msg/UInt8", "ros2msg", b"uint8 data\n")
        channel = writer.register_channel("/a", "cdr", schema)
        for i in range(count):
            writer.add_message(channel, i, b"\0\1\0\0\7", i)
        writer.finish()  # type: ignore[no-untyped-call]
    return path


def read(path: Path, options: ReadOptions | None = None) -> tuple[list[int], list[str]]:
    with open_bag(path) as reader:
        times = [int(t) for b in reader.batches(options) for t in b.log_time_nanos]
        return times, [note.text for note in reader.notes]


NO_RECORDINGS: dict[str, bytes] = {
    "empty.bag": b"",
    "empty.mcap": b"",
    "empty.db3": b"",
    "text.bag": b"hello\n" * 100,
    "picture.mcap": b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(100),
    "program": b"\x7fELF\2\1\1" + bytes(100),
    "zeros.db3": bytes(5000),
    "packed.bag.bz2": bz2.compress(b"hello"),
    "packed.mcap.zstd": zstandard.compress(b"hello" * 100),
    "short.bag": b"#ROSBAG V2.0\n",
    "short.mcap": b"\x89MCAP0\r\n",
    "short.db3": b"SQLite format 3\0",
}


@pytest.mark.parametrize("name", NO_RECORDINGS)
def test_no_recordings(name: str, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / name
    path.write_bytes(NO_RECORDINGS[name])
    code = main(["convert", str(path), "-o", str(tmp_path / "out.rrd")])
    told = capsys.readouterr()
    if name in ("short.mcap", "short.bag"):  # cut off right after their beginning
        assert code in (0, 3)
        assert "not finished" in told.out or "header is damaged" in told.out
        return
    assert code == 1
    assert name in told.err
    assert "unexpected" not in told.err
    assert not (tmp_path / "out.rrd").exists()


def refused(path: Path) -> str:
    for opened in (open_bag, importers.info):
        with pytest.raises(FileError) as err:
            opened(path)
    return str(err.value)


def test_pipes_and_devices_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.bag")
    assert "not a file but a pipe" in refused(tmp_path / "a.bag")
    assert "not a file but a pipe" in refused(Path("/dev/null"))
    assert "not a file but a pipe" in refused(Path("/dev/zero"))


def test_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "loop.bag").symlink_to("loop.bag")
    assert "symbolic links" in refused(tmp_path / "loop.bag")
    (tmp_path / "gone.bag").symlink_to("nothing")
    assert "no such file" in refused(tmp_path / "gone.bag")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "readme.txt").write_text("hello")
    with pytest.raises(NotARecordingError):
        open_bag(tmp_path / "empty")


@pytest.mark.skipif(os.geteuid() == 0, reason="everything is permitted to root")
def test_permission_denied(tmp_path: Path) -> None:
    path = bag(tmp_path / "a.bag")
    path.chmod(0)
    assert "denied" in refused(path)


def test_a_file_that_becomes_shorter_while_it_is_read(tmp_path: Path) -> None:
    for make in (bag, mcap):
        path = make(tmp_path / f"{make.__name__}.{make.__name__}")
        with open_bag(path) as reader:
            os.truncate(path, 100)
            try:
                list(reader.batches())
                told = [note.text for note in reader.notes if note.is_loss]
            except DamagedFileError as err:
                told = [str(err)]
            assert "the file became shorter while it was read" in told[0]


def test_destroyed_pages_cost_their_rows(tmp_path: Path) -> None:
    path = database(tmp_path / "a.db3")
    whole = path.read_bytes()
    assert read(path) == (list(range(2000)), [])
    data = bytearray(whole)
    for page in (20, 40):
        data[page * 4096 : (page + 1) * 4096] = bytes(4096)
    path.write_bytes(data)
    times, notes = read(path)
    assert times == sorted(times)
    missing = sorted({*range(2000)} - {*times})
    assert 20 < len(missing) < 200
    assert 1999 in times
    told = [note for note in notes if "cannot be read" in note]
    assert len(told) == 2
    assert f"rows {missing[0] + 1} to " in told[0]


def test_values_of_the_wrong_kind(tmp_path: Path) -> None:
    path = database(
        tmp_path / "a.db3",
        "UPDATE messages SET data = NULL WHERE id = 1",
        "UPDATE messages SET data = 'text', timestamp = -5 WHERE id = 2",
        "UPDATE messages SET timestamp = 1e30 WHERE id = 3",
        "UPDATE messages SET timestamp = NULL WHERE id = 4",
        "UPDATE messages SET topic_id = 'one' WHERE id = 5",
        "UPDATE messages SET topic_id = NULL WHERE id = 6",
        "INSERT INTO messages VALUES (9223372036854775807, 1, 7, x'00')",
        "INSERT INTO messages VALUES (-9223372036854775807, 1, 8, x'00')",
        "INSERT INTO topics VALUES (2, NULL, 'std_msgs/msg/String', 'cdr', '')",
        "INSERT INTO topics VALUES (3, '/b', x'ff00', 'cdr', '')",
        count=10,
    )
    times, notes = read(path)
    assert times == [8, 0, -5, (1 << 63) - 1, 0, 6, 7, 8, 9, 7]
    assert "2 messages belong to no known topic; they are left out" in notes
    assert sum("row without a name or a type" in note for note in notes) == 2
    assert main(["convert", str(path), "-o", str(tmp_path / "out.rrd")]) == 3


def test_nothing_in_the_file_is_run(tmp_path: Path) -> None:
    """Triggers and views are not what the tables of rosbag2 are, nor are columns that are worked out."""
    path = database(
        tmp_path / "a.db3",
        "CREATE TRIGGER t AFTER INSERT ON messages BEGIN SELECT load_extension('/tmp/evil'); END",
        "CREATE VIEW other AS SELECT randomblob(1000000000)",
        count=5,
    )
    assert read(path)[0] == list(range(5))
    for statement in (
        "CREATE VIEW messages AS SELECT 1 AS topic_id, 2 AS timestamp, zeroblob(1000000000) AS data",
        "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id, timestamp, data AS (zeroblob(1000000000)))",
        "CREATE VIRTUAL TABLE messages USING fts5(topic_id, timestamp, data)",
    ):
        path = database(tmp_path / f"{abs(hash(statement))}.db3", "DROP TABLE messages", statement, count=1)
        with pytest.raises(NotARecordingError, match="no messages table"):
            open_bag(path)


def test_a_tree_that_leads_astray_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interior page whose every child is the next such page stands for 300^5 rows in a few KiB."""
    monkeypatch.setattr(_db3_open, "MIN_QUERY_STEPS", 300_000)
    path = database(tmp_path / "a.db3", count=20_000)
    data = bytearray(path.read_bytes())
    root = next(at for at in range(4096, len(data), 4096) if data[at] == 5)
    interior = [at for at in range(root, len(data), 4096) if data[at] == 5]
    leaf = next(at for at in range(4096, len(data), 4096) if data[at] == 13 and data[at + 3 : at + 5] != b"\0\0")
    chain = [*interior, *[leaf + 4096 * n for n in range(1, 5)]]
    for here, there in zip(chain, [*chain[1:], leaf], strict=True):
        count = 300
        cells = b"".join(struct.pack(">I", there // 4096 + 1) + bytes([n >> 7 | 0x80, n & 0x7F]) for n in range(count))
        start = 4096 - len(cells)
        head = struct.pack(">BHHHB I", 5, 0, count, start, 0, there // 4096 + 1).replace(b" ", b"")
        places = b"".join(struct.pack(">H", start + 6 * n) for n in range(count))
        data[here : here + 4096] = (head + places).ljust(start, b"\0") + cells
    path.write_bytes(data)
    for attempt in (lambda: read(path), lambda: importers.info(path)):
        with contextlib.suppress(DamagedFileError):  # or a note
            attempt()


def nested(first: str, line: str) -> str:
    """Nine times nine times nine … of what the first line holds."""
    lines = [line.format(name=name, again=",".join([f"*{before}"] * 9)) for before, name in pairwise("abcdefghi")]
    return "\n".join([first, *lines]) + "\n"


LAUGHS = nested("a: &a [x,x,x,x,x,x,x,x,x]", "{name}: &{name} [{again}]")
MERGES = nested("a: &a {x: 1}", "{name}: &{name} {{<<: [{again}], {name}: 1}}")


@pytest.mark.parametrize(
    "bomb", [LAUGHS + "custom_data: {k: *i}\n", MERGES, "x: " + "[" * 5000, "version: " + "9" * 10_000]
)
def test_metadata_bombs(bomb: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not rosbag2 metadata"):
        parse_metadata("version: 5\n" + bomb)
    database(tmp_path / "a_0.db3", count=3)
    (tmp_path / "metadata.yaml").write_text("rosbag2_bagfile_information:\n  version: 5\n" + bomb)
    times, notes = read(tmp_path)
    assert times == [0, 1, 2]
    assert any("metadata.yaml" in note for note in notes)


def test_lists_where_texts_should_be_are_refused() -> None:
    plain = "version: 5\nstorage_identifier: sqlite3\n"
    assert parse_metadata(plain + "ros_distro: &r jazzy\ncustom_data: {k: *r}\n").custom == {"k": "jazzy"}
    for wrong in ("ros_distro: [a]", "custom_data: {k: {}}", "relative_file_paths: [[a]]"):
        with pytest.raises(ValueError, match="where a text should be"):
            parse_metadata(plain + wrong)


def test_parts_that_cannot_be_read_cost_themselves(tmp_path: Path) -> None:
    for part in range(4):
        mcap(tmp_path / f"run_{part}.mcap", count=10)
    (tmp_path / "run_0.mcap").write_bytes(b"")
    (tmp_path / "run_2.mcap").write_bytes(b"nonsense")
    with FolderReader(tmp_path) as reader:
        assert sum(len(batch) for batch in reader.batches()) == 20
        lost = [note.text for note in reader.notes if note.is_loss]
        assert [text.split(" ")[0] for text in lost] == ["run_0.mcap", "run_2.mcap"]
    for part in (1, 3):
        (tmp_path / f"run_{part}.mcap").write_bytes(b"")
    with pytest.raises(NotARecordingError):
        open_bag(tmp_path)


MEASURE = """
import resource, sys
from pathlib import Path
from rrbridge_bridge.readers import open_bag
from rrbridge.errors import RrbridgeError
import rrbridge_bridge.readers.bag, rrbridge_bridge.readers.mcap, rrbridge_bridge.readers.db3, rrbridge_bridge.readers._unpack
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count, notes = 0, []
try:
    with open_bag(Path(sys.argv[1])) as reader:
        count = sum(len(batch) for batch in reader.batches())
        notes = [note.text for note in reader.notes]
except RrbridgeError as err:
    notes = [str(err)]
print(count, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, *notes, sep="\\n")
"""


def measured(path: Path) -> tuple[int, int, list[str]]:
    """Messages, MiB of memory it took, notes; in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, path],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30)),
    )
    count, megabytes, *notes = done.stdout.splitlines()
    return int(count), int(megabytes), notes


ZEROS = 400 << 20
PACKERS: dict[str, Callable[[], bytes]] = {
    "bz2": lambda: bz2.compress(bytes(ZEROS // 4)),
    "lz4": lambda: lz4.frame.compress(bytes(ZEROS)),
    "zstd": lambda: zstandard.ZstdCompressor(level=1, write_content_size=False).compress(bytes(ZEROS)),
}


def chunk_record(blob: bytes, compression: str, claimed: int) -> bytes:
    name = compression.encode()
    content = struct.pack("<QQQI", 0, 10**9, claimed, 0) + struct.pack("<I", len(name)) + name
    content += struct.pack("<Q", len(blob)) + blob
    return struct.pack("<BQ", 6, len(content)) + content


@pytest.mark.parametrize("claimed", [1000, 100 * 10**9], ids=["too little", "100 GB"])
@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_chunks_that_hold_more_than_they_say(compression: str, claimed: int, tmp_path: Path) -> None:
    whole = mcap(tmp_path / "a.mcap").read_bytes()
    first = whole.index(b"\x06", 30)
    bomb = chunk_record(PACKERS[compression](), compression, claimed)
    path = tmp_path / "bomb.mcap"
    path.write_bytes(whole[:first] + bomb * 3 + whole[first : whole.rindex(b"\x0f\x04\0\0\0\0\0\0\0")])
    count, megabytes, notes = measured(path)
    assert count == 300
    assert megabytes < 900
    assert sum("is damaged" in note for note in notes) == 3


@pytest.mark.parametrize("claimed", [1000, 4 * 10**9], ids=["too little", "4 GB"])
@pytest.mark.parametrize("compression", ["bz2", "lz4"])
def test_chunks_of_bags_that_hold_more_than_they_say(compression: str, claimed: int, tmp_path: Path) -> None:
    whole = bag(tmp_path / "a.bag").read_bytes()
    first = whole.index(b"op=\x05") - 8
    fields = [b"op=\x05", b"compression=" + compression.encode(), b"size=" + struct.pack("<I", claimed)]
    header = b"".join(struct.pack("<I", len(field)) + field for field in fields)
    blob = PACKERS[compression]()
    bomb = struct.pack("<I", len(header)) + header + struct.pack("<I", len(blob)) + blob
    path = tmp_path / "bomb.bag"
    path.write_bytes((whole[:first] + bomb * 3 + whole[first:]).replace(whole[13:200], without_index(whole)[13:200], 1))
    count, megabytes, notes = measured(path)
    assert count == 300
    assert megabytes < 900
    assert sum("is damaged" in note for note in notes) == 3


def without_index(whole: bytes) -> bytes:
    at = whole.index(b"index_pos=") + len(b"index_pos=")
    return whole[:at] + bytes(8) + whole[at + 8 :]


def test_packed_messages_that_hold_more_than_they_say(tmp_path: Path) -> None:
    path = database(tmp_path / "a.db3", count=10)
    db = sqlite3.connect(path)
    db.execute("UPDATE messages SET data = ? WHERE id < 4", (PACKERS["zstd"](),))
    db.commit()
    db.close()
    count, megabytes, _ = measured(path)
    assert count == 10
    assert megabytes < 1500  # one and the next


@pytest.mark.parametrize("name", ["a.bag.bz2", "a.mcap.zstd"])
def test_packed_files_that_hold_too_much(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rrbridge_bridge.readers._unpack.MANY_BYTES", 10 << 20)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    begin = (bag(tmp_path / "a.bag") if "bag" in name else mcap(tmp_path / "a.mcap")).read_bytes()[:5000]
    data = begin + bytes(60 << 20)
    path = tmp_path / name
    path.write_bytes(bz2.compress(data) if name.endswith("bz2") else zstandard.compress(data))
    before = set(tmp_path.iterdir())
    with pytest.raises(DamagedFileError, match="as in a bomb"):
        open_bag(path)
    assert set(tmp_path.iterdir()) == before


def test_a_million_damages_are_not_a_million_notes() -> None:
    notes = Notes()
    for number in range(100_000):
        notes.lost(f"damage {number}")
    assert len(notes.found) == MAX_NOTES + 1
    assert notes.found[-1].is_loss
