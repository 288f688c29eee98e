"""Numbers that have names, in protobuf and FlatBuffers: columns of `name` and `value`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from rrbridge.columns import Columns, Text, take

__all__ = ["EnumNames"]


class EnumNames:
    """The names of an enum's numbers. Of several names for a number the first counts."""

    def __init__(self, enum: str, values: Iterable[tuple[str, int]]) -> None:
        names: dict[int, str] = {}
        for name, value in values:
            names.setdefault(value, name)
        self._enum = enum
        self._values = np.array(sorted(names), np.int64)
        self._names = Text.from_strings([*(names[value] for value in sorted(names)), ""])

    def columns(self, numbers: npt.NDArray[Any]) -> Columns:
        """The numbers with their names; a number without one has a null for it."""
        unknown = len(self._values)
        index = np.minimum(np.searchsorted(self._values, numbers), max(unknown - 1, 0))
        is_known = self._values[index] == numbers if unknown else np.zeros(len(numbers), np.bool_)
        names = take(self._names, np.where(is_known, index, unknown))
        optional = {"name": None if is_known.all() else is_known, "value": None}
        return Columns(len(numbers), {"name": names, "value": numbers}, self._enum, optional)
