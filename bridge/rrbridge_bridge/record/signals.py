"""Signals that a recorder understands."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Signals"]

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
COMMANDS = {signal.SIGUSR1: "snapshot", signal.SIGUSR2: "split"}
"""By signal, what is asked for."""


class Signals:
    """What the person, or the system, asked for by signals."""

    def __init__(self) -> None:
        self.stop = False
        """To end in good order."""
        self.abort = False
        """To leave at once."""
        self._asked: list[str] = []

    def take_commands(self) -> list[str]:
        """What else was asked for since the last call, each once."""
        asked, self._asked = self._asked, []
        return list(dict.fromkeys(asked))

    def _stop(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGINT and self.stop:
            self.abort = True
        self.stop = True

    def _ask(self, number: int, _: FrameType | None) -> None:
        self._asked.append(COMMANDS[signal.Signals(number)])

    @contextmanager
    def caught(self) -> Iterator[None]:
        """While this lasts, signals are noted instead of ending the process."""
        handlers = dict.fromkeys(STOPPING, self._stop) | dict.fromkeys(COMMANDS, self._ask)
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
