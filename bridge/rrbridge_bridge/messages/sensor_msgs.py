"""sensor_msgs: everything but images and point clouds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge.columns import Columns, Emit, Ragged, Text
from rrbridge_bridge.frames import IMAGE_PLANE
from rrbridge_bridge.messages._drawing import AXES_LENGTH, axes
from rrbridge_bridge.messages._fields import (
    custom,
    floats,
    named_scalars,
    numbers_of,
    quaternion,
    seconds,
    series_names,
    xyz,
)
from rrbridge_bridge.messages._registry import adapters
from rrbridge_bridge.messages._rotations import orientation, roll_pitch_yaw


@adapters("sensor_msgs/msg/CameraInfo", reference=True)
def camera_info(msgs: Columns) -> Iterator[Emit]:
    """A calibrated camera; its images lie in the frame `<camera frame>_image_plane`."""
    rows = np.flatnonzero(msgs.k.any(axis=1))
    frames = msgs.header.frame_id
    codes, names = frames.dictionary()
    planes = np.array([name + IMAGE_PLANE for name in names], object)
    size = np.stack([msgs.width, msgs.height], axis=-1)
    yield Emit(
        rr.Pinhole.columns(
            image_from_camera=msgs.k[rows].reshape(-1, 3, 3),
            resolution=size[rows],
            parent_frame=np.array(names, object)[codes[rows]],
            child_frame=planes[codes[rows]],
        ),
        rows=rows,
    )


@adapters("sensor_msgs/msg/LaserScan")
def laser_scan(msgs: Columns) -> Iterator[Emit]:
    """The places that a planar lidar hit; rays without an echo inside the sensor's range are left out."""
    yield from _hits(msgs, msgs.ranges, msgs.intensities)


@adapters("sensor_msgs/msg/MultiEchoLaserScan")
def multi_echo_laser_scan(msgs: Columns) -> Iterator[Emit]:
    """The first thing that each ray of a planar lidar hit."""
    yield from _hits(msgs, _first_echoes(msgs.ranges), _first_echoes(msgs.intensities))


def _first_echoes(rays: Ragged) -> Ragged:
    """One value per ray; NaN where nothing came back."""
    echoes: Ragged = rays.values.echoes
    first = np.full(len(echoes), np.nan, np.float32)
    some = echoes.lengths > 0
    first[some] = echoes.values[echoes.offsets[:-1][some]]
    return Ragged(rays.offsets, first)


def _hits(msgs: Columns, ranges: Ragged, intensities: Ragged) -> Iterator[Emit]:
    lengths = ranges.lengths
    cosine, sine = _directions(msgs, lengths)
    distance = ranges.values.reshape(
        (-1, len(cosine)) if len(cosine) else (0, 0)
    )  # by scan where all have the same angles
    nearest, farthest = (_per_ray(limit, lengths, distance.shape) for limit in (msgs.range_min, msgs.range_max))
    seen = (distance >= nearest) & (distance <= farthest)
    if not (np.isfinite(nearest).all() and np.isfinite(farthest).all()):  # else what is between them is finite
        seen &= np.isfinite(distance)
    if not np.isfinite(cosine).all():
        seen &= np.isfinite(cosine)
    planar = np.empty((*distance.shape, 3), np.float32)
    with np.errstate(invalid="ignore", over="ignore"):  # rays that hit nothing
        for axis, direction in enumerate((cosine, sine)):  # in single precision, three times as fast
            np.multiply(distance, direction.astype(np.float32), out=planar[..., axis], casting="same_kind")
    planar[..., 2] = 0
    hit = None if seen.all() else np.flatnonzero(seen)
    if hit is None:
        places = Ragged(ranges.offsets, planar.reshape(-1, 3))
    else:
        elements = planar.reshape(-1, 3).view("V12").reshape(-1)  # ten times as fast as rows
        points = elements[seen.reshape(-1)].view(np.float32).reshape(-1, 3)
        places = Ragged(np.searchsorted(hit, ranges.offsets), points)
    yield Emit(rr.Points3D.columns(positions=places))
    full = (intensities.lengths == lengths) & (intensities.lengths > 0)
    if full.any():
        rows = np.flatnonzero(full)
        scan = places.row_of_value
        chosen = full[scan]
        hit = np.arange(seen.size) if hit is None else hit
        of_hit = (hit - ranges.offsets[scan] + intensities.offsets[scan])[chosen]
        brightness = Ragged.from_lengths(places.lengths[rows], intensities.values[of_hit])
        yield Emit(custom("Points3D:intensity", brightness, "rerun.archetypes.Points3D"), rows=rows)


