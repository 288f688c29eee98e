"""visualization_msgs: markers, drawn as what they ask to look like.

Each marker has an entity below its topic, `<namespace>/<id>`. Poses are applied to the geometry, so that the entity needs
no transform of its own; its frame is the marker's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

import rrbridge as rr
from rrbridge._arrow import primitive, text_scalar, utf8
from rrbridge._entity_path import escape_entity_path_part
from rrbridge.adapters import Skipped
from rrbridge.columns import Columns, Emit, Ragged, take
from rrbridge_bridge.messages._fields import quaternion, xyz
from rrbridge_bridge.messages._registry import adapters
from rrbridge_bridge.messages._rotations import rotate

_ADD, _DELETE, _DELETE_ALL = 0, 2, 3
_TRIANGLE_CORNERS = 3
_MESH_RESOURCE = 10


@adapters("visualization_msgs/msg/Marker")
def marker(msgs: Columns) -> Iterator[Emit | Skipped]:
    """One marker per message."""
    yield from _markers(msgs, np.arange(len(msgs)))


@adapters("visualization_msgs/msg/MarkerArray")
def marker_array(msgs: Columns) -> Iterator[Emit | Skipped]:
    """Many markers per message."""
    yield from _markers(msgs.markers.values, msgs.markers.row_of_value)


def _markers(markers: Columns, rows: npt.NDArray[np.int64]) -> Iterator[Emit | Skipped]:
    """`rows`: the message that each marker came in."""
    paths = _paths(markers)
    if len(everything := np.flatnonzero(markers.action == _DELETE_ALL)):
        yield Emit(_cleared(len(everything), recursive=True), rows=rows[everything])
    if len(gone := np.flatnonzero(markers.action == _DELETE)):
        yield Emit(_cleared(len(gone), recursive=False), at=_taken(paths, gone), rows=rows[gone])
    added = markers.action == _ADD
    for kind, draw in _DRAWN.items():
        index = np.flatnonzero(added & (markers.type == kind))
        if len(index):
            wanted = take(markers, index)
            frames = rr.CoordinateFrame.columns(frame=wanted.header.frame_id)
            yield Emit([draw(wanted), frames], at=_taken(paths, index), rows=rows[index])
    for kind in np.unique(markers.type[added]).tolist():
        if kind not in _DRAWN:
            what = "a mesh named by its address" if kind == _MESH_RESOURCE else f"a marker of type {kind}"
            yield Skipped(rows[added & (markers.type == kind)], f"{what} is not drawn")
    strange = ~np.isin(markers.action, (_ADD, _DELETE, _DELETE_ALL))
    yield Skipped(rows[strange], "a marker's action is not known")


def _paths(markers: Columns) -> pa.StringArray:
    codes, namespaces = markers.ns.dictionary()
    escaped = utf8(escape_entity_path_part(ns) or "_" for ns in namespaces)
    if not len(codes):
        return escaped
    return pc.binary_join_element_wise(
        escaped.take(primitive(codes)), primitive(markers.id).cast(pa.utf8()), text_scalar("/")
    )


def _taken(paths: pa.StringArray, index: npt.NDArray[np.int64]) -> list[str]:
    found: list[str] = paths.take(primitive(index)).to_pylist()
    return found


def _cleared(count: int, *, recursive: bool) -> rr.ComponentColumnList:
    return rr.Clear._columns({"is_recursive": np.full(count, recursive)})


def _rgba(color: Columns) -> npt.NDArray[np.uint32]:
    channels = np.stack([color.r, color.g, color.b, color.a], axis=-1)
    octets = np.rint(np.clip(np.nan_to_num(channels), 0, 1) * 255).astype(np.uint32)
    packed: npt.NDArray[np.uint32] = octets @ np.array([1 << 24, 1 << 16, 1 << 8, 1], np.uint32)
    return packed.astype(np.uint32)


def _point_colors(markers: Columns, points: Ragged) -> npt.NDArray[np.uint32]:
    """A colour per point: its own where the marker gives one for each, else the marker's."""
    shared = np.repeat(_rgba(markers.color), points.lengths)
    own = markers.colors
    if not len(own.values):
        return shared
    rows = np.flatnonzero((own.lengths == points.lengths) & (points.lengths > 0))
    chosen = np.isin(points.row_of_value, rows)
    shared[chosen] = _rgba(take(own.values, np.isin(own.row_of_value, rows)))
    return shared


