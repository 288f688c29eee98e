"""How values become Arrow: an encoding parses what a person may write into numpy, and batches of it into an Arrow array.

Parsing happens when an archetype is made, so that a wrong value is reported where it was written; Arrow is built when a
chunk is. Types: `reference/types.json` (FORMAT §5.4).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from itertools import chain
from operator import index
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import ITEM, end_to_end, fixed_size_list, list_array, list_type, nested, primitive, utf8
from rrbridge._image_format import ChannelDatatype as ChannelDatatype
from rrbridge._image_format import ColorModel as ColorModel
from rrbridge._image_format import ImageFormat as ImageFormat
from rrbridge._image_format import PixelFormat as PixelFormat
from rrbridge._image_format import choice
from rrbridge._plain import one_text, plain_numbers, plain_texts, shown
from rrbridge._records import Angle as Angle
from rrbridge._records import AnnotationInfo as AnnotationInfo
from rrbridge._records import ClassDescription as ClassDescription
from rrbridge._records import ClassDescriptionMapElem as ClassDescriptionMapElem
from rrbridge._records import KeypointPair as KeypointPair
from rrbridge._records import Quaternion as Quaternion
from rrbridge._records import RotationAxisAngle as RotationAxisAngle
from rrbridge._values import Rgba32 as Rgba32
from rrbridge._values import Utf8Pair as Utf8Pair
from rrbridge._values import ViewDir as ViewDir
from rrbridge.columns import Ragged, Text

__all__ = [
    "AngleLike",
    "Batch",
    "BlobLike",
    "BoolLike",
    "ColorLike",
    "Encoding",
    "FloatLike",
    "IntLike",
    "Mat3x3Like",
    "StripsLike",
    "TextLike",
    "VecLike",
]

L = TypeVar("L")
PARSE_ERRORS = (TypeError, ValueError, OverflowError, AttributeError, KeyError, IndexError, pa.ArrowException)
"""What parsing a value that does not fit may raise."""
Array: TypeAlias = npt.NDArray[Any]
Batch: TypeAlias = Any
"""Parsed values of one field, one entry per instance: an array, `Ragged`, `Text`, a tuple, or an Arrow array."""

FloatLike: TypeAlias = float | Sequence[float] | npt.NDArray[Any] | Ragged
IntLike: TypeAlias = int | Sequence[int] | npt.NDArray[Any] | Ragged
BoolLike: TypeAlias = bool | Sequence[bool] | npt.NDArray[Any] | Ragged
# One sequence of either kind rather than two sequences: mypy finds no type for `[[1, 2], [3.5, 4]]` among the latter.
VecLike: TypeAlias = (
    Quaternion | Sequence[float | Sequence[float] | npt.NDArray[Any] | Quaternion] | npt.NDArray[Any] | Ragged
)
Mat3x3Like: TypeAlias = Sequence[float | Sequence[float] | npt.NDArray[Any]] | npt.NDArray[Any] | Ragged
ColorLike: TypeAlias = int | Sequence[float | Sequence[float] | npt.NDArray[Any]] | npt.NDArray[Any] | Ragged
TextLike: TypeAlias = str | Sequence[str] | npt.NDArray[Any] | Text | Ragged
BlobLike: TypeAlias = bytes | bytearray | memoryview | npt.NDArray[Any] | Sequence[bytes] | Ragged
StripsLike: TypeAlias = Sequence[Any] | npt.NDArray[Any] | Ragged
AngleLike: TypeAlias = float | Angle
AnnotationContextLike: TypeAlias = (
    ClassDescription | Sequence[ClassDescriptionMapElem | ClassDescription | AnnotationInfo | int | Sequence[Any]]
)


@dataclass(frozen=True, slots=True)
class Encoding(Generic[L]):
    """A value type: its Arrow type, and the way there."""

    arrow: pa.DataType
    parse: Callable[[L], Batch]
    """One entry per instance. Raises TypeError or ValueError with what was expected."""
    to_arrow: Callable[[Sequence[Batch]], pa.Array]
    """Several batches, end to end."""
    expects: str
    """What a value looks like, for messages."""
    rank: int | None = 0
    """Axes of one instance in numpy; None where an instance is a list itself (a strip, a blob) or has no numpy form."""

    def split(self, value: Any) -> tuple[Batch, npt.NDArray[np.int64] | None]:
        """Read a value as a column: `(all instances, how many belong to each row)`; None: one each."""
        if isinstance(value, Ragged) and (self.rank is not None or isinstance(value.values, Ragged | Text | tuple)):
            return self.parse(value.values), value.lengths
        shape = () if self.rank is None else _shape(value)
        if self.rank is not None and len(shape) > self.rank + 1:
            several = len(shape) - self.rank
            array = np.asarray(value).reshape(-1, *shape[several:])
            return self.parse(array), np.full(shape[0], math.prod(shape[1:several]), np.int64)  # type: ignore[arg-type]
        return self.parse(value), None


def _shape(value: Any) -> tuple[int, ...]:
    """The shape of an array, or of lists in each other; () of anything that has none."""
    if isinstance(value, np.ndarray):
        found: tuple[int, ...] = value.shape
        return found
    if isinstance(value, list | tuple) and value and isinstance(value[0], list | tuple | np.ndarray):
        try:
            shape: tuple[int, ...] = np.shape(value)
        except ValueError:  # lists of different lengths
            return ()
        return shape
    return ()


def _through_arrow(
    arrow: pa.DataType, parse: Callable[[Any], Batch], to_arrow: Callable[[Sequence[Batch]], pa.Array]
) -> tuple[Callable[[Any], Batch], Callable[[Sequence[Batch]], pa.Array]]:
    """Let values that are Arrow arrays of the right type already pass as they are."""

    def parse_or_pass(value: Any) -> Batch:
        if type(value) in _NEVER_ARROW:
            return parse(value)
        if hasattr(value, "as_arrow_array") and hasattr(value, "partition"):  # a batch: `rr.components.ColorBatch(…)`
            value = value.as_arrow_array()
        if isinstance(value, pa.ChunkedArray):
            value = value.combine_chunks()
        if isinstance(value, pa.Array):
            if value.type.equals(arrow):
                return value
            if pa.types.is_nested(value.type):
                return value.cast(arrow)
            return parse(value.to_numpy(zero_copy_only=False))
        return parse(value)

    def build(batches: Sequence[Batch]) -> pa.Array:
        if not any(issubclass(kind, pa.Array) for kind in set(map(type, batches))):
            return to_arrow(batches)
        parts = [batch if isinstance(batch, pa.Array) else to_arrow([batch]) for batch in batches]
        return parts[0] if len(parts) == 1 else pa.concat_arrays(parts)

    return parse_or_pass, build


_NEVER_ARROW = frozenset((np.ndarray, list, tuple, str, float, int, bool, bytes))


def _encoding(
    arrow: pa.DataType,
    parse: Callable[[Any], Batch],
    to_arrow: Callable[[Sequence[Batch]], pa.Array],
    expects: str,
    rank: int | None = 0,
) -> Encoding[Any]:
    return Encoding(arrow, *_through_arrow(arrow, parse, to_arrow), expects, rank)


def number(dtype: npt.DTypeLike) -> Encoding[Any]:
    """One number per instance."""
    wanted = np.dtype(dtype)
    arrow = pa.bool_() if wanted == np.bool_ else pa.from_numpy_dtype(wanted)
    encoding = _encoding(
        arrow,
        lambda value: plain_numbers(value, wanted).reshape(-1),
        lambda batches: primitive(end_to_end(batches), arrow),
        f"numbers ({arrow})",
    )
    if wanted.kind not in "iuf":
        return encoding
    low, high = (np.finfo(wanted).min, np.finfo(wanted).max) if wanted.kind == "f" else _int_limits(wanted)
    exact = (float, int) if wanted.kind == "f" else (int,)
    general = encoding.parse

    def parse(value: Any) -> Batch:
        if type(value) in exact and low < value < high:  # what is logged most often: one plain number
            return np.array((value,), wanted)
        return general(value)

    return replace(encoding, parse=parse)


def _int_limits(dtype: np.dtype[Any]) -> tuple[int, int]:
    return int(np.iinfo(dtype).min) - 1, int(np.iinfo(dtype).max) + 1


def vector(dtype: npt.DTypeLike, width: int) -> Encoding[Any]:
    """`width` numbers per instance."""
    wanted = np.dtype(dtype)
    arrow = pa.list_(pa.field(ITEM, pa.from_numpy_dtype(wanted), nullable=False), width)

    def parse(value: Any) -> Array:
        array = plain_numbers(value, wanted)
        if array.size == 0:
            return array.reshape(0, width)
        flat = array.ndim == 1 and array.size % width == 0
        if not flat and (array.ndim == 0 or array.shape[-1] != width):
            raise ValueError(f"the last axis must be {width} long, shape is {array.shape}")
        return array.reshape(-1, width)

    encoding = _encoding(arrow, parse, lambda batches: fixed_size_list(end_to_end(batches)), f"vectors of {width}", 1)
    if wanted not in (np.float32, np.float64):
        return encoding
    general, pack = encoding.parse, struct.Struct(f"={width}{wanted.char}").pack
    one = (1, width)

    def parse_quickly(value: Any) -> Batch:
        """One vector of plain numbers, or an array as it is to be."""
        if type(value) in _LISTS:
            if len(value) == width and _PLAIN_NUMBERS.issuperset(map(type, value)):
                with suppress(OverflowError):
                    return np.ndarray(one, wanted, pack(*value))
        elif type(value) is np.ndarray and value.dtype == wanted and value.ndim == 2 and value.shape[1] == width:
            return value
        return general(value)

    return replace(encoding, parse=parse_quickly)


_LISTS = (list, tuple)
_PLAIN_NUMBERS = frozenset((int, float, np.float64))


def _parse_mat3x3(value: Any) -> Array:
    array = plain_numbers(value, np.float32)
    if array.size == 0:
        return array.reshape(0, 9)
    if array.shape[-2:] == (3, 3):
        return np.ascontiguousarray(np.swapaxes(array, -1, -2)).reshape(-1, 9)
    if array.shape[-1:] == (9,):
        return np.ascontiguousarray(np.swapaxes(array.reshape(-1, 3, 3), -1, -2)).reshape(-1, 9)
    raise ValueError(f"a 3×3 matrix by rows, not shape {array.shape}")


def parse_color(value: Any) -> Array:
    """Colours as 0xRRGGBBAA, shape (n,): from one or many packed numbers, or channels on the last axis.

    Three or four numbers by themselves are one colour, unless they are too large for channels; other numbers by themselves
    are packed. Channels wrap round where they do not fit, as they do in the reference. Raises TypeError or ValueError.
    """
    if isinstance(value, list | tuple) and value and all(isinstance(v, Rgba32) for v in value):
        return np.array(value, np.uint32)
    try:
        array = np.asarray(value)
    except ValueError:  # colours written in different ways
        if not isinstance(value, list | tuple):
            raise
        return np.concatenate([parse_color(one) for one in value])
    if array.dtype.kind == "O" and array.ndim:  # a column of a table
        array = np.asarray(array.tolist())
    if array.size == 0:
        return np.empty(0, np.uint32)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"not a colour: {shown(value)}")
    if array.ndim == 2 and array.dtype == np.uint8 and array.shape[1] in (3, 4):
        return _packed(array)
    array = array.squeeze()
    if array.dtype == np.uint32 or array.ndim == 0:
        return plain_numbers(array, np.uint32).reshape(-1)
    if array.ndim == 1:
        if not _is_channels(array):
            return _wrapped(array, np.uint32)
        array = array.reshape(-1, 4) if array.size > 4 else array.reshape(1, -1)
    if array.shape[-1] not in (3, 4):
        raise ValueError(f"3 or 4 channels on the last axis, shape is {array.shape}")
    if array.dtype in (np.float32, np.float64):
        with np.errstate(over="ignore"):
            array = np.rint(array * 255.0)
    return _packed(_wrapped(array.reshape(-1, array.shape[-1]), np.uint8))


def _is_channels(numbers: Array) -> bool:
    """Whether numbers in a row are channels rather than packed colours."""
    if numbers.dtype in (np.uint8, np.float32, np.float64):
        return True
    return numbers.size in (3, 4) and bool(numbers.max() < 256)


def _wrapped(numbers: Array, dtype: npt.DTypeLike) -> Array:
    with np.errstate(invalid="ignore"):
        return numbers.astype(dtype)


def _packed(channels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    """0xRRGGBBAA from channels of shape (n, 3 or 4)."""
    if channels.shape[1] == 4:
        return np.ascontiguousarray(channels).view(">u4").reshape(-1).astype(np.uint32)
    flat = np.ascontiguousarray(channels)
    packed = np.empty(len(flat), np.uint32)
    if len(flat):
        with_next = np.ndarray((len(flat) - 1,), ">u4", flat, strides=(3,))  # each colour and the first byte after it
        np.bitwise_or(with_next, 0xFF, out=packed[:-1])
        red, green, blue = flat[-1].tolist()
        packed[-1] = red << 24 | green << 16 | blue << 8 | 0xFF
    return packed


def enum(cls: type[Enum], dtype: npt.DTypeLike = np.uint8) -> Encoding[Any]:
    """A choice out of an enumeration, given as member, name or number."""
    wanted = np.dtype(dtype)

    def one(value: Any) -> int:
        return int(choice(cls, value).value)

    def parse(value: Any) -> Array:
        if isinstance(value, np.ndarray) and value.dtype.kind in "iu":
            for distinct in np.unique(value).tolist():
                one(distinct)
            return value.astype(wanted).reshape(-1)
        many = value if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim) else [value]
        return np.array([one(v) for v in many if np.size(v)], wanted)

    arrow = pa.from_numpy_dtype(wanted)
    return _encoding(arrow, parse, lambda batches: primitive(end_to_end(batches), arrow), f"a {cls.__name__}")


def _parse_text(value: Any) -> Batch:
    return value if isinstance(value, Text) else plain_texts(value)


def _text_to_arrow(batches: Sequence[Batch]) -> pa.Array:
    if Text not in set(map(type, batches)):
        return utf8(chain.from_iterable(batches))
    parts = [b.to_arrow() if isinstance(b, Text) else utf8(b) for b in batches]
    return parts[0] if len(parts) == 1 else pa.concat_arrays(parts)


def _bytes_array(value: Any) -> npt.NDArray[np.uint8]:
    if isinstance(value, int):
        value = [value]
    if isinstance(value, np.ndarray) or hasattr(value, "__array__") or isinstance(value, list | tuple):
        return plain_numbers(np.ascontiguousarray(value), np.uint8).reshape(-1)
    return np.frombuffer(value, np.uint8)


def _parse_blob(value: Any) -> Ragged:
    if isinstance(value, Ragged):
        return Ragged(value.offsets, _bytes_array(value.values))
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, np.ndarray) and value.ndim > 1:
        return Ragged.from_lengths(np.full(len(value), math.prod(value.shape[1:])), _bytes_array(value))
    if isinstance(value, bytes | bytearray | memoryview | np.ndarray):
        one = _bytes_array(value)
        return Ragged.from_lengths([] if isinstance(value, np.ndarray) and not len(one) else [len(one)], one)
    if isinstance(value, Iterable) and not isinstance(value, str):
        many = [_bytes_array(v) for v in value]
        return Ragged.from_lengths([len(m) for m in many], np.concatenate(many) if many else np.empty(0, np.uint8))
    raise TypeError(f"bytes, not {shown(value)}")


def _lists_to_arrow(items: Callable[[Array], pa.Array]) -> Callable[[Sequence[Batch]], pa.Array]:
    def build(batches: Sequence[Batch]) -> pa.Array:
        if len(batches) == 1:
            (only,) = batches
            first, last = int(only.offsets[0]), int(only.offsets[-1])
            return list_array(
                only.offsets - first if first else only.offsets, items(only.values[first:last]), nullable=False
            )
        lengths = np.concatenate([b.lengths for b in batches])
        values = end_to_end([b.values[b.offsets[0] : b.offsets[-1]] for b in batches])
        joined = Ragged.from_lengths(lengths, values)
        return list_array(joined.offsets, items(values), nullable=False)

    return build


def strips(dtype: npt.DTypeLike, width: int) -> Encoding[Any]:
    """A list of `width`-vectors per instance."""
    wanted = np.dtype(dtype)
    item = vector(wanted, width)

    def parse(value: Any) -> Ragged:
        if isinstance(value, Ragged):
            return Ragged(value.offsets, item.parse(value.values))
        if isinstance(value, np.ndarray):
            if value.ndim < 3 and value.size == 0:
                return Ragged.from_lengths([], np.empty((0, width), wanted))
            if value.ndim == 2:
                value = value[None]
            if value.ndim != 3:
                raise ValueError(f"strips of {width}-vectors, not shape {value.shape}")
            return Ragged.from_lengths(np.full(value.shape[0], value.shape[1]), item.parse(value))
        rows = list(value)
        if rows and np.ndim(rows[0]) == 1 and len(rows[0]):  # one strip; an empty list is a strip of no points
            rows = [rows]
        points = [item.parse(np.asarray(row)) for row in rows]
        values = np.concatenate(points) if points else np.empty((0, width), wanted)
        return Ragged.from_lengths([len(p) for p in points], values)

    arrow = list_type(item.arrow, nullable=False)
    return _encoding(arrow, parse, _lists_to_arrow(fixed_size_list), f"strips of {width}-vectors", None)


def structured(arrow: pa.DataType, one: Callable[[Any], Any], expects: str, *, sure: bool = False) -> Encoding[Any]:
    """A record per instance, made by `one` as Arrow takes it: dicts and lists. For what is logged rarely or is small.

    `sure`: whether Arrow takes whatever `one` makes; else that is tried when a value is parsed.
    """

    def parse(value: Any) -> tuple[Any, ...]:
        several = isinstance(value, list) or (isinstance(value, np.ndarray) and value.ndim != 0)
        several = several or (isinstance(value, tuple) and not (value and isinstance(value[0], str)))
        found = tuple(one(v) for v in value) if several and not isinstance(value, Utf8Pair) else (one(value),)
        if not sure:
            nested(found, arrow)
        return found

    def build(batches: Sequence[Batch]) -> pa.Array:
        return nested([v for batch in batches for v in batch], arrow)

    return _encoding(arrow, parse, build, expects, None)


def _struct(**fields: tuple[pa.DataType, bool]) -> pa.DataType:
    return pa.struct([pa.field(name, arrow, nullable=nullable) for name, (arrow, nullable) in fields.items()])


def _nested_fixed(values: Array) -> pa.Array:
    """`fixed_size_list` of `fixed_size_list` over shape (n, k, m)."""
    count, outer, inner = values.shape
    items = fixed_size_list(values.reshape(count * outer, inner))
    return pa.Array.from_buffers(
        pa.list_(pa.field(ITEM, items.type, nullable=False), outer), count, [None], children=[items]
    )


_IMAGE_FORMAT = _struct(
    width=(pa.uint32(), False),
    height=(pa.uint32(), False),
    pixel_format=(pa.uint8(), True),
    color_model=(pa.uint8(), True),
    channel_datatype=(pa.uint8(), True),
)


def _one_image_format(value: Any) -> dict[str, int | None]:
    if isinstance(value, Mapping):
        value = ImageFormat(**value)
    if not isinstance(value, ImageFormat):
        raise TypeError(f"an ImageFormat, not {shown(value)}")
    if not (0 <= value.width < 2**32 and 0 <= value.height < 2**32):
        raise ValueError(f"a size of 0 × 0 to {2**32 - 1} × {2**32 - 1}, not {value.width} × {value.height}")
    return {name: getattr(value, name) for name in ImageFormat.__slots__}


def _one_axis_angle(value: Any) -> dict[str, Any]:
    record = RotationAxisAngle(**value) if isinstance(value, Mapping) else value
    if not isinstance(record, RotationAxisAngle):
        raise TypeError(f"a RotationAxisAngle, not {shown(value)}")
    return {"axis": list(record.axis), "angle": record.radians}


_CLASS_INFO = _struct(id=(pa.uint16(), False), label=(pa.utf8(), True), color=(pa.uint32(), True))
_KEYPOINT_PAIR = _struct(keypoint0=(pa.uint16(), False), keypoint1=(pa.uint16(), False))
_CLASS_DESCRIPTION = _struct(
    info=(_CLASS_INFO, False),
    keypoint_annotations=(list_type(_CLASS_INFO, nullable=False), False),
    keypoint_connections=(list_type(_KEYPOINT_PAIR, nullable=False), False),
)
_ANNOTATION_CONTEXT = list_type(
    _struct(class_id=(pa.uint16(), False), class_description=(_CLASS_DESCRIPTION, False)), nullable=False
)


def _one_info(value: Any) -> dict[str, Any]:
    info = AnnotationInfo.of(value)
    color = None if info.color is None else int(parse_color(info.color)[0])
    return {"id": info.id, "label": info.label, "color": color}


def context_classes(value: Any) -> list[dict[str, Any]]:
    """The classes of an annotation context as Arrow takes them."""
    given = [value] if isinstance(value, ClassDescription | ClassDescriptionMapElem | Mapping) else value
    return [
        {
            "class_id": element.class_id,
            "class_description": {
                "info": _one_info(element.class_description.info),
                "keypoint_annotations": [_one_info(k) for k in element.class_description.keypoint_annotations],
                "keypoint_connections": [
                    {"keypoint0": pair.keypoint0, "keypoint1": pair.keypoint1}
                    for pair in element.class_description.keypoint_connections
                ],
            },
        }
        for element in map(ClassDescriptionMapElem.of, given)
    ]


def _parse_harmonics(value: Any) -> Array:
    array = plain_numbers(value, np.float16)
    if array.size and array.shape[-2:] != (15, 3) and array.shape[-1:] != (45,):
        raise ValueError(f"15 coefficients of 3 channels on the last axes, not shape {array.shape}")
    return array.reshape(-1, 15, 3)


def _parse_context(value: Any) -> Batch:
    found = (context_classes(value),)
    nested(found, _ANNOTATION_CONTEXT)
    return found


def _one_pair(value: Any) -> dict[str, str]:
    first, second = value
    return {"first": one_text(first), "second": one_text(second)}


def _one_mapping(value: Any) -> list[dict[str, str]]:
    return [_one_pair(pair) for pair in (value.items() if isinstance(value, Mapping) else value)]


def _parse_mappings(value: Any) -> Batch:
    """Mappings as one, as many, or as the pairs of one."""
    given = value.tolist() if isinstance(value, np.ndarray) else value
    is_one = isinstance(given, list | tuple) and len(given) and all(_is_pair(item) for item in given)
    return _mappings.parse([given] if is_one else given)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(item, str) for item in value)


def _parse_view_coordinates(value: Any) -> Batch:
    if isinstance(value, list | tuple) and any(isinstance(v, str) for v in value):
        value = [choice(ViewDir, v) for v in value]
    found = u8vec3.parse(value)
    if isinstance(found, np.ndarray) and not np.isin(found, [int(d) for d in ViewDir]).all():
        raise ValueError(f"each one of {', '.join(f'{int(d)} ({d.name})' for d in ViewDir)}, not {shown(value)}")
    return found


boolean = number(np.bool_)
uint8 = number(np.uint8)
uint16 = number(np.uint16)
class_id = number(np.uint16)
keypoint_id = number(np.uint16)
uint32 = number(np.uint32)
uint64 = number(np.uint64)
int64 = number(np.int64)
video_timestamp = number(np.int64)
float32 = number(np.float32)
float64 = number(np.float64)
vec2 = vector(np.float32, 2)
vec3 = vector(np.float32, 3)
vec4 = vector(np.float32, 4)
quaternion = vector(np.float32, 4)
dvec2 = vector(np.float64, 2)
range1d = vector(np.float64, 2)
uvec3 = vector(np.uint32, 3)
ivec3 = vector(np.int32, 3)
u8vec3 = vector(np.uint8, 3)
view_coordinates = replace(u8vec3, parse=_parse_view_coordinates)
mat3x3 = _encoding(
    vector(np.float32, 9).arrow, _parse_mat3x3, lambda b: fixed_size_list(end_to_end(b)), "3×3 matrices", 2
)
rgba = _encoding(
    pa.uint32(),
    parse_color,
    lambda batches: primitive(end_to_end(batches)),
    "colours: 0xRRGGBBAA, or 3 or 4 channels as 0 … 255 or 0.0 … 1.0",
    1,
)
text = _encoding(pa.utf8(), _parse_text, _text_to_arrow, "text")
entity_path = _encoding(pa.utf8(), _parse_text, _text_to_arrow, "an entity path")
blob = _encoding(list_type(pa.uint8(), nullable=False), _parse_blob, _lists_to_arrow(primitive), "bytes", None)
strip2 = strips(np.float32, 2)
strip3 = strips(np.float32, 3)
geo_strip = strips(np.float64, 2)
image_format = structured(_IMAGE_FORMAT, _one_image_format, "an ImageFormat", sure=True)
utf8_pair = structured(
    _struct(first=(pa.utf8(), False), second=(pa.utf8(), False)),
    _one_pair,
    "pairs of text",
)
spherical_harmonics = _encoding(
    pa.list_(pa.field(ITEM, vector(np.float16, 3).arrow, nullable=False), 15),
    _parse_harmonics,
    lambda batches: _nested_fixed(end_to_end(batches)),
    "15 coefficients of 3 channels each",
    2,
)
axis_angle = structured(
    _struct(axis=(vec3.arrow, False), angle=(pa.float32(), False)), _one_axis_angle, "a RotationAxisAngle", sure=True
)
annotation_info = structured(_CLASS_INFO, _one_info, "an AnnotationInfo")
annotation_context = _encoding(
    _ANNOTATION_CONTEXT,
    _parse_context,
    lambda batches: nested([v for batch in batches for v in batch], _ANNOTATION_CONTEXT),
    "classes: (id, label, colour), AnnotationInfo or ClassDescription",
    None,
)
_mappings = structured(
    list_type(_struct(first=(pa.utf8(), False), second=(pa.utf8(), False)), nullable=False),
    _one_mapping,
    "a mapping of text",
)
key_value_pairs = replace(_mappings, parse=_parse_mappings)
channel_message_counts = structured(
    list_type(_struct(channel_id=(pa.uint16(), False), message_count=(pa.uint64(), False)), nullable=False),
    lambda value: [{"channel_id": index(k), "message_count": index(v)} for k, v in value.items()],
    "a mapping of channel id to count",
)


def no_values(encoding: Encoding[Any]) -> pa.Array:
    """An empty array of its type."""
    if any(pa.types.is_union(leaf) for leaf in _leaves(encoding.arrow)):
        return encoding.to_arrow([()])
    return pa.array([], encoding.arrow)


def _leaves(arrow: pa.DataType) -> list[pa.DataType]:
    return [leaf for field in arrow for leaf in _leaves(field.type)] if pa.types.is_struct(arrow) else [arrow]


def empty(encoding: Encoding[Any]) -> pa.Array:
    """What an empty list means: no values of this type, or one without content where a list is a value by itself."""
    return encoding.to_arrow([encoding.parse([])])


def __getattr__(name: str) -> Any:
    if not name.startswith("_"):
        from rrbridge._component_values import encoding_class, encoding_like  # keeps `import rrbridge` short

        found = encoding_class(name) or encoding_like(name)
        if found is not None:
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    from rrbridge._component_values import encoding_names

    return sorted(globals().keys() | encoding_names())


__path__: list[str] = []  # the modules of the types, `rrbridge.encodings.rgba32`, are made: see `_type_modules`
