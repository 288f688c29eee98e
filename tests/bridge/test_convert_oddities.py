"""What public recordings are like: thousands of topics, odd names, odd definitions, old spellings, huge files.

Each file is made here with one of these features, converted, and compared with `rosbags`' own reading of the same bytes.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import sqlite3
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter
from rosbags.rosbag1 import Reader as BagReader
from rosbags.rosbag1 import Writer as BagWriter
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from rrbridge.chunk import Chunk
from rrbridge.importers import ImportOptions
from rrbridge_bridge.cli import main
from rrbridge_bridge.conversion import Conversion
from rrbridge_bridge.decode.definitions import MD5_OF_NOTHING
from rrbridge_bridge.readers import open_bag

ROS1, ROS2 = get_typestore(Stores.ROS1_NOETIC), get_typestore(Stores.ROS2_HUMBLE)


def plain(message: Any) -> Any:
    """A message of rosbags as lists, dicts, numbers and texts."""
    if isinstance(message, np.ndarray):
        return message.tolist()
    if isinstance(message, list):
        return [plain(item) for item in message]
    if hasattr(message, "__dataclass_fields__"):
        names = [
            n for n in message.__dataclass_fields__ if n not in ("__msgtype__", "structure_needs_at_least_one_member")
        ]
        return {name: plain(getattr(message, name)) for name in names}
    return message


def fields(chunks: Iterable[Chunk], entity: str, msgtype: str) -> list[Any]:
    """The messages of an entity as their fields' columns have them."""
    component = f"{msgtype.replace('/', '.')}:message"
    found = [c for c in chunks if c.entity_path == entity and component in c.components]
    return [value for c in found for (value,) in c.components[component].cells.to_pylist()]


def converted(path: Path, **options: Any) -> tuple[list[Chunk], Conversion]:
    conversion = Conversion([path], ImportOptions(**options))
    return list(conversion.chunks()), conversion


def mcap(
    path: Path, msgtype: str, encoding: str, definition: bytes, payloads: list[bytes], topics: Iterable[str] = ("/t",)
) -> Path:
    with path.open("wb") as file:
        writer = McapWriter(file, compression=CompressionType.NONE)
        writer.start("ros1" if encoding == "ros1msg" else "ros2", "test")
        schema = writer.register_schema(msgtype, encoding, definition)
        message_encoding = "ros1" if encoding == "ros1msg" else "cdr"
        for topic in topics:
            channel = writer.register_channel(topic, message_encoding, schema)
            for number, payload in enumerate(payloads):
                writer.add_message(channel, number, payload, number)
        writer.finish()  # type: ignore[no-untyped-call]
    return path


def db3(path: Path, topics: Iterable[tuple[str, str]], payload: bytes, definition: str = "") -> Path:
    db = sqlite3.connect(path)
    db.executescript(
        "CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT, type TEXT, serialization_format TEXT, qos TEXT);"
        "CREATE TABLE message_definitions(topic_type TEXT, encoding TEXT, encoded_message_definition TEXT);"
        "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER, timestamp INTEGER, data BLOB);"
    )
    for number, (topic, msgtype) in enumerate(topics, 1):
        db.execute("INSERT INTO topics VALUES (?, ?, ?, 'cdr', '')", (number, topic, msgtype))
        db.execute("INSERT INTO messages(topic_id, timestamp, data) VALUES (?, ?, ?)", (number, number, payload))
        if definition:
            db.execute("INSERT INTO message_definitions VALUES (?, 'ros2msg', ?)", (msgtype, definition))
    db.commit()
    db.close()
    return path


ODD = """# Units: °C — see https://example.org/#anchor\u2028and\x85on
uint8 LEVEL_LOW=0          # the lowest
uint8 LEVEL_HIGH = 3
string GREETING=say "hi" # this is part of the text
float64 ratio 0.5          # a default
int32[] steps [1, 2, 3]
string<=12 name "näme"
string<=5[<=3] tags
char letter
byte octet
bool[3] flags
uint8[] blob
other_msgs/Inner inner
other_msgs/msg/Inner[<=2] several
builtin_interfaces/Time stamp
string[2] pair
================================================================================
MSG: other_msgs/Inner
# nested, with a comment only
geometry_msgs/Point point
Deeper[] deeper
================================================================================
MSG: geometry_msgs/Point
float64 x
float64 y
float64 z
================================================================================
MSG: other_msgs/Deeper
int64 value -5
================================================================================
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
"""


