"""ROS 1 bags are read as rosbags reads them; what it refuses (unindexed, cut off) gives what a walk over the records gives."""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.rosbag1 import Reader, Writer
from rosbags.rosbag1.reader import ReaderError, normalize
from rosbags.typesys import Stores, get_typestore

from rrbridge.errors import FileError, NotARecordingError, RrbridgeError, UnsupportedVersionError
from rrbridge_bridge.raw import RawBatch
from rrbridge_bridge.readers import ReadOptions, open_bag

STORE = get_typestore(Stores.ROS1_NOETIC)


def bag_files(shared_data: Path) -> list[Path]:
    return sorted(path for path in [*shared_data.rglob("*.bag"), *shared_data.rglob("*.active")] if path.is_file())


def rows_of(batches: Iterable[RawBatch]) -> list[Any]:
    """In file order: `(connection id, time, payload)`."""
    rows = {}
    for batch in batches:
        assert (np.diff(batch.order) > 0).all()
        assert (batch.publish_time_nanos == batch.log_time_nanos).all()
        for i in range(len(batch)):
            assert int(batch.order[i]) not in rows
            rows[int(batch.order[i])] = (
                batch.connection.id,
                int(batch.log_time_nanos[i]),
                batch.payload(i).tobytes(),
            )
    return [rows[order] for order in sorted(rows)]


def read(path: Path, options: ReadOptions | None = None) -> tuple[list[Any], Sequence[str]]:
    with open_bag(path) as reader:
        return rows_of(reader.batches(options)), [note.text for note in reader.notes]


@pytest.mark.real_data
def test_every_recording_equals_rosbags(shared_data: Path) -> None:
    compared, files, refused = 0, 0, []
    for path in bag_files(shared_data):
        try:
            with Reader(path) as theirs:
                want = [(c.id, t, bytes(data)) for c, t, data in theirs.messages()]
                connections = {c.id: (c.topic, c.msgtype, c.msgdef.data) for c in theirs.connections}
        except ReaderError:
            refused.append(path.name)
            continue
        with open_bag(path) as reader:
            got = rows_of(reader.batches())
            # rosbags gives time order; messages of one time come in the order of its heap.
            assert sorted(got) == sorted(want), path
            assert {c.id: (normalize(c.topic), c.msgtype, c.definition) for c in reader.connections} == connections
            summary = reader.summary()
            assert sum(topic.count or 0 for topic in summary.topics) == len(want)
            if want:
                times = [t for _, t, _ in want]
                assert (summary.start_nanos, summary.end_nanos) == (min(times), max(times)), path
        compared += len(want)
        files += 1
    assert sorted(refused) == ["gps.bag.active", "invalid.bag"]
    assert files > 45
    assert compared > 85_000


@pytest.mark.real_data
def test_compression_does_not_change_what_is_read(shared_data: Path) -> None:
    folder = shared_data / "cruise-automation+rosbag.js"
    payloads = []
    for name in ("example.bag", "example-bz2.bag", "example-lz4.bag"):
        rows, notes = read(folder / name)
        assert notes == []
        payloads.append(sorted((t, data) for _, t, data in rows))
    assert payloads[0] == payloads[1] == payloads[2]


@pytest.mark.real_data
def test_a_bag_that_was_never_closed_is_scanned(shared_data: Path) -> None:
    with open_bag(shared_data / "foxglove+foxglove-cli" / "gps.bag.active") as reader:
        summary = reader.summary()
        assert sum(len(batch) for batch in reader.batches()) == sum(t.count or 0 for t in summary.topics) == 30_445
        assert any("not closed" in note for note in summary.notes)
        assert all(t.start_nanos is not None for t in summary.topics if t.count)


@pytest.mark.real_data
def test_cut_off_bags_say_so(shared_data: Path) -> None:
    rows, notes = read(shared_data / "cmu-rss-lab+roswire" / "simple.bag")
    assert len(rows) == 1
    assert notes
    rows, notes = read(shared_data / "cruise-automation+webviz" / "invalid.bag")
    assert rows == []
    assert any("damaged" in note for note in notes)


@pytest.mark.real_data
def test_a_bag_compressed_as_a_whole(shared_data: Path) -> None:
    folder = shared_data / "berndpfrommer+tagslam_test"
    assert read(folder / "reference.bag.bz2")[0] == read(folder / "test_1_reference.bag")[0]


@pytest.mark.real_data
def test_without_index_the_same_is_read(shared_data: Path, tmp_path: Path) -> None:
    """Removing a bag's index changes nothing but the time it takes, and gives a note."""
    for name in ("example.bag", "example-bz2.bag", "example-unsorted-chunks.bag"):
        path = shared_data / "cruise-automation+rosbag.js" / name
        want, _ = read(path)
        data = path.read_bytes()
        at = data.index(b"index_pos=") + len(b"index_pos=")
        copy = tmp_path / name
        copy.write_bytes(data[:at] + bytes(8) + data[at + 8 :])
        got, notes = read(copy)
        assert got == want
        assert any("not closed" in note for note in notes)


