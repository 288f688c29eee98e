"""Values under names of one's own."""

import numpy as np
import pyarrow as pa
import rerun as rr

rr.log("a", rr.AnyValues(confidence=[1.2, 3.4], description="Bla", homepage="https://example.org", count=3, flag=True))
rr.log("b", rr.AnyValues(data=b"bytes", array=np.arange(4), nothing=None))
rr.log("c", rr.AnyValues(nested=[[1, 2], [3]], record=[{"a": 1, "b": "x"}]))
rr.log("d", rr.AnyValues(colors=rr.components.ColorBatch([[255, 0, 0]]), arrow=pa.array([1, 2], pa.int8())))
rr.log(
    "e", rr.AnyValues().with_component_from_data("my.own", [1, 2]).with_component_override("typed", "my.Type", [0.5])
)
rr.log("a", rr.AnyValues(count=4, flag=False))
