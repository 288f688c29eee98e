"""`rrbridge play`: recordings of any kind, byte for byte and in order, to a graph that keeps what it is given."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from live_loopback import LoopbackSession, LoopbackSink
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as Writer2
from rosbags.typesys import Stores, get_typestore

from rrbridge.errors import InvalidValueError
from rrbridge_bridge.cli import main
from rrbridge_bridge.inspect.names import files_and_topics
from rrbridge_bridge.play import run
from rrbridge_bridge.play.run import parse_place, parse_remaps, split_arguments
from rrbridge_bridge.readers import open_bag
from rrbridge_bridge.writers._messages import open_messages

DATA = Path(__file__).parents[3] / "shared" / "data"
REAL = [
    "cruise-automation+rosbag.js/example-lz4.bag",
    "cruise-automation+rosbag.js/example-bz2.bag",
    "jsk-ros-pkg+jsk_recognition/watercan.bag",
    "rerun-io+rerun/rosbag2_2025_09_10-13_03_56_0.mcap",
    "thelonesomeprogrammer+p4/pitch0bag/pitch0bag_0.mcap",
    "ros-event-camera+event_camera_py/test_events_2/test_events_2_0.mcap",
]
SECOND = 10**9
START = 1_700_000_000 * SECOND
ROS1, ROS2 = get_typestore(Stores.ROS1_NOETIC), get_typestore(Stores.ROS2_HUMBLE)
QOS_LATCHED = """- history: 1
  depth: 1
  reliability: 1
  durability: 1
