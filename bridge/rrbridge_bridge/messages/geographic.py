"""geographic_msgs, gps_common and gps_msgs: places on Earth, latitude and longitude in degrees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge.columns import Columns, Emit, Ragged, take
from rrbridge_bridge.messages._fields import custom, numbers_of
from rrbridge_bridge.messages._registry import adapters

__all__ = ["latitude_longitude"]

_ALTITUDE = "altitude"


def latitude_longitude(point: Columns) -> npt.NDArray[np.float64]:
    """Degrees, shape (N, 2)."""
    return np.stack([point.latitude, point.longitude], axis=-1)


def _place(point: Columns, msgtype: str) -> Emit:
    columns = rr.GeoPoints.columns(positions=latitude_longitude(point))
    return Emit([columns, custom(_ALTITUDE, point.altitude, msgtype)])


@adapters("geographic_msgs/msg/GeoPoint", "geographic_msgs/msg/GeoPointStamped")
def geo_point(msgs: Columns) -> Iterator[Emit]:
    """A place, and its altitude above the ellipsoid in metres."""
    yield _place(msgs.get("position", msgs), "geographic_msgs.msg.GeoPoint")


@adapters("geographic_msgs/msg/GeoPose", "geographic_msgs/msg/GeoPoseStamped")
def geo_pose(msgs: Columns) -> Iterator[Emit]:
    """A place; which way something looks there is in the fields."""
    yield _place(msgs.get("pose", msgs).position, "geographic_msgs.msg.GeoPoint")


@adapters("geographic_msgs/msg/GeoPoseWithCovariance", "geographic_msgs/msg/GeoPoseWithCovarianceStamped")
def geo_pose_with_covariance(msgs: Columns) -> Iterator[Emit]:
    """A place where something probably is."""
    pose = msgs.pose.pose if "header" in msgs else msgs.pose
    yield _place(pose.position, "geographic_msgs.msg.GeoPoint")


@adapters("geographic_msgs/msg/GeoPath")
def geo_path(msgs: Columns) -> Iterator[Emit]:
    """A way."""
    poses = msgs.poses
    yield Emit(_lines(Ragged(poses.offsets, latitude_longitude(poses.values.pose.position))))


@adapters("geographic_msgs/msg/BoundingBox")
def bounding_box(msgs: Columns) -> Iterator[Emit]:
    """The outline of an area."""
    low, high = latitude_longitude(msgs.min_pt), latitude_longitude(msgs.max_pt)
    corners = np.stack(
        [low, np.stack([low[:, 0], high[:, 1]], axis=-1), high, np.stack([high[:, 0], low[:, 1]], axis=-1), low], axis=1
    )
    yield Emit(_lines(Ragged.from_lengths(np.full(len(msgs), 5), corners.reshape(-1, 2))))


@adapters("geographic_msgs/msg/WayPoint")
def way_point(msgs: Columns) -> Iterator[Emit]:
    """A place that others are named by."""
    yield _place(msgs.position, "geographic_msgs.msg.GeoPoint")


@adapters("geographic_msgs/msg/GeographicMap")
def geographic_map(msgs: Columns) -> Iterator[Emit]:
    """Places, and features of the map as lines through the places that they name."""
    yield _points(msgs.points)
    features: Ragged = msgs.features
    parts = features.values.components
    of_message = features.row_of_value[parts.row_of_value]
    places, known = _places_named(msgs.points, of_message, parts.values)
    lengths = np.bincount(parts.row_of_value[known], minlength=len(parts))
    lines = Ragged.from_lengths(
        lengths[lengths > 1], places[np.isin(parts.row_of_value[known], np.flatnonzero(lengths > 1))]
    )
    per_message = np.bincount(features.row_of_value[lengths > 1], minlength=len(msgs))
    yield Emit(_lines(Ragged.from_lengths(per_message, lines)), at="features")


@adapters("geographic_msgs/msg/RouteNetwork")
def route_network(msgs: Columns) -> Iterator[Emit]:
    """Places, and the ways between them."""
    yield _points(msgs.points)
    segments: Ragged = msgs.segments
    rows = segments.row_of_value
    starts, known_start = _places_named(msgs.points, rows, segments.values.start)
    ends, known_end = _places_named(msgs.points, rows, segments.values.end)
    both = known_start & known_end
    pairs = np.stack([starts[both[known_start]], ends[both[known_end]]], axis=1)
    lines = Ragged.from_lengths(np.full(len(pairs), 2), pairs.reshape(-1, 2))
    per_message = np.bincount(rows[both], minlength=len(msgs))
    yield Emit(_lines(Ragged.from_lengths(per_message, lines)), at="segments")


@adapters("gps_common/msg/GPSFix", "gps_msgs/msg/GPSFix")
def gps_fix(msgs: Columns) -> Iterator[Emit]:
    """A place; and speed, course and what else a receiver knows as plots."""
    yield _place(msgs, "gps_common.msg.GPSFix")
    without = ("latitude", "longitude", "altitude", "position_covariance", "position_covariance_type")
    yield from numbers_of(msgs, without=without)


def _lines(strips: Ragged) -> rr.ComponentColumnList:
    return rr.GeoLineStrings.columns(line_strings=strips)


def _points(points: Ragged) -> Emit:
    return Emit(rr.GeoPoints.columns(positions=Ragged(points.offsets, latitude_longitude(points.values.position))))


def _places_named(
    points: Ragged, rows: npt.NDArray[np.int64], ids: Columns
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Places of the points that `ids` name within the messages `rows`, and which of the ids name one."""
    known = _keys(points.row_of_value, points.values.id)
    wanted = _keys(rows, ids)
    order = np.argsort(known, kind="stable")
    place = np.searchsorted(known, wanted, sorter=order)
    found = place < len(known)
    found[found] = known[order[place[found]]] == wanted[found]
    return latitude_longitude(take(points.values.position, order[place[found]])), found


def _keys(rows: npt.NDArray[np.int64], ids: Columns) -> npt.NDArray[Any]:
    """Message and UUID in one value that can be compared."""
    octets = np.concatenate([rows.astype(">i8").view(np.uint8).reshape(-1, 8), ids.uuid.astype(np.uint8)], axis=1)
    return np.ascontiguousarray(octets).view("V24").reshape(-1)
