"""Where in a recording playing is at any moment, as a value: nothing here looks at a clock or waits."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["MAX_RATE", "MIN_RATE", "Pace"]

MIN_RATE, MAX_RATE = 1e-3, 1e4


@dataclass(frozen=True, slots=True)
class Pace:
    """A straight line from wall time to recorded time, through one point that both know.

    All times are counted from that point, never from one message to the next, so that no error adds up.
    """

    wall_nanos: int
    """On a monotonic clock."""
    position_nanos: int
    """What of the recording is due at that moment."""
    rate: float = 1.0
    """Recorded seconds per second; greater than 0."""
    is_paused: bool = False

    def position(self, now_nanos: int) -> int:
        """What of the recording is due at a moment."""
        if self.is_paused:
            return self.position_nanos
        return self.position_nanos + round((now_nanos - self.wall_nanos) * self.rate)

    def due(self, position_nanos: int) -> int | None:
        """When a place in the recording is due; None while paused."""
        if self.is_paused:
            return None
        return self.wall_nanos + round((position_nanos - self.position_nanos) / self.rate)

    def paused(self, now_nanos: int) -> Pace:
        """Held where it is."""
        return replace(self.at(self.position(now_nanos), now_nanos), is_paused=True)

    def resumed(self, now_nanos: int) -> Pace:
        """Going on from there."""
        return replace(self.at(self.position(now_nanos), now_nanos), is_paused=False)

    def at_rate(self, rate: float, now_nanos: int) -> Pace:
        """As fast as this from now on, within what has a meaning."""
        return replace(self.at(self.position(now_nanos), now_nanos), rate=min(max(rate, MIN_RATE), MAX_RATE))

    def at(self, position_nanos: int, now_nanos: int) -> Pace:
        """At another place."""
        return replace(self, wall_nanos=now_nanos, position_nanos=position_nanos)
