"""`rrbridge convert` to bags as a person runs it: options, what is printed, what is left on disk."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter
from rosbags.highlevel import AnyReader
from rosbags.rosbag1 import Reader as Reader1
from rosbags.rosbag1 import Writer as Writer1
from rosbags.typesys import Stores, get_typestore

from rrbridge.importers import ImportOptions
from rrbridge_bridge.cli import main
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.readers import open_bag, rrd
from rrbridge_bridge.record.counters import Account
from rrbridge_bridge.record.maker import DriverMaker
from rrbridge_bridge.record.output import RunInfo
from rrbridge_bridge.record.rrd_output import RrdOutput
from rrbridge_bridge.writers import formats, output_format

ROS1 = get_typestore(Stores.ROS1_NOETIC)
TEXT = ROS1.types["std_msgs/msg/String"]
SECOND = 10**9


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """A latched map's name at the start, then ten texts of two publishers, a second apart."""
    path = tmp_path / "in.bag"
    with Writer1(path) as writer:
        named = writer.add_connection("/map_name", TEXT.__msgtype__, typestore=ROS1, callerid="/map", latching=1)
        chats = [
            writer.add_connection("/chat", TEXT.__msgtype__, typestore=ROS1, callerid=name, latching=0)
            for name in ("/a", "/b")
        ]
        writer.write(named, 100 * SECOND, message("yard"))
        for i in range(10):
            writer.write(chats[i % 2], (100 + i) * SECOND, message(f"text {i}"))
    return path


def message(text: str) -> bytes:
    return bytes(ROS1.serialize_ros1(TEXT(data=text), TEXT.__msgtype__))


def run(*arguments: str | Path) -> int:
    return main(["convert", *map(str, arguments)])


