"""Plain values as YAML, CSV and JSON lines."""

from __future__ import annotations

import json
import math
from typing import Any

import yaml

from rrbridge_bridge.inspect.values import Value

__all__ = ["csv_header", "csv_line", "json_line", "yaml_text"]

FAST: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
ESCAPED = "\\U000"
"""The C library spells characters beyond the basic plane so, which Python's does not."""
WIDTH = 2**31 - 1
"""Lines are never folded; the C library counts in an int."""


def yaml_text(value: Value, *, flow: bool = False) -> str:
    """A value as `ros2 topic echo` shows it, with a line break at its end."""
    text = _dumped(value, FAST, flow=flow)
    if ESCAPED in text:
        text = _dumped(value, yaml.SafeDumper, flow=flow)
    return text.removesuffix("...\n")  # which YAML puts behind a single number


def _dumped(value: Value, dumper: Any, *, flow: bool) -> str:
    text: str = yaml.dump(
        value, Dumper=dumper, allow_unicode=True, width=WIDTH, sort_keys=False, default_flow_style=flow
    )
    return text


def csv_line(value: Value) -> str:
    """All numbers and strings of a value, in order, with commas between; what holds a comma or a quote is quoted."""
    return ",".join(_csv(leaf) for _, leaf in _leaves(value, ""))


def csv_header(value: Value) -> str:
    """What the columns of `csv_line` are: `pose.position.x`, `ranges[0]`."""
    return ",".join(_csv(name or "value") for name, _ in _leaves(value, ""))


def json_line(value: Value) -> str:
    """One line of JSON; what is no number in JSON is a string: "NaN", "Infinity"."""
    return json.dumps(_finite(value), ensure_ascii=False, separators=(", ", ": "))


def _leaves(value: Value, name: str) -> list[tuple[str, Any]]:
    match value:
        case dict():
            dot = "." if name else ""
            return [leaf for key, item in value.items() for leaf in _leaves(item, f"{name}{dot}{key}")]
        case list():
            return [leaf for i, item in enumerate(value) for leaf in _leaves(item, f"{name}[{i}]")]
        case _:
            return [(name, value)]


def _csv(leaf: Any) -> str:
    text = "" if leaf is None else str(leaf)
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\r\n') else text


def _finite(value: Value) -> Value:
    match value:
        case dict():
            return {key: _finite(item) for key, item in value.items()}
        case list():
            return [_finite(item) for item in value]
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case bytes():
            return value.decode("latin-1")
        case _:
            return value
