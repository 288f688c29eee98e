"""Images of all kinds, maps that are images, video."""

from __future__ import annotations

from dataclasses import KW_ONLY
from pathlib import Path
from typing import Any

import numpy as np

from rrbridge import components as c
from rrbridge._archetype import Archetype, ComponentColumnList
from rrbridge.encodings import (
    ChannelDatatype,
    ColorModel,
    ImageFormat,
    PixelFormat,
    read_bytes,
)
from rrbridge.errors import InvalidValueError

_MODEL_OF_CHANNELS = {1: ColorModel.L, 3: ColorModel.RGB, 4: ColorModel.RGBA}
_MEDIA_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
_MAGIC = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG", "image/png"), (b"RIFF", "image/webp"))


def _pixels(name: str, image: Any, channels: tuple[int, ...]) -> tuple[np.ndarray[Any, Any], int]:
    """The pixel array and its number of channels, from shape (h, w) or (h, w, c)."""
    array = np.asarray(image)
    if array.dtype == np.bool_:
        array = array.astype(np.uint8)
    if array.ndim > 3:  # a batch of one
        array = np.squeeze(array)
    count = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or count not in channels:
        wanted = " or ".join(f"(height, width{', ' + str(n) if n > 1 else ''})" for n in channels)
        raise InvalidValueError(name, f"an array of shape {wanted}", f"shape {array.shape}")
    return array, count


def _media_type(contents: bytes, path: str | Path | None) -> str | None:
    by_name = _MEDIA_TYPES.get(Path(path).suffix.lower()) if path is not None else None
    return by_name or next((media for magic, media in _MAGIC if contents.startswith(magic)), None)


class Image(Archetype):
    """An image as pixels."""

    buffer: c.ImageBufferLike
    """Rows from the top, tightly packed, little-endian."""
    format: c.ImageFormatLike
    _: KW_ONLY
    opacity: c.OpacityLike | None = None
    draw_order: c.DrawOrderLike | None = None
    magnification_filter: c.MagnificationFilterLike | None = None

    def __init__(
        self,
        image: Any | None = None,
        color_model: ColorModel | str | None = None,
        *,
        pixel_format: PixelFormat | None = None,
        datatype: ChannelDatatype | type | None = None,
        bytes: bytes | None = None,  # noqa: A002 - the reference's name
        width: int | None = None,
        height: int | None = None,
        opacity: c.OpacityLike | None = None,
        draw_order: c.DrawOrderLike | None = None,
        magnification_filter: c.MagnificationFilterLike | None = None,
    ) -> None:
        """Give an array of shape (h, w) or (h, w, 3 or 4), or `bytes` with `width`, `height` and a format."""
        model = ColorModel[color_model] if isinstance(color_model, str) else color_model
        if bytes is not None or pixel_format is not None:
            content: Any = bytes if bytes is not None else image
            if content is None or width is None or height is None:
                raise InvalidValueError("Image", "bytes= or an array, with width= and height=", "not all of them")
            if pixel_format is None and model is None:
                raise InvalidValueError("Image", "a pixel_format= or a color_model= beside bytes=", "neither")
            channel = None
            if pixel_format is None:
                channel = (
                    datatype
                    if isinstance(datatype, ChannelDatatype)
                    else ChannelDatatype.from_dtype(datatype or np.uint8)
                )
            record = ImageFormat(width, height, pixel_format, None if pixel_format else model, channel)
        else:
            content, count = _pixels("Image", image, (1, 3, 4))
            record = ImageFormat(
                content.shape[1], content.shape[0], None, model or _MODEL_OF_CHANNELS[count],
                ChannelDatatype.from_dtype(content.dtype),
            )  # fmt: skip
        self._assign(
            buffer=content,
            format=record,
            opacity=opacity,
            draw_order=draw_order,
            magnification_filter=magnification_filter,
        )

    @classmethod
    def columns(  # type: ignore[override]  # columns take buffers and formats, not arrays of pixels
        cls,
        *,
        buffer: c.ImageBufferLike | None = None,
        format: c.ImageFormatLike | None = None,  # noqa: A002 - the reference's name
        opacity: c.OpacityLike | None = None,
        draw_order: c.DrawOrderLike | None = None,
        magnification_filter: c.MagnificationFilterLike | None = None,
    ) -> ComponentColumnList:
        """Many rows at once."""
        return cls._columns(
            {
                "buffer": buffer, "format": format, "opacity": opacity, "draw_order": draw_order,
                "magnification_filter": magnification_filter,
            }
        )  # fmt: skip


