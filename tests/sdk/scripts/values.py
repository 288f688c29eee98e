"""Values with a type of their own."""

import numpy as np
import rerun as rr

c = rr.components
rr.log(
    "a",
    rr.Points3D(
        [c.Position3D([1, 2, 3]), c.Position3D([4, 5, 6])],
        radii=[c.Radius(1), c.Radius(2)],
        labels=[c.Text("x"), c.Text("y")],
        class_ids=[c.ClassId(3)],
    ),
)
rr.log("b", rr.LineStrips3D([c.LineStrip3D([[1, 2, 3], [4, 5, 6]])]))
rr.log("d", rr.Transform3D(scale=c.Scale3D(2.0), mat3x3=c.TransformMat3x3(columns=[[1, 2, 3], [4, 5, 6], [7, 8, 9]])))
rr.log("e", rr.Points3D(rr.encodings.Vec3D([1, 2, 3]), colors=rr.encodings.Rgba32([1, 2, 3])))
rr.log("f", rr.DepthImage(np.zeros((2, 2), np.float32), depth_range=c.ValueRange([1, 2]), meter=c.DepthMeter(2)))
