"""Time and the person at the keyboard, as the player sees them: it asks what time it is, and waits until then or a key."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

__all__ = ["Command", "Timekeeper"]


class Command(Enum):
    """What a person may ask for while it plays."""

    PAUSE = "pause"
    """Or go on."""
    NEXT = "next"
    """The next message now, however long it is until then."""
    FASTER = "faster"
    SLOWER = "slower"
    BACK = "back"
    HELP = "help"
    QUIT = "quit"


class Timekeeper(Protocol):
    """A clock that can be waited on."""

    def now_nanos(self) -> int:
        """On a clock that never jumps."""

    def wait(self, until_nanos: int) -> Command | None:
        """Until then, or less where a command comes, which is returned. A time that has passed: only look for a command."""
