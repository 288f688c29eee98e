"""Images: raw, compressed, as depth, as video."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge import ChannelDatatype, ColorModel, PixelFormat
from rrbridge.adapters import Skipped
from rrbridge.columns import Columns, Emit, Ragged, take
from rrbridge_bridge.messages._registry import adapters

__all__ = ["IMAGE_PLANE"]

IMAGE_PLANE = "_image_plane"
"""Put behind a camera's frame to name the frame that its pixels are in."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """What an encoding's name means."""

    channels: int = 1
    datatype: ChannelDatatype = ChannelDatatype.U8
    color_model: ColorModel | None = None
    pixel_format: PixelFormat | None = None
    depth: bool = False
    row_factor: float = 1.0
    """Rows in memory for each row of the picture: 1.5 with quarter-size chroma behind the picture."""
    swapped_pairs: bool = False
    """UYVY: the bytes of each pair stand the other way round than in YUYV."""

    @property
    def pixel_bytes(self) -> int:
        """Bytes from one pixel to the next in a row."""
        return self.channels * self.datatype.dtype.itemsize


def _color(model: ColorModel, channels: int, datatype: ChannelDatatype = ChannelDatatype.U8) -> Encoding:
    return Encoding(channels, datatype, model)


_PLAIN = {"8U": "U8", "8S": "I8", "16U": "U16", "16S": "I16", "32S": "I32", "32F": "F32", "64F": "F64"}
# Names: sensor_msgs/image_encodings.h. Which become depth images, and that three and four plain channels are BGR and BGRA,
# is what the reference's importer does.
ENCODINGS: dict[str, Encoding] = {
    "rgb8": _color(ColorModel.RGB, 3),
    "rgba8": _color(ColorModel.RGBA, 4),
    "bgr8": _color(ColorModel.BGR, 3),
    "bgra8": _color(ColorModel.BGRA, 4),
    "rgb16": _color(ColorModel.RGB, 3, ChannelDatatype.U16),
    "rgba16": _color(ColorModel.RGBA, 4, ChannelDatatype.U16),
    "bgr16": _color(ColorModel.BGR, 3, ChannelDatatype.U16),
    "bgra16": _color(ColorModel.BGRA, 4, ChannelDatatype.U16),
    "mono8": Encoding(color_model=ColorModel.L, depth=True),
    "mono16": Encoding(datatype=ChannelDatatype.U16, color_model=ColorModel.L, depth=True),
    "yuv422_yuy2": Encoding(2, pixel_format=PixelFormat.YUY2),
    "yuyv": Encoding(2, pixel_format=PixelFormat.YUY2),
    "yuv422": Encoding(2, pixel_format=PixelFormat.YUY2, swapped_pairs=True),
    "uyvy": Encoding(2, pixel_format=PixelFormat.YUY2, swapped_pairs=True),
    "nv12": Encoding(pixel_format=PixelFormat.NV12, row_factor=1.5),
    "bayer_rggb8": Encoding(pixel_format=PixelFormat.BayerRGGB8),
    "bayer_bggr8": Encoding(pixel_format=PixelFormat.BayerBGGR8),
    "bayer_gbrg8": Encoding(pixel_format=PixelFormat.BayerGBRG8),
    "bayer_grbg8": Encoding(pixel_format=PixelFormat.BayerGRBG8),
}
for _bits, _name in _PLAIN.items():
    _datatype = ChannelDatatype[_name]
    ENCODINGS[f"{_bits}C1"] = Encoding(datatype=_datatype, depth=True)
    ENCODINGS[f"{_bits}C3"] = _color(ColorModel.BGR, 3, _datatype)
    ENCODINGS[f"{_bits}C4"] = _color(ColorModel.BGRA, 4, _datatype)


@adapters("sensor_msgs/msg/Image", carries=["data"], reference=True)
def image(msgs: Columns) -> Iterator[Emit | Skipped]:
    """Images of one size and encoding at a time: there are few of these per topic, mostly one."""
    codes, names = msgs.encoding.dictionary()
    layout = np.stack([codes, msgs.width, msgs.height, msgs.step, msgs.is_bigendian], axis=-1).astype(np.int64)
    layouts, group = np.unique(layout, axis=0, return_inverse=True)
    for number, (code, width, height, step, big_endian) in enumerate(layouts.tolist()):
        rows = np.flatnonzero(group.reshape(-1) == number)
        if (encoding := ENCODINGS.get(names[code])) is None:
            yield Skipped(rows, f"the image encoding {names[code]!r} is not known")
            continue
        buffers, whole = _packed(msgs.data, rows, encoding, width, height, step, swap_bytes=bool(big_endian))
        columns = _depth_columns if encoding.depth else _image_columns
        yield Emit(columns(buffers, encoding, width, height), rows=rows[whole])
        yield Skipped(rows[~whole], "an image has less data than its size and encoding need")


def _packed(
    data: Ragged,
    rows: npt.NDArray[np.int64],
    encoding: Encoding,
    width: int,
    height: int,
    step: int,
    *,
    swap_bytes: bool,
) -> tuple[Ragged, npt.NDArray[np.bool_]]:
    """Tightly packed pixels of equal images, and which of `rows` hold a whole image."""
    lines, line_bytes = int(height * encoding.row_factor), width * encoding.pixel_bytes
    whole = data.lengths[rows] >= max(lines * step, 0)
    if step < line_bytes:
        whole = np.zeros(len(rows), np.bool_)
    kept = rows[whole]
    pixels = take(data, kept) if len(kept) != len(data) else data
    count = len(kept)
    exact = bool(np.all(pixels.lengths == lines * line_bytes))
    swap = swap_bytes and encoding.datatype.dtype.itemsize > 1
    if exact and not swap and not encoding.swapped_pairs:
        return pixels, whole
    values = pixels.values
    if not np.all(pixels.lengths == lines * step):  # trailing bytes behind the last line
        values = np.concatenate([values[a : a + lines * step] for a in pixels.offsets[:-1].tolist()] or [values[:0]])
    packed: npt.NDArray[Any] = values[: count * lines * step].reshape(count, lines, step)[:, :, :line_bytes]
    packed = np.ascontiguousarray(packed)
    if swap:
        packed = packed.view(encoding.datatype.dtype).byteswap().view(np.uint8)
    if encoding.swapped_pairs:
        packed = packed.view(np.uint16).byteswap().view(np.uint8)
    return Ragged.from_lengths(np.full(count, lines * line_bytes), packed.reshape(-1)), whole


def _format(encoding: Encoding, width: int, height: int) -> rr.ImageFormat:
    datatype = None if encoding.pixel_format else encoding.datatype
    return rr.ImageFormat(width, height, encoding.pixel_format, encoding.color_model, datatype)


def _image_columns(buffers: Ragged, encoding: Encoding, width: int, height: int) -> rr.ComponentColumnList:
    return rr.Image.columns(buffer=buffers, format=[_format(encoding, width, height)] * len(buffers))


def _depth_columns(buffers: Ragged, encoding: Encoding, width: int, height: int) -> rr.ComponentColumnList:
    # REP 118: 16-bit depth counts millimetres; floating point depth is in metres, which needs no saying.
    meter = (
        np.full(len(buffers), 1000.0) if encoding.datatype == ChannelDatatype.U16 and not encoding.color_model else None
    )
    return rr.DepthImage.columns(buffer=buffers, format=[_format(encoding, width, height)] * len(buffers), meter=meter)


_VIDEO_CODECS = {"h264": "H264", "h265": "H265", "hevc": "H265", "av1": "AV1", "vp8": "VP8", "vp9": "VP9"}
_MEDIA_TYPES = (("jpeg", "image/jpeg"), ("jpg", "image/jpeg"), ("png", "image/png"), ("webp", "image/webp"))
_COMPRESSED_DEPTH_HEADER_BYTES = 12
"""compressed_depth_image_transport puts its format and two quantisation parameters before the PNG."""


@adapters("sensor_msgs/msg/CompressedImage", carries=["data"], reference=True)
def compressed_image(msgs: Columns) -> Iterator[Emit | Skipped]:
    """A JPEG, PNG or WebP file, a PNG of depths in millimetres, or a piece of a video, by what `format` says."""
    codes, formats = msgs.format.dictionary()
    for code, name in enumerate(formats):
        rows = np.flatnonzero(codes == code)
        words = name.lower()
        data = take(msgs.data, rows) if len(rows) != len(msgs.data) else msgs.data
        if words in _VIDEO_CODECS:
            codec = np.full(len(rows), rr.VideoCodec[_VIDEO_CODECS[words]].value)
            yield Emit(rr.VideoStream.columns(codec=codec, sample=data), rows=rows)
        elif "compresseddepth" in words and "png" in words and "16uc1" in words:
            whole = data.lengths > _COMPRESSED_DEPTH_HEADER_BYTES
            blobs = _without_head(take(data, whole), _COMPRESSED_DEPTH_HEADER_BYTES)
            count = len(blobs)
            yield Emit(
                rr.EncodedDepthImage.columns(
                    blob=blobs, media_type=["image/png"] * count, meter=np.full(count, 1000.0)
                ),
                rows=rows[whole],
            )
            yield Skipped(rows[~whole], "a compressed depth image is shorter than its header")
        else:
            media_type = next((media for word, media in _MEDIA_TYPES if word in words), None)
            media = None if media_type is None else [media_type] * len(rows)
            yield Emit(rr.EncodedImage.columns(blob=data, media_type=media), rows=rows)


def _without_head(blobs: Ragged, head: int) -> Ragged:
    keep = np.ones(len(blobs.values), np.bool_)
    starts = blobs.offsets[:-1]
    keep[(starts[:, None] + np.arange(head)).reshape(-1)] = False
    return Ragged.from_lengths(blobs.lengths - head, blobs.values[keep])
