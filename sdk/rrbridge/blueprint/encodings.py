"""Values that only blueprints have: columns, filters and orders of tables, and where a visualizer takes a component from."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Self, TypeAlias

import numpy as np
import pyarrow as pa

from rrbridge._archetype import own_errors
from rrbridge._arrow import list_type
from rrbridge._component_values import batch_class, register_values
from rrbridge._image_format import Choice
from rrbridge._records import _Record, _whole
from rrbridge._selections import Range2D, range2d
from rrbridge._time_ranges import whole_time
from rrbridge._values import TimeInt
from rrbridge.encodings import Encoding, enum, structured
from rrbridge.errors import InvalidValueError

__all__ = [
    "ColumnType",
    "ComponentColumnSelector",
    "ComponentSourceKind",
    "FilterByRange",
    "FilterIsNotNull",
    "SelectedColumns",
    "SortBy",
    "SortDirection",
    "TensorDimensionIndexSlider",
    "TextLogColumn",
    "TextLogColumnKind",
    "TimelineColumn",
    "VisualizerComponentMapping",
]


class ComponentSourceKind(Choice):
    """Where a visualizer takes a component from."""

    SourceComponent = 1
    Override = 2
    Default = 3
    AnnotationContext = 4


class SortDirection(Choice):
    """Which way a table is sorted."""

    Ascending = 1
    Descending = 2


class TextLogColumnKind(Choice):
    """What a column of a log shows."""

    EntityPath = 1
    LogLevel = 2
    Body = 3


def _choice(what: str, kinds: type[IntEnum], value: Any) -> int:
    """A member by itself, its name or its number. Raises InvalidValueError."""
    named = {member.name.lower(): member for member in kinds}
    if isinstance(value, str) and value.lower() in named:
        return int(named[value.lower()])
    if not isinstance(value, str) and value in {int(member) for member in kinds}:
        return int(value)
    raise InvalidValueError(what, f"one of {', '.join(m.name for m in kinds)}", repr(value)[:80])


@own_errors
class ColumnType(_Record):
    """What the values of a table's column are."""

    __slots__ = ("component", "component_type_name")

    def __init__(self, *, component: str | None = None, component_type_name: str | None = None) -> None:
        """The component, `Points3D:positions`, or the full name of the component type."""
        self.component = None if component is None else str(component)
        self.component_type_name = None if component_type_name is None else str(component_type_name)


@own_errors
class ComponentColumnSelector(_Record):
    """A column of a dataframe: a component of an entity."""

    __slots__ = ("component", "entity_path")

    def __init__(
        self, spec: str | None = None, *, entity_path: str | None = None, component: str | None = None
    ) -> None:
        """Give `spec`, as `/path:component`, or `entity_path` and `component`."""
        what = "ComponentColumnSelector"
        if spec is not None:
            if entity_path is not None or component is not None:
                raise InvalidValueError(what, "either spec, or entity_path= and component=", "both")
            entity_path, colon, component = str(spec).partition(":")
            if not colon:
                raise InvalidValueError(what, "/path:component", repr(spec)[:80])
        if entity_path is None or component is None:
            raise InvalidValueError(what, "both entity_path= and component=", "one of them")
        self.entity_path = str(entity_path)
        self.component = str(component)

    @classmethod
    def of(cls, value: ComponentColumnSelectorLike) -> ComponentColumnSelector:
        """From whatever stands for one."""
        return value if isinstance(value, ComponentColumnSelector) else ComponentColumnSelector(value)

    def arrow(self) -> dict[str, str]:
        """As Arrow takes it."""
        return {"entity_path": self.entity_path, "component": self.component}


ComponentColumnSelectorLike: TypeAlias = ComponentColumnSelector | str


@own_errors
class FilterByRange(_Record):
    """The rows from one time to another, both included."""

    __slots__ = ("end", "start")

    def __init__(self, start: TimeInt | int, end: TimeInt | int) -> None:
        """Sequence numbers or nanoseconds."""
        self.start = TimeInt(nanos=whole_time("FilterByRange.start", start))
        self.end = TimeInt(nanos=whole_time("FilterByRange.end", end))


@own_errors
class FilterIsNotNull(_Record):
    """The rows where a column has a value."""

    __slots__ = ("active", "column")

    def __init__(self, active: bool, column: ComponentColumnSelectorLike) -> None:
        """`active`: whether the filter is applied."""
        self.active = bool(active)
        self.column = ComponentColumnSelector.of(column)


@own_errors
class SelectedColumns(_Record):
    """The columns of a dataframe that are shown."""

    __slots__ = ("component_columns", "time_columns")

    def __init__(self, columns: Sequence[ComponentColumnSelectorLike]) -> None:
        """Text with a colon is a component, `/path:component`; without, a timeline."""
        timelines = [c for c in columns if isinstance(c, str) and ":" not in c]
        self.time_columns = tuple(map(str, timelines))
        self.component_columns = tuple(
            ComponentColumnSelector.of(c) for c in columns if not (isinstance(c, str) and ":" not in c)
        )


