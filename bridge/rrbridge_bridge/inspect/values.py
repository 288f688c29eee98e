"""Messages as plain values: dicts, lists, numbers and strings, as a person or a program wants to see them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from rrbridge.columns import Columns, Ragged, Text
from rrbridge.errors import InvalidValueError
from rrbridge_bridge.decode.tree import ArrayOf, Definition, FieldType, Message, Primitive, SequenceOf
from rrbridge_bridge.inspect.names import near_names

__all__ = ["FULL", "Path", "Style", "Value", "parse_path", "plain_value", "shortened", "value_of"]

Value: TypeAlias = Any
"""A dict, list, number, bool, string or None."""
Path: TypeAlias = tuple[str | int, ...]
"""Names of fields and indices of elements, from the message down."""

IDL_NAMES = {"bool": "boolean", "byte": "octet", "char": "uint8", "float32": "float", "float64": "double"}
DTYPE_NAMES = {"f4": "float", "f8": "double", "b1": "boolean", "i1": "int8", "u1": "uint8"}
CUT = "..."
PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Style:
    """How much of a message is shown, as `ros2 topic echo` has it."""

    max_length: int | None = 128
    """Longer strings and arrays are cut and end in `...`; None: nothing is cut."""
    arrays: bool = True
    """False: an array's type and length are shown in its place."""
    strings: bool = True
    """False: a string's length is shown in its place."""


FULL = Style(max_length=None)


def parse_path(text: str) -> Path:
    """`pose.position`, `ranges[0]`, `transforms[0].child_frame_id`. Raises InvalidValueError."""
    parts = [(m.group(1), m.group(2)) for m in PART.finditer(text)]
    if text and "".join(name or f"[{index}]" for name, index in parts) != text.replace(".", ""):
        raise InvalidValueError("--field", "names and indices like pose.position.x or ranges[0]", text)
    return tuple(name or int(index) for name, index in parts)


def value_of(
    msgs: Columns, row: int, *, msgtype: str, definitions: Mapping[str, Definition], path: Path = (), style: Style
) -> Value:
    """One message, or a field of it; None where an element is asked for that this message lacks.

    `definitions` tell bytes from numbers and name the types of arrays; where they lack a type, the columns' own is taken.
    Raises InvalidValueError if there is no such field.
    """
    column: Any = msgs
    kind: FieldType | None = Message(msgtype)
    for part in path:
        if isinstance(column, Columns) and isinstance(part, str):
            if part not in column:
                near = near_names(part, list(column)) or list(column)
                raise InvalidValueError("field", f"one of {', '.join(near)}", part)
            column, kind = column[part], _field_kind(kind, part, definitions)
        elif isinstance(part, int) and (isinstance(column, Ragged) or (_is_array(column) and column.ndim == 2)):
            found = _element(column, row, part)
            if found is None:
                return None
            (column, row), kind = found, _item_kind(kind)
        else:
            holder = "an array: name an element, [0]" if isinstance(part, str) else "a message or a single value"
            raise InvalidValueError("field", f"something that fits (what comes before it is {holder})", str(part))
    return _value(column, row, kind, definitions, style)


def plain_value(value: Value, path: Path, style: Style) -> Value:
    """The same for a value that is plain already, as Arrow gives it."""
    for part in path:
        if isinstance(value, dict) and isinstance(part, str):
            if part not in value:
                near = near_names(part, list(value)) or list(value)
                raise InvalidValueError("field", f"one of {', '.join(near)}", part)
            value = value[part]
        elif isinstance(value, list) and isinstance(part, int):
            if part >= len(value):
                return None
            value = value[part]
        else:
            raise InvalidValueError("field", "a field of a message or an element of an array", str(part))
    return shortened(value, style)


def shortened(value: Value, style: Style) -> Value:
    """A plain value with long arrays and strings cut."""
    match value:
        case dict():
            return {key: shortened(item, style) for key, item in value.items()}
        case bytes():
            return _text(value.decode("latin-1"), style)
        case str():
            return _text(value, style)
        case list():
            if not style.arrays:
                return f"<sequence, length: {len(value)}>"
            cut = value[: style.max_length]
            return [shortened(item, style) for item in cut] + ([CUT] if len(cut) < len(value) else [])
        case _:
            return value


def _is_array(column: Any) -> bool:
    return isinstance(column, np.ndarray)


def _element(column: Any, row: int, index: int) -> tuple[Any, int] | None:
    if isinstance(column, Ragged):
        at = int(column.offsets[row]) + index
        return (column.values, at) if at < int(column.offsets[row + 1]) else None
    return (column[row], index) if index < column.shape[1] else None


def _field_kind(kind: FieldType | None, name: str, definitions: Mapping[str, Definition]) -> FieldType | None:
    if not isinstance(kind, Message) or kind.msgtype not in definitions:
        return None
    return dict(definitions[kind.msgtype]).get(name)


def _item_kind(kind: FieldType | None) -> FieldType | None:
    return kind.item if isinstance(kind, (ArrayOf, SequenceOf)) else None


def _value(column: Any, row: int, kind: FieldType | None, definitions: Mapping[str, Definition], style: Style) -> Value:
    match column:
        case Columns():
            kinds = dict(definitions[kind.msgtype]) if isinstance(kind, Message) and kind.msgtype in definitions else {}
            return {name: _value(column[name], row, kinds.get(name), definitions, style) for name in column}
        case Text():
            return _text(column[row], style)
        case Ragged():
            lo, hi = int(column.offsets[row]), int(column.offsets[row + 1])
            return _array(column.values, lo, hi, kind, definitions, style)
        case np.ndarray() if column.ndim == 2:
            return _array(column[row], 0, column.shape[1], kind, definitions, style)
        case _:
            return _number(column[row].item(), kind)


def _text(text: str, style: Style) -> str:
    if not style.strings:
        return f"<string length: <{len(text)}>>"
    too_long = style.max_length is not None and len(text) > style.max_length
    return text[: style.max_length] + CUT if too_long else text


def _number(value: Any, kind: FieldType | None) -> Value:
    # ROS 2 hands an octet over as bytes, which its tools show as a character.
    return chr(value) if isinstance(kind, Primitive) and kind.name == "byte" and value >= 0 else value


def _array(
    values: Any, lo: int, hi: int, kind: FieldType | None, definitions: Mapping[str, Definition], style: Style
) -> Value:
    if not style.arrays:
        name = _type_name(values, _item_kind(kind))
        return (
            f"<array type: {name}[{hi - lo}]>"
            if isinstance(kind, ArrayOf)
            else f"<sequence type: {name}, length: {hi - lo}>"
        )
    end = hi if style.max_length is None else min(hi, lo + style.max_length)
    item = _item_kind(kind)
    if isinstance(values, np.ndarray):
        numbers = values[lo:end].tolist()
        is_octets = isinstance(item, Primitive) and item.name == "byte"
        items = [_number(n, item) for n in numbers] if is_octets else numbers
    else:
        items = [_value(values, at, item, definitions, style) for at in range(lo, end)]
    return [*items, CUT] if end < hi else items


def _type_name(values: Any, item: FieldType | None) -> str:
    if isinstance(item, Primitive):
        return IDL_NAMES.get(item.name, item.name)
    if isinstance(item, Message):
        return item.msgtype
    match values:
        case np.ndarray():
            return DTYPE_NAMES.get(values.dtype.str[1:], str(values.dtype.name))
        case Text():
            return "string"
        case Columns():
            return str(values._msgtype or "message")
    return "array"
