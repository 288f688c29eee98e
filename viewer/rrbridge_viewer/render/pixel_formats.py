"""Image buffers as logged, turned into what a `Picture` takes: (h, w, 4) colours, or (h, w) values.

Formats: reference/types.json. YUV is BT.601, luma 16..235 and chroma 16..240 where the range is limited.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rrbridge._image_format import ChannelDatatype, ColorModel, PixelFormat
from rrbridge.errors import InvalidValueError

__all__ = ["MAX_SIDE", "ImageFormat", "pixels_of", "with_alpha"]

MAX_SIDE = 65_536
Array = npt.NDArray[Any]

PLANAR: dict[int, tuple[int, int, bool]] = {
    PixelFormat.Y_U_V12_LimitedRange: (2, 2, False),
    PixelFormat.Y_U_V12_FullRange: (2, 2, True),
    PixelFormat.Y_U_V16_LimitedRange: (2, 1, False),
    PixelFormat.Y_U_V16_FullRange: (2, 1, True),
    PixelFormat.Y_U_V24_LimitedRange: (1, 1, False),
    PixelFormat.Y_U_V24_FullRange: (1, 1, True),
}
"""Planar YUV: horizontal and vertical chroma step, and whether the range is full."""
BAYER: dict[int, tuple[tuple[int, int], tuple[int, int]]] = {
    PixelFormat.BayerRGGB8: ((0, 0), (1, 1)),
    PixelFormat.BayerBGGR8: ((1, 1), (0, 0)),
    PixelFormat.BayerGBRG8: ((1, 0), (0, 1)),
    PixelFormat.BayerGRBG8: ((0, 1), (1, 0)),
}
"""(row, column) of red and of blue in each 2x2 cell."""


@dataclass(frozen=True, slots=True)
class ImageFormat:
    """How to read an image buffer; numbers as in the components of the same names."""

    width: int
    height: int
    pixel_format: int | None = None
    color_model: int | None = None
    channel_datatype: int | None = None

    @classmethod
    def of(cls, value: Mapping[str, Any] | None) -> ImageFormat:
        """From an `ImageFormat` component. Raises InvalidValueError where it is missing or its sides are."""
        if value is None:
            raise InvalidValueError("format", "an image format", "none")
        width, height = int(value["width"]), int(value["height"])
        if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
            raise InvalidValueError("format", f"sides of 1 to {MAX_SIDE} pixels", f"{width} x {height}")
        return cls(width, height, value.get("pixel_format"), value.get("color_model"), value.get("channel_datatype"))


def pixels_of(buffer: npt.NDArray[np.uint8], image_format: ImageFormat) -> Array:
    """(h, w, 4) u8, or (h, w) u8, u16 or f32. Raises InvalidValueError where the buffer is too short for its format."""
    if image_format.pixel_format is not None:
        return _special(buffer, image_format)
    try:
        model = ColorModel(image_format.color_model or ColorModel.L)
        dtype = ChannelDatatype(image_format.channel_datatype or ChannelDatatype.U8).dtype
    except ValueError as err:
        raise InvalidValueError("format", "a known colour model and datatype", str(err)) from err
    channels = model.num_channels()
    count = image_format.width * image_format.height * channels
    needed = _needed(buffer, count * dtype.itemsize)
    raw = np.frombuffer(np.ascontiguousarray(needed), dtype, count)
    if channels == 1:
        values = raw.reshape(image_format.height, image_format.width)
        return values if dtype in (np.uint8, np.uint16, np.float32) else _as_f32(values)
    colors = _as_u8(raw).reshape(image_format.height, image_format.width, channels)
    if model in (ColorModel.BGR, ColorModel.BGRA):
        colors = colors[:, :, [2, 1, 0, 3][:channels]]
    packed: npt.NDArray[np.uint8] = colors if channels == 4 else with_alpha(colors)
    return packed


def with_alpha(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(h, w, 4) from (h, w, 3)."""
    packed = np.empty((*rgb.shape[:2], 4), np.uint8)
    packed[:, :, :3] = rgb
    packed[:, :, 3] = 255
    return packed


def _as_u8(values: Array) -> npt.NDArray[np.uint8]:
    """Colour channels of any type: integers over their whole range, floats 0..1, or 0..255 where some are above 1."""
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind == "u":
        return (values >> (8 * (values.dtype.itemsize - 1))).astype(np.uint8)
    if values.dtype.kind == "i":
        return (np.maximum(values, 0) >> (8 * values.dtype.itemsize - 9)).astype(np.uint8)
    finite = np.nan_to_num(_as_f32(values), posinf=0, neginf=0)
    scale = 255.0 if finite.size == 0 or finite.max() <= 1 else 1.0
    return np.asarray(np.clip(finite * scale + 0.5, 0, 255), np.uint8)


