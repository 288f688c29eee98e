"""What a view gives: the plans of its recordings, brought to one schema, as record batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from rrbridge._query_align import blend
from rrbridge._query_batch import Batch
from rrbridge._query_columns import ComponentKey, entity_order, index_field
from rrbridge._query_plan import Plan
from rrbridge._query_select import Shown, shown_columns
from rrbridge._timeline import TimeKind
from rrbridge.errors import InvalidChunkError

__all__ = ["RECORDING", "Output"]

RECORDING = "recording"
"""The column that says which recording a row is of, in views of several."""
ROTATION = "rerun.components.RotationQuat"


@dataclass(frozen=True, eq=False)
class Output:
    """Plans of one or several recordings, and the columns that are shown."""

    plans: tuple[tuple[str, Plan], ...]
    """With the name of each recording."""
    shown: tuple[Shown, ...]
    schema: pa.Schema
    rotations: frozenset[str]
    """Columns of which quaternions are instances."""

    @classmethod
    def of(
        cls,
        plans: Sequence[tuple[str, Plan]],
        *,
        selection: Sequence[tuple[str, str]] | None,
        is_named: bool,
        is_plain: bool,
    ) -> Output:
        """The columns asked for. Raises InvalidValueError, or InvalidChunkError when recordings disagree about a type."""
        fields = _merged(plans)
        if is_named:
            fields = {RECORDING: pa.field(RECORDING, pa.utf8(), nullable=False)} | fields
        plain = _one_instance(plans) if is_plain else frozenset[str]()
        shown = shown_columns(selection, list(fields), plain)
        schema = pa.schema([_field(column, fields[column.source]) for column in shown])
        keys = [column.key for _, plan in plans for column in plan.columns.values()]
        rotations = frozenset(key.name for key in keys if key.descriptor.component_type == ROTATION)
        return cls(tuple(plans), shown, schema, rotations)

    def __len__(self) -> int:
        return sum(len(plan) for _, plan in self.plans)

    def only(self, columns: Sequence[str]) -> Output:
        """The same with only these of its columns, in this order."""
        by_name = {column.name: column for column in self.shown}
        schema = pa.schema([self.schema.field(name) for name in columns])
        return Output(self.plans, tuple(by_name[name] for name in columns), schema, self.rotations)

    def reader(self) -> pa.RecordBatchReader:
        """The rows, recording after recording, made as they are read."""
        return pa.RecordBatchReader.from_batches(self.schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for name, plan in self.plans:
            here = {*plan.timelines, *plan.columns}
            for batch in plan.batches([column.source for column in self.shown if column.source in here]):
                arrays = [
                    self._array(name, batch, column, field, is_here=column.source in here)
                    for column, field in zip(self.shown, self.schema, strict=True)
                ]
                if arrays:
                    yield pa.RecordBatch.from_arrays(arrays, schema=self.schema)
                else:  # a batch without columns still has rows
                    rows = pa.StructArray.from_arrays([pa.nulls(len(batch))], names=["n"])
                    yield pa.RecordBatch.from_struct_array(rows).select([]).cast(self.schema)

    def _array(self, recording: str, batch: Batch, column: Shown, field: pa.Field, *, is_here: bool) -> pa.Array:
        if column.source == RECORDING and not is_here:
            return pa.repeat(recording, len(batch))
        if not is_here:
            return pa.nulls(len(batch), field.type)
        found = self._blended(batch, column)
        if found is None:
            found = column.of(batch.array(column.source))
        return found if found.type == field.type else _cast(column.name, found, field.type)

    def _blended(self, batch: Batch, column: Shown) -> pa.Array | None:
        pair = batch.between(column.source)
        if pair is None:
            return None
        before, after, weights = pair
        is_rotation = column.source in self.rotations and not column.path
        return blend(column.of(before), column.of(after), weights, is_rotation=is_rotation)


def _merged(plans: Sequence[tuple[str, Plan]]) -> dict[str, pa.Field]:
    """All columns of all plans, in the order that one recording with all of them would have."""
    timelines: dict[str, TimeKind] = {}
    keys: dict[str, ComponentKey] = {}
    for _, plan in plans:
        timelines = plan.timelines | timelines
        keys = {name: column.key for name, column in plan.columns.items()} | keys
    rank = {entity: n for n, entity in enumerate(entity_order({key.entity for key in keys.values()}))}
    ordered = sorted(
        keys.values(), key=lambda k: (rank[k.entity], k.descriptor.archetype or "", k.descriptor.component)
    )
    fields = [index_field(name, kind) for name, kind in sorted(timelines.items())]
    return {field.name: field for field in [*fields, *(key.field() for key in ordered)]}


def _one_instance(plans: Sequence[tuple[str, Plan]]) -> frozenset[str]:
    """Columns of which no cell of any recording has more than one instance."""
    columns = [column for _, plan in plans for column in plan.columns.values()]
    several = {column.key.name for column in columns if column.cells.most_instances() > 1}
    return frozenset(column.key.name for column in columns) - several


def _field(column: Shown, field: pa.Field) -> pa.Field:
    shown = column.of(pa.nulls(0, field.type))
    return field.with_name(column.name).with_type(shown.type)


def _cast(name: str, array: pa.Array, datatype: pa.DataType) -> pa.Array:
    try:
        return array.cast(datatype)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as err:
        raise InvalidChunkError(f"{name} is {array.type} in one recording, {datatype} in another") from err
