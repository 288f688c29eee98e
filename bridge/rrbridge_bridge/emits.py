"""From what an adapter yields to rows bound for entities: `Emit.rows`, `.at` and `.static` are worked out here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge import _entity_path
from rrbridge._arrow import distinct, taken, utf8
from rrbridge._timeline import TimeColumn
from rrbridge.chunk import ComponentColumn
from rrbridge.columns import Emit, Text
from rrbridge.errors import InvalidValueError
from rrbridge_bridge.raw import Int64s

__all__ = ["Placed", "checked_rows", "last_static_rows", "scatter"]


@dataclass(frozen=True, eq=False, slots=True)
class Placed:
    """Rows bound for one entity."""

    entity_path: str
    columns: tuple[ComponentColumn, ...]
    rows: Int64s | None = None
    """Index of the message that each row comes from, rising; None: row i is message i."""
    times: tuple[TimeColumn, ...] = ()
    """Times that are added to, or replace, the messages' own."""
    static: bool = False

    def __len__(self) -> int:
        return len(self.columns[0])

    @property
    def nbytes(self) -> int:
        """Size of the columns in memory."""
        return sum(column.nbytes for column in self.columns)

    @property
    def is_per_message(self) -> bool:
        """Whether the rows are the messages, one each, at the messages' own times."""
        return self.rows is None and not self.times and not self.static

    def take(self, index: Int64s) -> Placed:
        """Some of the rows, in the order asked for."""
        rows = np.arange(len(self)) if self.rows is None else self.rows
        return replace(
            self,
            columns=tuple(ComponentColumn(c.descriptor, taken(c.cells, index)) for c in self.columns),
            rows=rows[index],
            times=tuple(TimeColumn.of(t.timeline, t.kind, t.values[index]) for t in self.times),
        )


def scatter(emit: Emit, entity_path: str, messages: int, root: str = "/", *, free: bool = False) -> Iterator[Placed]:
    """The rows of one emit, for each entity that it speaks of. Paths that begin with `/` are below `root`.

    With `free`, rows belong to no message. Raises InvalidValueError where the adapter's columns, rows and paths do not fit each
    other.
    """
    columns = _flat(emit)
    if not columns:
        return
    lengths = {len(column) for column in columns}
    if len(lengths) > 1:
        raise InvalidValueError("Emit.columns", "the same number of rows in each", f"{sorted(lengths)}")
    count = lengths.pop()
    rows = None if free else _rows_of(emit, count, messages)
    for time in emit.times:
        if len(time) != count:
            raise InvalidValueError("Emit.times", f"{count} times", f"{len(time)} on {time.timeline}")
    if not count:
        return
    whole = Placed(entity_path, columns, rows, tuple(emit.times), emit.static)
    by_message = np.argsort(rows, kind="stable") if rows is not None and np.any(np.diff(rows) < 0) else None
    if by_message is not None:
        whole = whole.take(by_message)
    if isinstance(emit.at, str):
        yield replace(whole, entity_path=_below(entity_path, emit.at, root)) if emit.at else whole
        return
    if len(emit.at) != count:
        raise InvalidValueError("Emit.at", f"{count} paths", f"{len(emit.at)}")
    paths = emit.at.to_arrow() if isinstance(emit.at, Text) else utf8(emit.at)
    if by_message is not None:
        paths = taken(paths, by_message)
    for below, index in _groups(paths):
        yield replace(whole.take(index), entity_path=_below(entity_path, below, root))


def _below(entity_path: str, at: str, root: str) -> str:
    return _entity_path.join(root if at.startswith("/") else entity_path, at)


def _groups(names: pa.StringArray) -> Iterator[tuple[str, Int64s]]:
    """Each distinct name and the rows that have it, rising."""
    codes, values = distinct(names)
    by_name = np.argsort(codes, kind="stable")
    for index in np.split(by_name, np.flatnonzero(np.diff(codes[by_name])) + 1):
        yield values[int(codes[index[0]])], index


def last_static_rows(placed: Placed, child_frames: pa.StringArray) -> Iterator[Placed]:
    """Transforms of `/tf_static` as static rows, one entity below for each child frame: the last edge of each child.

    A store keeps one static row per entity, so edges that share an entity would hide each other.
    """
    base = [_entity_path.unescape(part) for part in _entity_path.parts(placed.entity_path)]
    for frame, index in _groups(child_frames):
        path = _entity_path.normalize([*base, frame.removeprefix("/") or "_"])
        yield replace(placed.take(index[-1:]), entity_path=path, times=(), static=True)


def _flat(emit: Emit) -> tuple[ComponentColumn, ...]:
    found: list[ComponentColumn] = []
    for item in emit.columns:
        found.extend([item] if isinstance(item, ComponentColumn) else item)
    return tuple(found)


def _rows_of(emit: Emit, count: int, messages: int) -> Int64s | None:
    if emit.rows is None:
        if count != messages and not emit.static:
            raise InvalidValueError("Emit.columns", f"one row for each of {messages} messages", f"{count} rows")
        return None if count == messages else np.full(count, messages - 1, np.int64)
    rows = checked_rows(emit.rows, messages, "Emit.rows")
    if len(rows) != count:
        raise InvalidValueError("Emit.rows", f"{count} message indices", f"{len(rows)}")
    return rows


def checked_rows(rows: npt.ArrayLike, messages: int, field: str) -> Int64s:
    """Indices of messages. Raises InvalidValueError, naming the field, where there are no such messages."""
    index = np.asarray(rows, np.int64)
    if index.ndim != 1:
        raise InvalidValueError(field, "a list of message indices", f"shape {index.shape}")
    if len(index) and (index.min() < 0 or index.max() >= messages):
        raise InvalidValueError(field, f"message indices below {messages}", f"{index.min()} … {index.max()}")
    return index
