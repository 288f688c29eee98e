"""Signals that a recorder understands."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Signals"]

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """What the person, or the system, asked for by signals."""

    def __init__(self) -> None:
        self.stop = False
        """To end in good order."""
        self.abort = False
        """To leave at once."""

    def _stop(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGINT and self.stop:
            self.abort = True
        self.stop = True

    @contextmanager
    def caught(self) -> Iterator[None]:
        """While this lasts, signals are noted instead of ending the process."""
        before = {number: signal.signal(number, self._stop) for number in STOPPING}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
