"""The queue between receiving and writing: bounded in bytes, and with a rule for what to give up when it is full.

The bound counts a message from its arrival until it is written. When it is reached, whole batches of the topic that holds
most of it go first, the oldest first: in practice the largest topic with the highest rate. Batches of protected topics
(latched ones, transforms) are never dropped: they may use a reserve above the bound, and when that is full too the receiver
has to wait, so that the middleware's own buffers take over.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque

from rrbridge_bridge.live.source import Received

__all__ = ["MESSAGE_OVERHEAD_BYTES", "Backlog", "weight"]

MESSAGE_OVERHEAD_BYTES = 64
"""What a message costs besides its payload."""


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
        self._protected: set[int] = set()
        self._held_bytes = 0
        self._closed = False

    @property
    def held_bytes(self) -> int:
        """Bytes that have arrived and are not yet written."""
        return self._held_bytes

    @property
    def fill(self) -> float:
        """How full it is; 1 is the bound."""
        return self._held_bytes / self.limit_bytes

    def protect(self, connection: int) -> None:
        """Never drop messages of this connection."""
        with self._changed:
            self._protected.add(connection)

    def put(self, received: Received) -> list[Received]:
        """Add a batch; returns the batches that had to go for it, which may include itself. Waits only for protected ones."""
        connection, size = received.batch.connection.id, weight(received)
        with self._changed:
            if self._closed:
                return [received]
            dropped: list[Received] = []
            self._add(connection, received, size)
            while self._held_bytes > self.limit_bytes:
                victim = self._heaviest()
                if victim is None:
                    break
                if len(self._waiting) == 1 and self._held_bytes == size:
                    break  # nothing else is held: a batch larger than the bound still gets through
                dropped.append(self._drop_oldest(victim))
            self._changed.notify_all()
            if connection in self._protected:
                ceiling = self.limit_bytes + self.reserve_bytes
                self._changed.wait_for(lambda: self._held_bytes <= ceiling or self._closed or self._held_bytes == size)
            return dropped

    def get(self, timeout_secs: float) -> Received | None:
        """The oldest batch; None when nothing comes in time, or ever again (`is_finished`).

        Its bytes stay counted until `written`.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, timeout_secs)
            if not self._waiting:
                return None
            ticket = next(iter(self._waiting))
            received = self._waiting.pop(ticket)
            connection = received.batch.connection.id
            self._by_connection[connection].popleft()
            self._bytes_by_connection[connection] -= weight(received)
            return received

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

    def _heaviest(self) -> int | None:
        droppable = [c for c, tickets in self._by_connection.items() if tickets and c not in self._protected]
        return max(droppable, key=self._bytes_by_connection.__getitem__, default=None)

    def _drop_oldest(self, connection: int) -> Received:
        received = self._waiting.pop(self._by_connection[connection].popleft())
        size = weight(received)
        self._bytes_by_connection[connection] -= size
        self._held_bytes -= size
        return received
