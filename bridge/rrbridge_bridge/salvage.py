"""Getting what can be had of a batch in which some messages are bad."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np

from rrbridge_bridge.raw import Int64s

__all__ = ["Salvaged", "remembered", "salvage"]

log = logging.getLogger(__name__)

HOPELESS = 32
"""After so many failures without one success, the rest is not tried."""
ENOUGH = 1000
"""After so many failures in all, the rest is not tried either: each costs several attempts."""

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)


def remembered(error: E) -> E:
    """An error to keep: without the frames that it passed through, which would keep their messages in memory."""
    error.__traceback__ = error.__context__ = error.__cause__ = None
    return error


class Salvaged(Generic[T]):
    """Results for parts of the rows, and the rows that failed."""

    def __init__(self) -> None:
        self.parts: list[tuple[Int64s, T]] = []
        """Rows, rising, and what came of them."""
        self.failed: list[int] = []
        self.error: BaseException | None = None
        """The first failure."""


def salvage(
    count: int, work: Callable[[Int64s], T], expected: type[BaseException] | tuple[type[BaseException], ...]
) -> Salvaged[T]:
    """Do `work` on all rows; where that fails, on halves, down to the single rows that are to blame.

    Only failures of the expected kinds are taken as the rows' fault.
    """
    out: Salvaged[T] = Salvaged()
    waiting = [np.arange(count)]
    while waiting:
        rows = waiting.pop()
        if len(out.failed) >= (ENOUGH if out.parts else HOPELESS):
            out.failed.extend(rows.tolist())
            continue
        try:
            out.parts.append((rows, work(rows)))
        except expected as err:
            if out.error is None:
                log.debug("%d rows could not be worked on together", len(rows), exc_info=True)
                out.error = remembered(err)
            if len(rows) == 1:
                out.failed.extend(rows.tolist())
            else:
                half = len(rows) // 2
                waiting += [rows[half:], rows[:half]]
    return out
