"""What video files say about themselves. Needs PyAV."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import numpy.typing as npt

from rrbridge.errors import InvalidValueError, MissingExtraError

__all__ = ["frame_timestamps_nanos"]


def frame_timestamps_nanos(contents: bytes) -> npt.NDArray[np.int64]:
    """When each frame is shown, nanoseconds, sorted; read from the packets, without decoding.

    Raises InvalidValueError if this is no video, MissingExtraError without PyAV.
    """
    try:
        import av
    except ImportError:
        raise MissingExtraError("reading videos", "viewer") from None
    try:
        with av.open(BytesIO(contents), mode="r") as container:
            stream = container.streams.video[0]
            times = [p.pts * p.time_base for p in container.demux(stream) if p.pts is not None and p.time_base]
    except (av.FFmpegError, IndexError) as err:
        raise InvalidValueError("AssetVideo:blob", "a video file", str(err)) from err
    return np.sort(np.array([round(t * 1_000_000_000) for t in times], np.int64))
