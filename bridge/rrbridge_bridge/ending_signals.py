"""Being told to end by the system (`kill`, a closed terminal, a shutdown) like Ctrl-C: an exception, so that what is half done
is cleaned up."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

__all__ = ["Told", "raised"]

SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Told(BaseException):
    """A signal asked the program to end; `exit_code` is what a shell says of one that did."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


def _raise(number: int, _: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # once is enough: a second one must not interrupt the cleaning up
    raise Told(number)


@contextmanager
def raised() -> Iterator[None]:
    """While this lasts, the first of these signals raises Told. Those that are handled or ignored already stay so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken = [number for number in SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, _raise)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
