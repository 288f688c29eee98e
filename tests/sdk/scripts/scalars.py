"""Numbers over time, and how they are drawn."""

import numpy as np
import rerun as rr

rr.log("s", rr.SeriesLines(colors=[[255, 0, 0], [0, 255, 0]], names=["sin", "cos"], widths=[2, 4]), static=True)
rr.log("p", rr.SeriesPoints(colors=[255, 0, 0], markers="circle", marker_sizes=4, names="m"), static=True)
rr.log(
    "q",
    rr.SeriesLines(
        aggregation_policy=rr.components.AggregationPolicy.Average,
        interpolation_mode="StepAfter",
        visible_series=[True],
    ),
)
for i in range(50):
    rr.set_time("frame", sequence=i)
    rr.log("s", rr.Scalars([np.sin(i / 10), np.cos(i / 10)]))
    rr.log("p", rr.Scalars(i * 0.5))
rr.log("one", rr.Scalars(np.float32(3)))
rr.log("pts", rr.SeriesPoints(markers=["circle", rr.components.MarkerShape.Cross, "Up"], visible_series=False))
