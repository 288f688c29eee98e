"""Keys of the terminal that a recording was started from."""

from __future__ import annotations

import os
import re
import select
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rrbridge_bridge.keyboard import is_ours, left_as_it_is, take_keys, terminal

__all__ = ["pressed_keys"]

LOOK_SECS = 0.3
"""So often it is looked whether the terminal is ours again, after Ctrl-Z and `fg`."""
ARROWS = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|.)?", re.DOTALL)
"""These, and keys pressed with Alt, mean nothing here."""
READ_BYTES = 64


@contextmanager
def pressed_keys(on_key: Callable[[str], object]) -> Iterator[bool]:
    """While this lasts, call `on_key` with each key that is pressed, in a thread; False if there is no terminal."""
    fd = terminal()
    if fd is None:
        yield False
        return
    ended = threading.Event()
    thread = threading.Thread(target=_listen, args=(fd, on_key, ended), name="record-keys", daemon=True)
    with left_as_it_is(fd):
        thread.start()
        try:
            yield True
        finally:
            ended.set()
            thread.join()


def _listen(fd: int, on_key: Callable[[str], object], ended: threading.Event) -> None:
    while not ended.is_set():
        if not is_ours(fd):
            ended.wait(LOOK_SECS)
            continue
        try:
            take_keys(fd)
            if not select.select([fd], [], [], LOOK_SECS)[0] or not is_ours(fd):
                continue
            typed = os.read(fd, READ_BYTES)
        except (termios.error, OSError):
            return
        if not typed:
            return  # the terminal has gone away
        for key in ARROWS.sub(b"", typed).decode("utf-8", "ignore"):
            on_key(key)
