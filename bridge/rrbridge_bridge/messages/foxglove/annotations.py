"""What is drawn over an image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge.columns import Columns, Emit, Ragged, take
from rrbridge_bridge.messages.foxglove._lines import lines_of
from rrbridge_bridge.messages.foxglove._schema import foxglove, integers, rgba

_POINTS, _LINE_LOOP, _LINE_STRIP, _LINE_LIST = 1, 2, 3, 4


@foxglove("ImageAnnotations")
def image_annotations(msgs: Columns) -> Iterator[Emit]:
    """Circles, points, lines and texts, in pixels; each kind below the topic, replaced by the next message."""
    kinds = integers(msgs.points.values.type)
    lines = np.isin(kinds, (_LINE_LOOP, _LINE_STRIP, _LINE_LIST))
    yield Emit(_circles(msgs.circles), at="circles")
    yield Emit(_texts(msgs.texts), at="texts")
    yield Emit(_points(_some(msgs.points, kinds == _POINTS)), at="points")
    yield Emit(_lines(_some(msgs.points, lines), kinds[lines]), at="lines")


def _some(items: Ragged, wanted: npt.NDArray[np.bool_]) -> Ragged:
    """The wanted ones of each message's items."""
    before = np.concatenate(([0], np.cumsum(wanted)))
    return Ragged(before[items.offsets], take(items.values, wanted))


def _xy(points: Columns) -> npt.NDArray[np.float64]:
    return np.stack([points.x, points.y], axis=-1).astype(np.float64)


def _circles(circles: Ragged) -> rr.ComponentColumnList:
    each = circles.values
    half = np.repeat((each.diameter / 2)[:, None], 2, axis=1)
    return rr.Ellipses2D.columns(
        centers=Ragged(circles.offsets, _xy(each.position)),
        half_sizes=Ragged(circles.offsets, half),
        colors=Ragged(circles.offsets, rgba(each.outline_color)),
        line_radii=Ragged(circles.offsets, each.thickness / 2),
    )


def _texts(texts: Ragged) -> rr.ComponentColumnList:
    each = texts.values
    return rr.Points2D.columns(
        positions=Ragged(texts.offsets, _xy(each.position)),
        colors=Ragged(texts.offsets, rgba(each.text_color)),
        labels=Ragged(texts.offsets, each.text),
        show_labels=np.ones(len(texts), np.bool_),
    )


def _points(shapes: Ragged) -> rr.ComponentColumnList:
    each = shapes.values
    counts = each.points.lengths
    offsets = each.points.offsets[shapes.offsets]
    colors = _per_point(each.outline_colors, each.points, rgba(each.outline_color))
    return rr.Points2D.columns(
        positions=Ragged(offsets, _xy(each.points.values)),
        colors=Ragged(offsets, colors),
        radii=Ragged(offsets, np.repeat(each.thickness / 2, counts)),
    )


def _per_point(own: Ragged, points: Ragged, shared: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """A colour for each point: its own where all of a shape's points have one, else the shape's."""
    colors = np.repeat(shared, points.lengths)
    rows = (own.lengths == points.lengths) & (points.lengths > 0)
    if rows.any():
        colors[rows[points.row_of_value]] = rgba(take(own.values, rows[own.row_of_value]))
    return colors


def _lines(shapes: Ragged, kinds: npt.NDArray[Any]) -> rr.ComponentColumnList:
    """Loops are closed; lists become a line for each pair. Steps may have colours of their own."""
    each = shapes.values
    pairs, loops = kinds == _LINE_LIST, kinds == _LINE_LOOP
    cut = lines_of(each.points, pairs=pairs, loops=loops, cut=~pairs).counts == each.outline_colors.lengths
    cut &= each.outline_colors.lengths > 0
    made = lines_of(each.points, pairs=pairs, loops=loops, cut=cut)
    colors = rgba(each.outline_color)[made.shape]
    own = cut[made.shape]
    colors[own] = rgba(each.outline_colors.values)[(each.outline_colors.offsets[made.shape] + made.number)[own]]
    strips = Ragged.from_lengths(made.lengths, _xy(each.points.values)[made.points])
    offsets = Ragged.from_lengths(made.counts, None).offsets[shapes.offsets]
    return rr.LineStrips2D.columns(
        strips=Ragged(offsets, strips),
        colors=Ragged(offsets, colors),
        radii=Ragged(offsets, (each.thickness / 2)[made.shape]),
    )