class EncodedImage(Archetype):
    """An image as a JPEG, PNG or WebP file."""

    blob: c.BlobLike
    _: KW_ONLY
    media_type: c.MediaTypeLike | None = None
    opacity: c.OpacityLike | None = None
    draw_order: c.DrawOrderLike | None = None
    magnification_filter: c.MagnificationFilterLike | None = None

    def __init__(
        self,
        *,
        path: str | Path | None = None,
        contents: bytes | None = None,
        media_type: c.MediaTypeLike | None = None,
        opacity: c.OpacityLike | None = None,
        draw_order: c.DrawOrderLike | None = None,
        magnification_filter: c.MagnificationFilterLike | None = None,
    ) -> None:
        """Give `path` or `contents`; the media type is guessed from either."""
        if (path is None) == (contents is None):
            raise InvalidValueError("EncodedImage", "exactly one of path=, contents=", "both" if path else "neither")
        content = contents if contents is not None else read_bytes(path or "")
        self._assign(
            blob=content, media_type=media_type or _media_type(content[:8], path), opacity=opacity,
            draw_order=draw_order, magnification_filter=magnification_filter,
        )  # fmt: skip

    @classmethod
    def columns(  # type: ignore[override]  # columns take the files' bytes, not their paths
        cls,
        *,
        blob: c.BlobLike | None = None,
        media_type: c.MediaTypeLike | None = None,
        opacity: c.OpacityLike | None = None,
        draw_order: c.DrawOrderLike | None = None,
        magnification_filter: c.MagnificationFilterLike | None = None,
    ) -> ComponentColumnList:
        """Many rows at once."""
        return cls._columns(
            {
                "blob": blob, "media_type": media_type, "opacity": opacity, "draw_order": draw_order,
                "magnification_filter": magnification_filter,
            }
        )  # fmt: skip


class DepthImage(Archetype):
    """Distances along the camera's axis, one per pixel."""

    buffer: c.ImageBufferLike
    format: c.ImageFormatLike
    _: KW_ONLY
    meter: c.DepthMeterLike | None = None
    """How many units make a metre: 1000 for millimetres."""
    colormap: c.ColormapLike | None = None
    depth_range: c.ValueRangeLike | None = None
    point_fill_ratio: c.FillRatioLike | None = None
    draw_order: c.DrawOrderLike | None = None
    magnification_filter: c.MagnificationFilterLike | None = None

    def __init__(
        self,
        image: Any,
        *,
        meter: c.DepthMeterLike | None = None,
        colormap: c.ColormapLike | None = None,
        depth_range: c.ValueRangeLike | None = None,
        point_fill_ratio: c.FillRatioLike | None = None,
        draw_order: c.DrawOrderLike | None = None,
        magnification_filter: c.MagnificationFilterLike | None = None,
    ) -> None:
        """Take an array of shape (h, w)."""
        pixels, _ = _pixels("DepthImage", image, (1,))
        channel = ChannelDatatype.from_dtype(pixels.dtype)
        self._assign(
            buffer=pixels,
            format=ImageFormat(pixels.shape[1], pixels.shape[0], None, None, channel),
            meter=meter, colormap=colormap, depth_range=depth_range, point_fill_ratio=point_fill_ratio,
            draw_order=draw_order, magnification_filter=magnification_filter,
        )  # fmt: skip

    @classmethod
    def columns(  # type: ignore[override]  # columns take buffers and formats, not arrays of pixels
        cls,
        *,
        buffer: c.ImageBufferLike | None = None,
        format: c.ImageFormatLike | None = None,  # noqa: A002 - the reference's name
        meter: c.DepthMeterLike | None = None,
        colormap: c.ColormapLike | None = None,
        depth_range: c.ValueRangeLike | None = None,
        point_fill_ratio: c.FillRatioLike | None = None,
        draw_order: c.DrawOrderLike | None = None,
        magnification_filter: c.MagnificationFilterLike | None = None,
    ) -> ComponentColumnList:
        """Many rows at once."""
        return cls._columns(
            {
                "buffer": buffer, "format": format, "meter": meter, "colormap": colormap, "depth_range": depth_range,
                "point_fill_ratio": point_fill_ratio, "draw_order": draw_order,
                "magnification_filter": magnification_filter,
            }
        )  # fmt: skip


