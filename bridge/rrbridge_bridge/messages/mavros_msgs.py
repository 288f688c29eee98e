"""mavros_msgs: what an autopilot says of itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import rrbridge as rr
from rrbridge.columns import Columns, Emit, Ragged
from rrbridge_bridge.messages._drawing import vector
from rrbridge_bridge.messages._fields import custom, numbers_of, xyz
from rrbridge_bridge.messages._registry import adapters
from rrbridge_bridge.messages.geographic import latitude_longitude

# MAVLink's MAV_SEVERITY: emergency, alert, critical, error, warning, notice, info, debug.
_SEVERITIES = np.array([*["CRITICAL"] * 3, "ERROR", "WARN", "INFO", "INFO", "DEBUG"], object)
_COLORS = np.array([*[0x8B0000FF] * 3, 0xFF0000FF, 0xFFA500FF, 0x0080FFFF, 0x0080FFFF, 0x808080FF], np.uint32)
# MAVLink's MAV_FRAME: latitude and longitude in these, metres in the others.
_GLOBAL_FRAMES = (0, 3, 5, 6, 10, 11)


@adapters("mavros_msgs/msg/State")
def state(msgs: Columns) -> Iterator[Emit]:
    """The mode as a state, whether it is armed and so on as a plot."""
    yield Emit(rr.StateChange.columns(state=msgs.mode), at="mode")
    yield from numbers_of(msgs)


@adapters("mavros_msgs/msg/StatusText")
def status_text(msgs: Columns) -> Iterator[Emit]:
    """A log line."""
    rank = np.minimum(msgs.severity, len(_SEVERITIES) - 1)
    yield Emit(rr.TextLog.columns(text=msgs.text, level=_SEVERITIES[rank], color=_COLORS[rank]))


@adapters("mavros_msgs/msg/HomePosition")
def home_position(msgs: Columns) -> Iterator[Emit]:
    """Where it will return to: on Earth, and in the local frame."""
    altitude = custom("altitude", msgs.geo.altitude, "mavros_msgs.msg.HomePosition")
    yield Emit([rr.GeoPoints.columns(positions=latitude_longitude(msgs.geo)), altitude])
    yield Emit(rr.Points3D.columns(positions=xyz(msgs.position)), at="position")


@adapters("mavros_msgs/msg/WaypointList")
def waypoint_list(msgs: Columns) -> Iterator[Emit]:
    """The places of a mission that are on Earth, and the way from each to the next."""
    each = msgs.waypoints.values
    placed = np.isin(each.frame, _GLOBAL_FRAMES) & ((each.x_lat != 0) | (each.y_long != 0))
    places = np.stack([each.x_lat, each.y_long], axis=-1)[placed]
    lengths = np.bincount(msgs.waypoints.row_of_value[placed], minlength=len(msgs))
    strips = Ragged.from_lengths(lengths, places)
    yield Emit([rr.GeoPoints.columns(positions=strips), rr.GeoLineStrings.columns(line_strings=strips)])


@adapters("mavros_msgs/msg/PositionTarget")
def position_target(msgs: Columns) -> Iterator[Emit]:
    """Where to be, and how fast to go there."""
    yield Emit(rr.Points3D.columns(positions=xyz(msgs.position)))
    yield from vector("velocity", msgs.velocity)
    yield from numbers_of(msgs)


@adapters("mavros_msgs/msg/GlobalPositionTarget")
def global_position_target(msgs: Columns) -> Iterator[Emit]:
    """Where on Earth to be."""
    yield Emit(rr.GeoPoints.columns(positions=latitude_longitude(msgs)))
    yield from numbers_of(msgs, without=("latitude", "longitude"))


@adapters("mavros_msgs/msg/Vibration")
def vibration(msgs: Columns) -> Iterator[Emit]:
    """How much it shakes."""
    yield from vector("vibration", msgs.vibration)
    yield from numbers_of(msgs)


@adapters(
    *(
        f"mavros_msgs/msg/{name}"
        for name in (
            *("ActuatorControl", "Altitude", "AttitudeTarget", "BatteryStatus", "EstimatorStatus", "ExtendedState"),
            *("RCIn", "RCOut", "Thrust", "TimesyncStatus", "VFR_HUD", "VfrHud"),
        )
    )
)
def numbers(msgs: Columns) -> Iterator[Emit]:
    """All numbers of the message."""
    yield from numbers_of(msgs)
