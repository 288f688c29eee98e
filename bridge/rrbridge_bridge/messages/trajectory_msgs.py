"""trajectory_msgs: what joints are to do, point by point."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.columns import STAMP, Columns, Emit, Ragged, nanos, take
from rrbridge.stages import Messages
from rrbridge_bridge.messages._fields import floats, xyz
from rrbridge_bridge.messages._registry import adapters

__all__ = ["joint_point"]

_QUANTITIES = ("positions", "velocities", "accelerations", "effort")


def joint_point(point: Columns, names: Ragged | None, at: str = "") -> Iterator[Emit]:
    """A `JointTrajectoryPoint`: positions (rad or m) and their derivatives, a series per joint."""
    lines = [] if names is None else [rr.SeriesLines.columns(names=names)]
    for quantity in _QUANTITIES:
        values = point.get(quantity)
        if values is not None:
            yield Emit([rr.Scalars.columns(scalars=floats(values)), *lines], at=f"{at}/{quantity}".lstrip("/"))


@adapters("trajectory_msgs/msg/JointTrajectoryPoint")
def joint_trajectory_point(msgs: Columns) -> Iterator[Emit]:
    """What joints are to do at one time."""
    yield from joint_point(msgs, None)


@adapters.stage("trajectory_msgs/msg/JointTrajectory", start=None)
def joint_trajectory(_state: None, msgs: Messages) -> tuple[None, list[Emit]]:
    """The plan as curves: each point at the time that it is for, by the stamp's timeline.

    A stamp of 0 asks to begin at once, so such a plan counts from when it was sent: a stage, because only these know when.
    """
    plans = msgs.columns
    points = plans.points
    rows = points.row_of_value
    stamps = nanos(plans.header.stamp)
    start = np.where(stamps == 0, msgs.publish_time_nanos, stamps)[rows]
    times = [TimeColumn.of(STAMP, TimeKind.TIMESTAMP, start + nanos(points.values.time_from_start))]
    names = take(plans.joint_names, rows)
    return None, [Emit(emit.columns, at=emit.at, rows=rows, times=times) for emit in joint_point(points.values, names)]


@adapters("trajectory_msgs/msg/MultiDOFJointTrajectory")
def multi_dof_joint_trajectory(msgs: Columns) -> Iterator[Emit]:
    """The way of each joint as a line."""
    yield Emit(_ways(msgs.points))


@adapters("trajectory_msgs/msg/MultiDOFJointTrajectoryPoint")
def multi_dof_joint_trajectory_point(msgs: Columns) -> Iterator[Emit]:
    """Where joints are to be at one time."""
    yield Emit(rr.Points3D.columns(positions=Ragged(msgs.transforms.offsets, xyz(msgs.transforms.values.translation))))


def _ways(points: Ragged) -> rr.ComponentColumnList:
    """A strip for each joint of each message, through its places point by point."""
    places = points.values.transforms
    row = points.row_of_value[places.row_of_value]
    joint = np.arange(len(row)) - places.offsets[places.row_of_value]
    order = np.lexsort((joint, row))
    starts = _starts_of_runs(np.stack([row[order], joint[order]], axis=-1))
    strips = Ragged(np.append(starts, len(order)), xyz(places.values.translation)[order])
    per_message = np.bincount(row[order][starts], minlength=len(points))
    return rr.LineStrips3D.columns(strips=Ragged.from_lengths(per_message, strips))


def _starts_of_runs(keys: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    if not len(keys):
        return np.empty(0, np.int64)
    return np.flatnonzero(np.concatenate([[True], (keys[1:] != keys[:-1]).any(axis=1)]))
