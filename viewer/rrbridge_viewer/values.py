"""Component values on one line."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

__all__ = ["datatype_name", "short_value"]

MAX_TEXT = 160
MAX_ITEMS = 8
_NAMES = {"float": "f32", "double": "f64", "halffloat": "f16", "string": "text", "bool": "bool"}


def datatype_name(datatype: pa.DataType) -> str:
    """`f32[3]`, `u8[]`, `text`, `struct`."""
    if pa.types.is_fixed_size_list(datatype):
        return f"{datatype_name(datatype.value_type)}[{datatype.list_size}]"
    if pa.types.is_list(datatype) or pa.types.is_large_list(datatype):
        return f"{datatype_name(datatype.value_type)}[]"
    if pa.types.is_struct(datatype):
        return "struct"
    name = str(datatype)
    return _NAMES.get(name, name.replace("uint", "u").replace("int", "i"))


def short_value(values: pa.Array) -> str:
    """The instances of a component as a person can take them in at a glance."""
    count = len(values)
    if count == 0:
        return "cleared"
    if count > MAX_ITEMS or (count > 1 and pa.types.is_nested(values.type)):
        return f"{count:,} × {datatype_name(values.type)}".replace(",", " ")
    shown = [_one(values[index], values.type) for index in range(count)]
    return shown[0] if count == 1 else f"[{', '.join(shown)}]"


def _one(scalar: pa.Scalar, datatype: pa.DataType) -> str:
    if not scalar.is_valid:
        return "–"
    if pa.types.is_list(datatype) or pa.types.is_large_list(datatype) or pa.types.is_fixed_size_list(datatype):
        inner = scalar.values
        if len(inner) > 16:
            return f"{datatype_name(datatype.value_type)}[{len(inner):,}]".replace(",", " ")
        return f"[{', '.join(_one(item, datatype.value_type) for item in inner)}]"
    if pa.types.is_struct(datatype):
        fields = [f"{field.name}: {_one(scalar[field.name], field.type)}" for field in datatype]
        return _cut("{" + ", ".join(fields) + "}")
    return _cut(_plain(scalar.as_py()))


def _plain(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, float):
        return str(value)
    return f"{value:.6g}"


def _cut(text: str) -> str:
    line = text.replace("\n", "⏎")
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "…"
