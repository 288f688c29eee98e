"""Log messages: rcl_interfaces (ROS 2) and rosgraph_msgs (ROS 1)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

import rrbridge as rr
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.columns import STAMP, Columns, Emit, nanos
from rrbridge_bridge.messages._fields import custom
from rrbridge_bridge.messages._registry import adapters

# The reference's own choice of words and colours per level.
_LEVELS = (
    ("TRACE", 0x808080FF),
    ("DEBUG", 0x808080FF),
    ("INFO", 0x0080FFFF),
    ("WARN", 0xFFFF00FF),
    ("ERROR", 0xFF0000FF),
    ("CRITICAL", 0xFF0000FF),
)
_ROS2_LEVELS = np.array([10, 20, 30, 40, 50])
_ROS1_LEVELS = np.array([1, 2, 4, 8, 16])


def _lines(msgs: Columns, rank: npt.NDArray[np.int64]) -> rr.ComponentColumnList:
    text = pc.binary_join_element_wise("[", msgs.name.to_arrow(), "] ", msgs.msg.to_arrow(), "")
    names = np.array([name for name, _ in _LEVELS], object)
    colors = np.array([color for _, color in _LEVELS], np.uint32)
    return rr.TextLog.columns(text=text, level=names[rank], color=colors[rank])


@adapters("rcl_interfaces/msg/Log", reference=True)
def rcl_log(msgs: Columns) -> Iterator[Emit]:
    """A line that a ROS 2 node logged, and where in its source."""
    archetype = "rcl_interfaces.msg.Log"
    yield Emit(
        [
            _lines(msgs, np.searchsorted(_ROS2_LEVELS, msgs.level, side="right")),
            custom("file", msgs.file, archetype),
            custom("function", msgs.function, archetype),
            custom("line", msgs.line, archetype),
        ],
        times=[TimeColumn.of(STAMP, TimeKind.TIMESTAMP, nanos(msgs.stamp))],
    )


@adapters("rosgraph_msgs/msg/Log")
def rosgraph_log(msgs: Columns) -> Iterator[Emit]:
    """A line that a ROS 1 node logged."""
    yield Emit(_lines(msgs, np.searchsorted(_ROS1_LEVELS, msgs.level, side="right")))
