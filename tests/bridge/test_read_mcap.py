"""MCAP files are read as the mcap package reads them, whatever index they have, and as far as they go."""

from __future__ import annotations

import io
import json
import random
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.records import Channel, Message, Schema
from mcap.stream_reader import StreamReader
from mcap.writer import CompressionType, IndexType, Writer

from rrbridge.errors import NotARecordingError, RrbridgeError
from rrbridge_bridge.raw import RawBatch
from rrbridge_bridge.readers import ReadOptions, _packed, open_bag
from rrbridge_bridge.readers._chunks import NO_HINTS, ChunkData, fill_group
from rrbridge_bridge.readers._source import Source
from rrbridge_bridge.readers.mcap import McapReader


def mcap_files(shared_data: Path) -> list[Path]:
    return sorted(path for path in shared_data.rglob("*.mcap") if path.is_file())


def read_by_mcap(path: Path) -> tuple[dict[int, Channel], dict[int, Schema], list[Any]]:
    """Every message, in file order, as the mcap package reads them."""
    channels, schemas, messages = {}, {}, []
    with path.open("rb") as file:
        for record in StreamReader(file, record_size_limit=None).records:
            if isinstance(record, Channel):
                channels[record.id] = record
            elif isinstance(record, Schema):
                schemas[record.id] = record
            elif isinstance(record, Message):
                m = record
                messages.append((m.channel_id, m.sequence, m.log_time, m.publish_time, m.data))
    return channels, schemas, messages


def rows_of(batches: Iterable[RawBatch]) -> list[Any]:
    """Every message of the batches, in file order: `(connection id, sequence, log time, publish time, payload)`."""
    rows = {}
    for batch in batches:
        assert (np.diff(batch.order) > 0).all()
        for i in range(len(batch)):
            assert int(batch.order[i]) not in rows
            rows[int(batch.order[i])] = (
                batch.connection.id,
                int(batch.sequence[i]),
                int(batch.log_time_nanos[i]),
                int(batch.publish_time_nanos[i]),
                batch.payload(i).tobytes(),
            )
    return [rows[order] for order in sorted(rows)]


def read(path: Path, options: ReadOptions | None = None) -> tuple[list[Any], Sequence[str]]:
    with open_bag(path) as reader:
        return rows_of(reader.batches(options)), [note.text for note in reader.notes]


@pytest.mark.real_data
def test_every_recording_equals_the_mcap_package(shared_data: Path) -> None:
    compared = 0
    for path in mcap_files(shared_data):
        channels, schemas, want = read_by_mcap(path)
        with open_bag(path) as reader:
            assert rows_of(reader.batches()) == want, path
            assert list(reader.notes) == [], path
            summary = reader.summary()
            assert sum(topic.count or 0 for topic in summary.topics) == len(want), path
            assert {c.id: (c.topic, c.encoding or "") for c in reader.connections}.keys() == channels.keys(), path
            for connection in reader.connections:
                channel = channels[connection.id]
                assert (connection.topic, connection.metadata) == (channel.topic, channel.metadata)
                schema = schemas.get(channel.schema_id)
                if schema and schema.encoding == "protobuf":
                    assert connection.definition.encode("latin-1") == schema.data
                elif schema:
                    assert connection.definition == schema.data.decode()
            if want:
                times = [row[2] for row in want]
                # Some writers take a time of 0 for none in their statistics.
                assert summary.start_nanos in (min(times), min(t for t in times if t)), path
                assert summary.end_nanos == max(times), path
        compared += len(want)
    assert compared > 15_000


@pytest.mark.real_data
def test_conformance_files_hold_the_records_that_their_json_lists(shared_data: Path) -> None:
    files = sorted((shared_data / "foxglove+mcap" / "data").rglob("*.mcap"))
    assert len(files) >= 78
    for path in files:
        records = json.loads(path.with_suffix(".json").read_text())["records"]
        want, channels, schemas, attachments, metadata = [], {}, {}, 0, 0
        in_summary = False
        for record in records:
            fields = dict(record["fields"])
            in_summary = in_summary or record["type"] == "DataEnd"
            if record["type"] == "Message":
                data = bytes(int(b) for b in fields["data"])
                numbers = [int(fields[k]) for k in ("channel_id", "sequence", "log_time", "publish_time")]
                want.append((*numbers, data))
            elif record["type"] == "Channel":
                channels[int(fields["id"])] = fields
            elif record["type"] == "Schema":
                schemas[int(fields["id"])] = fields
            attachments += record["type"] == "Attachment"
            metadata += record["type"] == "Metadata"
        with McapReader(path) as reader:
            assert rows_of(reader.batches()) == want, path
            assert {c: (v.topic, v.message_encoding, v.schema_id) for c, v in reader.channels.items()} == {
                c: (v["topic"], v["message_encoding"], int(v["schema_id"])) for c, v in channels.items()
            }
            assert {s: (v.name, list(v.data)) for s, v in reader.schemas.items()} == {
                s: (v["name"], [int(b) for b in v["data"]]) for s, v in schemas.items()
            }
            assert len(list(reader.attachments())) == attachments
            assert len(list(reader.metadata_records())) == metadata


