"""Numbers over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from imgui_bundle import imgui, implot

from rrbridge._timeline import TimeKind
from rrbridge_viewer import theme
from rrbridge_viewer.blueprint import Pane, PlottedField
from rrbridge_viewer.clock import Span
from rrbridge_viewer.commands import Command, Seek, SetViewState
from rrbridge_viewer.message_fields import field_title
from rrbridge_viewer.query import Query
from rrbridge_viewer.series import decimate
from rrbridge_viewer.theme import ICONS, color, color_u32
from rrbridge_viewer.times import format_tick, format_time, nice_ticks
from rrbridge_viewer.views._base import ViewContext, centered_note
from rrbridge_viewer.views._legend import Line, Place, legend_place
from rrbridge_viewer.widgets import clicked_in_place

__all__ = ["Curve", "PlotRange", "PlotScene", "TimeSeriesView"]

SCALARS = "Scalars:scalars"
MAX_CURVES = 60
"""More curves than this in one plot show nothing to anybody."""
TOOLTIP_ROWS = 14
LEGEND_ROW = 17.0
LEGEND_PADDING = 40.0
AXIS_ROOM = (60.0, 36.0)
"""What the axes' numbers take of the width and the height, about."""
LEAST_LEGEND_WIDTH = 160.0
"""In a narrower plot the legend would hide the lines; the tooltip names them."""
Y_MARGIN = 0.07
ZOOM_PER_NOTCH = 0.85


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One line of a plot."""

    label: str
    entity: str
    times: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    rgba: tuple[float, float, float, float]
    """0..1"""
    width: float
    """In the window's coordinates."""
    dots: bool = False
    """As points rather than a line."""


@dataclass(frozen=True, slots=True, eq=False)
class PlotScene:
    """All lines of a plot, and the time that they lie in."""

    curves: tuple[Curve, ...]
    span: Span
    left_out: int = 0
    """How many curves are too many."""


@dataclass(frozen=True, slots=True)
class PlotRange:
    """The part of the timeline that a plot was zoomed to by hand."""

    timeline: str
    lo: int
    hi: int
    y: tuple[float, float] | None = None
    """The values that it was zoomed to; None: all that there are in this time."""


