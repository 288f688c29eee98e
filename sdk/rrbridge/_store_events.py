"""What happens to a store, for those who keep something made from its rows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from rrbridge._chunk import Chunk
from rrbridge._store_drop import Dropped

__all__ = ["Added", "Appeared", "Event", "Feed", "Removed"]


@dataclass(frozen=True, slots=True)
class Appeared:
    """An entity has its first data."""

    revision: int
    """The store's, once it was there."""
    entity: str


@dataclass(frozen=True, slots=True)
class Added:
    """Rows came."""

    revision: int
    chunk: Chunk


@dataclass(frozen=True, slots=True)
class Removed:
    """Rows were dropped, to stay within the memory limit."""

    revision: int
    dropped: Dropped


Event: TypeAlias = Appeared | Added | Removed


class Feed:
    """What happens to a store, in order; it is kept until it is taken."""

    def __init__(self, lock: threading.RLock, about: Callable[[str], bool] | None) -> None:
        self._lock = lock
        self._about = about
        self._wanted: dict[frozenset[str], bool] = {}
        self._events: list[Event] = []

    def wants(self, components: frozenset[str]) -> bool:
        """Whether it is about chunks with these components."""
        wanted = self._wanted.get(components)
        if wanted is None:
            wanted = self._wanted[components] = self._about is None or any(map(self._about, components))
        return wanted

    def tell(self, event: Event) -> None:
        """For the store: something happened."""
        self._events.append(event)

    def take(self) -> list[Event]:
        """Everything since the last time."""
        with self._lock:
            events, self._events = self._events, []
            return events