def _placed_points(markers: Columns) -> Ragged:
    """The points of each marker in its frame, metres."""
    points: Ragged = markers.points
    turned = rotate(np.repeat(quaternion(markers.pose.orientation), points.lengths, axis=0), xyz(points.values))
    return Ragged(points.offsets, turned + np.repeat(xyz(markers.pose.position), points.lengths, axis=0))


def _per_point(points: Ragged, values: npt.NDArray[Any]) -> Ragged:
    return Ragged(points.offsets, np.repeat(values, points.lengths, axis=0))


def _arrows(markers: Columns) -> rr.ComponentColumnList:
    points, count = _placed_points(markers), len(markers)
    by_points = points.lengths >= 2
    scale, turned = xyz(markers.scale), quaternion(markers.pose.orientation)
    tails = xyz(markers.pose.position)
    vectors = rotate(turned, np.stack([scale[:, 0], np.zeros(count), np.zeros(count)], axis=-1))
    starts = points.offsets[:-1][by_points]
    tails[by_points] = points.values[starts]
    vectors[by_points] = points.values[starts + 1] - points.values[starts]
    # With two points scale.x is the shaft's diameter, without it is the length and scale.y the diameter.
    radii = np.where(by_points, scale[:, 0], scale[:, 1]) / 2
    return rr.Arrows3D.columns(vectors=vectors, origins=tails, radii=radii, colors=_rgba(markers.color))


def _half_sized(archetype: type[rr.Boxes3D | rr.Ellipsoids3D], markers: Columns) -> rr.ComponentColumnList:
    return archetype.columns(
        half_sizes=xyz(markers.scale) / 2,
        centers=xyz(markers.pose.position),
        quaternions=quaternion(markers.pose.orientation),
        colors=_rgba(markers.color),
        fill_mode=np.full(len(markers), rr.FillMode.Solid),
    )


def _cylinders(markers: Columns) -> rr.ComponentColumnList:
    scale = xyz(markers.scale)
    return rr.Cylinders3D.columns(
        lengths=scale[:, 2],
        radii=scale[:, 0] / 2,
        centers=xyz(markers.pose.position),
        quaternions=quaternion(markers.pose.orientation),
        colors=_rgba(markers.color),
        fill_mode=np.full(len(markers), rr.FillMode.Solid),
    )


def _line_strips(markers: Columns) -> rr.ComponentColumnList:
    return rr.LineStrips3D.columns(
        strips=_placed_points(markers), radii=markers.scale.x / 2, colors=_rgba(markers.color)
    )


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
        quaternions=_per_point(points, quaternion(markers.pose.orientation)),
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
        colors=_rgba(markers.color),
        labels=markers.text,
        show_labels=np.ones(count, np.bool_),
    )


def _triangle_lists(markers: Columns) -> rr.ComponentColumnList:
    points = _placed_points(markers)
    corners = points.lengths // _TRIANGLE_CORNERS * _TRIANGLE_CORNERS
    place = np.arange(len(points.values)) - np.repeat(points.offsets[:-1], points.lengths)
    whole = place < np.repeat(corners, points.lengths)
    vertices = Ragged.from_lengths(corners, points.values[whole])
    colors = Ragged(vertices.offsets, _point_colors(markers, points)[whole])
    return rr.Mesh3D.columns(vertex_positions=vertices, vertex_colors=colors)


_DRAWN: dict[int, Callable[[Columns], rr.ComponentColumnList]] = {
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
}
"""`Marker.type` to drawing. Type 10, a mesh named by URL, is kept as fields."""
