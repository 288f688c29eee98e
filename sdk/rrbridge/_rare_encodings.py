"""Encodings that no component is made of by itself: parts of others, and values that users make in batches of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from rrbridge import _records, _tensor_encoding, _values
from rrbridge import encodings as enc
from rrbridge._arrow import fixed_size_list
from rrbridge._image_format import ChannelDatatype, ColorModel, PixelFormat
from rrbridge._plain import plain_numbers
from rrbridge.encodings import Encoding

__all__ = ["RARE_ENCODINGS"]


def _one_count(value: Any) -> dict[str, int]:
    channel_id, message_count = (
        value if isinstance(value, _values.ChannelCountPair) else _values.ChannelCountPair(*value)
    )
    return {"channel_id": int(channel_id), "message_count": int(message_count)}


def _one_pair(value: Any) -> dict[str, int]:
    pair = _records.KeypointPair.of(value)
    return {"keypoint0": pair.keypoint0, "keypoint1": pair.keypoint1}


def _one_class(value: Any) -> dict[str, Any]:
    element: dict[str, Any] = _one_element(_records.ClassDescription.of(value))["class_description"]
    return element


def _one_element(value: Any) -> dict[str, Any]:
    (element,) = enc.context_classes([value])
    return element


def _parse_mat4x4(value: Any) -> Any:
    array = plain_numbers(value, np.float32)
    if array.size == 0:
        return array.reshape(0, 16)
    if array.shape[-2:] != (4, 4) and array.shape[-1:] != (16,):
        raise ValueError(f"a 4×4 matrix by rows, not shape {array.shape}")
    return np.ascontiguousarray(np.swapaxes(array.reshape(-1, 4, 4), -1, -2)).reshape(-1, 16)


def _parse_buffers(value: Any) -> Any:
    several = isinstance(value, list | tuple) and len(value) and isinstance(value[0], _tensor_encoding.TensorBuffer)
    given = value if several else [value]
    return tuple(_tensor_encoding.TensorBuffer(one) for one in given)


def _buffers_to_arrow(batches: Sequence[Any]) -> pa.Array:
    return _tensor_encoding.buffers_to_arrow([buffer.inner for batch in batches for buffer in batch])


_MAT4X4 = enc.vector(np.float32, 16).arrow
_COUNT = pa.struct(
    [pa.field("channel_id", pa.uint16(), nullable=False), pa.field("message_count", pa.uint64(), nullable=False)]
)
_ELEMENT = enc.annotation_context.arrow.value_type
_CLASS = _ELEMENT.field("class_description").type
_PAIR = _CLASS.field("keypoint_connections").type.value_type

RARE_ENCODINGS: dict[str, tuple[type, Encoding[Any]]] = {
    "Angle": (_records.Angle, enc.number(np.float32)),
    "ChannelCountPair": (_values.ChannelCountPair, enc.structured(_COUNT, _one_count, "a channel and a count")),
    "ChannelDatatype": (ChannelDatatype, enc.enum(ChannelDatatype)),
    "ClassDescription": (_records.ClassDescription, enc.structured(_CLASS, _one_class, "a ClassDescription")),
    "ClassDescriptionMapElem": (
        _records.ClassDescriptionMapElem,
        enc.structured(_ELEMENT, _one_element, "a ClassDescriptionMapElem"),
    ),
    "ColorModel": (ColorModel, enc.enum(ColorModel)),
    "KeypointPair": (_records.KeypointPair, enc.structured(_PAIR, _one_pair, "two keypoint ids")),
    "Mat4x4": (
        _values.Mat4x4,
        Encoding(_MAT4X4, _parse_mat4x4, lambda b: fixed_size_list(np.concatenate(b)), "4×4 matrices", 2),
    ),
    "PixelFormat": (PixelFormat, enc.enum(PixelFormat)),
    "TensorBuffer": (
        _tensor_encoding.TensorBuffer,
        Encoding(_tensor_encoding.BUFFER, _parse_buffers, _buffers_to_arrow, "an array of numbers", None),
    ),
    "ViewDir": (_values.ViewDir, enc.enum(_values.ViewDir)),
}
"""By the reference's names: the class of one value, and how many become Arrow."""
