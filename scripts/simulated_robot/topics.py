"""What the simulated robot publishes: one function per topic, and the table of topics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import rosbags.typesys.stores.ros2_humble as ros

from simulated_robot import messages as msg
from simulated_robot import robot, sensors
from simulated_robot.drive import HITS, RELOCATES, SETS_OUT_AGAIN, STOPS_SPINNING, WHEEL_RADIUS_METERS, Drive, compose
from simulated_robot.hall import CRATE, Floats, hall
from simulated_robot.sensors import MOUNTS

__all__ = ["START_NANOS", "TOPICS", "Run", "Topic", "nanos"]

START_NANOS = 1_767_258_000_000_000_000
"""When the run begins: 2026-01-01 09:00:00 UTC."""

MAP_RESOLUTION_METERS, MAP_MARGIN_METERS = 0.05, 0.5
HALL_LATITUDE, HALL_LONGITUDE, METERS_PER_DEGREE = 48.1486, 11.5683, 111_320.0

Message: TypeAlias = Any
Published: TypeAlias = tuple[float, Message]
"""Seconds since the start, as the sensor stamped it, and the message."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of the robot."""

    name: str
    msgtype: str
    publish: Callable[[Run], Iterable[Published]]
    delay_millis: float = 1.0
    """From the stamp to the recorder, on average."""
    latched: bool = False
    best_effort: bool = False


@dataclass(frozen=True, eq=False)
class Run:
    """What publishers share."""

    drive: Drive
    seed: int
    duration_secs: float

    def ticks(self, hertz: float, start: float = 0.0) -> Floats:
        """Instants at a rate."""
        return np.arange(start, self.duration_secs, 1 / hertz)

    def pose(self, secs: float) -> Floats:
        """The true pose, shape (3,)."""
        return self.drive.at(self.drive.map_from_base, secs)

    def rng(self, salt: int) -> np.random.Generator:
        """Chance of a publisher's own, so that one topic's draws do not move another's."""
        return np.random.default_rng([self.seed, salt])

    @cached_property
    def pictures(self) -> list[tuple[float, Any, Any]]:
        """Ten pictures a second: seconds, colour, depth."""
        shapes, rng = hall(), self.rng(1)
        return [
            (secs, *sensors.picture(shapes, self.pose(secs), float(self.drive.at(self.drive.camera_pan, secs)), rng))
            for secs in self.ticks(10, 0.05).tolist()
        ]


def nanos(secs: float) -> int:
    """An instant of the run on the robot's clock."""
    return START_NANOS + round(secs * 1e9)


def static_frames(_: Run) -> Iterator[Published]:
    """Where sensors are bolted on."""
    fixed = [
        msg.transform(nanos(0), "base_link", frame, MOUNTS[frame])
        for frame in ("laser", "imu_link", "gps_link", "sonar_link")
    ]
    fixed += [
        msg.transform(nanos(0), "camera_pan_link", frame, (0.03, 0, 0), msg.OPTICAL_FROM_LINK)
        for frame in ("camera_optical_frame", "depth_optical_frame")
    ]
    yield 0.0, ros.tf2_msgs__msg__TFMessage(fixed)


def frames(run: Run) -> Iterator[Published]:
    """Odometry and joints at 50 Hz, the localisation's correction at 10 Hz."""
    d = run.drive
    ticks = run.ticks(50)
    odometry, joints = d.at(d.odom_from_base, ticks), joint_angles(run, ticks)
    for secs, base, angles in zip(ticks.tolist(), odometry, joints, strict=True):
        at = nanos(secs)
        moved = [msg.planar(at, "odom", "base_link", base)]
        for frame, angle in zip(("left_wheel_link", "right_wheel_link"), angles[:2].tolist(), strict=True):
            turn = (0, float(np.sin(angle / 2)), 0, float(np.cos(angle / 2)))
            moved.append(msg.transform(at, "base_link", frame, MOUNTS[frame], turn))
        half = float(angles[2]) / 2
        pan = (0, 0, float(np.sin(half)), float(np.cos(half)))
        moved.append(msg.transform(at, "base_link", "camera_pan_link", MOUNTS["camera_pan_link"], pan))
        yield secs, ros.tf2_msgs__msg__TFMessage(moved)
    ticks = run.ticks(10)
    for secs, correction in zip(ticks.tolist(), d.at(d.map_from_odom, ticks), strict=True):
        yield secs, ros.tf2_msgs__msg__TFMessage([msg.planar(nanos(secs), "map", "odom", correction)])