def make(
    path: Path, *, compression: Writer.CompressionFormat | None = None, count: int = 2000, chunk_bytes: int = 20_000
) -> list[Any]:
    rng = random.Random(4)
    messages = []
    writer = Writer(path)
    writer.chunk_threshold = chunk_bytes
    if compression:
        writer.set_compression(compression)
    with writer:
        connections = [
            writer.add_connection(topic, "std_msgs/msg/String", typestore=STORE, callerid=caller, latching=latching)
            for topic, caller, latching in (("/a", "/n1", 0), ("/a", "/n2", 1), ("/b", "/n1", None))
        ]
        for i in range(count):
            connection = connections[rng.choice([0, 0, 0, 1, 2])]
            text = "x" * (5000 if i % 100 == 0 else rng.randint(0, 50))
            data = struct.pack("<I", len(text)) + text.encode()
            messages.append((connection.id, 10**9 * (i // 10) + i, data))
            writer.write(connection, messages[-1][1], data)
    return messages


COMPRESSIONS = {"none": None, "bz2": Writer.CompressionFormat.BZ2, "lz4": Writer.CompressionFormat.LZ4}


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_written_by_rosbags(tmp_path: Path, compression: str) -> None:
    want = make(tmp_path / "a.bag", compression=COMPRESSIONS[compression])
    got, notes = read(tmp_path / "a.bag")
    assert got == want
    assert notes == []
    with open_bag(tmp_path / "a.bag") as reader:
        first, second, _ = reader.connections
        assert (first.topic, second.topic) == ("/a", "/a")
        assert (first.metadata["callerid"], second.metadata["callerid"]) == ("/n1", "/n2")
        assert second.metadata["latching"] == "1"
        assert first.metadata["md5sum"] == "992ce8a1687cec8c8bd883ec73ca41d1"
        assert first.encoding == "ros1"


def test_filters_leave_what_they_should(tmp_path: Path) -> None:
    want = make(tmp_path / "a.bag")
    got, _ = read(tmp_path / "a.bag", ReadOptions(wants=lambda topic: topic == "/b"))
    assert got == [m for m in want if m[0] == want_id(tmp_path / "a.bag", "/b")]
    lo, hi = want[500][1], want[600][1]
    got, _ = read(tmp_path / "a.bag", ReadOptions(start_nanos=lo, end_nanos=hi))
    assert got == want[500:601]


def want_id(path: Path, topic: str) -> int:
    with open_bag(path) as reader:
        return next(c.id for c in reader.connections if c.topic == topic)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_cut_off_bag_gives_its_beginning_and_says_so(tmp_path: Path, compression: str) -> None:
    want = make(tmp_path / "a.bag", compression=COMPRESSIONS[compression])
    whole = (tmp_path / "a.bag").read_bytes()
    # While it is being written a bag's header says nothing of an index.
    at = whole.index(b"index_pos=") + len(b"index_pos=")
    active = whole[:at] + bytes(8) + whole[at + 8 :]
    rng = random.Random(3)
    longest = 0
    for data in (whole, active):
        for _ in range(15):
            length = rng.randrange(4200, len(whole) - 2000)
            (tmp_path / "cut.bag").write_bytes(data[:length])
            got, notes = read(tmp_path / "cut.bag")
            assert got == want[: len(got)]
            assert notes
            longest = max(longest, len(got))
    assert longest > len(want) * 0.5


def test_old_and_encrypted_bags_are_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.bag"
    path.write_bytes(b"#ROSBAG V1.2\n" + bytes(100))
    with pytest.raises(UnsupportedVersionError, match=r"1\.2"):
        open_bag(path)
    path.unlink()
    make(path, count=10)
    data = path.read_bytes()
    field = b"encryptor=rosbag/AesCbcEncryptor"
    (length,) = struct.unpack_from("<I", data, 13)
    header = data[17 : 17 + length] + struct.pack("<I", len(field)) + field
    path.write_bytes(data[:13] + struct.pack("<I", len(header)) + header + data[17 + length :])
    with pytest.raises(FileError, match=re.escape("encrypted with rosbag/AesCbcEncryptor")):
        open_bag(path)


def test_not_a_bag(tmp_path: Path) -> None:
    path = tmp_path / "a.bag"
    path.write_bytes(b"something else")
    with pytest.raises(NotARecordingError):
        open_bag(path)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_flipped_bytes_only_ever_give_our_errors(tmp_path: Path, compression: str) -> None:
    make(tmp_path / "a.bag", compression=COMPRESSIONS[compression], count=150)
    whole = (tmp_path / "a.bag").read_bytes()
    path = tmp_path / "b.bag"
    rng = random.Random(compression)
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 6)):
            low = rng.choice([0, 4100, max(0, len(data) - 3000)])
            data[rng.randrange(low, len(data))] = rng.choice([0, 0xFF, 0x7F, rng.randrange(256)])
        if rng.random() < 0.2:
            data = data[: rng.randrange(len(data))]
        path.write_bytes(data)
        try:
            with open_bag(path) as reader:
                for batch in reader.batches():
                    assert batch.starts.min() >= 0
                    assert (batch.starts + batch.sizes).max() <= len(batch.buffer)
                reader.summary()
        except RrbridgeError:
            pass


def test_other_orders_of_a_message_header(tmp_path: Path) -> None:
    """Writers put `op`, `conn` and `time` in an order of their own; two orders in one chunk are read as well."""
    want = make(tmp_path / "a.bag", count=200)
    data = bytearray((tmp_path / "a.bag").read_bytes())
    pattern = re.compile(
        rb"\x26\0\0\0(?P<fields>(?:\x04\0\0\0op=\x02|\x09\0\0\0conn=.{4}|\x0d\0\0\0time=.{8}){3})", re.DOTALL
    )
    changed = 0
    for found in list(pattern.finditer(data)):
        if changed % 2:
            parts = re.findall(
                rb"\x04\0\0\0op=\x02|\x09\0\0\0conn=.{4}|\x0d\0\0\0time=.{8}", found["fields"], re.DOTALL
            )
            data[found.start("fields") : found.end("fields")] = b"".join(parts[1:] + parts[:1])
        changed += 1
    assert changed >= 200
    (tmp_path / "a.bag").write_bytes(data)
    assert read(tmp_path / "a.bag")[0] == want
