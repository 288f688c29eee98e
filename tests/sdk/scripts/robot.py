"""A program as people write them."""

import numpy as np
import rerun as rr

rr.log("world", rr.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
rr.log(
    "world/xyz",
    rr.Arrows3D(vectors=[[1, 0, 0], [0, 1, 0], [0, 0, 1]], colors=[[255, 0, 0], [0, 255, 0], [0, 0, 255]]),
    static=True,
)
rng = np.random.default_rng(8)
for i in range(30):
    rr.set_time("frame", sequence=i)
    rr.set_time("time", timestamp=1_700_000_000 + i * 0.1)
    rr.log(
        "world/robot",
        rr.Transform3D(translation=[i * 0.1, 0, 0], rotation=rr.RotationAxisAngle(axis=[0, 0, 1], radians=i * 0.05)),
    )
    rr.log("world/robot/lidar", rr.Points3D(rng.normal(size=(50, 3)), colors=rng.integers(0, 255, (50, 3), np.uint8)))
    rr.log("world/robot/camera", rr.Pinhole(resolution=[64, 48], focal_length=50))
    rr.log("world/robot/camera/rgb", rr.Image(rng.integers(0, 255, (48, 64, 3), np.uint8)))
    rr.log("plots/speed", rr.Scalars(float(rng.random())))
    if i % 10 == 0:
        rr.log("log", rr.TextLog(f"frame {i}", level="INFO"))
