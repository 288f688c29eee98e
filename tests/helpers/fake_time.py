"""A clock that is where it was told to be, and keys pressed at set moments of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from rrbridge_bridge.play.timekeeper import Command


class FakeTime:
    """`pressed`: `(nanoseconds since the start, command)`, rising. `oversleeps`: so much too late each wait ends, in turn."""

    def __init__(self, pressed: Iterable[tuple[int, Command]] = (), oversleeps: Iterable[int] = (0,)) -> None:
        self.start_nanos = self.now = 5_000_000_000_000
        self._pressed = deque(pressed)
        self._oversleeps = tuple(oversleeps)
        self.waits = 0

    def now_nanos(self) -> int:
        """Of the protocol."""
        return self.now

    def now_secs(self) -> float:
        """Since the start."""
        return (self.now - self.start_nanos) / 1e9

    def wait(self, until_nanos: int) -> Command | None:
        """Of the protocol."""
        until_nanos = max(until_nanos, self.now)
        if self._pressed and self.start_nanos + self._pressed[0][0] <= until_nanos:
            at, command = self._pressed.popleft()
            self.now = max(self.now, self.start_nanos + at)
            return command
        if until_nanos > self.now:
            self.now = until_nanos + self._oversleeps[self.waits % len(self._oversleeps)]
            self.waits += 1
        return None
