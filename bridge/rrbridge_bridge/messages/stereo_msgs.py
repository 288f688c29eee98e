"""stereo_msgs: what two cameras see differently."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import rrbridge as rr
from rrbridge.adapters import Skipped
from rrbridge.columns import Columns, Emit, Ragged
from rrbridge_bridge.messages._registry import adapters
from rrbridge_bridge.messages.images import pictures


@adapters("stereo_msgs/msg/DisparityImage")
def disparity_image(msgs: Columns) -> Iterator[Emit | Skipped]:
    """As a depth image in metres: focal length (pixels) times baseline (metres) over disparity (pixels).

    0, no depth, where the disparity is none, below the smallest that was looked for, or not positive.
    """
    for encoding, width, height, rows, found in pictures(msgs.image):
        if isinstance(found, Skipped):
            yield found
            continue
        if encoding.channels != 1 or encoding.pixel_format is not None:
            yield Skipped(rows, "a disparity image has more than one channel")
            continue
        first, last = int(found.offsets[0]), int(found.offsets[-1])
        given = np.ascontiguousarray(found.values[first:last]).view(encoding.datatype.dtype)
        disparity = given.astype(np.float32).reshape(len(rows), height * width)
        depth = np.zeros_like(disparity)
        is_seen = np.isfinite(disparity) & (disparity > 0) & (disparity >= msgs.min_disparity[rows, None])
        with np.errstate(over="ignore", invalid="ignore"):
            scale = (msgs.f[rows].astype(np.float64) * msgs.t[rows]).astype(np.float32)[:, None]
            np.divide(scale, disparity, out=depth, where=is_seen)
        kind = rr.ImageFormat(width, height, None, None, rr.ChannelDatatype.F32)
        buffers = Ragged.from_lengths(np.full(len(rows), depth.shape[1] * 4), depth.reshape(-1).view(np.uint8))
        yield Emit(rr.DepthImage.columns(buffer=buffers, format=[kind] * len(rows)), rows=rows)
