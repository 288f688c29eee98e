"""What the names of image encodings mean, and where the pixels of each lie in a message."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt

from rrbridge import ChannelDatatype, ColorModel, PixelFormat

__all__ = ["Encoding", "Octets", "Plane", "encoding_of"]

Octets = npt.NDArray[np.uint8]
Plane = tuple[int, int, int]
"""Rows, bytes from one row to the next, bytes of pixels in a row."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How an image lies in memory, and what it is to be called."""

    channels: int = 1
    datatype: ChannelDatatype = ChannelDatatype.U8
    color_model: ColorModel | None = None
    pixel_format: PixelFormat | None = None
    depth: bool = False
    planes: Callable[[int, int, int], tuple[Plane, ...]] | None = None
    """Of width, height and step, where there is more than one plane."""
    reordered: Callable[[Octets, int], Octets] | None = None
    """Of pictures without padding, (n, bytes), and the bytes of the first plane: in the order that recordings have."""

    def planes_of(self, width: int, height: int, step: int) -> tuple[Plane, ...]:
        """Where the pixels are."""
        if self.planes is not None:
            return self.planes(width, height, step)
        return ((height, step, width * self.channels * self.datatype.dtype.itemsize),)


def _chroma_below(width: int, height: int, step: int) -> tuple[Plane, ...]:
    """NV12, NV21: half as many rows of chroma. Without padding one run of bytes, so that odd sizes keep their last row."""
    if step == width:
        return (height, width, width), (1, width * height // 2, width * height // 2)
    return (height, step, width), (height // 2, step, width)


def _chroma_quarters(width: int, height: int, step: int) -> tuple[Plane, ...]:
    if step == width:
        return (height, width, width), (1, width * height // 2, width * height // 2)
    return (height, step, width), (height // 2 * 2, step // 2, width // 2)


def _chroma_rows(width: int, height: int, step: int) -> tuple[Plane, ...]:
    return (height, step, width), (height, step, width)


def _chroma_double_rows(width: int, height: int, step: int) -> tuple[Plane, ...]:
    return (height, step, width), (height, 2 * step, 2 * width)


def _swapped_pairs(pictures: Octets, start: int) -> Octets:
    even = start + (pictures.shape[1] - start) // 2 * 2
    pairs = pictures[:, start:even].reshape(len(pictures), -1, 2)[:, :, ::-1]
    return np.concatenate([pictures[:, :start], pairs.reshape(len(pictures), -1), pictures[:, even:]], axis=1)


def _split_pairs(pictures: Octets, start: int) -> Octets:
    """Chroma as two planes, one behind the other."""
    return np.concatenate([pictures[:, :start], pictures[:, start::2], pictures[:, start + 1 :: 2]], axis=1)


def _color(model: ColorModel, datatype: ChannelDatatype = ChannelDatatype.U8) -> Encoding:
    return Encoding(model.num_channels(), datatype, model)


_UYVY = Encoding(2, pixel_format=PixelFormat.YUY2, reordered=lambda pictures, _: _swapped_pairs(pictures, 0))
_YUYV = Encoding(2, pixel_format=PixelFormat.YUY2)
_NV12 = Encoding(pixel_format=PixelFormat.NV12, planes=_chroma_below)
_I420 = Encoding(pixel_format=PixelFormat.Y_U_V12_LimitedRange, planes=_chroma_quarters)
# Names: sensor_msgs/image_encodings.h, and what camera drivers call planar formats. Which become depth images is what the
# reference's importer does.
_NAMED: dict[str, Encoding] = {
    "mono8": Encoding(color_model=ColorModel.L, depth=True),
    "mono16": Encoding(datatype=ChannelDatatype.U16, color_model=ColorModel.L, depth=True),
    "yuv422_yuy2": _YUYV,
    "yuyv": _YUYV,
    "yuy2": _YUYV,
    "yuv422": _UYVY,
    "uyvy": _UYVY,
    "nv12": _NV12,
    "nv21": replace(_NV12, reordered=_swapped_pairs),
    "nv16": Encoding(pixel_format=PixelFormat.Y_U_V16_LimitedRange, planes=_chroma_rows, reordered=_split_pairs),
    "nv24": Encoding(pixel_format=PixelFormat.Y_U_V24_LimitedRange, planes=_chroma_double_rows, reordered=_split_pairs),
    "i420": _I420,
    "yuv420": _I420,
}
for _model in (ColorModel.RGB, ColorModel.RGBA, ColorModel.BGR, ColorModel.BGRA):
    _NAMED[f"{_model.name.lower()}8"] = _color(_model)
    _NAMED[f"{_model.name.lower()}16"] = _color(_model, ChannelDatatype.U16)
for _pattern in ("RGGB", "BGGR", "GBRG", "GRBG"):
    _NAMED[f"bayer_{_pattern.lower()}8"] = Encoding(pixel_format=PixelFormat[f"Bayer{_pattern}8"])
    # No pixel format has 16-bit mosaics: shown grey, with every bit.
    _NAMED[f"bayer_{_pattern.lower()}16"] = _color(ColorModel.L, ChannelDatatype.U16)

_PLAIN = {"8U": "U8", "8S": "I8", "16U": "U16", "16S": "I16", "32S": "I32", "32F": "F32", "64F": "F64"}
_PLAIN_NAME = re.compile(r"(8U|8S|16U|16S|32S|32F|64F)(?:C([1-9]\d?\d?))?")
_PLAIN_MODELS = {3: ColorModel.BGR, 4: ColorModel.BGRA}
"""Plain channels are OpenCV's, in its order."""
_MOST_CHANNELS = 512
"""OpenCV's own limit."""


@cache
def encoding_of(name: str) -> Encoding | None:
    """What the `encoding` of an image means; None if nobody knows. More channels than colours make an encoding without model."""
    if (found := _NAMED.get(name)) is not None or (plain := _PLAIN_NAME.fullmatch(name)) is None:
        return found
    channels, datatype = int(plain[2] or 1), ChannelDatatype[_PLAIN[plain[1]]]
    if channels > _MOST_CHANNELS:
        return None
    return Encoding(channels, datatype, _PLAIN_MODELS.get(channels), depth=channels == 1)
