"""Batches of a table in, chunks out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rrbridge import _entity_path
from rrbridge._arrow import unit_lists
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.chunk import Chunk, ComponentColumn
from rrbridge.importers import ImportOptions, Note
from rrbridge_bridge.tables._clocks import Clock, clock_of

__all__ = ["TableChunks", "clocks_of", "entity_of"]

ROW = Clock("", "row", TimeKind.SEQUENCE)
PLAIN_PATH = re.compile(r"/?[\w\[\]:-]+(?:[./][\w\[\]:-]+)+")
"""Names such as `pose.position.x` or `/imu/x` that are paths; in `v (km/h)` the slash is none."""


@dataclass(slots=True)
class TableChunks:
    """One table on its way into a recording."""

    name: str
    """The entity that its columns are below, not escaped."""
    options: ImportOptions
    clocks: Sequence[Clock]
    """Empty: rows are counted."""
    notes: dict[str, None] = field(default_factory=dict)
    untimed: int = 0
    """Rows that have no time, and are left out."""
    _row: int = 0

    def of(self, batch: pa.RecordBatch) -> Iterator[Chunk]:
        """The next rows."""
        rows, times = self._times(batch)
        if not len(rows):
            return
        names = {clock.column for clock in self.clocks}
        whole = len(rows) == batch.num_rows
        for name, column in _flat(batch):
            if name in names:
                continue
            entity = entity_of(self.name, name)
            if self.options.wants(entity):
                yield from self._chunk(entity, name, column if whole else column.take(pa.array(rows)), times)

    def tell(self) -> None:
        """Say what was left out."""
        if self.untimed:
            self.notes[f"{self.untimed} rows have no {self.clocks[0].column}, and are left out"] = None
        for text in self.notes if self.options.note else ():
            assert self.options.note is not None
            self.options.note(Note(text, is_loss=True))

    def _times(self, batch: pa.RecordBatch) -> tuple[npt.NDArray[np.int64], list[TimeColumn]]:
        """The rows to take, and their times."""
        count, first = batch.num_rows, self._row
        self._row += count
        if not self.clocks:
            rows = np.arange(count)
            return rows, [TimeColumn.of(ROW.timeline, ROW.kind, first + rows)]
        found = [(clock, *clock.values(batch.column(clock.column))) for clock in self.clocks]
        keep = np.logical_and.reduce([present for _, _, present in found])
        self.untimed += int(count - keep.sum())
        stamps = next((values for clock, values, _ in found if clock.kind is TimeKind.TIMESTAMP), None)
        if stamps is not None and self.options.start_nanos is not None:
            keep &= stamps >= self.options.start_nanos
        if stamps is not None and self.options.end_nanos is not None:
            keep &= stamps <= self.options.end_nanos
        rows = np.flatnonzero(keep)
        return rows, [TimeColumn.of(clock.timeline, clock.kind, values[rows]) for clock, values, _ in found]

    def _chunk(self, entity: str, name: str, column: pa.Array, times: Sequence[TimeColumn]) -> Iterator[Chunk]:
        if pa.types.is_null(column.type):
            return
        present = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
        if len(present) < len(column):
            column = column.take(pa.array(present))
            times = [TimeColumn.of(time.timeline, time.kind, time.values[present]) for time in times]
        if not len(column):
            return
        columns = _components(column)
        if columns is None:
            self.notes[f"column {name} is left out: nothing is made of {column.type}"] = None
            return
        yield Chunk.from_columns(_entity_path.join(self.options.prefix, entity), times=times, components=columns)


def clocks_of(batch: pa.RecordBatch) -> list[Clock]:
    """The columns of a table that are times; of two that would be the same timeline the first."""
    found: dict[str, Clock] = {}
    for name in batch.schema.names:
        clock = clock_of(name, batch.column(name))
        if clock is not None:
            found.setdefault(clock.timeline, clock)
    dates = [clock for clock in found.values() if clock.kind is not TimeKind.SEQUENCE]
    return [*dates, *(clock for clock in found.values() if clock.kind is TimeKind.SEQUENCE)]


def entity_of(table: str, column: str) -> str:
    """The entity of a column: `pose.position.x` of `odom.csv` is `/odom/pose/position/x`."""
    name = column.strip().lstrip("#%").strip()
    parts = re.split(r"[./]", name) if PLAIN_PATH.fullmatch(name) else [name]
    return _entity_path.normalize([table, *(part for part in parts if part)])


def _flat(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.Array]]:
    """Columns by name, structs taken apart."""
    waiting = list(zip(batch.schema.names, batch.columns, strict=True))[::-1]
    while waiting:
        name, column = waiting.pop()
        if isinstance(column, pa.DictionaryArray):
            column = column.dictionary_decode()
        if pa.types.is_struct(column.type):
            inside = column.flatten()
            waiting += [(f"{name}.{column.type.field(i).name}", inside[i]) for i in reversed(range(len(inside)))]
        else:
            yield name, column


def _components(column: pa.Array) -> list[ComponentColumn] | None:
    """Rows without nulls as components; None if nothing is made of this type."""
    from rrbridge.archetypes.series import Scalars
    from rrbridge.archetypes.text import TextLog

    kind = column.type
    if _is_number(kind):
        return list(Scalars.columns(scalars=column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)))
    if (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)) and _is_number(
        kind.value_type
    ):
        lengths = pc.list_value_length(column).to_numpy(zero_copy_only=False)
        values = pc.fill_null(column.flatten().cast(pa.float64(), safe=False), np.nan).to_numpy(zero_copy_only=False)
        return list(Scalars.columns(scalars=values).partition(lengths))
    if pa.types.is_binary(kind) or pa.types.is_time(kind):
        texts = [
            value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in column.to_pylist()
        ]
        column = pa.array(texts, pa.string())
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        column = column.cast(pa.string())
    else:
        return None
    (descriptor,) = [c.descriptor for c in TextLog.columns(text=[""]) if c.descriptor.component == "TextLog:text"]
    return [ComponentColumn(descriptor, unit_lists(column))]


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_decimal(kind)
    )
