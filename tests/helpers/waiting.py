"""How long tests wait for what must come: long enough for a computer that does other things, or stands still for a while."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["WAIT_SECS", "until"]

WAIT_SECS = 120.0


def until(holds: Callable[[], object], what: Callable[[], object] | str = "what must come") -> None:
    """Wait for it; `what` is told where it does not come."""
    deadline = time.monotonic() + WAIT_SECS
    while not holds():
        assert time.monotonic() < deadline, f"waited too long for {what if isinstance(what, str) else what()}"
        time.sleep(0.005)
