"""The components of blueprints. One line each; names and encodings as in the reference (`reference/types.json`)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from rrbridge import _selections as sel
from rrbridge import _time_ranges as times
from rrbridge import encodings as enc
from rrbridge._archetype import Component
from rrbridge._component_values import named_component_class, named_component_classes
from rrbridge._image_format import Choice
from rrbridge.blueprint import encodings as benc
from rrbridge.components import EnumsLike
from rrbridge.encodings import Encoding


class BackgroundKind(Choice):
    """What is behind the content of a spatial view."""

    GradientDark = 1
    GradientBright = 2
    SolidColor = 3


class ColumnDisplayMode(Choice):
    """How much the columns of a table say about themselves."""

    Compact = 1
    Component = 2
    Full = 3


class ContainerKind(Choice):
    """How a container lays out what it contains."""

    Tabs = 1
    Horizontal = 2
    Vertical = 3
    Grid = 4


class Corner2D(Choice):
    """A corner of a rectangle."""

    LeftTop = 1
    RightTop = 2
    LeftBottom = 3
    RightBottom = 4


class Eye3DKind(Choice):
    """How the eye of a 3D view moves."""

    FirstPerson = 1
    Orbital = 2


class LinkAxis(Choice):
    """Whether a time axis moves together with others."""

    Independent = 1
    LinkToGlobal = 2


class LoopMode(Choice):
    """What playback repeats."""

    Off = 1
    Selection = 2
    All = 3


class MapProvider(Choice):
    """Where a map's tiles come from."""

    OpenStreetMap = 1
    MapboxStreets = 2
    MapboxDark = 3
    MapboxSatellite = 4
    MapboxLight = 5


class PanelState(Choice):
    """How much of a panel is shown."""

    Hidden = 1
    Collapsed = 2
    Expanded = 3


class PlayState(Choice):
    """Whether the time cursor moves."""

    Paused = 1
    Playing = 2
    Following = 3


class PointsDisplay(Choice):
    """When a plot marks its samples."""

    OnHover = 1
    Always = 2


class TableLayoutKind(Choice):
    """How a table is shown."""

    Table = 1
    Cards = 2


class TooltipMode(Choice):
    """Which series a plot's tooltip lists."""

    Nearest = 1
    All = 2


class ViewFit(Choice):
    """How an image fills its view."""

    Original = 1
    Fill = 2
    FillKeepAspectRatio = 3


def _of(name: str, encoding: Encoding[Any]) -> Component:
    return Component(f"rerun.blueprint.components.{name}", encoding)


TimeRangesLike: TypeAlias = times.VisibleTimeRange | Sequence[times.VisibleTimeRange]
SlidersLike: TypeAlias = benc.TensorDimensionIndexSliderLike | Sequence[benc.TensorDimensionIndexSliderLike]
TextLogColumnsLike: TypeAlias = benc.TextLogColumnLike | Sequence[benc.TextLogColumnLike]
TimelineColumnsLike: TypeAlias = benc.TimelineColumnLike | Sequence[benc.TimelineColumnLike]
MappingsLike: TypeAlias = benc.VisualizerComponentMapping | Sequence[benc.VisualizerComponentMapping]
UuidsLike: TypeAlias = uuid.UUID | bytes | Sequence[uuid.UUID | bytes] | npt.NDArray[np.uint8]

