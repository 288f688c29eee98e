"""The place of a file that is recorded into: it has the name `….active` until it is whole."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from rrbridge.errors import FileError, RecorderError

__all__ = ["ACTIVE_SUFFIX", "ActivePlace", "free_bytes"]

ACTIVE_SUFFIX = ".active"
"""Uploaders look for whole files and pass over this one."""


class ActivePlace:
    """Makes an empty file, watches that it stays where it is, and gives it its name at the end."""

    def __init__(self, path: Path) -> None:
        """Create the file. Raises RecorderError when it, or its unfinished form, exists; FileError when it cannot be made."""
        self.path = path
        self.active_path = path.with_name(path.name + ACTIVE_SUFFIX)
        if path.exists():
            raise RecorderError(f"{path} exists already; it is not overwritten")
        try:
            os.close(os.open(self.active_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            created = self.active_path.stat()
        except FileExistsError:
            raise RecorderError(
                f"{self.active_path} exists already: another recorder is writing it, or one was cut off "
                "(it opens as it is; move it away to record here)"
            ) from None
        except OSError as err:
            raise FileError(self.active_path, err.strerror or str(err)) from err
        self._identity = (created.st_dev, created.st_ino)
        self.is_finished = False

    @property
    def kept_path(self) -> Path | None:
        """Where the file is; None when it was deleted or moved."""
        for path in (self.path, self.active_path):
            try:
                found = path.stat()
            except OSError:
                continue
            if (found.st_dev, found.st_ino) == self._identity:
                return path
        return None

    def check(self) -> None:
        """Raises FileError when the file was deleted or moved."""
        if self.kept_path is None:
            raise FileError(
                self.active_path,
                "was deleted, moved or replaced while it was recorded; nothing is saved under this name",
            )

    def withdraw(self) -> None:
        """Take the file away again."""
        if self.kept_path == self.active_path:
            with contextlib.suppress(OSError):
                self.active_path.unlink()

    def finish(self) -> None:
        """Sync the file and give it its name. Raises FileError; the file then keeps its unfinished name."""
        self.check()
        descriptor = os.open(self.active_path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as err:
            raise FileError(self.active_path, err.strerror or str(err)) from err
        finally:
            os.close(descriptor)
        self._rename()
        self.is_finished = True

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
        sync_folder(self.path.parent)


def sync_folder(folder: Path) -> None:
    """Put a folder's names on the disk, where the file system can."""
    try:
        directory = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(directory)
    except OSError:
        pass  # not every file system syncs folders; the file itself is on the disk
    finally:
        os.close(directory)


def free_bytes(folder: Path) -> int:
    """Space left on a folder's disk for us. Raises FileError."""
    try:
        found = os.statvfs(folder)
    except OSError as err:
        raise FileError(folder, err.strerror or str(err)) from err
    return found.f_bavail * found.f_frsize
