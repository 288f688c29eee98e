"""Which columns a dataframe shows, and in what shape: whole cells, parts of them by path, or plain values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rrbridge._arrow import list_values
from rrbridge._selector import Selector
from rrbridge.errors import InvalidValueError

__all__ = ["Shown", "parse_selector", "shown_columns"]

_PATH = re.compile(r"(?:\[(\d+)\])?(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Shown:
    """One column of the result."""

    name: str
    source: str
    """The column of the plan that it is made from."""
    instance: int | None = None
    """Take this instance of each cell; null where the cell is shorter."""
    path: str = ""
    """Take this part of each instance, as a Selector does."""
    is_plain: bool = False
    """Give the one value of each cell instead of a list of it; null for `[]`."""

    def of(self, cells: pa.Array) -> pa.Array:
        """The column, made from cells (or from times, which are what they are).

        Raises SelectorError where the path does not fit, InvalidValueError where it leads nowhere.
        """
        if self.instance is None and not self.path and not self.is_plain:
            return cells
        if not pa.types.is_list(cells.type):
            return cells
        if self.instance is not None:
            return self._part(_instance(cells, self.instance), per_row=False)
        found = self._part(cells, per_row=True)
        return _instance(found, 0) if self.is_plain else found

    def _part(self, values: pa.Array, *, per_row: bool) -> pa.Array:
        if not self.path:
            return values
        selector = Selector(self.path)
        found = selector.execute_per_row(values) if per_row else selector.execute(values)
        if found is None or len(found) != len(values):
            raise InvalidValueError("column", f"a path into {self.source} ({values.type})"[:300], repr(self.path))
        return found


def _instance(cells: pa.ListArray, instance: int) -> pa.Array:
    """The n-th instance of each cell, null where there is none."""
    offsets, values = list_values(cells)
    lengths = offsets[1:] - offsets[:-1]
    if instance == 0 and len(values) == len(cells) and bool((lengths == 1).all()):
        return values
    absent = lengths <= instance
    if not len(values):
        return pa.nulls(len(cells), values.type)
    return values.take(pa.array(np.where(absent, 0, offsets[:-1].astype(np.int64) + instance), mask=absent))


def parse_selector(text: str, names: Iterable[str]) -> tuple[str, int | None, str]:
    """Column, instance and path of `/odom:nav_msgs.msg.Odometry:message.pose.pose` or `/imu:Scalars:scalars[2]`.

    The longest column name that the text begins with counts. Raises InvalidValueError.
    """
    known = list(names)
    for name in sorted(known, key=len, reverse=True):
        rest = text.removeprefix(name)
        if text.startswith(name) and (not rest or rest[0] in ".["):
            found = _PATH.fullmatch(rest)
            assert found is not None
            return name, None if found[1] is None else int(found[1]), found[2]
    raise InvalidValueError("column", f"a column of the view, with or without a path ({_some(known)})", repr(text))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def shown_columns(
    selection: Sequence[tuple[str, str]] | None, names: Sequence[str], plain: frozenset[str]
) -> tuple[Shown, ...]:
    """The columns asked for as (name, selector), or all. Those in `plain` are shown as plain values."""
    if selection is None:
        return tuple(Shown(name, name, is_plain=name in plain) for name in names)
    found = []
    for name, text in selection:
        source, instance, path = parse_selector(text, names)
        found.append(Shown(name, source, instance, path, source in plain))
    return tuple(found)
