"""Chunks made by hand."""

import pyarrow as pa
import rerun as rr
from rerun.chunk import Chunk

chunks = Chunk.from_record_batch(
    pa.RecordBatch.from_pydict({"frame": pa.array([1, 2], pa.int64()), "/p:x": [1.0, 2.0]}), index="frame"
)
rr.send_chunks(chunks)
rr.send_chunks(
    chunks[0] if False else Chunk.from_record_batch(pa.RecordBatch.from_pydict({"a": [1]}), index=None, entity_path="e")
)
