"""Messages that are there twice, and numbers that are missing from a publisher's count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rrbridge_bridge.format import many
from rrbridge_bridge.inspect.check.findings import SIMULATED_BELOW_NANOS, Finding, Severity
from rrbridge_bridge.inspect.headers import Headers
from rrbridge_bridge.raw import Connection, Int64s, RawBatch, windows

__all__ = ["Counter", "Repeats"]

SIMULATED_SHARE = 0.1
COMPARED_BYTES = 8 << 20
COUNTED_SHARE = 0.9
"""So many steps must be of one for a number to be a count."""
FEW = 10


@dataclass(eq=False, slots=True)
class Repeats:
    """Messages of one connection that are the same as the one before, byte for byte, with the same time."""

    connection: Connection
    is_transforms: bool = False
    found: int = 0
    at: int | None = None
    last_stamp: int = 0
    _last: tuple[bytes, int, int] = (b"", -1, 0)
    """Bytes, log time and stamp of the last message."""

    def add(self, batch: RawBatch, headers: Headers | None) -> None:
        """More messages, in file order."""
        if not len(batch):
            return
        stamps = np.zeros(len(batch), np.int64)
        if headers is not None:
            stamps[headers.rows] = headers.stamp_nanos
            self.last_stamp = max(self.last_stamp, int(headers.stamp_nanos.max(initial=0)))
        size, times = batch.sizes, batch.log_time_nanos
        same = (size[1:] == size[:-1]) & (size[1:] > 0)
        at_once = (times[1:] == times[:-1]) & (batch.sequence[1:] == batch.sequence[:-1])
        same &= at_once | ((stamps[1:] == stamps[:-1]) & (stamps[1:] != 0))
        for row in _alike(batch, np.flatnonzero(same)).tolist():
            self._note(int(times[row + 1]))
        payload, time, stamp = self._last
        is_same_time = time == times[0] or (stamp != 0 and stamp == stamps[0])
        if is_same_time and payload and payload == batch.payload(0).tobytes():
            self._note(int(times[0]))
        self._last = batch.payload(len(batch) - 1).tobytes(), int(times[-1]), int(stamps[-1])

    def _note(self, at: int) -> None:
        self.found += 1
        self.at = at if self.at is None else self.at

    def findings(self, count: int) -> Iterator[Finding]:
        """What was found in `count` messages."""
        if not self.found:
            return
        text = f"{self.found} of {count} messages are there twice: same bytes, same time"
        # Simulated time is coarse: what follows within a step has the same one.
        is_simulated = (self.last_stamp or self.at or 0) < SIMULATED_BELOW_NANOS
        may_be_meant = is_simulated and self.found < SIMULATED_SHARE * count
        severity = Severity.NOTE if self.is_transforms or may_be_meant else Severity.WARNING
        advice = (
            "tf2 says TF_REPEATED_DATA for these: the publisher sends more often than its input changes"
            if self.is_transforms
            else "two publishers or a bridge that echoes, a recorder that ran twice, or a node that sends old data again"
        )
        yield Finding(severity, "duplicates", text, self.connection.topic, self.at, advice, self.found)


def _alike(batch: RawBatch, rows: Int64s) -> Int64s:
    """Those of the messages, each as large as the next one, that also have the same bytes."""
    found = []
    for size in np.unique(batch.sizes[rows]).tolist():
        of_size = rows[batch.sizes[rows] == size]
        view = windows(batch.buffer, size)
        for part in np.array_split(of_size, -(-len(of_size) * size // COMPARED_BYTES)):
            equal = (view[batch.starts[part]] == view[batch.starts[part + 1]]).all(axis=1)
            found.append(part[equal])
    return np.sort(np.concatenate(found)) if found else rows


@dataclass(eq=False, slots=True)
class Counter:
    """Numbers that a publisher counts up, of one connection."""

    connection: Connection
    what: str
    """`sequence` of the file's records, or `header.seq`."""
    steps: int = 0
    of_one: int = 0
    missing: int = 0
    gaps: int = 0
    at: int | None = None
    _last: int | None = None

    def add(self, numbers: Int64s, log_times: Int64s) -> None:
        """More numbers, in file order; shapes (N,)."""
        if not len(numbers):
            return
        before = numbers[:0] if self._last is None else np.array([self._last], np.int64)
        steps = np.diff(np.concatenate((before, numbers)))
        times = log_times[len(numbers) - len(steps) :]
        gaps = np.flatnonzero(steps > 1)
        self.steps += len(steps)
        self.of_one += int((steps == 1).sum())
        self.gaps += len(gaps)
        self.missing += int((steps[gaps] - 1).sum())
        if len(gaps) and self.at is None:
            self.at = int(times[gaps[0]])
        self._last = int(numbers[-1])

    def findings(self) -> Iterator[Finding]:
        """What was found."""
        if not self.gaps or self.steps < FEW or self.of_one < COUNTED_SHARE * self.steps:
            return
        text = f"{many(self.missing, 'message')} missing by {self.what}, in {many(self.gaps, 'place')}"
        advice = (
            "they were lost between publisher and recorder: raise queue sizes, use reliable QoS, record on the robot"
        )
        yield Finding(
            Severity.WARNING, "sequence-gap", text, self.connection.topic, self.at, advice, self.gaps, self.missing
        )
