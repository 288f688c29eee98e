"""The compressed frames that a decoder needs to show a video stream at a time."""

from __future__ import annotations

import numpy as np

from rrbridge._video_groups import begins_group
from rrbridge_viewer.recordings import Recording
from rrbridge_viewer.visualizers import VideoSample

__all__ = ["samples_at"]

CODEC = "VideoStream:codec"
SAMPLE = "VideoStream:sample"
KEYFRAME = "VideoStream:is_keyframe"
LOOKED_BACK = 600
"""A group of pictures longer than this is shown from its middle."""


def samples_at(recording: Recording, path: str, timeline: str, time: int) -> tuple[VideoSample, ...]:
    """Samples from the last key frame up to `time`, in order."""
    store = recording.store
    times = np.unique(store.times(path, timeline))
    last = int(np.searchsorted(times, time, side="right"))
    found: list[VideoSample] = []
    for at in times[max(last - LOOKED_BACK, 0) : last][::-1].tolist():
        cells = store.latest_at(path, (SAMPLE, KEYFRAME, CODEC), timeline, at)
        sample, marked, codec = (cells.get(name) for name in (SAMPLE, KEYFRAME, CODEC))
        if sample is None or sample.time != at or not len(sample.values):
            continue
        data = sample.values[0].values.to_numpy().tobytes()
        found.append(VideoSample(at, data))
        is_marked = marked is not None and marked.time == at and bool(marked.values[0].as_py())
        if is_marked or begins_group(data, codec.values[0].as_py() if codec is not None else None):
            break
    return tuple(found[::-1])
