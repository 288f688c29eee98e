"""Views of opened recordings: what becomes of cells, several recordings, live ones, and where a wish does not fit."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rrbridge as rr
from rrbridge import _query_cells, _query_plan
from rrbridge._arrow import take_lists
from rrbridge._chunk import Chunk, ComponentColumn
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._messages import StoreId, StoreKind
from rrbridge._query_recording import Recording, Recordings
from rrbridge._query_select import Shown
from rrbridge._store import ChunkStore
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.errors import FileError, InvalidChunkError, InvalidValueError, NotARecordingError, QueryError
from rrbridge.importers import ImportOptions, Note

SECOND = 1_000_000_000


def write(path: Path, scalars: list[float], *, recording_id: str = "", entity: str = "/imu") -> Path:
    stream = rr.RecordingStream("rrbridge_test", recording_id=recording_id or path.stem)
    stream.save(path)
    stream.send_columns(
        entity, [rr.TimeColumn("stamp", timestamp=range(len(scalars)))], rr.Scalars.columns(scalars=scalars)
    )
    stream.disconnect()
    return path


def store_of(
    cells: pa.Array, *, entity: str = "/a", component: str | ComponentDescriptor = "x", times: Any = None
) -> ChunkStore:
    nanos = np.arange(len(cells)) if times is None else np.asarray(times)
    chunk = Chunk.from_columns(
        entity,
        times=[TimeColumn.of("t", TimeKind.DURATION, nanos)],
        components=[ComponentColumn(component, cells)],
    )
    return ChunkStore.from_chunks([chunk])


STRUCT = pa.list_(pa.struct([("p", pa.struct([("x", pa.int64())])), ("n", pa.list_(pa.int64()))]))
INTS = st.integers(-9, 9)
VALUE = st.none() | st.builds(lambda x, n: {"p": {"x": x}, "n": n}, INTS, st.lists(INTS, max_size=3))


@given(st.lists(st.none() | st.lists(VALUE, max_size=3), min_size=1, max_size=6), st.integers(0, 2), st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_parts_of_cells(cells: list[Any], instance: int, offset: int) -> None:
    array = pa.array([None] * offset + cells, STRUCT).slice(offset)

    def part(value: Any) -> Any:
        return value and value["p"]["x"]

    whole = Shown("c", "c", path=".p.x").of(array)
    assert whole.to_pylist() == [None if cell is None else [part(value) for value in cell] for cell in cells]
    picked = [cell[instance] if cell is not None and len(cell) > instance else None for cell in cells]
    assert Shown("c", "c", instance).of(array).to_pylist() == picked
    assert Shown("c", "c", instance, ".p.x").of(array).to_pylist() == [part(value) for value in picked]
    if all(cell is None or len(cell) < 2 for cell in cells):
        assert Shown("c", "c", is_plain=True).of(array).to_pylist() == [cell[0] if cell else None for cell in cells]


def test_plain_values_only_where_no_cell_has_more() -> None:
    store = store_of(pa.array([[1.0], None, [], [4.0]]))
    store.insert_all(store_of(pa.array([[1], [2, 3]]), component="two").chunks())
    view = Recording("r", store).view("t").plain_values()
    assert view.to_arrow().select(["/a:two", "/a:x"]).to_pydict() == {
        "/a:two": [[1], [2, 3], None, None],
        "/a:x": [1.0, None, None, 4.0],
    }
    assert view.schema().field("/a:x").type == pa.float64()


def test_selecting_renaming_and_paths() -> None:
    store = store_of(pa.array([[{"pose": {"x": 1.5}, "v": [7, 8]}]]), component="my.Odometry:message")
    view = Recording("r", store).view("t")
    found = view.select("t", x="/a:my.Odometry:message.pose.x", second="/a:my.Odometry:message[0].v[1]").to_arrow()
    assert found.drop_columns(["t"]).to_pydict() == {"x": [[1.5]], "second": [8]}
    assert view.select(["t"], "t").schema().names == ["t", "t"]
    assert view.select(x="/a:my.Odometry:message.pose.x").plain_values().to_arrow()["x"].to_pylist() == [1.5]
    with pytest.raises(InvalidValueError, match=r"column of the view, with or without a path \(t, /a:my"):
        view.select("/b:x").schema()
    with pytest.raises(InvalidValueError, match=r"a path into /a:my\.Odometry:message"):
        view.select("/a:my.Odometry:message.twist").schema()


def test_ranges_in_every_unit(tmp_path: Path) -> None:
    view = Recording("r", store_of(pa.array([[float(i)] for i in range(5)]), times=np.arange(5) * SECOND)).view("t")
    sections = [
        view.filter_range(1, 3.5),
        view.filter_range(dt.timedelta(seconds=1), np.timedelta64(3500, "ms")),
        view.filter_range_secs(0.5, 3),
        view.filter_range_nanos(SECOND, 4 * SECOND - 1),
    ]
    assert all(section.to_arrow()["/a:x"].to_pylist() == [[1.0], [2.0], [3.0]] for section in sections)
    assert view.filter_range(2).count_rows() == 3
    assert view.filter_range(None, -1).count_rows() == 0
    stamps = rr.open(write(tmp_path / "a.rrd", [1.0, 2.0, 3.0])).view()
    assert stamps.filter_range(dt.datetime(1970, 1, 1, 0, 0, 1, tzinfo=dt.UTC)).count_rows() == 2
    assert stamps.filter_range(pd.Timestamp(2, unit="s"), np.datetime64(9, "s")).count_rows() == 1
    for wrong, message in [
        (view.filter_range_sequence(1), "filter_range_sequence: expected a timeline of sequence numbers, got 't'"),
        (stamps.filter_range(1.7e18), "nanoseconds: filter_range_nanos"),
        (stamps.filter_range_nanos(1.5), "a whole number on 'stamp'"),  # type: ignore[arg-type]
        (stamps.filter_range("today"), "timestamp: expected seconds since the epoch"),  # type: ignore[arg-type]
    ]:
        with pytest.raises(InvalidValueError, match=message):
            wrong.to_arrow()


def test_index_values_in_every_form(tmp_path: Path) -> None:
    view = rr.open(write(tmp_path / "a.rrd", [1.0, 2.0, 3.0])).view().fill_latest_at().plain_values()
    wanted = np.array([2_500_000_000, 1 * SECOND], "datetime64[ns]")
    forms = [
        wanted,
        wanted.astype(np.int64),
        wanted.astype("datetime64[ms]"),
        pa.array(wanted),
        pa.chunked_array([pa.array(wanted)]),
        pd.Series(wanted),
        pd.DatetimeIndex(wanted),
        pl.Series(wanted),
        [dt.datetime(1970, 1, 1, 0, 0, 1), dt.datetime(1970, 1, 1, 0, 0, 2, 500_000)],
    ]
    for form in forms:
        found = view.using_index_values(form).to_arrow()
        assert found["stamp"].cast(pa.int64()).to_pylist() == [SECOND, 2_500_000_000], form
        assert found["/imu:Scalars:scalars"].to_pylist() == [2.0, 3.0]
    assert view.using_index_values([]).count_rows() == 0
    for wrong, message in [
        ([1, 1], "each time once"),
        ([0.5], "got float64"),
        (["now"], "datetimes, or whole nanoseconds"),
        (np.array([1], "timedelta64[s]"), "got timedelta64"),
        (np.array(["NaT"], "datetime64[ns]"), "a missing one"),
        (pa.array([1, None]), "nulls among them"),
    ]:
        with pytest.raises(InvalidValueError, match=message):
            view.using_index_values(wrong).to_arrow()


@given(st.sampled_from(["W", "D", "h", "m", "s", "ms", "us", "ns"]), st.integers(-(2**62), 2**62) | INTS)
def test_times_of_any_unit_are_nanoseconds_or_refused(unit: str, count: int) -> None:
    seconds = {"W": 604_800, "D": 86_400, "h": 3_600, "m": 60, "s": 1}
    nanos = count * (seconds[unit] * SECOND if unit in seconds else {"ms": 1_000_000, "us": 1_000, "ns": 1}[unit])
    view = Recording("r", store_of(pa.array([[1]]))).view("t").fill_latest_at()
    times = np.array([count], f"timedelta64[{unit}]")
    if abs(nanos) < 2**63:
        assert view.using_index_values(times).to_arrow()["t"].cast(pa.int64()).to_pylist() == [nanos]
        return
    for refused in (view.using_index_values(times), view.filter_range(times[0])):
        with pytest.raises(InvalidValueError, match="at most 292 years"):
            refused.to_arrow()


def test_pandas_and_polars_have_the_same_rows(tmp_path: Path) -> None:
    view = rr.open(write(tmp_path / "a.rrd", [1.5, 2.5])).view().plain_values()
    assert view.to_pandas()["/imu:Scalars:scalars"].to_list() == [1.5, 2.5]
    assert view.to_polars()["/imu:Scalars:scalars"].to_list() == [1.5, 2.5]
    assert str(view.to_pandas()["stamp"].dtype) == "datetime64[ns]"
    assert pl.DataFrame(view).equals(view.to_polars())
    assert pa.table(view).equals(view.to_arrow())
    assert [batch.num_rows for batch in view] == [2]


def test_several_recordings_have_a_column_of_names(tmp_path: Path) -> None:
    first, second = write(tmp_path / "monday.rrd", [1.0, 2.0]), write(tmp_path / "tuesday.rrd", [3.0], entity="/sonar")
    found = rr.open([first, second])
    assert isinstance(found, Recordings)
    assert found.names == ["monday", "tuesday"]
    table = found.view().plain_values().to_arrow()
    assert table.schema.names == ["recording", "stamp", "/imu:Scalars:scalars", "/sonar:Scalars:scalars"]
    assert table.drop_columns(["stamp"]).to_pydict() == {
        "recording": ["monday", "monday", "tuesday"],
        "/imu:Scalars:scalars": [1.0, 2.0, None],
        "/sonar:Scalars:scalars": [None, None, 3.0],
    }
    assert rr.open(tmp_path).view().to_arrow().equals(found.view().to_arrow())
    assert found[1].view().to_arrow().num_rows == 1
    assert list(found[:1].names) == ["monday"]
    assert found.time_range() == (0, SECOND)
    assert rr.open_all(first).view().schema().names[0] == "recording"
    assert rr.open(first).view().schema().names[0] == "stamp"


def test_parts_of_a_run_are_one_recording(tmp_path: Path) -> None:
    write(tmp_path / "part_0.rrd", [1.0, 2.0], recording_id="run")
    write(tmp_path / "part_1.rrd", [9.0], recording_id="run", entity="/sonar")
    write(tmp_path / "other.rrd", [5.0], recording_id="another")
    whole, other = rr.open([tmp_path / "part_0.rrd", tmp_path / "part_1.rrd"]), rr.open(tmp_path)
    assert isinstance(whole, Recordings)
    assert (whole.names, whole.view().count_rows()) == (["part_0"], 2)
    assert isinstance(other, Recordings)
    assert other.names == ["other", "part_0"]


@pytest.mark.parametrize("limit", [None, 0, "10MB"])
@pytest.mark.parametrize("is_torn", [False, True])
def test_parts_that_do_not_fit_into_memory_are_the_whole(tmp_path: Path, limit: int | None, is_torn: bool) -> None:
    """The parts differ in their entities, components and timelines, as a run does that grows."""

    def log(stream: rr.RecordingStream, part: int) -> None:
        for step in range(5 * part, 5 * part + 5):
            stream.set_time("step", sequence=step)
            if part:
                stream.set_time("stamp", timestamp=step)
                stream.log("/sonar", rr.TextLog(f"ping {step}"))
            stream.log("/imu", rr.Scalars([float(step)]))
        stream.log(f"/static{part}", rr.Scalars([float(part)]), static=True)

    whole = rr.RecordingStream("rrbridge_test", recording_id="run")
    expected = rr.open(whole)
    for part in range(3):
        stream = rr.RecordingStream("rrbridge_test", recording_id="run")
        stream.save(tmp_path / f"part_{part}.rrd")
        for each in (whole, stream):
            log(each, part)
        stream.disconnect()
    if is_torn:
        for path in tmp_path.iterdir():
            path.write_bytes(path.read_bytes()[:-40])
    (found,) = rr.open_all(tmp_path, memory_limit=limit)
    assert found.timelines() == expected.timelines()
    for index in ("step", "stamp", None):
        views = [r.view(index).fill_latest_at() for r in (expected, found)]
        names = [name for name in views[0].schema().names if name not in ("log_time", "log_tick")]
        tables = [view.select(*names).to_arrow().to_pylist() for view in views]
        assert tables[0] == tables[1], index
    latest = found.store.latest_at("/imu", ["Scalars:scalars"], "step", 7)
    assert latest["Scalars:scalars"].values.to_pylist() == [7.0]
    assert not found.store.dropped


def test_a_torn_recording_that_does_not_fit_into_memory_stays_on_disk(tmp_path: Path) -> None:
    path = write(tmp_path / "a.rrd", [1.0, 2.0])
    path.write_bytes(path.read_bytes()[:-40])
    notes: list[Note] = []
    (found,) = rr.open_all(path, ImportOptions(note=notes.append), memory_limit=0)
    assert [note.is_loss for note in notes] == [True]
    assert found.on_disk is not None
    assert found.view().plain_values().to_arrow()["/imu:Scalars:scalars"].to_pylist() == [1.0, 2.0]


def test_recordings_in_one_file_are_named_by_their_ids(tmp_path: Path) -> None:
    from rrbridge._messages import StoredChunk, StoreInfo
    from rrbridge.rrd import RrdWriter

    path = tmp_path / "both.rrd"
    with RrdWriter(path) as writer:
        for number in range(2):
            store_id = StoreId(StoreKind.RECORDING, "rrbridge_test", f"id{number}")
            writer.write(StoreInfo.new(store_id))
            for chunk in store_of(pa.array([[number]])).chunks():
                writer.write(StoredChunk(store_id, chunk))
    assert [recording.name for recording in rr.open_all(path)] == ["both id0", "both id1"]


def test_recordings_that_disagree() -> None:
    numbers, texts = store_of(pa.array([[1], [2]])), store_of(pa.array([["a"]]))
    frames = ChunkStore.from_chunks(
        [
            Chunk.from_columns(
                "/a",
                times=[TimeColumn.of("frame", TimeKind.SEQUENCE, [1])],
                components=[ComponentColumn("x", pa.array([[1]]))],
            )
        ]
    )
    both = Recordings([Recording("n", numbers), Recording("t", texts)])
    with pytest.raises(InvalidChunkError, match=r"/a:x is .* in one recording, .* in another"):
        both.view("t").to_arrow()
    apart = Recordings([Recording("n", numbers), Recording("f", frames)])
    assert apart.view("t").to_arrow()["recording"].to_pylist() == ["n", "n"]
    assert apart.view("frame").to_arrow()["recording"].to_pylist() == ["f"]
    with pytest.raises(InvalidValueError, match=r"a timeline of the recording \(frame, t\)"):
        apart.view("stamp")


def test_a_live_recording_sees_what_was_logged_so_far(tmp_path: Path) -> None:
    stream = rr.RecordingStream("rrbridge_test")
    stream.set_time("step", sequence=0)
    stream.log("/a", rr.Scalars(0.0))
    view = rr.open(stream).view("step").plain_values()
    assert view.to_arrow()["/a:Scalars:scalars"].to_pylist() == [0.0]
    for step in range(1, 6):
        if step == 2:
            stream.save(tmp_path / "live.rrd")
        if step == 4:
            stream.set_sinks(rr.FileSink(tmp_path / "left.rrd"), rr.FileSink(tmp_path / "right.rrd"))
        stream.set_time("step", sequence=step)
        stream.log("/a", rr.Scalars(float(step)))
        stream.log("/b", rr.TextLog(str(step)))
        assert view.to_arrow()["/a:Scalars:scalars"].to_pylist() == list(range(step + 1))
    late = rr.open(stream).view("step").plain_values()
    assert late.to_arrow()["/a:Scalars:scalars"].to_pylist() == [4.0, 5.0]
    assert late.to_arrow()["/b:TextLog:text"].to_pylist() == ["4", "5"]
    stream.disconnect()
    stream.log("/b", rr.TextLog("after"))
    assert late.to_arrow()["/b:TextLog:text"].to_pylist() == ["4", "after"]


def test_a_live_recording_of_a_pipe_says_what_it_lacks(caplog: pytest.LogCaptureFixture) -> None:
    stream = rr.RecordingStream("rrbridge_test")
    reader = stream.binary_stream()
    stream.set_time("step", sequence=0)
    stream.log("/a", rr.Scalars(0.0))
    live = rr.open(stream)
    assert "went to a pipe or viewer" in caplog.text
    stream.set_time("step", sequence=1)
    stream.log("/a", rr.Scalars(1.0))
    assert live.view("step").to_arrow()["step"].to_pylist() == [1]
    assert reader.read()


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_large_cells_are_taken_as_arrow_takes_them(data: st.DataObject) -> None:
    cell = st.none() | st.lists(st.none() | st.integers(0, 6000).map(bytes), max_size=2)
    cells = data.draw(st.lists(cell, max_size=5))
    lists = pa.array([[], *cells], pa.list_(pa.list_(pa.uint8()))).slice(1)
    indices = pa.array(
        data.draw(st.lists(st.none() | st.integers(0, len(cells) - 1), max_size=6)) if cells else [], pa.int64()
    )
    assert take_lists(lists, indices).equals(lists.take(indices))


def test_rows_of_pictures_take_no_memory_on_the_side() -> None:
    """Arrow's own `take` wants eight bytes for every byte of a picture."""
    pictures = pa.array([[bytes(1_000_000)] for _ in range(8)], pa.list_(pa.list_(pa.uint8())))
    view = Recording("r", store_of(pictures)).view("t").fill_latest_at().using_index_values([0, 2, 2 * SECOND])
    pool = pa.default_memory_pool()
    watched = pa.proxy_memory_pool(pool)
    pa.set_memory_pool(watched)
    try:
        assert view.to_arrow().num_rows == 3
    finally:
        pa.set_memory_pool(pool)
    assert watched.max_memory() < 6_000_000