@dataclass
class Made:
    path: Path
    messages: list[Any]


def make(
    path: Path,
    *,
    chunks: bool = True,
    index: IndexType = IndexType.ALL,
    compression: CompressionType = CompressionType.ZSTD,
    count: int = 3000,
    chunk_size: int = 20_000,
    **more: Any,
) -> Made:
    """A file of three topics: busy, quiet and large."""
    rng = random.Random(5)
    with path.open("wb") as file:
        writer = Writer(
            file, chunk_size=chunk_size, compression=compression, index_types=index, use_chunking=chunks, **more
        )
        writer.start("ros2", "test")
        schema = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data\n")
        ids = [writer.register_channel(topic, "cdr", schema, {"k": topic}) for topic in ("/busy", "/quiet", "/large")]
        messages = []
        for i in range(count):
            which = 1 if i % 97 == 0 else 2 if i % 50 == 0 else 0
            data = rng.randbytes(5000 if which == 2 else rng.randint(0, 60))
            message = (ids[which], i, 1000 + i * 10 + rng.randint(0, 50), 1000 + i * 10, data)
            writer.add_message(message[0], message[2], message[4], message[3], message[1])
            messages.append(message)
        writer.finish()  # type: ignore[no-untyped-call]
    return Made(path, messages)


VARIANTS: dict[str, dict[str, Any]] = {
    "zstd": {},
    "lz4": {"compression": CompressionType.LZ4},
    "none": {"compression": CompressionType.NONE},
    "no chunks": {"chunks": False},
    "no message index": {"index": IndexType.CHUNK},
    "no chunk index": {"index": IndexType.MESSAGE},
    "no index": {"index": IndexType.NONE},
    "no statistics": {"use_statistics": False},
    "no summary": {
        "use_statistics": False,
        "use_summary_offsets": False,
        "repeat_channels": False,
        "repeat_schemas": False,
        "index": IndexType.NONE,
    },
    "one message per chunk": {"chunk_size": 1, "count": 200},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_way_of_writing_gives_the_same(tmp_path: Path, variant: str) -> None:
    made = make(tmp_path / "a.mcap", **VARIANTS[variant])
    got, notes = read(made.path)
    assert got == made.messages
    assert notes == []
    with open_bag(made.path) as reader:
        summary = reader.summary()
        counts = {topic.topic: topic.count or 0 for topic in summary.topics}
        times = [m[2] for m in made.messages]
        assert (summary.start_nanos, summary.end_nanos) == (min(times), max(times))
        assert sum(counts.values()) == len(made.messages)
        assert counts["/quiet"] == sum(m[0] == 2 for m in made.messages)
        assert [c.metadata["k"] for c in reader.connections] == ["/busy", "/quiet", "/large"]


@pytest.mark.parametrize("variant", ["zstd", "no chunks", "no message index"])
def test_filters_leave_what_they_should(tmp_path: Path, variant: str) -> None:
    made = make(tmp_path / "a.mcap", **VARIANTS[variant])
    quiet, _ = read(made.path, ReadOptions(wants=lambda topic: topic == "/quiet"))
    assert quiet == [m for m in made.messages if m[0] == 2]
    some, _ = read(made.path, ReadOptions(start_nanos=5000, end_nanos=9000))
    assert some == [m for m in made.messages if 5000 <= m[2] <= 9000]


def test_an_index_saves_reading_chunks_that_are_not_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(tmp_path / "a.mcap")
    with McapReader(made.path) as reader:
        read_chunks = []
        chunk_data = reader._chunk_data

        def watched(piece: Any) -> ChunkData:
            read_chunks.append(piece)
            return chunk_data(piece)

        monkeypatch.setattr(reader, "_chunk_data", watched)
        assert rows_of(reader.batches(ReadOptions(end_nanos=1500)))
        assert reader.statistics is not None
        assert 0 < len(read_chunks) < reader.statistics.chunk_count / 4


@given(
    places=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 900)), min_size=1, max_size=12),
    in_order=st.booleans(),
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_chunks_are_read_from_wherever_they_are(tmp_path: Path, places: list[tuple[int, int]], in_order: bool) -> None:
    """Together where they are near each other, and never with much of what is between them."""
    content = np.random.default_rng(1).integers(0, 256, 4096, np.uint8).tobytes()
    (tmp_path / "file").write_bytes(content)
    places = sorted(places) if in_order else places
    group = [ChunkData(start, size, start + size, "", size, NO_HINTS) for start, size in places]
    damaged: dict[int, str] = {}
    with Source(tmp_path / "file") as source:
        buffer, spans = fill_group(source, group, damaged.__setitem__)
    assert [buffer[lo:hi].tobytes() for lo, hi in spans] == [content[start : start + size] for start, size in places]
    assert len(buffer) <= 1.5 * sum(size for _, size in places)
    assert damaged.keys() == {n for n, (start, size) in enumerate(places) if start + size > len(content)}


