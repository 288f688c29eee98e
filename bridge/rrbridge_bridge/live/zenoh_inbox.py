"""Samples between Zenoh's threads, which bring them, and the one that makes batches of them.

Bounded in bytes: a listener that blocked Zenoh's threads would hold up the robot's publishers, and one that kept everything would
take the robot's memory. When it is full, what arrives for topics that hold much is given up, and counted; topics that hold
little have a reserve.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rrbridge_bridge.live.source import UNKNOWN
from rrbridge_bridge.live.zenoh_keys import read_attachment

if TYPE_CHECKING:
    import zenoh

__all__ = ["GivenUp", "Inbox", "Sample"]

LIMIT_BYTES = 256 << 20
SMALL_SHARE = 1 / 64
"""Of the limit: a topic that holds less is small."""
OVERHEAD_BYTES = 256
"""What a sample costs besides its payload."""
TAKE_BYTES = 8 << 20

Sample = tuple[int, int, bytes, "bytes | None"]
"""Connection, time of arrival, payload, attachment."""


@dataclass(slots=True, eq=False)
class GivenUp:
    """How much of one publisher was given up."""

    count: int = 0
    nbytes: int = 0
    lowest: int = UNKNOWN
    highest: int = UNKNOWN
    """Of the publisher's numbers."""

    def add(self, nbytes: int, sequence: int) -> None:
        """One more message."""
        self.lowest = sequence if not self.count else min(self.lowest, sequence)
        self.highest = max(self.highest, sequence)
        self.count += 1
        self.nbytes += nbytes


@dataclass(slots=True, eq=False)
class _Line:
    """What the inbox knows of one connection."""

    held_bytes: int = 0
    given_up: dict[bytes, GivenUp] = field(default_factory=dict)
    """By the publisher's signature."""


class Inbox:
    """Any thread puts, one takes."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._reserve_bytes = limit_bytes // 4
        self._lock = threading.Lock()
        self._samples: deque[Sample] = deque()
        self._held_bytes = 0
        self._lines: dict[int, _Line] = {}

    def __bool__(self) -> bool:
        """Whether something waits."""
        return bool(self._samples)

    def listener(self, connection: int) -> Callable[[zenoh.Sample], None]:
        """What Zenoh calls with each sample of a connection."""
        self._lines.setdefault(connection, _Line())

        def arrived(sample: zenoh.Sample) -> None:
            now, told = time.time_ns(), sample.attachment
            self.put((connection, now, sample.payload.to_bytes(), None if told is None else told.to_bytes()))

        return arrived

    def put(self, sample: Sample) -> None:
        """Keep a sample, or give it up."""
        line, size = self._lines[sample[0]], len(sample[2]) + OVERHEAD_BYTES
        with self._lock:
            held, own = self._held_bytes + size, line.held_bytes + size
            # one that is larger than the limit still gets through, if nothing else is there
            if held > self._limit_bytes and self._samples and not self._is_small(held, own):
                signature, sequence = read_attachment(sample[3])
                line.given_up.setdefault(signature, GivenUp()).add(len(sample[2]), sequence)
                return
            self._held_bytes, line.held_bytes = held, own
            self._samples.append(sample)

    def _is_small(self, held: int, own: int) -> bool:
        return held <= self._limit_bytes + self._reserve_bytes and own <= SMALL_SHARE * self._limit_bytes

    def take(self) -> deque[Sample]:
        """What has arrived, the oldest about `TAKE_BYTES` of it."""
        with self._lock:
            if self._held_bytes <= TAKE_BYTES:
                found, self._samples = self._samples, deque()
                self._held_bytes = 0
                for line in self._lines.values():
                    line.held_bytes = 0
                return found
            found, taken = deque(), 0
            while self._samples and taken < TAKE_BYTES:
                sample = self._samples.popleft()
                size = len(sample[2]) + OVERHEAD_BYTES
                self._lines[sample[0]].held_bytes -= size
                taken += size
                found.append(sample)
            self._held_bytes -= taken
            return found

    def given_up(self, connection: int) -> dict[bytes, GivenUp]:
        """What was given up of a connection since this was last asked, by the publishers' signatures."""
        line = self._lines[connection]
        if not line.given_up:
            return {}
        with self._lock:
            found, line.given_up = line.given_up, {}
            return found