def test_rows_come_in_batches_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_query_plan, "BATCH_BYTES", 1 << 20)
    blobs = pa.array([[b"x" * 100_000]] * 3)
    store = store_of(blobs, entity="/image", times=[0, 500, 900])
    store.insert_all(store_of(pa.array([[i] for i in range(1000)])).chunks())
    store.insert_all(store_of(pa.array([[b"y" * 50_000]] * 60), entity="/burst", times=np.arange(60) + 300).chunks())
    view = Recording("r", store).view("t")
    assert max(batch.nbytes for batch in view) < 2 << 20
    assert [batch.num_rows for batch in view.select("t")] == [1000]
    view = view.fill_latest_at()
    sizes = [batch.nbytes for batch in view]
    assert max(sizes) < 2 << 20
    assert sum(batch.num_rows for batch in view) == 1000
    assert len(list(view.select("/a:x"))) == 1


def test_sql_reads_only_the_columns_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    store = store_of(pa.array([[i] for i in range(10)]))
    store.insert_all(store_of(pa.array([["big"]] * 10), component="y").chunks())
    taken: list[str] = []
    take = _query_cells.CellColumn.take

    def watched(column: Any, rows: Any) -> Any:
        taken.append(column.name)
        return take(column, rows)

    monkeypatch.setattr(_query_cells.CellColumn, "take", watched)
    recording = Recording("r", store)
    assert recording.sql("select sum(x) from a where t >= interval 5 microseconds").fetchall() == [(None,)]
    assert set(taken) <= {"/a:x"}
    assert recording.sql('select count(*), max("/a:x") from log where "/a:x" < 5').fetchall() == [(5, 4)]
    assert recording.sql("select one.x from a one join a other on one.x = other.x + 8 order by 1").fetchall() == [
        (8,),
        (9,),
    ]
    assert set(taken) == {"/a:x"}


