"""What visualizers of images share: where pixels lie, ranges of values, and decoding of files."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from rrbridge.components import MagnificationFilter
from rrbridge.errors import InvalidValueError
from rrbridge_viewer.render.colormaps import INDEXED, colormap
from rrbridge_viewer.render.pixel_formats import ImageFormat, pixels_of, with_alpha
from rrbridge_viewer.render.primitives import Picture
from rrbridge_viewer.visualizers._entity import EntityData

__all__ = ["decoded", "draw_order", "is_smooth", "opacity", "picture", "pixels", "value_range"]

MOST_PIXELS = 1 << 28
"""A compressed image may promise more pixels than memory holds."""
SAMPLED = 1 << 16


def pixels(entity: EntityData, archetype: str, component: str = "buffer") -> npt.NDArray[Any] | None:
    """(h, w, 4) or (h, w) of an image buffer; None if there is none."""
    buffer = entity.bytes_of(f"{archetype}:{component}")
    if buffer is None:
        return None
    return pixels_of(buffer, ImageFormat.of(entity.scalar(f"{archetype}:format")))


def decoded(blob: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    """(h, w, 4) u8, or (h, w) u8, u16 or f32, of a JPEG, PNG, … file. Raises InvalidValueError where it is none."""
    try:
        with Pillow.open(io.BytesIO(blob.tobytes())) as image:
            if image.width * image.height > MOST_PIXELS:
                raise InvalidValueError("blob", f"at most {MOST_PIXELS} pixels", f"{image.width} x {image.height}")
            return _array(image)
    except (OSError, SyntaxError, Pillow.DecompressionBombError) as err:
        raise InvalidValueError("blob", "an image file", str(err)) from err


def _array(image: Pillow.Image) -> npt.NDArray[Any]:
    if image.mode in ("L", "F", "RGBA"):
        return np.array(image)
    if image.mode.startswith("I;16"):
        return np.array(image).astype(np.uint16)
    if image.mode == "I":
        values = np.array(image)
        return values.astype(np.uint16 if values.size == 0 or 0 <= values.min() <= values.max() < 65536 else np.float32)
    if image.mode == "1":
        return np.array(image.convert("L"))
    if image.mode == "RGB":
        return with_alpha(np.asarray(image))
    return np.array(image.convert("RGBA"))


def value_range(values: npt.NDArray[Any], *, ignore_zero: bool = False) -> tuple[float, float]:
    """The least and the greatest finite value, from a sample, stray ones left out where there are many."""
    step = max(1, int(np.sqrt(values.size / SAMPLED)))
    sample = values[::step, ::step].reshape(-1)
    sample = sample[np.isfinite(sample)] if sample.dtype.kind == "f" else sample
    if ignore_zero:
        sample = sample[sample > 0]
    if not len(sample):
        return 0.0, 1.0
    low, high = (float(value) for value in np.quantile(sample, [0.002, 0.998]))
    return (low, high) if high > low else (low, low + 1.0)


def picture(
    values: npt.NDArray[Any],
    *,
    colors: int | None = None,
    shown_range: tuple[float, float] | None = None,
    **more: Any,
) -> Picture:
    """Pixels (h, w, …) on the plane of pixels, row 0 at y = 0; values through a `Colormap` number."""
    height, width = values.shape[:2]
    known: dict[str, Any] = {"across": (float(width), 0.0, 0.0), "down": (0.0, float(height), 0.0)} | more
    if values.ndim == 2:
        known |= {
            "colormap": None if colors is None else colormap(colors),
            "indexed": colors in INDEXED,
            "value_range": shown_range or value_range(values),
        }
    return Picture(pixels=values, **known)


def draw_order(entity: EntityData, archetype: str, default: float) -> float:
    """Where it lies among other things of an image; images at -10, what is drawn onto them above 0."""
    given = entity.scalar(f"{archetype}:draw_order")
    return default if given is None else float(given)


def opacity(entity: EntityData, archetype: str, default: float = 1.0) -> float:
    """0..1"""
    given = entity.scalar(f"{archetype}:opacity")
    return default if given is None else min(max(float(given), 0.0), 1.0)


def is_smooth(entity: EntityData, archetype: str) -> bool:
    """Whether pixels are blended when magnified."""
    given = entity.scalar(f"{archetype}:magnification_filter")
    return given is not None and given != MagnificationFilter.Nearest
