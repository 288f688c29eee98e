"""Values without a declared type: a name and whatever Arrow can hold.

The type that a component had first is the one that later values are converted to, so that it keeps one type.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sized
from contextlib import contextmanager
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._archetype import ComponentColumnList
from rrbridge._arrow import list_values
from rrbridge._batches import ComponentBatchLike, DescribedComponentBatch
from rrbridge._chunk import ComponentColumn
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._misuse import caller_depth, strict_mode
from rrbridge.errors import InvalidValueError, RrbridgeError, RrbridgeWarning

__all__ = ["AnyBatchValue", "AnyValues", "ComponentValueLike", "DynamicArchetype"]

ComponentValueLike: TypeAlias = ComponentBatchLike | pa.Array | npt.ArrayLike
"""Whatever can be a component without a declared type."""

_types: dict[ComponentDescriptor, pa.DataType] = {}
_FAILURES = (TypeError, ValueError, OverflowError, AttributeError, BufferError, pa.ArrowException)


@contextmanager
def _warned() -> Iterator[None]:
    """Turn errors into warnings at the caller's line unless in strict mode."""
    try:
        yield
    except RrbridgeError as err:
        if strict_mode():
            raise
        warnings.warn(f"{err}; left out", RrbridgeWarning, caller_depth())


def _to_arrow(name: str, value: Any, arrow: pa.DataType | None) -> pa.Array:
    """A batch of values, or a batch of one. Raises InvalidValueError."""
    if not isinstance(value, str | bytes):
        if not isinstance(value, list | tuple) and hasattr(value, "__array__") and np.ndim(value) > 1:
            value = list(np.asarray(value))
        try:
            return pa.array(value, arrow)
        except _FAILURES:
            pass  # one value rather than many, or of a kind that numpy knows better
    try:
        return pa.array([pa.scalar(value)], arrow)
    except _FAILURES:
        pass
    try:
        return pa.array(np.atleast_1d(np.asarray(value)), arrow)
    except _FAILURES as err:
        wanted = f"values of type {arrow}, as before" if arrow is not None else "values that Arrow can hold"
        raise InvalidValueError(name, wanted, f"{type(value).__name__} ({err})") from err


