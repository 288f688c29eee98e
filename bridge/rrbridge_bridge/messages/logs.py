"""Log messages: rcl_interfaces (ROS 2) and rosgraph_msgs (ROS 1)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

import rrbridge as rr
from rrbridge._arrow import text_scalar
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.columns import STAMP, Columns, Emit, nanos
from rrbridge_bridge.messages._fields import custom
from rrbridge_bridge.messages._registry import adapters

# The reference's own choice of words and colours; what is not exactly one of ROS's levels is unknown.
_LEVELS = (
    ("UNKNOWN", 0x808080FF),
    ("DEBUG", 0x808080FF),
    ("INFO", 0x0080FFFF),
    ("WARN", 0xFFA500FF),
    ("ERROR", 0xFF0000FF),
    ("CRITICAL", 0x8B0000FF),
)
_ROS2_LEVELS = np.array([10, 20, 30, 40, 50])
_ROS1_LEVELS = np.array([1, 2, 4, 8, 16])


def _lines(msgs: Columns, levels: npt.NDArray[np.int64]) -> rr.ComponentColumnList:
    place = np.minimum(np.searchsorted(levels, msgs.level), len(levels) - 1)
    rank = np.where(levels[place] == msgs.level, place + 1, 0)
    text = pc.binary_join_element_wise(
        text_scalar("["), msgs.name.to_arrow(), text_scalar("] "), msgs.msg.to_arrow(), text_scalar("")
    )
    names = np.array([name for name, _ in _LEVELS], object)
    colors = np.array([color for _, color in _LEVELS], np.uint32)
    return rr.TextLog.columns(text=text, level=names[rank], color=colors[rank])


@adapters("rcl_interfaces/msg/Log", reference=True)
def rcl_log(msgs: Columns) -> Iterator[Emit]:
    """A line that a ROS 2 node logged, and where in its source."""
    archetype = "rcl_interfaces.msg.Log"
    yield Emit(
        [
            _lines(msgs, _ROS2_LEVELS),
            custom("file", msgs.file, archetype),
            custom("function", msgs.function, archetype),
            custom("line", msgs.line, archetype),
        ],
        times=[TimeColumn.of(STAMP, TimeKind.TIMESTAMP, nanos(msgs.stamp))],
    )


@adapters("rosgraph_msgs/msg/Log")
def rosgraph_log(msgs: Columns) -> Iterator[Emit]:
    """A line that a ROS 1 node logged."""
    yield Emit(_lines(msgs, _ROS1_LEVELS))
