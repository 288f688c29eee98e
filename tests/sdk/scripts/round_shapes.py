"""Ellipsoids, cylinders, capsules, ellipses."""

import rerun as rr

rr.log("e", rr.Ellipsoids3D(half_sizes=[[1, 2, 3]], centers=[[0, 0, 1]], quaternions=[[0, 0, 0, 1]], line_radii=0.1))
rr.log("s", rr.Ellipsoids3D(radii=[1, 2], centers=[[0, 0, 0], [3, 0, 0]], fill_mode=2))
rr.log(
    "c",
    rr.Cylinders3D(lengths=[1, 2], radii=[0.5, 0.25], centers=[[0, 0, 0], [1, 1, 1]], colors=[[1, 2, 3], [4, 5, 6]]),
)
rr.log("k", rr.Capsules3D(lengths=[1.0, 2.0], radii=[0.5, 0.5], translations=[[0, 0, 0], [0, 0, 3]], labels=["a", "b"]))
rr.log("l", rr.Ellipses2D(half_sizes=[[3, 4]], centers=[[0, 0]], line_radii=1, draw_order=1))
rr.log("m", rr.Capsules3D(lengths=[1], radii=[1], rotation_axis_angles=[rr.RotationAxisAngle([0, 1, 0], radians=1.0)]))
