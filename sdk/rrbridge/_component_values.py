"""Component values and batches as user code writes them: `rr.components.Color(0xFF0000FF)`, `rr.components.ColorBatch(…)`.

A class is made for each declared component when it is first asked for: a value is what its encoding's value is
(`rrbridge._values`) with the component's name, a batch is what its encoding makes of many.
"""

from __future__ import annotations

import colorsys
import warnings
import zlib
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge import _records, _selections, _time_ranges, _values
from rrbridge import encodings as enc
from rrbridge._archetype import Component
from rrbridge._batches import ComponentBatchMixin, DescribedComponentBatch
from rrbridge._image_format import ImageFormat
from rrbridge._media_type import MEDIA_TYPES
from rrbridge._misuse import caller_depth, strict_mode
from rrbridge._plain import plain_numbers
from rrbridge._rare_encodings import RARE_ENCODINGS
from rrbridge._tensor_encoding import TensorData, tensor
from rrbridge.encodings import PARSE_ERRORS, Encoding
from rrbridge.errors import InvalidValueError, RrbridgeError, RrbridgeWarning

__all__ = [
    "BaseBatch",
    "ComponentMixin",
    "batch_class",
    "component_class",
    "encoding_class",
    "encoding_like",
    "encoding_names",
    "named_component_class",
    "named_component_classes",
    "register_values",
]

_ENCODINGS: Mapping[str, tuple[type, Encoding[Any]]] = {
    "AbsoluteTimeRange": (_time_ranges.AbsoluteTimeRange, _time_ranges.absolute_time_range),
    "AnnotationInfo": (_records.AnnotationInfo, enc.annotation_info),
    "Blob": (_values.Blob, enc.blob),
    "Bool": (_values.Bool, enc.boolean),
    "ClassId": (_values.ClassId, enc.class_id),
    "DVec2D": (_values.DVec2D, enc.dvec2),
    "EntityPath": (_values.EntityPath, enc.entity_path),
    "Float32": (_values.Float32, enc.float32),
    "Float64": (_values.Float64, enc.float64),
    "IVec3D": (_values.IVec3D, enc.ivec3),
    "ImageFormat": (ImageFormat, enc.image_format),
    "KeypointId": (_values.KeypointId, enc.keypoint_id),
    "Mat3x3": (_values.Mat3x3, enc.mat3x3),
    "Plane3D": (_selections.Plane3D, _selections.plane3d),
    "Quaternion": (_records.Quaternion, enc.quaternion),
    "Range1D": (_values.Range1D, enc.range1d),
    "Range2D": (_selections.Range2D, _selections.range2d),
    "Rgba32": (_values.Rgba32, enc.rgba),
    "RotationAxisAngle": (_records.RotationAxisAngle, enc.axis_angle),
    "SphericalHarmonics3Rgb": (_values.SphericalHarmonics3Rgb, enc.spherical_harmonics),
    "TensorData": (TensorData, tensor),
    "TensorDimensionIndexSelection": (
        _selections.TensorDimensionIndexSelection,
        _selections.tensor_dimension_index,
    ),
    "TensorDimensionSelection": (_selections.TensorDimensionSelection, _selections.tensor_dimension),
    "TimeInt": (_values.TimeInt, enc.int64),
    "TimeRangeBoundary": (_time_ranges.TimeRangeBoundary, _time_ranges.time_range_boundary),
    "TimeRange": (_time_ranges.TimeRange, _time_ranges.time_range),
    "UInt16": (_values.UInt16, enc.uint16),
    "UInt32": (_values.UInt32, enc.uint32),
    "UInt64": (_values.UInt64, enc.uint64),
    "UVec2D": (_values.UVec2D, enc.vector(np.uint32, 2)),
    "UVec4D": (_values.UVec4D, enc.vector(np.uint32, 4)),
    "UVec3D": (_values.UVec3D, enc.uvec3),
    "Utf8": (_values.Utf8, enc.text),
    "Utf8Pair": (_values.Utf8Pair, enc.utf8_pair),
    "Uuid": (_values.Uuid, _selections.uuids),
    "Vec2D": (_values.Vec2D, enc.vec2),
    "Vec3D": (_values.Vec3D, enc.vec3),
    "Vec4D": (_values.Vec4D, enc.vec4),
    "VideoTimestamp": (_values.VideoTimestamp, enc.video_timestamp),
    "ViewCoordinates": (_values.ViewCoordinates, enc.view_coordinates),
    "VisibleTimeRange": (_time_ranges.VisibleTimeRange, _time_ranges.visible_time_range),
}
"""By the reference's names: the class of one value, and how many become Arrow."""

