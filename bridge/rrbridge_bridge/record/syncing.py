"""Putting files on the disk beside writing them."""

from __future__ import annotations

import threading
from collections.abc import Callable

from rrbridge.errors import FileError

__all__ = ["Syncer"]


class Syncer:
    """Syncs in a thread of its own when asked to: a slow disk holds up this thread and not the writer."""

    def __init__(self, sync: Callable[[], None]) -> None:
        """`sync` may raise FileError."""
        self._sync = sync
        self._asked = threading.Event()
        self._ending = False
        self._error: FileError | None = None
        self._thread = threading.Thread(target=self._run, name="record-sync", daemon=True)
        self._thread.start()

    def ask(self) -> None:
        """Sync soon. Raises the FileError of an earlier sync."""
        if self._error is not None:
            raise self._error
        self._asked.set()

    def close(self) -> None:
        """End the thread, after a sync that is under way. Raises the FileError of an earlier sync."""
        self._ending = True
        self._asked.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while True:
            self._asked.wait()
            self._asked.clear()
            if self._ending:
                return
            try:
                self._sync()
            except FileError as err:
                self._error = err
                return