@own_errors
class SortBy(_Record):
    """The column that a table is sorted by."""

    __slots__ = ("column", "direction")

    def __init__(self, column: str, *, direction: SortDirectionLike | None = None) -> None:
        """Without `direction` the viewer chooses."""
        self.column = str(column)
        self.direction = (
            None if direction is None else SortDirection(_choice("SortBy.direction", SortDirection, direction))
        )


@own_errors
class TensorDimensionIndexSlider(_Record):
    """An axis of a tensor that has a slider."""

    __slots__ = ("dimension",)

    def __init__(self, dimension: int) -> None:
        """The number of the axis."""
        self.dimension = _whole("TensorDimensionIndexSlider.dimension", dimension)


@own_errors
class TextLogColumn(_Record):
    """A column of a log."""

    __slots__ = ("kind", "visible")

    def __init__(self, kind: TextLogColumnKindLike, *, visible: bool = True) -> None:
        """What it shows, and whether it is shown."""
        self.kind = TextLogColumnKind(_choice("TextLogColumn.kind", TextLogColumnKind, kind))
        self.visible = bool(visible)


@own_errors
class TimelineColumn(_Record):
    """A column of a log that shows a timeline."""

    __slots__ = ("timeline", "visible")

    def __init__(self, timeline: str, *, visible: bool = True) -> None:
        """Which timeline, and whether it is shown."""
        self.timeline = str(timeline)
        self.visible = bool(visible)


@own_errors
class VisualizerComponentMapping(_Record):
    """Where a visualizer takes one of its components from."""

    __slots__ = ("selector", "source_component", "source_kind", "target")

    def __init__(
        self,
        target: str,
        source_kind: ComponentSourceKindLike,
        *,
        source_component: str | None = None,
        selector: str | None = None,
    ) -> None:
        """`selector`: a path into the source component's values, `.pose.position`."""
        self.target = str(target)
        what = "VisualizerComponentMapping.source_kind"
        self.source_kind = ComponentSourceKind(_choice(what, ComponentSourceKind, source_kind))
        self.source_component = None if source_component is None else str(source_component)
        self.selector = None if selector is None else str(selector)


ColumnTypeLike: TypeAlias = ColumnType
FilterByRangeLike: TypeAlias = FilterByRange
FilterIsNotNullLike: TypeAlias = FilterIsNotNull | ComponentColumnSelectorLike
SelectedColumnsLike: TypeAlias = SelectedColumns | str | Sequence[ComponentColumnSelectorLike]
SortByLike: TypeAlias = SortBy | str
TensorDimensionIndexSliderLike: TypeAlias = TensorDimensionIndexSlider | int
TextLogColumnLike: TypeAlias = TextLogColumn | TextLogColumnKind | str
TimelineColumnLike: TypeAlias = TimelineColumn | str
VisualizerComponentMappingLike: TypeAlias = VisualizerComponentMapping
ComponentSourceKindLike: TypeAlias = ComponentSourceKind | str | int
SortDirectionLike: TypeAlias = SortDirection | str | int
TextLogColumnKindLike: TypeAlias = TextLogColumnKind | str | int


def _struct(**fields: tuple[pa.DataType, bool]) -> pa.DataType:
    return pa.struct([pa.field(name, arrow, nullable=nullable) for name, (arrow, nullable) in fields.items()])


def _records(arrow: pa.DataType, kind: type[_Record], *shorthand: type) -> Encoding[Any]:
    """One record per instance; a value of a `shorthand` type is the record's first argument."""

    def one(value: Any) -> dict[str, Any]:
        if isinstance(value, kind):
            record = value
        elif isinstance(value, shorthand):
            record = kind(value)  # type: ignore[call-arg]  # a record of one argument
        else:
            raise TypeError(f"a {kind.__name__}, not {value!r}"[:120])
        return {field.name: _plain(getattr(record, field.name)) for field in arrow}

    return structured(arrow, one, f"a {kind.__name__}")


def _plain(value: Any) -> Any:
    if isinstance(value, _Record):
        return {name: _plain(getattr(value, name)) for name in value.__slots__}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


_SELECTOR = _struct(entity_path=(pa.utf8(), False), component=(pa.utf8(), False))