def odd_store() -> Typestore:
    """The same, for rosbags, one definition at a time and without what its parser does not take."""
    store = get_typestore(Stores.EMPTY)
    main_part, *others = ODD.split("=" * 80 + "\n")
    named = [part.split("\n", 1) for part in others]
    for name, text in [("odd_msgs/Odd", main_part), *((name.removeprefix("MSG: "), text) for name, text in named)]:
        lines = [line.partition(" #")[0] for line in text.split("\n") if not line.startswith(("#", "string GREETING"))]
        store.register(get_types_from_msg("\n".join(lines), name.replace("/", "/msg/")))
    return store


def odd_messages(store: Typestore) -> list[Any]:
    types = store.types
    point = types["geometry_msgs/msg/Point"](1.0, -2.5, float(np.pi))
    inner = types["other_msgs/msg/Inner"](point, [types["other_msgs/msg/Deeper"](n) for n in (1, -(2**62))])
    bare = types["other_msgs/msg/Inner"](point, [])
    stamp = types["builtin_interfaces/msg/Time"](-1, 999_999_999)

    def message(number: int) -> Any:
        return types["odd_msgs/msg/Odd"](
            ratio=number / 3,
            steps=np.arange(number, dtype=np.int32),
            name="näme"[: number % 5],
            tags=["é"] * (number % 4),
            letter=65 + number,
            octet=100,
            flags=np.array([True, False, number % 2 == 0]),
            blob=np.arange(number, dtype=np.uint8),
            inner=inner if number % 2 else bare,
            several=[inner, bare][: number % 3],
            stamp=stamp,
            pair=["", "x" * number],
        )

    return [message(number) for number in range(9)]


def without_constants(value: dict[str, Any]) -> dict[str, Any]:
    return {k: without_constants(v) if isinstance(v, dict) else v for k, v in value.items() if not k.isupper()}


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_everything_that_a_definition_may_have(line_end: str, tmp_path: Path) -> None:
    store = odd_store()
    messages = odd_messages(store)
    payloads = [bytes(store.serialize_cdr(m, "odd_msgs/msg/Odd")) for m in messages]
    path = mcap(tmp_path / "a.mcap", "odd_msgs/msg/Odd", "ros2msg", ODD.replace("\n", line_end).encode(), payloads)
    chunks, conversion = converted(path)
    got = fields(chunks, "/t", "odd_msgs/msg/Odd")
    assert [without_constants(value) for value in got] == [without_constants(plain(m)) for m in messages]
    assert all(report.is_lossless for report in conversion.reports)


@pytest.mark.parametrize("big", [False, True], ids=["little endian", "big endian"])
@pytest.mark.parametrize("padding", [0, 1, 3])
def test_byte_order_and_what_stands_behind(big: bool, padding: int, tmp_path: Path) -> None:
    """Some middlewares round messages up to four bytes."""
    msgtype = "sensor_msgs/msg/LaserScan"
    kind = ROS2.types[msgtype]
    header = ROS2.types["std_msgs/msg/Header"](ROS2.types["builtin_interfaces/msg/Time"](7, 8), "läser")
    scans = [
        kind(
            header,
            *(float(np.float32(n + 0.25)) for n in range(7)),
            np.arange(n, dtype=np.float32),
            np.zeros(0, np.float32),
        )
        for n in range(5)
    ]
    payloads = [bytes(ROS2.serialize_cdr(m, msgtype, little_endian=not big)) + bytes(padding) for m in scans]
    path = mcap(tmp_path / "a.mcap", msgtype, "ros2msg", ROS2.generate_msgdef(msgtype)[0].encode(), payloads)
    chunks, conversion = converted(path)
    assert fields(chunks, "/t", msgtype) == [plain(m) for m in scans]
    assert all(report.is_lossless for report in conversion.reports), [r.reasons for r in conversion.reports]


