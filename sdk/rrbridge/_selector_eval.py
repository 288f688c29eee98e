"""What a selector's expression makes of Arrow data: whole columns at a time, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rrbridge._arrow import fixed_size_lists, list_array, list_values
from rrbridge._selector_syntax import Call, Each, Expression, Field, Index, Map, Pack, Path, Pipe, Segment, Text
from rrbridge.errors import SelectorError

__all__ = ["FUNCTIONS", "Rows", "Step", "evaluate"]

Step: TypeAlias = Expression | Callable[[pa.Array], pa.Array | None]
"""One stage of a selector: an expression, or a function of the user."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Values, and how they are cut into rows."""

    values: pa.Array
    offsets: npt.NDArray[np.int32] | None
    """Row i is `values[offsets[i]:offsets[i + 1]]`; None: nobody asks for rows."""
    valid: npt.NDArray[np.bool_] | None
    """False where a row is null."""

    @classmethod
    def of_lists(cls, lists: pa.Array) -> Rows:
        """The elements of each list as one row."""
        offsets, values = list_values(lists)
        return cls(values, offsets, np.asarray(lists.is_valid()))

    def to_lists(self) -> pa.Array:
        """One list per row."""
        assert self.offsets is not None
        return list_array(self.offsets, self.values, valid=self.valid)


def evaluate(steps: tuple[Step, ...], rows: Rows) -> Rows | None:
    """What steps make of rows, one after the other; None: a field is missing, or an error was suppressed by `?`.

    Raises SelectorError.
    """
    query = " | ".join("<function>" if callable(step) else str(step) for step in steps)
    try:
        for step in steps:
            rows = _called(step, rows) if callable(step) else _stage(step, rows)
    except _NothingError:
        return None
    except _MismatchError as err:
        raise SelectorError(query, str(err)) from err
    return rows


class _NothingError(Exception):
    """There is no result, and that is no error."""


class _MismatchError(Exception):
    """The data is not what an expression needs."""


def _called(function: Callable[[pa.Array], pa.Array | None], rows: Rows) -> Rows:
    try:
        made = function(rows.values)
    except Exception as err:
        raise _MismatchError(f"its function failed: {type(err).__name__}: {err}") from err
    if made is None:
        raise _NothingError
    if not isinstance(made, pa.Array):
        raise _MismatchError(f"its function gave {type(made).__name__} instead of a pyarrow.Array")
    if rows.offsets is not None and len(made) != len(rows.values):
        raise _MismatchError(f"its function made {len(made)} values of {len(rows.values)}")
    return replace(rows, values=made)


def _stage(expression: Expression, rows: Rows) -> Rows:
    match expression:
        case Pipe(stages):
            for stage in stages:
                rows = _stage(stage, rows)
            return rows
        case Path(segments):
            for segment in segments:
                rows = _segment(segment, rows)
            return rows
        case Map(inner):
            return replace(rows, values=_mapped(inner, rows.values))
        case Pack(items):
            return replace(rows, values=_packed(items, rows.values))
        case Call(name, argument):
            return replace(rows, values=_function(name, argument)(rows.values))
        case Text(value):
            return replace(rows, values=pa.repeat(pa.scalar(value, pa.utf8()), len(rows.values)))


def _segment(segment: Segment, rows: Rows) -> Rows:
    try:
        match segment.step:
            case Field(name):
                found = replace(rows, values=_field(name, rows.values))
            case Index(position):
                found = replace(rows, values=_element(position, rows.values))
            case Each():
                found = _elements(rows)
    except _MismatchError:
        if "?" in segment.marks:
            raise _NothingError from None
        raise
    return _without_null_rows(found) if "!" in segment.marks else found


def _field(name: str, values: pa.Array) -> pa.Array:
    if not pa.types.is_struct(values.type):
        raise _MismatchError(f"no field .{name} in {values.type}")
    index = _field_index(name, values.type)
    if index is None:
        raise _NothingError
    return pc.struct_field(values, [index])


def _field_index(name: str, struct: pa.DataType) -> int | None:
    return next((i for i in range(struct.num_fields) if struct.field(i).name == name), None)


def _element(position: int, values: pa.Array) -> pa.Array:
    valid = np.asarray(values.is_valid())
    if pa.types.is_fixed_size_list(values.type):
        width = values.type.list_size
        starts, inside = (values.offset + np.arange(len(values), dtype=np.int64)) * width, valid & (position < width)
        flat = values.values
    elif pa.types.is_list(values.type):
        offsets, flat = list_values(values)
        starts, inside = offsets[:-1].astype(np.int64), valid & (np.diff(offsets).astype(np.uint64) > position)
    else:
        raise _MismatchError(f"no element [{position}] in {values.type}")
    at = np.where(inside, starts + min(position, 2**31), 0)
    return flat.take(pa.array(at, mask=~inside))


