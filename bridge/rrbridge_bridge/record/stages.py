"""What the recorder's threads are busy with, and for how long."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum

__all__ = ["Stage", "Stages"]


class Stage(Enum):
    """One thing after another that happens to a message."""

    RECEIVING = "receiving"
    DECODING = "decoding"
    WRITING = "writing"
    SYNCING = "syncing"


class Stages:
    """Noted by the threads that work, read by the one that watches."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._busy: dict[Stage, tuple[float, str]] = {}

    @contextmanager
    def doing(self, stage: Stage, what: str = "") -> Iterator[None]:
        """While this lasts, the stage is busy with one thing; what the same thread did before it does afterwards, anew."""
        outer = self._busy.pop(Stage.WRITING, None) if stage is Stage.DECODING else None
        self._busy[stage] = (self._clock(), what)
        try:
            yield
        finally:
            self._busy.pop(stage, None)
            if outer is not None:
                self._busy[Stage.WRITING] = (self._clock(), outer[1])

    def busy(self) -> dict[Stage, tuple[float, str]]:
        """For how many seconds each stage has been busy with one thing, and with what."""
        now = self._clock()
        return {stage: (now - began, what) for stage, (began, what) in self._busy.copy().items()}
