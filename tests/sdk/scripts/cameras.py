"""Pinholes in every form."""

import rerun as rr

rr.log("a", rr.Pinhole(focal_length=3, width=3, height=3))
rr.log("b", rr.Pinhole(image_from_camera=[[500, 0, 320], [0, 500, 240], [0, 0, 1]], resolution=[640, 480]))
rr.log(
    "c",
    rr.Pinhole(fov_y=0.7853982, aspect_ratio=1.7777778, camera_xyz=rr.ViewCoordinates.RUB, image_plane_distance=0.1),
)
rr.log(
    "d",
    rr.Pinhole(
        focal_length=(300, 310), principal_point=(320, 240), resolution=(640, 480), color=[255, 0, 0], line_width=0.02
    ),
)
rr.log(
    "e",
    rr.Pinhole(
        focal_length=100.0,
        width=64,
        height=48,
        camera_xyz=rr.components.ViewCoordinates.FLU,
        child_frame="img",
        parent_frame="cam",
    ),
)
