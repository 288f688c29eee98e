"""Figures of topics while messages arrive, over the last so many of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from rrbridge_bridge.inspect.rates import Bandwidth, Rate
from rrbridge_bridge.raw import Int64s

__all__ = ["Gauge", "Gauges"]

NOTHING = np.zeros(0, np.int64)


@dataclass(eq=False, slots=True)
class Gauge:
    """Of one topic."""

    window: int
    """Figures are of the last so many messages."""
    total: int = 0
    """Messages in all."""
    shown: int = 0
    """Messages when it was last looked at."""
    times_nanos: Int64s = field(default_factory=lambda: NOTHING)
    sizes: Int64s = field(default_factory=lambda: NOTHING)

    def add(self, times_nanos: Int64s, sizes: Int64s) -> None:
        """More messages, as they arrived."""
        self.total += len(times_nanos)
        self.times_nanos = np.concatenate([self.times_nanos, times_nanos])[-self.window :]
        self.sizes = np.concatenate([self.sizes, sizes])[-self.window :]


class Gauges:
    """Of every topic that has brought a message."""

    def __init__(self, window: int, figure_of: Callable[[Int64s, Int64s], Rate | Bandwidth | None]) -> None:
        self._window, self._figure_of = window, figure_of
        self._gauges: dict[str, Gauge] = {}

    def add(self, topic: str, times_nanos: Int64s, sizes: Int64s) -> None:
        """More messages of a topic."""
        self._gauges.setdefault(topic, Gauge(self._window)).add(times_nanos, sizes)

    def __len__(self) -> int:
        return len(self._gauges)

    def figures(self) -> Mapping[str, Rate | Bandwidth | None]:
        """By topic; None where nothing can be said yet."""
        return {
            topic: self._figure_of(np.sort(gauge.times_nanos), gauge.sizes)
            for topic, gauge in sorted(self._gauges.items())
        }

    def total(self, topic: str) -> int:
        """Messages of a topic in all."""
        return self._gauges[topic].total

    def news(self) -> Mapping[str, int]:
        """By topic, messages since this was last asked."""
        found = {topic: gauge.total - gauge.shown for topic, gauge in sorted(self._gauges.items())}
        for gauge in self._gauges.values():
            gauge.shown = gauge.total
        return found
