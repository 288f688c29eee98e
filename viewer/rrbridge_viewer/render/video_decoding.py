"""The frame of a compressed video stream at a time. PyAV decodes, and is imported when the first video appears.

Going forward decodes only what is new; going back starts again at the last key frame.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from rrbridge.components import VideoCodec
from rrbridge.errors import InvalidValueError, MissingExtraError

if TYPE_CHECKING:
    import av

__all__ = ["Sample", "VideoDecoders"]

CODECS = {
    VideoCodec.AV1.value: "libdav1d",
    VideoCodec.H264.value: "h264",
    VideoCodec.H265.value: "hevc",
    VideoCodec.VP8.value: "vp8",
    VideoCodec.VP9.value: "vp9",
}
KEPT = 8
MOST_PIXELS = 1 << 28


class Sample(Protocol):
    """One compressed frame."""

    @property
    def time(self) -> int:
        """When it is to be seen."""

    @property
    def data(self) -> bytes:
        """As the codec wants it; H.264 and H.265 with start codes."""


@dataclass(slots=True)
class _Stream:
    codec: int
    context: Any
    first: Sample
    last: Sample
    fed: int
    """How many samples, from the first, the decoder was given."""
    shown: npt.NDArray[np.uint8] | None = None
    is_over: bool = False
    """Whether the decoder was told that no more comes, and must start again."""


class VideoDecoders:
    """Decoders of several streams, the least used forgotten."""

    def __init__(self) -> None:
        self._streams: OrderedDict[str, _Stream] = OrderedDict()
        self.packets_decoded = 0

    def frame(self, name: str, codec: int, samples: Sequence[Sample]) -> npt.NDArray[np.uint8] | None:
        """(h, w, 4) of the last sample, given all from the last key frame on; None where they make no frame yet.

        Raises InvalidValueError where the stream is damaged or its codec unknown, MissingExtraError without PyAV.
        """
        if not samples:
            return None
        stream = self._streams.get(name)
        if stream is None or not _continues(stream, codec, samples):
            stream = _Stream(codec, _context(codec), samples[0], samples[0], 0)
        self._streams[name] = stream
        self._streams.move_to_end(name)
        while len(self._streams) > KEPT:
            self._streams.popitem(last=False)
        if stream.fed < len(samples):
            self._feed(stream, samples)
        return stream.shown

    def _feed(self, stream: _Stream, samples: Sequence[Sample]) -> None:
        import av

        newest: av.VideoFrame | None = None
        try:
            for sample in samples[stream.fed :]:
                self.packets_decoded += 1
                for frame in stream.context.decode(av.Packet(sample.data)):
                    newest = frame
            stream.fed, stream.last = len(samples), samples[-1]
            if newest is None and stream.shown is None:
                stream.is_over = True
                newest = next(iter(reversed(stream.context.decode(None))), None)
        except av.FFmpegError as err:
            stream.is_over = True
            raise InvalidValueError("sample", "a frame of the stream", str(err)) from err
        if newest is not None:
            stream.shown = np.asarray(newest.to_ndarray(format="rgba"), np.uint8)


def _continues(stream: _Stream, codec: int, samples: Sequence[Sample]) -> bool:
    return (
        not stream.is_over
        and stream.codec == codec
        and 0 < stream.fed <= len(samples)
        and _is_same(stream.first, samples[0])
        and _is_same(stream.last, samples[stream.fed - 1])
    )


def _is_same(a: Sample, b: Sample) -> bool:
    """Another recording may have a stream of the same name with the same times."""
    return a.time == b.time and a.data == b.data


def _context(codec: int) -> Any:
    name = CODECS.get(codec)
    if name is None:
        raise InvalidValueError("codec", "H.264, H.265, AV1, VP8 or VP9", f"{codec:#x}")
    try:
        import av
        from av.codec.context import Flags
    except ImportError as err:
        raise MissingExtraError("showing video", "viewer") from err
    context = av.CodecContext.create(name, "r")
    context.flags |= Flags.low_delay
    context.options = {"max_pixels": str(MOST_PIXELS)}
    return context
