"""The queue between receiving and writing: bounded in bytes, and with a rule for what to give up when it is full.

The bound counts a message from its arrival until it is written. When it is reached, messages go in this order:

1. whole batches of the topic that holds most of the queue, in practice the largest with the highest rate; its oldest ones, or
   with the policy `newest` those that have just arrived;
2. of topics that hold little (each less than a 64th of the bound) nothing as long as there is room in a reserve above the
   bound; so a large topic never costs a small one a message;
3. latched and static topics and transforms, and those with the policy `never`: nothing at all. When the reserve is full too,
   the receiver has to wait, so that the middleware's own buffers take over.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from enum import StrEnum

from rrbridge_bridge.live.source import Received

__all__ = ["MESSAGE_OVERHEAD_BYTES", "Backlog", "DropPolicy", "weight"]

MESSAGE_OVERHEAD_BYTES = 64
"""What a message costs besides its payload."""
SMALL_SHARE = 1 / 64
"""Of the bound: a topic that holds less is small."""


class DropPolicy(StrEnum):
    """What of a topic to give up when writing cannot keep up."""

    NEVER = "never"
    """Nothing: the receiver waits instead."""
    OLDEST = "oldest"
    """What has waited longest: the recording has the latest that could be written."""
    NEWEST = "newest"
    """What arrives: the recording has runs without a gap."""


def weight(received: Received) -> int:
    """The bytes that a batch counts for."""
    return received.batch.payload_bytes + MESSAGE_OVERHEAD_BYTES * len(received.batch)


class Backlog:
    """Batches on their way to the writer. One thread puts, one thread gets."""

    def __init__(self, limit_bytes: int, reserve_bytes: int | None = None) -> None:
        self.limit_bytes = limit_bytes
        self.reserve_bytes = limit_bytes // 4 if reserve_bytes is None else reserve_bytes
        self._changed = threading.Condition()
        self._waiting: dict[int, Received] = {}
        self._tickets = 0
        self._by_connection: defaultdict[int, deque[int]] = defaultdict(deque)
        self._bytes_by_connection: defaultdict[int, int] = defaultdict(int)
        self._policies: defaultdict[int, DropPolicy] = defaultdict(lambda: DropPolicy.OLDEST)
        self._held_bytes = 0
        self._closed = False
        self._woken = False

    @property
    def held_bytes(self) -> int:
        """Bytes that have arrived and are not yet written."""
        return self._held_bytes

    @property
    def fill(self) -> float:
        """How full it is; 1 is the bound."""
        return self._held_bytes / self.limit_bytes

    def set_policy(self, connection: int, policy: DropPolicy) -> None:
        """What of this connection to give up; `oldest` unless it is told."""
        with self._changed:
            self._policies[connection] = policy

    def put(self, received: Received) -> list[Received]:
        """Add a batch; returns those that had to go for it, which may include itself. Waits only for what is never dropped."""
        connection, size = received.batch.connection.id, weight(received)
        with self._changed:
            if self._closed:
                return [received]
            dropped: list[Received] = []
            self._add(connection, received, size)
            while self._held_bytes > self.limit_bytes:
                victim = self._victim()
                if victim is None:
                    break
                if len(self._waiting) == 1 and self._held_bytes == size:
                    break  # nothing else is held: a batch larger than the bound still gets through
                dropped.append(self._drop(victim))
            self._changed.notify_all()
            if self._policies[connection] is DropPolicy.NEVER:
                ceiling = self.limit_bytes + self.reserve_bytes
                self._changed.wait_for(lambda: self._held_bytes <= ceiling or self._closed or self._held_bytes == size)
            return dropped

    def get(self, timeout_secs: float) -> Received | None:
        """The oldest batch; None when nothing comes in time, or ever again (`is_finished`).

        Its bytes stay counted until `written`.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed or self._woken, timeout_secs)
            self._woken = False
            if not self._waiting:
                return None
            ticket = next(iter(self._waiting))
            received = self._waiting.pop(ticket)
            connection = received.batch.connection.id
            self._by_connection[connection].popleft()
            self._bytes_by_connection[connection] -= weight(received)
            return received

    def wake(self) -> None:
        """Let `get` return at once, with or without a batch."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def written(self, received_bytes: int) -> None:
        """Free what was taken by `get` and has been written, in the measure of `weight`."""
        with self._changed:
            self._held_bytes -= received_bytes
            self._changed.notify_all()

    def close(self) -> None:
        """No more batches will come; what is there can still be got."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def is_finished(self) -> bool:
        """Whether it is closed and empty."""
        with self._changed:
            return self._closed and not self._waiting

    def _add(self, connection: int, received: Received, size: int) -> None:
        ticket = self._tickets
        self._tickets += 1
        self._waiting[ticket] = received
        self._by_connection[connection].append(ticket)
        self._bytes_by_connection[connection] += size
        self._held_bytes += size

    def _victim(self) -> int | None:
        """The topic that gives something up; None: nothing is."""
        droppable = [c for c, tickets in self._by_connection.items() if tickets and not self._is_kept(c)]
        heaviest = max(droppable, key=self._bytes_by_connection.__getitem__, default=None)
        if heaviest is None or self._held_bytes > self.limit_bytes + self.reserve_bytes:
            return heaviest
        return heaviest if self._bytes_by_connection[heaviest] > SMALL_SHARE * self.limit_bytes else None

    def _is_kept(self, connection: int) -> bool:
        return self._policies[connection] is DropPolicy.NEVER

    def _drop(self, connection: int) -> Received:
        tickets = self._by_connection[connection]
        newest = self._policies[connection] is DropPolicy.NEWEST
        received = self._waiting.pop(tickets.pop() if newest else tickets.popleft())
        size = weight(received)
        self._bytes_by_connection[connection] -= size
        self._held_bytes -= size
        return received
