"""Soft ellipsoids."""

import numpy as np
import rerun as rr

rng = np.random.default_rng(5)
rr.log(
    "a",
    rr.GaussianSplats3D(
        rng.random((3, 3)), scales=rng.random((3, 3)), quaternions=[[0, 0, 0, 1]] * 3, colors=[[1, 2, 3, 4]] * 3
    ),
)
rr.log(
    "b",
    rr.GaussianSplats3D(
        [[1, 2, 3]], sh_coefficients=rng.random((1, 15, 3)).astype(np.float32), spherical_harmonics_degree=3
    ),
)
