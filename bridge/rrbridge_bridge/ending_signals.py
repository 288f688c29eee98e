"""Being told to end by the system (`kill`, a closed terminal, a shutdown) like Ctrl-C: an exception, so that what is half done
is cleaned up."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

__all__ = ["Told", "raised"]

SIGNALS = (signal.SIGTERM, signal.SIGHUP)
AGAIN_SECS = 0.02


class Told(BaseException):
    """A signal asked the program to end; `exit_code` is what a shell says of one that did."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number
        self.exit_code = 128 + number


def _raise(number: int, _: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # once is enough: a second one must not interrupt the cleaning up
    raise Told(number)


def _sent_again(otherwise: Callable[[sys.UnraisableHookArgs], object]) -> Callable[[sys.UnraisableHookArgs], None]:
    """A signal may fall into a finalizer, which Python lets raise nothing: it comes again when that is over."""

    def look(lost: sys.UnraisableHookArgs) -> None:
        if isinstance(lost.exc_value, Told):
            number = lost.exc_value.number
            signal.signal(number, _raise)
        elif isinstance(lost.exc_value, KeyboardInterrupt):
            number = signal.SIGINT
        else:
            otherwise(lost)
            return
        # To the thread itself, as it may wait for something by then.
        threading.Timer(AGAIN_SECS, signal.pthread_kill, (threading.main_thread().ident, number)).start()

    return look


@contextmanager
def raised() -> Iterator[None]:
    """While this lasts, the first of these signals raises Told. Those that are handled or ignored already stay so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken = [number for number in SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, _raise)
    hook = sys.unraisablehook
    sys.unraisablehook = _sent_again(hook)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
