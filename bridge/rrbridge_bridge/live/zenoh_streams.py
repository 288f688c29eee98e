"""What a Zenoh session knows of each connection that it records, and what it makes of the samples that arrive."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from rrbridge_bridge.live.qos import offered_qos_profiles
from rrbridge_bridge.live.source import UNKNOWN, Dropped, Received
from rrbridge_bridge.live.zenoh_inbox import GivenUp, Sample
from rrbridge_bridge.live.zenoh_keys import NO_HASH, Qos, Token, attachments, node_names
from rrbridge_bridge.raw import Connection, RawBatch

__all__ = [
    "Seen",
    "Stream",
    "batch_of",
    "depth_of",
    "dropped",
    "fitted",
    "metadata_of",
    "no_definition",
    "without_repeats",
]

MAX_GAP = 10_000
"""Larger gaps between numbers are not filled again."""

MAX_DEPTH = 100_000
"""No publisher is asked for more of its history."""


@dataclass(slots=True, eq=False)
class Seen:
    """Which of a publisher's numbers have come."""

    low: int = 0
    high: int = -1
    missing: set[int] = field(default_factory=set)
    """Between the lowest and the highest."""

    def note(self, sequences: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Whether each of these comes for the first time; from now on they have come. Shape (N,)."""
        first, last = int(sequences[0]), int(sequences[-1])
        if self.high >= 0 and first == self.high + 1 and bool((np.diff(sequences) == 1).all()):
            self.high = last
            return np.ones(len(sequences), bool)
        return np.array([self._is_new(number) for number in sequences.tolist()], bool)

    def _is_new(self, number: int) -> bool:
        if self.high < 0:
            self.low = self.high = number
        elif number > self.high:
            self.missing.update(range(max(self.high + 1, number - MAX_GAP), number))
            self.high = number
        elif number < self.low:
            self.missing.update(range(number + 1, min(self.low, number + 1 + MAX_GAP)))
            self.low = number
        elif number in self.missing:
            self.missing.discard(number)
        else:
            return False
        return True


@dataclass(eq=False)
class Stream:
    """What the session knows of one connection: a topic, a type and its hash."""

    connection: Connection
    type_hash: str
    key: str
    qos: Qos
    """What it listens with."""
    is_latched: bool
    """Whether publishers keep messages for late listeners, be it asked for or not."""
    subscriber: Any = None
    token: Any = None
    publishers: dict[bytes, int] = field(default_factory=dict)
    """Numbers of publishers by their signatures."""
    seen: defaultdict[int, Seen] = field(default_factory=lambda: defaultdict(Seen))
    """By publisher."""
    repeats_until: float = 0.0
    """Until then, on the monotonic clock, what publishers kept may come besides what was heard as they sent it."""
    look_back: list[float] = field(default_factory=list)
    """When to ask what publishers kept."""
    asked: bool = False
    """Whether a node was asked for the definition."""


def batch_of(stream: Stream, samples: Sequence[Sample], order: int) -> Received:
    """Samples of one connection together; `order` is the first one's place in the session."""
    payloads = [payload for _, _, payload, _ in samples]
    sizes = np.array([len(payload) for payload in payloads], np.int64)
    arrived = np.array([time_nanos for _, time_nanos, _, _ in samples], np.int64)
    sequences, published, gids = attachments([told for *_, told in samples])
    known = sequences != UNKNOWN
    buffer = payloads[0] if len(payloads) == 1 else b"".join(payloads)
    batch = RawBatch(
        stream.connection,
        np.frombuffer(buffer, np.uint8),
        np.cumsum(sizes) - sizes,
        sizes,
        arrived,
        np.where(known & (published > 0), published, arrived),
        np.where(known, sequences & 0xFFFFFFFF, 0).astype(np.uint32),
        np.arange(order, order + len(samples), dtype=np.int64),
    )
    return Received(batch, sequences, np.where(known, publisher_numbers(stream, gids), UNKNOWN))


def publisher_numbers(stream: Stream, gids: npt.NDArray[np.void]) -> npt.NDArray[np.int64]:
    """Each publisher's number within the connection."""
    distinct, which = np.unique(gids.view(("<u8", 2)).reshape(-1, 2), axis=0, return_inverse=True)
    numbers = [stream.publishers.setdefault(row.tobytes(), len(stream.publishers)) for row in distinct]
    return np.array(numbers, np.int64)[which.reshape(-1)]


def dropped(stream: Stream, signature: bytes, given_up: GivenUp) -> Dropped:
    """What was given up of one publisher, as sources tell it."""
    publisher = stream.publishers.setdefault(signature, len(stream.publishers)) if signature else UNKNOWN
    return Dropped(stream.connection, given_up.count, given_up.nbytes, publisher, (given_up.lowest, given_up.highest))


def without_repeats(stream: Stream, received: Received, *, drop: bool) -> Received:
    """Notes what has come; with `drop`, leaves out what had come before."""
    sequences, publishers = received.sequences, received.publishers
    fresh = np.ones(len(sequences), bool)
    for publisher in np.unique(publishers[publishers != UNKNOWN]).tolist():
        own = publishers == publisher
        fresh[own] = stream.seen[publisher].note(sequences[own])
    if not drop or fresh.all():
        return received
    return Received(received.batch.take(fresh), sequences[fresh], publishers[fresh])


def fitted(publishers: Sequence[Token]) -> Qos:
    """What to listen with so that every publisher is heard, and everything that any of them keeps."""
    return Qos(
        "reliable" if all(p.qos.reliability == "reliable" for p in publishers) else "best_effort",
        "transient_local" if any(p.qos.is_latched for p in publishers) else "volatile",
        "keep_all" if any(p.qos.history == "keep_all" for p in publishers) else "keep_last",
        max(p.qos.depth for p in publishers),
    )


def depth_of(qos: Qos) -> int:
    """How many messages to ask each publisher for of those that it keeps."""
    return MAX_DEPTH if qos.history == "keep_all" else min(max(qos.depth, 1), MAX_DEPTH)


def metadata_of(publishers: Sequence[Token]) -> Mapping[str, str]:
    """What is kept of publishers in the recording."""
    metadata = {
        "offered_qos_profiles": offered_qos_profiles([publisher.qos.facts() for publisher in publishers]),
        "publishers": ", ".join(node_names(publishers)),
    }
    if publishers[0].type_hash != NO_HASH:
        metadata["topic_type_hash"] = publishers[0].type_hash
    return metadata


def no_definition(stream: Stream, reason: str) -> str:
    """That a type's definition is missing, and what follows."""
    where = f" ({reason})" if reason else ""
    return f"no definition of {stream.connection.msgtype} was found{where}: its bytes are recorded, undecoded"
