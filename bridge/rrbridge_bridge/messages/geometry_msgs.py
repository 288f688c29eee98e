"""geometry_msgs: poses, points, polygons, velocities and forces."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge.columns import Columns, Emit, Ragged
from rrbridge_bridge.messages import _drawing
from rrbridge_bridge.messages._drawing import arrows_along, axes, axes_at, closed, vectors
from rrbridge_bridge.messages._fields import named_scalars, quaternion, xyz
from rrbridge_bridge.messages._registry import adapters
from rrbridge_bridge.messages._rotations import about_z, orientation, quaternions_of, roll_pitch_yaw

POINT_RADIUS = 0.05
"""Metres."""
METRES_PER_ACCELERATION = 0.1
"""Arrows: 1 m is 10 m/s², about what gravity is."""
METRES_PER_FORCE = 0.1
"""Arrows: 1 m is 10 N or 10 N·m."""


@adapters("geometry_msgs/msg/PoseStamped", reference=True)
@adapters("geometry_msgs/msg/Pose")
def pose(msgs: Columns) -> Iterator[Emit]:
    """Where something is."""
    yield from axes_at(msgs.get("pose", msgs))


@adapters("geometry_msgs/msg/PoseWithCovariance", "geometry_msgs/msg/PoseWithCovarianceStamped")
def pose_with_covariance(msgs: Columns) -> Iterator[Emit]:
    """Where something probably is."""
    yield from _drawing.pose_with_covariance(msgs.pose if "header" in msgs else msgs)


@adapters("geometry_msgs/msg/Pose2D")
def pose2d(msgs: Columns) -> Iterator[Emit]:
    """Where something is on the ground; radians."""
    yield axes()
    positions = np.stack([msgs.x, msgs.y, np.zeros(len(msgs))], axis=-1)
    yield Emit(rr.InstancePoses3D.columns(translations=positions, quaternions=about_z(msgs.theta)))


@adapters("geometry_msgs/msg/PoseArray")
def pose_array(msgs: Columns) -> Iterator[Emit]:
    """Many poses at once: particles, grasps."""
    yield from arrows_along(msgs.poses)


@adapters("geometry_msgs/msg/Point", "geometry_msgs/msg/Point32", "geometry_msgs/msg/PointStamped")
def point(msgs: Columns) -> Iterator[Emit]:
    """A point."""
    found = msgs.get("point", msgs)
    yield Emit(rr.Points3D.columns(positions=xyz(found), radii=np.full(len(msgs), POINT_RADIUS)))


@adapters("geometry_msgs/msg/Polygon", "geometry_msgs/msg/PolygonStamped")
def polygon(msgs: Columns) -> Iterator[Emit]:
    """A closed outline: a footprint, a zone."""
    outline = closed(msgs.get("polygon", msgs).points)
    yield Emit(rr.LineStrips3D.columns(strips=Ragged(outline.offsets, xyz(outline.values))))


@adapters("geometry_msgs/msg/PolygonInstance", "geometry_msgs/msg/PolygonInstanceStamped")
def polygon_instance(msgs: Columns) -> Iterator[Emit]:
    """A closed outline that has a number."""
    instance = msgs.polygon if "header" in msgs else msgs
    outline = closed(instance.polygon.points)
    labels = [str(number) for number in instance.id.tolist()]
    yield Emit(rr.LineStrips3D.columns(strips=Ragged(outline.offsets, xyz(outline.values)), labels=labels))


@adapters("geometry_msgs/msg/Twist", "geometry_msgs/msg/TwistStamped")
def twist(msgs: Columns) -> Iterator[Emit]:
    """A velocity; metres and radians per second."""
    found = msgs.get("twist", msgs)
    yield from vectors(("linear", found.linear), ("angular", found.angular))


@adapters("geometry_msgs/msg/TwistWithCovariance", "geometry_msgs/msg/TwistWithCovarianceStamped")
def twist_with_covariance(msgs: Columns) -> Iterator[Emit]:
    """A probable velocity; metres and radians per second."""
    found = msgs.twist if "header" in msgs else msgs
    yield from vectors(("linear", found.twist.linear), ("angular", found.twist.angular), covariance=found.covariance)


@adapters("geometry_msgs/msg/VelocityStamped")
def velocity(msgs: Columns) -> Iterator[Emit]:
    """The velocity of one frame against another; metres and radians per second."""
    found = msgs.velocity
    yield from vectors(("linear", found.linear), ("angular", found.angular))


@adapters("geometry_msgs/msg/Accel", "geometry_msgs/msg/AccelStamped")
def accel(msgs: Columns) -> Iterator[Emit]:
    """An acceleration; metres and radians per second squared."""
    found = msgs.get("accel", msgs)
    parts = ("linear", found.linear), ("angular", found.angular)
    yield from vectors(*parts, metres_per_unit=METRES_PER_ACCELERATION)


@adapters("geometry_msgs/msg/AccelWithCovariance", "geometry_msgs/msg/AccelWithCovarianceStamped")
def accel_with_covariance(msgs: Columns) -> Iterator[Emit]:
    """A probable acceleration; metres and radians per second squared."""
    found = msgs.accel if "header" in msgs else msgs
    parts = ("linear", found.accel.linear), ("angular", found.accel.angular)
    yield from vectors(*parts, metres_per_unit=METRES_PER_ACCELERATION, covariance=found.covariance)


@adapters("geometry_msgs/msg/Wrench", "geometry_msgs/msg/WrenchStamped")
def wrench(msgs: Columns) -> Iterator[Emit]:
    """A force and a torque; newtons and newton metres."""
    found = msgs.get("wrench", msgs)
    yield from vectors(("force", found.force), ("torque", found.torque), metres_per_unit=METRES_PER_FORCE)


@adapters("geometry_msgs/msg/Vector3", "geometry_msgs/msg/Vector3Stamped")
def vector3(msgs: Columns) -> Iterator[Emit]:
    """Three numbers over time; of what is not known, so there is no arrow."""
    found = msgs.get("vector", msgs)
    yield from named_scalars({"x": found.x, "y": found.y, "z": found.z})


@adapters("geometry_msgs/msg/Quaternion", "geometry_msgs/msg/QuaternionStamped")
def rotation(msgs: Columns) -> Iterator[Emit]:
    """How something is turned: as axes, and as a plot of roll, pitch and yaw in radians."""
    found = msgs.get("quaternion", msgs)
    yield axes()
    yield Emit(rr.InstancePoses3D.columns(quaternions=quaternion(found)))
    yield from named_scalars(dict(zip(("roll", "pitch", "yaw"), roll_pitch_yaw(orientation(found)).T, strict=True)))


@adapters("geometry_msgs/msg/Transform")
def transform(msgs: Columns) -> Iterator[Emit]:
    """A transform whose frames are not named: drawn as the axes that it makes."""
    yield axes()
    columns = rr.InstancePoses3D.columns(translations=xyz(msgs.translation), quaternions=quaternion(msgs.rotation))
    yield Emit(columns)


@adapters("geometry_msgs/msg/Inertia", "geometry_msgs/msg/InertiaStamped")
def inertia(msgs: Columns) -> Iterator[Emit]:
    """The solid ellipsoid of even density that has this mass and inertia, at the centre of mass."""
    found = msgs.get("inertia", msgs)
    moments = np.stack([found[f"i{pair}"] for pair in ("xx", "xy", "xz", "xy", "yy", "yz", "xz", "yz", "zz")], axis=-1)
    half_sizes, turns = _inertia_ellipsoid(moments.reshape(-1, 3, 3), found.m)
    yield Emit(rr.Ellipsoids3D.columns(half_sizes=half_sizes, centers=xyz(found.com), quaternions=turns))
    yield from named_scalars({"mass": found.m}, at="mass")


def _inertia_ellipsoid(
    moments: npt.NDArray[np.float64], masses: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Half axes and their directions. With principal moments I, the half axis a has a² = 5 (ΣI - 2I) / 2m."""
    sound = np.isfinite(moments).all(axis=(1, 2)) & (np.abs(moments) < 1e100).all(axis=(1, 2)) & (masses > 0)
    principal, directions = np.linalg.eigh(np.where(sound[:, None, None], moments, 0.0))
    spread = np.maximum(principal.sum(axis=1, keepdims=True) - 2 * principal, 0.0)
    heavy = np.where(sound, masses, 1.0)[:, None]
    return np.sqrt(2.5 * spread / heavy), quaternions_of(directions)