def _elements(rows: Rows) -> Rows:
    lists = rows.values
    if pa.types.is_fixed_size_list(lists.type):
        width = lists.type.list_size
        bounds = np.arange(len(lists) + 1, dtype=np.int32) * width
        flat = lists.values.slice(lists.offset * width, len(lists) * width)
    elif pa.types.is_list(lists.type):
        bounds, flat = list_values(lists)
    else:
        raise _MismatchError(f"no elements [] in {lists.type}")
    rows = _without_null_rows(rows)
    return replace(rows, values=flat, offsets=None if rows.offsets is None else bounds[rows.offsets])


def _without_null_rows(rows: Rows) -> Rows:
    """A row that has values, all of them null, becomes null itself."""
    if rows.offsets is None or not rows.values.null_count:
        return rows
    present = np.concatenate(([0], np.cumsum(np.asarray(rows.values.is_valid()), dtype=np.int64)))[rows.offsets]
    kept = (np.diff(present) > 0) | (np.diff(rows.offsets) == 0)
    return replace(rows, valid=kept if rows.valid is None else rows.valid & kept)


def _mapped(inner: Expression, lists: pa.Array) -> pa.Array:
    if not pa.types.is_list(lists.type):
        raise _MismatchError(f"map needs lists, not {lists.type}")
    return _stage(inner, Rows.of_lists(lists)).to_lists()


def _packed(items: tuple[Expression, ...], values: pa.Array) -> pa.Array:
    columns: list[pa.Array] = []
    is_nullable = False
    for item in items:
        shape = _Shape(values.type, values.null_count > 0, False)
        for path in item.stages if isinstance(item, Pipe) else (item,):
            assert isinstance(path, Path)
            for segment in path.segments:
                shape = _shape_of(segment, shape, item)
            shape = shape if path.segments else replace(shape, is_acknowledged=False)
        if shape.is_nullable and not shape.is_acknowledged:
            raise _MismatchError(f"pack: {item} can be null, which makes the whole entry null; agree to it by {item}!")
        is_nullable |= shape.is_nullable
        column = _stage(item, Rows(values, None, None)).values
        if columns and column.type != columns[0].type:
            raise _MismatchError(f"pack: {item} is {column.type}, the first is {columns[0].type}")
        columns.append(column)
    return fixed_size_lists(columns, is_nullable=is_nullable)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What is known of a path's values from their type."""

    datatype: pa.DataType
    is_nullable: bool
    is_acknowledged: bool
    """Whether `!` stands last."""


def _shape_of(segment: Segment, shape: _Shape, item: Expression) -> _Shape:
    datatype = shape.datatype
    agreed = "!" in segment.marks
    if isinstance(segment.step, Field):
        if not pa.types.is_struct(datatype):
            raise _MismatchError(f"pack: {item} needs a struct for {segment.step}, not {datatype}")
        index = _field_index(segment.step.name, datatype)
        if index is None:
            names = ", ".join(datatype.field(i).name for i in range(datatype.num_fields))
            raise _MismatchError(f"pack: no field {segment.step}; there are {names}")
        field = datatype.field(index)
        return _Shape(field.type, shape.is_nullable or field.nullable, agreed)
    if not (pa.types.is_list(datatype) or pa.types.is_fixed_size_list(datatype)):
        raise _MismatchError(f"pack: {item} needs a list for {segment.step}, not {datatype}")
    return _Shape(datatype.value_type, True, agreed)


def _string_prefix(prefix: Text) -> Callable[[pa.Array], pa.Array]:
    def applied(values: pa.Array) -> pa.Array:
        if values.type != pa.utf8():
            raise _MismatchError(f"string_prefix needs strings, not {values.type}")
        return pc.binary_join_element_wise(pa.scalar(prefix.value), values, "")

    return applied


FUNCTIONS: dict[str, Callable[[Text], Callable[[pa.Array], pa.Array]]] = {"string_prefix": _string_prefix}
"""Functions that can be called by name, with one constant."""


def _function(name: str, argument: Text | None) -> Callable[[pa.Array], Any]:
    if name not in FUNCTIONS:
        raise _MismatchError(f"no function {name}; there are {', '.join(FUNCTIONS)}")
    if argument is None:
        raise _MismatchError(f'{name} needs an argument: {name}("…")')
    return FUNCTIONS[name](argument)
