"""Alignment of topics on one clock equals a model that looks at every row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rrbridge as rr
from rrbridge._chunk import Chunk, ComponentColumn
from rrbridge._query_recording import Recording
from rrbridge._store import ChunkStore
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.errors import InvalidValueError

Row = tuple[int, int, Any]
"""Time, row id, cell; a clear is a row with an empty cell."""
DOUBLES = pa.list_(pa.float64())
VECTORS = pa.list_(pa.list_(pa.float32(), 2))
TEXTS = pa.list_(pa.utf8())
FLOATS = st.integers(-8, 8).map(float)
KINDS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "number": (DOUBLES, st.lists(FLOATS, min_size=1, max_size=1)),
    "numbers": (DOUBLES, st.lists(FLOATS, max_size=3)),
    "vectors": (VECTORS, st.lists(st.lists(FLOATS, min_size=2, max_size=2), min_size=1, max_size=2)),
    "text": (TEXTS, st.lists(st.sampled_from("pqr"), max_size=2)),
}


@st.composite
def recordings(draw: st.DrawFn) -> tuple[list[Chunk], dict[str, list[Row]], list[int]]:
    """Chunks, the rows of each component of `/data`, and the times of `/clock`."""
    chunks, rows = [], {}
    number = iter(draw(st.permutations(range(1, 80))))
    for name, (datatype, cells) in KINDS.items():
        made: list[Row] = []
        for _ in range(draw(st.integers(0, 3))):
            part = sorted((next(number), draw(st.integers(0, 20)), draw(cells)) for _ in range(draw(st.integers(1, 4))))
            chunks.append(chunk("/data", name, pa.array([c for _, _, c in part], datatype), part))
            made += [(time, row_id, cell) for row_id, time, cell in part]
        rows[name] = made
    if draw(st.booleans()):
        clear = (next(number), draw(st.integers(0, 20)), None)
        chunks.append(chunk("/data", "Clear:is_recursive", pa.array([[False]]), [clear]))
        for made in rows.values():
            made.append((clear[1], clear[0], []))
    ticks = draw(st.lists(st.integers(-2, 22), min_size=1, max_size=6))
    part = [(next(number), tick, [0.0]) for tick in ticks]
    chunks.append(chunk("/clock", "tick", pa.array([[0.0]] * len(ticks), DOUBLES), sorted(part)))
    return chunks, rows, sorted(set(ticks))


def chunk(entity: str, component: str, cells: pa.Array, part: list[tuple[int, int, Any]]) -> Chunk:
    return Chunk.from_columns(
        entity,
        times=[TimeColumn.of("t", TimeKind.DURATION, [time for _, time, _ in part])],
        components=[ComponentColumn(component, cells)],
        row_ids=np.array([[row_id, 0] for row_id, _, _ in part], ">u8"),
    )


def model(rows: list[Row], tick: int, method: str, limit: int | None) -> Any:
    standing: dict[int, tuple[int, Any]] = {}
    for time, row_id, cell in rows:
        if time not in standing or row_id > standing[time][0]:
            standing[time] = row_id, cell
    near = {time: cell for time, (_, cell) in standing.items() if limit is None or abs(time - tick) <= limit}
    before = max((time for time in standing if time <= tick), default=None)
    after = min((time for time in standing if time > tick), default=None)
    if method == "nearest":
        return near[min(near, key=lambda time: (abs(time - tick), time))] if near else None
    latest = near.get(before) if before is not None else None
    if method == "latest" or before == tick or before not in near or after not in near:
        if method == "linear" and before != tick and is_blended(standing):
            return None
        return latest
    first, second = near[before], near[after]
    if not is_blended(standing) or len(first) != len(second):
        return first
    assert before is not None
    assert after is not None
    share = (tick - before) / (after - before)
    return [np.add(a, np.multiply(np.subtract(b, a), share)).tolist() for a, b in zip(first, second, strict=True)]


def is_blended(standing: dict[int, tuple[int, Any]]) -> bool:
    return not any(isinstance(value, str) for _, cell in standing.values() for value in cell)


@given(recordings(), st.sampled_from(["latest", "nearest", "linear"]), st.none() | st.integers(0, 6))
@settings(max_examples=300, deadline=None)
def test_aligned_values_equal_the_model(
    made: tuple[list[Chunk], dict[str, list[Row]], list[int]], method: Any, limit: int | None
) -> None:
    chunks, rows, ticks = made
    recording = Recording("test", ChunkStore.from_chunks(chunks))
    view = recording.align("clock", "/data", index="t", method=method, tolerance_nanos=limit)
    given_times = recording.align(
        pa.array(ticks[::-1], pa.duration("ns")), "/data", index="t", method=method, tolerance_nanos=limit
    )
    table = view.to_arrow()
    assert given_times.to_arrow().equals(table)
    if method == "latest" and limit is None:
        filled = recording.view("t", "/data").using_index_values(np.array(ticks)).fill_latest_at(over_clears=False)
        assert filled.to_arrow().equals(table)
    assert table["t"].cast(pa.int64()).to_pylist() == ticks
    for name in table.schema.names[1:]:
        kind = name.removeprefix("/data:")
        if kind in rows and all(any(not isinstance(v, str) for v in c) or not c for _, _, c in rows[kind]):
            expected = [model(rows[kind], tick, method, limit) for tick in ticks]
            assert [None if c is None else np.round(c, 4).tolist() for c in table[name].to_pylist()] == [
                None if c is None else np.round(c, 4).tolist() for c in expected
            ], name
        else:
            expected = [model(rows[kind], tick, "latest" if method == "linear" else method, limit) for tick in ticks]
            assert table[name].to_pylist() == expected, name


def test_rotations_turn_along_the_shorter_arc() -> None:
    stream = rr.RecordingStream("rrbridge_test")
    stream.set_log_time_enabled(False)
    for nanos, quaternion in [(0, [0, 0, 0, 1]), (100, [0, 0, -np.sqrt(0.5), -np.sqrt(0.5)])]:
        stream.set_time("t", duration=np.timedelta64(nanos, "ns"))
        stream.log("/arm", rr.Transform3D(quaternion=quaternion, translation=[nanos, 0, 0]))
    view = rr.open(stream).align(np.array([-1, 0, 50, 101]), index="t", method="linear")
    found = view.select(q="/arm:Transform3D:quaternion[0]", p="/arm:Transform3D:translation[0]").to_arrow()
    assert found["p"].to_pylist() == [None, [0, 0, 0], [50, 0, 0], None]
    eighth = np.pi / 8
    middle = np.array(found["q"].to_pylist()[2])
    np.testing.assert_allclose(middle * np.sign(middle[3]), [0, 0, np.sin(eighth), np.cos(eighth)], atol=1e-6)
    stream.set_time("t", duration=np.timedelta64(200, "ns"))
    stream.log("/arm", rr.Transform3D.from_fields(quaternion=[0, 0, 0, 0]))
    later = rr.open(stream).align(np.array([150]), index="t", method="linear")
    (unturned,) = later.select(q="/arm:Transform3D:quaternion[0]").to_arrow()["q"].to_pylist()
    np.testing.assert_allclose(unturned, [0, 0, -np.sqrt(0.5), -np.sqrt(0.5)], rtol=1e-6)


def test_numbers_inside_of_messages_are_blended() -> None:
    store = ChunkStore()
    cells = pa.array([[{"x": 0.0, "n": 1}], [{"x": 10.0, "n": 5}]])
    store.insert(chunk("/odom", "my.Odometry:message", cells, [(1, 0, None), (2, 10, None)]))
    view = Recording("test", store).align(np.array([0, 4, 10]), index="t", method="linear").plain_values()
    found = view.select(x="/odom:my.Odometry:message.x", n="/odom:my.Odometry:message.n").to_arrow()
    assert found.to_pydict() == {"x": [0.0, 4.0, 10.0], "n": [1, 1, 5]}


def test_clocks_that_do_not_tick() -> None:
    stream = rr.RecordingStream("rrbridge_test")
    stream.set_time("frame", sequence=1)
    stream.log("/odom", rr.Scalars(1.0))
    live = rr.open(stream)
    with pytest.raises(InvalidValueError, match=r"clock: expected an entity with rows on timeline 'frame' \(/odom\)"):
        live.align("/odometry", index="frame").to_arrow()
    with pytest.raises(InvalidValueError, match="a timeline of times, got 'frame'"):
        live.align("/odom", index="frame", tolerance_nanos=5).to_arrow()
    with pytest.raises(InvalidValueError, match="'latest', 'nearest' or 'linear'"):
        live.align("/odom", method="cubic")  # type: ignore[arg-type]
    with pytest.raises(InvalidValueError, match="tolerance_nanos: expected 0 or more"):
        live.align("/odom", tolerance_nanos=-1)
