"""Arrays of any rank."""

import numpy as np
import rerun as rr

rng = np.random.default_rng(6)
rr.log("a", rr.Tensor(rng.random((2, 3, 4)), dim_names=("x", "y", "z")))
for dtype in (np.uint8, np.int16, np.uint64, np.float16, np.float32):
    rr.log(f"t/{np.dtype(dtype).name}", rr.Tensor(np.arange(6).reshape(2, 3).astype(dtype), value_range=[0, 6]))
rr.log("b", rr.Tensor(rr.TensorData(array=np.eye(3), dim_names=["r", "c"])))
rr.log("c", rr.Tensor([[1, 2], [3, 4]]))
