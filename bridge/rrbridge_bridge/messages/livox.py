"""Livox's own clouds, which its driver sends in place of a PointCloud2, for the time of each point."""

from __future__ import annotations

from collections.abc import Iterator

import rrbridge as rr
from rrbridge.columns import Columns, Emit, Ragged
from rrbridge_bridge.messages._fields import custom, xyz
from rrbridge_bridge.messages._registry import adapters

_POINTS3D = "rerun.archetypes.Points3D"


@adapters("livox_ros_driver/msg/CustomMsg", "livox_ros_driver2/msg/CustomMsg", "livox_interfaces/msg/CustomMsg")
def custom_msg(msgs: Columns) -> Iterator[Emit]:
    """The points, metres, with all that is said of each: reflectivity, line, tag, nanoseconds since the first."""
    points, each = msgs.points, msgs.points.values
    values = [
        custom(f"Points3D:{name}", Ragged(points.offsets, each[name]), _POINTS3D) for name in each if name not in "xyz"
    ]
    yield Emit([rr.Points3D.columns(positions=Ragged(points.offsets, xyz(each))), *values])
