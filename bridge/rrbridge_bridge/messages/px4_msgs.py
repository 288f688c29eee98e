"""px4_msgs: what PX4 says of itself, in its own frames: north, east, down; quaternions as w, x, y, z.

Several releases call one thing by several names; what is not known is NaN, and stays so.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import rrbridge as rr
from rrbridge.columns import Columns, Emit
from rrbridge_bridge.messages._drawing import axes
from rrbridge_bridge.messages._fields import named_scalars, numbers_of
from rrbridge_bridge.messages._registry import adapters
from rrbridge_bridge.messages.receivers import place, place_of_counts

_XYZW = [1, 2, 3, 0]


@adapters("px4_msgs/msg/VehicleOdometry")
def vehicle_odometry(msgs: Columns) -> Iterator[Emit]:
    """Where the vehicle is and how it is turned, as axes; metres."""
    position = msgs.get("position")
    if position is None:
        position = np.stack([msgs.x, msgs.y, msgs.z], axis=-1)
    yield axes()
    yield Emit(rr.InstancePoses3D.columns(translations=position, quaternions=msgs.q[:, _XYZW]))
    yield from numbers_of(msgs, without=("position", "x", "y", "z", "q"))


@adapters("px4_msgs/msg/VehicleAttitude")
def vehicle_attitude(msgs: Columns) -> Iterator[Emit]:
    """How the vehicle is turned, as axes."""
    yield axes()
    yield Emit(rr.InstancePoses3D.columns(quaternions=msgs.q[:, _XYZW]))


@adapters("px4_msgs/msg/VehicleLocalPosition")
def vehicle_local_position(msgs: Columns) -> Iterator[Emit]:
    """Where the vehicle is, metres."""
    yield Emit(rr.Points3D.columns(positions=np.stack([msgs.x, msgs.y, msgs.z], axis=-1)))
    yield from numbers_of(msgs)


@adapters("px4_msgs/msg/VehicleGlobalPosition")
def vehicle_global_position(msgs: Columns) -> Iterator[Emit]:
    """Where on Earth the vehicle is."""
    yield place(msgs.lat, msgs.lon, msgs.alt)
    yield from numbers_of(msgs, without=("lat", "lon", "alt"))


@adapters("px4_msgs/msg/SensorGps")
def sensor_gps(msgs: Columns) -> Iterator[Emit]:
    """Where on Earth the receiver is: degrees, or 1e-7 of them and millimetres before PX4 1.15."""
    if "latitude_deg" in msgs:
        yield place(msgs.latitude_deg, msgs.longitude_deg, msgs.altitude_msl_m)
    else:
        yield place_of_counts(msgs.lat, msgs.lon, msgs.alt)
    yield from numbers_of(msgs, without=("latitude_deg", "longitude_deg", "lat", "lon"))


@adapters("px4_msgs/msg/SensorCombined")
def sensor_combined(msgs: Columns) -> Iterator[Emit]:
    """Turn rates (rad/s) and accelerations (m/s²)."""
    for name in ("gyro_rad", "accelerometer_m_s2"):
        yield from named_scalars(dict(zip("xyz", msgs[name].T, strict=True)), at=name)


@adapters("px4_msgs/msg/BatteryStatus")
def battery_status(msgs: Columns) -> Iterator[Emit]:
    """All numbers of the message."""
    yield from numbers_of(msgs)
