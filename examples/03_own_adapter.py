"""Teach rrbridge a message type of your own.

An adapter is a pure function over columns: N messages in, archetype columns out. So trying it is a call; no bag, no robot.
To have `rrbridge convert`, `record` and `view` use it, name the `adapters` object in your package's `pyproject.toml`:

    [project.entry-points."rrbridge.adapters"]
    my_robot = "my_robot.rrbridge:adapters"
"""

from collections.abc import Iterator

import numpy as np

import rrbridge as rr
from rrbridge.adapters import Adapters
from rrbridge.columns import Columns, Emit, Ragged

adapters = Adapters()


@adapters("my_robot_msgs/msg/Gripper")
def gripper(msgs: Columns) -> Iterator[Emit]:
    """How far the gripper is open (m) as a plot, and where its finger tips touch something as points."""
    yield Emit(rr.Scalars.columns(scalars=msgs.opening), at="opening")
    touches = msgs.touches  # geometry_msgs/Point[]: one list of points per message
    tips = np.stack([touches.values.x, touches.values.y, touches.values.z], axis=-1)
    yield Emit(rr.Points3D.columns(positions=Ragged(touches.offsets, tips)), at="touches")


# Three messages: the first touches nothing, the second touches at one point, the third at two.
points = Columns(3, {"x": np.array([0.1, 0.1, 0.1]), "y": np.array([0.0, -0.02, 0.02]), "z": np.zeros(3)})
messages = Columns(3, {"opening": np.array([0.08, 0.05, 0.04]), "touches": Ragged.from_lengths([0, 1, 2], points)})

for emit in gripper(messages):
    assert isinstance(emit.columns, rr.ComponentColumnList)
    for column in emit.columns:
        print(emit.at, column.descriptor.component, column.cells.to_pylist())
