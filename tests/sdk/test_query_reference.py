"""Dataframes have the columns, metadata, rows and cells that the reference's chunk-store reader gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import rerun
import rerun.chunk
from hypothesis import given, settings
from hypothesis import strategies as st

import rrbridge as rr
from rrbridge import _query_chunks, _query_plan, importers
from rrbridge._chunk import Chunk, ComponentColumn
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._messages import StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge._query_columns import column_name, entity_order
from rrbridge._query_contents import Contents
from rrbridge._query_recording import Recording, Recordings
from rrbridge._query_view import View
from rrbridge._store import ChunkStore, load_messages
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.rrd import RrdWriter

datafusion = pytest.importorskip("datafusion", reason="the reference's reader needs rerun-sdk[catalog]")

ENTITIES = ["/", "/a", "/a/b", "/ab"]
CLEAR = "Clear:is_recursive"
DESCRIPTORS = {
    "x": ComponentDescriptor("x"),
    "y": ComponentDescriptor("y", "my.Archetype", "my.components.Y"),
    CLEAR: ComponentDescriptor(CLEAR, "rerun.archetypes.Clear", "rerun.components.ClearIsRecursive"),
}
TYPES = {"x": pa.list_(pa.int64()), "y": pa.list_(pa.utf8()), CLEAR: pa.list_(pa.bool_())}
CELLS = {
    "x": st.lists(st.integers(0, 99), max_size=2),
    "y": st.lists(st.sampled_from("pqr"), max_size=2),
    CLEAR: st.lists(st.booleans(), min_size=1, max_size=1),
}


@st.composite
def chunks(draw: st.DrawFn, numbers: list[int]) -> Chunk:
    """Rows in order of their ids; clears come one to a chunk and alone, as an SDK logs them: the reference panics else."""
    timelines = draw(st.sampled_from([(), ("f",), ("f", "g"), ("f", "g"), ("g",)]))
    names = draw(st.sampled_from([("x",), ("x", "y"), ("y",), (CLEAR,)]))
    rows = 1 if names == (CLEAR,) else draw(st.integers(1, 4))
    row_ids = sorted(numbers.pop(draw(st.integers(0, len(numbers) - 1))) for _ in range(rows))
    cell = {name: CELLS[name] if not timelines else CELLS[name] | st.none() for name in names}
    times = {"f": st.integers(0, 5), "g": st.integers(10, 14)}
    return Chunk.from_columns(
        draw(st.sampled_from(ENTITIES)),
        times=[TimeColumn.of(t, TimeKind.SEQUENCE, [draw(times[t]) for _ in range(rows)]) for t in timelines],
        components=[
            ComponentColumn(DESCRIPTORS[name], pa.array([draw(cell[name]) for _ in range(rows)], TYPES[name]))
            for name in names
        ],
        row_ids=np.array([[number, 0] for number in row_ids], ">u8"),
    )


@st.composite
def stores(draw: st.DrawFn) -> list[Chunk]:
    numbers = list(range(1, 60))
    return [draw(chunks(numbers)) for _ in range(draw(st.integers(1, 8)))]


@dataclass(frozen=True)
class Asked:
    """One view, in words that both sides understand."""

    index: str | None
    contents: Any = None
    fill: bool = False
    values: tuple[int, ...] | None = None
    empty_columns: bool = False
    tombstones: bool = False


RULE = st.tuples(
    st.sampled_from(["", "+", "-", "+ ", "- "]),
    st.sampled_from([*ENTITIES, "/zz", "/__properties"]),
    st.sampled_from(["", "/**"]),
).map("".join)
ASKED = st.builds(
    Asked,
    index=st.sampled_from(["f", "f", "g", None]),
    contents=st.none() | st.none() | st.lists(RULE, max_size=3).map(" ".join) | st.lists(RULE, max_size=3),
    fill=st.booleans(),
    values=st.none() | st.lists(st.integers(-1, 6), min_size=1, max_size=4, unique=True).map(tuple),
    empty_columns=st.booleans(),
    tombstones=st.booleans(),
)


def reference_store(found: Sequence[Chunk]) -> rerun.chunk.ChunkStore:
    made = [rerun.chunk.Chunk.from_record_batch(chunk.to_record_batch()) for chunk in found]
    return rerun.chunk.ChunkStore.from_chunks([chunk for each in made for chunk in each])


def reference_frame(store: rerun.chunk.ChunkStore, asked: Asked) -> Any:
    return store.reader(
        asked.index,
        contents=asked.contents,
        fill_latest_at=asked.fill,
        using_index_values=None if asked.values is None or asked.index is None else np.array(asked.values),
        include_semantically_empty_columns=asked.empty_columns,
        include_tombstone_columns=asked.tombstones,
    )


def table_of(frame: Any) -> pa.Table:
    return pa.Table.from_batches(frame.collect(), schema=frame.schema())


def view_of(found: Sequence[Chunk] | ChunkStore, asked: Asked) -> View:
    return configured(
        Recording("test", found if isinstance(found, ChunkStore) else ChunkStore.from_chunks(found)), asked
    )


def configured(recording: Recording | Recordings, asked: Asked) -> View:
    view = recording.view(
        asked.index,
        asked.contents,
        include_semantically_empty_columns=asked.empty_columns,
        include_tombstone_columns=asked.tombstones,
    )
    view = view.fill_latest_at() if asked.fill else view
    return view if asked.values is None or asked.index is None else view.using_index_values(np.array(asked.values))


def same(ours: pa.Table, theirs: pa.Table) -> None:
    """Equal, but for a fault of the reference: where four or more rows in a row come out of one chunk, and it is not the
    first and nothing is filled up, its static columns are null. They are defined to stand in every row.
    """
    assert ours.schema.equals(theirs.schema, check_metadata=True)
    assert len(ours) == len(theirs) or not ours.num_columns
    for field, column, expected in zip(ours.schema, ours.columns, theirs.columns, strict=True):
        if b"rerun:is_static" in (field.metadata or {}) and expected.null_count:
            there = expected.is_valid()
            assert pc.all(column.is_valid()).as_py() in (True, None) or not pc.any(there).as_py()
            column, expected = column.filter(there), expected.filter(there)
        assert column.combine_chunks().equals(expected.combine_chunks()), field.name


@given(stores(), ASKED, st.sampled_from([2, 65536]))
@settings(max_examples=400, deadline=None)
def test_random_views_of_random_stores(found: list[Chunk], asked: Asked, batch_rows: int) -> None:
    store = ChunkStore.from_chunks(found)
    if asked.index is not None and asked.index not in store.timelines():
        with pytest.raises(ValueError, match="index: expected a timeline"):
            view_of(store, asked)
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_query_plan, "BATCH_ROWS", batch_rows)
        view = view_of(store, asked)
        ours = view.to_arrow()
        assert view.count_rows() == len(ours) or not ours.num_columns  # Arrow counts no rows without columns
    same(ours, table_of(reference_frame(reference_store(found), asked)))


@given(stores(), st.lists(ASKED, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_a_recording_that_stays_on_disk_answers_the_same(
    tmp_path: Path, found: list[Chunk], asked: list[Asked]
) -> None:
    store_id, path = StoreId(StoreKind.RECORDING, "rrbridge_test", "on disk"), tmp_path / "large.rrd"
    with RrdWriter(path) as writer:
        writer.write(StoreInfo.new(store_id))
        for chunk in found:
            writer.write(StoredChunk(store_id, chunk))
    on_disk, in_memory = rr.open(path, memory_limit=1), rr.open(path, memory_limit=None)
    assert isinstance(on_disk, Recording)
    assert on_disk.on_disk is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_query_chunks, "CACHE_BYTES", 1)
        patch.setattr(_query_plan, "BATCH_ROWS", 2)
        for each in asked:
            if each.index is None or each.index in in_memory.timelines():
                expected = view_of(ChunkStore.from_chunks(found), each).to_arrow()
                assert configured(on_disk, each).to_arrow().equals(expected, check_metadata=True)
                assert configured(in_memory, each).to_arrow().equals(expected, check_metadata=True)


@given(stores(), ASKED, st.integers(-1, 6), st.integers(-1, 6), st.integers(0, 9))
@settings(max_examples=200, deadline=None)
def test_filters_are_what_filters_of_datafusion_give(
    found: list[Chunk], asked: Asked, low: int, high: int, which: int
) -> None:
    store = ChunkStore.from_chunks(found)
    if asked.index not in store.timelines():
        return
    assert asked.index is not None
    column = datafusion.col(f'"{asked.index}"')
    offset = 0 if asked.index == "f" else 10
    low, high = low + offset, high + offset
    frame = reference_frame(reference_store(found), asked)
    within = frame.filter((column >= datafusion.lit(low)) & (column <= datafusion.lit(high)))
    view = view_of(store, asked).filter_range(low, high)
    same(view.to_arrow(), table_of(within))
    components = [name for name in view.schema().names if name not in ("f", "g")]
    if components and not asked.fill:
        name = components[which % len(components)]
        given_there = within.filter(datafusion.col(f'"{name}"').is_not_null())
        same(view.filter_not_null(name).to_arrow(), table_of(given_there))


PARTS = st.text(alphabet="aBbA0129_-. é+xZ", min_size=1, max_size=4)


@given(st.lists(st.lists(PARTS, min_size=1, max_size=3), min_size=2, max_size=8))
@settings(max_examples=100, deadline=None)
def test_order_of_columns(paths: list[list[str]]) -> None:
    from rrbridge._entity_path import normalize

    entities = sorted({normalize(parts) for parts in paths})
    found = [
        Chunk.from_columns(
            entity,
            times=[TimeColumn.of("f", TimeKind.SEQUENCE, [1])],
            components=[
                ComponentColumn(ComponentDescriptor(name, archetype), pa.array([[1]]))
                for name, archetype in [("z", None), ("A:b", "my.A"), ("Points3D:radii", "rerun.archetypes.Points3D")]
            ],
        )
        for entity in entities
    ]
    names = table_of(reference_frame(reference_store(found), Asked("f"))).schema.names
    assert names == view_of(found, Asked("f")).schema().names
    assert names[1::3] == [column_name(entity, "z") for entity in entity_order(entities)]


def test_contents_divided_over_lines() -> None:
    entities = ["/a", "/a/b", "/ab", "/x y", "/__properties/p"]
    texts = ["/a\n/ab", "/a/** -\n/a/b", r"/x\ y", "/x y", "-/a/** /a/b", "/a/** /__properties/**", "**", "/a/**,/ab"]
    found = [
        Chunk.from_columns(
            entity,
            times=[TimeColumn.of("f", TimeKind.SEQUENCE, [1])],
            components=[ComponentColumn("x", pa.array([[1]]))],
        )
        for entity in [entity.replace(" ", r"\ ") for entity in entities]
    ]
    store = reference_store(found)
    for text in texts:
        theirs = table_of(reference_frame(store, Asked("f", contents=text))).schema.names[1:]
        inside = Contents.parse(text).of([chunk.entity_path for chunk in found])
        assert [column_name(entity, "x") for entity in entity_order(inside)] == theirs, text


def write_reference_log(path: Path) -> None:
    recording = rerun.RecordingStream("rrbridge_test", recording_id="reference")
    recording.save(path)
    recording.send_property("run", rerun.AnyValues(operator="Ada"))
    recording.log("fixed", rerun.Points3D([[1, 2, 3]]), static=True)
    recording.log("fixed", rerun.Points3D([[4, 5, 6]], radii=2.0), static=True)
    recording.log("points/0", rerun.Points3D.from_fields(radii=[9.0]), static=True)
    for step in np.random.default_rng(0).permutation(60).tolist():
        recording.set_time("step", sequence=step // 2)
        recording.set_time("clock", duration=step / 7)
        recording.set_time("stamp", timestamp=1e9 + step % 11)
        recording.log(f"points/{step % 3}", rerun.Points3D(np.full((step % 4, 3), step), radii=[step]))
        if step % 5 == 0:
            recording.log("points/0", rerun.Points3D.from_fields(colors=[0xFF0000FF], clear_unset=step == 30))
        if step % 20 == 0:
            recording.log("points" if step % 40 else "points/1", rerun.Clear(recursive=bool(step % 40)))
            recording.reset_time()
            recording.log("points/1", rerun.TextLog("only by the wall clock"))
    recording.send_columns(
        "series",
        indexes=[rerun.TimeColumn("step", sequence=np.arange(500)[::-1])],
        columns=rerun.Scalars.columns(scalars=np.arange(500.0)),
    )
    recording.disconnect()


SDK_VIEWS = [
    Asked("step"),
    Asked("step", fill=True),
    Asked("clock", fill=True, contents="/points/** - /points/2"),
    Asked("stamp", fill=True, empty_columns=True, tombstones=True),
    Asked("log_time", contents="/points/1 /__properties/**"),
    Asked("step", values=(3, 1000, -5, 7), fill=True),
    Asked("clock", values=(10**9, 2 * 10**9, 3)),
    Asked(None, contents="/** + /__properties/**"),
]


@pytest.mark.parametrize("asked", SDK_VIEWS, ids=str)
def test_a_file_of_the_reference(tmp_path: Path, asked: Asked) -> None:
    path = tmp_path / "reference.rrd"
    write_reference_log(path)
    (store,) = load_messages(importers.read(path)).values()
    theirs = rerun.chunk.RrdReader(path).stream().collect()
    ours = view_of(store, asked).to_arrow()
    same(ours, table_of(reference_frame(theirs, asked)))
    assert ours.num_rows > 0


REAL = [
    "rerun-io+rerun/rosbag2_2025_09_10-13_03_56_0.mcap",
    "pypi+mcap-bag-parser/controlled_data_0.mcap",
    "ros2+rosbag2/topics_and_services.mcap",
    "AIT-Assistive-Autonomous-Systems+ros2bag_tools/diagnostics.bag",
    "mikeferguson+robot_calibration/calibration_poses.bag",
    "alwinmreji+survey_and_rescue/markers.bag",
]


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_real_recordings(shared_data: Path, name: str) -> None:
    messages = importers.read(shared_data / name)
    (store,) = load_messages(messages).values()
    theirs = reference_store(store.chunks())
    rows = 0
    for index in store.timelines():
        first, last = store.time_range(index) or (0, 0)
        between = tuple(np.unique(np.linspace(first - 5, last + 5, 9).astype(np.int64)).tolist())
        for asked in (
            Asked(index),
            Asked(index, fill=True, contents="/** - /parameter_events/**"),
            Asked(index, fill=True, values=between, contents="/**"),
        ):
            ours = view_of(store, asked).to_arrow()
            same(ours, table_of(reference_frame(theirs, asked)))
            rows += ours.num_rows
    assert rows > 20
