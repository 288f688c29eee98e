"""Rows too large to be put together become chunks of their own, and say the same as if they had been."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import rrbridge as rr
from rrbridge import _batcher
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


def test_rows_of_their_own_say_the_same_as_rows_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log_large_rows(tmp_path / "apart.rrd")
    monkeypatch.setattr(_batcher, "LARGE_ROW_BYTES", 1 << 40)
    log_large_rows(tmp_path / "together.rrd")
    for entity in ("/camera", "/cloud"):
        apart, together = (
            [c for c in chunks_of(tmp_path / name) if c.entity_path == entity] for name in ("apart.rrd", "together.rrd")
        )
        assert (len(apart), len(together)) == (4, 1)
        assert len({c.id for c in apart}) == 4
        assert all(c.is_sorted_on("step") for c in apart)
        assert [c.entity_path for c in apart] == [entity] * 4
        assert apart[0].columns == together[0].columns
        ours, theirs = table_of(apart), table_of(together)
        names = theirs.column_names[1:]  # row ids are new each time
        assert {n: ours[n].combine_chunks() for n in names} == {n: theirs[n].combine_chunks() for n in names}


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
