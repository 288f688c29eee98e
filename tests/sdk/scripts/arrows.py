"""Arrows in two and three dimensions."""

import rerun as rr

rr.log("a", rr.Arrows3D(vectors=[[1, 0, 0], [0, 1, 0]], origins=[[0, 0, 0], [1, 1, 1]], radii=0.05, labels=["x", "y"]))
rr.log("b", rr.Arrows3D(vectors=[1, 2, 3]))
rr.log("c", rr.Arrows2D(vectors=[[1, 0]], origins=[[5, 5]], colors=[[0, 0, 255]], draw_order=1, class_ids=2))
rr.log("d", rr.Arrows3D.from_fields(colors=[[1, 2, 3]]))
