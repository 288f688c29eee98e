"""Clouds of points of different sizes at once."""

import numpy as np
import rerun as rr

rng = np.random.default_rng(7)
sizes = [3, 0, 5, 2]
rr.send_columns(
    "points",
    indexes=[rr.TimeColumn("time", duration=[0.0, 0.1, 0.2, 0.3])],
    columns=[
        *rr.Points3D.columns(
            positions=rng.normal(size=(10, 3)), colors=rng.integers(0, 255, (10, 3), np.uint8)
        ).partition(lengths=sizes),
        *rr.Points3D.columns(radii=[0.1, 0.2, 0.3, 0.4]),
    ],
)
rr.send_columns(
    "moving",
    [rr.TimeColumn("t", timestamp=np.array([1, 2, 3], "datetime64[s]"))],
    rr.Transform3D.columns(
        translation=[[1, 2, 3], [4, 5, 6], [7, 8, 9]], quaternion=[rr.Quaternion(xyzw=[0, 0, 0, 1])] * 3
    ),
)
rr.send_columns(
    "axis",
    [rr.TimeColumn("i", sequence=[1, 2])],
    rr.Transform3D.columns(
        rotation_axis_angle=[rr.RotationAxisAngle([1, 0, 0], degrees=d) for d in (10, 20)], scale=[[1, 1, 1], [2, 2, 2]]
    ),
)
rr.send_columns(
    "text", [rr.TimeColumn("i", sequence=[1, 2])], rr.TextLog.columns(text=["a", "b"], level=["INFO", "WARN"])
)