class EncodedDepthImage(Archetype):
    """Distances along the camera's axis as a PNG or RVL file."""

    blob: c.BlobLike
    _: KW_ONLY
    media_type: c.MediaTypeLike | None = None
    meter: c.DepthMeterLike | None = None
    colormap: c.ColormapLike | None = None
    depth_range: c.ValueRangeLike | None = None
    point_fill_ratio: c.FillRatioLike | None = None
    draw_order: c.DrawOrderLike | None = None
    magnification_filter: c.MagnificationFilterLike | None = None


class SegmentationImage(Archetype):
    """A class id per pixel."""

    buffer: c.ImageBufferLike
    format: c.ImageFormatLike
    _: KW_ONLY
    opacity: c.OpacityLike | None = None
    draw_order: c.DrawOrderLike | None = None

    def __init__(
        self, image: Any, *, opacity: c.OpacityLike | None = None, draw_order: c.DrawOrderLike | None = None
    ) -> None:
        """Take an array of shape (h, w) of whole numbers."""
        pixels, _ = _pixels("SegmentationImage", image, (1,))
        channel = ChannelDatatype.from_dtype(pixels.dtype)
        record = ImageFormat(pixels.shape[1], pixels.shape[0], None, None, channel)
        self._assign(buffer=pixels, format=record, opacity=opacity, draw_order=draw_order)


class GridMap(Archetype):
    """A map of square cells, lying in its frame's x-y plane: an occupancy grid, a costmap."""

    data: c.ImageBufferLike
    """Cells as pixels, rows from the top."""
    format: c.ImageFormatLike
    cell_size: c.CellSizeLike
    """Metres."""
    _: KW_ONLY
    translation: c.Translation3DLike | None = None
    rotation_axis_angle: c.RotationAxisAngleLike | None = None
    quaternion: c.RotationQuatLike | None = None
    opacity: c.OpacityLike | None = None
    draw_order: c.DrawOrderLike | None = None
    colormap: c.ColormapLike | None = None


class VoxelGridMap(Archetype):
    """Filled cells of a regular grid."""

    voxel_indices: c.VoxelIndexLike
    voxel_size: c.VoxelSizeLike
    _: KW_ONLY
    values: c.VoxelValueLike | None = None
    colors: c.ColorLike | None = None
    translation: c.Translation3DLike | None = None
    rotation_axis_angle: c.RotationAxisAngleLike | None = None
    quaternion: c.RotationQuatLike | None = None
    opacity: c.OpacityLike | None = None
    value_range: c.ValueRangeLike | None = None
    colormap: c.ColormapLike | None = None


class VideoStream(Archetype):
    """Encoded video, a sample per row."""

    codec: c.VideoCodecLike
    _: KW_ONLY
    sample: c.VideoSampleLike | None = None
    is_keyframe: c.IsKeyframeLike | None = None
    opacity: c.OpacityLike | None = None
    draw_order: c.DrawOrderLike | None = None