def joint_angles(run: Run, ticks: Floats) -> Floats:
    """Left wheel, right wheel, camera pan; radians, shape (N, 3)."""
    d = run.drive
    rolled = np.cumsum(d.wheel_speed) / 200 / WHEEL_RADIUS_METERS
    turned = d.odom_from_base[:, 2] * 0.18 / WHEEL_RADIUS_METERS
    return d.at(np.column_stack([rolled - turned, rolled + turned, d.camera_pan]), ticks)


def joint_states(run: Run) -> Iterator[Published]:
    """Wheels and the camera's pan joint."""
    ticks = run.ticks(50)
    angles = joint_angles(run, ticks)
    rates = np.gradient(angles, ticks, axis=0)
    names = ["left_wheel_joint", "right_wheel_joint", "camera_pan_joint"]
    for secs, angle, rate in zip(ticks.tolist(), angles, rates, strict=True):
        torque = 0.11 * sensors.current_amperes(run.drive, secs)
        effort = np.array([torque, torque, 0.02 * rate[2]])
        yield secs, ros.sensor_msgs__msg__JointState(msg.header(nanos(secs), ""), names, angle, rate, effort)


def image(secs: float, pixels: Floats, encoding: str, frame: str) -> Message:
    """Pixels (height, width, …) as a message."""
    rows, columns = pixels.shape[:2]
    data = np.ascontiguousarray(pixels).view(np.uint8).ravel()
    return ros.sensor_msgs__msg__Image(
        msg.header(nanos(secs), frame), rows, columns, encoding, 0, data.size // rows, data
    )


def raw_pictures(run: Run) -> Iterator[Published]:
    """Every second picture as it comes from the sensor."""
    for secs, color, _ in run.pictures[::2]:
        yield secs, image(secs, color, "rgb8", "camera_optical_frame")


def jpeg_pictures(run: Run) -> Iterator[Published]:
    """Every picture as JPEG."""
    for secs, color, _ in run.pictures:
        head = msg.header(nanos(secs), "camera_optical_frame")
        yield secs, ros.sensor_msgs__msg__CompressedImage(head, "rgb8; jpeg compressed bgr8", sensors.jpeg(color))


def depth_pictures(run: Run) -> Iterator[Published]:
    """Depth in millimetres, every second picture."""
    for secs, _, depth in run.pictures[::2]:
        yield secs, image(secs, depth, "16UC1", "depth_optical_frame")


def calibration(run: Run) -> Iterator[Published]:
    """The camera's calibration, with every picture."""
    for secs in run.ticks(10, 0.05).tolist():
        yield secs, msg.camera_info(nanos(secs), "camera_optical_frame", sensors.CAMERA)


def depth_calibration(run: Run) -> Iterator[Published]:
    """The depth camera's calibration, with every depth picture."""
    for secs in run.ticks(5, 0.05).tolist():
        yield secs, msg.camera_info(nanos(secs), "depth_optical_frame", sensors.DEPTH_CAMERA)


def scans(run: Run) -> Iterator[Published]:
    """The flat lidar."""
    shapes, rng = hall(), run.rng(2)
    step = float(sensors.SCAN_ANGLES[1] - sensors.SCAN_ANGLES[0])
    for secs in run.ticks(10).tolist():
        found = sensors.scan(shapes, run.pose(secs), rng)
        strength = np.where(np.isfinite(found), 4000 / (1 + found**2), 0).astype(np.float32)
        yield (
            secs,
            ros.sensor_msgs__msg__LaserScan(
                msg.header(nanos(secs), "laser"),
                float(sensors.SCAN_ANGLES[0]),
                float(sensors.SCAN_ANGLES[-1]),
                step,
                0.1 / len(found),
                0.1,
                0.08,
                sensors.SCAN_REACH_METERS,
                found,
                strength,
            ),
        )


