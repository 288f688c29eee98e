"""Poses of instances."""

import numpy as np
import rerun as rr

rr.log("a", rr.InstancePoses3D(translations=[[1, 2, 3], [4, 5, 6]], scales=[[1, 1, 1], [2, 2, 2]]))
rr.log(
    "b", rr.InstancePoses3D(rotation_axis_angles=rr.RotationAxisAngle([0, 0, 1], rr.Angle(rad=0.5)), mat3x3=np.eye(3))
)
rr.log("c", rr.InstancePoses3D(quaternions=[[0, 0, 0, 1]]))
