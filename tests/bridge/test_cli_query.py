"""`rrbridge query` as a person runs it: tables on a terminal, files and pipes, one sentence when something is wrong."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

import rrbridge as rr
from rrbridge.rrd import RrdReader
from rrbridge_bridge.cli import main

STORE = get_typestore(Stores.ROS2_HUMBLE)
BIN = Path(sys.executable).parent


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """A rosbag2 folder: ten points a second apart."""
    point, header = STORE.types["geometry_msgs/msg/PointStamped"], STORE.types["std_msgs/msg/Header"]
    time, place = STORE.types["builtin_interfaces/msg/Time"], STORE.types["geometry_msgs/msg/Point"]
    folder = tmp_path / "points"
    with Writer(folder, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        topic = writer.add_connection("/robot/goal", point.__msgtype__, typestore=STORE)
        for i in range(10):
            message = point(
                header=header(stamp=time(sec=100 + i, nanosec=5), frame_id="map"), point=place(x=i / 2, y=-1.0, z=0.0)
            )
            writer.write(topic, (100 + i) * 10**9, STORE.serialize_cdr(message, point.__msgtype__))
    return folder


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """An `.rrd` with two entities."""
    path = tmp_path / "lab.rrd"
    stream = rr.RecordingStream("rrbridge_test", recording_id="lab")
    stream.save(path)
    stream.send_columns(
        "/battery", [rr.TimeColumn("t", duration=np.arange(50))], rr.Scalars.columns(scalars=np.arange(50) / 4)
    )
    stream.send_columns(
        "/state", [rr.TimeColumn("t", duration=np.arange(0, 50, 10))], rr.TextLog.columns(text=list("abcde"))
    )
    stream.disconnect()
    return path


def ask(capfd: pytest.CaptureFixture[str], *words: str | Path, code: int = 0) -> str:
    assert main(["query", *map(str, words)]) == code
    out, err = capfd.readouterr()
    assert (not err) == (code == 0), err
    return err if code else out


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_fields_of_a_bag_in_a_pipe(bag: Path, capfd: pytest.CaptureFixture[str]) -> None:
    statement = "select message_log_time as t, message.point.x, message.header.frame_id from robot_goal where message.point.x > 4"
    (mcap,) = bag.glob("*.mcap")
    for file in (bag, mcap):
        assert rows_of(ask(capfd, file, statement)) == [
            {"t": "1970-01-01 00:01:49", "x": "4.5", "frame_id": "map"},
        ]


def test_json_and_files(log: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    statement = 'select t, "/state:TextLog:text" as text, "/battery:Scalars:scalars" as volts from log_filled'
    found = json.loads(ask(capfd, log, statement + " where volts between 2 and 2.5", "--json"))
    assert [(row["text"], row["volts"]) for row in found] == [("a", 2.0), ("a", 2.25), ("b", 2.5)]
    for name in ("all.csv", "all.json", "all.parquet"):
        assert ask(capfd, log, statement, "-o", tmp_path / name) == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.csv", "all.json", "all.parquet", "lab.rrd"]
    table = pq.read_table(tmp_path / "all.parquet")
    assert table["volts"].to_pylist() == (np.arange(50) / 4).tolist()
    assert [row["text"] for row in rows_of((tmp_path / "all.csv").read_text())] == table["text"].to_pylist()
    assert len(json.loads((tmp_path / "all.json").read_text())) == 50


def test_what_is_read_is_never_overwritten(bag: Path, log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    link = log.with_name("link.csv")
    link.symlink_to(log)
    (mcap,) = bag.glob("*.mcap")
    before = log.read_bytes(), mcap.read_bytes()
    for read, output in ((log, log), (log, link), (log.parent, log), (bag, mcap)):
        told = ask(capfd, read, "select 1", "--csv", "-o", output, code=1)
        assert "is what is to be read" in told
    assert "is no file but a device" in ask(capfd, log, "select 1", "--csv", "-o", "/dev/null", code=1)
    told = ask(capfd, log, "select 1", "-o", log.parent / "none" / "a.csv", code=1)
    assert "a.csv: cannot be written: No such file or directory" in told
    assert (log.read_bytes(), mcap.read_bytes()) == before
    assert ask(capfd, bag, "select 1 as one", "-o", bag / "one.csv") == ""
    assert (bag / "one.csv").read_text() == "one\n1\n"


def test_damage_that_reading_meets_is_a_loss(
    log: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    (manifest,) = RrdReader(log).manifests()
    damaged = bytearray(log.read_bytes())
    index = manifest.entity_paths.index("/state")
    start = int(manifest.byte_offsets[index])
    damaged[start : start + int(manifest.byte_sizes[index])] = bytes(int(manifest.byte_sizes[index]))
    path = log.parent / "damaged" / log.name
    path.parent.mkdir()
    path.write_bytes(damaged)
    assert main(["query", str(path), "select count(*) as n from battery"]) == 0
    assert capfd.readouterr() == ("n\n50\n", "")
    for reads in ("from log", "from state"):
        assert main(["query", str(path), reads]) == 3
        assert capfd.readouterr().err.count("note: left out from byte") == 1
    assert not caplog.messages


def test_several_files_name_their_recording(bag: Path, log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    other = log.with_name("field.rrd")
    stream = rr.RecordingStream("rrbridge_test", recording_id="field")
    stream.save(other)
    stream.send_columns("/battery", [rr.TimeColumn("t", duration=[1, 2])], rr.Scalars.columns(scalars=[7.5, 70.0]))
    stream.disconnect()
    statement = "select recording, count(*) as n, max(scalars) as top from battery group by 1 order by 1"
    found = rows_of(ask(capfd, log, other, statement))
    assert [tuple(row.values()) for row in found] == [("field", "2", "70.0"), ("lab", "50", "12.25")]
    folder = rows_of(ask(capfd, log.parent, statement))
    assert [row for row in folder if row["n"] != "0"] == found


def test_without_sql_the_tables_are_listed(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    lines = [line.split() for line in ask(capfd, log).splitlines()]
    assert lines[0] == ["table", "rows", "columns"]
    assert ["battery", "50", "t,", "scalars"] in lines
    assert ["state", "5", "t,", "text"] in lines
    assert next(line for line in lines if line[0] == "log_filled")[1] == "50"


def test_a_table_on_a_terminal(log: Path) -> None:
    import pty

    leader, follower = pty.openpty()
    command = [str(BIN / "rrbridge"), "query", str(log), "select t, scalars from battery", "--rows", "3"]
    done = subprocess.run(command, stdout=follower, stderr=subprocess.PIPE, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    import os

    os.close(follower)
    shown = os.read(leader, 1 << 16).decode()
    os.close(leader)
    assert "0.75" not in shown
    assert "0.5" in shown
    assert "the first 3 rows" in shown


def test_a_reader_that_goes_away_is_no_failure(log: Path) -> None:
    rows = "select b.t, b.scalars from battery b, range(100000)"
    command = [str(BIN / "rrbridge"), "query", str(log), rows]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == b"t,scalars\n"
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(timeout=200) == 0


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["lab.rrd", "select * from batery"], 1, "batery does not exist!; tables: log, log_filled"),
        (["lab.rrd", "select volts from battery"], 1, 'column "volts" not found'),
        (["lab.rrd", "selekt 1"], 1, "syntax error"),
        (["lab.rrd", "/* only a remark */"], 1, "a statement that begins with SELECT"),
        (["lab.rrd", "select cast(text as int) from state"], 1, "Could not convert string 'a'"),
        (["gone.rrd", "select 1"], 1, "gone.rrd: no such file or folder"),
        (["lab.rrd", "gone.rrd"], 1, "gone.rrd: no such file or folder"),
        (["notes.xyz", "select 1"], 1, "notes.xyz: not a file that rrbridge can open"),
        (["lab.rrd", "select * from log", "--index", "stamp"], 1, "a timeline of the recording (t)"),
        (["lab.rrd", "select * from battery", "--index", "stamp"], 1, "a timeline of the recording (t)"),
        (["lab.rrd", ""], 1, "a statement that begins with SELECT"),
        (["lab.rrd", "select 1", "-o", "a.xlsx"], 2, "say the format with --csv, --json or --parquet"),
        (["lab.rrd", "select 1", "--csv", "--json"], 2, "one format at a time"),
        (["lab.rrd", "--json"], 2, "there is no SQL"),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    log: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    sentence: str,
) -> None:
    monkeypatch.chdir(log.parent)
    (log.parent / "notes.xyz").write_text("battery low")
    before = sorted(log.parent.iterdir())
    told = " ".join(ask(capfd, *words, code=code).replace("│", " ").split())
    assert sentence in told
    assert "Traceback" not in told
    assert sorted(log.parent.iterdir()) == before


def test_a_torn_file_says_so(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log.write_bytes(log.read_bytes()[:-900])
    assert main(["query", str(log), "select count(*) as n from battery"]) == 3
    out, err = capfd.readouterr()
    assert rows_of(out) == [{"n": "50"}]
    assert "note: " in err