class TimeSeriesView:
    """Lines over time, with the cursor as a line to drag."""

    name = "TimeSeriesView"
    icon = ICONS.time_series
    follows_cursor = False

    def query(self, _view_id: str, pane: Pane, query: Query) -> PlotScene:
        """The series of every entity shown."""
        span = query.span or Span(TimeKind.SEQUENCE, 0, 1)
        curves: list[Curve] = []
        shown = [path for path in pane.contents if pane.shows(path)]
        for path in pane.contents:
            made = _curves_of(path, pane, query, first_color=len(curves), alone=len(pane.contents) == 1)
            curves += made if path in shown else [_faded(curve) for curve in made]
        curves += [
            _curve_of_field(field, pane, query, len(curves) + number)
            for number, field in enumerate(pane.fields)
            if pane.shows(field.entity)
        ]
        visible = [curve for curve in curves if len(curve.times)]
        left_out = max(len(visible) - MAX_CURVES, 0) + pane.left_out
        return PlotScene(_told_apart(visible[:MAX_CURVES]), span, left_out)

    def draw(self, scene: PlotScene, context: ViewContext) -> Iterator[Command]:
        """The plot."""
        if not scene.curves:
            centered_note("No numbers on this timeline")
            return
        span = scene.span
        shown = _shown(scene, context)
        unit = 1.0 if span.kind is TimeKind.SEQUENCE else 1e9
        x_range = ((shown.lo - span.lo) / unit, (shown.hi - span.lo) / unit)
        lines = _lines(scene.curves, shown, span.lo, unit, max(int(context.size[0]), 16))
        y_range = shown.y or _y_range(lines)
        place = _legend(scene, lines, x_range, y_range, context.size)
        flags = implot.Flags_.no_menus | implot.Flags_.no_mouse_text | implot.Flags_.no_box_select
        if place == "none":
            flags |= implot.Flags_.no_legend
        origin = imgui.get_cursor_screen_pos()
        if not implot.begin_plot(f"##{context.view_id}", imgui.ImVec2(-1, -1), flags):
            return
        implot.setup_axis(implot.ImAxis_.x1, None, implot.AxisFlags_.no_highlight)
        implot.setup_axis(implot.ImAxis_.y1, None, implot.AxisFlags_.no_highlight)
        implot.setup_axis_limits(implot.ImAxis_.y1, *y_range, implot.Cond_.always)
        ends = implot.BoxedValue(x_range[0]), implot.BoxedValue(x_range[1])
        implot.setup_axis_links(implot.ImAxis_.x1, *ends)
        _label_time_axis(shown.lo, shown.hi, span, unit, context.size[0])
        if place == "outside":
            implot.setup_legend(implot.Location_.east, implot.LegendFlags_.outside)
        elif place != "none":
            implot.setup_legend(getattr(implot.Location_, place))
        implot.setup_finish()
        for number, (curve, line) in enumerate(zip(scene.curves, lines, strict=True)):
            _draw_curve(curve, line, number, selected=context.is_selected(curve.entity))
        cursor = (context.clock.time - span.lo) / unit
        dragged, at, _, on_cursor, _ = implot.drag_line_x(
            0, cursor, color(theme.WHITE, 0.9), 1.5, implot.DragToolFlags_.no_fit, out_hovered=False
        )
        if dragged:
            yield Seek(span.lo + round(at * unit))
        inside = implot.is_plot_hovered() or bool(on_cursor)
        place_under = implot.get_plot_mouse_pos()
        pointer = span.lo + round(place_under.x * unit)
        corner, size = implot.get_plot_pos(), implot.get_plot_size()
        if inside:
            _tooltip(scene.curves, pointer, span.kind)
        implot.end_plot()
        _count_curves(scene, corner, size, named=place != "none")
        if _on_value_axis(origin, corner, size):
            yield from _asked_of_values(context, shown, y_range, place_under.y)
            return
        moved = replace(shown, lo=span.lo + round(ends[0].value * unit), hi=span.lo + round(ends[1].value * unit))
        yield from _asked(context, inside=inside, pointer=pointer, dragged=dragged, shown=shown, moved=moved)


