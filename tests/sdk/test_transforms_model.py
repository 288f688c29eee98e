"""Trees made at random relate frames as a model does that multiplies one matrix after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrbridge import _transform_lookup
from rrbridge._chunk import Chunk, ComponentColumn
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._store import ChunkStore
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge._transforms import TransformTree, implicit_frame
from rrbridge.errors import TransformError, UnknownFrameError

ENTITIES = ["/", "/a", "/a/b", "/d"]
NAMED = ["map", "odom"]
FRAMES = [*NAMED, *(implicit_frame(path) for path in ENTITIES)]
CLEAR = "Clear:is_recursive"
LAST = 3
"""The latest time of a row."""


def fixed(size: int) -> pa.DataType:
    return pa.list_(pa.field("item", pa.float32(), nullable=False), size)


TYPES = {
    "Transform3D:translation": fixed(3),
    "Transform3D:rotation_axis_angle": pa.struct(
        [pa.field("axis", fixed(3), nullable=False), pa.field("angle", pa.float32(), nullable=False)]
    ),
    "Transform3D:quaternion": fixed(4),
    "Transform3D:scale": fixed(3),
    "Transform3D:mat3x3": fixed(9),
    "Transform3D:relation": pa.uint8(),
    "Transform3D:child_frame": pa.utf8(),
    "Transform3D:parent_frame": pa.utf8(),
    "CoordinateFrame:frame": pa.utf8(),
    CLEAR: pa.bool_(),
}
SMALL = st.integers(-4, 4).map(lambda n: n / 2)
QUATERNIONS = [(0, 0, 0, 1), (0, 0, 1, 0), (0.5, 0.5, 0.5, 0.5), (0, 0, 0, 0), (1, 2, -1, 3)]
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "Transform3D:translation": st.tuples(SMALL, SMALL, SMALL),
    "Transform3D:rotation_axis_angle": st.builds(
        lambda axis, angle: {"axis": axis, "angle": angle},
        st.sampled_from([(0, 0, 1), (1, 1, 0), (0, 0, 0)]),
        SMALL,
    ),
    "Transform3D:quaternion": st.sampled_from(QUATERNIONS),
    "Transform3D:scale": st.sampled_from([(1, 1, 1), (2, 0.5, 1)]),
    "Transform3D:mat3x3": st.sampled_from([(1, 0, 0, 0, 1, 0, 0, 0, 1), (1, 1, 0, 0, 2, 0, 0, 0, 1)]),
    "Transform3D:relation": st.sampled_from([1, 2]),
    "Transform3D:child_frame": st.sampled_from([*NAMED, "", "tf#/d"]),
    "Transform3D:parent_frame": st.sampled_from([*NAMED, "", "tf#/a"]),
    "CoordinateFrame:frame": st.sampled_from([*NAMED, ""]),
    CLEAR: st.booleans(),
}
COMPONENT_SETS = [
    ["Transform3D:translation"],
    ["Transform3D:translation", "Transform3D:quaternion", "Transform3D:child_frame", "Transform3D:parent_frame"],
    ["Transform3D:quaternion", "Transform3D:child_frame", "Transform3D:parent_frame"],
    ["Transform3D:rotation_axis_angle", "Transform3D:scale", "Transform3D:mat3x3", "Transform3D:relation"],
    ["CoordinateFrame:frame"],
    [CLEAR],
    ["Transform3D:translation", CLEAR],
]


@dataclass(frozen=True)
class Row:
    entity: str
    row_id: bytes
    times: dict[str, int] | None
    cells: dict[str, list[Any] | None]

    def value(self, name: str) -> Any:
        cell = self.cells.get(name)
        return cell[0] if cell else None

    @property
    def is_transform(self) -> bool:
        return any(name.startswith("Transform3D:") and cell is not None for name, cell in self.cells.items())

    @property
    def child(self) -> str:
        return self.value("Transform3D:child_frame") or implicit_frame(self.entity)

    @property
    def parent(self) -> str | None:
        named = self.value("Transform3D:parent_frame")
        if named:
            return str(named)
        if self.entity == "/":
            return None if self.child == "tf#/" else "tf#/"
        return implicit_frame(above(self.entity))

    def parent_from_child(self) -> npt.NDArray[np.float64]:
        out = np.eye(4)
        out[:3, 3] = self.value("Transform3D:translation") or (0, 0, 0)
        turn = self.value("Transform3D:rotation_axis_angle")
        if turn is not None and not any(turn["axis"]):
            out = out * (1.0 if turn["angle"] == 0 else np.nan)
        elif turn is not None:
            axis, half = np.array(turn["axis"]) / np.linalg.norm(turn["axis"]), np.float32(turn["angle"]) / 2
            out = out @ rotation((*(axis * np.sin(half)), np.cos(half)))
        out = out @ rotation(self.value("Transform3D:quaternion") or (0, 0, 0, 1))
        out = out @ np.diag([*(self.value("Transform3D:scale") or (1, 1, 1)), 1])
        matrix = np.eye(4)
        matrix[:3, :3] = np.reshape(self.value("Transform3D:mat3x3") or np.eye(3), (3, 3)).T
        out = out @ matrix
        if self.value("Transform3D:relation") == 2:
            out = np.linalg.inv(out).astype(np.float64)
        return out


def rotation(quaternion: tuple[float, ...]) -> npt.NDArray[np.float64]:
    """Columns are the rotated axes: v + 2w(u × v) + 2u × (u × v)."""
    q = np.array(quaternion, np.float64)
    out = np.eye(4)
    if not q.any():
        return out * np.nan
    u, w = q[:3] / np.linalg.norm(q), q[3] / np.linalg.norm(q)
    for i in range(3):
        v = np.eye(3)[i]
        out[:3, i] = v + 2 * w * np.cross(u, v) + 2 * np.cross(u, np.cross(u, v))
    return out


class TurnsEitherWay(Exception):
    """Two rotations are half a turn apart: both ways are as short."""


def between(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64], weight: float) -> npt.NDArray[np.float64]:
    """Rotations by their angle about the axis between them, stretches and translations straight; `a` if that fails."""
    if not np.isfinite(a).all() or not np.isfinite(b).all() or weight == 0:
        return a
    if np.linalg.det(a[:3, :3]) * np.linalg.det(b[:3, :3]) <= 0:
        return a
    (turn_a, stretch_a), (turn_b, stretch_b) = (polar(each[:3, :3]) for each in (a, b))
    turn = turn_a.T @ turn_b
    angle = np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))
    if angle > np.pi - 1e-3:
        raise TurnsEitherWay
    out = np.eye(4)
    axis = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
    if angle > 1e-6:
        axis /= np.linalg.norm(axis)
    half = weight * angle / 2
    out[:3, :3] = turn_a @ rotation((*(axis * np.sin(half)), np.cos(half)))[:3, :3]
    out[:3, :3] @= stretch_a + weight * (stretch_b - stretch_a)
    out[:3, 3] = a[:3, 3] + weight * (b[:3, 3] - a[:3, 3])
    return out


def polar(linear: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """A rotation and a symmetric stretch, by the root of AᵀA."""
    squares, axes = np.linalg.eigh(linear.T @ linear)
    stretch = (axes * np.sqrt(squares)) @ axes.T * np.sign(np.linalg.det(linear))
    return linear @ np.linalg.inv(stretch), stretch


def above(entity: str) -> str:
    return entity.rsplit("/", 1)[0] or "/"


@st.composite
def chunk_rows(draw: st.DrawFn, row_id_numbers: list[int]) -> list[Row]:
    entity = draw(st.sampled_from(ENTITIES))
    timelines = draw(st.sampled_from([None, ["log"], ["log", "frame"]]))
    names = draw(st.sampled_from(COMPONENT_SETS))
    rows = []
    for _ in range(draw(st.integers(1, 3))):
        number = row_id_numbers.pop(draw(st.integers(0, len(row_id_numbers) - 1)))
        times = None if timelines is None else {name: draw(st.integers(0, LAST)) for name in timelines}
        cells = {name: draw(st.none() | st.lists(VALUES[name], max_size=1)) for name in names}
        rows.append(Row(entity, number.to_bytes(16, "big"), times, cells))
    return rows


@st.composite
def recordings(draw: st.DrawFn) -> list[list[Row]]:
    row_id_numbers = [(n << 64) + 7 * n % 11 for n in range(1, 60)]
    return [draw(chunk_rows(row_id_numbers)) for _ in range(draw(st.integers(1, 9)))]


@st.composite
def moving_chunk_rows(draw: st.DrawFn, row_id_numbers: list[int]) -> list[Row]:
    """What one entity says about one child frame, most of it under one parent."""
    entity = draw(st.sampled_from(ENTITIES))
    names = draw(st.sampled_from(COMPONENT_SETS[:4]))
    frames = {name: draw(VALUES[name]) for name in names if name.endswith("_frame")}
    rows = []
    for time in draw(st.lists(st.integers(0, LAST), min_size=2, max_size=4)):
        number = row_id_numbers.pop(draw(st.integers(0, len(row_id_numbers) - 1)))
        cells: dict[str, list[Any] | None] = {
            name: [frames[name] if name in frames else draw(VALUES[name])] for name in names
        }
        if frames and draw(st.integers(0, 5)) == 0:
            cells["Transform3D:parent_frame"] = [draw(VALUES["Transform3D:parent_frame"])]
        rows.append(Row(entity, number.to_bytes(16, "big"), {"log": time, "frame": LAST - time}, cells))
    return rows


@st.composite
def moving_recordings(draw: st.DrawFn) -> list[list[Row]]:
    row_id_numbers = [(n << 64) + 7 * n % 11 for n in range(1, 60)]
    moving = [draw(moving_chunk_rows(row_id_numbers)) for _ in range(draw(st.integers(1, 5)))]
    return moving + [draw(chunk_rows(row_id_numbers)) for _ in range(draw(st.integers(0, 3)))]


def as_chunk(rows: list[Row]) -> Chunk:
    return Chunk.from_columns(
        rows[0].entity,
        times=[
            TimeColumn.of(name, TimeKind.SEQUENCE, [r.times[name] for r in rows if r.times])
            for name in rows[0].times or {}
        ],
        components=[
            ComponentColumn(ComponentDescriptor(name), pa.array([r.cells[name] for r in rows], pa.list_(TYPES[name])))
            for name in rows[0].cells
        ],
        row_ids=np.frombuffer(b"".join(r.row_id for r in rows), ">u8").reshape(-1, 2),
    )


class Model:
    """Looks at every row for every question."""

    def __init__(
        self, rows: list[Row], timeline: str, time: int, *, interpolate: bool = False, limit: int | None = None
    ) -> None:
        self.rows, self.timeline, self.time = rows, timeline, time
        self.interpolate, self.limit = interpolate, limit
        self.paths: dict[str, list[tuple[str, npt.NDArray[np.float64]]]] = {}

    def index(self, row: Row) -> tuple[int, bytes] | None:
        if row.times is None or self.timeline not in row.times or row.times[self.timeline] > self.time:
            return None
        return row.times[self.timeline], row.row_id

    def clears(self, entity: str) -> list[Row]:
        return [
            row
            for row in self.rows
            if row.cells.get(CLEAR)
            and (row.entity == entity or (row.value(CLEAR) and (entity + "/").startswith(row.entity.rstrip("/") + "/")))
        ]

    def edge(self, child: str) -> Row | None:
        static, temporal = [], []
        for entity in ENTITIES:
            mine = [row for row in self.rows if row.is_transform and row.entity == entity and row.child == child]
            mine = [row for row in mine if row.parent != child]
            clears = self.clears(entity)
            statics = [row for row in mine if row.times is None]
            latest = max(statics, key=lambda row: row.row_id, default=None)
            if latest and any(c.times is None and c.row_id >= latest.row_id for c in clears):
                latest = None
            if latest:
                static.append(latest)
                continue
            past = [(index, row) for row in mine if (index := self.index(row))]
            if past:
                index, row = max(past, key=lambda found: found[0])
                if not any((cleared := self.index(c)) and cleared >= index for c in clears):
                    temporal.append((index, row))
        if temporal:
            return max(temporal, key=lambda found: found[0])[1]
        return max(static, key=lambda row: row.row_id, default=None)

    def path(self, frame: str) -> list[tuple[str, npt.NDArray[np.float64]]]:
        """The frame, the one above it, … the root; each with its parent_from_frame. Empty on a cycle."""
        if frame not in self.paths:
            self.paths[frame] = self.walk(frame)
        return self.paths[frame]

    def walk(self, frame: str) -> list[tuple[str, npt.NDArray[np.float64]]]:
        out: list[tuple[str, npt.NDArray[np.float64]]] = []
        name: str | None = frame
        while name is not None:
            if any(name == seen for seen, _ in out):
                return []
            row = self.edge(name)
            if row is not None:
                out.append((name, self.motion(row) if row.parent else np.eye(4)))
                name = row.parent
            elif name.startswith("tf#/") and name != "tf#/":
                out.append((name, np.eye(4)))
                name = implicit_frame(above(name.removeprefix("tf#")))
            else:
                out.append((name, np.eye(4)))
                name = None
        return out

    def motion(self, row: Row) -> npt.NDArray[np.float64]:
        """parent_from_child of the row in force: held, or on the way to the next one."""
        found = self.index(row) if row.times else None
        if found is None:
            return row.parent_from_child()
        since = found[0]
        following = [Model(self.rows, self.timeline, time).edge(row.child) for time in range(since, LAST + 2)]
        ahead = next((i for i in range(self.time - since, len(following)) if following[i] is not row), None)
        if self.interpolate and ahead is not None and all(each is row for each in following[:ahead]):
            after = following[ahead]
            index = self.index_at(after, since + ahead) if after else None
            if after and index and index[0] == since + ahead and after.parent == row.parent:
                return between(row.parent_from_child(), after.parent_from_child(), (self.time - since) / ahead)
        if self.limit is not None and self.time - since > self.limit:
            return np.full((4, 4), np.nan)
        return row.parent_from_child()

    def index_at(self, row: Row, time: int) -> tuple[int, bytes] | None:
        return Model(self.rows, self.timeline, time).index(row)

    def relation(self, target: str, source: str) -> npt.NDArray[np.float64]:
        """target_from_source; not a number if there is none."""
        to, start = self.path(target), self.path(source)
        if not to or not start or to[-1][0] != start[-1][0]:
            return np.full((4, 4), np.nan)
        common = next(name for name, _ in start if name in dict(to))
        legs = []
        for path in (to, start):
            leg = np.eye(4)
            for name, parent_from_frame in path:
                if name == common:
                    break
                leg = parent_from_frame @ leg
            legs.append(leg)
        return np.linalg.inv(legs[0]).astype(np.float64) @ legs[1]

    def root_of(self, frame: str) -> str | None:
        path = self.path(frame)
        return path[-1][0] if path else None

    def frames(self) -> set[str]:
        found = {"tf#/"}
        for row in self.rows:
            path = row.entity
            while path != "/":
                found.add(implicit_frame(path))
                path = above(path)
            if row.is_transform:
                found |= {row.child, row.parent or "tf#/"}
            if row.value("CoordinateFrame:frame"):
                found.add(row.value("CoordinateFrame:frame"))
        return found


@given(recordings(), st.data())
@settings(max_examples=150, deadline=None)
def test_transforms_equal_the_model(recording: list[list[Row]], data: st.DataObject) -> None:
    store = ChunkStore()
    tree = TransformTree(store)
    rows: list[Row] = []
    for chunk in recording:
        store.insert(as_chunk(chunk))
        rows += chunk
        for _ in range(2):
            check(tree, Model(rows, data.draw(st.sampled_from(["log", "frame"])), data.draw(st.integers(-1, 4))))


def check(tree: TransformTree, model: Model) -> None:
    when = model.timeline, model.time
    frames = model.frames()
    assert frames - set(tree.frames()) == set()
    roots = {frame: model.root_of(frame) for frame in FRAMES if frame in frames}
    for target in FRAMES:
        relations = tree.transforms_to(target, FRAMES, *when)
        assert tree.transforms_to(target, FRAMES, *when) is relations
        for i, source in enumerate(FRAMES):
            known = target in frames and source in frames
            matrix = model.relation(target, source) if known else np.full((4, 4), np.nan)
            assert relations.connected[i] == np.isfinite(matrix).all()
            error = relations.error(i)
            if relations.connected[i]:
                assert error is None
                np.testing.assert_allclose(relations.target_from_source[i], matrix, atol=2e-5, rtol=1e-5)
                continue
            assert isinstance(error, TransformError)
            assert (error.target, error.source) == (target, source)
            assert isinstance(error, UnknownFrameError) == (not known)
            if known:
                ends = roots[target], roots[source]
                assert ("cycle" in error.reason) == (None in ends)
                assert ("not a number" in error.reason) == (None not in ends and ends[0] == ends[1])
                assert ("not connected" in error.reason) == (None not in ends and ends[0] != ends[1])
    for frame, root in roots.items():
        assert tree.root_of(frame, *when) == root
    assert set(tree.roots(*when)) >= set(roots.values()) - {None}


@given(moving_recordings(), st.data())
@settings(max_examples=200, deadline=None)
def test_lookups_equal_the_model(recording: list[list[Row]], data: st.DataObject) -> None:
    rows = [row for chunk in recording for row in chunk]
    tree = TransformTree(ChunkStore.from_chunks(map(as_chunk, recording)))
    timeline = data.draw(st.sampled_from(["log", "frame"]))
    interpolate = data.draw(st.booleans())
    limit = data.draw(st.sampled_from([None, 0, 1]))
    times = data.draw(st.lists(st.integers(-1, LAST + 1), min_size=1, max_size=5))
    models = {time: Model(rows, timeline, time, interpolate=interpolate, limit=limit) for time in times}
    frames = sorted(set(FRAMES) & Model(rows, timeline, 0).frames())
    for target in data.draw(st.lists(st.sampled_from(frames), min_size=1, max_size=2)):
        for source in frames:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(_transform_lookup, "_TOGETHER", data.draw(st.sampled_from([0, 4096])))
                patch.setattr(_transform_lookup, "_BLOCK", data.draw(st.sampled_from([2, 16384])))
                found = tree.lookup(
                    target, source, timeline, times, interpolate=interpolate, extrapolation_limit=limit, missing="nan"
                )
            for time, matrix in zip(times, found, strict=True):
                try:
                    expected = models[time].relation(target, source)
                except TurnsEitherWay:
                    continue
                np.testing.assert_allclose(matrix, expected, atol=5e-5, rtol=2e-5)
                if limit is None and np.isfinite(expected).all():
                    alone = tree.transform(target, source, timeline, time, interpolate=interpolate)
                    np.testing.assert_allclose(alone, matrix, atol=1e-9)
                if not np.isfinite(expected).all():
                    with pytest.raises(TransformError):
                        tree.lookup(target, source, timeline, time, interpolate=interpolate, extrapolation_limit=limit)


@given(recordings(), st.integers(-1, 4), st.sampled_from(["log", "frame"]))
@settings(max_examples=100, deadline=None)
def test_frame_of_is_the_latest_coordinate_frame(recording: list[list[Row]], time: int, timeline: str) -> None:
    store = ChunkStore.from_chunks(map(as_chunk, recording))
    tree = TransformTree(store)
    for entity, frame in zip(ENTITIES, tree.frames_of(ENTITIES, timeline, time), strict=True):
        cell = store.latest_at(entity, ["CoordinateFrame:frame"], timeline, time).get("CoordinateFrame:frame")
        named = cell.values.to_pylist()[0] if cell is not None and len(cell.values) else None
        assert frame == (named or implicit_frame(entity)) == tree.frame_of(entity, timeline, time)
