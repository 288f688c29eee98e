"""Recordings back into bags: a bag, the `.rrd` with its bytes, and the bag made of it have the same messages."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcap.exceptions import McapError
from mcap.records import Attachment, Channel, Header, Message, Metadata, Schema
from mcap.stream_reader import StreamReader
from rosbags.rosbag1 import Reader as BagReader
from rosbags.rosbag1 import ReaderError
from rosbags.rosbag2 import Reader as FolderReader

from rrbridge_bridge.cli import main
from rrbridge_bridge.readers import open_bag

DATA = Path(__file__).parents[3] / "shared" / "data"
SAMPLED = {".bag": 9, ".db3": 7, ".mcap": 9}
"""How many files of each kind the quick suite takes; the others are marked slow."""


def files(suffix: str) -> list[Any]:
    """Every recording of a kind, smallest of each folder first, so that the sample is of many origins."""
    found = sorted(DATA.rglob(f"*{suffix}"), key=lambda path: path.stat().st_size) if DATA.is_dir() else []
    found = [path for path in found if path.is_file() and path.stat().st_size]
    by_origin: dict[str, list[Path]] = defaultdict(list)
    for path in found:
        by_origin[path.relative_to(DATA).parts[0]].append(path)
    first = [paths[0] for paths in by_origin.values()][: SAMPLED[suffix]]
    slow = [pytest.param(path, marks=pytest.mark.slow) for path in found if path not in first]
    return [*first, *slow]


def name_of(value: Any) -> str:
    return str(value.relative_to(DATA)) if isinstance(value, Path) else str(value)


@pytest.mark.real_data
def test_enough_recordings(shared_data: Path) -> None:
    """Fails, not skips, where CI lacks the recordings."""
    assert {suffix: len(files(suffix)) >= 20 for suffix in SAMPLED} == dict.fromkeys(SAMPLED, True), shared_data


def convert(source: Path, output: Path, *options: str) -> int:
    return main(["convert", str(source), "-o", str(output), *options])


def there_and_back(path: Path, tmp_path: Path) -> Path:
    """By way of an `.rrd`; skips what the reader cannot open."""
    recording, back = tmp_path / "there.rrd", tmp_path / f"back{path.suffix}"
    if convert(path, recording, "--raw", "--fields", "none", "--mapping", "reference") not in (0, 3):
        pytest.skip("rrbridge cannot open it")
    assert convert(recording, back) in (0, 3)
    return back


def directly(path: Path, tmp_path: Path) -> Path:
    back = tmp_path / f"direct{path.suffix}"
    if convert(path, back) not in (0, 3):
        pytest.skip("rrbridge cannot open it")
    return back


def by_way_of_mcap(path: Path, tmp_path: Path) -> Path:
    between, back = tmp_path / "between.mcap", tmp_path / f"back{path.suffix}"
    if convert(path, between) not in (0, 3):
        pytest.skip("rrbridge cannot open it")
    assert convert(between, back) in (0, 3)
    return back


WAYS = (there_and_back, directly)


@pytest.mark.real_data
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("path", files(".mcap"), ids=name_of)
def test_mcap(path: Path, way: Callable[[Path, Path], Path], tmp_path: Path) -> None:
    """Messages with all that MCAP says of them, channels, schemas, metadata and attachments, in order, by the `mcap` package."""
    try:
        before = McapContent(path)
    except (McapError, ValueError, AssertionError) as err:
        pytest.skip(f"the mcap package cannot read it: {err}")
    after = McapContent(way(path, tmp_path))
    assert after.messages == before.messages
    assert after.channels >= before.used_channels
    assert after.metadata == before.metadata
    assert after.attachments == before.attachments
    assert after.profile == before.profile


class McapContent:
    """What an MCAP file holds, by the numbers of nothing: channels and schemas in full."""

    def __init__(self, path: Path) -> None:
        schemas: dict[int, Schema] = {}
        channels: dict[int, tuple[Any, ...]] = {}
        self.messages: list[tuple[Any, ...]] = []
        self.metadata: list[tuple[str, dict[str, str]]] = []
        self.attachments: list[Attachment] = []
        self.used_channels: set[tuple[Any, ...]] = set()
        self.profile = ""
        with path.open("rb") as file:
            for record in StreamReader(file, validate_crcs=True).records:
                match record:
                    case Header(profile=profile):
                        self.profile = profile
                    case Schema():
                        schemas[record.id] = record
                    case Channel():
                        schema = schemas.get(record.schema_id)
                        about = (long_name(schema.name), schema.encoding, schema.data) if schema else None
                        pairs = tuple(sorted(record.metadata.items()))
                        channels[record.id] = (record.topic, record.message_encoding, pairs, about)
                    case Message():
                        channel = channels[record.channel_id]
                        self.used_channels.add(channel)
                        times = (record.log_time, record.publish_time, record.sequence)
                        self.messages.append((channel, *times, record.data))
                    case Metadata():
                        self.metadata.append((record.name, record.metadata))
                    case Attachment():
                        self.attachments.append(record)
        self.channels = set(channels.values())


@pytest.mark.real_data
@pytest.mark.parametrize("way", [*WAYS, by_way_of_mcap])
@pytest.mark.parametrize("path", files(".bag"), ids=name_of)
def test_bag(path: Path, way: Callable[[Path, Path], Path], tmp_path: Path) -> None:
    """Connections with caller ids, md5 sums and latching, and messages, by `rosbags`; their order in the file by our reader."""
    try:
        before = bag_content(path)
    except (ReaderError, OSError, UnicodeDecodeError, KeyError) as err:
        pytest.skip(f"rosbags cannot open it: {err}")
    back = way(path, tmp_path)
    assert bag_content(back) == before
    assert in_file_order(back) == in_file_order(path)


def bag_content(path: Path) -> dict[tuple[Any, ...], list[tuple[int, bytes]]]:
    found: dict[tuple[Any, ...], list[tuple[int, bytes]]] = {}
    with BagReader(path) as bag:
        for c in bag.connections:
            key = (c.topic, c.msgtype, c.digest, c.msgdef, c.ext)
            found.setdefault(key, [])
        for connection, time, data in bag.messages():
            c = connection
            found[c.topic, c.msgtype, c.digest, c.msgdef, c.ext].append((time, bytes(data)))
    return found


def in_file_order(path: Path) -> list[tuple[Any, ...]]:
    with open_bag(path) as reader:
        connections = {c.id: (c.topic, c.msgtype, *sorted(c.metadata.items())) for c in reader.connections}
        return [
            (connections[number], log, publish, sequence, rows.buffer[start : start + size].tobytes())
            for rows in reader.rows()
            for number, log, publish, sequence, start, size in zip(
                rows.connection_ids.tolist(),
                rows.log_time_nanos.tolist(),
                rows.publish_time_nanos.tolist(),
                rows.sequence.tolist(),
                rows.starts.tolist(),
                rows.sizes.tolist(),
                strict=True,
            )
        ]


@pytest.mark.real_data
@pytest.mark.parametrize("way", [*WAYS, by_way_of_mcap])
@pytest.mark.parametrize("path", files(".db3"), ids=name_of)
def test_db3(path: Path, way: Callable[[Path, Path], Path], tmp_path: Path) -> None:
    """Topics with their types and QoS, definitions, and messages in order, by SQLite itself."""
    try:
        before = Db3Content(path)
    except sqlite3.Error as err:
        pytest.skip(f"SQLite cannot open it: {err}")
    after = Db3Content(way(path, tmp_path))
    assert after.messages == before.messages
    assert after.topics == before.topics
    assert after.definitions.items() >= before.definitions.items()


class Db3Content:
    def __init__(self, path: Path) -> None:
        db = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        columns = {row[1] for row in db.execute("PRAGMA table_info(topics)")}
        extra = [name for name in ("offered_qos_profiles", "type_description_hash") if name in columns]
        query = f"SELECT id, name, type, serialization_format{''.join(', ' + name for name in extra)} FROM topics"
        topics = {
            number: (topic, long_name(kind), encoding, {n: v for n, v in zip(extra, more, strict=True) if v})
            for number, topic, kind, encoding, *more in db.execute(query)
        }
        self.topics = [topics[number] for number in sorted(topics)]
        rows = db.execute("SELECT topic_id, timestamp, data FROM messages ORDER BY id").fetchall()
        self.messages = [(topics[number][:3], time, unpacked(data)) for number, time, data in rows]
        self.definitions: dict[str, tuple[str, str]] = {}
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'message_definitions'").fetchone():
            found = db.execute("SELECT topic_type, encoding, encoded_message_definition FROM message_definitions")
            used = {topic[1] for topic in self.topics}
            self.definitions = {name: (kind, text) for name, kind, text in found if text and name in used}
        db.close()


def long_name(msgtype: str) -> str:
    package, _, name = msgtype.rpartition("/")
    return msgtype if "/" in package or not package else f"{package}/msg/{name}"


def unpacked(data: bytes) -> bytes:
    import zstandard

    return zstandard.decompress(data) if data[:4] == b"\x28\xb5\x2f\xfd" else data


def is_of_one_kind(folder: Path) -> bool:
    """Whether no other recording lies beside the parts."""
    return len({path.suffix for path in folder.iterdir() if path.suffix in (".db3", ".mcap", ".zstd")}) == 1


FOLDERS = sorted(path.parent for path in DATA.rglob("metadata.yaml") if is_of_one_kind(path.parent))
PACKED = sorted(p for suffix in (".bag.bz2", ".db3.zstd", ".mcap.zstd") for p in DATA.rglob(f"*{suffix}"))


@pytest.mark.real_data
@pytest.mark.parametrize("path", [*FOLDERS[::4], *PACKED[:3]], ids=name_of)
def test_folders_and_packed_files(path: Path, tmp_path: Path) -> None:
    """By our own reader: all parts of a folder, and what is compressed as a whole, in order; a folder again, by `rosbags` too."""
    with open_bag(path) as reader:
        expected = [(topic, *rest) for (topic, *_), *rest in in_file_order(path)]
        is_ros2 = {connection.encoding for connection in reader.connections} == {"cdr"}
    assert convert(path, tmp_path / "there.rrd", "--raw", "--fields", "none", "--mapping", "reference") in (0, 3)
    assert convert(tmp_path / "there.rrd", tmp_path / "back.mcap") in (0, 3)
    assert [(topic, *rest) for (topic, *_), *rest in in_file_order(tmp_path / "back.mcap")] == expected
    if not is_ros2:
        return
    assert convert(tmp_path / "there.rrd", tmp_path / "run", "--to", "rosbag2") in (0, 3)
    with FolderReader(tmp_path / "run") as bag:
        found = [(connection.topic, time, bytes(data)) for connection, time, data in bag.messages()]
    assert sorted(found) == sorted((topic, log, data) for topic, log, _, _, data in expected)