AbsoluteTimeRangeLike: TypeAlias = Annotated[
    times.AbsoluteTimeRange, _of("AbsoluteTimeRange", times.absolute_time_range)
]
ActiveTabLike: TypeAlias = Annotated[enc.TextLike, _of("ActiveTab", enc.entity_path)]
AngularSpeedLike: TypeAlias = Annotated[enc.FloatLike, _of("AngularSpeed", enc.float64)]
ApplyLatestAtLike: TypeAlias = Annotated[enc.BoolLike, _of("ApplyLatestAt", enc.boolean)]
AutoLayoutLike: TypeAlias = Annotated[enc.BoolLike, _of("AutoLayout", enc.boolean)]
AutoScrollLike: TypeAlias = Annotated[enc.BoolLike, _of("AutoScroll", enc.boolean)]
AutoViewsLike: TypeAlias = Annotated[enc.BoolLike, _of("AutoViews", enc.boolean)]
BackgroundKindLike: TypeAlias = Annotated[EnumsLike, _of("BackgroundKind", enc.enum(BackgroundKind))]
ColumnDisplayModeLike: TypeAlias = Annotated[EnumsLike, _of("ColumnDisplayMode", enc.enum(ColumnDisplayMode))]
ColumnNameLike: TypeAlias = Annotated[enc.TextLike, _of("ColumnName", enc.text)]
ColumnOrderLike: TypeAlias = Annotated[benc.ColumnOrder, _of("ColumnOrder", benc.column_order)]
ColumnShareLike: TypeAlias = Annotated[enc.FloatLike, _of("ColumnShare", enc.float32)]
ColumnTypeLike: TypeAlias = Annotated[benc.ColumnType, _of("ColumnType", benc.column_type)]
ComponentColumnSelectorLike: TypeAlias = Annotated[
    benc.ComponentColumnSelectorLike, _of("ComponentColumnSelector", benc.component_column_selector)
]
ContainerKindLike: TypeAlias = Annotated[EnumsLike, _of("ContainerKind", enc.enum(ContainerKind))]
Corner2DLike: TypeAlias = Annotated[EnumsLike, _of("Corner2D", enc.enum(Corner2D))]
EditableLike: TypeAlias = Annotated[enc.BoolLike, _of("Editable", enc.boolean)]
EnabledLike: TypeAlias = Annotated[enc.BoolLike, _of("Enabled", enc.boolean)]
Eye3DKindLike: TypeAlias = Annotated[EnumsLike, _of("Eye3DKind", enc.enum(Eye3DKind))]
FilterByRangeLike: TypeAlias = Annotated[benc.FilterByRange, _of("FilterByRange", benc.filter_by_range)]
FilterIsNotNullLike: TypeAlias = Annotated[benc.FilterIsNotNullLike, _of("FilterIsNotNull", benc.filter_is_not_null)]
ForceDistanceLike: TypeAlias = Annotated[enc.FloatLike, _of("ForceDistance", enc.float64)]
ForceIterationsLike: TypeAlias = Annotated[enc.IntLike, _of("ForceIterations", enc.uint64)]
ForceStrengthLike: TypeAlias = Annotated[enc.FloatLike, _of("ForceStrength", enc.float64)]
FpsLike: TypeAlias = Annotated[enc.FloatLike, _of("Fps", enc.float64)]
GridColumnsLike: TypeAlias = Annotated[enc.IntLike, _of("GridColumns", enc.uint32)]
GridSpacingLike: TypeAlias = Annotated[enc.FloatLike, _of("GridSpacing", enc.float32)]
IncludedContentLike: TypeAlias = Annotated[enc.TextLike, _of("IncludedContent", enc.entity_path)]
LinkAxisLike: TypeAlias = Annotated[EnumsLike, _of("LinkAxis", enc.enum(LinkAxis))]
LockRangeDuringZoomLike: TypeAlias = Annotated[enc.BoolLike, _of("LockRangeDuringZoom", enc.boolean)]
LoopModeLike: TypeAlias = Annotated[EnumsLike, _of("LoopMode", enc.enum(LoopMode))]
MapProviderLike: TypeAlias = Annotated[EnumsLike, _of("MapProvider", enc.enum(MapProvider))]
NearClipPlaneLike: TypeAlias = Annotated[enc.FloatLike, _of("NearClipPlane", enc.float32)]
PanelStateLike: TypeAlias = Annotated[EnumsLike, _of("PanelState", enc.enum(PanelState))]
PlayStateLike: TypeAlias = Annotated[EnumsLike, _of("PlayState", enc.enum(PlayState))]
PlaybackSpeedLike: TypeAlias = Annotated[enc.FloatLike, _of("PlaybackSpeed", enc.float64)]
PointsDisplayLike: TypeAlias = Annotated[EnumsLike, _of("PointsDisplay", enc.enum(PointsDisplay))]
QueryExpressionLike: TypeAlias = Annotated[enc.TextLike, _of("QueryExpression", enc.text)]
RootContainerLike: TypeAlias = Annotated[UuidsLike, _of("RootContainer", sel.uuids)]
RowShareLike: TypeAlias = Annotated[enc.FloatLike, _of("RowShare", enc.float32)]
SelectedColumnsLike: TypeAlias = Annotated[benc.SelectedColumnsLike, _of("SelectedColumns", benc.selected_columns)]
SortByLike: TypeAlias = Annotated[benc.SortByLike, _of("SortBy", benc.sort_by)]
SqlFilterExpressionLike: TypeAlias = Annotated[enc.TextLike, _of("SqlFilterExpression", enc.text)]
TableLayoutKindLike: TypeAlias = Annotated[EnumsLike, _of("TableLayoutKind", enc.enum(TableLayoutKind))]
TensorDimensionIndexSliderLike: TypeAlias = Annotated[
    SlidersLike, _of("TensorDimensionIndexSlider", benc.tensor_dimension_index_slider)
]
TextLogColumnLike: TypeAlias = Annotated[TextLogColumnsLike, _of("TextLogColumn", benc.text_log_column)]
TimeIntLike: TypeAlias = Annotated[enc.IntLike, _of("TimeInt", enc.int64)]
TimeRangeLike: TypeAlias = Annotated[times.TimeRange, _of("TimeRange", times.time_range)]
TimelineColumnLike: TypeAlias = Annotated[TimelineColumnsLike, _of("TimelineColumn", benc.timeline_column)]
TimelineFractionLike: TypeAlias = Annotated[enc.FloatLike, _of("TimelineFraction", enc.float64)]
TimelineNameLike: TypeAlias = Annotated[enc.TextLike, _of("TimelineName", enc.text)]
TooltipModeLike: TypeAlias = Annotated[EnumsLike, _of("TooltipMode", enc.enum(TooltipMode))]
ViewClassLike: TypeAlias = Annotated[enc.TextLike, _of("ViewClass", enc.text)]
ViewFitLike: TypeAlias = Annotated[EnumsLike, _of("ViewFit", enc.enum(ViewFit))]
ViewMaximizedLike: TypeAlias = Annotated[UuidsLike, _of("ViewMaximized", sel.uuids)]
ViewOriginLike: TypeAlias = Annotated[enc.TextLike, _of("ViewOrigin", enc.entity_path)]
ViewerRecommendationHashLike: TypeAlias = Annotated[enc.IntLike, _of("ViewerRecommendationHash", enc.uint64)]
VisibleTimeRangeLike: TypeAlias = Annotated[TimeRangesLike, _of("VisibleTimeRange", times.visible_time_range)]
VisualBounds2DLike: TypeAlias = Annotated[sel.Range2D, _of("VisualBounds2D", benc.visual_bounds)]
VisualizerComponentMappingLike: TypeAlias = Annotated[
    MappingsLike, _of("VisualizerComponentMapping", benc.visualizer_component_mapping)
]
VisualizerInstructionIdLike: TypeAlias = Annotated[UuidsLike, _of("VisualizerInstructionId", sel.uuids)]
VisualizerTypeLike: TypeAlias = Annotated[enc.TextLike, _of("VisualizerType", enc.text)]
VolumeLike: TypeAlias = Annotated[enc.FloatLike, _of("Volume", enc.float32)]
ZoomLevelLike: TypeAlias = Annotated[enc.FloatLike, _of("ZoomLevel", enc.float64)]


def __getattr__(name: str) -> Any:
    """Classes of one value, `AngularSpeed`, and of many, `AngularSpeedBatch`, of each component declared above."""
    found = None if name.startswith("_") else named_component_class(globals(), name)
    if found is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return found


def __dir__() -> list[str]:
    return sorted(globals().keys() | named_component_classes(globals()))


__path__: list[str] = []  # the modules of the types are made: see `rrbridge._type_modules`
