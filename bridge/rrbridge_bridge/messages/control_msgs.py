"""control_msgs: what controllers want, see and do, as plots."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow.compute as pc

import rrbridge as rr
from rrbridge._arrow import primitive, text_scalar
from rrbridge.columns import Columns, Emit, Ragged
from rrbridge_bridge.messages._fields import floats, numbers_of, path_parts
from rrbridge_bridge.messages._registry import adapters
from rrbridge_bridge.messages.trajectory_msgs import joint_point

_PARTS = ("reference", "feedback", "error", "output", "desired", "actual")
"""Of a trajectory controller; the last two are what older ones call the first two."""


@adapters("control_msgs/msg/JointTrajectoryControllerState")
def joint_trajectory_controller_state(msgs: Columns) -> Iterator[Emit]:
    """What the joints should do, what they do, and the difference."""
    for part in _PARTS:
        if part in msgs:
            yield from joint_point(msgs[part], msgs.joint_names, at=part)


@adapters("control_msgs/msg/JointJog")
def joint_jog(msgs: Columns) -> Iterator[Emit]:
    """By how much, or how fast, joints are to move."""
    names = rr.SeriesLines.columns(names=msgs.joint_names)
    for quantity in ("displacements", "velocities"):
        yield Emit([rr.Scalars.columns(scalars=floats(msgs[quantity])), names], at=quantity)


@adapters("control_msgs/msg/MultiDOFCommand")
def multi_dof_command(msgs: Columns) -> Iterator[Emit]:
    """A value for each degree of freedom."""
    names = rr.SeriesLines.columns(names=msgs.dof_names)
    for quantity in ("values", "values_dot"):
        yield Emit([rr.Scalars.columns(scalars=floats(msgs[quantity])), names], at=quantity)


@adapters("control_msgs/msg/DynamicJointState")
def dynamic_joint_state(msgs: Columns) -> Iterator[Emit]:
    """Every interface of every joint as a plot: `<joint>/<interface>`."""
    interfaces: Ragged = msgs.interface_values
    # A joint without interfaces, or more of the one than of the other, is not as it should be; what fits is shown.
    joints = np.minimum(interfaces.lengths, msgs.joint_names.lengths)
    each = interfaces.values
    nth = np.arange(len(each)) - np.repeat(interfaces.offsets[:-1], interfaces.lengths)
    named = np.flatnonzero(
        (nth < joints[interfaces.row_of_value]) & (each.interface_names.lengths == each["values"].lengths)
    )
    value = np.flatnonzero(np.isin(each["values"].row_of_value, named))
    joint = each["values"].row_of_value[value]
    place_of_name = msgs.joint_names.offsets[interfaces.row_of_value[joint]] + nth[joint]
    nth_value = value - each["values"].offsets[joint]
    paths = pc.binary_join_element_wise(
        path_parts(msgs.joint_names.values).take(primitive(place_of_name)),
        path_parts(each.interface_names.values).take(primitive(each.interface_names.offsets[joint] + nth_value)),
        text_scalar("/"),
    )
    yield Emit(
        rr.Scalars.columns(scalars=each["values"].values[value].astype(np.float64)),
        at=paths.to_pylist(),
        rows=interfaces.row_of_value[joint],
    )


@adapters(
    *(
        f"control_msgs/msg/{name}"
        for name in (
            *("GripperCommand", "InterfaceValue", "JointControllerState", "JointTolerance", "PidState"),
            *("SingleDOFState", "SteeringControllerStatus"),
        )
    )
)
def numbers(msgs: Columns) -> Iterator[Emit]:
    """All numbers of the message."""
    yield from numbers_of(msgs)
