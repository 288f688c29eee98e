"""Free-form protobuf values (`google.protobuf.Struct`, `Value`, `ListValue`) as JSON text.

What they hold differs from message to message, so they are no columns, and are read one by one.
Types: https://github.com/protocolbuffers/protobuf/blob/main/src/google/protobuf/struct.proto
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Mapping

from rrbridge.columns import Text
from rrbridge.rrd._wire import WireError, fields, number, octets
from rrbridge_bridge.decode._protobuf_values import Found, Source, Value
from rrbridge_bridge.decode._tag_walk import GROUP, SPAN

__all__ = ["JSON_TYPES", "JsonText"]

MAX_DEPTH = 100
Writer = Callable[[memoryview, int], str]


class JsonText(Value):
    """Free-form values, each as JSON."""

    wires = (SPAN, GROUP)
    merges = True

    def __init__(self, field: str, write: Writer) -> None:
        self.field = field
        self._write = write

    def many(self, source: Source, found: Found) -> Text:
        """Their texts."""
        view = source.buffer.data
        texts = []
        for row, (start, size) in enumerate(zip(found.values.tolist(), found.sizes.tolist(), strict=True)):
            try:
                texts.append(self._write(view[start : start + size], 0))
            except WireError as err:
                raise source.refuse(found.rows[row : row + 1], self.field, str(err)) from None
        return Text.from_strings(texts)

    @property
    def default(self) -> Text:
        """What stands where there is none."""
        return Text.from_strings([""])


def _struct(message: memoryview, depth: int) -> str:
    found: dict[str, str] = {}
    for key, value in fields(message):
        if key == 1:
            name, text = "", "null"
            for part, inner in fields(octets(value)):
                if part == 1:
                    name = _string(octets(inner))
                elif part == 2:
                    text = _value(octets(inner), depth + 1)
            found[name] = text
    return "{" + ",".join(f"{_quoted(name)}:{found[name]}" for name in sorted(found)) + "}"


def _list(message: memoryview, depth: int) -> str:
    return "[" + ",".join(_value(octets(value), depth + 1) for key, value in fields(message) if key == 1) + "]"


def _value(message: memoryview, depth: int) -> str:
    if depth > MAX_DEPTH:
        raise WireError("values are nested too deeply")
    text = "null"
    for key, value in fields(message):
        if key == 1:
            text = "null"
        elif key == 2:
            text = _float(struct.unpack("<d", number(value).to_bytes(8, "little"))[0])
        elif key == 3:
            text = _quoted(_string(octets(value)))
        elif key == 4:
            text = "true" if number(value) else "false"
        elif key == 5:
            text = _struct(octets(value), depth)
        elif key == 6:
            text = _list(octets(value), depth)
    return text


def _string(value: memoryview) -> str:
    return bytes(value).decode("utf-8", "replace")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _float(value: float) -> str:
    """As the reference writes it: JSON has no word for what is not finite, so those are strings."""
    if not math.isfinite(value):
        return '"NaN"' if math.isnan(value) else '"Infinity"' if value > 0 else '"-Infinity"'
    text = repr(value)
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text
    if exponent == "-05":
        sign, digits = ("-", mantissa[1:]) if mantissa.startswith("-") else ("", mantissa)
        return f"{sign}0.0000{digits.replace('.', '')}"
    return f"{mantissa}e{exponent[0] if exponent[0] == '-' else '+'}{int(exponent.lstrip('+-'))}"


JSON_TYPES: Mapping[str, Writer] = {
    "google.protobuf.Struct": _struct,
    "google.protobuf.Value": _value,
    "google.protobuf.ListValue": _list,
}