def _per_ray(limit: npt.NDArray[Any], lengths: npt.NDArray[np.int64], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """A number of each scan for each of its rays; a single one where all scans have the same."""
    if len(limit) and (limit == limit[0]).all():
        return limit[:1]
    return np.repeat(limit, lengths).reshape(shape)


def _directions(
    msgs: Columns, lengths: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Cosine and sine of each ray's angle; those of a single scan where all have the same angles, as those of one lidar have."""
    sweeps = np.stack([msgs.angle_min, msgs.angle_increment, lengths], axis=-1).astype(np.float64)
    if len(sweeps) and (sweeps == sweeps[0]).all():
        start, step, count = sweeps[0].tolist()
        return _cosine_sine(start, step, int(count))
    distinct, which = np.unique(sweeps, axis=0, return_inverse=True)
    tables = [_cosine_sine(start, step, int(count)) for start, step, count in distinct.tolist()]
    order = which.reshape(-1).tolist()
    cosine, sine = (np.concatenate([tables[i][k] for i in order]) if order else np.empty(0, np.float32) for k in (0, 1))
    return cosine, sine


def _cosine_sine(start: float, step: float, count: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    with np.errstate(invalid="ignore", over="ignore"):  # of a scan without angles
        angles = start + np.arange(count) * step
        return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


@adapters("sensor_msgs/msg/Imu", reference=True)
def imu(msgs: Columns) -> Iterator[Emit]:
    """Turn rates (rad/s) and accelerations (m/s²) as one plot of six series."""
    rates, accelerations = xyz(msgs.angular_velocity), xyz(msgs.linear_acceleration)
    yield series_names([f"{sensor}/{axis}" for sensor in ("gyroscope", "accelerometer") for axis in "xyz"])
    yield Emit(
        [
            rr.Scalars.columns(scalars=np.concatenate([rates, accelerations], axis=1)),
            custom("sensor_msgs.msg.Imu:orientation", quaternion(msgs.orientation), "sensor_msgs.msg.Imu"),
        ]
    )
    yield from _turned(msgs)


def _turned(msgs: Columns) -> Iterator[Emit]:
    """How an IMU is turned against the world, where it knows (REP 145: else the covariance begins with -1).

    As roll, pitch and yaw in radians, and as axes in a space of its own: in the sensor's frame, which turns with the sensor,
    they would turn twice.
    """
    rows = np.flatnonzero((msgs.orientation_covariance[:, 0] != -1) & quaternion(msgs.orientation).any(axis=1))
    turns = orientation(msgs.orientation)[rows]
    yield series_names(["roll", "pitch", "yaw"], "orientation")
    columns = [
        rr.Scalars.columns(scalars=roll_pitch_yaw(turns)),
        rr.TransformAxes3D.columns(axis_length=np.full(len(rows), AXES_LENGTH)),
        rr.InstancePoses3D.columns(quaternions=turns),
        rr.CoordinateFrame.columns(frame=Text.repeated("", len(rows))),
    ]
    yield Emit(columns, at="orientation", rows=rows)


@adapters("sensor_msgs/msg/MagneticField", reference=True)
def magnetic_field(msgs: Columns) -> Iterator[Emit]:
    """The field as an arrow, in tesla."""
    yield Emit(rr.Arrows3D.columns(vectors=xyz(msgs.magnetic_field)))


@adapters("sensor_msgs/msg/JointState", reference=True)
def joint_state(msgs: Columns) -> Iterator[Emit]:
    """Positions (rad or m), velocities and efforts, a series per joint."""
    names = rr.SeriesLines.columns(names=msgs.name)
    for quantity in ("position", "velocity", "effort"):
        yield Emit([rr.Scalars.columns(scalars=msgs[quantity]), names], at=quantity)


@adapters("sensor_msgs/msg/Joy", reference=True)
def joy(msgs: Columns) -> Iterator[Emit]:
    """Axes and buttons of a game pad."""
    for part in ("axes", "buttons"):
        values = Ragged(msgs[part].offsets, msgs[part].values.astype(np.float64))
        yield Emit(rr.Scalars.columns(scalars=values), at=part)


@adapters("sensor_msgs/msg/NavSatFix", reference=True)
def nav_sat_fix(msgs: Columns) -> Iterator[Emit]:
    """A place on Earth, and the altitude above the ellipsoid in metres."""
    yield Emit(
        [
            rr.GeoPoints.columns(positions=np.stack([msgs.latitude, msgs.longitude], axis=-1)),
            custom("altitude", msgs.altitude, "sensor_msgs.msg.NavSatFix"),
        ]
    )


@adapters("sensor_msgs/msg/Range", reference=True)
def range_(msgs: Columns) -> Iterator[Emit]:
    """A distance and its limits, metres."""
    yield from named_scalars({"range": msgs.range, "min_range": msgs.min_range, "max_range": msgs.max_range})


@adapters("sensor_msgs/msg/BatteryState", reference=True)
def battery_state(msgs: Columns) -> Iterator[Emit]:
    """Charge (0 … 1), volts, amperes, ampere hours, degrees Celsius."""
    series = {name: msgs[name] for name in ("percentage", "voltage", "current", "charge")}
    yield from named_scalars(series | {"temperature": msgs.get("temperature", np.full(len(msgs), np.nan))})


@adapters("sensor_msgs/msg/TimeReference")
def time_reference(msgs: Columns) -> Iterator[Emit]:
    """By how many seconds another clock is ahead of the stamp's."""
    ahead = seconds(msgs.time_ref) - seconds(msgs.header.stamp)
    yield Emit(rr.Scalars.columns(scalars=ahead))


@adapters("sensor_msgs/msg/LaserEcho")
def laser_echo(msgs: Columns) -> Iterator[Emit]:
    """The echoes of one ray."""
    yield Emit(rr.Scalars.columns(scalars=floats(msgs.echoes)))


@adapters("sensor_msgs/msg/ChannelFloat32")
def channel(msgs: Columns) -> Iterator[Emit]:
    """A number for each point of a cloud."""
    yield Emit(rr.Scalars.columns(scalars=floats(msgs["values"])))


@adapters("sensor_msgs/msg/NavSatStatus")
def nav_sat_status(msgs: Columns) -> Iterator[Emit]:
    """Whether there is a fix, and by which satellites."""
    yield from numbers_of(msgs)


@adapters("sensor_msgs/msg/JoyFeedback")
def joy_feedback(msgs: Columns) -> Iterator[Emit]:
    """How strongly a lamp shines, a motor shakes or a buzzer sounds."""
    yield Emit(rr.Scalars.columns(scalars=msgs.intensity.astype(np.float64)))


@adapters("sensor_msgs/msg/JoyFeedbackArray")
def joy_feedback_array(msgs: Columns) -> Iterator[Emit]:
    """The same of several."""
    yield Emit(rr.Scalars.columns(scalars=Ragged(msgs.array.offsets, msgs.array.values.intensity.astype(np.float64))))


@adapters("sensor_msgs/msg/RegionOfInterest")
def region_of_interest(msgs: Columns) -> Iterator[Emit]:
    """A part of a picture, pixels."""
    corner, size = np.stack([msgs.x_offset, msgs.y_offset], axis=-1), np.stack([msgs.width, msgs.height], axis=-1)
    half_sizes = size.astype(np.float64) / 2
    yield Emit(rr.Boxes2D.columns(centers=corner + half_sizes, half_sizes=half_sizes))


@adapters("sensor_msgs/msg/MultiDOFJointState")
def multi_dof_joint_state(msgs: Columns) -> Iterator[Emit]:
    """Where joints that move freely are, as their axes."""
    transforms = msgs.transforms
    yield axes()
    yield Emit(
        rr.InstancePoses3D.columns(
            translations=Ragged(transforms.offsets, xyz(transforms.values.translation)),
            quaternions=Ragged(transforms.offsets, quaternion(transforms.values.rotation)),
        )
    )


def _measurement(field: str, unit: str | None, *msgtypes: str) -> None:
    @adapters(*msgtypes, reference=True)
    def measurement(msgs: Columns) -> Iterator[Emit]:
        values = msgs[field].astype(np.float64)
        units = None if unit is None else [unit] * len(msgs)
        yield Emit(rr.Measurements.columns(values=values, variances=msgs.variance, units=units))


_measurement("temperature", "°C", "sensor_msgs/msg/Temperature")
_measurement("fluid_pressure", "Pa", "sensor_msgs/msg/FluidPressure")
_measurement("relative_humidity", None, "sensor_msgs/msg/RelativeHumidity")
_measurement("illuminance", "lux", "sensor_msgs/msg/Illuminance")
