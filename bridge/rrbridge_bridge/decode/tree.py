"""Message definitions as plain field trees, wherever they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["ArrayOf", "Definition", "Definitions", "FieldType", "Message", "Primitive", "SequenceOf"]


@dataclass(frozen=True, slots=True)
class Primitive:
    """A number, bool, `string` or `wstring`."""

    name: str


@dataclass(frozen=True, slots=True)
class Message:
    """A nested message."""

    msgtype: str
    """In the long form, `geometry_msgs/msg/Point`; in ROS 1 definitions also `time` and `duration`."""


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """A fixed number of elements."""

    item: Primitive | Message
    count: int


@dataclass(frozen=True, slots=True)
class SequenceOf:
    """Any number of elements. Bounds are not kept: they do not change how messages are encoded."""

    item: Primitive | Message | SequenceOf
    """Only IDL has sequences of sequences."""


FieldType: TypeAlias = Primitive | Message | ArrayOf | SequenceOf
Definition: TypeAlias = tuple[tuple[str, FieldType], ...]
"""The fields of a message in order: `(name, type)`. Constants are left out."""
Definitions: TypeAlias = Mapping[str, Definition]
"""Definitions by type name in the long form."""
