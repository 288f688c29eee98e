"""Images in encodings that the reference does not map, and video: the bytes are carried, in the order that recordings have."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rrbridge import ComponentColumn, PixelFormat
from rrbridge._archetype import ComponentColumnList
from rrbridge._rvl import depth_of_message
from rrbridge.adapters import Skipped
from rrbridge.columns import Columns, Emit
from rrbridge_bridge.messages import adapters

RandomMessages = Callable[[str, int, int], list[Any]]
ColumnsOf = Callable[[str, list[Any]], Columns]
IMAGE = "sensor_msgs/msg/Image"
WIDTH, HEIGHT = 6, 4


@pytest.fixture
def shown(random_messages: RandomMessages, columns_of: ColumnsOf) -> Callable[..., dict[str, Any]]:
    """What an image of this encoding and these bytes becomes: component → value."""

    def show(encoding: str, data: Any, step: int, **other: Any) -> dict[str, Any]:
        message = random_messages(IMAGE, 1, 0)[0]
        given = {"width": WIDTH, "height": HEIGHT, "is_bigendian": 0} | other
        message = replace(message, encoding=encoding, step=step, data=np.asarray(data, np.uint8).reshape(-1), **given)
        return single_row(adapters.by_type[IMAGE](columns_of(IMAGE, [message])))

    return show


def flat(emit: Emit) -> list[ComponentColumn]:
    parts = [emit.columns] if isinstance(emit.columns, ComponentColumnList) else emit.columns
    return [column for part in parts for column in part]


def single_row(emits: Iterable[Emit | Skipped]) -> dict[str, Any]:
    found = {}
    for emit in emits:
        if isinstance(emit, Skipped):
            assert not len(emit.rows), emit.reason
            continue
        for column in flat(emit):
            if len(column):
                found[column.descriptor.component] = column.cells[0].as_py()[0]
    return found


@pytest.mark.parametrize("padding", [0, 2])
def test_planar_pictures(shown: Callable[..., dict[str, Any]], padding: int) -> None:
    rng = np.random.default_rng(1)
    brightness = rng.integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint8)
    chroma = rng.integers(0, 256, (HEIGHT // 2, WIDTH // 2, 2)).astype(np.uint8)
    full = rng.integers(0, 256, (HEIGHT, WIDTH, 2)).astype(np.uint8)

    def padded(rows: Any, extra: int = padding) -> Any:
        return np.pad(rows.reshape(len(rows), -1), ((0, 0), (0, extra))).reshape(-1)

    luma = padded(brightness)
    given = {
        "nv12": (padded(chroma), PixelFormat.NV12, chroma),
        "nv21": (padded(chroma[:, :, ::-1]), PixelFormat.NV12, chroma),
        "nv24": (padded(full, 2 * padding), PixelFormat.Y_U_V24_LimitedRange, np.moveaxis(full, -1, 0)),
        "nv16": (padded(full[:, ::2]), PixelFormat.Y_U_V16_LimitedRange, np.moveaxis(full[:, ::2], -1, 0)),
        "i420": (
            padded(np.moveaxis(chroma, -1, 0).reshape(HEIGHT, WIDTH // 2), padding // 2),
            PixelFormat.Y_U_V12_LimitedRange,
            np.moveaxis(chroma, -1, 0),
        ),
    }
    for encoding, (behind, pixel_format, expected) in given.items():
        made = shown(encoding, np.concatenate([luma, behind]), WIDTH + padding)
        assert made["Image:format"]["pixel_format"] == pixel_format.value, encoding
        assert made["Image:buffer"] == [*brightness.reshape(-1), *expected.reshape(-1)], encoding


def test_uyvy_is_yuyv_with_its_bytes_swapped(shown: Callable[..., dict[str, Any]]) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (HEIGHT, WIDTH, 2)).astype(np.uint8)
    made = shown("uyvy", pixels[:, :, ::-1], WIDTH * 2)
    assert made == shown("yuyv", pixels, WIDTH * 2)
    assert made["Image:buffer"] == pixels.reshape(-1).tolist()


@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bit_mosaics_keep_every_bit(shown: Callable[..., dict[str, Any]], order: str) -> None:
    pixels = np.random.default_rng(3).integers(0, 2**16, (HEIGHT, WIDTH)).astype(np.uint16)
    data = pixels.astype(order + "u2").view(np.uint8)
    made = shown("bayer_grbg16", data, WIDTH * 2, is_bigendian=int(order == ">"))
    assert np.array_equal(np.array(made["Image:buffer"], np.uint8).view(np.uint16), pixels.reshape(-1))


@pytest.mark.parametrize(
    ("encoding", "channels", "datatype"), [("32FC2", 2, "f4"), ("8UC2", 2, "u1"), ("16UC5", 5, "u2")]
)
def test_channels_that_are_no_colours_are_tensors(
    shown: Callable[..., dict[str, Any]], encoding: str, channels: int, datatype: str
) -> None:
    values = np.random.default_rng(5).integers(0, 100, (HEIGHT, WIDTH, channels)).astype(datatype)
    made = shown(encoding, values.view(np.uint8), WIDTH * values.itemsize * channels)["Tensor:data"]
    assert made["shape"] == [HEIGHT, WIDTH, channels]
    assert made["names"] == ["height", "width", "channel"]
    assert np.array_equal(np.array(made["buffer"]).reshape(values.shape), values)


@pytest.mark.parametrize(
    ("msgtype", "field", "formats"),
    [
        ("foxglove_msgs/msg/CompressedVideo", "format", {"h264": "avc1", "h265": "hev1", "av1": "av01", "vp9": "vp09"}),
        (
            "ffmpeg_image_transport_msgs/msg/FFMPEGPacket",
            "encoding",
            {"hevc_nvenc": "hev1", "libx264": "avc1", "av1;yuv420p;bgr8": "av01"},
        ),
    ],
)
def test_video_is_carried(
    msgtype: str, field: str, formats: dict[str, str], random_messages: RandomMessages, columns_of: ColumnsOf
) -> None:
    messages = random_messages(msgtype, len(formats) + 1, 3)
    for message, name in zip(messages, [*formats, "weird"], strict=True):
        setattr(message, field, name)
    seen: dict[int, tuple[bytes, bytes]] = {}
    for item in adapters.by_type[msgtype](columns_of(msgtype, messages)):
        if isinstance(item, Skipped):
            assert (item.rows.tolist(), item.reason) == ([len(formats)], "the video format 'weird' is not known")
            continue
        assert item.rows is not None
        cells = {column.descriptor.component: column.cells.to_pylist() for column in flat(item)}
        for row, (codec,), (sample,) in zip(
            item.rows.tolist(), cells["VideoStream:codec"], cells["VideoStream:sample"], strict=True
        ):
            seen[row] = codec.to_bytes(4, "big"), bytes(sample)
    assert seen == {row: (fourcc.encode(), messages[row].data.tobytes()) for row, fourcc in enumerate(formats.values())}


def test_quantised_depth_becomes_rvl(random_messages: RandomMessages, columns_of: ColumnsOf) -> None:
    """A PNG cannot say how its numbers were quantised; nothing is lost."""
    msgtype = "sensor_msgs/msg/CompressedImage"
    rng = np.random.default_rng(6)
    depths = [
        rng.integers(0, 3, (20, 30)).astype(np.uint16) * rng.integers(0, 2**15, (20, 30)).astype(np.uint16)
        for _ in range(2)
    ]
    messages = random_messages(msgtype, 3, 2)
    for message, depth in zip(messages, [*depths, None], strict=True):
        file = io.BytesIO()
        if depth is not None:
            Image.fromarray(depth).save(file, "PNG")
        message.format = "32FC1; compressedDepth png"
        message.data = np.frombuffer(struct.pack("<iff", 0, 1000, 5) + (file.getvalue() or b"no PNG"), np.uint8)
    emits = list(adapters.by_type[msgtype](columns_of(msgtype, messages)))
    assert [(e.reason, e.rows.tolist()) for e in emits if isinstance(e, Skipped) and len(e.rows)] == [
        ("a compressed depth image is no PNG of 16-bit numbers", [2])
    ]
    (emit,) = (e for e in emits if isinstance(e, Emit))
    assert emit.rows is not None
    assert emit.rows.tolist() == [0, 1]
    cells = {column.descriptor.component: column.cells for column in flat(emit)}
    assert cells["EncodedDepthImage:media_type"].to_pylist() == [["application/rvl"]] * 2
    for depth, (blob,) in zip(depths, cells["EncodedDepthImage:blob"].to_pylist(), strict=True):
        found = depth_of_message(np.array(blob, np.uint8))
        with np.errstate(divide="ignore"):
            assert np.allclose(found, np.where(depth > 0, 1000 / (depth - np.float32(5)), np.nan), equal_nan=True)
