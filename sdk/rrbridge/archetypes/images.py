"""Images of all kinds, maps that are images, video."""

from __future__ import annotations

import warnings
from dataclasses import KW_ONLY
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from rrbridge import components as c
from rrbridge._archetype import Archetype, ComponentColumnList, DrawnArchetype
from rrbridge._files import file_content
from rrbridge._image_format import ChannelDatatype, ColorModel, ImageFormat, PixelFormat, choice
from rrbridge._misuse import caller_depth, strict_mode
from rrbridge._pictures import compressed, format_of, pil_image, pixels, raw_bytes
from rrbridge.errors import InvalidValueError, RrbridgeWarning

T = TypeVar("T")
_MODEL_OF_CHANNELS = {1: ColorModel.L, 3: ColorModel.RGB, 4: ColorModel.RGBA}
_MAGIC = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG", "image/png"), (b"RIFF", "image/webp"))


class Image(DrawnArchetype):
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
        pixel_format: PixelFormat | str | None = None,
        datatype: ChannelDatatype | npt.DTypeLike | None = None,
        bytes: bytes | None = None,  # noqa: A002 - the reference's name
        width: int | None = None,
        height: int | None = None,
        opacity: c.OpacityLike | None = None,
        draw_order: c.DrawOrderLike | None = None,
        magnification_filter: c.MagnificationFilterLike | None = None,
    ) -> None:
        """Give an array of shape (h, w) or (h, w, 3 or 4), or `bytes` with `width`, `height` and a format.

        `pixel_format`, `datatype`, `width` and `height` say what `bytes` are; an array says so itself.
        """
        model = None if color_model is None else choice(ColorModel, color_model)
        content: Any
        if bytes is not None:
            if width is None or height is None:
                raise InvalidValueError("Image", "width= and height= beside bytes=", "not both of them")
            if (pixel_format is None) == (model is None):
                raise InvalidValueError(
                    "Image", "either pixel_format= or color_model= beside bytes=", "both" if model else "neither"
                )
            content = bytes
            content = raw_bytes(content) if isinstance(content, np.ndarray) else content
            channel = None if pixel_format is not None else _channel(datatype)
            layout = None if pixel_format is None else choice(PixelFormat, pixel_format)
            record = ImageFormat(width, height, layout, model, channel)
        else:
            array, count = pixels("Image", image, (1, 3, 4))
            if model is not None and model.num_channels() != count:
                raise InvalidValueError("Image", f"{model.num_channels()} channels for {model.name}", f"{count}")
            content, channel = raw_bytes(array), ChannelDatatype.from_dtype(array.dtype)
            record = ImageFormat(array.shape[1], array.shape[0], None, model or _MODEL_OF_CHANNELS[count], channel)
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

    def image_format(self) -> ImageFormat:
        """Its size and what its pixels are."""
        return format_of(self.format)

    def as_pil_image(self) -> Any:
        """As a Pillow image; not for chroma-subsampled ones."""
        return pil_image(cast("Any", self.buffer), self.image_format())

    def compress(self, jpeg_quality: int = 95) -> EncodedImage | Image:
        """As a JPEG if it is 8-bit L, RGB or BGR; else it stays as it is, with a warning (an error in strict mode)."""
        try:
            return self._compressed(jpeg_quality)
        except InvalidValueError as err:
            return _uncompressed(self, err)

    def _compressed(self, jpeg_quality: int) -> EncodedImage:
        kind = self.image_format()
        plain = kind.color_model in (ColorModel.L, ColorModel.RGB, ColorModel.BGR)
        if not plain or kind.channel_datatype is not ChannelDatatype.U8:
            raise InvalidValueError("Image.compress", "an image of 8-bit L, RGB or BGR", repr(kind))
        contents = compressed(self.as_pil_image(), "JPEG", quality=jpeg_quality)
        return EncodedImage(
            contents=contents, media_type="image/jpeg", opacity=self.opacity, draw_order=self.draw_order,
            magnification_filter=self.magnification_filter,
        )  # fmt: skip


def _uncompressed(image: T, err: InvalidValueError) -> T:
    """A picture that cannot be compressed is logged as it is: a robot must not stop for it. Strict mode raises."""
    if strict_mode():
        raise err
    warnings.warn(f"{err}; it stays uncompressed", RrbridgeWarning, caller_depth())
    return image