def clouds(run: Run) -> Iterator[Published]:
    """The 20-ring lidar, coloured by the camera rig."""
    shapes, rng = hall(), run.rng(3)
    for secs in run.ticks(5).tolist():
        points, colors = sensors.cloud(shapes, run.pose(secs), rng)
        yield secs, msg.cloud(nanos(secs), "laser", points, colors)


def imu(run: Run) -> Iterator[Published]:
    """Turn rates and accelerations."""
    ticks, rng = run.ticks(100), run.rng(4)
    rates, accelerations = sensors.imu(run.drive, ticks, rng)
    yaws = run.drive.at(run.drive.odom_from_base, ticks)[:, 2]
    none = np.zeros(9)
    for secs, yaw, rate, acceleration in zip(
        ticks.tolist(), yaws.tolist(), rates.tolist(), accelerations.tolist(), strict=True
    ):
        yield (
            secs,
            ros.sensor_msgs__msg__Imu(
                msg.header(nanos(secs), "imu_link"),
                msg.about_z(yaw),
                none,
                msg.vector(*rate),
                none,
                msg.vector(*acceleration),
                none,
            ),
        )


def odometry(run: Run) -> Iterator[Published]:
    """What the wheels say."""
    d = run.drive
    ticks = run.ticks(50)
    rows = np.column_stack([d.at(d.odom_from_base, ticks), d.at(d.wheel_speed, ticks), d.at(d.yaw_rate, ticks)])
    none = np.zeros(36)
    for secs, (x, y, yaw, speed, turn) in zip(ticks.tolist(), rows.tolist(), strict=True):
        where = ros.geometry_msgs__msg__PoseWithCovariance(msg.pose(x, y, 0, yaw), none)
        motion = ros.geometry_msgs__msg__Twist(msg.vector(speed), msg.vector(0, 0, turn))
        velocity = ros.geometry_msgs__msg__TwistWithCovariance(motion, none)
        yield secs, ros.nav_msgs__msg__Odometry(msg.header(nanos(secs), "odom"), "base_link", where, velocity)


def believed(run: Run, ticks: Floats) -> Floats:
    """Where the robot believes it is on its map, shape (N, 3)."""
    d = run.drive
    return compose(d.at(d.map_from_odom, ticks), d.at(d.odom_from_base, ticks))


def poses(run: Run) -> Iterator[Published]:
    """Where the robot believes it is."""
    ticks = run.ticks(10)
    for secs, (x, y, yaw) in zip(ticks.tolist(), believed(run, ticks).tolist(), strict=True):
        yield secs, ros.geometry_msgs__msg__PoseStamped(msg.header(nanos(secs), "map"), msg.pose(x, y, 0, yaw))


def driven(run: Run) -> Iterator[Published]:
    """The way so far, twice a second."""
    for secs in run.ticks(2, 1.5).tolist():
        yield secs, msg.path(nanos(secs), "map", believed(run, np.arange(0, secs, 0.2)))


def plans(run: Run) -> Iterator[Published]:
    """The plan, made at the start and again when the pallet is known."""
    yield 0.6, msg.path(nanos(0.6), "map", run.drive.outward[::6])
    if run.duration_secs > SETS_OUT_AGAIN:
        yield SETS_OUT_AGAIN - 0.3, msg.path(nanos(SETS_OUT_AGAIN - 0.3), "map", run.drive.onward[::6])


def commands(run: Run) -> Iterator[Published]:
    """What the planner asks of the base."""
    d = run.drive
    ticks = run.ticks(20)
    rows = np.column_stack([d.at(d.wheel_speed, ticks - 0.08), d.at(d.yaw_rate, ticks - 0.08)])
    for secs, (speed, turn) in zip(ticks.tolist(), rows.tolist(), strict=True):
        yield secs, ros.geometry_msgs__msg__Twist(msg.vector(speed), msg.vector(0, 0, turn))


