"""Which topics to record."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass

from rrbridge_bridge.live.names import action_of, is_hidden, service_of

__all__ = ["Selection"]


@dataclass(frozen=True, slots=True)
class Selection:
    """A topic is recorded when it is named, matches a pattern, is of a wanted type, or all are asked for, and is not excluded."""

    topics: frozenset[str] = frozenset()
    every: bool = False
    pattern: re.Pattern[str] | None = None
    exclude: re.Pattern[str] | None = None
    services: frozenset[str] = frozenset()
    """Whose calls to record, where their introspection is switched on."""
    actions: frozenset[str] = frozenset()
    """Whose goals, feedback and status to record."""
    every_service: bool = False
    every_action: bool = False
    globs: re.Pattern[str] | None = None
    """Names with `*` or `?` in them."""
    types: re.Pattern[str] | None = None
    exclude_topics: re.Pattern[str] | None = None
    exclude_types: re.Pattern[str] | None = None
    hidden: bool = False
    """Whether what matches is recorded even if ROS keeps it out of lists."""

    @classmethod
    def of(
        cls,
        topics: Iterable[str] = (),
        *,
        every: bool = False,
        pattern: Iterable[str] = (),
        exclude: Iterable[str] = (),
        types: Iterable[str] = (),
        exclude_topics: Iterable[str] = (),
        exclude_types: Iterable[str] = (),
        hidden: bool = False,
        services: Iterable[str] = (),
        actions: Iterable[str] = (),
        every_service: bool = False,
        every_action: bool = False,
    ) -> Selection:
        """From what is written on a command line; a missing leading `/` is put. Raises re.error."""
        named = _absolute(topics)
        globs = frozenset(name for name in named if _is_glob(name))
        return cls(
            named - globs,
            every,
            _any(pattern),
            _any(exclude),
            _absolute(services),
            _absolute(actions),
            every_service,
            every_action,
            _any(map(fnmatch.translate, sorted(globs))),
            _any(map(_type_pattern, types)),
            _any(map(fnmatch.translate, sorted(_absolute(exclude_topics)))),
            _any(map(_type_pattern, exclude_types)),
            hidden,
        )

    def wants(self, topic: str, msgtype: str = "") -> bool:
        """Whether to record it. Hidden topics are recorded only when they, their service or their action are asked for.

        Outside ROS there are names without a leading `/`; they are chosen with it too.
        """
        names = (topic,) if topic.startswith("/") else (topic, f"/{topic}")
        if _found(self.exclude, *names) or _found(self.exclude_topics, *names) or _found(self.exclude_types, msgtype):
            return False
        if not self.topics.isdisjoint(names):
            return True
        service, action = service_of(topic), action_of(topic)
        if service and (self.every_service or service in self.services):
            return True
        if action and (self.every_action or action in self.actions):
            return True
        if is_hidden(topic) and not self.hidden:
            return False
        return self.every or _found(self.pattern, *names) or _found(self.globs, *names) or _found(self.types, msgtype)

    def missing(self, topics: Iterable[str]) -> frozenset[str]:
        """Topics, services and actions that were named, and that none of these topics is or tells of."""
        here = _absolute(topics)
        return (
            (self.topics - here)
            | (self.services - {service_of(topic) for topic in here})
            | (self.actions - {action_of(topic) for topic in here})
        )


def _found(pattern: re.Pattern[str] | None, *texts: str) -> bool:
    return pattern is not None and any(map(pattern.search, texts))


def _any(patterns: Iterable[str]) -> re.Pattern[str] | None:
    """What matches where one of them does; each is tried alone first, so that an error names it."""
    tried = [re.compile(pattern).pattern for pattern in patterns]
    return re.compile("|".join(f"(?:{pattern})" for pattern in tried)) if tried else None


def _type_pattern(name: str) -> str:
    """`sensor_msgs/msg/Imu`, `sensor_msgs/Imu` as ROS 1 writes it, or with `*` for anything."""
    parts = name.strip("/").split("/")
    long = [parts[0], "msg", parts[1]] if len(parts) == 2 and parts[1] != "*" else parts
    return "^" + fnmatch.translate("/".join(long))


def _is_glob(name: str) -> bool:
    return "*" in name or "?" in name


def _absolute(names: Iterable[str]) -> frozenset[str]:
    return frozenset("/" + name.strip("/") for name in names)
