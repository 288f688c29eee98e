"""What each type of marker looks like: geometry in the marker's frame, one row per marker.

Poses are applied to the geometry, so that the entity needs no transform of its own. All rows of one type have the same
components, so that a marker that replaces one of its type leaves nothing of it behind.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge.columns import Columns, Ragged, take
from rrbridge_bridge.messages._fields import quaternion, xyz
from rrbridge_bridge.messages._rotations import rotate

__all__ = ["DRAWN", "MESH", "posed", "rgba"]

_TRIANGLE_CORNERS = 3
MESH = 10
"""The type of a mesh named by its address; drawn by `_marker_meshes`."""


def rgba(color: Columns) -> npt.NDArray[np.uint32]:
    """Colours of 0 to 1 per channel, packed."""
    channels = np.stack([color.r, color.g, color.b, color.a], axis=-1)
    octets = np.rint(np.clip(np.nan_to_num(channels), 0, 1) * 255).astype(np.uint32)
    packed: npt.NDArray[np.uint32] = octets @ np.array([1 << 24, 1 << 16, 1 << 8, 1], np.uint32)
    return packed.astype(np.uint32)


def _turn(markers: Columns) -> npt.NDArray[np.float64]:
    """Orientations, shape (N, 4); one of length 0 means none, as publishers leave it unset."""
    turned = quaternion(markers.pose.orientation)
    turned[~turned.any(axis=1)] = (0.0, 0.0, 0.0, 1.0)
    return turned


def posed(markers: Columns) -> rr.ComponentColumnList:
    """The pose and scale of each marker, for shapes that cannot take them in."""
    return rr.InstancePoses3D.columns(
        translations=xyz(markers.pose.position), quaternions=_turn(markers), scales=xyz(markers.scale)
    )


def _point_colors(markers: Columns, points: Ragged) -> npt.NDArray[np.uint32]:
    """A colour per point: its own where the marker gives one for each, else the marker's."""
    return _spread_colors(markers, points, 1)


def _spread_colors(markers: Columns, points: Ragged, per_color: int) -> npt.NDArray[np.uint32]:
    """A colour per point, where a marker may give one for every so many points."""
    shared = np.repeat(rgba(markers.color), points.lengths)
    own = markers.colors
    if not len(own.values):
        return shared
    rows = np.flatnonzero((own.lengths * per_color == points.lengths) & (points.lengths > 0))
    chosen = np.isin(points.row_of_value, rows)
    shared[chosen] = np.repeat(rgba(take(own.values, np.isin(own.row_of_value, rows))), per_color)
    return shared


def _placed_points(markers: Columns, *, scaled: bool = False) -> Ragged:
    """The points of each marker in its frame, metres. `scaled`: the marker's scale is one of the whole figure."""
    points: Ragged = markers.points
    own = xyz(points.values)
    if scaled:
        own = own * np.repeat(xyz(markers.scale), points.lengths, axis=0)
    turned = rotate(np.repeat(_turn(markers), points.lengths, axis=0), own)
    return Ragged(points.offsets, turned + np.repeat(xyz(markers.pose.position), points.lengths, axis=0))


def _per_point(points: Ragged, values: npt.NDArray[Any]) -> Ragged:
    return Ragged(points.offsets, np.repeat(values, points.lengths, axis=0))


def _arrows(markers: Columns) -> rr.ComponentColumnList:
    points, count = _placed_points(markers), len(markers)
    by_points = points.lengths >= 2
    scale, turned = xyz(markers.scale), _turn(markers)
    tails = xyz(markers.pose.position)
    vectors = rotate(turned, np.stack([scale[:, 0], np.zeros(count), np.zeros(count)], axis=-1))
    starts = points.offsets[:-1][by_points]
    tails[by_points] = points.values[starts]
    vectors[by_points] = points.values[starts + 1] - points.values[starts]
    # With two points scale.x is the shaft's diameter, without it is the length and scale.y the diameter.
    radii = np.where(by_points, scale[:, 0], scale[:, 1]) / 2
    return rr.Arrows3D.columns(vectors=vectors, origins=tails, radii=radii, colors=rgba(markers.color))


def _half_sized(archetype: type[rr.Boxes3D | rr.Ellipsoids3D], markers: Columns) -> rr.ComponentColumnList:
    return archetype.columns(
        half_sizes=xyz(markers.scale) / 2,
        centers=xyz(markers.pose.position),
        quaternions=_turn(markers),
        colors=rgba(markers.color),
        fill_mode=np.full(len(markers), rr.FillMode.Solid),
    )


def _cylinders(markers: Columns) -> rr.ComponentColumnList:
    scale = xyz(markers.scale)
    return rr.Cylinders3D.columns(
        lengths=scale[:, 2],
        radii=scale[:, 0] / 2,
        centers=xyz(markers.pose.position),
        quaternions=_turn(markers),
        colors=rgba(markers.color),
        fill_mode=np.full(len(markers), rr.FillMode.Solid),
    )


