"""Messages that hold until another comes: what someone who comes late to the robot is given, and so does every later file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from rrbridge_bridge.live.source import UNKNOWN, Received
from rrbridge_bridge.raw import Int64s, RawBatch

__all__ = ["HeldMessages"]

HELD_BYTES = 64 << 20
"""Of one topic: older messages beyond it are not repeated."""
HELD_MESSAGES = 256
"""Of one topic."""


@dataclass(eq=False)
class _Topic:
    """Of one topic."""

    is_sum: bool
    """Whether messages of publishers that are not told apart add up, as static transforms do."""
    messages: dict[int | bytes, RawBatch] = field(default_factory=dict)

    def take(self, received: Received) -> None:
        for row in self._last_rows(received):
            publisher = int(received.publishers[row])
            one = received.batch.take(np.array([row])).compact()
            key = one.buffer.tobytes() if publisher == UNKNOWN and self.is_sum else publisher
            self.messages.pop(key, None)
            self.messages[key] = one
        while len(self.messages) > 1 and (
            len(self.messages) > HELD_MESSAGES or sum(one.payload_bytes for one in self.messages.values()) > HELD_BYTES
        ):
            del self.messages[next(iter(self.messages))]

    def _last_rows(self, received: Received) -> list[int]:
        """Of each publisher the last row; of unknown ones, as many as are held."""
        last = {publisher: row for row, publisher in enumerate(received.publishers.tolist())}
        rows = set(last.values())
        if self.is_sum and UNKNOWN in last:
            rows.update(np.flatnonzero(received.publishers == UNKNOWN)[-HELD_MESSAGES:].tolist())
        return sorted(rows)


class HeldMessages:
    """Of each latched or static topic, the messages that hold now: of every publisher the last.

    Where publishers are not told apart it is the last of all; of static transforms the last of each content.
    """

    def __init__(self) -> None:
        self._topics: dict[int, _Topic] = {}

    def watch(self, connection: int, *, is_sum: bool) -> None:
        """Messages of this connection hold. `is_sum`: even beside others of one publisher, as static transforms do."""
        self._topics.setdefault(connection, _Topic(is_sum))

    def take(self, received: Received) -> None:
        """Messages have come, of any connection."""
        if topic := self._topics.get(received.batch.connection.id):
            topic.take(received)

    def orders(self, connection: int) -> Int64s | None:
        """The places (`RawBatch.order`) of a connection's messages that hold now; None if its messages never do."""
        topic = self._topics.get(connection)
        if topic is None:
            return None
        return np.array([int(one.order[0]) for one in topic.messages.values()], np.int64)

    def messages(self) -> Sequence[RawBatch]:
        """All that hold now, in the order they came."""
        found = [one for topic in self._topics.values() for one in topic.messages.values()]
        return sorted(found, key=lambda one: int(one.order[0]))