def positions(run: Run) -> Iterator[Published]:
    """GPS, good to a third of a metre."""
    ticks, rng = run.ticks(5), run.rng(5)
    covariance = np.diag([0.09, 0.09, 0.25]).ravel()
    for secs in ticks.tolist():
        x, y, _ = run.pose(secs) + rng.normal(0, 0.3, 3)
        latitude = HALL_LATITUDE + y / METERS_PER_DEGREE
        longitude = HALL_LONGITUDE + x / (METERS_PER_DEGREE * np.cos(np.radians(HALL_LATITUDE)))
        head, status = msg.header(nanos(secs), "gps_link"), ros.sensor_msgs__msg__NavSatStatus(0, 1)
        height = 519.0 + rng.normal(0, 0.5)
        yield secs, ros.sensor_msgs__msg__NavSatFix(head, status, latitude, longitude, height, covariance, 2)


def maps(run: Run) -> Iterator[Published]:
    """The map: at the start without the pallet, from 19 s with it."""
    for secs, known in ((0.0, False), (RELOCATES + 1.0, True)):
        if secs >= run.duration_secs:
            break
        grid = sensors.occupancy(hall(), resolution=MAP_RESOLUTION_METERS, margin=MAP_MARGIN_METERS, with_pallet=known)
        rows, columns = grid.shape
        corner = msg.pose(-MAP_MARGIN_METERS, -MAP_MARGIN_METERS)
        info = ros.nav_msgs__msg__MapMetaData(msg.stamp(nanos(secs)), MAP_RESOLUTION_METERS, columns, rows, corner)
        yield secs, ros.nav_msgs__msg__OccupancyGrid(msg.header(nanos(secs), "map"), info, grid.ravel())


def sonar(run: Run) -> Iterator[Published]:
    """The sonar in the bumper."""
    shapes, rng = hall(), run.rng(6)
    for secs in run.ticks(20).tolist():
        near = sensors.ranges(shapes, run.pose(secs)) + float(rng.normal(0, 0.004))
        yield (
            secs,
            ros.sensor_msgs__msg__Range(
                msg.header(nanos(secs), "sonar_link"), 0, 0.28, 0.02, sensors.SONAR_REACH_METERS, max(near, 0.02)
            ),
        )


def bumper(run: Run) -> Iterator[Published]:
    """Whether the bumper is pressed."""
    for secs in run.ticks(10).tolist():
        yield secs, ros.std_msgs__msg__Bool(HITS <= secs < 17.5)


def battery(run: Run) -> Iterator[Published]:
    """The battery, twice a second."""
    used, rng = 0.0, run.rng(7)
    for secs in run.ticks(2).tolist():
        current = sensors.current_amperes(run.drive, secs)
        used += current * 0.5 / 3600
        volts = 25.3 - 0.09 * current - 4 * used + float(rng.normal(0, 0.01))
        head, cells = msg.header(nanos(secs), "base_link"), np.full(7, volts / 7, np.float32)
        no_floats = np.zeros(0, np.float32)
        yield (
            secs,
            ros.sensor_msgs__msg__BatteryState(
                head,
                volts,
                24.0,
                -current,
                5.0 - used,
                6.0,
                6.0,
                (5.0 - used) / 6.0,
                2,
                1,
                2,
                True,
                cells,
                no_floats,
                "bay 1",
                "B-07",
            ),
        )


def temperature(run: Run) -> Iterator[Published]:
    """The left motor's winding, twice a second."""
    degrees, rng = 34.0, run.rng(8)
    for secs in run.ticks(2).tolist():
        current = sensors.current_amperes(run.drive, secs)
        degrees += 0.5 * (0.045 * current**2 - 0.012 * (degrees - 21))
        noisy = degrees + float(rng.normal(0, 0.1))
        yield secs, ros.sensor_msgs__msg__Temperature(msg.header(nanos(secs), "left_wheel_link"), noisy, 0.25)


def diagnostics(run: Run) -> Iterator[Published]:
    """The base controller's state: every four seconds, and when it changes."""
    changes = [HITS + 0.1, STOPS_SPINNING + 0.1, SETS_OUT_AGAIN + 0.1]
    for secs in sorted([*run.ticks(0.25, 0.5).tolist(), *(t for t in changes if t < run.duration_secs)]):
        level, sentence, values = sensors.diagnosis(run.drive, secs)
        yield secs, msg.diagnostics(nanos(secs), "base_controller: drive", level, sentence, values)


