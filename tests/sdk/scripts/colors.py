"""Every way to say a colour."""

import numpy as np
import rerun as rr

for i, color in enumerate(
    [
        [255, 0, 0],
        (0, 255, 0, 128),
        0x12345678,
        [0x11223344, 0x55667788],
        [1.0, 0.5, 0.0],
        [[0.1, 0.2, 0.3]],
        np.array([1, 2, 3], np.uint8),
        np.array([[0.5, 0.5, 0.5, 0.5]], np.float32),
        [[1, 2, 3], [4, 5, 6]],
        np.array([1, 2], np.uint32),
        rr.components.Color(5),
        [rr.components.Color([9, 8, 7])],
    ]
):
    rr.log(f"c/{i}", rr.Points3D([[0, 0, 0], [1, 1, 1]], colors=color))
rr.log("bytes_as_floats", rr.Points3D(np.zeros((4, 3)), colors=np.linspace(0, 255, 12).reshape(4, 3)))
rr.log("past_one", rr.Points3D(np.zeros((2, 3)), colors=np.array([[1.5, -0.2, 2.0], [0.0, 1.0, 300.0]], np.float32)))
for i, color in enumerate(
    [
        np.linspace(0, 1, 12, dtype=np.float16).reshape(4, 3),
        np.arange(8, dtype=np.uint8),
        np.array([[-1, 256, 300], [1, 2, 3]]),
        [500, 2, 3, 4],
        [1, 0, 0],
        [[1, 0, 0]],
        [[260, 0, 0]],
        [7],
        (0.5, 0.25, 1.0, 0.5),
        np.zeros((0, 3), np.uint8),
        True,
    ]
):
    rr.log(f"odd/{i}", rr.Points3D(np.zeros((4, 3)), colors=color))