def test_tables_of_entities() -> None:
    scalars = ComponentDescriptor("Scalars:scalars", "rerun.archetypes.Scalars")
    same_field = ComponentDescriptor("my.Other:scalars", "my.Other")
    store = store_of(pa.array([[1], [2]]), entity="/arm/left", component=scalars)
    store.insert_all(store_of(pa.array([[5]]), entity="/arm/right", component=scalars, times=[9]).chunks())
    store.insert_all(store_of(pa.array([[7]]), entity="/arm/right", component=same_field, times=[9]).chunks())
    for entity in (r"/a\ b", "/a/b", "/log"):
        store.insert_all(store_of(pa.array([[3]]), entity=entity).chunks())
    store.insert(Chunk.from_columns("/static", components=[ComponentColumn("note", pa.array([["hi"]]))]))
    recording = Recording("r", store)
    assert recording.tables() == [
        "log",
        "log_filled",
        '"/a/b"',
        r'"/a\ b"',
        "arm_left",
        "arm_right",
        '"/log"',
        "static",
    ]
    assert recording.sql("select * from Arm_Left").columns == ["t", "scalars"]
    assert recording.sql('select * from "/arm/right"').columns == ["t", "my.Other:scalars", "Scalars:scalars"]
    assert recording.sql(r'select x from "/a\ b"').fetchall() == [(3,)]
    assert recording.sql('select x from "/log"').fetchall() == [(3,)]
    assert recording.sql("select * from static").fetchall() == [("hi",)]
    with pytest.raises(QueryError, match="tables: log, log_filled") as caught:
        recording.sql("select * from a_b")
    assert caught.value.query == "select * from a_b"