def test_old_spellings_of_ros1(tmp_path: Path) -> None:
    """`Header` and types of the own package without a package, `time`, `char`, Windows line ends, definitions that come twice."""
    whole = "Header header|# comment|Part[] parts|time when|duration long|char c|byte b|int8 ONE=1|string S=a#b|"
    nested = {
        "std_msgs/Header": "uint32 seq|time stamp|string frame_id|",
        "old_msgs/Part": "float32[2] xy|string name|",
    }
    more = [f"{'=' * 80}|MSG: {name}|{text}" for name, text in [*nested.items(), *nested.items()]]
    definition = "".join([whole, *more]).replace("|", "\r\n")

    def text(value: str) -> bytes:
        return struct.pack("<I", len(value.encode())) + value.encode()

    payload = struct.pack("<III", 5, 6, 7) + text("base") + struct.pack("<I", 2)
    payload += struct.pack("<2f", 1, 2) + text("é") + struct.pack("<2f", 3, 4) + text("")
    payload += struct.pack("<IIiiBb", 8, 9, -1, -2, 255, -128)
    path = mcap(tmp_path / "a.mcap", "old_msgs/Odd", "ros1msg", definition.encode(), [payload])
    (value,) = fields(converted(path)[0], "/t", "old_msgs/msg/Odd")
    assert (value["header"]["seq"], value["header"]["frame_id"]) == (5, "base")
    assert value["parts"] == [{"xy": [1.0, 2.0], "name": "é"}, {"xy": [3.0, 4.0], "name": ""}]
    assert (value["c"], value["long"]) == (255, {"sec": -1, "nanosec": -2})
    assert value["header"]["stamp"] == {"sec": 6, "nanosec": 7}


def test_topics_of_actions_services_and_parameters(tmp_path: Path) -> None:
    """Hidden topics have types that no package lists: made of the action's, or known to be everywhere."""
    feedback = "unique_identifier_msgs/UUID goal_id\nFibonacci_Feedback feedback\n"
    parts = [
        ("unique_identifier_msgs/UUID", "uint8[16] uuid\n"),
        ("action_tutorials_interfaces/Fibonacci_Feedback", "int32[] partial_sequence\n"),
    ]
    definition = feedback + "".join(f"{'=' * 80}\nMSG: {name}\n{text}" for name, text in parts)
    payload = b"\0\1\0\0" + bytes(range(16)) + struct.pack("<I3i", 3, 1, 1, 2)
    msgtype = "action_tutorials_interfaces/action/Fibonacci_FeedbackMessage"
    path = mcap(
        tmp_path / "a.mcap", msgtype, "ros2msg", definition.encode(), [payload], ["/fibonacci/_action/feedback"]
    )
    (value,) = fields(converted(path)[0], "/fibonacci/_action/feedback", msgtype)
    assert value == {"goal_id": {"uuid": list(range(16))}, "feedback": {"partial_sequence": [1, 1, 2]}}
    event = ROS2.types["rcl_interfaces/msg/ParameterEvent"](
        ROS2.types["builtin_interfaces/msg/Time"](1, 2), "/node", [], [], []
    )
    known = "rcl_interfaces/msg/ParameterEvent"
    path = db3(tmp_path / "a.db3", [("/parameter_events", known)], bytes(ROS2.serialize_cdr(event, known)))
    (value,) = fields(converted(path)[0], "/parameter_events", known)
    assert value == plain(event)


NAMES = [
    *(
        "/plain",
        "no_slash",
        "/a//b",
        "/trailing/",
        "/",
        "",
        "/with space",
        "/ünï/cødé",
        "/emoji/🤖",
        "/dots/../x",
        "~/private",
    ),
    *(
        "/quotes/'\"",
        "/brackets/[0]",
        "/colon:1",
        "/back\\slash",
        "/#hash",
        "/per%20cent",
        "/new\nline",
        "/tab\t",
        "rt/ros",
    ),
    *("/" + "long/" * 400, "/__reserved/x", "/__properties/x", "-dash", "/star*", "/comma,semi;"),
]


