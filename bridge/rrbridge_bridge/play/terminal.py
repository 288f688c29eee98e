"""Real time, and the keys of the terminal that the program was started from."""

from __future__ import annotations

import os
import select
import signal
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from rrbridge_bridge.keyboard import is_ours, left_as_it_is, take_keys, terminal
from rrbridge_bridge.play.timekeeper import Command

__all__ = ["KEYS", "Terminal", "commands_in"]

KEYS = {
    b" ": Command.PAUSE,
    b"s": Command.NEXT,
    b"\x1b[C": Command.NEXT,
    b"\x1bOC": Command.NEXT,
    b"\x1b[A": Command.FASTER,
    b"\x1bOA": Command.FASTER,
    b"\x1b[B": Command.SLOWER,
    b"\x1bOB": Command.SLOWER,
    b"\x1b[D": Command.BACK,
    b"\x1bOD": Command.BACK,
    b"h": Command.HELP,
    b"?": Command.HELP,
    b"q": Command.QUIT,
}
"""What `rosbag play` and `ros2 bag play` have, and three more."""
LONGEST = max(map(len, KEYS))
READ_BYTES = 256


def commands_in(typed: bytes) -> Iterator[Command]:
    """What was typed, key by key; keys that mean nothing are skipped."""
    at = 0
    while at < len(typed):
        for length in range(LONGEST, 0, -1):
            found = KEYS.get(typed[at : at + length])
            if found is not None:
                yield found
                at += length
                break
        else:
            at += 3 if typed[at : at + 2] in (b"\x1b[", b"\x1bO") else 1


class Terminal:
    """The clock of the system, and keys while `keys` lasts."""

    def __init__(self) -> None:
        self._fd: int | None = None
        self._waiting: deque[Command] = deque()

    def now_nanos(self) -> int:
        """On the monotonic clock."""
        return time.monotonic_ns()

    def wait(self, until_nanos: int) -> Command | None:
        """Until then or until a key is pressed; see `Timekeeper.wait`."""
        while True:
            if self._waiting:
                return self._waiting.popleft()
            seconds = max((until_nanos - time.monotonic_ns()) / 1e9, 0.0)
            if self._fd is None:
                if seconds:
                    time.sleep(seconds)
                return None
            ready, _, _ = select.select([self._fd], [], [], seconds)
            if not ready:
                return None
            self._read(self._fd)

    def _read(self, fd: int) -> None:
        typed = b""
        with suppress(OSError):
            typed = os.read(fd, READ_BYTES)
        if not typed:  # the terminal has gone away
            self._fd = None
        self._waiting.extend(commands_in(typed))

    @contextmanager
    def keys(self) -> Iterator[bool]:
        """Take keys one by one, unseen, while this lasts; False if there is no terminal to take them from."""
        fd = _own_terminal()
        if fd is None:
            yield False
            return

        def again(_number: int, _frame: FrameType | None) -> None:
            """After Ctrl-Z and `fg`; with `bg` the terminal is not ours."""
            self._fd = _own_terminal()
            if self._fd is not None:
                take_keys(self._fd)

        with left_as_it_is(fd):
            handler: Any = signal.signal(signal.SIGCONT, again)
            take_keys(fd)
            self._fd = fd
            try:
                yield True
            finally:
                self._fd = None
                signal.signal(signal.SIGCONT, handler)


def _own_terminal() -> int | None:
    fd = terminal()
    return fd if fd is not None and is_ours(fd) else None