def test_every_table_that_is_listed_can_be_asked() -> None:
    store = store_of(pa.array([[1], [2]]), entity=r"/a\"b")
    channel = [ComponentColumn("McapChannel:topic", pa.array([["/silent"]]))]
    store.insert(Chunk.from_columns("/silent", components=channel))
    recording = Recording("r", store)
    counts = {name: recording.sql(f"select count(*) from {name}").fetchall()[0][0] for name in recording.tables()}
    assert counts == {"log": 2, "log_filled": 2, "a_b": 2, "silent": 0}
    assert recording.sql("select * from silent").columns == ["t"]
    for name in counts:
        with pytest.raises(InvalidValueError, match=r"index: expected a timeline of the recording \(t\), got 'stamp'"):
            recording.sql(f"select * from {name}", index="stamp")
    assert recording.sql(r'select x from "/a\""b"').fetchall() == [(1,), (2,)]


def test_sql_on_what_has_no_timeline() -> None:
    store = ChunkStore()
    with pytest.raises(QueryError, match="table log has no columns: nothing was logged"):
        Recording("r", store).sql("select * from log")
    store.insert(Chunk.from_columns("/robot", components=[ComponentColumn("name", pa.array([["arm"]]))]))
    recording = Recording("r", store)
    assert recording.sql("select * from robot").fetchall() == [("arm",)]
    for name in ("log", "log_filled"):
        assert recording.sql(f'select "/robot:name" from {name}').fetchall() == [("arm",)]