def test_batches_keep_to_their_bounds(tmp_path: Path) -> None:
    made = make(tmp_path / "a.mcap", count=20_000)
    options = ReadOptions(max_rows=500, max_bytes=100_000)
    with open_bag(made.path) as reader:
        batches = list(reader.batches(options))
    assert all(len(b) <= 500 and b.payload_bytes <= 100_000 for b in batches)
    assert rows_of(batches) == made.messages
    by_topic: dict[str, list[RawBatch]] = {}
    for batch in batches:
        by_topic.setdefault(batch.connection.topic, []).append(batch)
    for topic, parts in by_topic.items():
        orders = np.concatenate([b.order for b in parts])
        assert (np.diff(orders) > 0).all(), topic
    assert len(by_topic["/busy"]) < 20_000 / 500 * 2.5


def test_a_quiet_topic_is_not_cut_at_every_chunk(tmp_path: Path) -> None:
    made = make(tmp_path / "a.mcap", count=60_000, chunk_size=1 << 20, compression=CompressionType.NONE)
    with open_bag(made.path) as reader:
        assert sum(b.connection.topic == "/quiet" for b in reader.batches()) == 1


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    made = make(tmp_path / "a.mcap")
    calls = []
    read(made.path, ReadOptions(progress=lambda done, total: calls.append((done, total))))
    size = made.path.stat().st_size
    assert calls
    assert all(0 < done <= size == total for done, total in calls)


@pytest.mark.parametrize("variant", ["zstd", "lz4", "none", "no chunks", "no message index"])
def test_a_cut_off_file_gives_its_beginning_and_says_so(tmp_path: Path, variant: str) -> None:
    made = make(tmp_path / "a.mcap", **VARIANTS[variant])
    whole = made.path.read_bytes()
    cut = tmp_path / "cut.mcap"
    rng = random.Random(1)
    best = 0.0
    for _ in range(25):
        length = rng.randrange(100, len(whole) - 40)
        cut.write_bytes(whole[:length])
        got, notes = read(cut)
        assert got == made.messages[: len(got)]
        assert any("not finished" in note for note in notes)
        with open_bag(cut) as reader:
            assert sum(topic.count or 0 for topic in reader.summary().topics) == len(got)
        best = max(best, len(got) / (length / len(whole) * len(made.messages)))
    assert best > 0.9


