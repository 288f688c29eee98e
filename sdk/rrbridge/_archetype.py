"""The base of all archetypes: a declaration becomes a frozen value with two forms, rows and columns, over one encoder.

::

    Position3D: TypeAlias = Annotated[VecLike, Component("Position3D", vec3)]


    class Points3D(Archetype):
        positions: Position3D
        _: KW_ONLY
        radii: Radius | None = None

Annotations are read once, when the class is made. Values are parsed into numpy when an archetype is constructed, so the
error names the field at the caller's line; Arrow is built later, for many rows at once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from inspect import get_annotations
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    ParamSpec,
    Self,
    TypeVar,
    dataclass_transform,
    get_args,
    get_type_hints,
    overload,
)

import numpy as np
import numpy.typing as npt

from rrbridge._arrow import duplicate, list_array, list_values
from rrbridge._batches import DescribedComponentBatch, Layout, layout_of
from rrbridge._chunk import ComponentColumn, SpansColumn, row_bounds
from rrbridge._descriptor import ComponentDescriptor, short_name
from rrbridge._misuse import caller_depth, strict_mode
from rrbridge.columns import Ragged, Spans
from rrbridge.encodings import Batch, Encoding, blob, empty
from rrbridge.errors import InvalidValueError, RrbridgeError, RrbridgeWarning

if TYPE_CHECKING:
    from rrbridge.blueprint.encodings import VisualizerComponentMapping
    from rrbridge.blueprint.visualizers import Visualizer

__all__ = ["Archetype", "Component", "ComponentColumnList", "DrawnArchetype", "own_errors"]

P = ParamSpec("P")
T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Component:
    """A value with a meaning: the name of its type, and how it is encoded."""

    name: str
    encoding: Encoding[Any]

    @property
    def type_name(self) -> str:
        """The full type name: a bare name is one of the reference's."""
        return self.name if "." in self.name else f"rerun.components.{self.name}"


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """One field of an archetype."""

    name: str
    component: Component
    descriptor: ComponentDescriptor
    parse: Callable[[Any], Batch]
    """Its encoding's."""


class ComponentColumnList(Sequence[ComponentColumn]):
    """Columns of one archetype, all of the same number of rows."""

    def __init__(self, columns: Iterable[ComponentColumn]) -> None:
        self._columns = tuple(columns)
        rows = {len(c) for c in self._columns}
        if len(rows) > 1:
            lengths = ", ".join(f"{c.descriptor.component} {len(c)}" for c in self._columns)
            raise InvalidValueError("columns", "the same number of rows in each", lengths)

    @overload
    def __getitem__(self, index: int) -> ComponentColumn: ...
    @overload
    def __getitem__(self, index: slice) -> ComponentColumnList: ...
    def __getitem__(self, index: int | slice) -> ComponentColumn | ComponentColumnList:
        return ComponentColumnList(self._columns[index]) if isinstance(index, slice) else self._columns[index]

    def __len__(self) -> int:
        return len(self._columns)

    def __iter__(self) -> Iterator[ComponentColumn]:
        return iter(self._columns)

    @property
    def rows(self) -> int:
        """How many rows each column has."""
        return len(self._columns[0]) if self._columns else 0

    def partition(self, lengths: npt.ArrayLike) -> ComponentColumnList:
        """Put consecutive instances together: row i takes the next `lengths[i]`; what is left over is left out.

        Columns with one entry per such row stay. Where there are too few there are no columns, with a warning; strict mode
        raises InvalidValueError.
        """
        with _no_columns() as none:
            return self._partitioned(lengths)
        return none

    def _partitioned(self, lengths: npt.ArrayLike) -> ComponentColumnList:
        offsets = row_bounds("partition", lengths, None)

        def regrouped(column: ComponentColumn) -> ComponentColumn:
            _, values = list_values(column.cells)
            if len(values) == offsets[-1]:
                return ComponentColumn(column.descriptor, list_array(offsets, values))
            if len(column) == len(offsets) - 1:
                return column
            if len(values) > offsets[-1]:
                return ComponentColumn(column.descriptor, list_array(offsets, values.slice(0, int(offsets[-1]))))
            raise InvalidValueError(
                column.descriptor.component, f"{offsets[-1]} instances to partition", f"{len(values)} instances"
            )

        return ComponentColumnList(regrouped(column) for column in self._columns)


@contextlib.contextmanager
def _no_columns() -> Iterator[ComponentColumnList]:
    """What there is instead of columns that cannot be made: none of them, and a warning unless in strict mode."""
    try:
        yield ComponentColumnList(())
    except RrbridgeError as err:
        if strict_mode():
            raise
        warnings.warn(f"{err}; there are no columns", RrbridgeWarning, caller_depth())


