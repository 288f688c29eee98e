"""Recordings and the life of a process: its end, and forks of it."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import weakref
from typing import TYPE_CHECKING

from rrbridge.errors import FileError

if TYPE_CHECKING:
    from rrbridge._recording import RecordingStream

__all__ = ["cleanup_if_forked_child", "open_streams", "rerun_shutdown", "unregister_shutdown"]

log = logging.getLogger(__name__)

open_streams: weakref.WeakSet[RecordingStream] = weakref.WeakSet()
_owner = os.getpid()


def rerun_shutdown() -> None:
    """Finish all recordings; what is logged afterwards is kept in memory."""
    for stream in list(open_streams):
        was_told = stream.has_failed
        try:
            stream.disconnect()
        except FileError as err:
            if not was_told:
                log.error("%s", err)  # noqa: TRY400 - the program is ending; the sentence says it all


def _finish() -> None:
    """At the program's end. Another Ctrl-C would not end it sooner, only cost the end of its files."""
    import signal

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    rerun_shutdown()


def unregister_shutdown() -> None:
    """Do not finish recordings when the program ends."""
    atexit.unregister(_finish)


def cleanup_if_forked_child() -> None:
    """In a child process, let go of the parent's files: what waits to be written is the parent's to write.

    Runs by itself after every fork that Python makes. Recordings live on in the child, with nowhere to go.
    """
    global _owner  # there is one process to remember
    if os.getpid() == _owner:
        return
    _owner = os.getpid()
    for stream in list(open_streams):
        stream._after_fork()


atexit.register(_finish)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=cleanup_if_forked_child)