column_type = _records(_struct(component=(pa.utf8(), True), component_type_name=(pa.utf8(), True)), ColumnType)
component_column_selector = _records(_SELECTOR, ComponentColumnSelector, str)
filter_by_range = _records(_struct(start=(pa.int64(), False), end=(pa.int64(), False)), FilterByRange)
_filter_is_not_null = _records(_struct(active=(pa.bool_(), False), column=(_SELECTOR, False)), FilterIsNotNull)
filter_is_not_null = dataclasses.replace(
    _filter_is_not_null,
    parse=lambda value: _filter_is_not_null.parse(
        FilterIsNotNull(active=True, column=value) if isinstance(value, str | ComponentColumnSelector) else value
    ),
)
_selected_columns = _records(
    _struct(
        time_columns=(list_type(pa.utf8(), nullable=False), False),
        component_columns=(list_type(_SELECTOR, nullable=False), False),
    ),
    SelectedColumns,
)
sort_by = _records(_struct(column=(pa.utf8(), False), direction=(pa.uint8(), True)), SortBy, str)
tensor_dimension_index_slider = _records(
    _struct(dimension=(pa.uint32(), False)), TensorDimensionIndexSlider, int, np.integer
)
text_log_column = _records(
    _struct(visible=(pa.bool_(), False), kind=(pa.uint8(), False)), TextLogColumn, str, TextLogColumnKind
)
timeline_column = _records(_struct(visible=(pa.bool_(), False), timeline=(pa.utf8(), False)), TimelineColumn, str)
visualizer_component_mapping = _records(
    _struct(
        target=(pa.utf8(), False),
        source_kind=(pa.uint8(), False),
        source_component=(pa.utf8(), True),
        selector=(pa.utf8(), True),
    ),
    VisualizerComponentMapping,
)


@own_errors
class VisualBounds(Range2D):
    """The part of a plane that is shown at least."""

    __slots__ = ()

    def __init__(self, *, x_range: Any, y_range: Any) -> None:
        """From and to, on each axis."""
        super().__init__(x_range, y_range)


class ColumnOrder(tuple[str, ...]):
    """Entities in the order of their columns."""

    __slots__ = ()

    def __new__(cls, entity_paths: Sequence[str]) -> Self:
        """One text each."""
        try:
            return super().__new__(cls, map(str, entity_paths))
        except TypeError as err:
            raise InvalidValueError(cls.__name__, "entity paths", repr(entity_paths)[:80]) from err

    @property
    def entity_paths(self) -> list[str]:
        """The entities."""
        return list(self)


def _one_order(value: Any) -> list[str]:
    if not isinstance(value, ColumnOrder):
        raise TypeError(f"a ColumnOrder, not {value!r}"[:120])
    return list(value)


def _all_are(value: Any, kinds: type | tuple[type, ...]) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, kinds) for item in value)


def _parse_order(value: Any) -> Any:
    """Entities in a list are one order, as is one entity."""
    given = [value] if isinstance(value, str) else value
    return _column_order.parse([ColumnOrder(given)] if _all_are(given, str) else given)


def _parse_selected(value: Any) -> Any:
    """Columns in a list are one selection, as is one column."""
    given = [value] if isinstance(value, str | ComponentColumnSelector) else value
    is_one = _all_are(given, (str, ComponentColumnSelector))
    return _selected_columns.parse(SelectedColumns(given) if is_one else given)


visual_bounds = dataclasses.replace(range2d)
_column_order = structured(list_type(pa.utf8(), nullable=False), _one_order, "a ColumnOrder")
column_order = dataclasses.replace(_column_order, parse=_parse_order)
selected_columns = dataclasses.replace(_selected_columns, parse=_parse_selected)

_VALUES: tuple[tuple[type, Encoding[Any]], ...] = (
    (ColumnType, column_type),
    (ComponentColumnSelector, component_column_selector),
    (FilterByRange, filter_by_range),
    (FilterIsNotNull, filter_is_not_null),
    (SelectedColumns, selected_columns),
    (SortBy, sort_by),
    (TensorDimensionIndexSlider, tensor_dimension_index_slider),
    (TextLogColumn, text_log_column),
    (TimelineColumn, timeline_column),
    (VisualizerComponentMapping, visualizer_component_mapping),
    (VisualBounds, visual_bounds),
    (ColumnOrder, column_order),
)
register_values(_VALUES)
_ENUMS = (ComponentSourceKind, SortDirection, TextLogColumnKind)
_BATCHED = {value.__name__: encoding for value, encoding in _VALUES[:-2]} | {e.__name__: enum(e) for e in _ENUMS}


def __getattr__(name: str) -> Any:
    """Classes of many values, `SortByBatch`, of each value declared above; `SortByArrayLike` is `SortByLike`."""
    if name.endswith("ArrayLike") and (alias := globals().get(f"{name.removesuffix('ArrayLike')}Like")) is not None:
        return alias
    encoding = _BATCHED.get(name.removesuffix("Batch")) if name.endswith("Batch") else None
    if encoding is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return batch_class(__name__, name, encoding)


def __dir__() -> list[str]:
    return sorted(globals().keys() | {f"{name}{suffix}" for name in _BATCHED for suffix in ("Batch", "ArrayLike")})


__path__: list[str] = []  # the modules of the types are made: see `rrbridge._type_modules`