_VALUE_OF = {id(encoding): value for value, encoding in _ENCODINGS.values()}


def register_values(encodings: Iterable[tuple[type, Encoding[Any]]]) -> None:
    """Say which class one value of an encoding has, for encodings that are declared elsewhere and kept for good."""
    _VALUE_OF.update((id(encoding), value) for value, encoding in encodings)


def _encoded(name: str, encoding: Encoding[Any], value: Any) -> pa.Array:
    try:
        return encoding.to_arrow([encoding.parse(value)])
    except PARSE_ERRORS as err:
        raise InvalidValueError(name, encoding.expects, str(err)) from err


class BaseBatch(ComponentBatchMixin):
    """Values of one type, as Arrow."""

    _encoding: ClassVar[Encoding[Any]]

    def __init__(self, data: Any, strict: bool | None = None) -> None:
        """Take what the field of an archetype takes; None is an empty batch.

        What does not fit leaves it empty, with a warning; in strict mode it raises InvalidValueError.
        """
        try:
            found = None if data is None else _encoded(type(self).__name__, self._encoding, data)
        except RrbridgeError as err:
            if strict_mode() if strict is None else strict:
                raise
            warnings.warn(f"{err}; it stays empty", RrbridgeWarning, caller_depth())
            found = None
        self.pa_array = enc.no_values(self._encoding) if found is None else found

    def as_arrow_array(self) -> pa.Array:
        """The values, one entry per instance."""
        return self.pa_array

    def __len__(self) -> int:
        return len(self.pa_array)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BaseBatch) and bool(self.pa_array.equals(other.pa_array))

    __hash__ = None  # type: ignore[assignment]  # batches are compared by what they hold


class ComponentMixin:
    """A single value that knows which component it is."""

    _component: ClassVar[Component]

    @classmethod
    def component_type(cls) -> str:
        """The full name of the component type."""
        return cls._component.type_name

    @classmethod
    def arrow_type(cls) -> pa.DataType:
        """The Arrow type of a value."""
        return cls._component.encoding.arrow

    def as_arrow_array(self) -> pa.Array:
        """The value as a batch of one."""
        return _encoded(type(self).__name__, self._component.encoding, self._one())

    def _one(self) -> Any:
        return [self]


class _Strip(tuple[Any, ...]):
    """A list of points."""

    __slots__ = ()

    def __new__(cls, points: Any) -> Self:
        try:
            return super().__new__(cls, map(tuple, points))
        except TypeError as err:
            raise InvalidValueError(cls.__name__, "points", repr(points)[:80]) from err

    @property
    def points(self) -> tuple[Any, ...]:
        """The points."""
        return tuple(self)


class _GeoStrip(_Strip):
    __slots__ = ()

    def __new__(cls, *, lat_lon: Any) -> Self:
        return super().__new__(cls, lat_lon)

    @property
    def lat_lon(self) -> tuple[Any, ...]:
        """Latitudes and longitudes, degrees."""
        return tuple(self)


class _Color(_values.Rgba32):
    @classmethod
    def from_string(cls, s: str) -> Self:
        """A colour that is always the same for one text, and mostly another for another."""
        hue = zlib.crc32(s.encode()) / 2**32
        return cls((*colorsys.hsv_to_rgb(hue, 0.75, 0.9), 1.0))


class _Radius(_values.Float32):
    @classmethod
    def ui_points(cls, radii: npt.ArrayLike) -> Any:
        """Radii in pixels of the screen rather than in units of the scene: kept as negative numbers."""
        negative = -np.abs(np.asarray(radii, np.float32))
        return cls(negative) if negative.ndim == 0 else negative


class _Scale3D(_values.Vec3D):
    def __new__(cls, uniform_or_per_axis: Any = 1.0) -> Self:
        return super().__new__(cls, np.broadcast_to(np.asarray(uniform_or_per_axis), 3))


class _ClearIsRecursive(_values.Bool):
    def __new__(cls, recursive: bool = True) -> Self:
        return super().__new__(cls, recursive)


