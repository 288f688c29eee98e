"""Goals of actions, of ROS 1 and ROS 2: where to go, and what became of it; and what nodes are about to do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import rrbridge as rr
from rrbridge.columns import Columns, Emit
from rrbridge_bridge.messages._drawing import axes
from rrbridge_bridge.messages._fields import quaternion, xyz
from rrbridge_bridge.messages._registry import adapters

_OF_ROS1 = np.array(
    [
        *("PENDING", "ACTIVE", "PREEMPTED", "SUCCEEDED", "ABORTED"),
        *("REJECTED", "PREEMPTING", "RECALLING", "RECALLED", "LOST", "?"),
    ],
    object,
)
_OF_ROS2 = np.array(["UNKNOWN", "ACCEPTED", "EXECUTING", "CANCELING", "SUCCEEDED", "CANCELED", "ABORTED", "?"], object)


@adapters("actionlib_msgs/msg/GoalStatusArray", "action_msgs/msg/GoalStatusArray")
def goal_statuses(msgs: Columns) -> Iterator[Emit]:
    """What became of the newest goal, as a state."""
    goals = msgs.status_list
    some = np.flatnonzero(goals.lengths)
    status = goals.values.status.astype(np.int64)[goals.offsets[1:][some] - 1]
    names = _OF_ROS2 if "goal_info" in goals.values else _OF_ROS1
    known = np.where((status >= 0) & (status < len(names)), status, len(names) - 1)
    yield Emit(rr.StateChange.columns(state=names[known]), rows=some)


@adapters("lifecycle_msgs/msg/TransitionEvent")
def transition(msgs: Columns) -> Iterator[Emit]:
    """What a node has become, as a state."""
    yield Emit(rr.StateChange.columns(state=msgs.goal_state.label))


@adapters("move_base_msgs/msg/MoveBaseActionGoal")
def move_base_goal(msgs: Columns) -> Iterator[Emit]:
    """Where the robot is to go."""
    yield from _axes_in_frame(msgs.goal.target_pose)


@adapters("move_base_msgs/msg/MoveBaseActionFeedback")
def move_base_feedback(msgs: Columns) -> Iterator[Emit]:
    """Where the robot is on its way."""
    yield from _axes_in_frame(msgs.feedback.base_position)


def _axes_in_frame(stamped: Columns) -> Iterator[Emit]:
    """A pose in the frame that it names itself, as the message's header names none."""
    pose = stamped.pose
    yield axes()
    poses = rr.InstancePoses3D.columns(translations=xyz(pose.position), quaternions=quaternion(pose.orientation))
    yield Emit([poses, rr.CoordinateFrame.columns(frame=stamped.header.frame_id)])
