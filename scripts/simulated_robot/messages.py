"""ROS 2 messages from plain numbers: the small parts that the simulated robot's drivers have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import cos, sin

import numpy as np
import numpy.typing as npt
import rosbags.typesys.stores.ros2_humble as ros

from simulated_robot.hall import Floats
from simulated_robot.sensors import Camera

__all__ = ["camera_info", "cloud", "diagnostics", "header", "marker", "path", "pose", "stamp", "transform", "vector"]

CUBE, SPHERE, CYLINDER, LINE_STRIP, ARROW, TEXT = 1, 2, 3, 4, 0, 9
"""Kinds of marker, as `visualization_msgs/msg/Marker` numbers them."""

OPTICAL_FROM_LINK = (-0.5, 0.5, -0.5, 0.5)
"""Rotation (x, y, z, w) from x forward, z up to z forward, y down, as a frame in its parent."""


def stamp(nanos: int) -> ros.builtin_interfaces__msg__Time:
    """An instant."""
    return ros.builtin_interfaces__msg__Time(nanos // 1_000_000_000, nanos % 1_000_000_000)


def header(nanos: int, frame: str) -> ros.std_msgs__msg__Header:
    """An instant and a frame."""
    return ros.std_msgs__msg__Header(stamp(nanos), frame)


def vector(x: float = 0, y: float = 0, z: float = 0) -> ros.geometry_msgs__msg__Vector3:
    """A vector."""
    return ros.geometry_msgs__msg__Vector3(float(x), float(y), float(z))


def point(x: float = 0, y: float = 0, z: float = 0) -> ros.geometry_msgs__msg__Point:
    """A point."""
    return ros.geometry_msgs__msg__Point(float(x), float(y), float(z))


def about_z(yaw: float) -> ros.geometry_msgs__msg__Quaternion:
    """A turn about the upright axis."""
    return ros.geometry_msgs__msg__Quaternion(0.0, 0.0, sin(yaw / 2), cos(yaw / 2))


def pose(x: float = 0, y: float = 0, z: float = 0, yaw: float = 0) -> ros.geometry_msgs__msg__Pose:
    """A pose of something that stands upright."""
    return ros.geometry_msgs__msg__Pose(point(x, y, z), about_z(yaw))


def transform(
    nanos: int,
    parent: str,
    child: str,
    at: tuple[float, float, float],
    rotation: tuple[float, float, float, float] = (0, 0, 0, 1),
) -> ros.geometry_msgs__msg__TransformStamped:
    """Where a frame is in its parent; the rotation is x, y, z, w."""
    turn = ros.geometry_msgs__msg__Quaternion(*(float(part) for part in rotation))
    return ros.geometry_msgs__msg__TransformStamped(
        header(nanos, parent), child, ros.geometry_msgs__msg__Transform(vector(*at), turn)
    )


def planar(nanos: int, parent: str, child: str, where: Floats) -> ros.geometry_msgs__msg__TransformStamped:
    """Where a frame is on the floor of its parent: x, y, yaw."""
    x, y, yaw = (float(part) for part in where)
    return transform(nanos, parent, child, (x, y, 0), (0, 0, sin(yaw / 2), cos(yaw / 2)))


def path(nanos: int, frame: str, poses: Floats) -> ros.nav_msgs__msg__Path:
    """A way of planar poses, shape (n, 3)."""
    steps = [
        ros.geometry_msgs__msg__PoseStamped(header(nanos, frame), pose(x, y, 0, yaw)) for x, y, yaw in poses.tolist()
    ]
    return ros.nav_msgs__msg__Path(header(nanos, frame), steps)


def camera_info(nanos: int, frame: str, camera: Camera) -> ros.sensor_msgs__msg__CameraInfo:
    """A camera's calibration."""
    f, cx, cy = camera.focal, (camera.width - 1) / 2, (camera.height - 1) / 2
    return ros.sensor_msgs__msg__CameraInfo(
        header(nanos, frame),
        camera.height,
        camera.width,
        "plumb_bob",
        np.zeros(5),
        np.array([f, 0, cx, 0, f, cy, 0, 0, 1.0]),
        np.eye(3).ravel(),
        np.array([f, 0, cx, 0, 0, f, cy, 0, 0, 0, 1.0, 0]),
        0,
        0,
        ros.sensor_msgs__msg__RegionOfInterest(0, 0, 0, 0, False),
    )


def cloud(nanos: int, frame: str, points: Floats, colors: npt.NDArray[np.uint8]) -> ros.sensor_msgs__msg__PointCloud2:
    """Points (n, 3) with colours (n, 3), packed as drivers do: x, y, z, and rgb in the bits of a float."""
    packed = np.zeros(len(points), [("xyz", "<f4", 3), ("rgb", "<u4")])
    packed["xyz"] = points
    red, green, blue = colors.astype(np.uint32).T
    packed["rgb"] = red << 16 | green << 8 | blue
    fields = [
        ros.sensor_msgs__msg__PointField(name, 4 * i, ros.sensor_msgs__msg__PointField.FLOAT32, 1)
        for i, name in enumerate(("x", "y", "z", "rgb"))
    ]
    return ros.sensor_msgs__msg__PointCloud2(
        header(nanos, frame), 1, len(points), fields, False, 16, 16 * len(points), packed.view(np.uint8).ravel(), True
    )


def marker(
    nanos: int,
    frame: str,
    name: str,
    number: int,
    kind: int,
    where: ros.geometry_msgs__msg__Pose,
    *,
    scale: tuple[float, float, float],
    color: tuple[float, float, float, float],
    points: Iterable[ros.geometry_msgs__msg__Point] = (),
    text: str = "",
    lifetime_secs: int = 0,
) -> ros.visualization_msgs__msg__Marker:
    """One marker that moves with its frame. Colours are 0 to 1, red, green, blue, opacity."""
    return ros.visualization_msgs__msg__Marker(
        header(nanos, frame),
        name,
        number,
        kind,
        0,
        where,
        vector(*scale),
        ros.std_msgs__msg__ColorRGBA(*color),
        ros.builtin_interfaces__msg__Duration(lifetime_secs, 0),
        True,
        list(points),
        [],
        "",
        ros.sensor_msgs__msg__CompressedImage(header(0, ""), "", np.zeros(0, np.uint8)),
        [],
        text,
        "",
        ros.visualization_msgs__msg__MeshFile("", np.zeros(0, np.uint8)),
        False,
    )


def diagnostics(
    nanos: int, name: str, level: int, message: str, values: Mapping[str, object]
) -> ros.diagnostic_msgs__msg__DiagnosticArray:
    """The state of one part of the robot: 0 fine, 1 warning, 2 error."""
    pairs = [ros.diagnostic_msgs__msg__KeyValue(key, str(value)) for key, value in values.items()]
    status = ros.diagnostic_msgs__msg__DiagnosticStatus(level, name, message, "base-01", pairs)
    return ros.diagnostic_msgs__msg__DiagnosticArray(header(nanos, ""), [status])
