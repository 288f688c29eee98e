"""All checks over messages, many at once, as they are read."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rrbridge.errors import DecodeError, UnknownTypeError
from rrbridge_bridge.decode import Decode, decode_what_can, decoder_for
from rrbridge_bridge.inspect.check.findings import Finding, Severity, seconds
from rrbridge_bridge.inspect.check.repeats import Counter, Repeats
from rrbridge_bridge.inspect.check.timing import TopicTimes, clock_findings, shared_gaps
from rrbridge_bridge.inspect.check.transforms import Transforms
from rrbridge_bridge.inspect.headers import (
    Headers,
    edges_of,
    header_reader,
    headers_in,
    is_clock,
    is_data,
    is_transforms,
)
from rrbridge_bridge.raw import Connection, Int64s, RawBatch

__all__ = ["MessageChecks"]

WHOLE_BYTES = 4096
"""Messages up to this size on average are decoded whole; of larger ones the header."""


class MessageChecks:
    """The checks of one recording of messages, while it is read."""

    def __init__(self, definitions: Sequence[Path] = (), ros_distro: str = "") -> None:
        self._definitions = definitions
        self._distro = ros_distro
        self._channels: dict[int, _Channel] = {}
        self._transforms = Transforms()
        self._has_clock = False

    def add(self, batch: RawBatch) -> None:
        """More messages of one connection, in file order."""
        if not len(batch):
            return
        connection = batch.connection
        if connection.id not in self._channels:
            self._channels[connection.id] = _Channel.of(connection, self._definitions, self._distro)
            self._has_clock = self._has_clock or is_clock(connection)
        self._channels[connection.id].add(batch, self._transforms)

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """How many messages there were, by topic and type."""
        found: Counts[tuple[str, str]] = Counts()
        for channel in self._channels.values():
            found[channel.connection.topic, channel.connection.msgtype] += channel.times.log.count
        return dict(found)

    @property
    def span(self) -> tuple[int, int] | None:
        """First and last log time; None without messages."""
        channels = self._channels.values()
        return (min(c.least for c in channels), max(c.most for c in channels)) if channels else None

    @property
    def clocks(self) -> dict[str, str]:
        """By topic, for those with stamps: `log`, `other`, or empty where there are too few to tell."""
        times = [channel.times for channel in self._channels.values()]
        return {one.topic: one.clock for one in times if one.stamped and not one.is_transforms}

    def findings(self) -> Iterator[Finding]:
        """What was found, once everything was read."""
        channels = list(self._channels.values())
        times = [channel.times for channel in channels]
        shared = shared_gaps(times)
        for length, at in shared[:1]:
            text = f"nothing was recorded for {seconds(length)}: all regular topics are silent at once"
            advice = "recording was paused, the machine stood still, or its clock was set: no sensor's fault"
            yield Finding(Severity.WARNING, "recording-gap", text, "", at, advice, len(shared), length / 1e9)
        for channel in channels:
            yield from channel.findings(shared)
        yield from clock_findings(times, has_clock=self._has_clock)
        yield from self._transforms.findings()


@dataclass(eq=False, slots=True)
class _Channel:
    """What is kept of one connection."""

    connection: Connection
    times: TopicTimes
    repeats: Repeats
    counters: dict[str, Counter]
    decode: Decode | None
    read_header: Callable[[RawBatch], Headers | None] | None
    why: str = ""
    bad: int = 0
    bad_at: int | None = None
    least: int = np.iinfo(np.int64).max
    most: int = np.iinfo(np.int64).min

    @classmethod
    def of(cls, connection: Connection, definitions: Sequence[Path], distro: str) -> _Channel:
        decode, why = None, ""
        try:
            decode = decoder_for(connection, definitions=definitions, ros_distro=distro)
        except UnknownTypeError as err:
            why = f"no definition of {err.msgtype}"
        except DecodeError as err:
            why = err.within_topic
        return cls(
            connection,
            TopicTimes(connection, is_transforms(connection)),
            Repeats(connection, is_transforms(connection)),
            {},
            decode,
            header_reader(connection, definitions=definitions, ros_distro=distro),
            why,
        )

    def add(self, batch: RawBatch, transforms: Transforms) -> None:
        self.least = min(self.least, int(batch.log_time_nanos.min()))
        self.most = max(self.most, int(batch.log_time_nanos.max()))
        headers = self._headers(batch, transforms)
        self.times.add(batch, headers)
        self.repeats.add(batch, headers)
        if (batch.sequence != 0).any():
            self._count("sequence", batch.sequence.astype(np.int64), batch.log_time_nanos)
        if headers is not None:
            self.times.frames |= transforms.add_uses(self.connection, batch, headers)
            if headers.sequence is not None:
                self._count("header.seq", headers.sequence, batch.log_time_nanos[headers.rows])

    def _headers(self, batch: RawBatch, transforms: Transforms) -> Headers | None:
        if self.decode is None:
            return None
        if is_transforms(self.connection):
            edges = edges_of(self.decode, batch)
            transforms.add_edges(self.connection, batch, edges)
            return Headers(edges.rows, edges.stamp_nanos, None, None)
        if self.read_header is not None and batch.payload_bytes > WHOLE_BYTES * len(batch):
            return self.read_header(batch)
        got = decode_what_can(self.decode, batch)
        if len(got.bad):
            self.bad += len(got.bad)
            self.why = got.error.within_topic if got.error else ""
            self.bad_at = int(batch.log_time_nanos[got.bad[0]]) if self.bad_at is None else self.bad_at
        return headers_in(got.columns, got.rows) if is_data(self.connection) else None

    def _count(self, what: str, numbers: Int64s, log_times: Int64s) -> None:
        self.counters.setdefault(what, Counter(self.connection, what)).add(numbers, log_times)

    def findings(self, shared: Sequence[tuple[int, int]]) -> Iterator[Finding]:
        topic = self.connection.topic
        if self.bad:
            advice = (
                "the recorded definition is another version than the publisher's: name the right one with --msgs FOLDER"
            )
            text = f"{self.bad} messages do not follow the definition of {self.connection.msgtype}: {self.why}"
            yield Finding(Severity.ERROR, "undecodable", text, topic, self.bad_at, advice, self.bad)
        elif self.decode is None and self.connection.encoding in ("cdr", "ros1"):
            advice = "name the workspace that has it with --msgs FOLDER; its bytes are kept all the same"
            yield Finding(Severity.NOTE, "no-definition", self.why, topic, None, advice)
        yield from self.times.findings(shared)
        yield from self.repeats.findings(self.times.log.count)
        for counter in self.counters.values():
            yield from counter.findings()
