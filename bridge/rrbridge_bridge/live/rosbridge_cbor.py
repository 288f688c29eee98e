"""The little of CBOR (RFC 8949) that rosbridge's `cbor-raw` messages are made of, read in place.

A general reader would copy each payload, and makes objects of tags that a stranger chose. Here a payload stays where it
is: what is answered is where in the buffer it stands.
"""

from __future__ import annotations

import struct
from typing import NamedTuple, TypeAlias

__all__ = ["CborError", "RawMessage", "RawMessages", "Span", "raw_message", "read_value"]

MAX_DEPTH = 8
MAX_ENTRIES = 1000
"""Of one array or map; rosbridge's have three."""
MAX_TOPICS = 10_000
MAX_HEAD_BYTES = 1000
SECS, NSECS, PAYLOAD = b"\x64secs", b"\x65nsecs", b"\x65bytes"

UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
CONSTANTS = {20: False, 21: True, 22: None, 23: None}
FLOATS = {25: struct.Struct(">e"), 26: struct.Struct(">f"), 27: struct.Struct(">d")}


class CborError(ValueError):
    """The bytes are no CBOR, or more of CBOR than rosbridge writes."""


class Span(NamedTuple):
    """Where a byte string stands."""

    start: int
    size: int


Value: TypeAlias = "int | float | str | bool | Span | list[Value] | dict[str, Value] | None"


class RawMessage(NamedTuple):
    """A message that rosbridge passes on."""

    topic: str
    time_nanos: int
    """When rosbridge received it, by the clock of its ROS graph."""
    payload: Span


class RawMessages:
    """Reads messages one after the other. All of a topic begin alike, which is remembered: most are not taken apart anew."""

    def __init__(self) -> None:
        self._topics: dict[bytes, str] = {}
        """By what a message begins with, up to the value of `secs`."""

    def read(self, data: bytes, start: int, end: int) -> RawMessage | None:
        """As `raw_message` answers, and somewhat faster for messages that are like those before."""
        at = data.find(SECS, start, min(end, start + MAX_HEAD_BYTES)) + len(SECS)
        topic = self._topics.get(data[start:at])
        if topic is not None:
            found = _like_before(data, at, end, topic)
            if found is not None:
                return found
        message = raw_message(data, start, end)
        is_usual = message is not None and at > start and _like_before(data, at, end, message.topic) == message
        if message is not None and is_usual and len(self._topics) < MAX_TOPICS:
            self._topics[data[start:at]] = message.topic
        return message


def _like_before(data: bytes, at: int, end: int, topic: str) -> RawMessage | None:
    """The message whose `secs` stand at `at`, if all goes on as rosbridge writes it: secs, nsecs, bytes, end."""
    try:
        secs, at = _unsigned(data, at)
        if data[at : at + len(NSECS)] != NSECS:
            return None
        nsecs, at = _unsigned(data, at + len(NSECS))
        if data[at : at + len(PAYLOAD)] != PAYLOAD:
            return None
        size, at = _unsigned(data, at + len(PAYLOAD), BYTES)
    except (CborError, IndexError):
        return None
    return RawMessage(topic, secs * 1_000_000_000 + nsecs, Span(at, size)) if at + size == end else None


def _unsigned(data: bytes, at: int, major: int = UNSIGNED) -> tuple[int, int]:
    info = data[at] - (major << 5)
    if not 0 <= info <= 27:
        raise CborError("another type")
    if info < 24:
        return info, at + 1
    stop = at + 1 + (1 << (info - 24))
    return int.from_bytes(data[at + 1 : stop], "big"), stop


def raw_message(data: bytes | memoryview, start: int, end: int) -> RawMessage | None:
    """`{op: publish, topic, msg: {secs, nsecs, bytes}}` between two places of a buffer; None if it is another operation.

    Raises CborError.
    """
    value, at = read_value(data, start, end)
    if at != end or not isinstance(value, dict):
        raise CborError("not one map")
    if value.get("op") != "publish":
        return None
    topic, message = value.get("topic"), value.get("msg")
    if not isinstance(topic, str) or not isinstance(message, dict):
        raise CborError("a publish without topic or message")
    payload, secs, nsecs = message.get("bytes"), message.get("secs"), message.get("nsecs")
    if not isinstance(payload, Span):
        raise CborError("a message that is not raw bytes")
    if not isinstance(secs, int) or not isinstance(nsecs, int):
        raise CborError("a message without secs and nsecs")
    return RawMessage(topic, secs * 1_000_000_000 + nsecs, payload)


def read_value(data: bytes | memoryview, at: int, end: int, depth: int = 0) -> tuple[Value, int]:
    """The value that begins at `at`, and where the next one begins. Raises CborError."""
    if depth > MAX_DEPTH:
        raise CborError("nested too deeply")
    if at >= end:
        raise CborError("it ends too early")
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    if major == SIMPLE:
        return _simple(data, info, at, end)
    argument, at = _argument(data, info, at, end)
    if major == UNSIGNED:
        return argument, at
    if major == NEGATIVE:
        return -1 - argument, at
    if major in (BYTES, TEXT):
        if argument > end - at:
            raise CborError(f"a string of {argument} bytes where {end - at} are left")
        if major == BYTES:
            return Span(at, argument), at + argument
        try:
            return str(data[at : at + argument], "utf-8"), at + argument
        except UnicodeDecodeError as err:
            raise CborError(f"text that is not UTF-8: {err.reason}") from None
    if argument > MAX_ENTRIES:
        raise CborError(f"{argument} entries")
    if major == ARRAY:
        values: list[Value] = []
        for _ in range(argument):
            value, at = read_value(data, at, end, depth + 1)
            values.append(value)
        return values, at
    if major == MAP:
        entries: dict[str, Value] = {}
        for _ in range(argument):
            key, at = read_value(data, at, end, depth + 1)
            if not isinstance(key, str):
                raise CborError("a key that is no text")
            entries[key], at = read_value(data, at, end, depth + 1)
        return entries, at
    raise CborError("a tag")


def _argument(data: bytes | memoryview, info: int, at: int, end: int) -> tuple[int, int]:
    if info < 24:
        return info, at
    if info > 27:
        raise CborError("a length that is not given" if info == 31 else f"additional information {info}")
    size = 1 << (info - 24)
    if size > end - at:
        raise CborError("it ends too early")
    return int.from_bytes(data[at : at + size], "big"), at + size


def _simple(data: bytes | memoryview, info: int, at: int, end: int) -> tuple[Value, int]:
    if info in CONSTANTS:
        return CONSTANTS[info], at
    form = FLOATS.get(info)
    if form is None:
        raise CborError(f"simple value {info}")
    if form.size > end - at:
        raise CborError("it ends too early")
    return form.unpack_from(data, at)[0], at + form.size
