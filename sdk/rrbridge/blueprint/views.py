"""The views. One view = its properties, each given as its archetype or, where that is clear, as the archetype's main value."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from types import NoneType
from typing import Any, ClassVar, TypeAlias, dataclass_transform, get_args, get_type_hints

from rrbridge._archetype import Archetype
from rrbridge._time_ranges import VisibleTimeRange
from rrbridge.blueprint import archetypes as a
from rrbridge.blueprint import components as bc
from rrbridge.blueprint._view import Defaults, EntityPathLike, Overrides, View, ViewContentsLike
from rrbridge.components import ColorLike
from rrbridge.errors import InvalidValueError

__all__ = [
    "AudioView",
    "BarChartView",
    "DataframeView",
    "GraphView",
    "MapView",
    "Spatial2DView",
    "Spatial3DView",
    "StateTimelineView",
    "TensorView",
    "TextDocumentView",
    "TextLogView",
    "TimeSeriesView",
]

BackgroundLike: TypeAlias = a.Background | ColorLike | bc.BackgroundKindLike
LegendLike: TypeAlias = a.PlotLegend | bc.Corner2DLike
TimeRangesLike: TypeAlias = a.VisibleTimeRanges | VisibleTimeRange | Sequence[VisibleTimeRange]


@dataclass_transform(kw_only_default=True)
class _Declaration(View):
    """Makes a view class out of its annotations, which are read once."""

    identifier: ClassVar[str]
    """What blueprints call the class."""
    property_archetypes: ClassVar[dict[str, type[Archetype]]]
    """Its properties in order of declaration."""
    _shorthands: ClassVar[set[str]]
    """Those that may be given as their main value."""

    def __init_subclass__(cls, *, identifier: str = "") -> None:
        cls.identifier = identifier
        cls.property_archetypes = {}
        cls._shorthands = set()
        for name, hint in get_type_hints(cls).items():
            kinds = [k for k in get_args(hint) if isinstance(k, type) and issubclass(k, Archetype)]
            if name in cls.__annotations__ and kinds:
                cls.property_archetypes[name] = kinds[0]
                if set(get_args(hint)) - {kinds[0], NoneType}:
                    cls._shorthands.add(name)
        dataclasses.dataclass(eq=False, repr=False, kw_only=True)(cls)


class DeclaredView(_Declaration):
    """What all views take."""

    origin: EntityPathLike = "/"
    contents: ViewContentsLike = "$origin/**"
    name: str | None = None
    visible: bool | None = None
    titlebar: bool | None = None
    defaults: Defaults | None = None
    overrides: Overrides | None = None

    def __post_init__(self) -> None:
        super().__init__(
            class_identifier=self.identifier,
            origin=self.origin,
            contents=self.contents,
            name=self.name,
            visible=self.visible,
            titlebar=self.titlebar,
            properties={
                kind.archetype_short_name(): self._property(name, kind, value)
                for name, kind in self.property_archetypes.items()
                if (value := getattr(self, name)) is not None
            },
            defaults=self.defaults,
            overrides=self.overrides,
        )

    def _property(self, name: str, kind: type[Archetype], value: Any) -> Archetype:
        if isinstance(value, kind):
            return value
        if name not in self._shorthands:
            raise InvalidValueError(f"{type(self).__name__}.{name}", f"a {kind.__name__}", repr(value)[:80])
        from_main_value: Callable[[Any], Archetype] = kind
        return from_main_value(value)


class AudioView(DeclaredView, identifier="Audio"):
    """Sound."""

    playback: a.AudioPlayback | None = None


class BarChartView(DeclaredView, identifier="BarChart"):
    """Numbers as bars."""

    plot_legend: LegendLike | None = None
    background: a.PlotBackground | None = None


class DataframeView(DeclaredView, identifier="Dataframe"):
    """Components as a table, one row per time."""

    query: a.DataframeQuery | None = None


class GraphView(DeclaredView, identifier="Graph"):
    """Nodes and edges."""

    background: a.GraphBackground | None = None
    visual_bounds: a.VisualBounds2D | None = None
    force_link: a.ForceLink | None = None
    force_many_body: a.ForceManyBody | None = None
    force_position: a.ForcePosition | None = None
    force_collision_radius: a.ForceCollisionRadius | None = None
    force_center: a.ForceCenter | None = None


class MapView(DeclaredView, identifier="Map"):
    """Places on a map."""

    zoom: a.MapZoom | float | None = None
    background: a.MapBackground | bc.MapProviderLike | None = None


class Spatial2DView(DeclaredView, identifier="2D"):
    """Images, and what is drawn over them."""

    background: BackgroundLike | None = None
    visual_bounds: a.VisualBounds2D | None = None
    spatial_information: a.SpatialInformation | None = None
    time_ranges: TimeRangesLike | None = None


class Spatial3DView(DeclaredView, identifier="3D"):
    """Things in space."""

    background: BackgroundLike | None = None
    line_grid: a.LineGrid3D | bool | None = None
    spatial_information: a.SpatialInformation | None = None
    eye_controls: a.EyeControls3D | None = None
    time_ranges: TimeRangesLike | None = None


class StateTimelineView(DeclaredView, identifier="StateTimeline"):
    """States over time."""

    time_view: a.TimeAxis | None = None
    time_ranges: TimeRangesLike | None = None


class TensorView(DeclaredView, identifier="Tensor"):
    """A slice of a tensor."""

    slice_selection: a.TensorSliceSelection | None = None
    scalar_mapping: a.TensorScalarMapping | None = None
    view_fit: a.TensorViewFit | bc.ViewFitLike | None = None


class TextDocumentView(DeclaredView, identifier="TextDocument"):
    """A text."""

    format_options: a.TextDocumentFormat | None = None


class TextLogView(DeclaredView, identifier="TextLog"):
    """Log lines."""

    columns: a.TextLogColumns | None = None
    rows: a.TextLogRows | None = None
    format_options: a.TextLogFormat | None = None


class TimeSeriesView(DeclaredView, identifier="TimeSeries"):
    """Numbers over time."""

    axis_x: a.TimeAxis | None = None
    axis_y: a.ScalarAxis | None = None
    plot_legend: LegendLike | None = None
    background: a.PlotBackground | None = None
    interaction: a.PlotInteraction | None = None
    time_ranges: TimeRangesLike | None = None


__path__: list[str] = []  # the modules of the views are made: see `rrbridge._type_modules`
