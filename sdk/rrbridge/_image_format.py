"""What images are made of: colour models, channel types, pixel formats."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from rrbridge.errors import InvalidValueError

__all__ = ["ChannelDatatype", "Choice", "ColorModel", "ImageFormat", "PixelFormat", "choice"]


E = TypeVar("E", bound=Enum)


def choice(cls: type[E], value: Any) -> E:
    """The member that a member, its name in any case, or its number stands for. Raises ValueError."""
    if isinstance(value, cls):
        return value
    if isinstance(value, str):
        for member in cls:
            if member.name.lower() == value.lower():
                return member
    elif isinstance(value, int | np.integer) and any(member.value == value for member in cls):
        return cls(int(value))
    raise ValueError(f"one of {', '.join(member.name for member in cls)}, not {value!r}")


class Choice(IntEnum):
    """One of a few things, with the number that stands for it in Arrow."""

    @classmethod
    def auto(cls, val: Any) -> Self:
        """The member that a member, its name in any case, or its number stands for. Raises InvalidValueError."""
        try:
            return choice(cls, val)
        except ValueError as err:
            raise InvalidValueError(cls.__name__, str(err).partition(", not ")[0], repr(val)[:80]) from err

    def __str__(self) -> str:
        return self.name


class PixelFormat(Choice):
    """Layouts of chroma-subsampled images; plain ones have a colour model and a channel type instead."""

    Y_U_V12_LimitedRange = 20
    NV12 = 26
    YUY2 = 27
    Y8_FullRange = 30
    Y_U_V24_LimitedRange = 39
    Y_U_V24_FullRange = 40
    Y8_LimitedRange = 41
    Y_U_V12_FullRange = 44
    Y_U_V16_LimitedRange = 49
    Y_U_V16_FullRange = 50
    BayerRGGB8 = 128
    BayerBGGR8 = 129
    BayerGBRG8 = 130
    BayerGRBG8 = 131


class ColorModel(Choice):
    """What the channels of a pixel mean."""

    L = 1
    RGB = 2
    RGBA = 3
    BGR = 4
    BGRA = 5

    def num_channels(self) -> int:
        """How many numbers a pixel has."""
        return {ColorModel.L: 1, ColorModel.RGB: 3, ColorModel.BGR: 3}.get(self, 4)


class ChannelDatatype(Choice):
    """The number type of one channel."""

    U8 = 6
    I8 = 7
    U16 = 8
    I16 = 9
    U32 = 10
    I32 = 11
    U64 = 12
    I64 = 13
    F16 = 33
    F32 = 34
    F64 = 35

    @classmethod
    def from_dtype(cls, dtype: npt.DTypeLike) -> ChannelDatatype:
        """The channel type of a numpy type. Raises ValueError for types that images cannot have."""
        found = np.dtype(dtype)
        name = f"{ {'u': 'U', 'i': 'I', 'f': 'F', 'b': 'U'}.get(found.kind, '?') }{found.itemsize * 8}"
        if name not in cls.__members__:
            raise ValueError(f"images cannot have channels of type {found}")
        return cls[name]

    @classmethod
    def from_np_dtype(cls, dtype: npt.DTypeLike) -> ChannelDatatype:
        """The same as `from_dtype`, by the reference's name."""
        return cls.from_dtype(dtype)

    def to_np_dtype(self) -> type[np.generic]:
        """The numpy type of one channel."""
        kind: type[np.generic] = self.dtype.type
        return kind

    @property
    def dtype(self) -> np.dtype[Any]:
        """The numpy type of one channel."""
        return np.dtype(f"{self.name[0].lower()}{int(self.name[1:]) // 8}")


@dataclass(frozen=True, slots=True)
class ImageFormat:
    """Width, height in pixels, and either a pixel format or a colour model with a channel type."""

    width: int
    height: int
    pixel_format: PixelFormat | None = None
    color_model: ColorModel | None = None
    channel_datatype: ChannelDatatype | None = None

    def __post_init__(self) -> None:
        """Let names and numbers stand for members. Raises ValueError."""
        for name, choices in (
            ("pixel_format", PixelFormat),
            ("color_model", ColorModel),
            ("channel_datatype", ChannelDatatype),
        ):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, choice(choices, value))
