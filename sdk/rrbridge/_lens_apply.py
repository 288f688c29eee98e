"""Applying lenses to a chunk: whole columns at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import as_numpy, list_array, list_values
from rrbridge._chunk import Chunk, ComponentColumn
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._lens import CastTo, DeriveLens, Lens, MutateLens, OutputMode
from rrbridge._lens_cast import cast_values, datatype_of
from rrbridge._selector import Selector
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.errors import InvalidValueError, LensError, SelectorError

__all__ = ["apply_lenses", "apply_selector", "as_lenses"]


def as_lenses(lenses: Iterable[Lens] | Lens) -> tuple[Lens, ...]:
    """One lens or many, as many. Raises InvalidValueError, or LensError for a lens that makes nothing."""
    found = (lenses,) if isinstance(lenses, DeriveLens | MutateLens) else tuple(lenses)
    for lens in found:
        if not isinstance(lens, DeriveLens | MutateLens):
            raise InvalidValueError("lenses", "DeriveLens or MutateLens", repr(lens)[:80])
        if isinstance(lens, DeriveLens) and not lens.components:
            raise LensError("a lens without to_component() makes nothing", component=lens.input_component)
    return found


def apply_selector(chunk: Chunk, component: str, selector: Selector | str) -> Chunk:
    """A chunk with one component replaced. Raises LensError."""
    if component not in chunk.components:
        raise LensError("the chunk has no such component", entity=chunk.entity_path, component=component)
    column = chunk.components[component]
    cells = _selected(chunk, column, Selector.of(selector), column.descriptor)
    if cells is None:
        raise LensError(f"{selector} gives no result", entity=chunk.entity_path, component=component)
    columns = dict(chunk.components) | {component: ComponentColumn(column.descriptor, cells)}
    return Chunk.from_columns(chunk.entity_path, times=chunk.times.values(), components=columns.values())


def apply_lenses(chunk: Chunk, lenses: Sequence[Lens], mode: OutputMode = "forward_unmatched") -> list[Chunk]:
    """The chunks that lenses make of one: first the rest of it with what is made in place, then what stands apart.

    A chunk that no lens reads goes on as it is, or is dropped by `drop_unmatched`. Raises LensError.
    """
    matching = [lens for lens in lenses if lens.input_component in chunk.components]
    if not matching:
        return [] if mode == "drop_unmatched" else [chunk]
    _check_targets(chunk.entity_path, matching)
    derives = [lens for lens in matching if isinstance(lens, DeriveLens)]
    first = _in_place(
        chunk, [lens for lens in matching if lens not in derives or not _stands_apart(lens)], matching, mode
    )
    apart = [
        _scattered(chunk, lens) if lens.scatter else _apart(chunk, lens) for lens in derives if _stands_apart(lens)
    ]
    return ([] if first is None else [first]) + apart


def _stands_apart(lens: Lens) -> bool:
    return isinstance(lens, DeriveLens) and (lens.scatter or lens.output_entity is not None or bool(lens.times))


def _check_targets(entity: str, lenses: Iterable[Lens]) -> None:
    """Refuse lenses that would write one component twice."""
    mutated: set[str] = set()
    derived: set[tuple[str, str]] = set()
    for lens in lenses:
        if isinstance(lens, MutateLens):
            if lens.input_component in mutated:
                raise LensError("two lenses mutate it", entity=entity, component=lens.input_component)
            mutated.add(lens.input_component)
            continue
        target = lens.output_entity or entity
        for descriptor, *_ in lens.components:
            if (target, descriptor.component) == (entity, lens.input_component):
                raise LensError("derived from itself; use a MutateLens", entity=entity, component=lens.input_component)
            if (target, descriptor.component) in derived:
                raise LensError("derived twice", entity=target, component=descriptor.component)
            derived.add((target, descriptor.component))


def _in_place(chunk: Chunk, lenses: Sequence[Lens], matching: Sequence[Lens], mode: OutputMode) -> Chunk | None:
    """The rows of the chunk, with the columns that go on and those made in place."""
    if mode == "forward_all" and not lenses:
        return chunk
    read = {lens.input_component for lens in matching}
    columns: dict[str, ComponentColumn] = {
        name: column
        for name, column in chunk.components.items()
        if mode == "forward_all" or (mode == "forward_unmatched" and name not in read)
    }
    mutates = [lens for lens in lenses if isinstance(lens, MutateLens)]
    for lens in mutates:
        source = chunk.components[lens.input_component]
        columns.pop(lens.input_component, None)
        cells = _selected(chunk, source, lens.selector, source.descriptor)
        if cells is not None:
            columns[lens.input_component] = ComponentColumn(source.descriptor, cells)
    for derive in lenses:
        if isinstance(derive, DeriveLens):
            columns |= _derived(chunk, derive)
    if not columns:
        return None
    row_ids = chunk.row_ids if all(lens.keep_row_ids for lens in mutates) else None
    return Chunk.from_columns(
        chunk.entity_path, times=chunk.times.values(), components=columns.values(), row_ids=row_ids
    )


def _apart(chunk: Chunk, lens: DeriveLens) -> Chunk:
    """A chunk of its own, with the rows of the chunk."""
    entity = lens.output_entity or chunk.entity_path
    columns = _derived(chunk, lens)
    if not columns:
        raise LensError("no selector gives a result", entity=entity, component=lens.input_component)
    times = dict(chunk.times)
    for name, kind, cells in _time_cells(chunk, lens):
        times[name] = TimeColumn.of(name, kind, _one_each(name, cells, entity))
    return _in_order(entity, times, [ComponentColumn(c.descriptor, c.cells) for c in columns.values()])


def _scattered(chunk: Chunk, lens: DeriveLens) -> Chunk:
    """A chunk of its own, with a row for each instance."""
    entity = lens.output_entity or chunk.entity_path
    columns = _derived(chunk, lens)
    if not columns:
        raise LensError("no selector gives a result", entity=entity, component=lens.input_component)
    counts = _rows_made(next(iter(columns.values())).cells)
    times = {
        name: TimeColumn.of(name, column.kind, np.repeat(column.values, counts)) for name, column in chunk.times.items()
    }
    for name, kind, cells in _time_cells(chunk, lens):
        _check_counts(entity, name, counts, cells)
        times[name] = TimeColumn.of(name, kind, _one_each(name, _scatter(cells), entity))
    for name, column in columns.items():
        _check_counts(entity, name, counts, column.cells)
    return _in_order(entity, times, [ComponentColumn(c.descriptor, _scatter(c.cells)) for c in columns.values()])


def _in_order(entity: str, times: Mapping[str, TimeColumn], components: Sequence[ComponentColumn]) -> Chunk:
    """A chunk of new rows, in order of its times: of the first timeline by name, then of the second …"""
    if all(column.is_sorted for column in times.values()):
        return Chunk.from_columns(entity, times=times.values(), components=components)
    rows = np.lexsort([times[name].values for name in sorted(times, reverse=True)])
    indices = pa.array(rows)
    return Chunk.from_columns(
        entity,
        times=[TimeColumn.of(t.timeline, t.kind, t.values[rows]) for t in times.values()],
        components=[ComponentColumn(c.descriptor, c.cells.take(indices)) for c in components],
    )


def _derived(chunk: Chunk, lens: DeriveLens) -> dict[str, ComponentColumn]:
    """The columns that a lens makes, by component; those without a result are left out."""
    source = chunk.components[lens.input_component]
    found: dict[str, ComponentColumn] = {}
    for descriptor, selector, cast_to in lens.components:
        cells = _selected(chunk, source, selector, descriptor)
        if cells is not None:
            found[descriptor.component] = ComponentColumn(
                descriptor, _cast(chunk.entity_path, descriptor, cells, cast_to)
            )
    return found


def _time_cells(chunk: Chunk, lens: DeriveLens) -> Iterator[tuple[str, TimeKind, pa.Array]]:
    """The times that a lens makes; those without a result are left out."""
    source = chunk.components[lens.input_component]
    for name, kind, selector in lens.times:
        cells = _selected(chunk, source, selector, source.descriptor)
        if cells is not None:
            yield name, kind, cells


def _selected(
    chunk: Chunk, source: ComponentColumn, selector: Selector, target: ComponentDescriptor
) -> pa.Array | None:
    try:
        return selector.execute_per_row(source.cells)
    except SelectorError as err:
        raise LensError(str(err), entity=chunk.entity_path, component=target.component) from err


def _cast(entity: str, descriptor: ComponentDescriptor, cells: pa.Array, cast_to: CastTo) -> pa.Array:
    if cast_to is None:
        return cells
    target = datatype_of(descriptor.component_type) if isinstance(cast_to, str) else cast_to
    if target is None:
        raise LensError(
            "no type to cast to: its descriptor names no component type that is known",
            entity=entity,
            component=descriptor.component,
        )
    offsets, values = list_values(cells)
    try:
        made = cast_values(values, target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as err:
        raise LensError(f"cannot be cast to {target}: {err}", entity=entity, component=descriptor.component) from err
    return list_array(offsets, made, valid=np.asarray(cells.is_valid()))


def _rows_made(cells: pa.Array) -> npt.NDArray[np.int64]:
    """How many rows each row becomes: one for each instance, and one where there is none."""
    offsets, _ = list_values(cells)
    return np.maximum(np.diff(offsets), 1).astype(np.int64)


def _scatter(cells: pa.Array) -> pa.Array:
    """Each instance as a row; a null one, or a null row, is a null row, an empty row stays one."""
    offsets, values = list_values(cells)
    lengths = np.diff(offsets)
    is_lone = np.repeat(lengths == 0, np.maximum(lengths, 1))
    made = np.where(is_lone, 0, 1)
    valid = np.ones(len(made), np.bool_)
    valid[is_lone] = np.asarray(cells.is_valid())[lengths == 0]
    valid[~is_lone] = np.asarray(values.is_valid())
    bounds = np.concatenate((np.zeros(1, np.int64), np.cumsum(made)))
    return list_array(bounds, values, valid=valid)


def _check_counts(entity: str, name: str, counts: npt.NDArray[np.int64], cells: pa.Array) -> None:
    found = _rows_made(cells)
    if not np.array_equal(found, counts):
        raise LensError(
            f"gives {found.sum()} rows, other outputs of the same lens {counts.sum()}, or cuts them elsewhere",
            entity=entity,
            component=name,
        )


def _one_each(name: str, cells: pa.Array, entity: str) -> npt.NDArray[np.int64]:
    """The value of each row. Raises LensError unless each has exactly one."""
    offsets, values = list_values(cells)
    if values.type != pa.int64():
        raise LensError(f"timeline {name} needs int64 values, not {values.type}", entity=entity)
    if values.null_count or np.any(np.diff(offsets) != 1):
        raise LensError(f"timeline {name} needs exactly one time in each row", entity=entity)
    return as_numpy(values, np.int64)
