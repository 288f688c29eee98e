"""Make something of messages that needs memory: how far a robot has driven.

A stage is a pure function with a state: the state so far and N messages in, the next state and archetype columns out.
`rrbridge convert`, `record` and `view` use it once the `adapters` object is named in your package's `pyproject.toml`:

    [project.entry-points."rrbridge.adapters"]
    my_robot = "my_robot.rrbridge:adapters"
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import rrbridge as rr
from rrbridge.adapters import Adapters
from rrbridge.columns import Columns, Emit
from rrbridge.stages import Messages

adapters = Adapters()


@dataclass(frozen=True)
class Driven:
    metres: float = 0.0
    x: float | None = None
    y: float | None = None


@adapters.stage("nav_msgs/msg/Odometry", start=Driven())
def driven(state: Driven, msgs: Messages) -> tuple[Driven, list[Emit]]:
    """The way driven since the recording began, in metres."""
    at = msgs.columns.pose.pose.position
    xy = np.stack([at.x, at.y], axis=-1)
    before = np.array([state.x, state.y]) if state.x is not None else xy[0]
    steps = np.linalg.norm(np.diff(xy, axis=0, prepend=[before]), axis=1)
    metres = state.metres + np.cumsum(steps)
    after = Driven(float(metres[-1]), float(xy[-1, 0]), float(xy[-1, 1]))
    return after, [Emit(rr.Scalars.columns(scalars=metres), at="driven")]


def odometry(x: list[float]) -> Messages:
    """Messages of a robot that drives along x, one per second."""
    positions = Columns(len(x), {"x": np.array(x), "y": np.zeros(len(x))})
    pose = Columns(len(x), {"pose": Columns(len(x), {"position": positions})})
    seconds = np.arange(len(x)) * 1_000_000_000
    return Messages("/odom", Columns(len(x), {"pose": pose}), seconds, seconds)


# Two batches of one topic, as a bag or a robot brings them: the second call goes on where the first one ended.
state = Driven()
for batch in (odometry([0.0, 1.0, 3.0]), odometry([2.0, 2.5])):
    state, emits = driven(state, batch)
    for column in emits[0].columns:
        assert isinstance(column, rr.ComponentColumn)
        print(emits[0].at, column.cells.to_pylist())
assert state.metres == 4.5
