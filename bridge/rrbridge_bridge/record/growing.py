"""What files that are recorded have in common, whatever is in them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from threading import Lock

from rrbridge_bridge.record.active import ActivePlace, sync_folder
from rrbridge_bridge.record.counters import FileCounts

__all__ = ["GrowingFile"]


class GrowingFile(ABC):
    """A file in an `ActivePlace`, synced by another thread than the one that writes; see `OutputFile`."""

    def __init__(self, path: Path) -> None:
        """Make an empty file. Raises RecorderError, FileError."""
        self.path = path
        self._place = ActivePlace(path)
        self._counts = FileCounts()
        self._lock = Lock()
        """Held while it is synced, and while it is closed."""
        self._closed = False
        self._synced_bytes = 0

    @property
    @abstractmethod
    def bytes_written(self) -> int:
        """Size of the file so far; 0: there is nothing to sync."""

    @abstractmethod
    def _sync(self) -> None:
        """Put what was written on the disk."""

    @property
    def synced_bytes(self) -> int:
        """How many of them are known to survive a power cut."""
        return self._synced_bytes

    @property
    def is_finished(self) -> bool:
        """Whether it is whole and has its name."""
        return self._place.is_finished

    @property
    def kept_path(self) -> Path | None:
        """Where it is; None when it was taken away."""
        return self._place.kept_path

    def sync(self) -> None:
        """Put what was written on the disk."""
        with self._lock:
            size = self.bytes_written
            if self._closed or not size:
                return
            self._sync()
            if not self._synced_bytes:
                sync_folder(self.path.parent)
            self._synced_bytes = size

    def check_place(self) -> None:
        """Raises FileError when it was taken away."""
        self._place.check()
