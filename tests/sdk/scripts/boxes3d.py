"""Boxes by sizes, half sizes, corners, and turned."""

import rerun as rr

rr.log("a", rr.Boxes3D(half_sizes=[1, 2, 3], centers=[0, 0, 0], fill_mode="solid"))
rr.log("b", rr.Boxes3D(sizes=[[2, 4, 6]], mins=[[1, 1, 1]], labels="box", radii=0.01))
rr.log(
    "c", rr.Boxes3D(half_sizes=[[1, 1, 1]], quaternions=[rr.Quaternion(xyzw=[0, 0, 0.7, 0.7])], colors=[255, 255, 0])
)
rr.log("d", rr.Boxes3D(half_sizes=[[1, 1, 1]], rotation_axis_angles=[rr.RotationAxisAngle([0, 0, 1], degrees=45)]))
rr.log("e", rr.Boxes3D(half_sizes=[1, 1, 1], rotations=rr.RotationAxisAngle(axis=[1, 0, 0], angle=rr.Angle(deg=30))))
rr.log("f", rr.Boxes3D(half_sizes=[1, 1, 1], fill_mode=rr.components.FillMode.DenseWireframe, class_ids=[1]))
