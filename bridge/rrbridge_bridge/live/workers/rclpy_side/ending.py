"""The end of a recording: everything that was published until now is handed over, and no longer waited for than there is reason.

When a message of a reliable publisher is lost on the way, the middleware holds back those that came after it until it was sent
again. They have arrived and cannot be taken, and nothing tells of them. So reliable publishers are waited for until they are
heard with a later message (their messages come in order), or are gone. One that is silent is waited for

* if by its own rhythm it should have sent something, until that would have been sent again;
* if messages get lost here: while another one seems to be held back, or where some came late or not at all before;
* else for a moment, in which the others show whether messages are held back.

What was published after the beginning is left out.
"""

from __future__ import annotations

import time
from typing import Any

from rclpy_side.connection import Connection

FIRST_SECS = 2.0
LOOK_SECS = 0.1
MOMENT_SECS = 0.3
TROUBLED_NANOS = 30_000_000_000
POLL_SECS = 0.004


class Ending:
    """What is done from the stop on."""

    def __init__(self, worker: Any) -> None:
        self.worker = worker
        self.began = time.monotonic()
        self.cutoff = 0
        self.waiting: list[Connection] = []
        self.unsettled: list[int] = []

    def run(self, drain_secs: float) -> list[int]:
        """Hand over everything, within that time; returns the numbers of connections of which something may be missing."""
        worker = self.worker
        while worker.drain() and time.monotonic() < self.began + FIRST_SECS:
            pass
        self.cutoff = time.time_ns()
        self.waiting = list(worker.connections.values())
        for connection in self.waiting:
            connection.cutoff = self.cutoff
        next_look = 0.0
        while True:
            if time.monotonic() >= next_look:
                self.look()
                next_look = time.monotonic() + LOOK_SECS
            taken = worker.drain()
            if not self.waiting or time.monotonic() >= self.began + drain_secs:
                break
            worker.say_alive()
            worker.questions.move_on()
            if not taken:
                time.sleep(POLL_SECS)
        for connection in self.waiting:
            self.settle(connection)
        for connection in worker.connections.values():
            connection.flush(worker.pipe)
        return self.unsettled

    def look(self) -> None:
        """Wait no longer for those from which nothing can come, and hear no more of them: it would stand in the others' way."""
        now = time.time_ns()
        silent = {connection: self.silent(connection) for connection in self.waiting}
        everyone = (
            time.monotonic() < self.began + MOMENT_SECS
            or self.is_troubled()
            or any(self.is_held_back(c, numbers, now) for c, numbers in silent.items())
        )
        settled = [
            connection
            for connection, numbers in silent.items()
            if not numbers or not (everyone or self.is_due(connection, numbers, now))
        ]
        self.waiting = [connection for connection in self.waiting if connection not in settled]
        self.worker.drain()
        for connection in settled:
            self.settle(connection)
            self.worker.leave(connection)

    def silent(self, connection: Connection) -> list[int]:
        """Numbers of the reliable publishers that were not heard with a later message; 0 for each of which none is known."""
        if connection.failed:
            return []
        publishers = [p for p in self.worker.publishers(connection.topic) if p["type"] == connection.msgtype]
        if len(publishers) == 1 and connection.later:
            return []
        reliable = [
            connection.publishers.get(bytes.fromhex(p["gid"]), 0)
            for p in publishers
            if p["reliability"] == "reliable"
            and (True, p["durability"] == "transient_local") in connection.subscriptions
        ]
        return [number for number in reliable if not number or number not in connection.later]

    def is_due(self, connection: Connection, numbers: list[int], now: int) -> bool:
        """Whether one of these should have sent something that has not come, and may still come."""
        for number in set(numbers) & set(connection.heard):
            heard, count = connection.heard[number], numbers.count(number)
            if heard.is_due(self.cutoff, now) if count == 1 else heard.is_due_of(count, self.cutoff, now):
                return True
        return False

    def is_held_back(self, connection: Connection, numbers: list[int], now: int) -> bool:
        """Whether one of these stopped at the wrong moment, and may still go on."""
        heard = [connection.heard[number] for number in set(numbers) & set(connection.heard)]
        return any(h.stalled(self.cutoff, now) and h.is_due(self.cutoff, now) for h in heard)

    def is_troubled(self) -> bool:
        """Whether messages were missing or late before the stop."""
        return any(c.troubled > self.cutoff - TROUBLED_NANOS for c in self.worker.connections.values())

    def settle(self, connection: Connection) -> None:
        """Note whether something of it may be missing: it fell silent, and that was not long enough to show that it meant to."""
        now = time.time_ns()
        heard = [connection.heard[number] for number in set(self.silent(connection)) & set(connection.heard)]
        stalled = [h for h in heard if h.stalled(self.cutoff, now)]
        if stalled and (self.is_troubled() or any(h.is_due(self.cutoff, now) for h in stalled)):
            self.unsettled.append(connection.number)
