"""Recordings as Parquet and CSV: every message a row with all its fields, for pandas, polars and DuckDB."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
from rosbags.highlevel import AnyReader
from rosbags.rosbag1 import Writer as Writer1
from rosbags.typesys import Stores, get_typestore

import rrbridge as rr
from rrbridge_bridge.cli import main

ROS1 = get_typestore(Stores.ROS1_NOETIC)
ROS2 = get_typestore(Stores.ROS2_HUMBLE)
FILES = (
    "Extelligence-ai+bagel/sample.bag",
    "AIT-Assistive-Autonomous-Systems+ros2bag_tools/range.bag/range.bag_0.db3",
    "AIT-Assistive-Autonomous-Systems+ros2bag_tools/diagnostics.bag/diagnostics.bag_0.db3",
    "rerun-io+rerun/rosbag2_2025_09_10-13_03_56_0.mcap",
    "jinbeizame007+rosbag2parquet/array_msgs/array_msgs_0.mcap",
    "ros2+rosbag2/convert_a/rewriter_a_0.mcap",
    "aktaylor08+RosbagPandas/rosout.bag",
)
SAMPLES = 20
DUMMY = "structure_needs_at_least_one_member"


def run(*arguments: str | Path) -> int:
    return main(["convert", *map(str, arguments)])


def flattened(message: Any, path: str = "") -> dict[str, Any]:
    """Fields of a message of `rosbags` by path, lists as plain values."""
    found: dict[str, Any] = {}
    for name in message.__dataclass_fields__:
        value = getattr(message, name)
        if name in ("__msgtype__", DUMMY) or name.isupper():
            continue
        where = f"{path}{name}"
        if hasattr(value, "__dataclass_fields__"):
            found |= flattened(value, f"{where}.")
        else:
            found[where] = plain(value)
    return found


def plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        names = [n for n in value.__dataclass_fields__ if n != "__msgtype__" and not n.isupper()]
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, np.ndarray) and value.dtype == np.uint8:
        return value.tobytes()
    return [plain(item) for item in value] if isinstance(value, list | np.ndarray) else value


@pytest.mark.real_data
@pytest.mark.parametrize("by_way_of_rrd", [False, True])
@pytest.mark.parametrize("file", FILES)
def test_every_message_and_field(file: str, shared_data: Path, tmp_path: Path, by_way_of_rrd: bool) -> None:
    """By `rosbags`: as many rows as messages, in their order, with equal times and fields."""
    source = shared_data / file
    if by_way_of_rrd:
        assert run(source, "-o", tmp_path / "there.rrd", "--raw") == 0
    assert run(tmp_path / "there.rrd" if by_way_of_rrd else source, "-o", tmp_path / "out", "--to", "parquet") == 0
    expected: dict[str, list[tuple[int, Any]]] = defaultdict(list)
    with AnyReader([source], default_typestore=ROS2) as reader:
        for connection, time, data in reader.messages():
            expected[connection.topic].append((time, reader.deserialize(data, connection.msgtype)))
    assert len(list((tmp_path / "out").iterdir())) == len(expected)
    for topic, messages in expected.items():
        rows = pq.read_table(tmp_path / "out" / f"{topic.strip('/').replace('/', '_')}.parquet")
        assert rows.column("message_log_time").cast("int64").to_pylist() == [time for time, _ in messages]
        for row in sorted(set(np.linspace(0, len(messages) - 1, min(SAMPLES, len(messages))).astype(int).tolist())):
            found = {
                name: value
                for name, value in rows.slice(row, 1).to_pylist()[0].items()
                if not name.startswith("message_") and name not in ("ros1_timestamp", "ros2_timestamp", DUMMY)
            }
            wanted = flattened(messages[row][1])
            assert found.keys() == wanted.keys()
            for name, value in wanted.items():
                assert found[name] == value or value != value, f"{topic}[{row}].{name}"


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """Poses that begin with whole numbers, scans with infinite ranges, pictures, awkward texts."""
    path = tmp_path / "in.bag"
    types = ROS1.types
    header, stamp = types["std_msgs/msg/Header"], types["builtin_interfaces/msg/Time"]
    text, scan = types["std_msgs/msg/String"], types["sensor_msgs/msg/LaserScan"]
    point, image = types["geometry_msgs/msg/Point"], types["sensor_msgs/msg/Image"]
    awkward = ["plain", 'a "quoted" word', "comma, and\nline", "", "é"]
    with Writer1(path) as writer:
        topics = {
            name: writer.add_connection(name, kind.__msgtype__, typestore=ROS1)
            for name, kind in {"/text": text, "/scan": scan, "/point": point, "/eye/left": image}.items()
        }
        for i in range(200):
            head = header(seq=i, stamp=stamp(sec=i, nanosec=5), frame_id="laser")
            values = np.array([1.5, np.inf, i / 3], np.float32)
            messages = {
                "/text": text(data=awkward[i % 5]),
                "/point": point(x=float(i // 150) * 0.5, y=1.0, z=-1e-12),
                "/scan": scan(head, 0.0, 1.0, 0.5, 0.0, 0.1, 0.1, 9.0, values, np.zeros(0, np.float32)),
                "/eye/left": image(head, 1, 2, "mono8", 0, 2, np.array([i, 255], np.uint8)),
            }
            for topic, message in messages.items():
                writer.write(topics[topic], i * 10**9 + 1, ROS1.serialize_ros1(message, topics[topic].msgtype))
    return path


def test_csv_opens_where_tables_are_opened(bag: Path, tmp_path: Path, capsys: Any) -> None:
    """With no options, numbers are numbers and texts are what they were; lists are JSON; bytes are left out and named."""
    assert run(bag, "-o", tmp_path / "csv", "--to", "csv") == 0
    assert "no text is made of data, which is bytes" in capsys.readouterr().out
    assert run(bag, "-o", tmp_path / "parquet", "--to", "parquet") == 0
    for name in ("text", "point", "scan", "eye_left"):
        truth = pl.read_parquet(tmp_path / "parquet" / f"{name}.parquet")
        path = tmp_path / "csv" / f"{name}.csv"
        frames = {
            "polars": pl.read_csv(path),
            "pandas": pl.from_pandas(pd.read_csv(path, keep_default_na=False)),
            "duckdb": duckdb.read_csv(str(path)).pl(),
        }
        for reader, frame in frames.items():
            assert len(frame) == 200, reader
            assert set(frame.columns) == set(truth.columns) - {"data" if name == "eye_left" else ""}
            for column in frame.columns:
                kind = truth.schema[column]
                if kind.is_float():
                    assert frame.schema[column].is_float(), (reader, column)
                if kind.is_float() or kind.is_integer():
                    assert frame[column].to_list() == truth[column].cast(pl.Float64).to_list() or kind == pl.Float32
        if name == "text":
            assert frames["pandas"]["data"].to_list() == truth["data"].to_list()
    ranges = [json.loads(cell) for cell in pd.read_csv(tmp_path / "csv" / "scan.csv")["ranges"]]
    assert ranges[9] == [1.5, float("inf"), 3]
    times = pd.to_datetime(pd.read_csv(tmp_path / "csv" / "scan.csv")["ros1_timestamp"])
    assert times.astype("datetime64[ns]").astype("int64").tolist() == [i * 10**9 + 5 for i in range(200)]


def test_one_topic_in_one_file(bag: Path, tmp_path: Path, capsys: Any) -> None:
    assert run(bag, "-o", tmp_path / "all.parquet") == 1
    told = capsys.readouterr().err
    assert "holds one table, and there are several" in told
    assert "--to parquet -o FOLDER" in told
    assert not (tmp_path / "all.parquet").exists()
    assert run(bag, "-o", tmp_path / "text.parquet", "-t", "^/text$", "--start", "10", "--end", "12") == 0
    assert pq.read_table(tmp_path / "text.parquet").num_rows == 2
    assert run(bag, "-o", tmp_path / "text.csv", "-t", "^/text$") == 0
    assert len(pd.read_csv(tmp_path / "text.csv")) == 200
    assert run(bag, "-o", tmp_path / "text.csv", "-t", "^/text$") == 1
    assert "exists already" in capsys.readouterr().err


def test_bytes_are_bytes_and_names_are_told_apart(tmp_path: Path) -> None:
    topics = ["/a/b", "/a_b", "/A_b", "/" + "é" * 150, "/" + "é" * 149 + "e"]
    text = ROS1.types["std_msgs/msg/String"]
    with Writer1(tmp_path / "in.bag") as writer:
        for topic in topics:
            connection = writer.add_connection(topic, text.__msgtype__, typestore=ROS1)
            writer.write(connection, 1, ROS1.serialize_ros1(text(data=topic), text.__msgtype__))
    assert run(tmp_path / "in.bag", "-o", tmp_path / "out", "--to", "parquet", "--compression", "snappy") == 0
    found = {path.name: pq.read_table(path).column("data").to_pylist() for path in (tmp_path / "out").iterdir()}
    assert len({name.lower() for name in found}) == len(topics)
    assert sorted(value for values in found.values() for value in values) == sorted(topics)


def test_a_recording_without_bytes(bag: Path, tmp_path: Path, capsys: Any) -> None:
    """Its entities as views show them: what a program logged, and what is left of messages."""
    recording = tmp_path / "logged.rrd"
    with rr.RecordingStream("rrbridge_test", recording_id="tables") as stream:
        stream.save(recording)
        for step in range(10):
            stream.set_time("step", sequence=step)
            stream.log("/error", rr.Scalars(1 / (step + 1)))
    assert run(recording, "-o", tmp_path / "out", "--to", "parquet") == 0
    frame = pl.read_parquet(tmp_path / "out" / "error.parquet")
    assert frame["scalars"].to_list() == [1 / (step + 1) for step in range(10)]
    assert frame["step"].to_list() == list(range(10))
    assert run(bag, "-o", tmp_path / "plain.rrd") == 0
    assert run(tmp_path / "plain.rrd", "-o", tmp_path / "views", "--to", "csv") == 0
    assert len(pd.read_csv(tmp_path / "views" / "scan.csv")) == 200
    capsys.readouterr()
    assert run(bag, tmp_path / "plain.rrd", "-o", tmp_path / "both", "--to", "csv") == 1
    assert "convert it by itself" in capsys.readouterr().err


def test_durations_come_back_from_csv(tmp_path: Path, capsys: Any) -> None:
    """In seconds, as a table's time without a unit is taken; what is static has no row, and that is said."""
    times = [-1_500_000_000, -1, 0, 1, 999_999_999, 2**62]
    with rr.RecordingStream("rrbridge_test", recording_id="durations") as stream:
        stream.save(tmp_path / "logged.rrd")
        stream.log("/room", rr.Boxes3D(half_sizes=[[1, 1, 1]]), static=True)
        for nanos in times:
            stream.set_time("t", duration=np.timedelta64(nanos, "ns"))
            stream.log("/error", rr.Scalars(1))
    assert run(tmp_path / "logged.rrd", "-o", tmp_path / "error.csv", "--index", "t") == 0
    assert "/room: left out, as static data have no time" in capsys.readouterr().out.replace("\n", " ")
    lines = (tmp_path / "error.csv").read_text().splitlines()
    column = lines[0].split(",").index('"t"')
    texts = [line.split(",")[column] for line in lines[1:]]
    assert texts[:5] == ["-1.500000000", "-0.000000001", "0.000000000", "0.000000001", "0.999999999"]
    assert [int(text.replace(".", "")) for text in texts] == times
    assert run(tmp_path / "error.csv", "-o", tmp_path / "again.rrd") == 0
    chunks = rr.open(tmp_path / "again.rrd").sources()[0].store.iter_chunks("/error/scalars")
    assert [t for chunk in chunks for t in chunk.times["t"].values.tolist()][:5] == times[:5]


def test_messages_at_one_time_are_all_there_or_told(tmp_path: Path, capsys: Any) -> None:
    text = ROS1.types["std_msgs/msg/String"]
    with Writer1(tmp_path / "in.bag") as writer:
        connection = writer.add_connection("/text", text.__msgtype__, typestore=ROS1)
        for i in range(5):
            writer.write(connection, i // 2, ROS1.serialize_ros1(text(data=str(i)), text.__msgtype__))
    assert run(tmp_path / "in.bag", "-o", tmp_path / "all.parquet") == 0
    assert pq.read_table(tmp_path / "all.parquet").column("data").to_pylist() == list("01234")
    assert run(tmp_path / "in.bag", "-o", tmp_path / "plain.rrd") == 0
    capsys.readouterr()
    assert run(tmp_path / "plain.rrd", "-o", tmp_path / "views.parquet") == 3
    assert "/text: 2 messages have the same time as another" in capsys.readouterr().out.replace("\n", " ")