"""
Play = Callable[..., int]


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> LoopbackSession:
    session = LoopbackSession()
    monkeypatch.setattr(run, "installed", lambda: {"loopback": LoopbackSink(session)})
    return session


def play(*arguments: object) -> int:
    return main(["play", *map(str, arguments), "--to", "loopback", "--delay", "0", "--disable-keyboard-controls"])


def recorded(path: Path) -> list[tuple[int, str, bytes]]:
    """Time, topic and bytes of every message, by time."""
    found = []
    with open_bag(path) as reader:
        topics = {connection.id: connection.topic for connection in reader.connections}
        for rows in reader.rows():
            for i in range(len(rows)):
                payload = rows.buffer[rows.starts[i] : rows.starts[i] + rows.sizes[i]].tobytes()
                found.append((int(rows.log_time_nanos[i]), topics[int(rows.connection_ids[i])], payload))
    return sorted(found, key=lambda message: message[0])


def played(session: LoopbackSession) -> list[tuple[int, str, bytes]]:
    return [(one.log_time_nanos, one.connection.topic, one.payload) for one in session.published]


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_real_recordings_are_played_byte_for_byte_in_order(
    shared_data: Path, session: LoopbackSession, name: str
) -> None:
    path = shared_data / name
    assert play(path, "-r", "10000") == 0
    assert played(session) == recorded(path)
    assert session.closed


@pytest.mark.real_data
def test_an_rrd_with_bytes_is_played_as_its_bag(shared_data: Path, session: LoopbackSession, tmp_path: Path) -> None:
    path, rrd = shared_data / REAL[2], tmp_path / "there.rrd"
    assert main(["convert", str(path), "-o", str(rrd), "--raw", "--fields", "none"]) in (0, 3)
    assert play(rrd, "-r", "10000") == 0
    assert sorted(played(session)) == sorted(recorded(path))
    with open_messages(rrd) as reader:
        latched = {c.topic for c in reader.connections if c.metadata.get("latching") == "1"}
    assert {c.topic for n, c in session.advertised.items() if n in session.latched} == latched | {"/tf_static"} & {
        c.topic for c in session.advertised.values()
    }


def test_an_rrd_without_bytes_says_what_to_do(
    session: LoopbackSession, bag: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rrd = tmp_path / "no_bytes.rrd"
    assert main(["convert", str(bag), "-o", str(rrd)]) == 0
    assert play(rrd) == 1
    assert "--raw" in capfd.readouterr().err
    assert not session.events


def string1(text: str) -> bytes:
    return bytes(ROS1.serialize_ros1(ROS1.types["std_msgs/msg/String"](text), "std_msgs/msg/String"))


def string2(text: str) -> bytes:
    return bytes(ROS2.serialize_cdr(ROS2.types["std_msgs/msg/String"](text), "std_msgs/msg/String"))


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """ROS 1: /a ten times a second for two seconds, /clock, and /map latched at the start and after 1.05 s."""
    path = tmp_path / "one.bag"
    with Writer1(path) as writer:
        a = writer.add_connection("/a", "std_msgs/msg/String", typestore=ROS1)
        latched = writer.add_connection("/map", "std_msgs/msg/String", typestore=ROS1, callerid="/m", latching=1)
        clock = writer.add_connection("/clock", "rosgraph_msgs/msg/Clock", typestore=ROS1)
        writer.write(latched, START, string1("first map"))
        for i in range(20):
            writer.write(a, START + i * SECOND // 10, string1(f"a{i}"))
            writer.write(clock, START + i * SECOND // 10, bytes(8))
            if i == 10:
                writer.write(latched, START + int(1.05 * SECOND), string1("second map"))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """ROS 2: /b between the messages of the bag, and /tf_static of two broadcasters."""
    path = tmp_path / "two"
    with Writer2(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        b = writer.add_connection("/b", "std_msgs/msg/String", typestore=ROS2)
        static = writer.add_connection("/tf_static", "std_msgs/msg/String", typestore=ROS2)
        writer.write(static, START, string2("one"))
        writer.write(static, START + 1, string2("other"))
        for i in range(20):
            writer.write(b, START + i * SECOND // 10 + SECOND // 20, string2(f"b{i}"))
    return path


def texts(session: LoopbackSession) -> list[str]:
    return [one.payload.rstrip(b"\0").split(b"\0")[-1].decode()[-12:].strip() for one in session.published]


def test_several_files_are_merged_by_time(session: LoopbackSession, bag: Path, folder: Path) -> None:
    assert play(bag, folder, "-r", "10000") == 0
    assert played(session) == sorted([*recorded(bag), *recorded(folder)], key=lambda message: message[0])
    encodings = {connection.encoding for connection in session.advertised.values()}
    assert encodings == {"ros1", "cdr"}


def test_a_late_listener_gets_every_static_transform(session: LoopbackSession, folder: Path) -> None:
    assert play(folder, "-r", "10000") == 0
    (number,) = session.latched
    assert (session.advertised[number].topic, session.latched[number]) == ("/tf_static", 2)


def test_topics_are_chosen_and_renamed(session: LoopbackSession, bag: Path, folder: Path) -> None:
    assert (
        play(bag, folder, "/a", "/a:=/robot/a", "-e", "*tf*", "-x", "^/map", "--remap", "tf_static:=/s", "-r", "10000")
        == 0
    )
    assert {connection.topic for connection in session.advertised.values()} == {"/robot/a", "/s"}
    assert len(session.published) == 22


@pytest.mark.parametrize(
    ("options", "first", "last", "count"),
    [
        (["-s", "1.5"], "a15", "a19", 6),
        (["--start", "-0.5s"], "a14", "a19", 7),
        (["--start", "1700000001.5"], "a15", "a19", 6),
        (["--start-offset", "+1s", "-u", "0.5"], "a10", "a15", 8),
        (["--until", "0.3"], "a0", "a3", 5),
    ],
)
def test_a_part_begins_with_what_was_latched(
    session: LoopbackSession, bag: Path, options: list[str], first: str, last: str, count: int
) -> None:
    assert play(bag, "-r", "10000", "-x", "/clock", *options) == 0
    found = [one.payload[4:].decode() for one in session.published]
    latched = "second map" if first > "a11" else "first map"
    assert found[0] == latched
    assert (found[1], [t for t in found if t != "second map"][-1], len(found)) == (first, last, count)


@pytest.mark.parametrize(("encodings", "encoding"), [({"cdr"}, "cdr"), ({"ros1"}, "ros1")])
def test_messages_are_brought_to_the_other_ros(
    session: LoopbackSession, bag: Path, folder: Path, encodings: set[str], encoding: str
) -> None:
    session.encodings = frozenset(encodings)
    assert play(bag, folder, "/a", "/b", "-r", "10000") == 0
    make = string2 if encoding == "cdr" else string1
    found = [one.payload for one in session.published]
    assert found == [make(f"{name}{i}") for i in range(20) for name in "ab"]
    assert {connection.encoding for connection in session.advertised.values()} == {encoding}
    assert all(connection.definition for connection in session.advertised.values())


def test_what_cannot_be_played_is_told_and_everything_else_is(
    session: LoopbackSession, bag: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    session.refused = {"/map": "there is no room for maps"}
    assert play(bag, "-r", "10000") == 3
    assert len(session.published) == 40
    assert "/map: there is no room for maps" in capfd.readouterr().err


def test_a_topic_may_stand_behind_the_clock(session: LoopbackSession, bag: Path) -> None:
    assert play(bag, "--clock", "/a", "-r", "1000") == 0
    assert {connection.topic for connection in session.advertised.values()} == {"/a"}
    assert session.clocks


def test_the_recorded_clock_gives_way_to_one_that_is_asked_for(session: LoopbackSession, bag: Path) -> None:
    assert play("--clock", bag, "-r", "4") == 0
    assert "/clock" not in {connection.topic for connection in session.advertised.values()}
    clocks = np.array(session.clocks)
    assert len(clocks) >= 10
    assert (np.diff(clocks) >= 0).all()
    assert (clocks.min(), clocks.max()) >= (START, START)
    assert clocks.max() <= START + 2 * SECOND


def test_times_between_messages_are_those_recorded(session: LoopbackSession, bag: Path) -> None:
    assert play(bag, "/a", "-r", "2") == 0
    moments = np.array([one.sent_secs for one in session.published])
    # A busy machine may be late now and then; all at once, or at another rate, they are 0.25 s apart from this.
    late = moments - np.arange(20) * 0.05
    assert np.median(np.abs(late - np.median(late))) < 0.1


def test_by_publish_time(session: LoopbackSession, tmp_path: Path) -> None:
    from mcap.writer import Writer

    path = tmp_path / "sent.mcap"
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start()
        channel = writer.register_channel("/a", "json", 0)
        order = [3, 0, 2, 1, 4]
        for i, sent in enumerate(order):
            writer.add_message(channel, START + i, str(i).encode(), START - 100 + sent)
        writer.finish()  # type: ignore[no-untyped-call]
    assert play(path, "--by", "publish") == 0
    assert [one.payload for one in session.published] == [str(order.index(i)).encode() for i in range(5)]
    session.advertised.clear()
    session.events.clear()
    assert play(path) == 0
    assert [one.payload for one in session.published] == [str(i).encode() for i in range(5)]


@pytest.mark.parametrize("by", ["log", "publish"])
def test_a_file_that_stands_by_topic_is_played_by_time(session: LoopbackSession, tmp_path: Path, by: str) -> None:
    """More of it lies between a message and its place than may be held in memory."""
    from mcap.writer import Writer

    path = tmp_path / "by_topic.mcap"
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=20_000)
        writer.start()
        for t in range(5):
            channel = writer.register_channel(f"/t{t}", "json", 0)
            for i in range(400):
                writer.add_message(channel, START + i * 1000 + t, f"{t} {i}".encode() * 60, START + i * 1000 + t - 500)
        writer.finish()  # type: ignore[no-untyped-call]
    assert play(path, "--read-ahead", "400kB", "--by", by, "-r", "10000") == 0
    times = [one.log_time_nanos for one in session.published]
    assert times == [START + i * 1000 + t for i in range(400) for t in range(5)]


def test_recordings_that_were_joined_are_played_by_time(
    session: LoopbackSession, bag: Path, folder: Path, tmp_path: Path
) -> None:
    joined = tmp_path / "joined.rrd"
    assert main(["convert", str(bag), str(folder), "-o", str(joined), "--raw"]) == 0
    assert play(joined, "-r", "10000", "--read-ahead", "1kB") == 0
    every = sorted([*recorded(bag), *recorded(folder)], key=lambda message: message[0])
    assert sorted(played(session)) == sorted(every)
    assert [time for time, _, _ in played(session)] == [time for time, _, _ in every]


def test_parts_of_a_recording_are_played_as_the_whole(session: LoopbackSession, bag: Path, tmp_path: Path) -> None:
    """What each part repeats of latched topics is played once, or at a start in a later part before it."""
    whole, parts = tmp_path / "whole.rrd", tmp_path / "parts"
    assert main(["convert", str(bag), "-o", str(whole), "--raw"]) == 0
    assert main(["rrd", "split", str(whole), "-o", str(parts), "-t", "+0.5s", "-t", "+1.5s"]) == 0
    files = sorted(parts.iterdir())
    assert len(files) == 3
    assert play(*files, "-r", "10000") == 0
    assert played(session) == recorded(bag)
    session.advertised.clear()
    session.events.clear()
    assert play(*files, "-r", "10000", "-s", "1.6", "/a", "/map") == 0
    assert [one.payload[4:].decode() for one in session.published] == ["second map", "a16", "a17", "a18", "a19"]


def test_json_lines_tell_what_happened(session: LoopbackSession, bag: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert play(bag, "-r", "10000", "--json") == 0
    lines: list[dict[str, Any]] = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert (lines[0]["event"], lines[0]["topics"]) == ("begin", 3)
    end = lines[-1]
    assert (end["event"], end["messages"], end["finished"]) == ("end", 42, True)
    assert end["topics"] == {"/a": 20, "/map": 2, "/clock": 20}


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        ((), 2, "Name the recording"),
        (("missing.bag",), 1, "missing.bag"),
        (("{bag}", "-s", "100"), 1, "1.9 s long"),
        (("{bag}", "-s", "1", "--until", "0.5"), 1, "behind the start"),
        (("{bag}", "/nothing"), 1, "there are /a, /clock, /map"),
        (("{bag}", "--remap", "a=b"), 1, "/a:=/b"),
        (("{bag}", "--clock", "0"), 2, "Hz"),
        (("{bag}", "-r", "0"), 2, "0"),
    ],
)
def test_mistakes_are_told(
    session: LoopbackSession,
    bag: Path,
    capfd: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    why: str,
) -> None:
    assert play(*[argument.format(bag=bag) for argument in arguments]) == code
    assert why in capfd.readouterr().err.replace("\n", " ")
    assert not session.events


def test_places_and_names() -> None:
    end = START + 10 * SECOND
    assert parse_place("2.5", START, end) == parse_place("+2.5s", START, end) == START + 2_500_000_000
    assert parse_place("-2s", START, end) == START + 8 * SECOND
    assert parse_place("1700000003", START, end) == START + 3 * SECOND
    assert parse_place("2023-11-14T22:13:21", START, end) == START + SECOND
    assert parse_remaps(["a:=/b/", "/c:=d"]) == {"/a": "/b", "/c": "/d"}
    with pytest.raises(InvalidValueError):
        parse_remaps(["/a:="])


def test_a_file_that_is_missing_is_not_taken_for_a_topic() -> None:
    assert split_arguments(["a.bag", "b.mcap", "/imu", "cam.*", "/a:=/b"]) == (
        [Path("a.bag"), Path("b.mcap")],
        ["/imu", "cam.*"],
        ["/a:=/b"],
    )
    assert files_and_topics(["a.bag", "b.mcap", "/imu", "c.bag"]) == (
        [Path("a.bag"), Path("b.mcap")],
        ["/imu", "c.bag"],
    )


def test_a_file_that_is_not_there_is_told_before_where_it_would_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ROS_MASTER_URI", "AMENT_PREFIX_PATH", "RMW_IMPLEMENTATION", "RRBRIDGE_ROS_PYTHON"):
        monkeypatch.delenv(name, raising=False)
    assert main(["play", str(tmp_path / "none.rrd")]) == 1
    assert "no such file" in capsys.readouterr().err