def logs(run: Run) -> Iterator[Published]:
    """What the nodes had to say."""
    for secs, level, node, text in robot.STORY:
        if secs < run.duration_secs:
            yield (
                secs,
                ros.rcl_interfaces__msg__Log(msg.stamp(nanos(secs)), level, node, text, f"{node}.cpp", "spin", 118),
            )


def modes(run: Run) -> Iterator[Published]:
    """What the robot is doing."""
    for secs, mode in robot.MODES:
        if secs < run.duration_secs:
            yield secs, ros.std_msgs__msg__String(mode)


def marker_array(markers: list[Any]) -> Message:
    """Markers as one message. (rosbags' hints name an older store's Marker here.)"""
    return ros.visualization_msgs__msg__MarkerArray(markers)


def body(_: Run) -> Iterator[Published]:
    """The robot's own looks."""
    yield 0.1, marker_array(robot.body(nanos(0.1)))


def objects(run: Run) -> Iterator[Published]:
    """What the robot knows to stand around, once a second."""
    for secs in run.ticks(1, 0.5).tolist():
        known = robot.objects(nanos(secs), [s for s in hall() if s is not CRATE])
        if secs > HITS:
            known += robot.pallet(nanos(secs))
        yield secs, marker_array(known)


def velocity(run: Run) -> Iterator[Published]:
    """An arrow as long as the robot is fast."""
    for secs in run.ticks(10).tolist():
        yield secs, robot.velocity(nanos(secs), float(run.drive.at(run.drive.wheel_speed, secs)))


TOPICS = (
    Topic("/tf_static", "tf2_msgs/msg/TFMessage", static_frames, latched=True),
    Topic("/robot_body", "visualization_msgs/msg/MarkerArray", body, latched=True),
    Topic("/map", "nav_msgs/msg/OccupancyGrid", maps, latched=True),
    Topic("/tf", "tf2_msgs/msg/TFMessage", frames),
    Topic("/joint_states", "sensor_msgs/msg/JointState", joint_states),
    Topic("/odom", "nav_msgs/msg/Odometry", odometry),
    Topic("/imu/data", "sensor_msgs/msg/Imu", imu, best_effort=True),
    Topic("/scan", "sensor_msgs/msg/LaserScan", scans, 12.0, best_effort=True),
    Topic("/lidar/points", "sensor_msgs/msg/PointCloud2", clouds, 25.0, best_effort=True),
    Topic("/camera/camera_info", "sensor_msgs/msg/CameraInfo", calibration, 8.0),
    Topic("/camera/image_raw", "sensor_msgs/msg/Image", raw_pictures, 30.0, best_effort=True),
    Topic("/camera/image_raw/compressed", "sensor_msgs/msg/CompressedImage", jpeg_pictures, 35.0, best_effort=True),
    Topic("/depth_camera/camera_info", "sensor_msgs/msg/CameraInfo", depth_calibration, 8.0),
    Topic("/depth_camera/image_raw", "sensor_msgs/msg/Image", depth_pictures, 30.0, best_effort=True),
    Topic("/sonar", "sensor_msgs/msg/Range", sonar),
    Topic("/bumper", "std_msgs/msg/Bool", bumper),
    Topic("/gps/fix", "sensor_msgs/msg/NavSatFix", positions, 60.0),
    Topic("/battery", "sensor_msgs/msg/BatteryState", battery),
    Topic("/motor/temperature", "sensor_msgs/msg/Temperature", temperature),
    Topic("/cmd_vel", "geometry_msgs/msg/Twist", commands),
    Topic("/pose", "geometry_msgs/msg/PoseStamped", poses, 15.0),
    Topic("/plan", "nav_msgs/msg/Path", plans),
    Topic("/driven_path", "nav_msgs/msg/Path", driven),
    Topic("/objects", "visualization_msgs/msg/MarkerArray", objects),
    Topic("/velocity", "visualization_msgs/msg/Marker", velocity),
    Topic("/mode", "std_msgs/msg/String", modes),
    Topic("/diagnostics", "diagnostic_msgs/msg/DiagnosticArray", diagnostics),
    Topic("/rosout", "rcl_interfaces/msg/Log", logs),
)
