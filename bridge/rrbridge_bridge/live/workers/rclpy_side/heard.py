"""What was heard of a publisher, and whether something of it may still be on its way when the recorder is told to stop."""

from __future__ import annotations

REPAIR_SECS = 3.5
"""A lost message is sent again after the writer's next heartbeat, by default at most 3 s later with Fast DDS (`heartbeat_period`
of its WriterQos); until then a reliable reader holds back everything that the same writer sent after it."""
REPAIR_NANOS = int(REPAIR_SECS * 1e9)
STALL_PERIODS = 3
STALL_NANOS = 200_000_000
SLOW_NANOS = 1_000_000_000
"""The next message of a faster publisher is worth waiting for, rather than to trust in its rhythm."""
LATE_NANOS = 500_000_000


class Heard:
    """One publisher of a connection, or several where it is not told which is which; stamps in nanoseconds of the wall clock."""

    __slots__ = ("count", "first", "lag", "last", "sequence", "troubled")

    def __init__(self, received: int, published: int, sequence: int) -> None:
        self.count = 1
        self.first = self.last = received
        self.lag = (
            received - published
        )  # the least from publishing to receiving: the way, and what the machines' clocks differ
        self.sequence = sequence
        self.troubled = 0  # when a message was last missing, or came as late as one that was sent again

    def add(self, received: int, published: int, sequence: int) -> None:
        """Another message; its sequence is -1 where it is not told, or not of which publisher."""
        self.count += 1
        self.last = received
        lag = received - published
        if lag < self.lag:
            self.lag = lag
        if lag - self.lag > LATE_NANOS or self.sequence + 1 < sequence:
            self.troubled = received
        self.sequence = sequence

    @property
    def period(self) -> float:
        """Mean nanoseconds between messages; infinite before there is a rhythm."""
        return (self.last - self.first) / (self.count - 1) if self.count >= STALL_PERIODS else float("inf")

    def stalled(self, cutoff: int, now: int) -> bool:
        """Whether it had sent until shortly before the cutoff, and then was silent for longer than its rhythm explains."""
        return cutoff - self.last <= REPAIR_NANOS and now - self.last > max(STALL_PERIODS * self.period, STALL_NANOS)

    def is_due(self, cutoff: int, now: int) -> bool:
        """Whether by its rhythm it has sent something before the cutoff that has not come, and may still come."""
        period = self.period
        return (period < SLOW_NANOS or cutoff - self.last > period) and now - self.last <= period + REPAIR_NANOS

    def is_due_of(self, count: int, cutoff: int, now: int) -> bool:
        """The same where it stands for so many publishers: each is given some turns."""
        return now - cutoff <= min(max(STALL_PERIODS * count * self.period, STALL_NANOS), REPAIR_NANOS)
