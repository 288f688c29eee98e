"""Images of all channels and types."""

import numpy as np
import rerun as rr

rng = np.random.default_rng(2)
for dtype in (np.uint8, np.uint16, np.int32, np.float16, np.float32, np.float64):
    rr.log(f"l/{np.dtype(dtype).name}", rr.Image(rng.integers(0, 100, (4, 5)).astype(dtype)))
rr.log("rgb", rr.Image(rng.integers(0, 255, (4, 5, 3), np.uint8), opacity=0.5, draw_order=2))
rr.log("rgba", rr.Image(rng.integers(0, 255, (4, 5, 4), np.uint8)))
rr.log("bgr", rr.Image(rng.integers(0, 255, (4, 5, 3), np.uint8), color_model="BGR"))
rr.log("bgra", rr.Image(rng.integers(0, 255, (4, 5, 4), np.uint8), rr.ColorModel.BGRA))
rr.log("one", rr.Image(rng.integers(0, 255, (1, 4, 5, 3, 1), np.uint8)))
rr.log("bytes", rr.Image(bytes=bytes(range(24)), width=4, height=2, color_model="RGB", datatype=np.uint8))
rr.log("nv12", rr.Image(bytes=bytes(24), width=4, height=4, pixel_format=rr.PixelFormat.NV12))
rr.log("near", rr.Image(np.zeros((2, 2, 3), np.uint8), magnification_filter="nearest"))
rr.log("fields", rr.Image.from_fields(opacity=0.25))
