"""At most so many messages a second of a topic."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rrbridge_bridge.live.source import Received

__all__ = ["Throttle", "taken"]

NANOS = 1_000_000_000


class Throttle:
    """Lets the first message of every period through.

    Periods are counted on the log time, from the epoch: two topics with one rate keep messages of the same moments, and a clock
    that jumps costs nothing. Those of the last second are known, as publishers of one topic may each bring messages of it.
    """

    def __init__(self, hertz: float) -> None:
        self._period_nanos = max(round(NANOS / hertz), 1)
        self._most = max(round(hertz), 1)
        self._known = np.zeros(0, np.int64)

    def keeps(self, log_time_nanos: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which of the messages that arrived next to keep."""
        periods, first = np.unique(log_time_nanos // self._period_nanos, return_index=True)
        fresh = ~np.isin(periods, self._known)
        self._known = np.concatenate((self._known, periods[fresh]))[-self._most :]
        keep = np.zeros(len(log_time_nanos), np.bool_)
        keep[first[fresh]] = True
        return keep


def taken(received: Received, rows: npt.NDArray[np.bool_]) -> Received:
    """Those messages, in a buffer of their own, so that the others' memory is free."""
    return Received(received.batch.take(rows).compact(), received.sequences[rows], received.publishers[rows])
