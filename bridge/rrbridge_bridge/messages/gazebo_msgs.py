"""gazebo_msgs: where a simulator has its models and links, and how fast they go."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import rrbridge as rr
from rrbridge.columns import Columns, Emit, take
from rrbridge_bridge.messages._drawing import AXES_LENGTH, axes_at, vectors
from rrbridge_bridge.messages._fields import path_parts, quaternion, xyz
from rrbridge_bridge.messages._registry import adapters


@adapters("gazebo_msgs/msg/ModelStates", "gazebo_msgs/msg/LinkStates")
def states(msgs: Columns) -> Iterator[Emit]:
    """The axes of each, below its name, in the world's frame."""
    names, poses = msgs.name, msgs.pose
    rows = poses.row_of_value
    nth = np.arange(len(rows)) - (poses.offsets[:-1] - poses.offsets[0])[rows]
    named = np.flatnonzero(nth < names.lengths[rows])
    rows = rows[named]
    pose = take(poses.values, named)
    at = path_parts(take(names.values, names.offsets[:-1][rows] + nth[named]))
    yield Emit(
        [
            rr.InstancePoses3D.columns(translations=xyz(pose.position), quaternions=quaternion(pose.orientation)),
            rr.TransformAxes3D.columns(axis_length=np.full(len(rows), AXES_LENGTH)),
        ],
        at=at.to_pylist(),
        rows=rows,
    )


@adapters("gazebo_msgs/msg/ModelState", "gazebo_msgs/msg/LinkState", "gazebo_msgs/msg/EntityState")
def state(msgs: Columns) -> Iterator[Emit]:
    """Where to put one, and how fast it is to go."""
    yield from axes_at(msgs.pose)
    yield from vectors(("linear", msgs.twist.linear), ("angular", msgs.twist.angular))