def test_a_tail_of_zeros_is_a_tear(tmp_path: Path) -> None:
    made = make(tmp_path / "a.mcap", compression=CompressionType.NONE)
    whole = made.path.read_bytes()
    made.path.write_bytes(whole[: len(whole) // 2] + bytes(4096))
    got, notes = read(made.path)
    assert len(got) > 1000
    assert got == made.messages[: len(got)]
    assert notes


def test_an_index_that_lies_is_set_aside(tmp_path: Path) -> None:
    """Message indexes that point anywhere give the same messages."""
    made = make(tmp_path / "a.mcap", compression=CompressionType.NONE, count=500)
    data = bytearray(made.path.read_bytes())
    rng = random.Random(2)
    at, changed = 8, 0
    while at < len(data) - 37:
        opcode, length = struct.unpack_from("<BQ", data, at)
        if opcode == 7 and length > 6 + 16:
            entry = at + 9 + 6 + 8
            struct.pack_into("<Q", data, entry, rng.choice([0, 3, 2**40, 2**64 - 1]))
            changed += 1
        at += 9 + length
    assert changed
    made.path.write_bytes(data)
    got, notes = read(made.path)
    assert got == made.messages
    assert notes == []


def test_a_chunk_that_claims_too_much_takes_no_memory(tmp_path: Path) -> None:
    made = make(tmp_path / "a.mcap", count=500)
    data = bytearray(made.path.read_bytes())
    at = 8
    while struct.unpack_from("<BQ", data, at)[0] != 6:
        at += 9 + struct.unpack_from("<BQ", data, at)[1]
    struct.pack_into("<Q", data, at + 9 + 16, 2**62)
    made.path.write_bytes(data)
    got, notes = read(made.path)
    assert got == made.messages
    assert any("at most" in note for note in notes)


def test_not_an_mcap_file(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    path.write_bytes(b"hello")
    with pytest.raises(NotARecordingError):
        McapReader(path)
    with pytest.raises(NotARecordingError):
        open_bag(path)


@pytest.mark.parametrize("variant", ["zstd", "none", "no chunks", "no message index", "no index"])
def test_flipped_bytes_only_ever_give_our_errors(tmp_path: Path, variant: str) -> None:
    made = make(tmp_path / "a.mcap", **{"count": 300, **VARIANTS[variant]})
    whole = made.path.read_bytes()
    rng = random.Random(variant)
    for _ in range(120):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 8)):
            # Half of the flips go to the summary, where most of the offsets are.
            low = 0 if rng.random() < 0.5 else max(0, len(data) - 1500)
            data[rng.randrange(low, len(data))] = rng.choice([0, 0xFF, 0x7F, rng.randrange(256)])
        if rng.random() < 0.3:
            data = data[: rng.randrange(len(data))]
        made.path.write_bytes(data)
        try:
            with McapReader(made.path) as reader:
                for batch in reader.batches():
                    assert len(batch.payload(0)) == batch.sizes[0]
                    assert batch.starts.min() >= 0
                    assert (batch.starts + batch.sizes).max() <= len(batch.buffer)
                reader.summary()
                list(reader.attachments())
                _ = reader.ros_distro
        except RrbridgeError:
            pass


def test_the_largest_time_stays_in_range(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    writer = Writer(buffer)
    writer.start()
    channel = writer.register_channel("a", "json", 0)
    writer.add_message(channel, 2**64 - 1, b"{}", 5)
    writer.finish()  # type: ignore[no-untyped-call]
    path = tmp_path / "a.mcap"
    path.write_bytes(buffer.getvalue())
    got, notes = read(path)
    assert got == [(channel, 0, 2**63 - 1, 5, b"{}")]
    assert notes == ["some log times are past the year 2262, which no recording can say; its end stands for them"]


def test_messages_that_rosbag2_compressed_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ros2 bag record --storage mcap --compression-mode message`; what is not of ROS may begin as a zstd frame does."""
    sent = [b"\x00\x01\x00\x00" + bytes(range(i)) for i in range(100)]
    frame = zstandard.compress(b"a picture")
    with (tmp_path / "a.mcap").open("wb") as file:
        writer = Writer(file, chunk_size=2000)
        writer.start("ros2")
        schema = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data")
        ros = writer.register_channel("/chatter", "cdr", schema)
        other = writer.register_channel("/frames", "my_frames", 0)
        for i, payload in enumerate(sent):
            writer.add_message(ros, i, zstandard.compress(payload), i)
            writer.add_message(other, i, frame, i)
        writer.add_message(ros, 200, frame[:4] + b"nonsense", 200)
        writer.finish()  # type: ignore[no-untyped-call]
    monkeypatch.setattr(_packed, "WINDOW_BYTES", 500)
    with open_bag(tmp_path / "a.mcap") as reader:
        got = rows_of(reader.batches())
        assert [row[4] for row in got if row[0] == ros] == [*sent, b""]
        assert [row[4] for row in got if row[0] == other] == [frame] * 100
        sizes = [size for rows in reader.rows() for size in rows.sizes.tolist()]
        assert sizes == [len(row[4]) for row in got]
        assert "a compressed message is damaged" in reader.notes[0].text
        assert reader.notes[0].is_loss
