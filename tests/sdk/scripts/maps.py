"""Grids of cells and of voxels."""

import numpy as np
import rerun as rr

cells = np.arange(12, dtype=np.uint8)
fmt = rr.components.ImageFormat(width=4, height=3, color_model="L", channel_datatype="U8")
rr.log(
    "grid",
    rr.GridMap(
        data=cells.tobytes(), format=fmt, cell_size=0.05, translation=[1, 2, 0], colormap="RvizMap", opacity=0.5
    ),
)
rr.log(
    "voxels",
    rr.VoxelGridMap(
        [[0, 0, 0], [1, -2, 3]], voxel_size=[0.1, 0.1, 0.1], values=[0.5, 1.0], colors=[[255, 0, 0], [0, 255, 0]]
    ),
)
rr.log(
    "volume",
    rr.Volume3D(
        np.arange(24, dtype=np.float32).reshape(2, 3, 4), voxel_size=[0.1, 0.2, 0.3], gamma=1.5, colormap="magma"
    ),
)
