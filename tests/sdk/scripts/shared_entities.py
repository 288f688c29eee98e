"""One entity that gets different things in turn: which rows share a chunk shows in the file."""

import numpy as np
import rerun as rr

for i in range(40):
    rr.set_time("tick", sequence=i)
    rr.log("robot", rr.Transform3D(translation=[i, 0, 0]))
    rr.log("robot", rr.Boxes3D(half_sizes=[[0.2, 0.3, 0.4]], colors=[[i, 2, 3]]))
    rr.log("robot", rr.Points3D([[i, i, i], [1, 2, 3]], colors=[[1, 2, i]]))
    rr.log("robot", rr.Arrows3D(origins=[[0, 0, 0]], vectors=[[i, 0, 1]]))
    if i % 3 == 0:
        rr.log("robot", rr.InstancePoses3D(translations=[[0, 0, i]]))
        rr.log("robot", rr.TextLog(f"step {i}"))
        rr.log("robot", rr.TextDocument(f"# step {i}"))
    if i % 10 == 0:
        rr.log("robot", rr.Scalars(i))
        rr.log("robot", rr.Clear(recursive=False))
rr.log("robot", rr.ViewCoordinates.FLU, static=True)
rr.log("robot", rr.SeriesLines(colors=[1, 2, 3], names="speed"), static=True)
rr.log("robot", rr.AnyValues(mass=np.float32(3.5)), static=True)
