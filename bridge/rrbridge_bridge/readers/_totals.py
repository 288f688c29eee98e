"""Counts and time spans per connection, as a summary shows them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rrbridge_bridge.raw import Int64s

__all__ = ["Totals"]


@dataclass(slots=True)
class Totals:
    """How many messages each connection has, and from when to when."""

    counts: dict[int, int] = field(default_factory=dict)
    _spans: dict[int, tuple[int, int]] = field(default_factory=dict)
    _whole: tuple[int, int] | None = None

    def add(self, connection_id: int, times_nanos: npt.NDArray[np.integer]) -> None:
        """More messages of one connection."""
        if not len(times_nanos):
            return
        self.counts[connection_id] = self.counts.get(connection_id, 0) + len(times_nanos)
        lo, hi = int(times_nanos.min()), int(times_nanos.max())
        known = self._spans.get(connection_id, (lo, hi))
        self._spans[connection_id] = (min(lo, known[0]), max(hi, known[1]))
        self.widen(lo, hi)

    def add_rows(self, connection_ids: Int64s, times_nanos: Int64s) -> None:
        """More messages of any connections."""
        by_connection = np.argsort(connection_ids, kind="stable")
        cuts = np.flatnonzero(np.diff(connection_ids[by_connection])) + 1
        for rows in np.split(by_connection, cuts):
            if len(rows):
                self.add(int(connection_ids[rows[0]]), times_nanos[rows])

    def widen(self, start_nanos: int, end_nanos: int) -> None:
        """The whole recording covers this span too."""
        if self._whole:
            start_nanos, end_nanos = min(start_nanos, self._whole[0]), max(end_nanos, self._whole[1])
        self._whole = (start_nanos, end_nanos)

    def span(self, connection_id: int) -> tuple[int, int] | tuple[None, None]:
        """From when to when one connection has messages; None where that is not known."""
        return self._spans.get(connection_id, (None, None))

    def whole_span(self) -> tuple[int, int] | tuple[None, None]:
        """From when to when anything has messages."""
        return self._whole or (None, None)
