"""Strips of lines, ragged or not."""

import numpy as np
import rerun as rr

rr.log(
    "a", rr.LineStrips3D([[[0, 0, 0], [1, 1, 1]], [[0, 0, 0], [1, 0, 0], [2, 0, 0]]], colors=[[255, 0, 0], [0, 255, 0]])
)
rr.log("b", rr.LineStrips3D(np.arange(24.0).reshape(2, 4, 3), radii=[0.1, 0.2], labels=["x", "y"]))
rr.log("c", rr.LineStrips3D([np.zeros((2, 3)), np.ones((5, 3))]))
rr.log("d", rr.LineStrips3D([[0, 0, 0], [1, 1, 1]], class_ids=[4]))