def _channel(datatype: Any) -> ChannelDatatype:
    """The channel type that a member, its name or a numpy type stands for. Bytes unless told otherwise."""
    if datatype is None:
        return ChannelDatatype.U8
    if isinstance(datatype, str) and datatype.upper() in ChannelDatatype.__members__:
        return ChannelDatatype[datatype.upper()]
    return choice(ChannelDatatype, datatype) if isinstance(datatype, int) else ChannelDatatype.from_dtype(datatype)


class EncodedImage(DrawnArchetype):
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
        contents: bytes | IO[bytes] | c.BlobLike | None = None,
        media_type: c.MediaTypeLike | None = None,
        opacity: c.OpacityLike | None = None,
        draw_order: c.DrawOrderLike | None = None,
        magnification_filter: c.MagnificationFilterLike | None = None,
    ) -> None:
        """Give `path` or `contents`; the media type is guessed from either."""
        content, media_type = file_content("EncodedImage", path, contents, media_type)
        if media_type is None and isinstance(content, bytes):
            media_type = next((media for magic, media in _MAGIC if content.startswith(magic)), None)
        self._assign(
            blob=content, media_type=media_type, opacity=opacity, draw_order=draw_order,
            magnification_filter=magnification_filter,
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


class DepthImage(DrawnArchetype):
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
        array, _ = pixels("DepthImage", image, (1,))
        channel = ChannelDatatype.from_dtype(array.dtype)
        self._assign(
            buffer=raw_bytes(array),
            format=ImageFormat(array.shape[1], array.shape[0], None, None, channel),
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

    def image_format(self) -> ImageFormat:
        """Its size and the type of its numbers."""
        return format_of(self.format)

    def as_pil_image(self) -> Any:
        """As a Pillow image of one channel."""
        return pil_image(cast("Any", self.buffer), self.image_format())

    def compress(self, compress_level: int = 6) -> EncodedDepthImage | DepthImage:
        """As a PNG, without loss, if its numbers are of 8 or 16 bits without a sign; else as it is, with a warning.

        In strict mode that is an error.
        """
        try:
            return self._compressed(compress_level)
        except InvalidValueError as err:
            return _uncompressed(self, err)

    def _compressed(self, compress_level: int) -> EncodedDepthImage:
        kind = self.image_format()
        if kind.channel_datatype not in (ChannelDatatype.U8, ChannelDatatype.U16):
            raise InvalidValueError("DepthImage.compress", "an image of uint8 or uint16", repr(kind))
        return EncodedDepthImage(
            compressed(self.as_pil_image(), "PNG", compress_level=compress_level), media_type="image/png",
            meter=self.meter, colormap=self.colormap, depth_range=self.depth_range,
            point_fill_ratio=self.point_fill_ratio, draw_order=self.draw_order,
            magnification_filter=self.magnification_filter,
        )  # fmt: skip


class EncodedDepthImage(DrawnArchetype):
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


class SegmentationImage(DrawnArchetype):
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
        array, _ = pixels("SegmentationImage", image, (1,))
        channel = ChannelDatatype.from_dtype(array.dtype)
        record = ImageFormat(array.shape[1], array.shape[0], None, None, channel)
        self._assign(buffer=raw_bytes(array), format=record, opacity=opacity, draw_order=draw_order)

    @classmethod
    def columns(  # type: ignore[override]  # columns take buffers and formats, not arrays of pixels
        cls,
        *,
        buffer: c.ImageBufferLike | None = None,
        format: c.ImageFormatLike | None = None,  # noqa: A002 - the reference's name
        opacity: c.OpacityLike | None = None,
        draw_order: c.DrawOrderLike | None = None,
    ) -> ComponentColumnList:
        """Many rows at once."""
        return cls._columns({"buffer": buffer, "format": format, "opacity": opacity, "draw_order": draw_order})


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


class VoxelGridMap(DrawnArchetype):
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


class VideoStream(DrawnArchetype):
    """Encoded video, a sample per row."""

    codec: c.VideoCodecLike
    _: KW_ONLY
    sample: c.VideoSampleLike | None = None
    is_keyframe: c.IsKeyframeLike | None = None
    opacity: c.OpacityLike | None = None
    draw_order: c.DrawOrderLike | None = None