def _component(hint: Any) -> Component | None:
    for part in (hint, *get_args(hint)):
        if isinstance(declared := getattr(part, "_component", None), Component):
            return declared
        for meta in getattr(part, "__metadata__", ()):
            if isinstance(meta, Component):
                return meta
    return None


def _components(cls: type[Archetype]) -> dict[str, Component]:
    """Of an archetype's fields, those of the one it derives from first."""
    # Not of `cls` itself: hints of all its bases would be read again.
    own = type(cls.__name__, (), {"__annotations__": get_annotations(cls), "__module__": cls.__module__})
    hints = get_type_hints(own, localns={cls.__name__: cls}, include_extras=True)
    inherited = {field.name: field.component for field in getattr(cls, "fields", {}).values()}
    return inherited | {name: component for name, hint in hints.items() if (component := _component(hint))}


def _own_namespace(module: str) -> str:
    """What stands before the names of our own archetypes; the reference's are the same."""
    if module.startswith("rrbridge.blueprint."):
        return "rerun.blueprint.archetypes."
    return "rerun.archetypes." if module.startswith("rrbridge.") else ""


@dataclass_transform(frozen_default=True)
class Archetype:
    """A set of components that mean something together. Subclass it to declare one; instances are frozen."""

    archetype_name: ClassVar[str]
    """Full name: `rerun.archetypes.Points3D`."""
    NAME: ClassVar[str]
    """The same, by the reference's name."""
    fields: ClassVar[Mapping[str, Field]]
    """Its fields in order of declaration."""
    _implied: ClassVar[Mapping[str, tuple[str | None, Any]]] = {}
    """By field: what the constructor sets where the caller does not, beside another field or (None) where nothing is given."""
    _blank: ClassVar[dict[str, None]]
    _layouts: ClassVar[dict[tuple[str, ...], Layout]]
    """What rows look like in which these fields are set."""

    def __init_subclass__(cls, *, name: str | None = None) -> None:
        """`name`: the full archetype name; by default the reference's for our own classes, else the class's own."""
        own = _own_namespace(cls.__module__)
        cls.archetype_name = name or f"{own}{cls.__name__}"
        has_own_constructor = "__init__" in cls.__dict__
        dataclasses.dataclass(frozen=True, eq=False, repr=False, init=not has_own_constructor)(cls)
        cls.NAME = cls.archetype_name
        prefix = short_name(cls.archetype_name)
        cls.fields = {
            name: Field(
                name,
                component,
                ComponentDescriptor(f"{prefix}:{name}", cls.archetype_name, component.type_name),
                component.encoding.parse,
            )
            for name, component in _components(cls).items()
        }
        for name, field in cls.fields.items():
            setattr(cls, f"descriptor_{name}", staticmethod(_returning(field.descriptor)))
        cls._blank = dict.fromkeys(cls.fields)
        cls._layouts = {}
        constructor = cls.__init__ if has_own_constructor else _direct(cls) or cls.__init__
        cls.__init__ = _harmless(constructor, cls.__name__ if has_own_constructor else None)  # type: ignore[method-assign]

    @classmethod
    def archetype(cls) -> str:
        """Its full name: `rerun.archetypes.Points3D`."""
        return cls.archetype_name

    @classmethod
    def archetype_short_name(cls) -> str:
        """Its name: `Points3D`."""
        return short_name(cls.archetype_name)

    def __post_init__(self) -> None:
        self._assign(**{name: getattr(self, name) for name in self.fields})

    def _assign(self, **values: Any) -> None:
        """Parse and keep the given values; the fields not given are None."""
        mine, fields = self.__dict__, self.fields
        mine.update(self._blank)
        for name, value in values.items():
            if value is not None:
                mine[name] = _parsed(fields[name], value)

    @classmethod
    def from_fields(cls, *, clear_unset: bool = False, **fields: Any) -> Self:
        """A partial update: only the fields given are logged. With `clear_unset` the others are logged empty."""
        cls._check_names(fields)
        made = cls.__new__(cls)
        made._assign(**fields)
        if clear_unset:
            for name, field in cls.fields.items():
                if getattr(made, name) is None:
                    object.__setattr__(made, name, empty(field.component.encoding))
        return made

    @classmethod
    def cleared(cls) -> Self:
        """Logs every field empty."""
        return cls.from_fields(clear_unset=True)

    @classmethod
    def columns(cls: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> ComponentColumnList:
        """Many rows at once, from the same values that the constructor takes.

        `(n, …)` is n rows of one instance, `(n, k, …)` n rows of k instances, a `Ragged` one list per row.
        """
        assert isinstance(cls, type)
        assert issubclass(cls, Archetype)
        return cls._columns(dict(zip(cls.fields, args, strict=False)) | kwargs)

    @classmethod
    def _columns(cls, values: Mapping[str, Any]) -> ComponentColumnList:
        cls._check_names(values)
        with _no_columns() as none:
            return ComponentColumnList(
                _column(cls.fields[name], value) for name, value in values.items() if value is not None
            )
        return none

    @classmethod
    def _check_names(cls, given: Iterable[str]) -> None:
        for name in given:
            if name not in cls.fields:
                import difflib

                close = difflib.get_close_matches(name, cls.fields, 1)
                hint = f"; did you mean {close[0]}?" if close else f"; it has {', '.join(cls.fields)}"
                raise InvalidValueError(f"{cls.__name__}.{name}", "a field of this archetype", f"{name!r}{hint}")

    def as_component_batches(self) -> list[DescribedComponentBatch]:
        """The fields that are set."""
        return [
            DescribedComponentBatch.parsed(field.descriptor, field.component.encoding, batch)
            for name, field in self.fields.items()
            if (batch := getattr(self, name)) is not None
        ]

    def as_row(self) -> tuple[Layout, tuple[Batch, ...]]:
        """The fields that are set: which, and their values."""
        mine = self.__dict__
        if len(mine) != len(self._blank) or type(self).as_component_batches is not Archetype.as_component_batches:
            batches = self.as_component_batches()
            return layout_of([(b.descriptor, b.encoding) for b in batches]), tuple([b.batch for b in batches])
        given = {name: batch for name, batch in mine.items() if batch is not None}
        names = tuple(given)
        layout = self._layouts.get(names)
        if layout is None:
            fields = [self.fields[name] for name in names]
            layout = self._layouts[names] = layout_of([(f.descriptor, f.component.encoding) for f in fields])
        return layout, tuple(given.values())

    def __len__(self) -> int:
        """Number of instances: of the first field that is set."""
        return next((len(b.batch) for b in self.as_component_batches()), 0)

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        """Whether both are the same archetype and log the same values."""
        if not isinstance(other, Archetype) or type(self) is not type(other):
            return NotImplemented
        mine, theirs = self.as_component_batches(), other.as_component_batches()
        return len(mine) == len(theirs) and all(
            a.descriptor == b.descriptor and a.as_arrow_array().equals(b.as_arrow_array())
            for a, b in zip(mine, theirs, strict=True)
        )

    __hash__ = None  # type: ignore[assignment]  # archetypes are compared by what they hold

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name}={_summary(value)}" for name in self.fields if (value := getattr(self, name)) is not None
        )
        return f"{type(self).__name__}({shown})"


