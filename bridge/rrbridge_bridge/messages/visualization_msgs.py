"""visualization_msgs: markers, drawn as what they ask to look like, for as long as they are up.

Each marker has an entity below its topic, `<namespace>/<id>`; its frame is the marker's. What is up when needs memory, so these
are stages (`_markers_up`). Markers on images lie where the pictures of their frame's camera do; shapes are outlines there.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge.adapters import Skipped
from rrbridge.columns import Columns, Emit, Ragged
from rrbridge.stages import Messages, Note, Takes
from rrbridge_bridge.frames import IMAGE_PLANE
from rrbridge_bridge.messages._drawing import axes_at, closed
from rrbridge_bridge.messages._marker_shapes import DRAWN, MESH, rgba
from rrbridge_bridge.messages._markers_up import MarkersUp, Style, end_what_is_due, take_markers
from rrbridge_bridge.messages._registry import adapters

CIRCLE, LINE_STRIP, LINE_LIST, POLYGON, POINTS = range(5)
CIRCLE_CORNERS = 32

Made = tuple[MarkersUp, list[Emit | Skipped | Note]]
Floats = npt.NDArray[np.float64]

IN_SPACE = Style(
    types=(MESH, *DRAWN),
    draw=lambda markers: [DRAWN[int(markers.type[0])](markers)],
    frames=lambda markers: markers.header.frame_id,
)


@adapters.stage(
    Takes("visualization_msgs/msg/Marker", wholly=True),
    Takes("visualization_msgs/msg/MarkerArray", wholly=True),
    start=MarkersUp(),
    settle=end_what_is_due,
)
def markers(state: MarkersUp, msgs: Messages) -> Made:
    """Markers, one or many per message, with their lifetimes."""
    columns = msgs.columns
    if "markers" in columns:
        return take_markers(state, msgs, columns.markers.values, columns.markers.row_of_value, IN_SPACE)
    return take_markers(state, msgs, columns, np.arange(len(columns)), IN_SPACE)


@adapters("visualization_msgs/msg/InteractiveMarkerFeedback")
def feedback(msgs: Columns) -> Iterator[Emit]:
    """Where a person has dragged an interactive marker."""
    yield from axes_at(msgs.pose)


@adapters.stage(Takes("visualization_msgs/msg/ImageMarker", wholly=True), start=MarkersUp(), settle=end_what_is_due)
def image_markers(state: MarkersUp, msgs: Messages) -> Made:
    """Circles, lines and points on images, with their lifetimes."""
    columns = msgs.columns
    # 1 is REMOVE, which is DELETE; what would be DELETE elsewhere is not known here.
    action = np.select([columns.action == 0, columns.action == 1], [0, 2], -1)
    fields = {**{name: columns[name] for name in columns}, "action": action, "colors": columns.outline_colors}
    return take_markers(state, msgs, Columns(len(columns), fields), np.arange(len(columns)), ON_IMAGES)


def _on_image(markers: Columns) -> list[rr.ComponentColumnList]:
    kind, points = int(markers.type[0]), _pixels(markers.points)
    colors, radii = rgba(markers.outline_color), _line_radii(markers)
    if kind == CIRCLE:
        center = np.stack([markers.position.x, markers.position.y], axis=-1)
        around = closed(_circles(center, markers.scale / 2))
        return [rr.LineStrips2D.columns(strips=around, radii=np.full(len(markers), -1.0), colors=colors)]
    if kind == POINTS:
        own = markers.colors.lengths == points.lengths
        each = np.repeat(colors, points.lengths)
        given = own & (points.lengths > 0)
        each[np.repeat(given, points.lengths)] = rgba(markers.colors.values)[np.repeat(given, markers.colors.lengths)]
        return [rr.Points2D.columns(positions=points, radii=radii, colors=Ragged(points.offsets, each))]
    if kind == LINE_LIST:
        pairs = points.lengths // 2
        within = np.arange(len(points.values)) - np.repeat(points.offsets[:-1], points.lengths)
        even = points.values[within < np.repeat(2 * pairs, points.lengths)]
        lines = Ragged.from_lengths(pairs, Ragged.from_lengths(np.full(int(pairs.sum()), 2), even))
        spread = Ragged(lines.offsets, np.repeat(colors, pairs))
        return [rr.LineStrips2D.columns(strips=lines, radii=radii, colors=spread)]
    strips = closed(points) if kind == POLYGON else points
    return [rr.LineStrips2D.columns(strips=strips, radii=radii, colors=colors)]


def _pixels(points: Ragged) -> Ragged:
    return Ragged(points.offsets, np.stack([points.values.x, points.values.y], axis=-1))


def _line_radii(markers: Columns) -> Floats:
    """Half the width of lines in pixels; one pixel of the screen where the marker gives none."""
    return np.where(markers.scale > 0, markers.scale / 2, -1.0)


def _circles(centers: Floats, radii: Floats) -> Ragged:
    angles = np.arange(CIRCLE_CORNERS) * (2 * np.pi / CIRCLE_CORNERS)
    corners = centers[:, None] + radii[:, None, None] * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return Ragged.from_lengths(np.full(len(centers), CIRCLE_CORNERS), corners.reshape(-1, 2))


ON_IMAGES = Style(
    types=tuple(range(5)),
    draw=_on_image,
    frames=lambda markers: [f"{name}{IMAGE_PLANE}" if name else "" for name in markers.header.frame_id.to_list()],
)
