"""Which topics to record."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rrbridge_bridge.live.names import action_of, is_hidden, service_of

__all__ = ["Selection"]


@dataclass(frozen=True, slots=True)
class Selection:
    """A topic is recorded when it is named, matches the pattern, or all are asked for, and is not excluded."""

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

    @classmethod
    def of(
        cls,
        topics: tuple[str, ...],
        *,
        every: bool,
        pattern: str | None,
        exclude: str | None,
        services: tuple[str, ...] = (),
        actions: tuple[str, ...] = (),
        every_service: bool = False,
        every_action: bool = False,
    ) -> Selection:
        """From what is written on a command line; a missing leading `/` is put. Raises re.error."""
        return cls(
            _absolute(topics),
            every,
            re.compile(pattern) if pattern is not None else None,
            re.compile(exclude) if exclude is not None else None,
            _absolute(services),
            _absolute(actions),
            every_service,
            every_action,
        )

    def wants(self, topic: str) -> bool:
        """Whether to record it. Hidden topics are recorded only when they, their service or their action are asked for."""
        if self.exclude and self.exclude.search(topic):
            return False
        if topic in self.topics:
            return True
        if service := service_of(topic):
            return self.every_service or service in self.services
        if action := action_of(topic):
            return self.every_action or action in self.actions
        if is_hidden(topic):
            return False
        return self.every or bool(self.pattern and self.pattern.search(topic))


def _absolute(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset("/" + name.strip("/") for name in names)