def _returning(descriptor: ComponentDescriptor) -> Callable[[], ComponentDescriptor]:
    def descriptor_of() -> ComponentDescriptor:
        """What the field's column is called."""
        return descriptor

    return descriptor_of


def own_errors(cls: type[T]) -> type[T]:
    """A class decorator: what its constructor is given fails with our error, whatever it is."""
    cls.__init__ = _explained(cls.__name__, cls.__init__)  # type: ignore[method-assign]  # the arguments stay
    return cls


def _explained(name: str, constructor: Callable[..., None]) -> Callable[..., None]:
    """Let what a constructor is given fail with our error, whatever it is; calls with wrong names stay TypeErrors."""

    @functools.wraps(constructor)
    def construct(*args: Any, **kwargs: Any) -> None:
        try:
            constructor(*args, **kwargs)
        except RrbridgeError:
            raise
        except Exception as err:  # what values are asked to do here may raise anything
            if err.__traceback__ is not None and err.__traceback__.tb_next is None:
                raise
            raise InvalidValueError(name, "values that fit", str(err)) from err

    return construct


def _direct(cls: type[Archetype]) -> Callable[..., None] | None:
    """What the constructor that `dataclass` made does, at a fraction of its cost; None where it does more."""
    declared = dataclasses.fields(cls)  # type: ignore[arg-type]  # it is one, __init_subclass__ sees to it
    ordinary = all(f.init and f.default in (None, dataclasses.MISSING) for f in declared)
    if (
        not ordinary
        or [f.name for f in declared] != list(cls.fields)
        or cls.__post_init__ is not Archetype.__post_init__
    ):
        return None
    generated, blank, fields = cls.__init__, cls._blank, cls.fields
    by_position = tuple(f.name for f in declared if not f.kw_only)
    required = {f.name for f in declared if f.default is dataclasses.MISSING}
    implied = tuple((name, beside, value) for name, (beside, value) in cls._implied.items())

    @functools.wraps(generated)
    def construct(self: Archetype, *args: Any, **kwargs: Any) -> None:
        given = dict(zip(by_position, args, strict=False))
        given.update(kwargs)
        if len(given) != len(args) + len(kwargs) or not (required <= given.keys() <= blank.keys()):
            generated(self, *args, **kwargs)  # which says what is wrong with the call
            return
        for name, beside, value in implied:
            if beside is None:
                if all(other is None for other in given.values()):
                    given[name] = value
            elif beside in given and given[beside] is not None and given.get(name) is None:
                given[name] = value
        mine = self.__dict__
        mine.update(blank)
        for name, value in given.items():
            if value is not None:
                mine[name] = _parsed(fields[name], value)

    construct.__doc__ = "Take values of the fields; what is not given, or None, is not logged."
    return construct


