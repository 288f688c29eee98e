"""rosbag2's SQLite files and folders: every schema version, split, compressed, with and without metadata.yaml."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from rosbags.rosbag2 import Reader, ReaderError

from rrbridge.errors import FileError, NotARecordingError, RrbridgeError
from rrbridge_bridge.raw import RawBatch
from rrbridge_bridge.readers import ReadOptions, _db3_rows, _packed, bag_format, open_bag
from rrbridge_bridge.readers._folder import FolderReader
from rrbridge_bridge.readers._metadata import parse_metadata


def rows_of(batches: Iterable[RawBatch]) -> list[Any]:
    """In file order: `(topic, type, time, payload)`."""
    rows = {}
    for batch in batches:
        assert (np.diff(batch.order) > 0).all()
        for i in range(len(batch)):
            assert int(batch.order[i]) not in rows
            rows[int(batch.order[i])] = (
                batch.connection.topic,
                batch.connection.msgtype,
                int(batch.log_time_nanos[i]),
                batch.payload(i).tobytes(),
            )
    return [rows[order] for order in sorted(rows)]


def read(path: Path, options: ReadOptions | None = None) -> tuple[list[Any], Sequence[str]]:
    with open_bag(path) as reader:
        return rows_of(reader.batches(options)), [note.text for note in reader.notes]


def without_types(rows: Any) -> list[Any]:
    return [(topic, time, data) for topic, _, time, data in rows]


def rows_in_sqlite(path: Path) -> list[Any]:
    db = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    try:
        return db.execute(
            "SELECT name, timestamp, data FROM messages JOIN topics ON topic_id = topics.id ORDER BY messages.id"
        ).fetchall()
    finally:
        db.close()


@pytest.mark.real_data
def test_every_db3_holds_what_its_tables_hold(shared_data: Path) -> None:
    count = 0
    for path in sorted(shared_data.rglob("*.db3")):
        got, notes = read(path)
        want = rows_in_sqlite(path)
        if path.parent.name == "message_compression":
            want = [(t, n, zstandard.ZstdDecompressor().decompress(d)) for t, n, d in want]
        assert without_types(got) == want, path
        assert notes == []
        with open_bag(path) as reader:
            assert sum(t.count or 0 for t in reader.summary().topics) == len(want)
            assert all("/msg/" in c.msgtype or "/srv/" in c.msgtype for c in reader.connections)
        count += len(want)
    assert count > 50_000


@pytest.mark.real_data
def test_every_folder_equals_rosbags(shared_data: Path) -> None:
    compared = 0
    for metadata in sorted(shared_data.rglob("metadata.yaml")):
        folder = metadata.parent
        try:
            with Reader(folder) as theirs:
                want = [(c.topic, c.msgtype, t, bytes(d)) for c, t, d in theirs.messages()]
        except ReaderError as err:
            print(f"rosbags refuses {folder.name}: {err}")
            continue
        got, _ = read(folder)
        if got and not want:
            print(f"rosbags finds no connection of {folder.name} in its parts")
            continue
        # rosbags reads each part in time order, for some parts of split bags through an index of its own.
        assert sorted(got) == sorted(want), folder
        with open_bag(folder) as reader:
            assert sum(t.count or 0 for t in reader.summary().topics) == len(want)
        compared += 1
    assert compared >= 20


@pytest.mark.real_data
def test_parts_without_metadata_are_read_in_order(shared_data: Path) -> None:
    folder = shared_data / "ros2+rosbag2" / "multiple_files"
    got, notes = read(folder)
    want = [row for part in range(3) for row in rows_in_sqlite(folder / f"multiple_files_{part}.db3")]
    assert without_types(got) == want
    assert notes == ["no metadata.yaml; the parts were found by their names"]
    with open_bag(folder) as reader:
        assert len(reader.connections) == 1
        summary = reader.summary()
        assert summary.topics[0].count == 3177
        times = [t for _, t, _ in want]
        assert (summary.start_nanos, summary.end_nanos) == (min(times), max(times))


@pytest.mark.real_data
def test_compressed_parts_are_unpacked_and_removed(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    got, _ = read(shared_data / "ros2+rosbag2" / "file_compression")
    assert len(got) == 775
    assert list(tmp_path.iterdir()) == []


@pytest.mark.real_data
def test_old_topics_without_msg_in_their_type(shared_data: Path) -> None:
    with open_bag(shared_data / "klintan+rosbag2.js" / "sample.db3") as reader:
        assert {c.msgtype for c in reader.connections} <= {
            c.msgtype for c in reader.connections if "/msg/" in c.msgtype
        }
        assert {c.encoding for c in reader.connections} == {"cdr"}


SCHEMA = """
CREATE TABLE schema(schema_version INTEGER PRIMARY KEY, ros_distro TEXT NOT NULL);
CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, serialization_format TEXT NOT NULL,
  offered_qos_profiles TEXT NOT NULL, type_description_hash TEXT NOT NULL);
