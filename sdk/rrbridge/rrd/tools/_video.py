"""Which samples of a video a part must begin with: those since the last key frame before it, or it cannot be decoded."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rrbridge._arrow import first_values
from rrbridge._chunk import Chunk
from rrbridge._video_groups import H264, H265, HEAD_BYTES, begins_group

__all__ = ["SAMPLE", "VideoPlaces"]

CODEC = "VideoStream:codec"
SAMPLE = "VideoStream:sample"
KEYFRAME = "VideoStream:is_keyframe"
CODECS = {H264: 1, H265: 2}
"""The bit that says that a sample begins a group, if this is the codec: what it is may be known only later."""
FIELDS = 5
SAMPLES_MAX = 600
"""A group longer than this is not carried along."""


@dataclass(slots=True)
class VideoPlaces:
    """Where the samples of one entity stand, and which of them a decoder can start with."""

    codec: int | None = None
    _numbers: array[int] = field(default_factory=lambda: array("q"))
    """Time, offset and size of the message, row, bits: five for each sample."""
    _marked: set[int] = field(default_factory=set)
    """Times of samples that are said to be key frames."""

    def add(self, chunk: Chunk, times: npt.NDArray[np.int64], offset: int, size: int) -> None:
        """Note a chunk of the entity; `times` are those of its rows, or none if it is static."""
        components = chunk.components
        if CODEC in components:
            _, codecs = first_values(components[CODEC].cells)
            self.codec = int(codecs[-1].as_py()) if len(codecs) else self.codec
        if not len(times):
            return
        if KEYFRAME in components:
            has, marks = first_values(components[KEYFRAME].cells)
            rows = np.flatnonzero(has)[np.asarray(marks.to_numpy(zero_copy_only=False), np.bool_)]
            self._marked.update(times[rows].tolist())
        if SAMPLE in components:
            has, samples = first_values(components[SAMPLE].cells)
            for row, sample in zip(np.flatnonzero(has).tolist(), samples, strict=True):
                head = sample.values.slice(0, HEAD_BYTES).to_numpy().tobytes()
                bits = sum(bit for codec, bit in CODECS.items() if begins_group(head, codec))
                self._numbers.extend((int(times[row]), offset, size, row, bits))

    def before(self, start: int) -> list[tuple[int, int, int]]:
        """Offset, size and row of the samples before a time that a decoder needs from then on, in order of time."""
        table = np.frombuffer(self._numbers, np.int64).reshape(-1, FIELDS)
        table = table[np.argsort(table[:, 0], kind="stable")]
        begins = (table[:, 4] & CODECS.get(self.codec or 0, 0)) > 0
        begins |= np.isin(table[:, 0], np.array(sorted(self._marked), np.int64))
        end = int(np.searchsorted(table[:, 0], start))
        if end < len(table) and table[end, 0] == start and begins[end]:
            return []
        first = np.flatnonzero(begins[:end])
        if not len(first) or end - first[-1] > SAMPLES_MAX:
            return []
        return [(int(o), int(s), int(r)) for _, o, s, r, _ in table[first[-1] : end].tolist()]
