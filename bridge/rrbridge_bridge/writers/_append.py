"""A file that only grows, by whole records: a process that is killed at any moment leaves at most one torn at its end."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Sequence
from pathlib import Path

from rrbridge.errors import FileError

__all__ = ["AppendFile"]

MAX_PARTS = 1024
"""As many parts as one `writev` takes on Linux (IOV_MAX)."""


class AppendFile:
    """Writes without a buffer, so that what was written is the operating system's. Raises FileError."""

    def __init__(self, path: Path) -> None:
        """Open a file, replacing what it held."""
        self.path = path
        self.position = 0
        """Its size so far."""
        try:
            self._file = path.open("wb", buffering=0)
        except OSError as err:
            raise self._error(err) from err

    def put(self, parts: Sequence[bytes | bytearray | memoryview]) -> None:
        """Append parts end to end, in one call where that can be. What could only be written in part is taken back."""
        size = sum(map(len, parts))
        try:
            done = os.writev(self._file.fileno(), parts) if len(parts) <= MAX_PARTS else 0
            rest = memoryview(b"".join(parts))[done:] if done < size else memoryview(b"")
            while rest:
                rest = rest[self._file.write(rest) or 0 :]
        except BaseException as err:
            with contextlib.suppress(OSError, ValueError):
                self._file.truncate(self.position)
                self._file.seek(self.position)
            if isinstance(err, OSError | ValueError):
                raise self._error(err) from err
            raise
        self.position += size

    def sync(self) -> None:
        """Put everything on the disk (`fdatasync`)."""
        try:
            os.fdatasync(self._file.fileno())
        except (OSError, ValueError) as err:
            if getattr(err, "errno", None) not in (errno.EINVAL, errno.ENOTSUP):
                raise self._error(err) from err

    def close(self) -> None:
        """Let go of it. Closing twice does nothing."""
        try:
            self._file.close()
        except OSError as err:
            raise self._error(err) from err

    def _error(self, err: OSError | ValueError) -> FileError:
        return FileError(self.path, getattr(err, "strerror", None) or str(err))