class _VideoTimestamp(_values.VideoTimestamp):
    def __new__(cls, *, nanoseconds: int | None = None, seconds: float | None = None) -> Self:
        if (nanoseconds is None) == (seconds is None):
            given = "neither" if seconds is None else "both"
            raise InvalidValueError("VideoTimestamp", "one of nanoseconds=, seconds=", given)
        return super().__new__(cls, nanoseconds if seconds is None else round(seconds * 1e9))

    @classmethod
    def seconds(cls, seconds: npt.ArrayLike) -> Any:
        """Many, from seconds."""
        return cls._many(seconds, 1e9)

    @classmethod
    def milliseconds(cls, milliseconds: npt.ArrayLike) -> Any:
        """Many, from milliseconds."""
        return cls._many(milliseconds, 1e6)

    @classmethod
    def nanoseconds(cls, nanoseconds: npt.ArrayLike) -> Any:
        """Many, from nanoseconds."""
        return cls._many(nanoseconds, 1)

    @classmethod
    def _many(cls, times: npt.ArrayLike, nanos_each: float) -> Any:
        declared: Component = cls._component  # type: ignore[attr-defined]  # the class made of this one has it
        batch = component_class("VideoTimestamp", declared, batch=True)
        assert batch is not None
        return batch(_nanos("VideoTimestamp", times, nanos_each))


def _nanos(what: str, times: npt.ArrayLike, nanos_each: float) -> npt.NDArray[np.int64]:
    try:
        array = np.atleast_1d(plain_numbers(times, np.int64 if nanos_each == 1 else np.float64))
    except PARSE_ERRORS as err:
        raise InvalidValueError(what, "numbers", str(err)) from err
    nanos: npt.NDArray[np.int64] = array if nanos_each == 1 else np.trunc(array * nanos_each).astype(np.int64)
    return nanos


class _Pairs(dict[Any, Any]):
    """Texts by text."""

    @property
    def pairs(self) -> list[_values.Utf8Pair]:
        """The mapping, pair by pair."""
        return [_values.Utf8Pair(first, second) for first, second in self.items()]


class _Counts(dict[Any, Any]):
    """How many messages each channel has."""

    @property
    def counts(self) -> dict[int, int]:
        """By channel."""
        return dict(self)


class _Classes(list[Any]):
    """The classes of an annotation context."""

    def __init__(self, class_map: Any) -> None:
        super().__init__(map(_records.ClassDescriptionMapElem.of, class_map))

    @property
    def class_map(self) -> list[_records.ClassDescriptionMapElem]:
        """The classes."""
        return list(self)

    def _one(self) -> Any:
        return self


class _ViewCoordinates(_values.ViewCoordinates):
    __slots__ = ()

    ViewDir = _values.ViewDir

    def as_component_batches(self) -> list[DescribedComponentBatch]:
        """As an archetype of this one component."""
        from rrbridge.archetypes.transforms import ViewCoordinates

        return ViewCoordinates(self).as_component_batches()


class _MediaType(_values.Utf8):
    @classmethod
    def guess_from_path(cls, path: str | Path) -> Self | None:
        """The media type that a file name stands for."""
        found = MEDIA_TYPES.get(Path(path).suffix.lower())
        return None if found is None else cls(found)


_SPECIAL: Mapping[str, type] = {
    "AnnotationContext": _Classes,
    "ChannelMessageCounts": _Counts,
    "ClearIsRecursive": _ClearIsRecursive,
    "Color": _Color,
    "GeoLineString": _GeoStrip,
    "KeyValuePairs": _Pairs,
    "LineStrip2D": _Strip,
    "LineStrip3D": _Strip,
    "MediaType": _MediaType,
    "Radius": _Radius,
    "Scale3D": _Scale3D,
    "VideoTimestamp": _VideoTimestamp,
    "ViewCoordinates": _ViewCoordinates,
}
"""Components whose values are made in a way of their own."""

_CONSTANTS: Mapping[str, Mapping[str, Any]] = {
    "MediaType": {
        "TEXT": "text/plain", "MARKDOWN": "text/markdown", "JPEG": "image/jpeg", "PNG": "image/png",
        "GLB": "model/gltf-binary", "GLTF": "model/gltf+json", "OBJ": "model/obj", "PLY": "application/x-ply",
        "STL": "model/stl", "RVL": "application/rvl", "MP4": "video/mp4", "AAC": "audio/aac", "FLAC": "audio/flac",
        "M4A": "audio/mp4", "MP3": "audio/mpeg", "OGG": "audio/ogg", "WAV": "audio/wav",
    },
    "TextLogLevel": {name: name for name in ("CRITICAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE")},
}  # fmt: skip


