"""geometry_msgs: poses, points, polygons, velocities and forces."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import rrbridge as rr
from rrbridge.columns import Columns, Emit, Ragged, take
from rrbridge_bridge.messages._fields import named_scalars, quaternion, rotate, xyz
from rrbridge_bridge.messages._registry import adapters

AXES_LENGTH = 0.3
"""Metres; of a pose that is drawn as its axes."""
ARROW_LENGTH = 0.3
"""Metres; of a pose that is drawn as an arrow along its x axis."""


def axes_at(pose: Columns) -> Iterator[Emit]:
    """A pose, drawn as its axes."""
    yield Emit(rr.TransformAxes3D.columns(axis_length=[AXES_LENGTH]), static=True)
    yield Emit(rr.InstancePoses3D.columns(translations=xyz(pose.position), quaternions=quaternion(pose.orientation)))


def arrows_along(poses: Ragged) -> Iterator[Emit]:
    """Many poses per message, each drawn as an arrow along its x axis."""
    ahead = np.broadcast_to([ARROW_LENGTH, 0.0, 0.0], (len(poses.values), 3))
    yield Emit(
        rr.Arrows3D.columns(
            vectors=Ragged(poses.offsets, rotate(quaternion(poses.values.orientation), ahead)),
            origins=Ragged(poses.offsets, xyz(poses.values.position)),
        )
    )


def vectors(parts: dict[str, Columns]) -> Iterator[Emit]:
    """Vectors over time, each as a plot of its x, y and z."""
    for name, vector in parts.items():
        yield from named_scalars({"x": vector.x, "y": vector.y, "z": vector.z}, at=name)


@adapters("geometry_msgs/msg/PoseStamped", reference=True)
@adapters("geometry_msgs/msg/Pose")
def pose(msgs: Columns) -> Iterator[Emit]:
    """Where something is."""
    yield from axes_at(msgs.get("pose", msgs))


@adapters("geometry_msgs/msg/PoseWithCovarianceStamped")
def pose_with_covariance(msgs: Columns) -> Iterator[Emit]:
    """Where something probably is."""
    yield from axes_at(msgs.pose.pose)


@adapters("geometry_msgs/msg/PoseArray")
def pose_array(msgs: Columns) -> Iterator[Emit]:
    """Many poses at once: particles, grasps."""
    yield from arrows_along(msgs.poses)


@adapters("geometry_msgs/msg/PointStamped")
def point(msgs: Columns) -> Iterator[Emit]:
    """A point."""
    count = len(msgs)
    yield Emit(rr.Points3D.columns(positions=xyz(msgs.point), radii=np.full(count, 0.05)))


@adapters("geometry_msgs/msg/PolygonStamped")
def polygon(msgs: Columns) -> Iterator[Emit]:
    """A closed outline: a footprint, a zone."""
    corners = msgs.polygon.points
    sizes = corners.lengths
    closing = np.where(sizes > 0, sizes + 1, 0)
    outline = Ragged.from_lengths(closing, None)
    step = np.arange(outline.offsets[-1]) - np.repeat(outline.offsets[:-1], closing)
    index = np.repeat(corners.offsets[:-1], closing) + step % np.repeat(np.maximum(sizes, 1), closing)
    yield Emit(rr.LineStrips3D.columns(strips=Ragged(outline.offsets, xyz(take(corners.values, index)))))


@adapters("geometry_msgs/msg/Twist", "geometry_msgs/msg/TwistStamped")
def twist(msgs: Columns) -> Iterator[Emit]:
    """A velocity; metres and radians per second."""
    found = msgs.get("twist", msgs)
    yield from vectors({"linear": found.linear, "angular": found.angular})


@adapters("geometry_msgs/msg/TwistWithCovarianceStamped")
def twist_with_covariance(msgs: Columns) -> Iterator[Emit]:
    """A probable velocity; metres and radians per second."""
    yield from vectors({"linear": msgs.twist.twist.linear, "angular": msgs.twist.twist.angular})


@adapters("geometry_msgs/msg/Accel", "geometry_msgs/msg/AccelStamped")
def accel(msgs: Columns) -> Iterator[Emit]:
    """An acceleration; metres and radians per second squared."""
    found = msgs.get("accel", msgs)
    yield from vectors({"linear": found.linear, "angular": found.angular})


@adapters("geometry_msgs/msg/Wrench", "geometry_msgs/msg/WrenchStamped")
def wrench(msgs: Columns) -> Iterator[Emit]:
    """A force and a torque; newtons and newton metres."""
    found = msgs.get("wrench", msgs)
    yield from vectors({"force": found.force, "torque": found.torque})


@adapters("geometry_msgs/msg/Vector3", "geometry_msgs/msg/Vector3Stamped")
def vector3(msgs: Columns) -> Iterator[Emit]:
    """Three numbers over time."""
    found = msgs.get("vector", msgs)
    yield from named_scalars({"x": found.x, "y": found.y, "z": found.z})
