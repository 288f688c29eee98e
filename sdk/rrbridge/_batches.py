"""Batches of component values: what an archetype hands to a recording, and what user code may hand to it instead."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import cache
from typing import Any, Protocol, Self, runtime_checkable

import numpy.typing as npt
import pyarrow as pa

from rrbridge._chunk import ComponentColumn
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._row_groups import types_as_walked, weight
from rrbridge.encodings import Batch, Encoding
from rrbridge.errors import InvalidValueError

__all__ = [
    "ComponentBatchLike",
    "ComponentBatchMixin",
    "DescribedComponentBatch",
    "Layout",
    "arrow_encoding",
    "layout_of",
]


@runtime_checkable
class ComponentBatchLike(Protocol):
    """Anything that can give its values as Arrow."""

    def as_arrow_array(self) -> pa.Array:
        """The values, one entry per instance."""


@cache
def arrow_encoding(arrow: pa.DataType) -> Encoding[Any]:
    """The encoding of values that are Arrow arrays of this type already."""

    def build(batches: Any) -> pa.Array:
        return batches[0] if len(batches) == 1 else pa.concat_arrays(batches)

    return Encoding(arrow, lambda value: value, build, f"an Arrow array of {arrow}", None)


def _arrow_of(batch: Any) -> pa.Array:
    """The Arrow array that user code calls a batch. Raises InvalidValueError."""
    if not isinstance(batch, ComponentBatchLike):
        raise InvalidValueError("batch", "an object with as_arrow_array()", repr(batch)[:80])
    values = batch.as_arrow_array()
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if not isinstance(values, pa.Array):
        raise InvalidValueError("as_arrow_array()", "a pyarrow.Array", repr(values)[:80])
    return values


class DescribedComponentBatch:
    """The values of one component, and what it is."""

    __slots__ = ("batch", "descriptor", "encoding")

    descriptor: ComponentDescriptor
    encoding: Encoding[Any]
    batch: Batch
    """Parsed values, one entry per instance."""

    def __init__(self, batch: ComponentBatchLike, descriptor: ComponentDescriptor) -> None:
        """Take any object with `as_arrow_array()`. Raises InvalidValueError for others."""
        if not isinstance(descriptor, ComponentDescriptor):
            raise InvalidValueError("descriptor", "a ComponentDescriptor", repr(descriptor)[:80])
        values = _arrow_of(batch)
        self.descriptor = descriptor
        self.encoding = arrow_encoding(values.type)
        self.batch = values

    @classmethod
    def parsed(cls, descriptor: ComponentDescriptor, encoding: Encoding[Any], batch: Batch) -> Self:
        """From values that an encoding has parsed; Arrow is built when it is asked for."""
        made = cls.__new__(cls)
        made.descriptor = descriptor
        made.encoding = encoding
        made.batch = batch
        return made

    def component_descriptor(self) -> ComponentDescriptor:
        """What the values are."""
        return self.descriptor

    def as_arrow_array(self) -> pa.Array:
        """The values as Arrow."""
        return self.encoding.to_arrow([self.batch])

    def partition(self, lengths: npt.ArrayLike | None = None) -> ComponentColumn:
        """The values as a column: row i takes the next `lengths[i]` instances; without `lengths`, one each."""
        return ComponentColumn(self.descriptor, self, lengths=lengths)

    def __repr__(self) -> str:
        return f"DescribedComponentBatch({self.descriptor.component}, {len(self.batch)} instances)"


class Layout:
    """Which components a row has. There is one object for each such set, so that rows are told by identity."""

    __slots__ = ("columns", "types", "weight")

    columns: tuple[tuple[ComponentDescriptor, Encoding[Any]], ...]
    types: tuple[pa.DataType, ...]
    """Rows of an entity with the same types may share a chunk."""
    weight: int
    """What a row takes beside its values and times, in bytes."""

    def __init__(self, columns: tuple[tuple[ComponentDescriptor, Encoding[Any]], ...]) -> None:
        self.columns = columns
        self.types = types_as_walked([(descriptor.component, encoding.arrow) for descriptor, encoding in columns])
        self.weight = weight(self.types)

    def fits(self, other: Layout) -> bool:
        """Whether what both have is of the same type."""
        mine = {descriptor.component: encoding.arrow for descriptor, encoding in self.columns}
        return all(mine.get(d.component, encoding.arrow) == encoding.arrow for d, encoding in other.columns)


_layouts: dict[tuple[tuple[ComponentDescriptor, int], ...], Layout] = {}


def layout_of(columns: Iterable[tuple[ComponentDescriptor, Encoding[Any]]]) -> Layout:
    """The layout of rows with these components."""
    given = tuple(columns)
    key = tuple([(descriptor, id(encoding)) for descriptor, encoding in given])  # a layout keeps its encodings alive
    found = _layouts.get(key)
    return found if found is not None else _layouts.setdefault(key, Layout(given))


class ComponentBatchMixin(ABC):
    """Base for batches of one's own: give `as_arrow_array`, get the rest."""

    @abstractmethod
    def as_arrow_array(self) -> pa.Array:
        """The values, one entry per instance."""

    def component_type(self) -> str:
        """The full name of the component type; by default the class's name."""
        return str(getattr(self, "_COMPONENT_TYPE", type(self).__name__))

    def described(self, descriptor: ComponentDescriptor) -> DescribedComponentBatch:
        """The values with what they are."""
        return DescribedComponentBatch(self, descriptor)

    def partition(self, lengths: npt.ArrayLike | None = None) -> ComponentColumn:
        """The values as a column named by their type; see `DescribedComponentBatch.partition`."""
        return ComponentColumn(self.component_type(), self, lengths=lengths)
