"""Log lines and joints."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import rrbridge as rr
from rrbridge.columns import Columns, Emit, Ragged, present, take
from rrbridge_bridge.messages.foxglove._schema import foxglove, integers

_LEVELS = np.array(["", "DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"], object)
"""Log.Level, in the reference's words; what is unknown has none."""


@foxglove("Log", reference=True)
def log(msgs: Columns) -> Iterator[Emit]:
    """A line that a program logged."""
    levels = integers(msgs.level)
    known = (levels > 0) & (levels < len(_LEVELS))
    for rows, level in ((np.flatnonzero(known), True), (np.flatnonzero(~known), False)):
        words = _LEVELS[levels[rows]] if level else None
        yield Emit(rr.TextLog.columns(text=take(msgs.message, rows), level=words), rows=rows)


@foxglove("JointStates")
def joint_states(msgs: Columns) -> Iterator[Emit]:
    """Positions (rad or m), velocities, accelerations and efforts, a series per joint."""
    joints = msgs.joints
    for quantity in [name for name in ("position", "velocity", "acceleration", "effort") if name in joints.values]:
        known = present(joints.values, quantity)
        counts = np.bincount(joints.row_of_value[known], minlength=len(msgs))
        rows = np.flatnonzero(counts)
        values = Ragged.from_lengths(counts[rows], joints.values[quantity][known].astype(np.float64))
        names = Ragged(values.offsets, take(joints.values.name, known))
        yield Emit([rr.Scalars.columns(scalars=values), rr.SeriesLines.columns(names=names)], at=quantity, rows=rows)
