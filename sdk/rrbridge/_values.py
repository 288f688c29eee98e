"""Single values with a type of their own: `Vec3D([1, 2, 3])`, `Rgba32(0xFF0000FF)`.

Each is a plain number, text, bytes or tuple as well, so that it can stand wherever one of those can.
"""

from __future__ import annotations

import builtins
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from rrbridge._image_format import Choice
from rrbridge.errors import InvalidValueError

__all__ = [
    "Blob",
    "Bool",
    "ChannelCountPair",
    "ClassId",
    "DVec2D",
    "EntityPath",
    "Float32",
    "Float64",
    "IVec3D",
    "KeypointId",
    "Mat3x3",
    "Mat4x4",
    "Range1D",
    "Rgba32",
    "SphericalHarmonics3Rgb",
    "TimeInt",
    "UInt16",
    "UInt32",
    "UInt64",
    "UVec2D",
    "UVec3D",
    "UVec4D",
    "Utf8",
    "Utf8Pair",
    "Uuid",
    "Vec2D",
    "Vec3D",
    "Vec4D",
    "VideoTimestamp",
    "ViewCoordinates",
    "ViewDir",
]


def _number(what: str, value: Any) -> Any:
    """One number out of a number or an array of one. Raises InvalidValueError."""
    try:
        return np.asarray(value).reshape(()).item()
    except (TypeError, ValueError) as err:
        raise InvalidValueError(what, "a number", repr(value)[:80]) from err


def _int(what: str, value: Any, bits: int, *, signed: bool = False) -> int:
    number = _number(what, value)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)
    if not isinstance(number, int | float) or number != number or not low <= number < high:
        raise InvalidValueError(what, f"a whole number within {low} … {high - 1}", repr(value)[:80])
    return int(number)


