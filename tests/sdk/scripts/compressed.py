"""JPEG and PNG made by the SDK."""

import numpy as np
import rerun as rr

rng = np.random.default_rng(3)
rr.log("jpeg", rr.Image(rng.integers(0, 255, (16, 24, 3), np.uint8)).compress(jpeg_quality=80))
rr.log("grey", rr.Image(rng.integers(0, 255, (16, 24), np.uint8)).compress())
rr.log("png", rr.DepthImage(rng.integers(0, 5000, (16, 24)).astype(np.uint16), meter=1000.0).compress(compress_level=3))
