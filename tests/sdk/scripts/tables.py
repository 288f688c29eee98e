"""Record batches and tables."""

import pyarrow as pa
import rerun as rr

batch = pa.RecordBatch.from_pydict(
    {"frame": pa.array([1, 2, 3], pa.int64()), "/points:speed": [1.0, 2.0, 3.0], "/points:name": ["a", "b", "c"]}
)
rr.send_record_batch(batch, index="frame")
rr.send_dataframe(
    pa.Table.from_pydict({"t": pa.array([1, 2], pa.duration("ns")), "x": [1.5, 2.5]}), index=["t"], entity_path="/table"
)
rr.send_record_batch(pa.RecordBatch.from_pydict({"note": ["only once"]}), index=None, entity_path="static/here")
rr.send_record_batch(
    pa.RecordBatch.from_pydict(
        {"frame": pa.array([1, 2], pa.int64()), "v": pa.array([[1, 2], [3]], pa.list_(pa.int64()))}
    ),
    index="frame",
    entity_path="lists",
)
