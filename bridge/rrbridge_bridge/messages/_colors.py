"""Colours that say something: one for each class, and for how serious a line is."""

from __future__ import annotations

import colorsys
import zlib
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

__all__ = ["class_colors"]

_GOLDEN = 0.618033988749895
_SEED = 4231
"""Of the checksum; with it the classes that detectors mostly tell of (person, car, truck, dog …) have hues well apart."""


def class_colors(names: Iterable[str]) -> npt.NDArray[np.uint32]:
    """0xRRGGBBAA for each name: the same name has the same colour in every message, topic and recording."""
    return np.array([_color(name) for name in names], np.uint32)


@lru_cache(4096)
def _color(name: str) -> int:
    number = int(name) if name.isascii() and name.isdigit() and len(name) < 10 else zlib.crc32(name.encode(), _SEED)
    red, green, blue = colorsys.hsv_to_rgb(number * _GOLDEN % 1.0, 0.65 + 0.25 * (number // 7 % 2), 0.95)
    return int(red * 255) << 24 | int(green * 255) << 16 | int(blue * 255) << 8 | 0xFF
