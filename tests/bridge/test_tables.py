"""Tables as recordings: CSV and Parquet files against the rows they were made of."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

import rrbridge as rr
from rrbridge import importers
from rrbridge._timeline import TimeKind
from rrbridge.chunk import Chunk
from rrbridge.errors import DamagedFileError, FileError
from rrbridge.importers import ImportOptions, Note
from rrbridge_bridge.tables import csv as csv_module

EPOCH = 1_700_000_000


def chunks_of(path: Path, **options: Any) -> list[Chunk]:
    return list(importers.find(path).chunks(path, ImportOptions(**options)))


def series(chunks: list[Chunk], entity: str, timeline: str) -> list[tuple[int, Any]]:
    """`(time, values)` of an entity, row by row."""
    return [
        row
        for chunk in chunks
        if chunk.entity_path == entity
        for column in chunk.components.values()
        for row in zip(chunk.times[timeline].values.tolist(), column.cells.to_pylist(), strict=True)
    ]


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


NUMBERS = st.none() | st.floats(width=64, allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
TEXTS = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1).map("x{}".format)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(NUMBERS, TEXTS, st.none() | st.booleans()), max_size=40), block=st.integers(16, 300))
def test_what_is_written_is_read(
    rows: list[tuple[Any, ...]], block: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever the size of blocks: numbers, gaps, quotes, line ends in cells."""
    path = tmp_path_factory.mktemp("t") / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["time_ns", "a", "b", "c"])
        for i, row in enumerate(rows):
            cells = [str(v).lower() if isinstance(v, bool) else v for v in row]
            table.writerow([EPOCH * 10**9 + i, *("" if v is None else v for v in cells)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_module, "BLOCK_BYTES", block)
        chunks = chunks_of(path)
    for column, entity in enumerate(("/t/a", "/t/b", "/t/c")):
        expected = [(EPOCH * 10**9 + i, [row[column]]) for i, row in enumerate(rows) if row[column] is not None]
        assert series(chunks, entity, "time_ns") == expected


@pytest.mark.parametrize(
    ("header", "cells", "kind", "expected"),
    [
        ("time", ["1700000000.25", "1700000001"], TimeKind.TIMESTAMP, [1_700_000_000_250_000_000, 1_700_000_001 * 10**9]),
        ("timestamp", ["1700000000123", "1700000000124"], TimeKind.TIMESTAMP, [EPOCH * 10**9 + n * 10**6 for n in (123, 124)]),
        ("stamp", ["1700000000123456"], TimeKind.TIMESTAMP, [1_700_000_000_123_456_000]),
        ("%time", ["1700000000123456789"], TimeKind.TIMESTAMP, [1_700_000_000_123_456_789]),
        ("#timestamp [ns]", ["1403636579763555584"], TimeKind.TIMESTAMP, [1403636579763555584]),
        ("field.header.stamp", ["1700000000123456789"], TimeKind.TIMESTAMP, [1_700_000_000_123_456_789]),
        ("__time", ["1700000000.5"], TimeKind.TIMESTAMP, [1_700_000_000_500_000_000]),
        ("t", ["0", "0.02"], TimeKind.DURATION, [0, 20_000_000]),
        ("time_ms", ["0", "20"], TimeKind.DURATION, [0, 20_000_000]),
        ("Elapsed (µs)", ["7"], TimeKind.DURATION, [7000]),
        ("when", ["2023-11-14 22:13:20.5"], TimeKind.TIMESTAMP, [EPOCH * 10**9 + 5 * 10**8]),
        ("when", ["2023-11-14T22:13:20Z"], TimeKind.TIMESTAMP, [EPOCH * 10**9]),
        ("frame", ["5", "6"], TimeKind.SEQUENCE, [5, 6]),
    ],
)  # fmt: skip
def test_times_are_recognized(
    header: str, cells: list[str], kind: TimeKind, expected: list[int], tmp_path: Path
) -> None:
    path = written(tmp_path / "t.csv", "\n".join([f"{header},v", *(f"{cell},1" for cell in cells)]))
    (timeline,) = {name for chunk in chunks_of(path) for name in chunk.times}
    assert {chunk.times[timeline].kind for chunk in chunks_of(path)} == {kind}
    assert series(chunks_of(path), "/t/v", timeline) == [(at, [1.0]) for at in expected]
    assert timeline.strip("_% #") == timeline


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        ("a;b\n1,5;2\n", ["/t/a", "/t/b"]),
        ("a\tb\n1\t2\n", ["/t/a", "/t/b"]),
        ("1,2\n3,4\n", ["/t/column_1", "/t/column_2"]),
        ("# made by me\n# x,y\n1,2\n", ["/t/x", "/t/y"]),
        ("\ufeffx,y\r\n1,2\r\n", ["/t/x", "/t/y"]),
        (
            "pose.position.x,v (km/h),v (km/h)\n1,2,3\n",
            ["/t/pose/position/x", r"/t/v\ \(km\/h\)", r"/t/v\ \(km\/h\)_2"],
        ),
    ],
)
def test_layouts(text: str, entities: list[str], tmp_path: Path) -> None:
    chunks = chunks_of(written(tmp_path / "t.csv", text))
    assert [chunk.entity_path for chunk in chunks] == entities
    assert all(list(chunk.times) == ["row"] for chunk in chunks)


