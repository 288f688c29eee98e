"""Programs put together at random leave the same chunks as with the reference: same rows, columns, types and values."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rerun

import rrbridge
from rrbridge._messages import StoredChunk
from rrbridge.rrd import RrdReader

Call = Callable[[Any, Any], None]
"""Takes an SDK and a recording of it."""


def _vectors(rng: random.Random, width: int = 3) -> list[list[float]]:
    return [[round(rng.uniform(-9, 9), 3) for _ in range(width)] for _ in range(rng.randint(1, 4))]


def _options(rng: random.Random, **choices: Any) -> dict[str, Any]:
    return {name: rng.choice(values) for name, values in choices.items() if rng.random() < 0.4}


COLORS: list[Any] = [[255, 0, 0], [[1, 2, 3], [4, 5, 6]], 0x11223344, [0.1, 0.5, 1.0], np.array([[9, 8, 7]], np.uint8)]
RADII: list[Any] = [0.1, [0.1, 0.2], np.array([1, 2])]
LABELS: list[Any] = ["a", ["a", "b"], [1, 2]]


def _archetype(rng: random.Random) -> Callable[[Any], Any]:
    """Something to log, the same in both SDKs."""
    v, w, number = _vectors(rng), _vectors(rng), round(rng.uniform(-5, 5), 4)
    flat = _vectors(rng, 2)
    drawn = _options(rng, colors=COLORS, radii=RADII)
    named = drawn | _options(rng, labels=LABELS, class_ids=[[1], 7], show_labels=[True])
    byte = rng.randint(0, 255)
    makers: list[Callable[[Any], Any]] = [
        lambda rr: rr.Points3D(v, **named),
        lambda rr: rr.Points2D(flat, **named),
        lambda rr: rr.Boxes3D(half_sizes=v, centers=w, colors=named.get("colors")),
        lambda rr: rr.Arrows3D(vectors=v, origins=w, **drawn),
        lambda rr: rr.LineStrips3D([v, w], **drawn),
        lambda rr: rr.LineStrips2D([flat], **drawn),
        lambda rr: rr.Transform3D(translation=v[0], quaternion=[0, 0, 0, 1]),
        lambda rr: rr.Transform3D(rotation=rr.RotationAxisAngle([0, 0, 1], radians=number)),
        lambda rr: rr.Transform3D(mat3x3=np.eye(3) * number, scale=number),
        lambda rr: rr.Scalars(number),
        lambda rr: rr.Scalars([1, 2, number]),
        lambda rr: rr.SeriesLines(names="n", colors=named.get("colors")),
        lambda rr: rr.SeriesPoints(markers="circle", marker_sizes=2),
        lambda rr: rr.TextLog(f"it is {number}", level="INFO"),
        lambda rr: rr.TextDocument("# x", media_type="text/markdown"),
        lambda rr: rr.Image(np.full((4, 5, 3), byte, np.uint8)),
        lambda rr: rr.DepthImage(np.full((4, 5), byte, np.uint16), meter=1000),
        lambda rr: rr.Pinhole(focal_length=byte + 1, width=64, height=48),
        lambda rr: rr.ViewCoordinates.RUB,
        lambda rr: rr.Clear(recursive=byte % 2 == 0),
        # names of their own: the type that a name had first in a process stays
        lambda rr: rr.AnyValues(some_byte=byte, some_numbers=[number], some_text="text", some_flag=bool(byte % 2)),
        lambda rr: rr.DynamicArchetype("My.Archetype", components={"x": [number], "y": ["q"]}),
        lambda rr: rr.BarChart([1, 2, byte]),
        lambda rr: rr.Tensor(np.full((2, 3), number)),
        lambda rr: rr.Mesh3D(vertex_positions=np.eye(3) * number, triangle_indices=[[0, 1, 2]]),
        lambda rr: rr.InstancePoses3D(translations=v),
        lambda rr: rr.GraphNodes(["a", "b"], labels=["A", "B"]),
        lambda rr: rr.GeoPoints(lat_lon=flat, radii=drawn.get("radii")),
        lambda rr: rr.AnnotationContext([(0, "a", (1, 2, 3)), (byte, "b")]),
        lambda rr: rr.Points3D.from_fields(radii=[number]),
        lambda rr: rr.Points3D.cleared(),
    ]
    return rng.choice(makers)


def _call(rng: random.Random, paths: list[str], pool: list[Callable[[Any], Any]]) -> Call:
    path, chance = rng.choice(paths), rng.random()
    if chance < 0.25:
        kinds: dict[str, dict[str, Any]] = {
            "s": {"sequence": rng.randint(-5, 50)},
            "d": {"duration": rng.uniform(-5, 50)},
            "t": {"timestamp": 1.7e9 + rng.random() * 1e6},
        }
        timeline = rng.choice(list(kinds))
        return lambda _, rec: rec.set_time(timeline, **kinds[timeline])
    if chance < 0.28:
        name = rng.choice(["reset_time", "flush"])
        return lambda _, rec: getattr(rec, name)()
    if chance < 0.33:
        steps = [rng.randint(0, 20) for _ in range(rng.randint(1, 5))]
        return lambda rr, rec: rec.send_columns(
            path, [rr.TimeColumn("s", sequence=steps)], rr.Scalars.columns(scalars=np.arange(len(steps)) * 0.5)
        )
    made = rng.choice(pool)
    static = rng.random() < 0.08
    return lambda rr, rec: rec.log(path, made(rr), static=static)


def _chunks_of(sdk: Any, path: Path, calls: list[Call]) -> list[str]:
    config = sdk.ChunkBatcherConfig(flush_tick=1000.0)
    recording = sdk.RecordingStream("random", recording_id=path.stem, send_properties=False, batcher_config=config)
    recording.save(path)
    recording.reset_time()
    for call in calls:
        call(sdk, recording)
    recording.flush()
    recording.disconnect()
    return sorted(
        _described(m.chunk.to_record_batch()) for m in RrdReader(path).messages() if isinstance(m, StoredChunk)
    )


def _described(batch: Any) -> str:
    """All that a chunk holds but its ids and the wall clock."""
    entity = batch.schema.metadata[b"rerun:entity_path"].decode()
    columns = []
    for field, column in zip(list(batch.schema)[1:], batch.columns[1:], strict=True):
        metadata = sorted((field.metadata or {}).items())
        values = f"{len(column)} times" if field.name == "log_time" else _values(column)
        columns.append(f"{field.name}: {field.type} {metadata} = {values}")
    return "\n".join([entity, *sorted(columns)])


def _values(column: Any) -> str:
    try:
        return str(column.to_pylist())
    except ValueError:  # nanoseconds, without pandas
        return str(column.cast("int64").to_pylist())


@pytest.mark.parametrize("seed", range(25))
def test_programs_leave_the_same_chunks(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    paths = [rng.choice(["a", "b", "c/d", "c"]) for _ in range(rng.randint(1, 3))]
    pool = [_archetype(rng) for _ in range(rng.randint(2, 9))]
    calls = [_call(rng, paths, pool) for _ in range(rng.randint(20, 100))]
    theirs = _chunks_of(rerun, tmp_path / f"theirs_{seed}.rrd", calls)
    assert _chunks_of(rrbridge, tmp_path / f"ours_{seed}.rrd", calls) == theirs
