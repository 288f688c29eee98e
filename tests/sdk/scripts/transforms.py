"""Transforms in every form."""

import numpy as np
import rerun as rr

rr.log("a", rr.Transform3D(translation=[1, 2, 3], rotation=rr.Quaternion(xyzw=[0, 0, 0, 1]), scale=2))
rr.log("b", rr.Transform3D(rotation=rr.RotationAxisAngle(axis=[0, 1, 0], degrees=90), scale=[1, 2, 3]))
rr.log("c", rr.Transform3D(mat3x3=[[1, 2, 3], [4, 5, 6], [7, 8, 9]], parent_frame="map", child_frame="base"))
rr.log("d", rr.Transform3D(quaternion=[0, 0, 0, 1], relation=rr.TransformRelation.ChildFromParent))
rr.log("e", rr.Transform3D(translation=np.array([1.0, 2.0, 3.0]), relation="ChildFromParent"))
rr.log("f", rr.Transform3D.from_fields(translation=[1, 1, 1]))
rr.log("f", rr.Transform3D(clear=True) if False else rr.Transform3D.cleared())
rr.log("g", rr.TransformAxes3D(0.5, show_frame=True), rr.CoordinateFrame("map"))
rr.log("h", rr.Transform3D(scale=np.float32(3)))
rr.log("i", rr.Transform3D(rotation_axis_angle=rr.RotationAxisAngle([1, 0, 0], radians=0.25)))