class Float32(float):
    """A number."""

    __slots__ = ()

    def __new__(cls, value: Any) -> Self:
        number = _number(cls.__name__, value)
        if not isinstance(number, int | float):
            raise InvalidValueError(cls.__name__, "a number", repr(value)[:80])
        return super().__new__(cls, number)

    @property
    def value(self) -> float:
        """The number."""
        return float(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({float(self)!r})"


class Float64(Float32):
    """A number in double precision."""

    __slots__ = ()


class _Unsigned(int):
    """A whole number from 0."""

    bits: ClassVar[int] = 64

    def __new__(cls, value: Any) -> Self:
        return super().__new__(cls, _int(cls.__name__, value, cls.bits))

    @property
    def value(self) -> int:
        """The number."""
        return int(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({int(self)})"


class UInt64(_Unsigned):
    """A whole number of 64 bits."""


class UInt32(_Unsigned):
    """A whole number of 32 bits."""

    bits = 32


class UInt16(_Unsigned):
    """A whole number of 16 bits."""

    bits = 16


class ClassId(UInt16):
    """The id of a class in an annotation context."""

    def __new__(cls, id: Any) -> Self:  # noqa: A002 - the reference\'s name
        return super().__new__(cls, id)

    @property
    def id(self) -> int:
        """The number."""
        return int(self)


class KeypointId(UInt16):
    """The id of a keypoint in an annotation context."""

    def __new__(cls, id: Any) -> Self:  # noqa: A002 - the reference\'s name
        return super().__new__(cls, id)

    @property
    def id(self) -> int:
        """The number."""
        return int(self)


class Bool(int):
    """True or false."""

    def __new__(cls, value: Any) -> Self:
        return super().__new__(cls, bool(value))

    @property
    def value(self) -> bool:
        """The truth value."""
        return bool(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({bool(self)})"


class TimeInt(int):
    """A time: a sequence number, or nanoseconds."""

    def __new__(cls, *, seq: int | None = None, seconds: float | None = None, nanos: int | None = None) -> Self:
        """Give one of `seq`, `seconds`, `nanos`."""
        given = [v for v in (seq, seconds, nanos) if v is not None]
        if len(given) != 1:
            raise InvalidValueError(cls.__name__, "one of seq=, seconds=, nanos=", f"{len(given)} of them")
        number = _number(cls.__name__, given[0])
        return super().__new__(
            cls, _int(cls.__name__, number * 1e9 if seconds is not None else number, 64, signed=True)
        )

    @property
    def value(self) -> int:
        """The number."""
        return int(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({int(self)})"


class VideoTimestamp(int):
    """A time since the start of a video, nanoseconds."""

    def __new__(cls, timestamp_ns: Any) -> Self:
        return super().__new__(cls, _int(cls.__name__, timestamp_ns, 64, signed=True))

    @property
    def timestamp_ns(self) -> int:
        """Nanoseconds."""
        return int(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({int(self)})"


class Rgba32(int):
    """A colour, packed as 0xRRGGBBAA."""

    def __new__(cls, rgba: Any) -> Self:
        """Take 0xRRGGBBAA, or 3 or 4 channels as 0 … 255 or 0.0 … 1.0."""
        from rrbridge.encodings import parse_color  # encodings know this class

        try:
            packed = parse_color(rgba)
        except (TypeError, ValueError) as err:
            raise InvalidValueError(cls.__name__, "one colour", str(err)) from err
        if len(packed) != 1:
            raise InvalidValueError(cls.__name__, "one colour", f"{len(packed)}")
        return super().__new__(cls, int(packed[0]))

    @property
    def rgba(self) -> int:
        """The packed number."""
        return int(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(0x{int(self):08X})"


class Utf8(str):
    """Text."""

    __slots__ = ()

    def __new__(cls, value: Any) -> Self:
        if not isinstance(value, str):
            raise InvalidValueError(cls.__name__, "text", repr(value)[:80])
        return super().__new__(cls, value)

    @property
    def value(self) -> str:
        """The text."""
        return str(self)


class EntityPath(Utf8):
    """The path of an entity."""

    __slots__ = ()

    def __new__(cls, path: Any) -> Self:
        return super().__new__(cls, path)

    @property
    def path(self) -> str:
        """The path."""
        return str(self)


class Blob(bytes):
    """Bytes."""

    def __new__(cls, data: Any) -> Self:
        try:
            return super().__new__(cls, np.ascontiguousarray(data).tobytes() if hasattr(data, "__array__") else data)
        except (TypeError, ValueError) as err:
            raise InvalidValueError(cls.__name__, "bytes", repr(data)[:80]) from err

    @property
    def data(self) -> npt.NDArray[np.uint8]:
        """The bytes."""
        return np.frombuffer(self, np.uint8)


class _Vector(tuple[Any, ...]):
    """A fixed number of numbers."""

    __slots__ = ()

    width: ClassVar[int]
    dtype: ClassVar[type[np.generic]] = np.float32

    def __new__(cls, values: Any) -> Self:
        try:
            array = np.asarray(values, cls.dtype).reshape(-1)
        except (TypeError, ValueError, OverflowError) as err:
            raise InvalidValueError(cls.__name__, f"{cls.width} numbers", repr(values)[:80]) from err
        if len(array) != cls.width:
            raise InvalidValueError(cls.__name__, f"{cls.width} numbers", f"{len(array)}")
        return super().__new__(cls, array.tolist())

    def _array(self) -> npt.NDArray[Any]:
        return np.array(tuple(self), self.dtype)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(tuple(self), dtype or self.dtype)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self)})"


class _XY(_Vector):
    __slots__ = ()
    width = 2

    def __new__(cls, xy: Any) -> Self:
        return super().__new__(cls, xy)

    @property
    def xy(self) -> npt.NDArray[Any]:
        """The two numbers."""
        return self._array()


class _XYZ(_Vector):
    __slots__ = ()
    width = 3

    def __new__(cls, xyz: Any) -> Self:
        return super().__new__(cls, xyz)

    @property
    def xyz(self) -> npt.NDArray[Any]:
        """The three numbers."""
        return self._array()


class _XYZW(_Vector):
    __slots__ = ()
    width = 4

    def __new__(cls, xyzw: Any) -> Self:
        return super().__new__(cls, xyzw)

    @property
    def xyzw(self) -> npt.NDArray[Any]:
        """The four numbers."""
        return self._array()


class Vec2D(_XY):
    """Two numbers."""

    __slots__ = ()


class DVec2D(_XY):
    """Two numbers in double precision."""

    __slots__ = ()
    dtype = np.float64


class UVec2D(_XY):
    """Two whole numbers from 0."""

    __slots__ = ()
    dtype = np.uint32


class Vec3D(_XYZ):
    """Three numbers."""

    __slots__ = ()


class UVec3D(_XYZ):
    """Three whole numbers from 0."""

    __slots__ = ()
    dtype = np.uint32


class IVec3D(_XYZ):
    """Three whole numbers."""

    __slots__ = ()
    dtype = np.int32


class Vec4D(_XYZW):
    """Four numbers."""

    __slots__ = ()


class UVec4D(_XYZW):
    """Four whole numbers from 0."""

    __slots__ = ()
    dtype = np.uint32


class SphericalHarmonics3Rgb:
    """15 coefficients of red, green and blue: how the colour of a splat depends on where one looks from."""

    __slots__ = ("coefficients",)

    coefficients: npt.NDArray[np.float16]
    """Shape (15, 3)."""

    def __init__(self, coefficients: Any) -> None:
        try:
            self.coefficients = np.asarray(coefficients, np.float16).reshape(15, 3)
        except (TypeError, ValueError) as err:
            raise InvalidValueError(type(self).__name__, "15 × 3 numbers", repr(coefficients)[:80]) from err

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(self.coefficients, dtype)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SphericalHarmonics3Rgb) and np.array_equal(self.coefficients, other.coefficients)

    __hash__ = None  # type: ignore[assignment]  # compared by what it holds


class ViewDir(Choice):
    """Where an axis points."""

    Up = 1
    Down = 2
    Right = 3
    Left = 4
    Forward = 5
    Back = 6


class ViewCoordinates(_Vector):
    """What three axes mean: 1 up, 2 down, 3 right, 4 left, 5 forward, 6 back."""

    __slots__ = ()
    width = 3
    dtype = np.uint8

    def __new__(cls, coordinates: Any) -> Self:
        return super().__new__(cls, coordinates)

    @property
    def coordinates(self) -> npt.NDArray[np.uint8]:
        """The three numbers."""
        return self._array()


class Range1D(_Vector):
    """From the first number to the second."""

    __slots__ = ()
    width = 2
    dtype = np.float64

    def __new__(cls, range: Any) -> Self:  # noqa: A002 - the reference's name
        return super().__new__(cls, range)

    @property
    def range(self) -> npt.NDArray[np.float64]:
        """The two numbers."""
        return self._array()


class Uuid(_Vector):
    """A UUID as 16 bytes."""

    __slots__ = ()
    width = 16
    dtype = np.uint8

    def __new__(cls, bytes: Any) -> Self:  # noqa: A002 - the reference's name
        raw = getattr(bytes, "bytes", bytes)
        return super().__new__(cls, list(raw) if isinstance(raw, builtins.bytes) else raw)

    @property
    def bytes(self) -> npt.NDArray[np.uint8]:
        """The 16 bytes."""
        return self._array()


class _Matrix(tuple[Any, ...]):
    """A square matrix, by rows."""

    __slots__ = ()
    size: ClassVar[int]

    def __new__(cls, rows: Any = None, *, columns: Any = None) -> Self:
        """Give `rows` or `columns`; without either it is the identity."""
        if rows is not None and columns is not None:
            raise InvalidValueError(cls.__name__, "rows or columns=", "both")
        try:
            given = np.eye(cls.size) if rows is None and columns is None else rows if columns is None else columns
            square = np.asarray(given, np.float32).reshape(cls.size, cls.size)
        except (TypeError, ValueError) as err:
            raise InvalidValueError(cls.__name__, f"{cls.size} × {cls.size} numbers", repr(rows)[:80]) from err
        return super().__new__(cls, map(tuple, (square if columns is None else square.T).tolist()))

    @property
    def flat_columns(self) -> npt.NDArray[np.float32]:
        """The numbers, column by column."""
        return np.array(self, np.float32).T.reshape(-1)


class Mat3x3(_Matrix):
    """A 3 × 3 matrix."""

    __slots__ = ()
    size = 3


class Mat4x4(_Matrix):
    """A 4 × 4 matrix."""

    __slots__ = ()
    size = 4


class Utf8Pair(tuple[str, str]):
    """Two texts."""

    __slots__ = ()

    def __new__(cls, first: str, second: str) -> Self:
        return super().__new__(cls, (Utf8(first), Utf8(second)))

    @property
    def first(self) -> str:
        """The first text."""
        return self[0]

    @property
    def second(self) -> str:
        """The second text."""
        return self[1]


class ChannelCountPair(tuple[int, int]):
    """How many messages a channel has."""

    __slots__ = ()

    def __new__(cls, channel_id: int, message_count: int) -> Self:
        return super().__new__(cls, (UInt16(channel_id), UInt64(message_count)))

    @property
    def channel_id(self) -> int:
        """The channel."""
        return self[0]

    @property
    def message_count(self) -> int:
        """How many."""
        return self[1]
