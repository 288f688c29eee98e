"""Robot descriptions that are nowhere but in a node's parameters: they are recorded as the message that was never sent.

`robot_state_publisher` publishes its description, latched, on `robot_description`; some set-ups keep it as a parameter only.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["STRING", "Description", "Descriptions"]

STRING = "std_msgs/msg/String"
NAME = "robot_description"
WAIT_SECS = 3.0
"""So long a publisher of the description may take to be seen after the parameter."""


@dataclass(frozen=True, slots=True)
class Description:
    """A description that was found."""

    topic: str
    """Where it would have been published."""
    text: str
    node: str
    time_nanos: int
    since: float
    """When it was found, on the monotonic clock."""

    @property
    def payload(self) -> bytes:
        """The `std_msgs/msg/String` that would have been published, in CDR."""
        text = self.text.encode() + b"\0"
        message = struct.pack("<4sI", b"\0\1\0\0", len(text)) + text
        return message + bytes(-len(message) % 4)


class Descriptions:
    """Those that wait for a publisher, and those that were given up for it."""

    def __init__(self) -> None:
        self._waiting: dict[str, Description] = {}
        self.alone: dict[str, Description] = {}
        """By topic: nobody publishes them."""

    def parameters(self, node: str, values: Iterable[Sequence[Any]], time_nanos: int, now: float) -> None:
        """Look through a node's parameters, `(name, kind, value)`."""
        for name, kind, value in values:
            topic = node.rpartition("/")[0] + "/" + NAME
            if name == NAME and kind == "string" and value.strip() and topic not in self.alone:
                self._waiting.setdefault(topic, Description(topic, value, node, time_nanos, now))

    def due(self, published: Container[str], now: float) -> list[Description]:
        """Those that nobody has published by now; each is told once."""
        found = []
        for topic, description in list(self._waiting.items()):
            if topic in published:
                del self._waiting[topic]
            elif now - description.since > WAIT_SECS:
                self.alone[topic] = self._waiting.pop(topic)
                found.append(description)
        return found