@pytest.mark.parametrize("kind", ["mcap", "db3", "bag"])
def test_odd_names_of_topics(kind: str, tmp_path: Path, capsys: Any) -> None:
    payload = b"\0\1\0\0\5"
    path = tmp_path / f"a.{kind}"
    if kind == "mcap":
        mcap(path, "std_msgs/msg/UInt8", "ros2msg", b"uint8 data\n", [payload], NAMES)
    elif kind == "db3":
        db3(path, [(name, "std_msgs/msg/UInt8") for name in NAMES], payload)
    else:
        with BagWriter(path) as writer:
            for name in NAMES:
                writer.write(writer.add_connection(name, "std_msgs/msg/UInt8", typestore=ROS1), 5, b"\5")
    with open_bag(path) as reader:
        assert [c.topic for c in reader.connections] == NAMES
    assert main(["convert", str(path), "-o", str(tmp_path / "out.rrd"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert sorted(t["topic"] for t in told["topics"]) == sorted(NAMES)
    assert all(t["messages"] == 1 and t["rows"] for t in told["topics"])
    assert main(["info", str(path)]) == 0


@pytest.mark.parametrize("kind", ["mcap", "db3", "bag"])
def test_thousands_of_topics(kind: str, tmp_path: Path) -> None:
    names = [f"/robot_{n // 50}/part_{n % 50}" for n in range(2000)]
    payload = b"\0\1\0\0\5"
    path = tmp_path / f"a.{kind}"
    if kind == "mcap":
        mcap(path, "std_msgs/msg/UInt8", "ros2msg", b"uint8 data\n", [payload], names)
    elif kind == "db3":
        db3(path, [(name, "std_msgs/msg/UInt8") for name in names], payload)
    else:
        with BagWriter(path) as writer:
            for name in names:
                writer.write(writer.add_connection(name, "std_msgs/msg/UInt8", typestore=ROS1), 5, b"\5")
    chunks, conversion = converted(path)
    assert len(conversion.reports) == 2000
    assert all(report.messages == 1 and report.is_lossless for report in conversion.reports)
    assert {c.entity_path for c in chunks if not c.is_static} >= set(names)


def test_several_connections_of_a_topic(tmp_path: Path) -> None:
    """Four nodes publish on `/tf`, one of them with another definition of the type."""
    path = tmp_path / "a.bag"
    with BagWriter(path) as writer:
        writers = [
            writer.add_connection("/count", "std_msgs/msg/UInt8", typestore=ROS1, callerid=f"/n{n}") for n in range(3)
        ]
        other = writer.add_connection("/count", "std_msgs/msg/UInt16", typestore=ROS1, callerid="/n3")
        for number, connection in zip(range(20), itertools.cycle([*writers, other]), strict=False):
            data = struct.pack("<H", number) if connection is other else bytes([number])
            writer.write(connection, number, data)
    chunks, _ = converted(path, raw=True)
    assert sorted(v["data"] for v in fields(chunks, "/count", "std_msgs/msg/UInt8")) == [
        n for n in range(20) if n % 4 != 3
    ]
    own = "/count/__std_msgs.msg.UInt16"
    assert [v["data"] for v in fields(chunks, own, "std_msgs/msg/UInt16")] == [3, 7, 11, 15, 19]


GAP = 3_990_000_000


def test_bags_of_four_gigabytes(tmp_path: Path) -> None:
    """Offsets past what 32 bits count; the middle is a hole, so that no disk is filled."""
    path = tmp_path / "a.bag"
    with BagWriter(path) as writer:
        topic = writer.add_connection("/t", "std_msgs/msg/UInt8", typestore=ROS1)
        for number in range(50):
            writer.write(topic, number, bytes([number]))
    whole = path.read_bytes()
    first = whole.index(b"op=\x05") - 8
    index_at = whole.index(b"index_pos=") + 10
    (index,) = struct.unpack_from("<Q", whole, index_at)
    chunk_at = whole.index(b"chunk_pos=") + 10
    filler = struct.pack("<I", 8) + struct.pack("<I", 4) + b"op=\x09" + struct.pack("<I", GAP)
    moved = 2 * (len(filler) + GAP)
    changed = bytearray(whole)
    struct.pack_into("<Q", changed, index_at, index + moved)
    struct.pack_into("<Q", changed, chunk_at, first + moved)
    with path.open("wb") as file:
        file.write(changed[:first])
        for _ in range(2):
            file.write(filler)
            file.seek(GAP, 1)
        file.write(changed[first:])
    assert path.stat().st_size > 1 << 32
    for _ in range(2):
        with open_bag(path) as reader:
            assert [int(t) for b in reader.batches() for t in b.log_time_nanos] == list(range(50))
            assert all("not closed" in note.text for note in reader.notes)
        with path.open("r+b") as file:  # and once more without its index
            file.seek(index_at)
            file.write(bytes(8))


def test_mcap_files_of_more_than_four_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    filler = struct.pack("<BQ", 0x80, 5_000_000_000)  # a private record
    with path.open("wb") as file:
        writer = McapWriter(file, compression=CompressionType.ZSTD)
        writer.start("ros2", "test")
        file.write(filler)
        file.seek(5_000_000_000, 1)
        schema = writer.register_schema("std_msgs/msg/UInt8", "ros2msg", b"uint8 data\n")
        channel = writer.register_channel("/t", "cdr", schema)
        for number in range(50):
            writer.add_message(channel, number, b"\0\1\0\0" + bytes([number]), number)
        writer.finish()  # type: ignore[no-untyped-call]
    times = []
    for _ in range(2):
        with open_bag(path) as reader:
            times.append([int(t) for b in reader.batches() for t in b.log_time_nanos])
        with path.open("r+b") as file:  # and once more without its summary
            file.truncate(path.stat().st_size - 8)
    assert times == [list(range(50))] * 2


def test_channels_that_say_little(tmp_path: Path, capsys: Any) -> None:
    """Without a schema, an encoding or a definition: the bytes are kept, and each says what it lacks."""
    told = {
        ("cdr", None): "the recording does not say what type its messages have",
        ("", None): "messages in an unnamed encoding are kept as bytes",
        ("smile", ("x", "smile", b"x")): "messages in 'smile' are kept as bytes",
        ("cdr", ("odd_msgs/msg/No", "", b"")): "no definition of odd_msgs/msg/No; name the folder that has it",
        ("protobuf", ("a.B", "protobuf", b"\xff")): "protobuf descriptors cannot be read",
        ("json", ("J", "jsonschema", b"{")): "JSON schema cannot be read",
    }
    with (tmp_path / "a.mcap").open("wb") as file:
        writer = McapWriter(file)
        writer.start("", "test")
        for number, (encoding, schema) in enumerate(told):
            schema_id = writer.register_schema(*schema) if schema else 0
            writer.add_message(
                writer.register_channel(f"/{number}", encoding, schema_id), number, b"\0\1\0\0\5", number
            )
        writer.finish()  # type: ignore[no-untyped-call]
    chunks, conversion = converted(tmp_path / "a.mcap")
    assert [r.topic for r in conversion.reports] == [f"/{number}" for number in range(len(told))]
    for report, reason in zip(conversion.reports, told.values(), strict=True):
        assert reason in report.reason
        assert report.topic not in report.reason
        (kept,) = (c for c in chunks if c.entity_path == report.topic and "McapMessage:data" in c.components)
        assert bytes(kept.components["McapMessage:data"].cells[0].as_py()[0]) == b"\0\1\0\0\5"
    assert main(["check", str(tmp_path / "a.mcap")]) == 0
    assert "note /0: the recording does not say what type its messages have" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["mcap", "db3", "bag"])
def test_an_empty_definition_is_that_of_empty_messages(kind: str, tmp_path: Path) -> None:
    """Writers that did not find a definition leave one that looks the same: such messages are kept as bytes, and told."""
    empty, odd = (b"", b"\7\0\0\0") if kind == "bag" else (b"\0\1\0\0\0", b"\0\1\0\0\7")
    path = tmp_path / f"pings.{kind}"
    if kind == "mcap":
        mcap(path, "my_msgs/msg/Ping", "ros2msg", b"", [empty] * 3, ["/ping"])
    elif kind == "db3":
        db3(path, [("/ping", "my_msgs/msg/Ping")], empty)
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("DELETE FROM message_definitions")
            db.execute("INSERT INTO message_definitions VALUES ('my_msgs/msg/Ping', 'ros2msg', '')")
            db.commit()
    else:
        ping(path, empty)
    chunks, conversion = converted(path)
    (report,) = conversion.reports
    assert report.is_lossless
    assert fields(chunks, "/ping", "my_msgs/msg/Ping") == [{"structure_needs_at_least_one_member": 0}] * report.messages
    if kind == "bag":  # to the other ROS and back
        assert main(["convert", str(path), "-o", str(tmp_path / "there.db3")]) == 0
        assert main(["convert", str(tmp_path / "there.db3"), "-o", str(tmp_path / "back.bag")]) == 0
        with BagReader(tmp_path / "back.bag") as reader:
            assert [(c.msgtype, bytes(data)) for c, _, data in reader.messages()] == [("my_msgs/msg/Ping", b"")] * 3
        path.unlink()
        ping(path, odd)
    else:
        path.write_bytes(path.read_bytes().replace(empty, odd))
    _, conversion = converted(path)
    (report,) = conversion.reports
    assert (report.undecodable, report.kept_as) == (report.messages, "bytes only")
    assert "no definition of my_msgs/msg/Ping but an empty one" in report.reason


def test_what_fills_up_an_empty_message_means_nothing(tmp_path: Path) -> None:
    """Fast DDS sends the three bytes behind the one that stands for no field as they are in memory."""
    mcap(tmp_path / "a.mcap", "std_msgs/msg/Empty", "ros2msg", b"", [b"\0\1\0\0\0U\0\7"] * 3, ["/empty"])
    (report,) = converted(tmp_path / "a.mcap")[1].reports
    assert (report.undecodable, report.is_lossless) == (0, True)


def ping(path: Path, payload: bytes) -> None:
    with BagWriter(path) as writer:
        connection = writer.add_connection("/ping", "my_msgs/msg/Ping", msgdef="", md5sum=MD5_OF_NOTHING)
        for number in range(3):
            writer.write(connection, number, payload)
