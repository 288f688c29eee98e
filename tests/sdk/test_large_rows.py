"""Large rows of a chunk are written from where they are, and say the same as if they had been put together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import rrbridge as rr
from rrbridge import _arrow
from rrbridge._arrow import as_numpy
from rrbridge._chunk import Chunk
from rrbridge._messages import StoredChunk
from rrbridge.rrd import RrdReader, _ipc


def log_large_rows(path: Path) -> None:
    rng = np.random.default_rng(3)
    recording = rr.RecordingStream("large", send_properties=False, batcher_config=rr.ChunkBatcherConfig.NEVER())
    recording.save(path)
    recording.set_log_time_enabled(False)
    for step, (height, width) in enumerate([(480, 640), (500, 641), (480, 640), (600, 700)]):
        recording.set_time("step", sequence=-step)
        recording.set_time("clock", timestamp=1.5 * step)
        pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
        recording.log("camera", rr.Image(pixels, opacity=step / 10))
        pixels[:] = 0
        recording.log("cloud", rr.Points3D(rng.normal(size=(50_000 + step, 3)), labels=[f"number {step}"], radii=0.5))
    recording.disconnect()


def chunks_of(path: Path) -> list[Chunk]:
    return [m.chunk for m in RrdReader(path).messages() if isinstance(m, StoredChunk)]


def table_of(chunks: list[Chunk]) -> pa.Table:
    columns = pa.Table.from_batches([c.to_record_batch().replace_schema_metadata(None) for c in chunks])
    return columns.replace_schema_metadata(None)


def test_rows_written_from_where_they_are_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log_large_rows(tmp_path / "apart.rrd")
    monkeypatch.setattr(_arrow, "GATHERED_BYTES", 1 << 40)
    log_large_rows(tmp_path / "together.rrd")
    apart, together = chunks_of(tmp_path / "apart.rrd"), chunks_of(tmp_path / "together.rrd")
    assert [(c.entity_path, c.num_rows) for c in apart] == [("/camera", 4), ("/cloud", 4)]
    ours, theirs = table_of(apart[:1]), table_of(together[:1])
    names = theirs.column_names[1:]  # row ids are new each time
    assert {n: ours[n].combine_chunks() for n in names} == {n: theirs[n].combine_chunks() for n in names}


def test_chunks_are_filled_when_somebody_looks() -> None:
    rng = np.random.default_rng(3)
    clouds = [rng.normal(size=(100_000, 3)).astype(np.float32) for _ in range(3)]
    recording = rr.RecordingStream("large", send_properties=False, batcher_config=rr.ChunkBatcherConfig.NEVER())
    for cloud in clouds:
        recording.log("cloud", rr.Points3D(cloud))
    (chunk,) = recording._batcher.take()
    assert chunk.num_rows == 3
    assert len(chunk.unfilled()[1]) == 1
    written = b"".join(_ipc.pieces_of(*chunk.unfilled()))
    assert len(chunk.unfilled()[1]) == 1
    (column,) = chunk.components.values()
    found = as_numpy(column.cells.values.values, np.float32)
    np.testing.assert_array_equal(found.reshape(-1, 3), np.concatenate(clouds))
    assert not chunk.unfilled()[1]
    assert _ipc.read_batch(written) == chunk.to_record_batch()


def test_pieces_are_the_stream(tmp_path: Path) -> None:
    log_large_rows(tmp_path / "x.rrd")
    batches = [chunk.to_record_batch() for chunk in chunks_of(tmp_path / "x.rrd")]
    wide = pa.record_batch({f"column {i}": pa.array(np.arange(100) + i) for i in range(700)})
    nulls = pa.record_batch({"a": pa.array([None, [1, None], []] * 40_000), "b": pa.array(["x", None, "yy"] * 40_000)})
    for batch in [*batches, wide, nulls, nulls.slice(5, 70_000), nulls.slice(3, 1)]:
        pieces = _ipc.pieces_of(batch)
        assert b"".join(pieces) == _ipc.write_batch(batch).to_pybytes()
        assert _ipc.read_batch(b"".join(pieces)) == batch
    assert len(_ipc.pieces_of(batches[0])) > 1


def test_a_chunk_with_more_columns_than_one_write_takes(tmp_path: Path) -> None:
    columns = [
        rr.ComponentColumn(rr.ComponentDescriptor(f"c{i:04}"), pa.array([[float(i)] * 20] * 2)) for i in range(1500)
    ]
    chunk = Chunk.from_columns("/wide", components=columns)
    recording = rr.RecordingStream("wide", send_properties=False)
    recording.save(tmp_path / "wide.rrd")
    recording.send_chunk(chunk)
    recording.disconnect()
    assert [c.to_record_batch() for c in chunks_of(tmp_path / "wide.rrd")] == [chunk.to_record_batch()]