def _batch(module: str, name: str, encoding: Encoding[Any], type_name: str) -> type:
    return type(name, (BaseBatch,), {"__module__": module, "_encoding": encoding, "_COMPONENT_TYPE": type_name})


@cache
def batch_class(module: str, name: str, encoding: Encoding[Any]) -> type:
    """The class of many values of an encoding: `rrbridge.encodings` and `Vec3DBatch`."""
    return _batch(module, name, encoding, f"{module.replace('rrbridge', 'rerun', 1)}.{name.removesuffix('Batch')}")


@cache
def component_class(name: str, declared: Component, *, batch: bool) -> type | None:
    """The class of one value of a component, or of many; None if values of its kind have no class of their own."""
    module = "rrbridge." + declared.type_name.removeprefix("rerun.").rpartition(".")[0]
    if batch:
        return _batch(module, f"{name}Batch", declared.encoding, declared.type_name)
    value = _SPECIAL.get(name) or _VALUE_OF.get(id(declared.encoding))
    if value is None:
        return None
    bases = (_Classes, ComponentMixin) if value is _Classes else (ComponentMixin, value)
    made = type(name, bases, {"__module__": module, "_component": declared})
    for constant, text in _CONSTANTS.get(name, {}).items():
        setattr(made, constant, made(text))
    if name == "ViewCoordinates":
        from rrbridge.archetypes.transforms import named_view_coordinates

        for constant, numbers in named_view_coordinates().items():
            setattr(made, constant, made(numbers))
    return made


def named_component_class(namespace: Mapping[str, Any], name: str) -> Any:
    """The class `Color` or `ColorBatch` of the component that a module declares as `ColorLike`; None without one.

    `ColorArrayLike` is `ColorLike`: that takes many as well.
    """
    if name.endswith("ArrayLike"):
        return namespace.get(f"{name.removesuffix('ArrayLike')}Like")
    plain = name.removesuffix("Batch")
    declared = next(iter(getattr(namespace.get(f"{plain}Like"), "__metadata__", ())), None)
    return component_class(plain, declared, batch=name.endswith("Batch")) if isinstance(declared, Component) else None


def named_component_classes(namespace: Mapping[str, Any]) -> set[str]:
    """The names that `named_component_class` finds."""
    names = [
        name.removesuffix("Like")
        for name, hint in namespace.items()
        if name.endswith("Like") and any(isinstance(m, Component) for m in getattr(hint, "__metadata__", ()))
    ]
    return {f"{name}{suffix}" for name in names for suffix in ("", "Batch", "ArrayLike")}


def encoding_names() -> set[str]:
    """The names that `encoding_class` and `encoding_like` find."""
    names = [*_ENCODINGS, *RARE_ENCODINGS]
    return {f"{name}{suffix}" for name in names for suffix in ("", "Batch", "Like", "ArrayLike")}


@cache
def encoding_class(name: str) -> type | None:
    """The class of one value of an encoding, `Vec3D`, or of many, `Vec3DBatch`; None if there is none of this name."""
    plain = name.removesuffix("Batch")
    found = _ENCODINGS.get(plain) or RARE_ENCODINGS.get(plain)
    if found is None:
        return None
    value, encoding = found
    if name.endswith("Batch"):
        return batch_class("rrbridge.encodings", name, encoding)
    return value


def encoding_like(name: str) -> Any:
    """What `Rgba32Like` stands for in annotations, or `Rgba32ArrayLike`: whatever becomes such values; None if there is none."""
    plain = name.removesuffix("Like").removesuffix("Array")
    found = _ENCODINGS.get(plain) or RARE_ENCODINGS.get(plain)
    if found is None or not name.endswith("Like"):
        return None
    value, encoding = found
    if issubclass(value, Enum):
        return value | str | int | Sequence[value | str | int]  # type: ignore[valid-type]  # a class found by name
    return value | _written_as(encoding) | Sequence[value]  # type: ignore[valid-type]  # a class found by name


def _written_as(encoding: Encoding[Any]) -> Any:
    if pa.types.is_string(encoding.arrow):
        return enc.TextLike
    if encoding is enc.blob:
        return enc.BlobLike
    if encoding is enc.rgba:
        return enc.ColorLike
    if pa.types.is_boolean(encoding.arrow):
        return enc.BoolLike
    if pa.types.is_floating(encoding.arrow):
        return enc.FloatLike
    if pa.types.is_integer(encoding.arrow):
        return enc.IntLike
    return enc.VecLike if pa.types.is_fixed_size_list(encoding.arrow) else Mapping[str, Any] | Sequence[Any]