def _harmless(constructor: Callable[..., None], name: str | None) -> Callable[..., None]:
    """Let an archetype whose values do not fit warn and stay empty: a robot must not stop for it. Strict mode raises.

    With a `name` the constructor is handwritten: what it is given fails with our error, as `_explained` has it.
    """

    @functools.wraps(constructor)
    def construct(self: Archetype, *args: Any, **kwargs: Any) -> None:
        try:
            constructor(self, *args, **kwargs)
        except RrbridgeError as err:
            if strict_mode():
                raise
            _stay_empty(self, err)
        except Exception as err:  # what values are asked to do here may raise anything
            if name is None or (err.__traceback__ is not None and err.__traceback__.tb_next is None):
                raise
            explained = InvalidValueError(name, "values that fit", str(err))
            if strict_mode():
                raise explained from err
            _stay_empty(self, explained)

    return construct


def _stay_empty(archetype: Archetype, err: RrbridgeError) -> None:
    warnings.warn(f"{err}; it stays empty", RrbridgeWarning, caller_depth())
    archetype._assign()


class DrawnArchetype(Archetype):
    """An archetype that views can draw."""

    visualizer_type: ClassVar[str]
    """What draws it: mostly something of its own name."""

    def __init_subclass__(cls, *, name: str | None = None, visualizer: str | None = None) -> None:
        """`visualizer`: what draws it, where that has another name."""
        super().__init_subclass__(name=name)
        cls.visualizer_type = visualizer or cls.__name__

    def visualizer(self, *, mappings: Sequence[VisualizerComponentMapping] | None = None) -> Visualizer:
        """Draws an entity in a view, with these values in place of logged ones; for a view's `overrides`."""
        from rrbridge.blueprint.visualizers import Visualizer  # blueprints load when they are used

        return Visualizer(self.visualizer_type, overrides=self.as_component_batches(), mappings=mappings)


def _parsed(field: Field, value: Any) -> Batch:
    """What the encoding makes of a value. One that does not fit is logged empty, with a warning; strict mode raises."""
    try:
        batch = field.parse(value)
    except Exception as err:  # the value's own methods may raise anything
        misfit = InvalidValueError(field.descriptor.component, field.component.encoding.expects, str(err))
        if strict_mode():
            raise misfit from err
        warnings.warn(f"{misfit}; it stays empty", RrbridgeWarning, caller_depth())
        return empty(field.component.encoding)
    return _owned(batch, value) if isinstance(value, _CHANGEABLE) else batch


_CHANGEABLE = (np.ndarray, memoryview, bytearray, Ragged)


def _owned(batch: Batch, value: Any) -> Batch:
    """What the caller does to its buffer after the call must not change what was logged."""
    if isinstance(batch, np.ndarray):
        if isinstance(value, np.ndarray):
            return duplicate(batch) if batch is value or np.may_share_memory(batch, value) else batch
        return batch if batch.flags.owndata and batch is not value else batch.copy()
    if isinstance(batch, Ragged):
        return Ragged(batch.offsets, _owned(batch.values, value.values if isinstance(value, Ragged) else value))
    return batch


def _column(field: Field, value: Any) -> ComponentColumn:
    encoding = field.component.encoding
    if encoding is blob and isinstance(value, Spans):
        return SpansColumn(field.descriptor, value)
    try:
        batch, lengths = encoding.split(value)
        values = encoding.to_arrow([batch])
        sizes = np.ones(len(values), np.int64) if lengths is None else lengths
        return ComponentColumn(field.descriptor, list_array(Ragged.from_lengths(sizes, None).offsets, values))
    except Exception as err:  # the value's own methods may raise anything
        raise InvalidValueError(field.descriptor.component, encoding.expects, str(err)) from err


def _summary(value: Batch) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}" if value.size > 4 else str(value.tolist())
    if isinstance(value, tuple) and len(value) <= 3:
        return repr(list(value))
    return f"[{len(value)}]"
