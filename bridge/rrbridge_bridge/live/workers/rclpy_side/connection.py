"""One recorded topic and type: what is taken from the middleware, until it is sent on in blocks."""

from __future__ import annotations

import collections
import time
from typing import Any

from rclpy_side.heard import Heard
from rclpy_side.pipe import RECORD, Pipe

BLOCK_BYTES = 512 * 1024
BLOCK_MESSAGES = 4000
TURN_BYTES = 8 * 1024 * 1024
TURN_MESSAGES = 1000
JITTER_NANOS = 50_000_000
"""The way to us may have been shorter for the next message; what was published so shortly after the cutoff still counts."""
RECENT_KEYS = 20000
MAX_PAYLOAD = 1 << 30


class Recent:
    """The last keys seen: tells a message that came over two subscriptions from a new one."""

    def __init__(self) -> None:
        self.keys: set[tuple[Any, ...]] = set()
        self.order: collections.deque[tuple[Any, ...]] = collections.deque()

    def is_new(self, key: tuple[Any, ...]) -> bool:
        """Whether the key was not seen before; remembers it."""
        if key in self.keys:
            return False
        self.keys.add(key)
        self.order.append(key)
        if len(self.order) > RECENT_KEYS:
            self.keys.discard(self.order.popleft())
        return True


class Connection:
    """One recorded topic and type: its subscriptions, and the block of messages that is being gathered."""

    def __init__(self, number: int, topic: str, msgtype: str, cls: type, asked: Any = None) -> None:
        self.number = number
        self.topic = topic
        self.msgtype = msgtype
        self.cls = cls
        self.asked: dict[str, Any] = asked or {}  # of the quality of service
        self.subscriptions: dict[tuple[bool, bool], Any] = {}  # by (reliable, transient_local)
        self.retiring: list[tuple[float, Any]] = []  # (when to close it, subscription)
        self.ways: list[tuple[Any, Any]] = []  # how to take a message from each subscription
        self.compares = False  # whether a message can come twice
        self.recent = Recent()
        self.publishers: dict[bytes, int] = {}  # numbers from 1, by gid
        self.heard: dict[int, Heard] = {}  # by publisher's number, 0 where it is not told
        self.cutoff = 0  # from when on, in wall clock nanoseconds, messages are not wanted any more; 0: all are
        self.later: set[int] = set()  # publishers that were heard with a message from after the cutoff
        self.records: list[bytes] = []
        self.payloads: list[bytes] = []
        self.size = 0
        self.since = 0.0
        self.failed = False

    def add(self, raw: bytes, info: dict[str, Any], pipe: Pipe, compares: bool) -> None:
        """Put one message into the block."""
        published = info.get("source_timestamp") or 0
        received = info.get("received_timestamp") or 0
        sequence = info.get("publication_sequence_number")
        gid = info.get("publisher_gid")
        if gid is not None:
            gid = bytes(gid["data"])
        if sequence is None:
            sequence = -1
        if compares:
            # Where no counter tells messages apart their content does; only its hash, for many large ones are remembered.
            key = (gid, sequence) if gid is not None and sequence >= 0 else (published, sequence, hash(raw))
            if not self.recent.is_new(key):
                return
        if received <= 0:
            received = time.time_ns()
        if published <= 0:
            published = received
        publisher = 0
        if gid is not None:
            publisher = self.publishers.get(gid, 0)
            if not publisher:
                publisher = self.publishers[gid] = len(self.publishers) + 1
        heard = self.heard.get(publisher)
        if self.cutoff and self.is_later(publisher, received, published):
            return
        if heard is None:
            self.heard[publisher] = Heard(received, published, sequence if publisher else -1)
        else:
            heard.add(received, published, sequence if publisher else -1)
        size = len(raw)
        if size > MAX_PAYLOAD:
            raise ValueError(f"a message of {size} bytes is larger than can be handled")
        if self.payloads and self.size + size > MAX_PAYLOAD:
            self.flush(pipe)
        if not self.payloads:
            self.since = time.monotonic()
        self.records.append(RECORD.pack(received, published, sequence, size, publisher))
        self.payloads.append(raw)
        self.size += size
        if self.size >= BLOCK_BYTES or len(self.payloads) >= BLOCK_MESSAGES:
            self.flush(pipe)

    @property
    def troubled(self) -> int:
        """When messages were last missing or late, in nanoseconds of the wall clock."""
        return max((heard.troubled for heard in self.heard.values()), default=0)

    def is_later(self, publisher: int, received: int, published: int) -> bool:
        """Whether a message was published after the cutoff, by its publisher's clock as we know it."""
        if publisher and publisher in self.later:
            return True  # its messages come in order: taking this one would leave a gap
        heard = self.heard.get(publisher)
        here = published + (heard.lag if heard else 0)
        if received <= self.cutoff or here <= self.cutoff + JITTER_NANOS:
            return False
        self.later.add(publisher)
        return True

    def flush(self, pipe: Pipe) -> None:
        """Send the block."""
        if self.payloads:
            records, payloads, size = self.records, self.payloads, self.size
            self.records, self.payloads, self.size = [], [], 0
            pipe.messages(self.number, records, payloads, size)

    def arrange(self) -> None:
        """Take over what subscriptions there are; to be called whenever they have changed."""
        every = [*self.subscriptions.values(), *(subscription for _, subscription in self.retiring)]
        self.ways = [(subscription.handle.take_message, subscription.msg_type) for subscription in every]
        self.compares = len(every) > 1 or any(transient for _, transient in self.subscriptions)

    def drain(self, pipe: Pipe) -> int:
        """Take what is there, within this topic's turn. Returns how many messages."""
        taken = 0
        for take, cls in self.ways:
            found = take(cls, True)
            size = count = 0
            while found is not None:
                taken += 1
                self.add(found[0], found[1], pipe, self.compares)
                size += len(found[0])
                count += 1
                if size > TURN_BYTES or count >= TURN_MESSAGES:
                    break
                found = take(cls, True)
        return taken