def _arrow_strips(markers: Columns) -> rr.ComponentColumnList:
    """An arrow from each point to the next; scale.x is the shaft's diameter."""
    points = _placed_points(markers)
    firsts, ends = _steps(points)
    counts = np.maximum(points.lengths - 1, 0)
    arrows = Ragged.from_lengths(counts, ends - firsts)
    return rr.Arrows3D.columns(
        vectors=arrows,
        origins=Ragged(arrows.offsets, firsts),
        radii=markers.scale.x / 2,
        colors=Ragged(arrows.offsets, np.repeat(rgba(markers.color), counts)),
    )


def _steps(points: Ragged) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Every point that has a next one in its row, and the next ones."""
    is_last = np.zeros(len(points.values) + 1, np.bool_)
    is_last[points.offsets[1:] - 1] = True  # an empty row marks the end of the one before, or the spare place
    before = np.flatnonzero(~is_last[:-1])
    return points.values[before], points.values[before + 1]


def _line_strips(markers: Columns) -> rr.ComponentColumnList:
    """One strip each; where every point has a colour of its own, a short strip for each colour."""
    points = _placed_points(markers)
    has_colors = (markers.colors.lengths == points.lengths) & (points.lengths > 1)
    if not has_colors.any():
        return rr.LineStrips3D.columns(strips=points, radii=markers.scale.x / 2, colors=rgba(markers.color))
    per_marker = np.where(has_colors, points.lengths - 1, 1)
    cut = np.repeat(has_colors, per_marker)
    within = np.arange(len(cut)) - np.repeat(np.cumsum(per_marker) - per_marker, per_marker)
    starts = np.repeat(points.offsets[:-1], per_marker) + np.where(cut, within, 0)
    lengths = np.where(cut, 2, np.repeat(points.lengths, per_marker))
    colors = np.repeat(rgba(markers.color), per_marker)
    colors[cut] = _point_colors(markers, points)[starts[cut]]
    where = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths) + np.arange(int(lengths.sum()))
    strips = Ragged.from_lengths(per_marker, Ragged.from_lengths(lengths, points.values[where]))
    return rr.LineStrips3D.columns(strips=strips, radii=markers.scale.x / 2, colors=Ragged(strips.offsets, colors))


def _line_lists(markers: Columns) -> rr.ComponentColumnList:
    points = _placed_points(markers)
    pairs = points.lengths // 2
    even = np.arange(len(points.values)) - np.repeat(points.offsets[:-1], points.lengths) < np.repeat(
        2 * pairs, points.lengths
    )
    segments = Ragged.from_lengths(np.full(int(pairs.sum()), 2), points.values[even])
    colors = _point_colors(markers, points)[even][::2]
    grouped = Ragged.from_lengths(pairs, segments)
    return rr.LineStrips3D.columns(strips=grouped, radii=markers.scale.x / 2, colors=Ragged(grouped.offsets, colors))


def _cube_lists(markers: Columns) -> rr.ComponentColumnList:
    points = _placed_points(markers)
    return rr.Boxes3D.columns(
        half_sizes=_per_point(points, xyz(markers.scale) / 2),
        centers=points,
        quaternions=_per_point(points, _turn(markers)),
        colors=Ragged(points.offsets, _point_colors(markers, points)),
        fill_mode=np.full(len(markers), rr.FillMode.Solid),
    )


def _sphere_lists(markers: Columns) -> rr.ComponentColumnList:
    points = _placed_points(markers)
    return rr.Points3D.columns(
        positions=points,
        radii=markers.scale.x / 2,
        colors=Ragged(points.offsets, _point_colors(markers, points)),
    )


def _texts(markers: Columns) -> rr.ComponentColumnList:
    count = len(markers)
    return rr.Points3D.columns(
        positions=xyz(markers.pose.position),
        radii=np.full(count, -1.0),
        colors=rgba(markers.color),
        labels=markers.text,
        show_labels=np.ones(count, np.bool_),
    )


def _triangle_lists(markers: Columns) -> rr.ComponentColumnList:
    points = _placed_points(markers, scaled=True)
    corners = points.lengths // _TRIANGLE_CORNERS * _TRIANGLE_CORNERS
    place = np.arange(len(points.values)) - np.repeat(points.offsets[:-1], points.lengths)
    whole = place < np.repeat(corners, points.lengths)
    vertices = Ragged.from_lengths(corners, points.values[whole])
    by_point, by_triangle = _point_colors(markers, points), _spread_colors(markers, points, _TRIANGLE_CORNERS)
    is_by_point = np.repeat(markers.colors.lengths == points.lengths, points.lengths)
    colors = Ragged(vertices.offsets, np.where(is_by_point, by_point, by_triangle)[whole])
    return rr.Mesh3D.columns(vertex_positions=vertices, vertex_colors=colors)


DRAWN: dict[int, Callable[[Columns], rr.ComponentColumnList]] = {
    0: _arrows,
    1: partial(_half_sized, rr.Boxes3D),
    2: partial(_half_sized, rr.Ellipsoids3D),
    3: _cylinders,
    4: _line_strips,
    5: _line_lists,
    6: _cube_lists,
    7: _sphere_lists,
    8: _sphere_lists,
    9: _texts,
    11: _triangle_lists,
    12: _arrow_strips,
}
"""`Marker.type` to drawing, but for meshes."""
