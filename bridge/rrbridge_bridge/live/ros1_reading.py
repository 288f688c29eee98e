"""Reads what ROS 1 publishers send, all of them in one thread, and makes batches of it."""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rrbridge_bridge.live.ros1_links import Link
from rrbridge_bridge.live.ros1_wire import Frames
from rrbridge_bridge.live.source import UNKNOWN, Received
from rrbridge_bridge.raw import Connection, Int64s, RawBatch

__all__ = ["LinkReader", "Lost"]

log = logging.getLogger(__name__)

BATCH_SECS = 0.05
BATCH_BYTES = 4 << 20
"""Of one publisher: handed on before its time."""
IDLE_SECS = 0.25
PAUSE_SECS = 0.001
"""Where more than `MAX_TURNS` small reads fall into one batch, each next one waits so long for more to read at once."""
MAX_TURNS = 50
SMALL_TURN_BYTES = 32 << 10
LAST_READ_SECS = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Lost:
    """A connection is over."""

    link: Link
    lie: str
    """What came that no publisher can mean; empty if the connection has just ended."""


class LinkReader:
    """The sockets of all publishers, and what they have brought since the last batch."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._links: set[Link] = set()
        self._dirty: dict[Link, None] = {}
        """Links that have brought something since the last batch."""
        self._order = 0
        self._batch_due = 0.0
        self._turns = 0
        self._turn_bytes = 0
        self.heard = time.monotonic()
        """When a publisher last sent something."""

    def add(self, link: Link) -> None:
        """Read it from now on."""
        self._links.add(link)
        self._selector.register(link.socket, selectors.EVENT_READ, link)

    def remove(self, link: Link) -> None:
        """End a connection; what it has brought is still handed on."""
        self._links.discard(link)
        self._selector.unregister(link.socket)
        link.socket.close()

    def wake(self) -> None:
        """Let `turn` return at once. From any thread."""
        with contextlib.suppress(OSError):  # it is awake already, or has ended
            self._waker.send(b"!")

    def close(self) -> None:
        """End all connections."""
        for link in self._links:
            link.socket.close()
        self._selector.close()
        self._woken.close()
        self._waker.close()

    def turn(self) -> list[Lost]:
        """Wait for something to happen, and read once from every socket that has something; those that have ended."""
        if self._turns > MAX_TURNS and self._turn_bytes < SMALL_TURN_BYTES:
            time.sleep(PAUSE_SECS)
        wait_secs = max(self._batch_due - time.monotonic(), 0.0) if self._dirty else IDLE_SECS
        self._turn_bytes = 0
        lost = []
        for key, _ in self._selector.select(wait_secs):
            if key.data is None:
                self._woken.recv(4096)
                continue
            read = self._read(key.data)
            if isinstance(read, Lost):
                lost.append(read)
            else:
                self._turn_bytes += read
        self._turns += 1
        return lost

    @property
    def is_due(self) -> bool:
        """Whether there are batches, and it is time to hand them on."""
        return bool(self._dirty) and time.monotonic() >= self._batch_due

    def read_last(self) -> None:
        """Read what every socket holds, and then the rest of messages that have begun, within some time.

        A publisher that goes on sending is not listened to for longer.
        """
        until = time.monotonic() + LAST_READ_SECS
        for link in list(self._links):
            left = link.socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
            while left > 0 and time.monotonic() < until:
                read = self._read(link)
                if isinstance(read, Lost) or not read:
                    break
                left -= read
        begun = {link: link.frames.whole_bytes for link in self._links if link.frames.has_part}
        with selectors.DefaultSelector() as unfinished:  # the others must not wake us again and again
            for link in begun:
                unfinished.register(link.socket, selectors.EVENT_READ, link)
            while unfinished.get_map() and (secs := until - time.monotonic()) > 0:
                for key, _ in unfinished.select(secs):
                    link = key.data
                    is_over = isinstance(self._read(link), Lost)
                    if is_over or not link.frames.has_part or link.frames.whole_bytes > begun[link]:
                        unfinished.unregister(key.fd)

    def batches(self) -> Iterator[tuple[Link, Received]]:
        """What came since the last time."""
        dirty, self._dirty = self._dirty, {}
        for link in dirty:
            for frames in link.frames.take():
                self.heard = time.monotonic()
                yield link, self._received(link, frames)

    def batch_of(self, connection: Connection, frames: Frames) -> RawBatch:
        """Messages with their place in the order of all."""
        count = len(frames.sizes)
        order = np.arange(self._order, self._order + count, dtype=np.int64)
        self._order += count
        times = frames.arrival_nanos
        return RawBatch(
            connection, frames.buffer, frames.starts, frames.sizes, times, times, np.zeros(count, np.uint32), order
        )

    def _received(self, link: Link, frames: Frames) -> Received:
        count = len(frames.sizes)
        sequences: Int64s = link.judge.judge(frames) if link.has_numbers else np.full(count, UNKNOWN, np.int64)
        return Received(self.batch_of(link.connection, frames), sequences, np.full(count, link.number, np.int64))

    def _read(self, link: Link) -> int | Lost:
        """Read what there is, up to some bytes; how many. A connection that has ended is let go of."""
        try:
            count = link.socket.recv_into(link.frames.space())
            nanos = time.time_ns()
            if not count:
                raise ConnectionError("the publisher has ended the connection")
            self._has_brought(link)
            link.frames.arrived(count, nanos)
        except BlockingIOError:
            return 0
        except (OSError, ValueError) as err:
            log.info("%s from %s: %s", link.topic, link.node, err)
            self.remove(link)
            return Lost(link, str(err) if isinstance(err, ValueError) else "")
        if link.frames.whole_bytes > BATCH_BYTES:
            self._batch_due = 0.0
        return count

    def _has_brought(self, link: Link) -> None:
        if not self._dirty:
            self._batch_due = time.monotonic() + BATCH_SECS
            self._turns = 0
        self._dirty[link] = None
