"""What of a load arrived: read from a recording, or counted by a loop that only receives."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rrbridge._messages import StoredChunk
from rrbridge.rrd import RrdReader
from rrbridge_bridge.raw import RawBatch, rows_at
from rrbridge_bridge.readers import ReadOptions, open_bag

__all__ = ["Arrivals", "Gathering", "of_bag", "of_rrd"]

TAIL_BYTES = 16
Int64s: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Arrivals:
    """The messages of one topic that arrived."""

    numbers: Int64s
    lag_nanos: Int64s
    """From when it was sent until it was received."""
    nbytes: int

    def lost(self, sent: int) -> int:
        """How many of the numbers below `sent` are missing."""
        return sent - len(np.unique(self.numbers))

    def longest_gap(self, sent: int) -> int:
        """How many in a row are missing at most."""
        ends = np.concatenate([[-1], np.unique(self.numbers), [sent]])
        return int(np.diff(ends).max()) - 1


class Gathering:
    """Tails of messages and when they were received, by topic."""

    def __init__(self) -> None:
        self._tails: defaultdict[str, list[npt.NDArray[np.uint8]]] = defaultdict(list)
        self._received: defaultdict[str, list[Int64s]] = defaultdict(list)
        self._nbytes: defaultdict[str, int] = defaultdict(int)

    def add(self, topic: str, buffer: npt.NDArray[np.uint8], ends: Int64s, received_nanos: Int64s, nbytes: int) -> None:
        """Messages that end there in a buffer."""
        self._tails[topic].append(rows_at(buffer, ends - TAIL_BYTES, TAIL_BYTES))
        self._received[topic].append(received_nanos)
        self._nbytes[topic] += nbytes

    def add_batch(self, batch: RawBatch) -> None:
        """Messages as sources and readers hand them over."""
        ends = batch.starts + batch.sizes
        self.add(batch.connection.topic, batch.buffer, ends, batch.log_time_nanos, batch.payload_bytes)

    def arrivals(self) -> dict[str, Arrivals]:
        """By topic."""
        return {topic: self._of(topic) for topic in self._tails}

    def _of(self, topic: str) -> Arrivals:
        pairs = np.concatenate(self._tails[topic]).view("<u8").astype(np.int64)
        return Arrivals(pairs[:, 0], np.concatenate(self._received[topic]) - pairs[:, 1], self._nbytes[topic])


def of_rrd(path: Path) -> dict[str, Arrivals]:
    """What our own recording has, by topic."""
    found = Gathering()
    for message in RrdReader(path).messages():
        if isinstance(message, StoredChunk) and "McapMessage:data" in message.chunk.components:
            chunk = message.chunk
            payloads = chunk.components["McapMessage:data"].cells.flatten()
            offsets = payloads.offsets.to_numpy().astype(np.int64)
            octets = payloads.flatten().to_numpy()
            ends = offsets[1:] - offsets[0]
            found.add(chunk.entity_path, octets, ends, chunk.times["message_log_time"].values, len(octets))
    return found.arrivals()


def of_bag(path: Path) -> dict[str, Arrivals]:
    """What `rosbag record` wrote, by topic."""
    found = Gathering()
    with open_bag(path) as reader:
        for batch in reader.batches(ReadOptions()):
            found.add_batch(batch)
    return found.arrivals()
