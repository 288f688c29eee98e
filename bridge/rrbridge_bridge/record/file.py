"""The file that is recorded into: under the name `….active` until it is whole, on the disk every second."""

from __future__ import annotations

import errno
import os
import threading
import time
import uuid
from pathlib import Path
from typing import Literal

from rrbridge._chunk import Chunk
from rrbridge._messages import StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge.errors import FileError, RecorderError
from rrbridge.rrd import RrdWriter

__all__ = ["ACTIVE_SUFFIX", "RecordingFile", "Syncer"]

ACTIVE_SUFFIX = ".active"
"""Uploaders look for whole files and pass over this one."""


class RecordingFile:
    """A recording that grows. Every method but `sync` belongs to one thread."""

    def __init__(
        self,
        path: Path,
        *,
        application_id: str = "rrbridge",
        recording_id: str | None = None,
        compression: Literal["lz4", "none"] = "lz4",
    ) -> None:
        """Create the file. Raises RecorderError when it, or its unfinished form, exists; FileError when it cannot be made."""
        self.path = path
        self.active_path = path.with_name(path.name + ACTIVE_SUFFIX)
        if path.exists():
            raise RecorderError(f"{path} exists already; it is not overwritten")
        try:
            os.close(os.open(self.active_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        except FileExistsError:
            raise RecorderError(
                f"{self.active_path} exists already: another recorder is writing it, or one was cut off "
                "(it opens as it is; move it away to record here)"
            ) from None
        except OSError as err:
            raise FileError(self.active_path, err.strerror or str(err)) from err
        self.store_id = StoreId(StoreKind.RECORDING, application_id, recording_id or uuid.uuid4().hex)
        self.is_finished = False
        """Whether it is whole and has its name."""
        self._writer = RrdWriter(self.active_path, compression=compression)
        created = self.active_path.stat()
        self._identity = (created.st_dev, created.st_ino)
        self._writer.write(StoreInfo.new(self.store_id))

    @property
    def bytes_written(self) -> int:
        """Size of the file so far."""
        return self._writer.bytes_written

    def write(self, chunk: Chunk) -> None:
        """Append a chunk as one whole frame. Raises FileError."""
        self._writer.write(StoredChunk(self.store_id, chunk))

    def sync(self) -> None:
        """Put what was written on the disk. Raises FileError."""
        self._writer.sync()

    def free_bytes(self) -> int:
        """Space left on the disk for us. Raises FileError."""
        try:
            found = os.statvfs(self.path.parent)
        except OSError as err:
            raise FileError(self.path.parent, err.strerror or str(err)) from err
        return found.f_bavail * found.f_frsize

    @property
    def kept_path(self) -> Path | None:
        """Where the recording is; None when it was deleted or moved."""
        for path in (self.path, self.active_path):
            try:
                found = path.stat()
            except OSError:
                continue
            if (found.st_dev, found.st_ino) == self._identity:
                return path
        return None

    def check_place(self) -> None:
        """Raises FileError when the file was deleted or moved: no one would find what is written from now on."""
        if self.kept_path is None:
            raise FileError(
                self.active_path,
                "was deleted, moved or replaced while it was recorded; nothing is saved under this name",
            )

    def close(self) -> None:
        """Write the index, sync, and give the file its name. Raises FileError; the file then keeps its unfinished name."""
        self._writer.close()
        self.check_place()
        descriptor = os.open(self.active_path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as err:
            raise FileError(self.active_path, err.strerror or str(err)) from err
        finally:
            os.close(descriptor)
        self._rename()
        self.is_finished = True

    def abandon(self) -> None:
        """Leave the file as it is, without index and under its unfinished name: everything that was written opens."""
        self._writer.close(footer=False)

    def _rename(self) -> None:
        try:
            os.link(self.active_path, self.path)  # unlike a rename, it never replaces a file
            self.active_path.unlink()
        except FileExistsError:
            raise FileError(
                self.path, f"has come into being meanwhile; the recording is in {self.active_path}"
            ) from None
        except OSError as err:
            if err.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
                raise FileError(self.active_path, err.strerror or str(err)) from err
            self.active_path.rename(self.path)  # FAT and some network disks have no links
        directory = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        except OSError:
            pass  # not every file system syncs folders; the file itself is on the disk
        finally:
            os.close(directory)


class Syncer:
    """Syncs a file in a thread of its own when asked to: a slow disk holds up this thread and not the writer."""

    def __init__(self, file: RecordingFile) -> None:
        self._file = file
        self._asked = threading.Event()
        self._ending = False
        self._error: FileError | None = None
        self.longest_secs = 0.0
        """How long the slowest sync took."""
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
            began = time.monotonic()
            try:
                self._file.sync()
            except FileError as err:
                self._error = err
                return
            self.longest_secs = max(self.longest_secs, time.monotonic() - began)