def texts(path: Path) -> list[tuple[str, int, str]]:
    with AnyReader([path]) as reader:
        found: list[tuple[str, int, str]] = []
        for connection, time, data in reader.messages():
            value: Any = reader.deserialize(data, connection.msgtype)
            found.append((connection.topic, time // SECOND, value.data))
    return found


def test_a_summary_for_people_and_for_programs(bag: Path, tmp_path: Path, capsys: Any) -> None:
    output = tmp_path / "out.mcap"
    assert run(bag, "-o", output) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "std_msgs/msg/String" in printed.out
    assert "9.0 s of 11 messages" in printed.out
    assert run(bag, "-o", output, "--force", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["lossless"]
    assert {topic["topic"]: topic["messages"] for topic in told["topics"]} == {"/chat": 10, "/map_name": 1}
    assert run(bag, "-o", output, "--force", "--quiet") == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("output", ["out.mcap", "out.bag", "out.db3"])
def test_nothing_is_overwritten_unasked(bag: Path, tmp_path: Path, capsys: Any, output: str) -> None:
    target = tmp_path / output
    target.write_text("precious")
    assert run(bag, "-o", target) == 1
    assert "exists already; use --force" in capsys.readouterr().err
    assert target.read_text() == "precious"
    assert run(bag, "-o", target, "--force") == 0
    assert len(in_order(target)) == 11
    assert run(bag, "-o", bag, "--force") == 1
    assert "is what is to be read" in capsys.readouterr().err


def test_folders_are_replaced_only_if_they_are_recordings(bag: Path, tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "run"
    assert run(bag, "-o", folder, "--to", "rosbag2") == 0
    with AnyReader([folder]) as reader:
        assert [(c.topic, c.msgcount) for c in reader.connections] == [("/map_name", 1), ("/chat", 10)]
    assert sorted(path.name for path in folder.iterdir()) == ["metadata.yaml", "run_0.db3"]
    assert run(bag, "-o", folder, "--to", "rosbag2-mcap") == 1
    assert "exists already" in capsys.readouterr().err
    assert run(bag, "-o", folder, "--to", "rosbag2-mcap", "--force") == 0
    assert sorted(path.name for path in folder.iterdir()) == ["metadata.yaml", "run_0.mcap"]
    assert len(texts(folder)) == 11
    with AnyReader([folder]) as reader:
        assert sorted(reader.topics) == ["/chat", "/map_name"]
    (folder / "thesis.tex").write_text("years of work")
    assert run(bag, "-o", folder, "--to", "rosbag2", "--force") == 1
    assert "other things than recordings" in capsys.readouterr().err
    assert run(bag, "-o", tmp_path, "--to", "rosbag2", "--force") == 1
    assert "holds" in capsys.readouterr().err
    assert (folder / "thesis.tex").exists()
    assert not list(tmp_path.glob(".*"))


def test_bytes_cannot_be_made_up(bag: Path, tmp_path: Path, capsys: Any) -> None:
    assert run(bag, "-o", tmp_path / "plain.rrd") == 0
    capsys.readouterr()
    assert run(tmp_path / "plain.rrd", "-o", tmp_path / "out.bag") == 1
    told = capsys.readouterr().err
    assert "no message bytes" in told
    assert "--raw" in told
    assert not (tmp_path / "out.bag").exists()


def test_half_of_the_bytes_is_not_taken_for_all(tmp_path: Path, capsys: Any) -> None:
    """Without --raw, bytes are kept only of what could not be decoded."""
    with Writer1(tmp_path / "in.bag") as writer:
        known = writer.add_connection("/chat", TEXT.__msgtype__, typestore=ROS1)
        unknown = writer.add_connection("/chat/odd", "odd_msgs/msg/Odd", msgdef="Gone gone", md5sum="0" * 32)
        writer.write(known, 1, message("hello"))
        writer.write(known, 1, message("hello"))
        writer.write(known, 2, b"torn")
        writer.write(unknown, 3, b"odd")
    assert run(tmp_path / "in.bag", "-o", tmp_path / "plain.rrd") == 3
    capsys.readouterr()
    assert run(tmp_path / "plain.rrd", "-o", tmp_path / "out.bag") == 1
    assert "has not the bytes of all messages (/chat)" in capsys.readouterr().err
    assert run(tmp_path / "plain.rrd", "-o", tmp_path / "out.bag", "-x", "^/chat$") == 0
    assert [data for *_, data in in_order(tmp_path / "out.bag")] == [b"odd"]
    assert run(tmp_path / "in.bag", "-o", tmp_path / "none.rrd", "--fields", "none") == 3
    assert run(tmp_path / "none.rrd", "-o", tmp_path / "out.bag", "--force") == 1
    assert run(tmp_path / "in.bag", "-o", tmp_path / "raw.rrd", "--fields", "none", "--raw") == 3
    assert run(tmp_path / "raw.rrd", "-o", tmp_path / "out.bag", "--force") == 0
    assert [data for *_, data in in_order(tmp_path / "out.bag")] == [
        *[message("hello")] * 2,
        b"torn",
        b"odd",
    ]


def test_topics_and_times(bag: Path, tmp_path: Path, capsys: Any) -> None:
    assert run(bag, "-o", tmp_path / "chat.bag", "-t", "chat", "--start", "+2s", "--end", "+4s") == 0
    assert texts(tmp_path / "chat.bag") == [("/chat", 100 + i, f"text {i}") for i in (2, 3, 4)]
    assert run(bag, "-o", tmp_path / "none.bag", "-t", "nothing") == 1
    assert "there are /chat, /map_name" in capsys.readouterr().err
    assert run(bag, "-o", tmp_path / "none.bag", "--start", "+90s") == 1
    assert "no message in the chosen time" in capsys.readouterr().err
    assert not (tmp_path / "none.bag").exists()


@pytest.mark.parametrize("by_way_of_rrd", [False, True])
def test_a_cut_carries_what_was_latched(bag: Path, tmp_path: Path, capsys: Any, by_way_of_rrd: bool) -> None:
    source = bag
    if by_way_of_rrd:
        source = tmp_path / "there.rrd"
        assert run(bag, "-o", source, "--raw") == 0
    assert run(source, "-o", tmp_path / "cut.bag", "--start", "105") == 0
    assert "1 latched messages from before the start stand at the start again" in capsys.readouterr().out
    assert sorted(texts(tmp_path / "cut.bag")) == [
        *[("/chat", 100 + i, f"text {i}") for i in range(5, 10)],
        ("/map_name", 105, "yard"),
    ]


def test_several_files_become_one(bag: Path, tmp_path: Path) -> None:
    assert run(bag, "-o", tmp_path / "first.bag", "--end", "104") == 0
    assert run(bag, "-o", tmp_path / "second.bag", "--start", "105", "-t", "chat") == 0
    assert run(tmp_path / "first.bag", tmp_path / "second.bag", "-o", tmp_path / "whole.bag") == 0
    assert texts(tmp_path / "whole.bag") == texts(bag)
    with Reader1(tmp_path / "whole.bag") as whole, Reader1(bag) as before:
        assert {(c.topic, c.ext) for c in whole.connections} == {(c.topic, c.ext) for c in before.connections}


def test_what_cannot_be_read_does_not_stop_the_others(bag: Path, tmp_path: Path, capsys: Any) -> None:
    junk = tmp_path / "junk.bag"
    junk.write_bytes(b"#ROSBAG V1.2\n")
    for output in ("out.bag", "out.mcap", "out.db3"):
        assert run(bag, junk, "-o", tmp_path / output) == 3
        assert "data is missing: " in (told := capsys.readouterr().out)
        assert "junk.bag: a bag of version 1.2" in told.replace("\n", "")
    assert texts(tmp_path / "out.bag") == texts(bag)
    assert run(bag, junk, "-o", tmp_path / "tables", "--to", "csv") == 3
    assert run(bag, junk, "-o", junk, "--force") == 1
    assert junk.read_bytes() == b"#ROSBAG V1.2\n"
    assert run(junk, "-o", tmp_path / "none.bag") == 1


def test_recordings_that_were_put_together_come_apart_again(bag: Path, tmp_path: Path) -> None:
    """Each has a channel 1, of other topics and types."""
    other = tmp_path / "other.bag"
    time = ROS1.types["std_msgs/msg/UInt8"]
    with Writer1(other) as writer:
        for name in ("/count", "/chat"):
            connection = writer.add_connection(
                name, time.__msgtype__ if name == "/count" else TEXT.__msgtype__, typestore=ROS1
            )
            data = ROS1.serialize_ros1(time(data=7), time.__msgtype__) if name == "/count" else message("other")
            writer.write(connection, 100 * SECOND, data)
    for path in (bag, other):
        assert run(path, "-o", path.with_suffix(".rrd"), "--raw") == 0
    assert run(bag.with_suffix(".rrd"), other.with_suffix(".rrd"), "-o", tmp_path / "both.rrd") == 0
    assert run(tmp_path / "both.rrd", "-o", tmp_path / "back.bag") == 0
    assert messages_of(tmp_path / "back.bag") == sorted(messages_of(bag) + messages_of(other))


def test_two_types_that_cannot_be_told_apart_are_a_loss(bag: Path, tmp_path: Path, capsys: Any) -> None:
    number = ROS1.types["std_msgs/msg/UInt8"]
    with Writer1(tmp_path / "other.bag") as writer:
        connection = writer.add_connection("/chat", number.__msgtype__, typestore=ROS1)
        writer.write(connection, 1, ROS1.serialize_ros1(number(data=7), number.__msgtype__))
    for path in (bag, tmp_path / "other.bag"):
        assert run(path, "-o", path.with_suffix(".rrd"), "--raw") == 0
    assert run(bag.with_suffix(".rrd"), tmp_path / "other.rrd", "-o", tmp_path / "both.rrd") == 0
    capsys.readouterr()
    assert run(tmp_path / "both.rrd", "-o", tmp_path / "back.bag") == 3
    assert "std_msgs/String and std_msgs/UInt8" in capsys.readouterr().out.replace("\n", " ").replace("/msg/", "/")
    assert run(bag.with_suffix(".rrd"), tmp_path / "other.rrd", "-o", tmp_path / "apart.bag") == 0


def messages_of(path: Path) -> list[tuple[str, str, int, bytes]]:
    with Reader1(path) as reader:
        return sorted((c.topic, c.msgtype, time, bytes(data)) for c, time, data in reader.messages())


@pytest.mark.parametrize("by_way_of_parts", [False, True])
def test_two_robots_come_back_as_two(bag: Path, tmp_path: Path, by_way_of_parts: bool) -> None:
    """Their topics below their prefixes, as the recording has them."""
    both = tmp_path / "both.rrd"
    if by_way_of_parts:
        for name in ("a", "b"):
            assert run(bag, "--prefix", f"/{name} 1", "--raw", "-o", tmp_path / f"{name}.rrd") == 0
        assert run(tmp_path / "a.rrd", tmp_path / "b.rrd", "-o", both) == 0
    else:
        assert run("--prefix", "/a 1", bag, "--prefix", "/b 1", bag, "--raw", "-o", both) == 0
    assert run(both, "-o", tmp_path / "back.bag") == 0
    want = [(f"/{name} 1{topic}", *rest) for name in "ab" for topic, *rest in messages_of(bag)]
    assert messages_of(tmp_path / "back.bag") == sorted(want)


def test_parts_of_a_recording_become_the_whole_bag(bag: Path, tmp_path: Path) -> None:
    """Each part carries the last row of everything along: of these, a part's bag has only what was latched, the whole none."""
    assert run(bag, "-o", tmp_path / "there.rrd", "--raw") == 0
    assert main(["rrd", "split", str(tmp_path / "there.rrd"), "-o", str(tmp_path / "parts"), "-n", "3"]) == 0
    parts = sorted((tmp_path / "parts").iterdir())
    assert len(parts) == 3
    assert run(*parts, "-o", tmp_path / "whole.bag") == 0
    assert texts(tmp_path / "whole.bag") == texts(bag)
    assert run(parts[2], "-o", tmp_path / "last.bag") == 0
    last = texts(tmp_path / "last.bag")
    assert [text for topic, _, text in last if topic == "/map_name"] == ["yard"]
    assert [text for topic, _, text in last if topic == "/chat"] == [f"text {i}" for i in range(6, 10)]


def test_what_the_recorder_recorded(tmp_path: Path) -> None:
    """Announced, decoded, written as bytes alone while it was behind, announced anew: all of it becomes a bag."""
    connection = Connection(
        3, "/chat", "std_msgs/msg/String", "ros1", "string data", "ros1msg", {"callerid": "/a", "md5sum": "9" * 32}
    )
    file = RrdOutput(DriverMaker(ImportOptions(raw=True))).open(
        tmp_path / "recorded.rrd", RunInfo(start_nanos=0, name="recorded")
    )
    batches = [RawBatch.of(connection, [message(f"text {i}")], [i * SECOND], sequence=[i], order=[i]) for i in range(4)]
    latching = replace(connection, metadata={**connection.metadata, "latching": "1"})
    file.announce(connection)
    file.write(batches[0], in_haste=False)
    file.write(batches[1], in_haste=True)
    file.announce(latching)
    file.write(batches[3], in_haste=False)
    file.write(batches[2], in_haste=False)
    file.close(Account([], complete=True))
    assert run(tmp_path / "recorded.rrd", "-o", tmp_path / "out.bag") == 0
    with Reader1(tmp_path / "out.bag") as bag:
        assert [(c.topic, c.digest, c.ext.callerid, c.ext.latching) for c in bag.connections] == [  # type: ignore[union-attr]
            ("/chat", "9" * 32, "/a", 1)
        ]
    assert [data[4:] for *_, data in in_order(tmp_path / "out.bag")] == [f"text {i}".encode() for i in range(4)]


@pytest.mark.parametrize("compression", ["none", "lz4", "bz2"])
def test_compression_of_bags(bag: Path, tmp_path: Path, compression: str) -> None:
    output = tmp_path / "out.bag"
    assert run(bag, "-o", output, "--compression", compression, "--chunk-size", "100B") == 0
    assert texts(output) == texts(bag)
    assert f"compression={compression}".encode() in output.read_bytes()
    with Reader1(output) as reader:
        assert len(reader.chunks) > 3


@pytest.mark.parametrize("compression", ["zstd", "lz4", "none"])
def test_compression_of_mcap(bag: Path, tmp_path: Path, compression: str) -> None:
    output = tmp_path / "out.mcap"
    assert run(bag, "-o", output, "--compression", compression, "--chunk-size", "1KiB") == 0
    with output.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None
        assert {index.compression for index in summary.chunk_indexes} == {compression.replace("none", "")}
        assert [m.log_time for *_, m in reader.iter_messages()] == [t * SECOND for t in (100, *range(100, 110))]


def test_options_that_do_not_fit_are_wrong_usage(bag: Path, tmp_path: Path, capsys: Any) -> None:
    for words in ("-o x.bag --compression zstd", "-o x.rrd --compression lz4", "--to mcap"):
        assert run(bag, *words.split()) == 2
    assert "is none or lz4 or bz2" in capsys.readouterr().err.replace("\n", " ").replace("│ ", "")


def test_a_full_disk_is_told(bag: Path, tmp_path: Path) -> None:
    """With room for less than the output there is none, no rest of one, and a sentence."""
    big = tmp_path / "big.bag"
    with Writer1(big) as writer:
        connection = writer.add_connection("/chat", TEXT.__msgtype__, typestore=ROS1)
        for i in range(300):
            writer.write(connection, i, message(os.urandom(4000).hex()))
    for output, to in {
        "out.mcap": "mcap",
        "out.bag": "bag",
        "out.db3": "db3",
        "run": "rosbag2-mcap",
        "tables": "parquet",
        "table.csv": "csv",
    }.items():
        arguments = ["convert", str(big), "-o", str(tmp_path / output), "--to", to]
        script = (
            "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
            "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, 1 << 19)); "
            f"from rrbridge_bridge.cli import main; sys.exit(main({arguments!r}))"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=200, check=False)
        assert done.returncode == 1
        assert "cannot be written" in done.stderr, done.stderr
        assert output in done.stderr
        assert "partial" not in done.stderr
        assert not (tmp_path / output).exists()
    assert not list(tmp_path.glob(".*"))


def test_damage_is_a_loss_and_the_rest_is_kept(bag: Path, tmp_path: Path, capsys: Any) -> None:
    assert run(bag, "-o", tmp_path / "chunks.bag", "--chunk-size", "100B") == 0
    whole = (tmp_path / "chunks.bag").read_bytes()
    (tmp_path / "torn.bag").write_bytes(whole[: (4096 + len(whole)) // 2])  # behind the header
    capsys.readouterr()
    assert run(tmp_path / "torn.bag", "-o", tmp_path / "out.bag", "--json") == 3
    told = json.loads(capsys.readouterr().out)
    assert told["losses"]
    kept = texts(tmp_path / "out.bag")
    assert 0 < len(kept) < 11
    assert kept == texts(bag)[: len(kept)]


def test_messages_that_are_not_there_are_a_loss(bag: Path, tmp_path: Path, capsys: Any) -> None:
    """What a folder's metadata, or a file's own, counts."""
    assert run(bag, "-o", tmp_path / "run", "--to", "rosbag2") == 0
    part = tmp_path / "run" / "run_0.db3"
    with contextlib.closing(sqlite3.connect(part)) as db, db:
        db.execute("DELETE FROM messages WHERE id IN (3, 4)")
    for source in (tmp_path / "run", part):
        capsys.readouterr()
        assert run(source, "-o", tmp_path / "out.mcap", "--force") == 3
        assert "2 of the messages that" in capsys.readouterr().out
        assert len(in_order(tmp_path / "out.mcap")) == 9


def test_a_torn_recording_gives_what_it_has(bag: Path, tmp_path: Path, capsys: Any) -> None:
    assert run(bag, "-o", tmp_path / "there.rrd", "--raw") == 0
    whole = (tmp_path / "there.rrd").read_bytes()
    codes = set()
    for share in (0.3, 0.5, 0.7, 0.9):
        (tmp_path / "torn.rrd").write_bytes(whole[: int(len(whole) * share)])
        capsys.readouterr()
        codes.add(code := run(tmp_path / "torn.rrd", "-o", tmp_path / "out.bag", "--force"))
        if code == 3:
            assert "data is missing" in capsys.readouterr().out
            kept = in_order(tmp_path / "out.bag")
            assert kept == [message for message in in_order(bag) if message in kept]
        else:
            assert "bytes" in capsys.readouterr().err
    assert 3 in codes


def test_a_folder_without_permission_is_told(bag: Path, tmp_path: Path, capsys: Any) -> None:
    for name, to in (("out.mcap", "mcap"), ("run", "rosbag2")):
        assert run(bag, "-o", tmp_path / "no" / name, "--to", to) == 1
        assert "cannot be written: No such file or directory" in capsys.readouterr().err


def test_formats_are_found_by_name_and_by_ending() -> None:
    names = {one.name for one in formats()}
    assert names >= {"mcap", "bag", "db3", "rosbag2", "rosbag2-mcap"}
    for name in names:
        found = output_format(None, name)
        assert found is not None
        assert found.name == name
    for ending in (".mcap", ".bag", ".db3"):
        found = output_format(Path(f"x{ending.upper()}"), None)
        assert found is not None
        assert f".{found.name}" == ending
    assert output_format(Path("x.rrd"), None) is None
    assert output_format(None, None) is None


@pytest.mark.parametrize("limits", [(16 << 20, 256 << 20), (5000, 20_000), (1, 1)])
def test_rows_of_a_recording_come_in_order_within_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int]
) -> None:
    """Whatever is held: the order of the bag, though topics stand in chunks of their own, some of them over all of the time."""
    source = tmp_path / "in.mcap"
    rng = np.random.default_rng(3)
    with source.open("wb") as file:
        writer = McapWriter(file, compression=CompressionType.NONE)
        writer.start("own", "test")
        channels = [writer.register_channel(f"/t{i}", "octets", 0, {"n": str(i)}) for i in range(12)]
        weights = np.array([0.5] + [0.5 / 11] * 11)
        for i, pick in enumerate(rng.choice(12, 3000, p=weights).tolist()):
            data = rng.bytes(int(rng.integers(0, 200)) if pick else 300)
            time = int(rng.integers(0, 10**12))
            writer.add_message(channels[pick], time, data, publish_time=time - 1, sequence=i)
        writer.finish()  # type: ignore[no-untyped-call]
    assert run(source, "-o", tmp_path / "there.rrd", "--raw") == 3
    monkeypatch.setattr(rrd, "BLOCK_BYTES", limits[0])
    monkeypatch.setattr(rrd, "HELD_BYTES", limits[1])
    assert run(tmp_path / "there.rrd", "-o", tmp_path / "back.mcap") == 0
    assert in_order(tmp_path / "back.mcap") == in_order(source)


def in_order(path: Path) -> list[tuple[Any, ...]]:
    with open_bag(path) as reader:
        topics = {c.id: c.topic for c in reader.connections}
        return [
            (topics[number], time, published, sequence, rows.buffer[at : at + size].tobytes())
            for rows in reader.rows()
            for number, time, published, sequence, at, size in zip(
                rows.connection_ids.tolist(),
                rows.log_time_nanos.tolist(),
                rows.publish_time_nanos.tolist(),
                rows.sequence.tolist(),
                rows.starts.tolist(),
                rows.sizes.tolist(),
                strict=True,
            )
        ]
