"""Stores made at random answer as a model does that looks at every row."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrbridge._chunk import Chunk, ComponentColumn
from rrbridge._compaction import Targets
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._messages import StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge._store import ChunkStore
from rrbridge._store_events import Added, Appeared, Event, Removed
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.rrd import Manifest, RrdReader, RrdWriter

ENTITIES = ["/", "/a", "/a/b", "/ab"]
TIMELINES = ["log", "frame"]
VALUES = {"x": pa.list_(pa.int64()), "y": pa.list_(pa.utf8())}
CLEAR = "Clear:is_recursive"
DESCRIPTORS = {
    "x": ComponentDescriptor("x"),
    "y": ComponentDescriptor("y", "my.Archetype", "my.components.Y"),
    CLEAR: ComponentDescriptor(CLEAR, "rerun.archetypes.Clear", "rerun.components.ClearIsRecursive"),
}
TIMES = st.integers(0, 4)
COMPACTIONS = [
    None,
    Targets(),
    Targets(fan_out=2),
    Targets(max_rows=6, max_rows_if_unsorted=3, fan_out=2),
    Targets(max_rows=3, max_rows_if_unsorted=1, fan_out=3),
]


@dataclass(frozen=True)
class Row:
    """One row, as plain values; `times` is None in a static chunk."""

    entity: str
    row_id: bytes
    times: dict[str, int] | None
    cells: dict[str, list[Any] | None]


@st.composite
def chunk_rows(draw: st.DrawFn, row_id_numbers: list[int]) -> list[Row]:
    entity = draw(st.sampled_from([*ENTITIES, "/a", "/a/b"]))
    timelines = draw(st.sampled_from([None, ["log"], ["frame"], ["log", "frame"]]))
    names = draw(st.sampled_from([["x"], ["x", "y"], [CLEAR], ["x", CLEAR]]))
    cell = {
        "x": st.none() | st.lists(st.integers(0, 99), max_size=3),
        "y": st.none() | st.lists(st.sampled_from("pqr"), max_size=2),
        CLEAR: st.none() | st.lists(st.booleans(), max_size=1),
    }
    rows = []
    for _ in range(draw(st.integers(1, 4))):
        number = row_id_numbers.pop(draw(st.integers(0, len(row_id_numbers) - 1)))
        times = None if timelines is None else {name: draw(TIMES) for name in timelines}
        rows.append(Row(entity, number.to_bytes(16, "big"), times, {name: draw(cell[name]) for name in names}))
    return rows


@st.composite
def recordings(draw: st.DrawFn) -> list[list[Row]]:
    row_id_numbers = [(n << 64) + 7 * n % 11 for n in range(1, 60)]
    return [draw(chunk_rows(row_id_numbers)) for _ in range(draw(st.integers(2, 12)))]


def as_chunk(rows: list[Row]) -> Chunk:
    times = rows[0].times or {}
    types = VALUES | {CLEAR: pa.list_(pa.bool_())}
    return Chunk.from_columns(
        rows[0].entity,
        times=[
            TimeColumn.of(name, TimeKind.SEQUENCE, [r.times[name] for r in rows if r.times is not None])
            for name in times
        ],
        components=[
            ComponentColumn(DESCRIPTORS[name], pa.array([r.cells[name] for r in rows], types[name]))
            for name in rows[0].cells
        ],
        row_ids=np.frombuffer(b"".join(r.row_id for r in rows), ">u8").reshape(-1, 2),
    )


def in_time(rows: list[Row], timeline: str) -> list[tuple[int, bytes, Row]]:
    return sorted(
        ((r.times[timeline], r.row_id, r) for r in rows if r.times and timeline in r.times), key=lambda e: e[:2]
    )


def clears_of(rows: list[Row], entity: str) -> list[Row]:
    def reaches(row: Row) -> bool:
        flags = row.cells.get(CLEAR)
        if not flags:
            return False
        above = row.entity == "/" or entity.startswith(row.entity + "/")
        return row.entity == entity or (flags[0] and above)

    return [row for row in rows if reaches(row)]


def model_static(rows: list[Row], entity: str, component: str) -> Row | None:
    found = [r for r in rows if r.entity == entity and r.times is None and r.cells.get(component) is not None]
    return max(found, key=lambda r: r.row_id) if found else None


def model_latest(rows: list[Row], entity: str, component: str, timeline: str, time: int) -> tuple[Any, ...] | None:
    clears = clears_of(rows, entity) if component != CLEAR else []
    static = model_static(rows, entity, component)
    if static is not None:
        if any(c.times is None and c.row_id >= static.row_id for c in clears):
            return None
        return None, static.row_id, static.cells[component]
    mine = [r for r in rows if r.entity == entity and r.cells.get(component) is not None]
    best = [(t, i, r) for t, i, r in in_time(mine, timeline) if t <= time]
    if not best:
        return None
    found_time, row_id, row = best[-1]
    if any(t <= time and (t, i) >= (found_time, row_id) for t, i, _ in in_time(clears, timeline)):
        return None
    return found_time, row_id, row.cells[component]


def model_range(rows: list[Row], entity: str, component: str, timeline: str, low: int, high: int) -> list[Any]:
    if model_static(rows, entity, component) is not None:
        return []
    mine = [r for r in rows if r.entity == entity and r.cells.get(component) is not None]
    if not in_time(mine, timeline):
        return []
    data = [(t, i, r.cells[component]) for t, i, r in in_time(mine, timeline) if low <= t <= high]
    clears = clears_of(rows, entity) if component != CLEAR else []
    return sorted(data + [(t, i, []) for t, i, _ in in_time(clears, timeline) if low <= t <= high], key=lambda e: e[:2])


@given(recordings(), st.sampled_from(COMPACTIONS), st.data())
@settings(max_examples=150, deadline=None)
def test_latest_at_and_range_equal_the_model(
    recording: list[list[Row]], compaction: Targets | None, data: st.DataObject
) -> None:
    store = ChunkStore(compaction=compaction)
    seen: list[Row] = []
    for chunk in recording:
        assert store.insert(as_chunk(chunk))
        seen += chunk
        if data.draw(st.booleans()):
            check(store, seen, data)
    check(store, seen, data)


@given(recordings(), st.sampled_from(COMPACTIONS), st.data())
@settings(max_examples=100, deadline=None)
def test_after_dropping_the_oldest_what_is_later_is_as_before(
    recording: list[list[Row]], compaction: Targets | None, data: st.DataObject
) -> None:
    store = ChunkStore(compaction=compaction)
    feed = store.follow()
    seen: list[Row] = []
    for chunk in recording:
        store.insert(as_chunk(chunk))
        seen += chunk
        if data.draw(st.booleans()):
            store.drop_oldest(data.draw(st.integers(1, 3 * store.nbytes)))
            check_after(store, seen, data)
    dropped = store.dropped
    assert store.num_rows + sum(d.rows for d in dropped.values()) == len(seen)
    assert store.num_rows == sum(chunk.num_rows for chunk in store.chunks())
    removed = [event.dropped for event in feed.take() if isinstance(event, Removed)]
    for entity, what in dropped.items():
        assert what.rows == sum(d.rows for d in removed if d.entity == entity)
    kept = {row_id.tobytes() for chunk in store.chunks() for row_id in chunk.row_ids}
    assert kept <= {row.row_id for row in seen}
    assert {row.row_id for row in seen if row.cells.get(CLEAR) is not None} <= kept


def check_after(store: ChunkStore, rows: list[Row], data: st.DataObject) -> None:
    for timeline in TIMELINES:
        horizons = [d.time_ranges[timeline][1] for d in store.dropped.values() if timeline in d.time_ranges]
        check(store, rows, data, timeline, max(horizons, default=-1))


def without_component_times(manifests: tuple[Manifest, ...]) -> tuple[Manifest, ...]:
    """The same indexes, which say of timelines and components only what an index must say."""
    return tuple(
        Manifest(index.store_id, index.schema, index.data.select([f.name for f in index.data.schema if needed(f)]))
        for index in manifests
    )


def needed(field: pa.Field) -> bool:
    metadata = field.metadata or {}
    return b"rerun:component" not in metadata or metadata[b"rerun:index"] == b"rerun:static"


@given(recordings(), st.booleans(), st.booleans(), st.sampled_from([None, 1, 20_000]), st.data())
@settings(max_examples=100, deadline=None)
def test_a_file_answers_as_the_chunks_in_it(
    recording: list[list[Row]], is_finished: bool, is_terse: bool, memory_limit: int | None, data: st.DataObject
) -> None:
    in_file = data.draw(st.integers(1, len(recording)))
    store_id = StoreId(StoreKind.RECORDING, "app", "run")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.rrd"
        writer = RrdWriter(path)
        writer.write(StoreInfo.new(store_id))
        for chunk in recording[:in_file]:
            writer.write(StoredChunk(store_id, as_chunk(chunk)))
        writer.close()
        if not is_finished:
            finished = RrdReader(path).footer()
            assert finished is not None
            ends = finished.manifests[0].byte_offsets + finished.manifests[0].byte_sizes
            path.write_bytes(path.read_bytes()[: int(ends.max())])
        with pytest.MonkeyPatch.context() as patch:
            if is_terse:
                full = RrdReader.manifests
                patch.setattr(RrdReader, "manifests", lambda reader: without_component_times(full(reader)))
            store = ChunkStore.open(path, memory_limit=memory_limit)
        assert store.store_id == store_id
        seen = [row for chunk in recording[:in_file] for row in chunk]
        assert store.num_rows == len(seen)
        check_self_knowledge(store, seen)
        check(store, seen, data, keeps_all=memory_limit is None)
        if memory_limit is None:
            for chunk in recording[in_file:]:
                assert store.insert(as_chunk(chunk))
                seen += chunk
                check(store, seen, data)
            check_self_knowledge(store, seen)
        assert plain(store.chunks()) == plain(
            [as_chunk(c) for c in recording[: None if memory_limit is None else in_file]]
        )
        store.close()


def check(
    store: ChunkStore,
    rows: list[Row],
    data: st.DataObject,
    timeline: str | None = None,
    horizon: int = -2,
    *,
    keeps_all: bool = True,
) -> None:
    times = data.draw(st.lists(st.integers(max(horizon, -1), 5), min_size=1, max_size=4))
    timeline = timeline or data.draw(st.sampled_from([*TIMELINES, "absent"]))
    for time in times:
        many = store.latest_at_many(ENTITIES, None, timeline, time)
        for entity in ENTITIES:
            expected = {
                name: answer
                for name in DESCRIPTORS
                if (answer := model_latest(rows, entity, name, timeline, time)) is not None
            }
            got = store.latest_at(entity, None, timeline, time)
            assert {n: (c.time, c.row_id, c.values.to_pylist()) for n, c in got.items()} == expected
            assert many.get(entity, {}) is got or not got or (not keeps_all and many[entity] == got)
            assert store.latest_at(entity, ["x"], timeline, time).keys() == expected.keys() & {"x"}
    table = store.latest_at_table([*ENTITIES, "/absent"], list(DESCRIPTORS), timeline, times)
    for name in DESCRIPTORS:
        column = table[name]
        expected_cells = [model_latest(rows, entity, name, timeline, t) for entity in table.entities for t in times]
        assert column.cells.to_pylist() == [None if answer is None else answer[2] for answer in expected_cells]
        when = [-(2**63) if answer is None or answer[0] is None else answer[0] for answer in expected_cells]
        assert column.times.reshape(-1).tolist() == when
    bounds = st.integers(horizon + 1, 5)
    low, high = sorted(data.draw(st.tuples(bounds, bounds)))
    for entity in ENTITIES:
        for name in DESCRIPTORS:
            found = store.range(entity, name, timeline, low, high)
            got_rows = list(
                zip(found.times.tolist(), (i.tobytes() for i in found.row_ids), found.cells.to_pylist(), strict=True)
            )
            assert got_rows == model_range(rows, entity, name, timeline, low, high)
            assert store.range(entity, name, timeline, low, high) is found or not keeps_all
            bare = store.range(entity, name, timeline, low, high, clears=False)
            assert bare.times.tolist() == found.times[~found.is_clear].tolist()


def plain(chunks: list[Chunk]) -> list[tuple[Any, ...]]:
    """Every row of some chunks, as plain values."""
    return sorted(
        (chunk.entity_path, row_id.tobytes(), repr(times), repr(cells))
        for chunk in chunks
        for row_id, *times, cells in zip(
            chunk.row_ids,
            *(column.values.tolist() for column in chunk.times.values()),
            chunk.to_record_batch().select(list(chunk.components)).to_pylist(),
            strict=True,
        )
    )


@given(recordings(), st.sampled_from(COMPACTIONS), st.data())
@settings(max_examples=80, deadline=None)
def test_what_the_store_says_of_itself(
    recording: list[list[Row]], compaction: Targets | None, data: st.DataObject
) -> None:
    chunks = [as_chunk(rows) for rows in recording]
    rows = [row for chunk in recording for row in chunk]
    store = ChunkStore(compaction=compaction)
    feed = store.follow()
    late = store.follow()
    followed: list[Event] = []
    for chunk in chunks:
        assert store.insert(chunk)
        if data.draw(st.booleans()):
            store.chunks()
            followed += feed.take()
            late = store.follow()
    assert store.insert_all(chunks) == 0
    assert store.revision == len(chunks)
    assert store.num_rows == len(rows)
    assert plain(store.chunks()) == plain(chunks)
    if compaction is None:
        assert store.chunks() == chunks
    for events in (followed + feed.take(), late.take()):
        assert plain([event.chunk for event in events if isinstance(event, Added)]) == plain(chunks)
        appeared = [event.entity for event in events if isinstance(event, Appeared)]
        assert appeared == list(dict.fromkeys(chunk.entity_path for chunk in chunks))
    check_self_knowledge(store, rows)


def check_self_knowledge(store: ChunkStore, rows: list[Row]) -> None:
    assert store.entities() == sorted({row.entity for row in rows})
    for timeline in TIMELINES:
        times = sorted(row.times[timeline] for row in rows if row.times and timeline in row.times)
        assert store.time_range(timeline) == ((times[0], times[-1]) if times else None)
        assert store.times("/", timeline, recursive=True).tolist() == times
        for entity in ENTITIES:
            mine = [t for t, _, r in in_time([r for r in rows if r.entity == entity], timeline)]
            assert store.times(entity, timeline).tolist() == mine
            assert store.time_range(timeline, entity) == ((mine[0], mine[-1]) if mine else None)
