"""Cameras, as the pyramid between the eye and the picture. The picture itself is drawn by whoever draws the image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rrbridge_viewer.render.primitives import Colors, Lines, Primitive
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._ours import visualizers
from rrbridge_viewer.visualizers._pinhole_geometry import plane_distance
from rrbridge_viewer.visualizers._values import radii_of, rgba

COLOR: Colors = np.array([[150, 158, 168, 255]], np.uint8)
WIDTH = -1.0
UP_MARK = 0.12
"""Height of the triangle that says where up is, as a share of the picture's."""


@visualizers("Pinhole", needs=["Pinhole:image_from_camera"], content="camera", spaces=["3D"])
def pinhole(entity: EntityData) -> Iterator[Primitive]:
    """Edges of the pyramid, its base, and a triangle above the picture."""
    camera = entity.pinhole
    if camera is None:
        return
    k = np.asarray(camera.image_from_camera, np.float64)
    width, height = camera.resolution or (2 * k[0, 2], 2 * k[1, 2])
    if not (k[0, 0] and k[1, 1] and width > 0 and height > 0):
        return
    mark = height * UP_MARK
    in_image = np.array(
        [
            (0, 0),
            (width, 0),
            (width, height),
            (0, height),
            (width / 2 - mark, -mark * 0.3),
            (width / 2, -mark * 1.3),
            (width / 2 + mark, -mark * 0.3),
        ]
    )
    in_camera = np.c_[in_image, np.ones(7)] @ np.linalg.inv(k).T * plane_distance(camera)
    eye = np.zeros(3)
    a, b, c, d, left, top, right = in_camera
    points = [a, b, c, d, a, eye, b, c, eye, d, left, top, right, left]
    logged = entity.array("Pinhole:color")
    yield Lines(
        positions=np.array(points, np.float32),
        offsets=np.array([0, 10, 14]),
        colors=COLOR if logged is None else rgba(logged),
        radii=radii_of(entity, "Pinhole:line_width", WIDTH),
        instance_ids=np.zeros(2, np.uint32),
    )
