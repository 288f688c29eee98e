"""Which ROS 1 publishers are called, which again and when, and what was told of those that do not answer."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from typing import TypeAlias

from rrbridge_bridge.live.ros1_links import Dialer, LinkFailed

__all__ = ["Calls", "Key"]

REDIAL_SECS = (0.1, 0.3, 1.0, 2.0, 5.0, 10.0)

Key: TypeAlias = tuple[str, str]
"""Topic and node."""


class Calls:
    """Calls a publisher once at a time, and less and less often while it does not answer."""

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer
        self._under_way: set[Key] = set()
        self._due: dict[Key, float] = {}
        self._tries: Counter[Key] = Counter()
        self._told: defaultdict[str, set[str]] = defaultdict(set)
        """By node: troubles that a person knows of."""
        self._not_believed: set[Key] = set()

    def dial(self, key: Key) -> None:
        """Call it now."""
        if key not in self._under_way:
            self._under_way.add(key)
            self._dialer.dial(*key)

    def is_waiting(self, key: Key) -> bool:
        """Whether it will be called again."""
        return key in self._due

    def again_later(self, key: Key) -> None:
        """Call it when some time has passed, longer after every try."""
        self._due[key] = time.monotonic() + REDIAL_SECS[min(self._tries[key], len(REDIAL_SECS) - 1)]
        self._tries[key] += 1

    def take_due(self) -> list[Key]:
        """Those to be called now."""
        if not self._due:
            return []
        now = time.monotonic()
        due = [key for key, then in self._due.items() if then <= now]
        for key in due:
            del self._due[key]
        return due

    def answered(self, key: Key) -> None:
        """A call has ended, in whichever way."""
        self._under_way.discard(key)

    def linked(self, key: Key) -> None:
        """It is connected."""
        self._due.pop(key, None)

    def works(self, key: Key) -> None:
        """It has sent messages: the next trouble is a new one."""
        if self._tries.pop(key, 0):
            self._told.pop(key[1], None)

    def is_news(self, failed: LinkFailed) -> bool:
        """Whether a person should be told: not of a node that is just ending, and not twice."""
        told = self._told[failed.node]
        if not failed.text or self._tries[failed.topic, failed.node] < 2 or failed.text in told:
            return False
        told.add(failed.text)
        return True

    def disbelieve(self, key: Key) -> bool:
        """Call it seldom, as it lies; whether that is new."""
        self._due[key] = time.monotonic() + REDIAL_SECS[-1]
        is_new = key not in self._not_believed
        self._not_believed.add(key)
        return is_new