CREATE TABLE message_definitions(id INTEGER PRIMARY KEY, topic_type TEXT NOT NULL, encoding TEXT NOT NULL,
  encoded_message_definition TEXT NOT NULL, type_description_hash TEXT NOT NULL);
CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, timestamp INTEGER NOT NULL, data BLOB NOT NULL);
CREATE INDEX timestamp_idx ON messages (timestamp ASC);
INSERT INTO schema VALUES (4, 'jazzy');
INSERT INTO topics VALUES (1, '/a', 'std_msgs/msg/String', 'cdr', '- history: 3', 'RIHS01_0');
INSERT INTO topics VALUES (2, '/b', 'std_msgs/String', 'cdr', '', '');
INSERT INTO message_definitions VALUES (1, 'std_msgs/msg/String', 'ros2msg', 'string data', 'RIHS01_0');
"""


def make(path: Path, count: int = 10_000, largest: int = 60) -> list[Any]:
    rng = random.Random(1)
    rows = [
        (rng.choice([1, 1, 1, 2]), 1000 + i * 7 % 5000, rng.randbytes(rng.randint(0, largest))) for i in range(count)
    ]
    db = sqlite3.connect(path)
    db.executescript(SCHEMA)
    db.executemany("INSERT INTO messages(topic_id, timestamp, data) VALUES (?, ?, ?)", rows)
    db.commit()
    db.close()
    names = {1: "/a", 2: "/b"}
    return [(names[topic], "std_msgs/msg/String", time, data) for topic, time, data in rows]


def test_everything_that_the_tables_say(tmp_path: Path) -> None:
    want = make(tmp_path / "a.db3")
    got, notes = read(tmp_path / "a.db3")
    assert got == want
    assert notes == []
    with open_bag(tmp_path / "a.db3") as reader:
        a, b = reader.connections
        assert (a.definition, a.definition_format) == ("string data", "ros2msg")
        assert dict(a.metadata) == {"offered_qos_profiles": "- history: 3", "type_description_hash": "RIHS01_0"}
        assert (b.msgtype, b.definition, dict(b.metadata)) == ("std_msgs/msg/String", "", {})
        assert reader.ros_distro == "jazzy"


def test_filters_leave_what_they_should(tmp_path: Path) -> None:
    want = make(tmp_path / "a.db3")
    options = ReadOptions(wants=lambda topic: topic == "/b", start_nanos=2000, end_nanos=3000)
    assert read(tmp_path / "a.db3", options)[0] == [r for r in want if r[0] == "/b" and 2000 <= r[2] <= 3000]
    assert read(tmp_path / "a.db3", ReadOptions(wants=lambda _: False))[0] == []


def test_large_messages_are_fetched_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_db3_rows, "WINDOW_BYTES", 20_000)
    want = make(tmp_path / "a.db3", count=500, largest=9000)
    sizes = []
    windows = _db3_rows.MessageRows.windows

    def watched(rows: _db3_rows.MessageRows) -> Iterator[Any]:
        for window in windows(rows):
            sizes.append(sum(len(row[3]) for row in window))
            yield window

    monkeypatch.setattr(_db3_rows.MessageRows, "windows", watched)
    with open_bag(tmp_path / "a.db3") as reader:
        assert rows_of(reader.batches()) == want
    assert max(sizes) <= 20_000
    assert len(sizes) > 50


def test_messages_compressed_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    want = make(tmp_path / "a.db3", count=100)
    db = sqlite3.connect(tmp_path / "a.db3")
    for number, data in db.execute("SELECT id, data FROM messages").fetchall():
        packed = zstandard.ZstdCompressor().compress(data)
        db.execute("UPDATE messages SET data = ? WHERE id = ?", (packed, number))
    db.execute("UPDATE messages SET data = ? WHERE id = 7", (b"\x28\xb5\x2f\xfdnonsense",))
    db.commit()
    db.close()
    monkeypatch.setattr(_packed, "WINDOW_BYTES", 500)
    got, notes = read(tmp_path / "a.db3")
    assert got[:6] + got[7:] == want[:6] + want[7:]
    assert got[6][3] == b""
    assert any("damaged" in note for note in notes)


def test_a_message_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    make(tmp_path / "a.db3", count=3)
    frame = zstandard.ZstdCompressor(write_content_size=True).compress(bytes(10))
    bomb = frame[:4] + b"\xa0" + (1 << 31).to_bytes(4, "little") + frame[6:]
    db = sqlite3.connect(tmp_path / "a.db3")
    db.execute("UPDATE messages SET data = ? WHERE id = 2", (bomb,))
    db.commit()
    db.close()
    _, notes = read(tmp_path / "a.db3")
    assert any("at most" in note for note in notes)


def test_rows_of_odd_types_do_not_stop_reading(tmp_path: Path) -> None:
    make(tmp_path / "a.db3", count=10)
    db = sqlite3.connect(tmp_path / "a.db3")
    db.execute("UPDATE messages SET data = 'text', timestamp = 'soon', topic_id = 99 WHERE id = 3")
    db.commit()
    db.close()
    got, notes = read(tmp_path / "a.db3")
    assert len(got) == 9
    assert any("no known topic" in note for note in notes)


@pytest.mark.parametrize("share", [0.75, 0.9, 0.999])
def test_a_file_that_is_cut_off_is_read_as_far_as_it_goes(tmp_path: Path, share: float) -> None:
    """A copy that broke off, which SQLite refuses; bytes that somebody appended are no matter."""
    path = tmp_path / "a.db3"
    want = make(path, count=20_000)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    got, notes = read(path)
    assert f"the file is cut off: its last {len(whole) - int(len(whole) * share)} bytes are not there" in notes
    assert got == want[: len(got)], "as they were, but for those at the end"
    assert len(got) > 0.6 * share * len(want)
    with open_bag(path) as reader:
        counted = reader.summary().topics
    assert sum(topic.count or 0 for topic in counted) == len(got)
    path.write_bytes(whole + bytes(5000))
    assert read(path) == (want, [])


@pytest.mark.parametrize("size", [0, 1, 50, 99, 100, 101, 4095, 4096, 4097, 12_288])
def test_a_file_of_which_hardly_anything_is_there_is_an_error(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.db3"
    make(path, count=20_000)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(FileError):
        read(path)


def test_an_unfinished_write_ahead_log_is_read_too(tmp_path: Path) -> None:
    make(tmp_path / "a.db3", count=5)
    db = sqlite3.connect(tmp_path / "a.db3")
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("INSERT INTO messages(topic_id, timestamp, data) VALUES (1, 5, x'00')")
    db.commit()
    (tmp_path / "copy").mkdir()
    for name in ("a.db3", "a.db3-wal"):
        shutil.copy(tmp_path / name, tmp_path / "copy" / name)
    db.close()
    got, notes = read(tmp_path / "copy" / "a.db3")
    assert len(got) == 6
    assert any("write-ahead log" in note for note in notes)


def test_other_sqlite_files_are_refused(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "a.db3")
    db.execute("CREATE TABLE t(x)")
    db.execute("CREATE VIEW messages AS SELECT 1 AS topic_id, 2 AS timestamp, 3 AS data")
    db.commit()
    db.close()
    with pytest.raises(NotARecordingError, match="not of rosbag2"):
        open_bag(tmp_path / "a.db3")


def test_flipped_bytes_only_ever_give_our_errors(tmp_path: Path) -> None:
    make(tmp_path / "a.db3", count=400)
    whole = (tmp_path / "a.db3").read_bytes()
    rng = random.Random(8)
    path = tmp_path / "b.db3"
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 12)):
            data[rng.randrange(rng.choice([100, 8192, len(data)]))] = rng.choice([0, 0xFF, rng.randrange(256)])
        if rng.random() < 0.3:
            data = data[: rng.randrange(len(data))]
        path.write_bytes(data)
        try:
            with open_bag(path) as reader:
                for batch in reader.batches():
                    assert (batch.starts + batch.sizes).max() <= len(batch.buffer)
                reader.summary()
        except RrbridgeError:
            pass


def test_a_folder_of_several_recordings_asks_which(tmp_path: Path) -> None:
    make(tmp_path / "one.db3", count=1)
    make(tmp_path / "two.db3", count=1)
    with pytest.raises(FileError, match="several recordings"):
        open_bag(tmp_path)


def test_parts_are_told_by_number_not_by_spelling(tmp_path: Path) -> None:
    want = []
    for part in (0, 1, 2, 10):
        want += make(tmp_path / f"run_{part}.db3", count=part + 1)
    assert read(tmp_path)[0] == want


def test_metadata_names_only_files_of_its_own_folder(tmp_path: Path) -> None:
    make(tmp_path / "a_0.db3", count=1)
    (tmp_path / "metadata.yaml").write_text(
        "rosbag2_bagfile_information:\n  version: 5\n  storage_identifier: sqlite3\n"
        "  relative_file_paths: [../../etc/a_0.db3, missing.db3]\n"
    )
    with FolderReader(tmp_path) as reader:
        assert reader.parts == (tmp_path / "a_0.db3",)
        assert any("1 of the 2 parts" in note.text for note in reader.notes if note.is_loss)


@pytest.mark.parametrize(
    "text", ["", "[]", "a: b", "rosbag2_bagfile_information: 7", "{{", "x: &a [*a]", "a\n b: c: d"]
)
def test_bad_metadata_is_a_note(tmp_path: Path, text: str) -> None:
    make(tmp_path / "a_0.db3", count=2)
    (tmp_path / "metadata.yaml").write_text(text)
    got, notes = read(tmp_path)
    assert len(got) == 2
    assert any("metadata.yaml" in note for note in notes)


def test_metadata_that_is_not_a_mapping_is_refused() -> None:
    with pytest.raises(ValueError, match="not rosbag2 metadata"):
        parse_metadata("- 1\n- 2\n")


def test_what_kind_of_recording_a_path_is(tmp_path: Path) -> None:
    make(tmp_path / "a_0.db3", count=1)
    assert bag_format(tmp_path, b"") == "db3"
    assert bag_format(Path("x.db3"), b"SQLite format 3\0") == "db3"
    assert bag_format(Path("x.mcap.zstd"), b"\x28\xb5\x2f\xfd") == "mcap"
    assert bag_format(Path("x.txt.zstd"), b"\x28\xb5\x2f\xfd") is None
    assert bag_format(Path("x.bag"), b"#ROSBAG V2.0\n") == "bag"
    assert bag_format(Path("x.bag"), b"hello") is None
    with pytest.raises(FileError, match="no such file"):
        open_bag(tmp_path / "nothing.mcap")


def listing(folder: Path, *files: str) -> None:
    (folder / "metadata.yaml").write_text(
        f"rosbag2_bagfile_information:\n  version: 5\n  relative_file_paths: [{', '.join(files)}]\n"
    )


def test_parts_that_metadata_does_not_name(tmp_path: Path) -> None:
    """Those of the run are read after the others, each once; what is of another run is not, and both are told."""
    want = [make(tmp_path / f"run_{part}.db3", count=part + 1) for part in (0, 1, 2)]
    make(tmp_path / "other_0.db3", count=9)
    (tmp_path / "run_1.db3.zstd").write_bytes(zstandard.compress((tmp_path / "run_1.db3").read_bytes()))
    listing(tmp_path, "run_1.db3", "run_0.db3")
    got, notes = read(tmp_path)
    assert got == want[1] + want[0] + want[2]
    assert notes == [
        "metadata.yaml does not name other_0.db3; it is left out",
        "metadata.yaml does not name run_2.db3; it is read too",
    ]
