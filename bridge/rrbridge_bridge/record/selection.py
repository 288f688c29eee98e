"""Which topics to record."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Selection", "is_hidden"]


def is_hidden(topic: str) -> bool:
    """Whether ROS keeps a topic out of lists: some part of its name begins with `_`."""
    return any(part.startswith("_") for part in topic.split("/"))


@dataclass(frozen=True, slots=True)
class Selection:
    """A topic is recorded when it is named, matches the pattern, or all are asked for, and is not excluded."""

    topics: frozenset[str] = frozenset()
    every: bool = False
    pattern: re.Pattern[str] | None = None
    exclude: re.Pattern[str] | None = None

    @classmethod
    def of(cls, topics: tuple[str, ...], *, every: bool, pattern: str | None, exclude: str | None) -> Selection:
        """From what is written on a command line; a missing leading `/` is put. Raises re.error."""
        return cls(
            frozenset("/" + topic.strip("/") for topic in topics),
            every,
            re.compile(pattern) if pattern is not None else None,
            re.compile(exclude) if exclude is not None else None,
        )

    def wants(self, topic: str) -> bool:
        """Whether to record it. Hidden topics are recorded only when they are named."""
        if self.exclude and self.exclude.search(topic):
            return False
        if topic in self.topics:
            return True
        if is_hidden(topic):
            return False
        return self.every or bool(self.pattern and self.pattern.search(topic))
