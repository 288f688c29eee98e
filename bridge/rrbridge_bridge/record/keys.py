"""Keys of the terminal that a recording was started from."""

from __future__ import annotations

import os
import select
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

__all__ = ["pressed_keys"]

LOOK_SECS = 0.3
"""So often it is looked whether the terminal is ours again, after Ctrl-Z and `fg`."""
READ_BYTES = 64
_ICANON_FIELD = 3


@contextmanager
def pressed_keys(on_key: Callable[[str], object]) -> Iterator[bool]:
    """While this lasts, call `on_key` with each key that is pressed, in a thread; False if there is no terminal."""
    fd = _own_terminal()
    if fd is None:
        yield False
        return
    before = termios.tcgetattr(fd)
    ended = threading.Event()
    thread = threading.Thread(target=_listen, args=(fd, on_key, ended), name="record-keys", daemon=True)
    thread.start()
    try:
        yield True
    finally:
        ended.set()
        thread.join()
        if _is_ours(fd):
            with suppress(termios.error, OSError):
                termios.tcsetattr(fd, termios.TCSADRAIN, before)


def _listen(fd: int, on_key: Callable[[str], object], ended: threading.Event) -> None:
    while not ended.is_set():
        if not _is_ours(fd):  # in the background, reading would stop the program
            ended.wait(LOOK_SECS)
            continue
        try:
            if termios.tcgetattr(fd)[_ICANON_FIELD] & termios.ICANON:
                tty.setcbreak(fd, termios.TCSADRAIN)  # Ctrl-C and Ctrl-Z keep their meaning
            if not select.select([fd], [], [], LOOK_SECS)[0] or not _is_ours(fd):
                continue
            typed = os.read(fd, READ_BYTES)
        except (termios.error, OSError):
            return
        if not typed:
            return  # the terminal has gone away
        if not typed.startswith(b"\x1b"):  # what begins so is an arrow or the like
            for key in typed.decode("utf-8", "ignore"):
                on_key(key)


def _own_terminal() -> int | None:
    """Standard input, if it is a terminal; whether it is ours, or another program is in front, changes."""
    try:
        fd = sys.stdin.fileno()
    except (AttributeError, ValueError, OSError):
        return None
    return fd if os.isatty(fd) else None


def _is_ours(fd: int) -> bool:
    try:
        return os.tcgetpgrp(fd) == os.getpgrp()
    except OSError:
        return False
