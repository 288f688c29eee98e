"""Columns whose times are in no order: rows are put in order, timeline by timeline."""

import numpy as np
import rerun as rr
from rerun.chunk import Chunk

rng = np.random.default_rng(2)
numbers = rr.Scalars.columns(scalars=np.arange(60.0))
rr.send_columns("one", [rr.TimeColumn("step", sequence=rng.permutation(60))], numbers)
rr.send_columns("ties", [rr.TimeColumn("step", sequence=rng.integers(0, 7, 60))], numbers)
rr.send_columns(
    "two",
    [rr.TimeColumn("b", duration=rng.integers(0, 4, 60)), rr.TimeColumn("a", sequence=rng.integers(0, 4, 60))],
    numbers,
)
rr.send_columns(
    "second",
    [rr.TimeColumn("a", sequence=np.arange(60)), rr.TimeColumn("b", sequence=rng.permutation(60))],
    numbers,
)
positions = rng.normal(size=(9, 3))
rr.send_columns(
    "ragged",
    [rr.TimeColumn("step", sequence=[5, 3, 9])],
    [
        *rr.Points3D.columns(positions=positions).partition([2, 3, 4]),
        *rr.TextLog.columns(text=["five", "three", "nine"]),
    ],
)
rr.send_chunks(Chunk.from_columns("chunk", [rr.TimeColumn("step", sequence=rng.permutation(60))], numbers))
