"""From arrays of pixels to the buffers and formats of image archetypes, and back to Pillow images."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rrbridge._image_format import ChannelDatatype, ColorModel, ImageFormat
from rrbridge.errors import InvalidValueError, MissingExtraError

if TYPE_CHECKING:
    from rrbridge.columns import Ragged

__all__ = ["compressed", "format_of", "pil_image", "pixels", "raw_bytes"]


def pixels(name: str, image: Any, channels: tuple[int, ...]) -> tuple[npt.NDArray[Any], int]:
    """The pixel array and its number of channels, from shape (h, w) or (h, w, c); axes of length one around it are dropped.

    Takes what has an array in it: numpy, Pillow, torch, also from a GPU. Raises InvalidValueError.
    """
    if image is None:
        raise InvalidValueError(name, "an image", "None")
    try:
        array = np.asarray(image.numpy(force=True) if hasattr(image, "numpy") else image)
    except (TypeError, ValueError) as err:
        raise InvalidValueError(name, "an array of pixels", str(err)) from err
    if array.dtype == np.bool_:
        array = array.astype(np.uint8)
    shape = array.shape
    while len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]
    while len(shape) > 2 and shape[-1] == 1:
        shape = shape[:-1]
    count = shape[2] if len(shape) == 3 else 1
    if len(shape) not in (2, 3) or count not in channels:
        wanted = " or ".join(f"(height, width{', ' + str(n) if n > 1 else ''})" for n in channels)
        raise InvalidValueError(name, f"an array of shape {wanted}", f"shape {array.shape}")
    try:
        ChannelDatatype.from_dtype(array.dtype)
    except ValueError as err:
        raise InvalidValueError(name, "an array of numbers", str(array.dtype)) from err
    return array.reshape(shape), count


def raw_bytes(array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """The bytes of an array in C order, little-endian; without a copy where it is so already. Shape (nbytes,)."""
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return np.ascontiguousarray(little).reshape(-1).view(np.uint8)


def format_of(batch: Any) -> ImageFormat:
    """The format in an archetype's field. Raises InvalidValueError if there is none."""
    if batch is None or len(batch) == 0:
        raise InvalidValueError("format", "an image with a format", "none")
    return ImageFormat(**(batch[0] if isinstance(batch[0], dict) else batch[0].as_py()))


def pil_image(buffer: Ragged, image_format: ImageFormat) -> Any:
    """As a Pillow image. Raises InvalidValueError for pixel formats, MissingExtraError without Pillow."""
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError("making a Pillow image", "viewer") from None
    if image_format.pixel_format is not None or image_format.channel_datatype is None:
        raise InvalidValueError("format", "an image of plain channels", repr(image_format))
    model = image_format.color_model or ColorModel.L
    values = np.frombuffer(np.ascontiguousarray(buffer.values).tobytes(), image_format.channel_datatype.dtype)
    shape = (image_format.height, image_format.width, model.num_channels())
    array = values.reshape(shape[:2] if model is ColorModel.L else shape)
    if model is ColorModel.BGR:
        array = array[..., ::-1]
    elif model is ColorModel.BGRA:
        array = array[..., [2, 1, 0, 3]]
    return Image.fromarray(array)


def compressed(image: Any, kind: str, **options: Any) -> bytes:
    """A Pillow image as the bytes of a file."""
    file = BytesIO()
    image.save(file, format=kind, **options)
    return file.getvalue()


def grey_16(file: bytes, most_pixels: int = 1 << 28) -> npt.NDArray[np.uint16]:
    """(h, w) of a PNG of 16 bits per pixel. Raises InvalidValueError where it is none, MissingExtraError without Pillow."""
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError("reading a PNG", "viewer") from None
    wanted = "a PNG of 16-bit grey"
    try:
        with Image.open(BytesIO(file), formats=("PNG",)) as image:
            if image.width * image.height > most_pixels:
                raise InvalidValueError("file", f"at most {most_pixels} pixels", f"{image.width} x {image.height}")
            if not image.mode.startswith("I"):
                raise InvalidValueError("file", wanted, f"one of mode {image.mode}")
            return np.array(image).astype(np.uint16)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning) as err:
        raise InvalidValueError("file", wanted, str(err)) from err
