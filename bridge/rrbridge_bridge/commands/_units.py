"""Values with units as a person types them: `1h30m`, `2GB`, `/imu=10`."""

from __future__ import annotations

import math
import re
from typing import Any

import rich_click as click

from rrbridge_bridge.record.span import Span

__all__ = ["DURATION", "DURATION_OR_ZERO", "RATE", "SIZE", "SIZE_OR_ZERO", "SPAN", "Pair", "seconds"]

SECS_PER_UNIT = {
    "ms": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
}
BYTES_PER_UNIT = {"": 1, "b": 1} | {
    f"{prefix}{rest}": (1024 if "i" in rest else 1000) ** power
    for power, prefix in enumerate("kmgt", start=1)
    for rest in ("b", "ib", "")
}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z]+)\s*")
_SIZE = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)")
_LARGEST = {"d": 5, "h": 4, "m": 3, "min": 3, "s": 2, "sec": 2, "ms": 1}


def seconds(text: str) -> float:
    """`90`, `90s`, `1h30m`, `1.5 min`, `500ms`: seconds; a number alone is seconds. Raises ValueError."""
    given = text.strip().lower()
    try:
        return _finite(float(given))
    except ValueError:
        pass
    at, found, before = 0, 0.0, 6
    while at < len(given):
        part = _PART.match(given, at)
        if part is None or part[2] not in SECS_PER_UNIT or _LARGEST[part[2]] >= before:
            raise ValueError(text)
        at, before = part.end(), _LARGEST[part[2]]
        found += float(part[1]) * SECS_PER_UNIT[part[2]]
    if not given:
        raise ValueError(text)
    return _finite(found)


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError(str(number))
    return number


class _Duration(click.ParamType):  # type: ignore[type-arg]
    name = "duration"

    def __init__(self, *, zero: bool = False) -> None:
        self._zero = zero

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it."""
        try:
            found = float(value) if isinstance(value, int | float) else seconds(str(value))
        except ValueError:
            self.fail(f"{value!r} is no duration: 90s, 1h30m, 500ms, 2.5 (seconds)", param, ctx)
        if found < 0 or (found == 0 and not self._zero):
            self.fail(f"{value!r} is not longer than nothing", param, ctx)
        return found


class _Size(click.ParamType):  # type: ignore[type-arg]
    name = "size"

    def __init__(self, *, zero: bool = False) -> None:
        self._zero = zero

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it."""
        found = _SIZE.fullmatch(str(value).strip().lower())
        if found is None or found[2] not in BYTES_PER_UNIT:
            self.fail(f"{value!r} is no size: 2GB, 500MB, 1.5GiB, 4096 (bytes)", param, ctx)
        size = int(float(found[1]) * BYTES_PER_UNIT[found[2]])
        if not (size or self._zero):
            self.fail(f"{value!r} is not more than nothing", param, ctx)
        return size


class _Rate(click.ParamType):  # type: ignore[type-arg]
    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it."""
        try:
            found = _finite(float(re.sub(r"\s*hz$", "", str(value).strip(), flags=re.IGNORECASE)))
        except ValueError:
            self.fail(f"{value!r} is no rate: 10, 0.5, 10Hz", param, ctx)
        if found <= 0:
            self.fail(f"{value!r} Hz is never; leave a topic out with --exclude-topics", param, ctx)
        return found


class _Span(click.ParamType):  # type: ignore[type-arg]
    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Span:
        """Read a time or a size: `1m` is a minute, `1M` a million bytes."""
        text = str(value).strip()
        if re.fullmatch(r"[\d.\s]+([kmgt]?i?b|[kgt]i?)", text.lower()) or text.endswith("M"):
            return Span(nbytes=SIZE.convert(text, param, ctx))
        try:
            return Span(secs=DURATION.convert(value, param, ctx))
        except click.BadParameter:
            self.fail(f"{value!r} is neither a time, as 30s, nor a size, as 500MB", param, ctx)


DURATION = _Duration()
DURATION_OR_ZERO = _Duration(zero=True)
SIZE = _Size()
SIZE_OR_ZERO = _Size(zero=True)
RATE = _Rate()
SPAN = _Span()


class Pair(click.ParamType):  # type: ignore[type-arg]
    """`NAME=VALUE`, the value of a type of its own; a pair that a settings file brings is taken as it is."""

    def __init__(self, value_type: click.ParamType) -> None:  # type: ignore[type-arg]
        self._value = value_type
        self.name = f"name={value_type.name}"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        """Read it."""
        if isinstance(value, tuple) and len(value) == 2:
            name, equals, text = value[0], "=", value[1]
        else:
            name, equals, text = str(value).partition("=")
        name = str(name).strip()
        if not equals or not name:
            self.fail(f"{value!r} is not {(param and param.metavar) or self.name.upper()}", param, ctx)
        return name, self._value.convert(text, param, ctx)
