"""Numbers and states over time."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import ClassVar

from rrbridge import components as c
from rrbridge._archetype import Archetype, DrawnArchetype


class Scalars(Archetype):
    """One or more numbers at a time, for plots."""

    scalars: c.ScalarLike


class Measurements(DrawnArchetype, visualizer="MeasurementsSeries"):
    """Numbers with a variance and a unit."""

    values: c.ScalarLike
    _: KW_ONLY
    variances: c.VarianceLike | None = None
    units: c.UnitLike | None = None
    """For people: `°C`, `Pa`."""
    colors: c.ColorLike | None = None
    widths: c.StrokeWidthLike | None = None
    names: c.NameLike | None = None
    visible_series: c.VisibleLike | None = None
    aggregation_policy: c.AggregationPolicyLike | None = None
    interpolation_mode: c.InterpolationModeLike | None = None


class SeriesLines(DrawnArchetype):
    """How an entity's scalars are drawn as lines; one entry per series."""

    _: KW_ONLY
    colors: c.ColorLike | None = None
    widths: c.StrokeWidthLike | None = None
    names: c.NameLike | None = None
    visible_series: c.VisibleLike | None = None
    aggregation_policy: c.AggregationPolicyLike | None = None
    interpolation_mode: c.InterpolationModeLike | None = None


class SeriesPoints(DrawnArchetype):
    """How an entity's scalars are drawn as marks; one entry per series."""

    _: KW_ONLY
    colors: c.ColorLike | None = None
    markers: c.MarkerShapeLike | None = None
    """Circles where nothing at all is given."""
    names: c.NameLike | None = None
    visible_series: c.VisibleLike | None = None
    marker_sizes: c.MarkerSizeLike | None = None
    _implied: ClassVar = {"markers": (None, c.MarkerShape.Circle)}


class StateChange(DrawnArchetype, visualizer="StateVisualizer"):
    """The name of a state entered."""

    state: c.TextLike | None = None


class StateConfiguration(DrawnArchetype, visualizer="StateVisualizer"):
    """How the states of an entity are shown."""

    _: KW_ONLY
    values: c.TextLike | None = None
    labels: c.TextLike | None = None
    colors: c.ColorLike | None = None
    visible: c.VisibleLike | None = None
