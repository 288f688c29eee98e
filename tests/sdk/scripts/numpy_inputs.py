"""Odd but usual numpy inputs."""

import numpy as np
import rerun as rr

grid = np.stack(np.meshgrid(np.arange(3), np.arange(4)), axis=-1)
rr.log("a", rr.Points2D(grid.reshape(-1, 2)))
rr.log("b", rr.Points3D(np.asfortranarray(np.arange(12.0).reshape(4, 3))))
rr.log("d", rr.Points3D(np.arange(12).reshape(2, 2, 3)))
rr.log("e", rr.Points3D(np.arange(24.0).reshape(4, 6)[:, ::2]))
rr.log("f", rr.Scalars(np.arange(3, dtype=np.int8)))
rr.log("g", rr.Points3D([np.float64(1), np.float32(2), 3]))
rr.log("h", rr.Image(np.arange(60, dtype=np.uint8).reshape(4, 5, 3)[:, ::-1]))