def _shown(scene: PlotScene, context: ViewContext) -> PlotRange:
    """What was zoomed to, or else what the time panel shows, or else everything."""
    kept = context.value
    if isinstance(kept, PlotRange) and kept.timeline == context.clock.timeline:
        return kept
    if context.clock.window is not None:
        return PlotRange(context.clock.timeline, *context.clock.window)
    margin = max((scene.span.hi - scene.span.lo) // 80, 1)
    return PlotRange(context.clock.timeline, scene.span.lo - margin, scene.span.hi + margin)


def _lines(curves: Sequence[Curve], shown: PlotRange, begin: int, unit: float, columns: int) -> list[Line]:
    """What is to be seen of each curve, no more than two points for a column of pixels."""
    lines = []
    for curve in curves:
        times, values = decimate(curve.times, curve.values, shown.lo, shown.hi, columns)
        lines.append(Line((times - begin) / unit, np.ascontiguousarray(values, np.float64)))
    return lines


def _y_range(lines: Sequence[Line]) -> tuple[float, float]:
    """All values, with a little room around them."""
    finite = [line.ys[np.isfinite(line.ys)] for line in lines]
    values = np.concatenate([np.empty(0), *finite])
    if not len(values):
        return -1.0, 1.0
    low, high = float(values.min()), float(values.max())
    margin = (high - low) * Y_MARGIN or max(abs(high) * Y_MARGIN, 0.5)
    return low - margin, high + margin


def _legend(
    scene: PlotScene,
    lines: Sequence[Line],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    size: tuple[float, float],
) -> Place:
    widest = max(imgui.calc_text_size(curve.label).x for curve in scene.curves)
    legend_size = (widest + LEGEND_PADDING, LEGEND_ROW * len(scene.curves) + LEGEND_PADDING / 2)
    plot_size = (size[0] - AXIS_ROOM[0], size[1] - AXIS_ROOM[1])
    if plot_size[0] < LEAST_LEGEND_WIDTH:
        return "none"
    return legend_place(lines, x_range, y_range, plot_size, legend_size)


def _draw_curve(curve: Curve, line: Line, number: int, *, selected: bool) -> None:
    spec = implot.Spec(line_color=imgui.ImVec4(*curve.rgba), line_weight=curve.width)
    if selected:
        spec.line_weight += 1.5
    label = f"{curve.label}##{number}"
    if curve.dots or len(line.xs) == 1:
        spec.marker = implot.Marker_.circle
        spec.marker_size = 2 + curve.width
        spec.marker_fill_color = spec.marker_line_color = imgui.ImVec4(*curve.rgba)
        implot.plot_scatter(label, line.xs, line.ys, spec)
    else:
        implot.plot_line(label, line.xs, line.ys, spec)


def _count_curves(scene: PlotScene, corner: imgui.ImVec2, size: imgui.ImVec2, *, named: bool) -> None:
    """In the upper right corner: how many curves there are where no legend names them, and how many are missing."""
    words = [] if named or len(scene.curves) < 2 else [f"{len(scene.curves)} series"]
    if scene.left_out:
        words.append(f"{scene.left_out} more left out")
    if not words:
        return
    text = ", ".join(words)
    extent = imgui.calc_text_size(text)
    at = imgui.ImVec2(corner.x + size.x - extent.x - 8, corner.y + 4)
    opposite = imgui.ImVec2(at.x + extent.x + 4, at.y + extent.y + 1)
    draw = imgui.get_window_draw_list()
    draw.add_rect_filled(imgui.ImVec2(at.x - 4, at.y - 1), opposite, color_u32(theme.PANEL, 0.75), 3)
    draw.add_text(at, color_u32(theme.DIM), text)


def _on_value_axis(origin: imgui.ImVec2, corner: imgui.ImVec2, size: imgui.ImVec2) -> bool:
    """Whether the pointer is over the numbers at the left of the plot."""
    pointer = imgui.get_mouse_pos()
    beside = origin.x <= pointer.x < corner.x and corner.y <= pointer.y < corner.y + size.y
    blocked = imgui.HoveredFlags_.child_windows | imgui.HoveredFlags_.allow_when_blocked_by_active_item
    return beside and imgui.is_window_hovered(blocked)


def _asked_of_values(
    context: ViewContext, shown: PlotRange, y_range: tuple[float, float], pointer: float
) -> Iterator[Command]:
    """Over the value axis the wheel zooms it around the pointer, a double click shows all values again."""
    wheel = imgui.get_io().mouse_wheel
    if imgui.is_mouse_double_clicked(0):
        yield SetViewState(context.view_id, replace(shown, y=None))
    elif wheel:
        factor = ZOOM_PER_NOTCH**wheel
        low, high = (pointer + (edge - pointer) * factor for edge in y_range)
        if high - low > 1e-12 * max(abs(low), abs(high)):
            yield SetViewState(context.view_id, replace(shown, y=(low, high)))


def _asked(
    context: ViewContext, *, inside: bool, pointer: int, dragged: bool, shown: PlotRange, moved: PlotRange
) -> Iterator[Command]:
    """A click moves the cursor, wheel and drag the time axis, a double click shows all again."""
    if inside and imgui.is_mouse_double_clicked(0):
        yield SetViewState(context.view_id, None)
        return
    if inside and clicked_in_place() and not dragged:
        yield Seek(pointer)
    tolerance = max((shown.hi - shown.lo) // 100_000, 1)
    if max(abs(moved.lo - shown.lo), abs(moved.hi - shown.hi)) > tolerance and moved.lo < moved.hi:
        yield SetViewState(context.view_id, moved)


def _curves_of(path: str, pane: Pane, query: Query, *, first_color: int, alone: bool) -> list[Curve]:
    series = query.series(path, SCALARS)
    count = series.values.shape[1]
    if not count:
        return []
    style = query.all_latest(path)

    def listed(component: str) -> list[object]:
        found = style.get(component)
        return list(found.values.to_pylist()) if found is not None else []

    dots = not any(name.startswith("SeriesLines:") for name in style) and any(
        name.startswith("SeriesPoints:") for name in style
    )
    kind = "SeriesPoints" if dots else "SeriesLines"
    names = listed(f"{kind}:names")
    colors = listed(f"{kind}:colors")
    widths = listed("SeriesPoints:marker_sizes" if dots else "SeriesLines:widths")
    own = path.rpartition("/")[2] if alone else path.removeprefix(pane.origin.rstrip("/")).lstrip("/") or path
    named = query.series_by_name(path, SCALARS, f"{kind}:names")
    if named is not None:
        return [
            Curve(
                one.name if alone else f"{own}/{one.name}",
                path,
                one.times,
                one.values,
                _palette(first_color + number),
                1.5,
                dots,
            )
            for number, one in enumerate(named)
        ]
    curves = []
    for index in range(count):
        packed = colors[min(index, len(colors) - 1)] if colors else None
        width = widths[min(index, len(widths) - 1)] if widths else None
        label = own if count == 1 else f"{own}[{index}]"
        if index < len(names) and names[index]:
            label = str(names[index]) if alone else f"{own}/{names[index]}" if count > 1 else str(names[index])
        curves.append(
            Curve(
                label,
                path,
                series.times,
                series.values[:, index],
                _rgba(packed) if isinstance(packed, int) else _palette(first_color + index),
                min(max(float(width), 0.5), 12.0) if isinstance(width, float) else 1.5,
                dots,
            )
        )
    return curves


def _curve_of_field(field: PlottedField, pane: Pane, query: Query, number: int) -> Curve:
    """A number inside messages; its name leaves out what the plot's title says."""
    try:
        series = query.field_series(field.entity, field.component, field.path)
        times, values = series.times, series.values[:, 0]
    except (KeyError, TypeError):
        times, values = np.empty(0, np.int64), np.empty(0)
    shared = 0
    paths = [other.path[:-1] for other in pane.fields]
    while all(len(path) > shared and path[shared] == paths[0][shared] for path in paths):
        shared += 1
    label = field_title(field.path[shared:]) or field.component.rpartition(":")[2]
    if field.entity != pane.origin:
        label = f"{field.entity} {label}"
    return Curve(label, field.entity, times, values, _palette(number), 1.5)


def _told_apart(curves: Sequence[Curve]) -> tuple[Curve, ...]:
    """With the entity before labels that several curves have."""
    counts = Counter(curve.label for curve in curves)
    return tuple(
        replace(curve, label=f"{curve.entity} {curve.label}") if counts[curve.label] > 1 else curve for curve in curves
    )


def _faded(curve: Curve) -> Curve:
    return Curve(curve.label, curve.entity, curve.times[:0], curve.values[:0], curve.rgba, curve.width, curve.dots)


def _rgba(packed: int) -> tuple[float, float, float, float]:
    return (
        (packed >> 24 & 255) / 255,
        (packed >> 16 & 255) / 255,
        (packed >> 8 & 255) / 255,
        (packed & 255) / 255,
    )


def _palette(index: int) -> tuple[float, float, float, float]:
    ink = color(theme.SERIES[index % len(theme.SERIES)])
    return ink.x, ink.y, ink.z, 1.0


def _label_time_axis(lo: int, hi: int, span: Span, unit: float, width: float) -> None:
    first, step = nice_ticks(lo, hi, span.kind, max(int(width / 110), 1))
    ticks = list(range(first, hi + 1, step))[:100]
    if not ticks:
        return
    digits = 0 if step % 10**9 == 0 else min(max(len(str(10**9 // step)) - 1, 1), 9)
    labels = [format_tick(tick, span.kind, digits=digits) for tick in ticks]
    implot.setup_axis_ticks(implot.ImAxis_.x1, [(tick - span.lo) / unit for tick in ticks], labels)


def _tooltip(curves: Sequence[Curve], time: int, kind: TimeKind) -> None:
    imgui.begin_tooltip()
    imgui.text_disabled(format_time(time, kind))
    for curve in curves[:TOOLTIP_ROWS]:
        at = int(np.searchsorted(curve.times, time, side="right")) - 1
        if at >= 0:
            imgui.text_colored(imgui.ImVec4(*curve.rgba), curve.label)
            imgui.same_line(160)
            imgui.text(f"{curve.values[at]:.6g}")
    if len(curves) > TOOLTIP_ROWS:
        imgui.text_disabled(f"and {len(curves) - TOOLTIP_ROWS} more")
    imgui.end_tooltip()