def test_types_are_those_of_the_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What looks like a whole number, or empty, at first may be something else further down."""
    monkeypatch.setattr(csv_module, "BLOCK_BYTES", 64)
    path = written(tmp_path / "t.csv", "t,a,b\n" + "".join(f"{i},{i},\n" for i in range(50)) + "50,0.5,text\n")
    chunks = chunks_of(path)
    assert series(chunks, "/t/a", "t")[-1] == (50 * 10**9, [0.5])
    assert series(chunks, "/t/b", "t") == [(50 * 10**9, ["text"])]


def test_what_does_not_fit_is_told(tmp_path: Path) -> None:
    notes: list[Note] = []
    path = written(tmp_path / "t.csv", "time,a\n1,2\n,3\n3,4,5\n4\n5,6\n")
    assert series(chunks_of(path, note=notes.append), "/t/a", "time") == [(10**9, [2.0]), (5 * 10**9, [6.0])]
    assert {note.text for note in notes if note.is_loss} == {
        "2 rows do not have 2 cells, and are left out",
        "1 rows have no time, and are left out",
    }


def test_a_choice_of_columns_and_times(tmp_path: Path) -> None:
    import re

    path = written(tmp_path / "t.csv", "time,a,b\n" + "".join(f"{EPOCH + i},{i},{-i}\n" for i in range(10)))
    chunks = chunks_of(
        path, include=(re.compile("/a$"),), start_nanos=(EPOCH + 3) * 10**9, end_nanos=(EPOCH + 4) * 10**9, prefix="r1"
    )
    assert [chunk.entity_path for chunk in chunks] == ["/r1/t/a"]
    assert series(chunks, "/r1/t/a", "time") == [((EPOCH + 3) * 10**9, [3.0]), ((EPOCH + 4) * 10**9, [4.0])]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b"\xff\xfea\0,\0", "not a file"), (b"\xff\xfe\xe9,b\n", "UTF-16"), (b'a,b\n1,"2\n' * 3, None)],
)
def test_what_is_no_table(content: bytes, said: str | None, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    if said is None:
        chunks_of(path)
        return
    with pytest.raises(FileError, match=said):
        chunks_of(path)


def test_parquet_of_every_type(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    stamps = [dt.datetime(2024, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=i) for i in range(3)]
    table = pa.table(
        {
            "when": pa.array(stamps, pa.timestamp("us", "UTC")),
            "step": pa.array([7, 8, 9], pa.uint32()),
            "imu": pa.array([{"gyro": {"x": 1.0}, "ok": True}, None, {"gyro": {"x": 3.0}, "ok": False}]),
            "joints": pa.array([[1.0, 2.0], [], [3.0]], pa.list_(pa.float32())),
            "mode": pa.array(["a", "b", None]).dictionary_encode(),
            "map": pa.array([[("a", 1)]] * 3, pa.map_(pa.string(), pa.int8())),
        }
    )
    parquet.write_table(table, path, row_group_size=2)
    notes: list[Note] = []
    chunks = chunks_of(path, note=notes.append)
    nanos = [int(stamp.timestamp() * 1000) * 10**6 for stamp in stamps]
    assert series(chunks, "/log/imu/gyro/x", "when") == [(nanos[0], [1.0]), (nanos[2], [3.0])]
    assert series(chunks, "/log/imu/ok", "step") == [(7, [1.0]), (9, [0.0])]
    assert series(chunks, "/log/joints", "step") == [(7, [1.0, 2.0]), (8, []), (9, [3.0])]
    assert series(chunks, "/log/mode", "step") == [(7, ["a"]), (8, ["b"])]
    (lost,) = notes
    assert lost.is_loss
    assert lost.text.startswith("column map is left out: nothing is made of map<string, int8")
    summary = importers.info(path)
    assert (summary.start_nanos, summary.end_nanos) == (nanos[0], nanos[2])
    assert {t.topic: t.count for t in summary.topics}["/log/joints"] == 3
    recording = rr.open(path)
    assert np.array_equal(
        recording.view("when", "/log/imu/gyro/x").to_arrow()["when"].cast(pa.int64()), [nanos[0], nanos[2]]
    )


def test_torn_parquet(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({"a": list(range(1000))}), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DamagedFileError, match="no Parquet file that can be read"):
        chunks_of(path)


def test_numbers_that_are_no_times(tmp_path: Path) -> None:
    notes: list[Note] = []
    path = written(tmp_path / "t.csv", "time_s,a\nnan,1\ninf,2\n1e300,3\n4.5,4\n")
    assert series(chunks_of(path, note=notes.append), "/t/a", "time_s") == [(4_500_000_000, [4.0])]
    assert "3 rows have no time_s" in notes[0].text