def test_a_view_is_a_table_in_a_connection(tmp_path: Path) -> None:
    import duckdb

    connection = duckdb.connect()
    days = [rr.open(write(tmp_path / f"{day}.rrd", [1.0] * n)) for n, day in enumerate(("mon", "tue"), 1)]
    for day, recording in zip(("mon", "tue"), days, strict=True):
        relation = recording.view().plain_values().to_duckdb(connection, day)
        assert relation.aggregate("count(*)").fetchall() == connection.sql(f"select count(*) from {day}").fetchall()
    joined = connection.sql("select count(*) from mon join tue using (stamp)").fetchall()
    assert joined == [(1,)]


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such file or folder"):
        rr.open(tmp_path / "gone.rrd")
    with pytest.raises(NotARecordingError, match="nothing in this folder that rrbridge can open"):
        rr.open(tmp_path)
    with pytest.raises(InvalidValueError, match="source: expected a recording"):
        rr.open([])
    layout = tmp_path / "layout.rbl"
    rr.blueprint.Blueprint().save("rrbridge_test", layout)
    with pytest.raises(FileError, match="holds no recording, at most a layout"):
        rr.open(layout)
    with pytest.raises(InvalidValueError, match="it has none"):
        Recording("r", ChunkStore()).view()
    with pytest.raises(InvalidValueError, match="a view with an index"):
        Recording("r", store_of(pa.array([[1]]))).view(None).filter_range(1)
    with pytest.raises(InvalidValueError, match="contents: expected expressions"):
        Recording("r", store_of(pa.array([[1]]))).view("t", [1])  # type: ignore[list-item]
    with pytest.raises(InvalidValueError, match="filter_not_null: expected a component column"):
        Recording("r", store_of(pa.array([[1]]))).view("t").filter_not_null("t").to_arrow()


@pytest.mark.parametrize(
    ("name", "use"), [("duckdb", "sql('select 1')"), ("pandas", "view().to_pandas()"), ("polars", "view().to_polars()")]
)
def test_what_is_not_installed_is_named(tmp_path: Path, name: str, use: str) -> None:
    path = write(tmp_path / "a.rrd", [1.0])
    program = f"import sys; sys.modules[{name!r}] = None\nimport rrbridge as rr\nrr.open({str(path)!r}).{use}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr.strip().splitlines()[-1].endswith('needs more packages: pip install "rrbridge[query]"')
