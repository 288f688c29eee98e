"""Recordings made by the reference's SDK, read by the reference's own reader, hold the rows that the store finds."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rerun
import rerun.chunk

from rrbridge._chunk import Chunk
from rrbridge._store import ChunkStore, load_messages
from rrbridge.rrd import RrdReader

Rows = dict[tuple[str, str], list[tuple[dict[str, int], bytes, Any]]]


def by_component(path: Path) -> tuple[Rows, Rows]:
    """Temporal and static rows of each entity and component, as the reference reads them; nulls left out."""
    temporal: Rows = defaultdict(list)
    static: Rows = defaultdict(list)
    reader = rerun.chunk.RrdReader(path)
    for chunk in [
        chunk
        for entry in [*reader.recordings(), *reader.blueprints()]
        for chunk in reader.stream(store=entry).to_chunks()
    ]:
        batch = chunk.to_record_batch()
        names = [field.name for field in batch.schema]
        kinds = [field.metadata[b"rerun:kind"] for field in batch.schema]
        row_ids = batch.column(0).to_pylist()
        times = {
            name: batch.column(i).cast("int64").to_pylist()
            for i, (name, kind) in enumerate(zip(names, kinds, strict=True))
            if kind == b"index"
        }
        for i, (name, kind) in enumerate(zip(names, kinds, strict=True)):
            if kind != b"data":
                continue
            for row, cell in enumerate(batch.column(i).to_pylist()):
                if cell is not None:
                    where = {timeline: column[row] for timeline, column in times.items()}
                    (temporal if times else static)[chunk.entity_path, name].append((where, row_ids[row], cell))
    return temporal, static


def check(store: ChunkStore, path: Path) -> int:
    """Every row on every timeline by range, and every change by latest-at; how many rows were compared."""
    temporal, static = by_component(path)
    assert temporal or static
    compared = 0
    for (entity, component), rows in static.items():
        _, row_id, cell = max(rows, key=lambda row: row[1])
        latest = store.latest_at(entity, [component], "log_time", 0)[component]
        assert (latest.time, latest.row_id, latest.values.to_pylist()) == (None, row_id, cell)
    for (entity, component), rows in temporal.items():
        for timeline in store.timelines():
            on_it = sorted((where[timeline], row_id, cell) for where, row_id, cell in rows if timeline in where)
            found = store.range(entity, component, timeline, -(2**63) + 1, 2**63 - 1, clears=False)
            if store.is_static(entity, component):
                assert len(found) == 0
                continue
            assert found.times.tolist() == [time for time, _, _ in on_it]
            assert [row_id.tobytes() for row_id in found.row_ids] == [row_id for _, row_id, _ in on_it]
            assert found.cells.to_pylist() == [cell for _, _, cell in on_it]
            compared += len(on_it)
    return compared


def test_rows_of_a_file_by_the_reference(tmp_path: Path) -> None:
    path = tmp_path / "reference.rrd"
    recording = rerun.RecordingStream("rrbridge_test", recording_id="reference")
    recording.save(path)
    recording.log("fixed", rerun.Points3D([[1, 2, 3]]), static=True)
    recording.log("fixed", rerun.Points3D([[4, 5, 6]], radii=2.0), static=True)
    for step in np.random.default_rng(0).permutation(60).tolist():
        recording.set_time("step", sequence=step // 2)
        recording.set_time("clock", duration=step / 7)
        recording.log(f"points/{step % 3}", rerun.Points3D(np.full((step % 4, 3), step), radii=[step]))
        if step % 5 == 0:
            recording.log("points/0", rerun.Points3D.from_fields(colors=[0xFF0000FF], clear_unset=step == 30))
        if step % 20 == 0:
            recording.reset_time()
            recording.log("points/1", rerun.Clear(recursive=False))
    recording.send_columns(
        "series",
        indexes=[rerun.TimeColumn("step", sequence=np.arange(500)[::-1])],
        columns=rerun.Scalars.columns(scalars=np.arange(500.0)),
    )
    recording.disconnect()
    chunks = [Chunk(chunk.to_record_batch()) for chunk in rerun.chunk.RrdReader(path).stream().to_chunks()]
    compared = check(ChunkStore.from_chunks(chunks), path)
    assert compared > 700
    (store,) = load_messages(RrdReader(path).messages()).values()
    assert check(store, path) == compared
    assert check(ChunkStore.open(path), path) == compared
    assert check(ChunkStore.open(path, memory_limit=30_000), path) == compared
    found = store.range("/series", "Scalars:scalars", "step", 100, 102)
    assert found.cells.to_pylist() == [[399.0], [398.0], [397.0]]


@pytest.mark.real_data
@pytest.mark.filterwarnings("ignore:RRD file has no footer")
@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("JianbinLiu-CFLab+unity-rerun-sdk/phase3_scene.rrd", 200),
        ("TheRobotStudio+SO-ARM100/so100.rrd", 50),
        ("nmayorov+rerun-4seasons/blueprint.rbl", 5000),
    ],
)
def test_rows_of_real_files(shared_data: Path, name: str, rows: int) -> None:
    path = shared_data / name
    (store,) = load_messages(RrdReader(path).messages()).values()
    compared = check(store, path)
    assert compared > rows
    if path.suffix == ".rrd":
        assert check(ChunkStore.open(path, memory_limit="1MB"), path) == compared
