"""The properties of views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY
from typing import Any

from rrbridge import components as c
from rrbridge._archetype import Archetype
from rrbridge._time_ranges import TimeRange, TimeRangeBoundary, VisibleTimeRange, time_range_of
from rrbridge._values import TimeInt
from rrbridge.blueprint import components as bc
from rrbridge.blueprint import encodings as benc
from rrbridge.errors import InvalidValueError


class Background(Archetype):
    """What is behind the content of a spatial view."""

    kind: bc.BackgroundKindLike
    color: c.ColorLike | None = None

    def __init__(
        self,
        color_or_kind: c.ColorLike | bc.BackgroundKind | str | None = None,
        *,
        color: c.ColorLike | None = None,
        kind: bc.BackgroundKindLike | None = None,
    ) -> None:
        """A colour makes the kind solid; without anything it is a dark gradient."""
        if color_or_kind is not None:
            if color is not None or kind is not None:
                raise InvalidValueError("Background", "either color_or_kind, or color= and kind=", "both")
            if isinstance(color_or_kind, bc.BackgroundKind | str):
                kind = color_or_kind
            else:
                color = color_or_kind
        if kind is None:
            kind = bc.BackgroundKind.GradientDark if color is None else bc.BackgroundKind.SolidColor
        self._assign(kind=kind, color=color)


class DataframeQuery(Archetype):
    """What a dataframe view shows."""

    _: KW_ONLY
    timeline: bc.TimelineNameLike | None = None
    filter_by_range: bc.FilterByRangeLike | None = None
    filter_is_not_null: bc.FilterIsNotNullLike | None = None
    apply_latest_at: bc.ApplyLatestAtLike | None = None
    select: bc.SelectedColumnsLike | None = None
    entity_order: bc.ColumnOrderLike | None = None
    auto_scroll: bc.AutoScrollLike | None = None

    def __init__(
        self,
        *,
        timeline: str | None = None,
        filter_by_range: tuple[TimeInt | int, TimeInt | int] | benc.FilterByRange | None = None,
        filter_is_not_null: benc.ComponentColumnSelectorLike | benc.FilterIsNotNull | None = None,
        apply_latest_at: bool = False,
        select: bc.SelectedColumnsLike | None = None,
        entity_order: bc.ColumnOrderLike | Sequence[str] | None = None,
        auto_scroll: bool = False,
    ) -> None:
        """In `select`, text with a colon is a component, `/path:component`; without, a timeline."""
        given: Any = filter_by_range
        if isinstance(given, tuple):
            given = benc.FilterByRange(*given)
        column: Any = filter_is_not_null
        if column is not None and not isinstance(column, benc.FilterIsNotNull):
            column = benc.FilterIsNotNull(True, column)
        self._assign(
            timeline=timeline, filter_by_range=given, filter_is_not_null=column, apply_latest_at=apply_latest_at,
            select=select,
            entity_order=entity_order, auto_scroll=auto_scroll,
        )  # fmt: skip


class EyeControls3D(Archetype):
    """The eye of a 3D view."""

    _: KW_ONLY
    kind: bc.Eye3DKindLike | None = None
    position: c.Position3DLike | None = None
    look_target: c.Position3DLike | None = None
    eye_up: c.Vector3DLike | None = None
    speed: c.LinearSpeedLike | None = None
    """Units of the scene per second."""
    tracking_entity: c.EntityPathLike | None = None
    """The entity that it follows."""
    spin_speed: bc.AngularSpeedLike | None = None
    """Radians per second around the target."""


class LineGrid3D(Archetype):
    """The grid on the ground of a 3D view."""

    visible: c.VisibleLike | None = None
    _: KW_ONLY
    spacing: bc.GridSpacingLike | None = None
    plane: c.Plane3DLike | None = None
    stroke_width: c.StrokeWidthLike | None = None
    """Pixels."""
    color: c.ColorLike | None = None


class SpatialInformation(Archetype):
    """The frame of a spatial view, and what it shows of frames."""

    target_frame: c.TransformFrameIdLike
    _: KW_ONLY
    show_bounding_box: bc.EnabledLike | None = None
    show_axes: bc.EnabledLike | None = None
    axes: c.ViewCoordinatesLike | None = None


class NearClipPlane(Archetype):
    """How near to the eye things are still drawn."""

    near_clip_plane: bc.NearClipPlaneLike


class VisualBounds2D(Archetype):
    """The part of the plane that a 2D view shows at least."""

    range: bc.VisualBounds2DLike

    def __init__(self, *, x_range: c.ValueRangeLike | None = None, y_range: c.ValueRangeLike | None = None) -> None:
        """From and to, on both axes."""
        if (x_range is None) != (y_range is None):
            raise InvalidValueError("VisualBounds2D", "both x_range= and y_range=", "one of them")
        self._assign(range=None if x_range is None else benc.VisualBounds(x_range=x_range, y_range=y_range))


class VisibleTimeRanges(Archetype):
    """How much of each timeline a view shows; of others, what is latest at the time cursor."""

    ranges: bc.VisibleTimeRangeLike

    def __init__(
        self,
        ranges: VisibleTimeRange | Sequence[VisibleTimeRange] | None = None,
        *,
        timeline: str | None = None,
        range: TimeRange | None = None,  # noqa: A002 - the reference's name
        start: TimeRangeBoundary | None = None,
        end: TimeRangeBoundary | None = None,
    ) -> None:
        """Give `ranges`, or `timeline` with `range` or with `start` and `end`."""
        if (ranges is None) == (timeline is None):
            raise InvalidValueError(
                "VisibleTimeRanges", "either ranges, or timeline=", "neither" if ranges is None else "both"
            )
        if timeline is not None:
            ranges = VisibleTimeRange(timeline, time_range_of("VisibleTimeRanges", range, start, end))
        self._assign(ranges=ranges)


class TimeAxis(Archetype):
    """The time axis of a plot."""

    _: KW_ONLY
    link: bc.LinkAxisLike | None = None
    view_range: bc.TimeRangeLike | None = None
    zoom_lock: bc.LockRangeDuringZoomLike | None = None


class ScalarAxis(Archetype):
    """The axis of the values of a plot."""

    _: KW_ONLY
    range: c.Range1DLike | None = None
    zoom_lock: bc.LockRangeDuringZoomLike | None = None


class PlotLegend(Archetype):
    """The legend of a plot."""

    corner: bc.Corner2DLike | None = None
    _: KW_ONLY
    visible: c.VisibleLike | None = None


class PlotBackground(Archetype):
    """What is behind the lines of a plot."""

    _: KW_ONLY
    color: c.ColorLike | None = None
    show_grid: bc.EnabledLike | None = None


class PlotInteraction(Archetype):
    """What a plot shows under the pointer."""

    _: KW_ONLY
    tooltip_mode: bc.TooltipModeLike | None = None
    points_display: bc.PointsDisplayLike | None = None


class AudioPlayback(Archetype):
    """How loud sound is played."""

    _: KW_ONLY
    volume: bc.VolumeLike | None = None
    """0 is silent, 1 as recorded."""


class MapBackground(Archetype):
    """The tiles of a map."""

    provider: bc.MapProviderLike


class MapZoom(Archetype):
    """How near a map is."""

    zoom: bc.ZoomLevelLike


class TensorSliceSelection(Archetype):
    """Which slice of a tensor is shown."""

    _: KW_ONLY
    width: c.TensorWidthDimensionLike | None = None
    height: c.TensorHeightDimensionLike | None = None
    indices: c.TensorDimensionIndexSelectionLike | None = None
    slider: bc.TensorDimensionIndexSliderLike | None = None


class TensorScalarMapping(Archetype):
    """How the numbers of a tensor become colours."""

    _: KW_ONLY
    mag_filter: c.MagnificationFilterLike | None = None
    colormap: c.ColormapLike | None = None
    gamma: c.GammaCorrectionLike | None = None


class TensorViewFit(Archetype):
    """How a tensor fills its view."""

    scaling: bc.ViewFitLike | None = None


class TextDocumentFormat(Archetype):
    """How a document is set."""

    _: KW_ONLY
    monospace: bc.EnabledLike | None = None
    word_wrap: bc.EnabledLike | None = None


class TextLogColumns(Archetype):
    """The columns of a log."""

    _: KW_ONLY
    timeline_columns: bc.TimelineColumnLike | None = None
    text_log_columns: bc.TextLogColumnLike | None = None


class TextLogFormat(Archetype):
    """How a log is set."""

    _: KW_ONLY
    monospace_body: bc.EnabledLike | None = None


class TextLogRows(Archetype):
    """Which rows of a log are shown."""

    _: KW_ONLY
    filter_by_log_level: c.TextLogLevelLike | None = None


class GraphBackground(Archetype):
    """What is behind a graph."""

    _: KW_ONLY
    color: c.ColorLike | None = None


class ForceLink(Archetype):
    """Edges of a graph pull their nodes together."""

    _: KW_ONLY
    enabled: bc.EnabledLike | None = None
    distance: bc.ForceDistanceLike | None = None
    iterations: bc.ForceIterationsLike | None = None


class ForceManyBody(Archetype):
    """Nodes of a graph attract or repel each other."""

    _: KW_ONLY
    enabled: bc.EnabledLike | None = None
    strength: bc.ForceStrengthLike | None = None


class ForcePosition(Archetype):
    """Nodes of a graph are pulled to a place."""

    _: KW_ONLY
    enabled: bc.EnabledLike | None = None
    strength: bc.ForceStrengthLike | None = None
    position: c.Position2DLike | None = None


class ForceCollisionRadius(Archetype):
    """Nodes of a graph keep their distance."""

    _: KW_ONLY
    enabled: bc.EnabledLike | None = None
    strength: bc.ForceStrengthLike | None = None
    iterations: bc.ForceIterationsLike | None = None


class ForceCenter(Archetype):
    """A graph stays around its middle."""

    _: KW_ONLY
    enabled: bc.EnabledLike | None = None
    strength: bc.ForceStrengthLike | None = None
