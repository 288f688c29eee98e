"""Enumerations as members, names and numbers."""

import numpy as np
import rerun as rr

for i, mode in enumerate(["solid", "Solid", 3, rr.components.FillMode.Solid]):
    rr.log(f"fill/{i}", rr.Boxes3D(half_sizes=[1, 1, 1], fill_mode=mode))
for colormap in rr.components.Colormap:
    rr.log(f"map/{colormap.name}", rr.DepthImage(np.zeros((2, 2), np.uint8), colormap=colormap))
for codec in rr.VideoCodec:
    rr.log(f"codec/{codec.name}", rr.VideoStream(codec))
