"""Sizes as a person types them: `2MiB`, `500 kB`, `1024`."""

from __future__ import annotations

import re

import rich_click as click

__all__ = ["BYTES"]

UNITS = {"": 1, "B": 1}
UNITS |= {f"{prefix}B": 1000**power for power, prefix in enumerate("kMGT", start=1)}
UNITS |= {f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGT", start=1)}
BY_LOWER = {unit.lower(): factor for unit, factor in UNITS.items()}


class Bytes(click.ParamType):  # type: ignore[type-arg]
    """A number of bytes."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it."""
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", str(value).strip())
        if found is None or found[2].lower() not in BY_LOWER:
            self.fail(f"{value!r} is no size: 2MiB, 512KiB, 1GB, 1024B", param, ctx)
        return int(float(found[1]) * BY_LOWER[found[2].lower()])


BYTES = Bytes()
