"""trajectory_msgs: what joints are to do, point by point."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.columns import STAMP, Columns, Emit, Ragged, nanos, take
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


@adapters("trajectory_msgs/msg/JointTrajectory")
def joint_trajectory(msgs: Columns) -> Iterator[Emit]:
    """The plan as curves: each point at the time that it is for, by the stamp's timeline (where a stamp of 0 means "now")."""
    points = msgs.points
    rows = points.row_of_value
    names = take(msgs.joint_names, rows)
    times = _planned(msgs, points)
    for emit in joint_point(points.values, names):
        yield Emit(emit.columns, at=emit.at, rows=rows, times=times)


@adapters("trajectory_msgs/msg/MultiDOFJointTrajectory")
def multi_dof_joint_trajectory(msgs: Columns) -> Iterator[Emit]:
    """The way of each joint as a line."""
    yield Emit(_ways(msgs.points))


@adapters("trajectory_msgs/msg/MultiDOFJointTrajectoryPoint")
def multi_dof_joint_trajectory_point(msgs: Columns) -> Iterator[Emit]:
    """Where joints are to be at one time."""
    yield Emit(rr.Points3D.columns(positions=Ragged(msgs.transforms.offsets, xyz(msgs.transforms.values.translation))))


def _planned(msgs: Columns, points: Ragged) -> list[TimeColumn]:
    start = nanos(msgs.header.stamp)[points.row_of_value]
    return [TimeColumn.of(STAMP, TimeKind.TIMESTAMP, start + nanos(points.values.time_from_start))]


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
