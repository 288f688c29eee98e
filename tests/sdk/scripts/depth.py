"""Depth and segmentation images."""

import numpy as np
import rerun as rr

rng = np.random.default_rng(4)
rr.log("d", rr.DepthImage(rng.integers(0, 5000, (4, 6)).astype(np.uint16), meter=1000.0, colormap="viridis"))
rr.log(
    "f", rr.DepthImage(rng.random((4, 6, 1)).astype(np.float32), depth_range=[0, 5], point_fill_ratio=0.5, draw_order=1)
)
rr.log("s", rr.SegmentationImage(rng.integers(0, 5, (4, 6)).astype(np.uint8), opacity=0.3))
rr.log("t", rr.SegmentationImage(rng.integers(0, 5, (1, 4, 6)).astype(np.uint16), draw_order=4))
rr.log(
    "e",
    rr.EncodedDepthImage(blob=b"\x89PNG", media_type="image/png", meter=1000.0, colormap=rr.components.Colormap.Turbo),
)
