"""Bytes, in every form that can be one or several of them."""

import io

import numpy as np
import rerun as rr

for i, given in enumerate(
    [
        b"abc",
        [b"a", b"bc"],
        np.arange(4, dtype=np.uint8),
        np.arange(6, dtype=np.uint8).reshape(2, 3),
        np.arange(6).reshape(2, 3),
        np.array([1.0, 2.0]),
        [1, 2, 3],
        (1, 2),
        [[1, 2], [3]],
        [np.arange(3, dtype=np.uint8), np.arange(2, dtype=np.uint8)],
        io.BytesIO(b"xyz"),
        [],
        np.array([], np.uint8),
        [rr.components.Blob(b"q"), rr.components.Blob(b"rs")],
    ]
):
    batch = rr.components.BlobBatch(given)
    rr.log(f"batch/{i}", [batch.described(rr.ComponentDescriptor("bytes"))])
    rr.log(f"sample/{i}", rr.VideoStream.from_fields(sample=batch))
