"""What an index says about messages without their being read: when they were logged, and about how large they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from rrbridge_bridge.raw import Int64s

__all__ = ["Compression", "Indexed", "RecordSizes", "joined"]

JOINED_MESSAGES = 1 << 17


@dataclass(frozen=True, eq=False, slots=True)
class Indexed:
    """N messages of any connections; arrays of shape (N,)."""

    connection_ids: Int64s
    log_time_nanos: Int64s
    sizes: Int64s
    """Payload bytes. From one record to the next, so that what stands between two messages counts as part of the first."""


@dataclass(frozen=True, slots=True)
class Compression:
    """Chunks that are packed the same way."""

    codec: str
    """`zstd`, `lz4`, `bz2`; empty for none."""
    chunks: int
    packed_bytes: int
    unpacked_bytes: int


def joined(parts: Iterable[Indexed]) -> Iterator[Indexed]:
    """The same in fewer, larger parts: what is done for each part costs more than what is done for each message."""
    waiting: list[Indexed] = []
    count = 0
    for part in parts:
        waiting.append(part)
        count += len(part.sizes)
        if count >= JOINED_MESSAGES:
            yield _concatenated(waiting)
            waiting, count = [], 0
    if waiting:
        yield _concatenated(waiting)


def _concatenated(parts: Sequence[Indexed]) -> Indexed:
    return Indexed(
        np.concatenate([part.connection_ids for part in parts]),
        np.concatenate([part.log_time_nanos for part in parts]),
        np.concatenate([part.sizes for part in parts]),
    )


@dataclass(slots=True)
class RecordSizes:
    """About the payload bytes of messages, from where one record begins to where the next one does.

    A connection's description stands before its first message; it is taken off of the message before that.
    """

    head_bytes: int
    """Of a message record before its payload."""
    described: Mapping[int, int]
    """Bytes of each connection's description."""
    _seen: set[int] = field(default_factory=set)

    def of(self, connection_ids: Int64s, offsets: Int64s, chunk_bytes: int) -> Int64s:
        """Of the messages of a chunk, whose records stand at `offsets`; chunks are to be asked for in file order."""
        order = np.argsort(offsets, kind="stable")
        rising = np.diff(np.append(offsets[order], chunk_bytes)) - self.head_bytes
        if len(self._seen) < len(self.described):
            ids, first = np.unique(connection_ids[order], return_index=True)
            for number, row in zip(ids.tolist(), first.tolist(), strict=True):
                if row and number not in self._seen:
                    rising[row - 1] -= self.described.get(number, 0)
                self._seen.add(number)
        sizes = np.empty(len(offsets), np.int64)
        sizes[order] = rising
        return np.maximum(sizes, 0)