def _is_empty(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.size == 0
    return isinstance(value, Sized) and len(value) == 0


class AnyBatchValue:
    """Values of one component of any type."""

    def __init__(
        self,
        descriptor: str | ComponentDescriptor,
        value: Any,
        *,
        drop_untyped_nones: bool = True,
        expect_column: bool = False,
    ) -> None:
        """Convert the value; when that fails it is left out, with a warning (an error in strict mode).

        None, or an empty value, of a component that never had a type is left out silently unless `drop_untyped_nones`
        is off. With `expect_column` the outermost list is the rows.
        """
        self.descriptor = ComponentDescriptor(descriptor) if isinstance(descriptor, str) else descriptor
        self.pa_array: pa.Array | None = None
        with _warned():
            self.pa_array = self._converted(value, drop_untyped_nones=drop_untyped_nones, expect_column=expect_column)

    def _converted(self, value: Any, *, drop_untyped_nones: bool, expect_column: bool) -> pa.Array | None:
        if isinstance(value, pa.ChunkedArray):
            return value.combine_chunks()
        if isinstance(value, pa.Array):
            return value
        if hasattr(value, "as_arrow_array"):
            return value.as_arrow_array()
        known = _types.get(self.descriptor)
        if value is None or (known is None and _is_empty(value)):
            if known is None:
                if drop_untyped_nones:
                    return None
                raise InvalidValueError(self.descriptor.component, "a value, to know its type", repr(value))
            value = []
        wanted = pa.list_(known) if expect_column and known is not None else known
        found = _to_arrow(self.descriptor.component, value, wanted)
        is_rows = expect_column and pa.types.is_list(found.type)
        if known is None:
            _types[self.descriptor] = found.type.value_type if is_rows else found.type
        return found

    def is_valid(self) -> bool:
        """Whether there is something to log."""
        return self.pa_array is not None

    def component_descriptor(self) -> ComponentDescriptor:
        """What the values are."""
        return self.descriptor

    def as_arrow_array(self) -> pa.Array | None:
        """The values; None if they were left out."""
        return self.pa_array

    @classmethod
    def column(
        cls, descriptor: str | ComponentDescriptor, value: Any, drop_untyped_nones: bool = True
    ) -> ComponentColumn | None:
        """The values as rows: `[1, 2]` is two rows of one value, `[[1, 2], [3]]` two rows of two values and of one."""
        if value is not None and not isinstance(value, pa.Array | str | bytes) and not hasattr(value, "as_arrow_array"):
            try:
                flat = np.asarray(value)
            except ValueError:
                flat = None  # rows of different lengths
            if flat is not None and flat.ndim == 1 and flat.dtype.kind != "O":
                value = [[item] for item in value]
        made = cls(descriptor, value, drop_untyped_nones=drop_untyped_nones, expect_column=True)
        if made.pa_array is None:
            return None
        if pa.types.is_list(made.pa_array.type):
            offsets, values = list_values(made.pa_array)
            made.pa_array = values
            return ComponentColumn(made.descriptor, made, offsets=offsets)
        return ComponentColumn(made.descriptor, made)


class _Builder:
    """Components under one archetype, or under none."""

    def __init__(self, archetype: str | None, components: Mapping[str, Any], *, drop_untyped_nones: bool) -> None:
        self._archetype = archetype
        self._component_batches: list[DescribedComponentBatch] = []
        for name, value in components.items():
            self._add(ComponentDescriptor(name), value, drop_untyped_nones=drop_untyped_nones)

    def _add(self, descriptor: ComponentDescriptor, value: Any, *, drop_untyped_nones: bool) -> None:
        if self._archetype is not None:
            descriptor = descriptor.with_builtin_archetype(self._archetype)
        made = AnyBatchValue(descriptor, value, drop_untyped_nones=drop_untyped_nones)
        if made.is_valid():
            self._component_batches.append(DescribedComponentBatch(made, made.descriptor))

    def with_component_override(
        self, field: str, component_type: str, value: Any, *, drop_untyped_nones: bool = True
    ) -> Self:
        """Add a component with a type name of its own; returns the same object."""
        self._add(ComponentDescriptor(field, None, component_type), value, drop_untyped_nones=drop_untyped_nones)
        return self

    def as_component_batches(self) -> list[DescribedComponentBatch]:
        """Its components."""
        with _warned():
            if not self._component_batches:
                raise InvalidValueError(type(self).__name__, "at least one value to log", "none")
        return self._component_batches


def _columns(archetype: str | None, components: Mapping[str, Any], *, drop_untyped_nones: bool) -> ComponentColumnList:
    found: list[ComponentColumn] = []
    with _warned():
        for name, value in components.items():
            descriptor = ComponentDescriptor(name)
            if archetype is not None:
                descriptor = descriptor.with_builtin_archetype(archetype)
            column = AnyBatchValue.column(descriptor, value, drop_untyped_nones=drop_untyped_nones)
            if column is not None:
                found.append(column)
    return ComponentColumnList(found)


class AnyValues(_Builder):
    """Values to be logged under names of one's own: `rr.AnyValues(confidence=[0.9, 0.8], note="hi")`."""

    def __init__(self, drop_untyped_nones: bool = True, **kwargs: Any) -> None:
        """Each keyword is a component; its value is anything that pyarrow can make an array of, or a batch."""
        super().__init__(None, kwargs, drop_untyped_nones=drop_untyped_nones)

    def with_component_from_data(self, descriptor: str, value: Any, *, drop_untyped_nones: bool = True) -> Self:
        """Add a component; returns the same object."""
        self._add(ComponentDescriptor(descriptor), value, drop_untyped_nones=drop_untyped_nones)
        return self

    @classmethod
    def columns(cls, drop_untyped_nones: bool = True, **kwargs: Any) -> ComponentColumnList:
        """Many rows at once; see `AnyBatchValue.column`."""
        return _columns(None, kwargs, drop_untyped_nones=drop_untyped_nones)

    @property
    def component_batches(self) -> list[DescribedComponentBatch]:
        """Its components."""
        return self.as_component_batches()


class DynamicArchetype(_Builder):
    """Values to be logged as an archetype that is named here and declared nowhere."""

    def __init__(
        self, archetype: str, drop_untyped_nones: bool = True, components: Mapping[str, Any] | None = None
    ) -> None:
        """`components`: values by field name, as in `AnyValues`."""
        if not isinstance(drop_untyped_nones, bool):
            raise InvalidValueError("drop_untyped_nones", "True or False", repr(drop_untyped_nones)[:80])
        super().__init__(archetype, components or {}, drop_untyped_nones=drop_untyped_nones)

    def with_component_from_data(self, field: str, value: Any, *, drop_untyped_nones: bool = True) -> Self:
        """Add a component; returns the same object."""
        self._add(ComponentDescriptor(field), value, drop_untyped_nones=drop_untyped_nones)
        return self

    @classmethod
    def columns(
        cls, archetype: str, drop_untyped_nones: bool = True, components: Mapping[str, Any] | None = None
    ) -> ComponentColumnList:
        """Many rows at once; see `AnyBatchValue.column`."""
        return _columns(archetype, components or {}, drop_untyped_nones=drop_untyped_nones)
