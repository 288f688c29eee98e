"""Strips in pixels."""

import numpy as np
import rerun as rr

rr.log("a", rr.LineStrips2D([[[0, 0], [1, 1]], [[0, 0], [1, 1], [2, 2]]], draw_order=3, show_labels=True))
rr.log("b", rr.LineStrips2D(np.zeros((3, 2, 2)), colors=[1, 2, 3]))
