"""Numbers and states over time."""

from __future__ import annotations

from dataclasses import KW_ONLY

from rrbridge import components as c
from rrbridge._archetype import Archetype


class Scalars(Archetype):
    """One or more numbers at a time, for plots."""

    scalars: c.Scalar


class Measurements(Archetype):
    """Numbers with a variance and a unit."""

    values: c.Scalar
    _: KW_ONLY
    variances: c.Variance | None = None
    units: c.Unit | None = None
    """For people: `°C`, `Pa`."""
    colors: c.Color | None = None
    widths: c.StrokeWidth | None = None
    names: c.Name | None = None
    visible_series: c.Visible | None = None
    aggregation_policy: c.AggregationPolicyLike | None = None
    interpolation_mode: c.InterpolationModeLike | None = None


class SeriesLines(Archetype):
    """How an entity's scalars are drawn as lines; one entry per series."""

    _: KW_ONLY
    colors: c.Color | None = None
    widths: c.StrokeWidth | None = None
    names: c.Name | None = None
    visible_series: c.Visible | None = None
    aggregation_policy: c.AggregationPolicyLike | None = None
    interpolation_mode: c.InterpolationModeLike | None = None


class SeriesPoints(Archetype):
    """How an entity's scalars are drawn as marks; one entry per series."""

    _: KW_ONLY
    colors: c.Color | None = None
    markers: c.MarkerShapeLike | None = None
    names: c.Name | None = None
    visible_series: c.Visible | None = None
    marker_sizes: c.MarkerSize | None = None


class StateChange(Archetype):
    """The name of a state entered."""

    state: c.Label


class StateConfiguration(Archetype):
    """How the states of an entity are shown."""

    _: KW_ONLY
    values: c.Label | None = None
    labels: c.Label | None = None
    colors: c.Color | None = None
    visible: c.Visible | None = None
