"""The terminal that the program was started from, taken key by key."""

from __future__ import annotations

import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["is_ours", "left_as_it_is", "take_keys", "terminal"]

_LOCAL_MODES = 3
"""Where `tcgetattr` has them."""


def terminal() -> int | None:
    """Standard input, if it is a terminal; whether it is ours, or another program is in front, changes."""
    try:
        fd = sys.stdin.fileno()
    except (AttributeError, ValueError, OSError):
        return None
    return fd if os.isatty(fd) else None


def is_ours(fd: int) -> bool:
    """Whether this program is in front: in the background, reading or setting a terminal would stop it."""
    try:
        return os.tcgetpgrp(fd) == os.getpgrp()
    except OSError:
        return False


def take_keys(fd: int) -> None:
    """Have keys come one by one and unseen; Ctrl-C and Ctrl-Z keep their meaning. Raises termios.error."""
    if termios.tcgetattr(fd)[_LOCAL_MODES] & termios.ICANON:
        tty.setcbreak(fd, termios.TCSADRAIN)


@contextmanager
def left_as_it_is(fd: int) -> Iterator[None]:
    """Whatever is set while this lasts, the terminal is in the end as it was."""
    before = termios.tcgetattr(fd)
    try:
        yield
    finally:
        if is_ours(fd):
            with suppress(termios.error, OSError):
                termios.tcsetattr(fd, termios.TCSADRAIN, before)
