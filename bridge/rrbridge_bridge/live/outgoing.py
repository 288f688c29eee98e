"""What waits to be sent to one listener: bounded in bytes, with the oldest of the heaviest channel given up first.

A listener that is too slow must not hold up the others, nor whoever publishes. Messages of control and latched ones are never
given up; they are few, and a listener that does not even take those is left.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from dataclasses import dataclass

__all__ = ["Outgoing"]

OVERHEAD_BYTES = 200
"""What a message costs besides its bytes."""


@dataclass(frozen=True, slots=True, eq=False)
class _Item:
    parts: tuple[bytes, ...]
    size: int
    channel: int | None
    """None: of control."""
    can_go: bool


class Outgoing:
    """A queue of messages. Any thread puts, one takes."""

    def __init__(self, limit_bytes: int, kept_limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._kept_limit_bytes = kept_limit_bytes
        self._changed = threading.Condition()
        self._waiting: dict[int, _Item] = {}
        self._tickets = 0
        self._by_channel: defaultdict[int, deque[int]] = defaultdict(deque)
        self._bytes_by_channel: defaultdict[int, int] = defaultdict(int)
        self._held_bytes = 0
        self._kept_bytes = 0
        self._dropped: dict[int, int] = {}
        self._is_finished = False
        self.is_overrun = False
        """Whether what is not given up went beyond its bound."""

    def put_control(self, *parts: bytes) -> None:
        """A message that is not given up."""
        self._put(_Item(parts, sum(map(len, parts)) + OVERHEAD_BYTES, None, can_go=False))

    def put(self, channel: int, *parts: bytes, can_go: bool = True) -> None:
        """A message of a channel; where there is no room, the oldest of the channel that holds most go for it.

        With `can_go=False` it is kept whatever happens, as it may never come again.
        """
        self._put(_Item(parts, sum(map(len, parts)) + OVERHEAD_BYTES, channel, can_go))

    def _put(self, item: _Item) -> None:
        with self._changed:
            if self._is_finished:
                return
            ticket = self._tickets
            self._tickets += 1
            self._waiting[ticket] = item
            if not item.can_go or item.channel is None:
                self._kept_bytes += item.size
                self.is_overrun |= self._kept_bytes > self._kept_limit_bytes
            else:
                self._held_bytes += item.size
                while self._held_bytes > max(self._limit_bytes, item.size):
                    self._drop_oldest()
                self._by_channel[item.channel].append(ticket)
                self._bytes_by_channel[item.channel] += item.size
            self._changed.notify()

    def _drop_oldest(self) -> None:
        """Of what was there before the newest message, which stays however large it is."""
        channel = max(self._bytes_by_channel, key=self._bytes_by_channel.__getitem__)
        self._let_go(self._by_channel[channel][0])
        self._dropped[channel] = self._dropped.get(channel, 0) + 1

    def _let_go(self, ticket: int) -> _Item:
        item = self._waiting.pop(ticket)
        if not item.can_go or item.channel is None:
            self._kept_bytes -= item.size
        else:
            self._by_channel[item.channel].popleft()  # a channel's oldest goes first, whatever the reason
            self._bytes_by_channel[item.channel] -= item.size
            self._held_bytes -= item.size
        return item

    def take(self, up_to_bytes: int, timeout_secs: float) -> list[bytes]:
        """The oldest messages, about so many bytes, at least one; none when nothing comes in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_finished, timeout_secs)
            parts: list[bytes] = []
            size = 0
            while self._waiting and size < up_to_bytes:
                item = self._let_go(next(iter(self._waiting)))
                parts += item.parts
                size += item.size
            return parts

    def forget(self, channel: int | None = None) -> None:
        """Give up what waits of a channel, or of all, because it is not wanted any more."""
        with self._changed:
            for ticket, item in list(self._waiting.items()):
                if item.channel is not None and channel in (None, item.channel):
                    self._let_go(ticket)

    def dropped(self) -> dict[int, int]:
        """How many messages of each channel were given up since this was last asked."""
        with self._changed:
            found, self._dropped = self._dropped, {}
            return found

    def finish(self) -> None:
        """Nothing more is put; what waits can still be taken."""
        with self._changed:
            self._is_finished = True
            self._changed.notify_all()

    @property
    def is_done(self) -> bool:
        """Whether it is finished and empty."""
        with self._changed:
            return self._is_finished and not self._waiting
