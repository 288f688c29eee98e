"""Protobuf on the wire: just enough to write and read the few messages of the format, checked against every bound.

Encoding: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

__all__ = [
    "Field",
    "WireError",
    "blob",
    "fields",
    "fixed64",
    "integer",
    "key",
    "octets",
    "read_varint",
    "text",
    "varint",
]

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Field: TypeAlias = tuple[int, "int | memoryview"]
"""Field number and value: an integer, or the bytes of a string, a blob or a message."""


class WireError(ValueError):
    """Bytes that are not the message they should be."""


_SMALL = [bytes((value,)) for value in range(0x80)]


def varint(value: int) -> bytes:
    """An unsigned integer, seven bits a byte, lowest first."""
    if value < 0x80:
        return _SMALL[value]
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def key(number: int, wire_type: int) -> bytes:
    """What stands before a field's value."""
    return varint(number << 3 | wire_type)


def integer(number: int, value: int) -> bytes:
    """An enum, bool or unsigned integer; zero is left out, as proto3 does."""
    return key(number, VARINT) + varint(value) if value else b""


def optional_integer(number: int, value: int) -> bytes:
    """The same for a field whose presence counts."""
    return key(number, VARINT) + varint(value)


def fixed64(number: int, value: int) -> bytes:
    """Eight bytes, little-endian, for a field whose presence counts."""
    return key(number, FIXED64) + value.to_bytes(8, "little")


def blob(number: int, value: bytes) -> bytes:
    """Bytes, or a message inside a message; written even when empty."""
    return blob_head(number, len(value)) + value


def blob_head(number: int, length: int) -> bytes:
    """What stands before `length` bytes of a blob."""
    return key(number, BYTES) + varint(length)


def text(number: int, value: str) -> bytes:
    """A string; empty is left out."""
    return blob(number, value.encode()) if value else b""


def fields(message: memoryview) -> Iterator[Field]:
    """The fields of a message in the order they come. Raises WireError.

    Every length is checked against the bytes that are there; values are views, nothing is copied.
    """
    position, end = 0, len(message)
    while position < end:
        tag = message[position]
        position += 1
        if tag > 0x7F:
            tag, position = read_varint(message, position - 1)
        number, wire_type = tag >> 3, tag & 7
        if number == 0:
            raise WireError("field number 0")
        if wire_type == FIXED64:
            length = 8
        elif wire_type == FIXED32:
            length = 4
        elif wire_type in (VARINT, BYTES):
            length, position = read_varint(message, position)
            if wire_type == VARINT:
                yield number, length
                continue
        else:
            raise WireError(f"wire type {wire_type}")
        if length > end - position:
            raise WireError(f"field {number} is {length} bytes long where {end - position} are left")
        view = message[position : position + length]
        position += length
        yield number, view if wire_type == BYTES else int.from_bytes(view, "little")


def read_varint(message: memoryview, position: int) -> tuple[int, int]:
    """The integer that stands at a place, and the place after it. Raises WireError."""
    value = shift = 0
    for byte in message[position : position + 10]:
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, position
        shift += 7
    raise WireError("an integer has no end")


def octets(value: int | memoryview) -> memoryview:
    """The value as bytes. Raises WireError where an integer stands."""
    if isinstance(value, int):
        raise WireError("an integer where bytes belong")
    return value


def string(value: int | memoryview) -> str:
    """The value as text. Raises WireError."""
    try:
        return bytes(octets(value)).decode()
    except UnicodeDecodeError as err:
        raise WireError("text is not UTF-8") from err


def number(value: int | memoryview) -> int:
    """The value as an unsigned integer. Raises WireError where bytes stand."""
    if not isinstance(value, int):
        raise WireError("bytes where an integer belongs")
    return value
