"""How the robot looks, what it marks on its map, and the story that its log tells."""

from __future__ import annotations

from collections.abc import Iterable

import rosbags.typesys.stores.ros2_humble as ros

from simulated_robot import messages as msg
from simulated_robot.drive import BACKS_OFF, HITS, RELOCATES, SETS_OUT_AGAIN, STOPS_SPINNING
from simulated_robot.hall import CRATE, Box, Shape

__all__ = ["MODES", "STORY", "body", "objects", "pallet", "velocity"]

INFO, WARN, ERROR = 20, 30, 40

STORY = (
    (0.2, INFO, "map_server", "map loaded: 220 x 160 cells of 0.05 m"),
    (0.4, INFO, "localization", "matched the scan, pose known to 0.02 m"),
    (0.6, INFO, "planner", "goal dock_2: plan of 9.2 m"),
    (1.0, INFO, "base_controller", "motors on"),
    (6.3, INFO, "planner", "passing the partition, 1.1 m clear"),
    (11.8, WARN, "localization", "42 beams end before the map says they should"),
    (13.6, WARN, "sonar", "something at 0.24 m ahead that is not on the map"),
    (HITS + 0.02, ERROR, "base_controller", "bumper pressed at 0.67 m/s"),
    (HITS + 0.25, WARN, "base_controller", "motor current 15 A, limit 8 A: speed reduced"),
    (HITS + 0.9, WARN, "localization", "wheels and scan disagree by 0.4 m: wheel odometry not trusted"),
    (STOPS_SPINNING, ERROR, "base_controller", "stalled for 2.5 s: motors stopped"),
    (BACKS_OFF, INFO, "planner", "recovery: back off 0.8 m"),
    (RELOCATES, INFO, "localization", "searching around the last good pose"),
    (RELOCATES + 1.0, INFO, "localization", "pose corrected by 0.80 m; obstacle added to the map"),
    (SETS_OUT_AGAIN - 0.3, INFO, "planner", "goal dock_2: new plan of 3.8 m around the obstacle"),
    (27.5, INFO, "planner", "goal reached"),
)
"""Seconds, level as `rcl_interfaces/msg/Log` has it, node, text."""

MODES = (
    (0.1, "idle"),
    (1.0, "driving"),
    (HITS, "stalled"),
    (BACKS_OFF, "recovering"),
    (SETS_OUT_AGAIN, "driving"),
    (27.5, "arrived"),
)
"""Seconds and what the robot does from then on."""

DARK, SHELL, GLASS, RUBBER = (
    (0.16, 0.17, 0.20, 1.0),
    (0.95, 0.55, 0.12, 1.0),
    (0.15, 0.45, 0.85, 1.0),
    (0.08, 0.08, 0.08, 1.0),
)
LYING = ros.geometry_msgs__msg__Quaternion(0.7071068, 0.0, 0.0, 0.7071068)


def body(nanos: int) -> list[ros.visualization_msgs__msg__Marker]:
    """The robot, put together from boxes and cylinders in its own frames."""
    wheel, hub = ros.geometry_msgs__msg__Pose(msg.point(), LYING), msg.pose(0.04, 0, 0)
    parts = [
        ("base_link", msg.CUBE, msg.pose(0, 0, 0.12), (0.44, 0.30, 0.12), SHELL),
        ("base_link", msg.CUBE, msg.pose(-0.02, 0, 0.20), (0.36, 0.26, 0.04), DARK),
        ("base_link", msg.CYLINDER, msg.pose(0.05, 0, 0.27), (0.05, 0.05, 0.10), DARK),
        ("laser", msg.CYLINDER, msg.pose(), (0.12, 0.12, 0.07), GLASS),
        ("camera_pan_link", msg.CUBE, msg.pose(), (0.06, 0.12, 0.05), DARK),
        ("left_wheel_link", msg.CYLINDER, wheel, (0.16, 0.16, 0.05), RUBBER),
        ("left_wheel_link", msg.CUBE, hub, (0.03, 0.055, 0.03), (0.9, 0.9, 0.9, 1.0)),
        ("right_wheel_link", msg.CYLINDER, wheel, (0.16, 0.16, 0.05), RUBBER),
        ("right_wheel_link", msg.CUBE, hub, (0.03, 0.055, 0.03), (0.9, 0.9, 0.9, 1.0)),
    ]
    return [
        msg.marker(nanos, frame, "robot", number, kind, where, scale=scale, color=color)
        for number, (frame, kind, where, scale, color) in enumerate(parts)
    ]


def objects(nanos: int, shapes: Iterable[Shape]) -> list[ros.visualization_msgs__msg__Marker]:
    """What stands around, with its name above; walls are left to the map."""
    found = []
    for number, shape in enumerate(s for s in shapes if s.name not in {"wall", "partition"}):
        (x, y), (red, green, blue) = shape.center, (part / 255 for part in shape.color)
        kind, size = (msg.CUBE, shape.size) if isinstance(shape, Box) else (msg.CYLINDER, (2 * shape.radius,) * 2)
        yaw = shape.yaw if isinstance(shape, Box) else 0.0
        where, scale = msg.pose(x, y, shape.height / 2, yaw), (*size, shape.height)
        found.append(
            msg.marker(nanos, "map", shape.name, number, kind, where, scale=scale, color=(red, green, blue, 0.55))
        )
        above = msg.pose(x, y, shape.height + 0.15)
        found.append(
            msg.marker(
                nanos, "map", "names", number, msg.TEXT, above, scale=(0, 0, 0.16), color=(1, 1, 1, 1), text=shape.name
            )
        )
    return found


def pallet(nanos: int) -> list[ros.visualization_msgs__msg__Marker]:
    """What the robot makes of the thing that it ran against."""
    x, y = CRATE.center
    warning = (1.0, 0.18, 0.12, 0.6)
    where = msg.pose(x, y, CRATE.height / 2, CRATE.yaw)
    corner = [
        msg.point(x + dx, y + dy, 0.02) for dx, dy in ((-0.6, -0.6), (0.6, -0.6), (0.6, 0.6), (-0.6, 0.6), (-0.6, -0.6))
    ]
    return [
        msg.marker(nanos, "map", "obstacle", 0, msg.CUBE, where, scale=(*CRATE.size, CRATE.height), color=warning),
        msg.marker(
            nanos,
            "map",
            "obstacle",
            1,
            msg.LINE_STRIP,
            msg.pose(),
            scale=(0.03, 0, 0),
            color=(1, 0.18, 0.12, 1),
            points=corner,
        ),
        msg.marker(
            nanos,
            "map",
            "obstacle",
            2,
            msg.TEXT,
            msg.pose(x, y, CRATE.height + 0.2),
            scale=(0, 0, 0.2),
            color=(1, 0.35, 0.3, 1),
            text="not on the map",
        ),
    ]


def velocity(nanos: int, speed: float) -> ros.visualization_msgs__msg__Marker:
    """An arrow ahead of the robot, a metre per m/s."""
    tip = [msg.point(0.25, 0, 0.2), msg.point(0.25 + max(abs(speed), 0.02) * (1 if speed >= 0 else -1), 0, 0.2)]
    return msg.marker(
        nanos,
        "base_link",
        "velocity",
        0,
        msg.ARROW,
        msg.pose(),
        scale=(0.04, 0.09, 0.1),
        color=(0.2, 0.9, 0.4, 1),
        points=tip,
    )
