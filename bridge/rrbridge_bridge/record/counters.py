"""What happened to each topic: received, lost on the way to us, dropped by us, left out as asked, written.

Every message that was received is dropped, paused, throttled, written, or still waiting to be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from rrbridge_bridge.live.source import UNKNOWN, Dropped, Received
from rrbridge_bridge.raw import RawBatch

__all__ = ["Account", "FileCounts", "LossCounter", "TopicCounters", "TopicState", "topics_in"]


@dataclass(eq=False)
class LossCounter:
    """Messages that were published and never reached us, from the publishers' own counters.

    A publisher's counter rises by one with each message; between the first and the last that arrived, what is missing was
    lost. Without a publisher's name beside its counter this holds only while there is one publisher: with several it is
    unknown, which is not zero.
    """

    _spans: dict[tuple[int, int], tuple[int, int, int]] = field(default_factory=dict)
    """By connection and publisher: first and last number, and how many arrived."""
    _seen_publishers: set[str] = field(default_factory=set)
    _ambiguous: bool = False

    def publishers(self, names: Iterable[str]) -> None:
        """These publish the topic now; a restarted publisher has a new name."""
        self._seen_publishers.update(names)

    def received(self, received: Received) -> None:
        """Count a batch."""
        if not len(received.batch):
            return
        if (received.sequences == UNKNOWN).any():
            self._ambiguous = True
            return
        for publisher in np.unique(received.publishers).tolist():
            own = received.sequences[received.publishers == publisher]
            self._arrived(received.batch.connection.id, publisher, (int(own.min()), int(own.max())), len(own))

    def dropped(self, dropped: Dropped) -> None:
        """Count what did arrive, though nobody took it from the source."""
        if UNKNOWN in dropped.sequences:
            self._ambiguous = True
        else:
            self._arrived(dropped.connection.id, dropped.publisher, dropped.sequences, dropped.count)

    def _arrived(self, connection: int, publisher: int, span: tuple[int, int], count: int) -> None:
        low, high, before = self._spans.get((connection, publisher), (*span, 0))
        self._spans[connection, publisher] = (min(low, span[0]), max(high, span[1]), before + count)

    @property
    def lost(self) -> int | None:
        """How many are missing; None: unknown, as while nothing has come."""
        spans = self._spans.copy()  # in one step: another thread counts meanwhile
        is_nameless = any(publisher == UNKNOWN for _, publisher in spans)
        if self._ambiguous or not spans or (is_nameless and len(self._seen_publishers) > 1):
            return None
        return sum(max(high - low + 1 - count, 0) for low, high, count in spans.values())


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic's account at one moment."""

    topic: str
    msgtype: str
    received: int
    """Messages that arrived."""
    received_bytes: int
    lost: int | None
    """Messages that were published and did not arrive; None: the middleware does not say."""
    dropped: int
    """Messages that arrived and were given up because writing could not keep up."""
    written: int
    """Messages in the file."""
    undecoded: int
    """Of those, messages of which only the bytes were written, because decoding could not keep up or failed."""
    last_time_nanos: int | None
    """When the last one arrived."""
    paused: int = 0
    """Messages that arrived while the recording was paused, and are left out."""
    throttled: int = 0
    """Messages that are left out to keep to the topic's highest rate."""
    refused: str = ""
    """Why it is not recorded, or not any more; empty if it is."""
    first_time_nanos: int | None = None
    """When the first one arrived."""


@dataclass(eq=False)
class TopicCounters:
    """The account of one topic and type while it is kept; several connections may share it."""

    topic: str
    msgtype: str
    losses: LossCounter = field(default_factory=LossCounter)
    received: int = 0
    received_bytes: int = 0
    dropped: int = 0
    written: int = 0
    postponed: int = 0
    """Written as bytes alone because writing could not keep up."""
    undecodable: int = 0
    """Written as bytes alone because they could not be decoded."""
    first_time_nanos: int | None = None
    last_time_nanos: int | None = None
    paused: int = 0
    throttled: int = 0
    refused: str = ""

    def count(self, received: Received) -> None:
        """A batch arrived."""
        self.losses.received(received)
        self.received += len(received.batch)
        self.received_bytes += received.batch.payload_bytes
        if len(received.batch):
            if self.first_time_nanos is None:
                self.first_time_nanos = int(received.batch.log_time_nanos[0])
            self.last_time_nanos = int(received.batch.log_time_nanos[-1])

    def count_dropped(self, dropped: Dropped) -> None:
        """Messages arrived, and the source had to give them up."""
        self.losses.dropped(dropped)
        self.received += dropped.count
        self.received_bytes += dropped.nbytes
        self.dropped += dropped.count

    def state(self) -> TopicState:
        """The account now."""
        return TopicState(
            self.topic,
            self.msgtype,
            self.received,
            self.received_bytes,
            self.losses.lost,
            self.dropped,
            self.written,
            self.postponed + self.undecodable,
            self.last_time_nanos,
            self.paused,
            self.throttled,
            self.refused,
            self.first_time_nanos,
        )


def topics_in(by_connection: Mapping[int, TopicCounters]) -> list[TopicCounters]:
    """Each account once, whatever other threads add meanwhile."""
    return list(dict.fromkeys(list(by_connection.values())))


@dataclass(frozen=True, slots=True)
class Account:
    """What has happened in a run until now."""

    topics: Sequence[TopicState]
    complete: bool
    """Whether nothing stopped the recording before its end."""
    clock: Sequence[tuple[int, int]] = ()
    """Readings of the wall clock and of a clock that never jumps (since the machine started), in nanoseconds: at the start, and
    whenever their difference has changed. So the true time between messages is known whatever was done to the wall clock."""


class FileCounts:
    """How many messages of each topic and type one file has."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, batch: RawBatch) -> None:
        """Messages are written to the file."""
        self._counts[batch.connection.topic, batch.connection.msgtype] += len(batch)

    def of(self, topic: TopicState) -> int:
        """How many of one topic."""
        return self._counts[topic.topic, topic.msgtype]
