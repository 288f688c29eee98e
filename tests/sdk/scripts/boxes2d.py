"""Rectangles in all formats."""

import rerun as rr

rr.log("a", rr.Boxes2D(mins=[-1, -1], sizes=[2, 2]))
for kind in rr.Box2DFormat:
    rr.log(f"b/{kind.name}", rr.Boxes2D(array=[[1, 2, 30, 40]], array_format=kind, labels=["a"]))
rr.log("c", rr.Boxes2D(half_sizes=[[1, 2]], centers=[[3, 4]], colors=[[0, 255, 0]], radii=2, draw_order=3.5))
