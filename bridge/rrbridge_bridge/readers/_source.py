"""Bounded reads from a file whose own offsets and lengths are not to be trusted."""

from __future__ import annotations

import os
from pathlib import Path

from rrbridge.errors import DamagedFileError, FileError
from rrbridge_bridge.closing import Closing
from rrbridge_bridge.raw import Bytes

__all__ = ["MAX_CHUNK_BYTES", "Source"]

MAX_CHUNK_BYTES = 1 << 30
"""A chunk that claims to be larger than this when decompressed is refused. Recorders write chunks of a few MiB."""


class Source(Closing):
    """One open file. Every read is checked against the file's size before memory is taken."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("rb", buffering=0)
            self.size = path.stat().st_size
        except OSError as err:
            raise FileError(path, err.strerror or str(err)) from err

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def read(self, offset: int, size: int) -> bytes:
        """Exactly `size` bytes at `offset`. Raises DamagedFileError where the file ends before."""
        if offset < 0 or size < 0 or offset + size > self.size:
            raise DamagedFileError(
                self.path, f"{size} bytes are claimed where the file has {self.left(offset)}", offset=offset
            )
        data = self.read_some(offset, size)
        if len(data) != size:
            raise DamagedFileError(self.path, "the file became shorter while it was read", offset=offset)
        return data

    def read_some(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes at `offset`: fewer where the file ends before."""
        size = min(size, self.left(offset))
        parts = []
        try:
            while size > 0 and (part := os.pread(self._file.fileno(), size, offset)):
                parts.append(part)
                size -= len(part)
                offset += len(part)
        except OSError as err:
            raise FileError(self.path, err.strerror or str(err)) from err
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read_into(self, offset: int, target: Bytes) -> None:
        """Fill `target` from `offset` on. Raises DamagedFileError where the file ends before."""
        if offset < 0 or offset + len(target) > self.size:
            raise DamagedFileError(
                self.path, f"{len(target)} bytes are claimed where the file has {self.left(offset)}", offset=offset
            )
        view = target.data
        done = 0
        try:
            while done < len(view):
                count = os.preadv(self._file.fileno(), [view[done:]], offset + done)
                if not count:
                    raise DamagedFileError(self.path, "the file became shorter while it was read", offset=offset + done)
                done += count
        except OSError as err:
            raise FileError(self.path, err.strerror or str(err)) from err

    def left(self, offset: int) -> int:
        """How many bytes the file has from `offset` on."""
        return max(self.size - offset, 0) if offset >= 0 else 0
