"""Streams that FFmpeg encodes, shown at any time."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

import rrbridge as rr
from rrbridge.errors import InvalidValueError
from rrbridge_viewer.render.primitives import Picture
from rrbridge_viewer.render.video_decoding import VideoDecoders
from rrbridge_viewer.visualizers import ComponentValue, EntityData, SceneBuilder, VideoSample, visualizers

WIDTH, HEIGHT, FRAMES, GROUP = 96, 64, 24, 12
H264, H265 = 0x61766331, 0x68657631


def shade(number: int) -> int:
    """The brightness of a frame, which tells it from its neighbours."""
    return 20 + 9 * number


@cache
def stream(encoder: str, b_frames: int = 0) -> tuple[VideoSample, ...]:
    """One sample per frame; a key frame every GROUP frames."""
    context: Any = av.CodecContext.create(encoder, "w")
    context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    context.time_base, context.gop_size, context.max_b_frames = Fraction(1, 25), GROUP, b_frames
    context.options = {
        "libx264": {"preset": "ultrafast", "tune": "zerolatency", "sc_threshold": "0"},
        "libx265": {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "x265-params": f"keyint={GROUP}:bframes=0:log-level=none",
        },
    }[encoder]
    packets = []
    for number in range(FRAMES):
        pixels = np.full((HEIGHT, WIDTH, 3), shade(number), np.uint8)
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
        frame.pts = number
        packets += context.encode(frame)
    packets += context.encode(None)
    return tuple(VideoSample(number * 40, bytes(packet)) for number, packet in enumerate(packets))


def brightness(frame: npt.NDArray[np.uint8] | None) -> float:
    assert frame is not None
    assert frame.shape == (HEIGHT, WIDTH, 4)
    return float(frame[:, :, :3].mean())


@pytest.mark.parametrize(("encoder", "codec"), [("libx264", H264), ("libx265", H265)])
def test_any_frame_can_be_reached_in_any_order(encoder: str, codec: int) -> None:
    samples = stream(encoder)
    decoders = VideoDecoders()
    for number in [0, 1, 5, 4, 23, 12, 11, 13, 0]:
        key = number // GROUP * GROUP
        assert abs(brightness(decoders.frame("/cam", codec, samples[key : number + 1])) - shade(number)) < 4


def test_going_forward_decodes_only_what_is_new() -> None:
    samples = stream("libx264")
    decoders = VideoDecoders()
    first = decoders.frame("/cam", H264, samples[:6])
    assert decoders.packets_decoded == 6
    assert decoders.frame("/cam", H264, samples[:6]) is first
    decoders.frame("/cam", H264, samples[:8])
    assert decoders.packets_decoded == 8
    decoders.frame("/cam", H264, samples[:2])
    assert decoders.packets_decoded == 10


def test_a_stream_of_the_same_name_and_times_is_told_apart() -> None:
    samples = stream("libx264")
    others = [VideoSample(a.time, b.data) for a, b in zip(samples[:GROUP], samples[GROUP:], strict=True)]
    decoders = VideoDecoders()
    assert abs(brightness(decoders.frame("/cam", H264, samples[:4])) - shade(3)) < 4
    assert abs(brightness(decoders.frame("/cam", H264, others[:4])) - shade(GROUP + 3)) < 4


def test_a_stream_without_its_key_frame_says_so_and_recovers() -> None:
    samples = stream("libx264")
    decoders = VideoDecoders()
    with pytest.raises(InvalidValueError, match="frame of the stream"):
        decoders.frame("/cam", H264, samples[3:6])
    assert abs(brightness(decoders.frame("/cam", H264, samples[:4])) - shade(3)) < 4
    with pytest.raises(InvalidValueError, match=r"H\.264"):
        decoders.frame("/other", 7, samples)
    assert decoders.frame("/empty", H264, ()) is None


def test_a_stream_is_a_picture_at_the_cursor() -> None:
    samples = stream("libx264")
    (batch,) = rr.VideoStream(codec=H264).as_component_batches()
    components = {batch.component_descriptor().component: ComponentValue(batch.as_arrow_array(), 0)}
    builder = SceneBuilder(visualizers, "2D")
    for last in (3, 9):
        (picture,) = builder.primitives([EntityData(path="/cam", components=components, video=samples[: last + 1])])
        assert isinstance(picture, Picture)
        assert abs(picture.pixels[:, :, 0].mean() - shade(last)) < 4
