"""More rows than one chunk takes: small ones, larger ones, pictures, and times that jump."""

import numpy as np
import rerun as rr

cloud = np.random.default_rng(1).normal(size=(3000, 3)).astype(np.float32)
for i in range(60):
    rr.set_time("frame", sequence=i)
    rr.log("cloud", rr.Points3D(cloud + i, radii=0.02))
    rr.log("picture", rr.Image(np.full((200, 300, 3), i, np.uint8)))
    if i < 8:
        rr.log("large", rr.Image(np.full((480, 640, 3), i, np.uint8)))
        rr.log("larger", rr.Image(np.full((1000, 1200, 3), i, np.uint8)))
        rr.log("volume", rr.Tensor(np.full((40, 100, 100), i, np.float32)))
for i in range(5000):
    rr.set_time("frame", sequence=(i * 7) % 5000)
    rr.log("wave", rr.Scalars(np.sin(i / 100)))
    if i % 2:
        rr.log("wave", rr.SeriesPoints(marker_sizes=i % 5))