def _as_f32(values: Array) -> npt.NDArray[np.float32]:
    """What is too large becomes infinite, which colour ranges leave out of account."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def _needed(buffer: npt.NDArray[np.uint8], nbytes: int) -> npt.NDArray[np.uint8]:
    if len(buffer) < nbytes:
        raise InvalidValueError("buffer", f"{nbytes} bytes for its format", f"{len(buffer)}")
    return buffer[:nbytes]


def _special(buffer: npt.NDArray[np.uint8], image_format: ImageFormat) -> Array:
    width, height, number = image_format.width, image_format.height, image_format.pixel_format
    if number in (PixelFormat.Y8_FullRange, PixelFormat.Y8_LimitedRange):
        luma = _needed(buffer, width * height).reshape(height, width)
        return luma if number == PixelFormat.Y8_FullRange else _LUMA[luma]
    if number == PixelFormat.NV12:
        rows, columns = -(-height // 2), -(-width // 2)
        raw = _needed(buffer, width * height + 2 * rows * columns)
        chroma = raw[width * height :].reshape(rows, columns, 2)
        return _rgb(raw[: width * height].reshape(height, width), chroma[:, :, 0], chroma[:, :, 1], (2, 2), full=False)
    if number == PixelFormat.YUY2:
        columns = -(-width // 2)
        pairs = _needed(buffer, 4 * columns * height).reshape(height, columns, 4)
        luma = pairs[:, :, 0::2].reshape(height, -1)[:, :width]
        return _rgb(luma, pairs[:, :, 1], pairs[:, :, 3], (2, 1), full=False)
    if number in PLANAR:
        across, down, full = PLANAR[number]
        rows, columns = -(-height // down), -(-width // across)
        raw = _needed(buffer, width * height + 2 * rows * columns)
        u, v = raw[width * height :].reshape(2, rows, columns)
        return _rgb(raw[: width * height].reshape(height, width), u, v, (across, down), full=full)
    if number in BAYER:
        return _bayer(_needed(buffer, width * height).reshape(height, width), *BAYER[number])
    raise InvalidValueError("format", "a known pixel format", str(number))


_LUMA = np.clip(np.round((np.arange(256) - 16) * (255 / 219)), 0, 255).astype(np.uint8)


def _rgb(luma: Array, u: Array, v: Array, step: tuple[int, int], *, full: bool) -> npt.NDArray[np.uint8]:
    """BT.601 in 16.16 fixed point; what chroma adds is worked out at chroma's resolution."""
    height, width = luma.shape
    gain, chroma_gain, black = (1.0, 1.0, 0) if full else (255 / 219, 255 / 224, 16)
    bright = ((np.arange(256) - black) * (gain * 65536) + 32768).astype(np.int32)[luma]
    centred_u, centred_v = (plane.astype(np.int32) - 128 for plane in (u, v))
    red, green_u, green_v, blue = (int(chroma_gain * k * 65536) for k in (1.402, 0.344136, 0.714136, 1.772))
    packed = np.empty((height, width, 4), np.uint8)
    for channel, added in enumerate((red * centred_v, -green_u * centred_u - green_v * centred_v, blue * centred_u)):
        spread = added.repeat(step[1], axis=0)[:height].repeat(step[0], axis=1)[:, :width]
        packed[:, :, channel] = np.clip((bright + spread) >> 16, 0, 255)
    packed[:, :, 3] = 255
    return packed


def _bayer(mosaic: Array, red: tuple[int, int], blue: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Each cell of 2x2 in one colour, greens averaged: half the resolution, without false edges."""
    height, width = mosaic.shape
    cells = np.pad(mosaic, ((0, height % 2), (0, width % 2)), mode="edge")
    greens = [(row, column) for row in (0, 1) for column in (0, 1) if (row, column) not in (red, blue)]
    first, second = (cells[row::2, column::2].astype(np.uint16) for row, column in greens)
    planes = (cells[red[0] :: 2, red[1] :: 2], (first + second) // 2, cells[blue[0] :: 2, blue[1] :: 2])
    packed = np.full((*cells.shape, 4), 255, np.uint8)
    for channel, plane in enumerate(planes):
        packed[:, :, channel] = plane.repeat(2, axis=0).repeat(2, axis=1)
    return packed[:height, :width]
