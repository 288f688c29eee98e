"""Message counters of ROS 1 publishers: `Header.seq`, of messages that begin with a `std_msgs/Header`.

rospy and roscpp count up by one for each message, whatever the node put there, so gaps tell of messages that the publisher's
queue dropped. But what relays, throttles or plays messages hands numbers on as they were, and those tell nothing.
"""

from __future__ import annotations

import re

import numpy as np

from rrbridge_bridge.live.ros1_wire import Frames
from rrbridge_bridge.live.source import UNKNOWN
from rrbridge_bridge.raw import Connection, Int64s, structs_at

__all__ = ["SequenceJudge", "has_numbers"]

PROBATION_STEPS = 8
"""From message to message; after these it is judged whether the numbers are a counter."""
FAR_STEP = 1 << 20
"""No queue drops so many messages at once; the number was set by something else."""
_COMMENT = re.compile(r"#.*")
HEADER_TYPES = frozenset({"Header", "std_msgs/Header", "roslib/Header"})


def has_numbers(connection: Connection) -> bool:
    """Whether messages begin with a header, and so with its number, which may count them.

    Those of latched topics do not: rospy counts each repetition for a late subscriber as a message to all.
    """
    if connection.metadata.get("latching") == "1":
        return False
    if connection.msgtype == "std_msgs/msg/Header":
        return True
    for line in connection.definition.splitlines():
        words = _COMMENT.sub("", line).split()
        if words and "=" not in line.partition("#")[0]:
            return words[0] in HEADER_TYPES
    return False


class SequenceJudge:
    """The numbers of one publisher, as far as they are a counter; once they are found not to be, `UNKNOWN` for good.

    While the first few are judged they are given without gaps; if they prove to be a counter, the gaps come with the next. So
    a topic that is throttled is never, not for a moment, taken for one that loses messages. Of a publisher that sends fewer,
    gaps are not told.
    """

    def __init__(self) -> None:
        self._is_counter: bool | None = None
        """None: not judged yet."""
        self._steps = 0
        self._steps_of_one = 0
        self._counted: int | None = None
        """The last number, with what wrapped around at 2³²."""
        self._given = 0
        """The last number that was given."""

    def judge(self, frames: Frames) -> Int64s:
        """Numbers of messages that arrived; shape (N,)."""
        count = len(frames.sizes)
        if count and self._is_counter is not False:
            if (frames.sizes < 4).any():
                self._is_counter = False
            else:
                return self._numbered(structs_at(frames.buffer, frames.starts, "<u4").astype(np.int64))
        return np.full(count, UNKNOWN, np.int64)

    def _numbered(self, numbers: Int64s) -> Int64s:
        if self._counted is None:
            self._counted = self._given = int(numbers[0]) - 1
            self._steps -= 1  # the first number is no step
            self._steps_of_one -= 1
        steps = np.diff(numbers, prepend=self._counted) & 0xFFFFFFFF
        counted = self._counted + np.cumsum(steps)
        self._counted = int(counted[-1])
        self._steps += len(steps)
        self._steps_of_one += int((steps == 1).sum())
        if ((steps == 0) | (steps > FAR_STEP)).any():
            self._is_counter = False
        elif self._is_counter is None and self._steps >= PROBATION_STEPS:
            self._is_counter = 2 * self._steps_of_one >= self._steps
        if self._is_counter is False:
            return np.full(len(numbers), UNKNOWN, np.int64)
        given: Int64s = counted if self._is_counter else self._given + np.arange(1, len(numbers) + 1)
        self._given = int(given[-1])
        return given
