"""Many rows at once."""

import numpy as np
import rerun as rr

times = np.arange(0, 64)
rr.send_columns(
    "scalars", indexes=[rr.TimeColumn("step", sequence=times)], columns=rr.Scalars.columns(scalars=np.sin(times / 10.0))
)
rr.send_columns(
    "two",
    indexes=[rr.TimeColumn("step", sequence=times), rr.TimeColumn("t", duration=times * 0.1)],
    columns=rr.Scalars.columns(scalars=times),
)
rr.send_columns(
    "grouped",
    indexes=[rr.TimeColumn("step", sequence=range(4))],
    columns=rr.Scalars.columns(scalars=np.arange(8)).partition([2, 2, 2, 2]),
)
rr.send_columns("static", indexes=[], columns=rr.Scalars.columns(scalars=[1.0]))
rr.send_columns("line", [], [*rr.SeriesLines.columns(names=["a"])])
