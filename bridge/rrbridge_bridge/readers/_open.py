"""Which reader a file or folder is for."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Literal, TypeAlias

from rrbridge.errors import FileError, NotARecordingError
from rrbridge_bridge.readers._reader import BagReader

__all__ = ["BagFormat", "bag_format", "open_bag"]

BagFormat: TypeAlias = Literal["bag", "db3", "mcap"]

BAG_MAGIC = b"#ROSBAG V"
DB3_MAGIC = b"SQLite format 3\0"
MCAP_MAGIC = b"\x89MCAP0\r\n"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
BZ2_MAGIC = b"BZh"
GZIP_MAGIC = b"\x1f\x8b"
PACKED_MAGICS = (ZSTD_MAGIC, BZ2_MAGIC, GZIP_MAGIC)
HEAD_BYTES = 64


def bag_format(path: Path, head: bytes) -> BagFormat | None:
    """What kind of recording a path is, by its first bytes; None if none that this package reads.

    A compressed file (`.db3.zstd`, `.mcap.gz`, `.bag.bz2` …) is told by its name, a rosbag2 folder (empty head) by its
    files. A file with the right suffix but the wrong first bytes is not taken.
    """
    if path.is_dir():
        from rrbridge_bridge.readers._folder import storage_of

        return storage_of(path)
    if head.startswith(BAG_MAGIC):
        return "bag"
    if head.startswith(DB3_MAGIC):
        return "db3"
    if head.startswith(MCAP_MAGIC):
        return "mcap"
    if head.startswith(PACKED_MAGICS):
        inner = Path(path.stem).suffix
        for name in ("bag", "db3", "mcap"):
            if inner == f".{name}":
                return name
    return None


def open_bag(path: Path) -> BagReader:
    """A reader for a `.bag`, `.db3`, `.mcap` (also compressed as a whole) or a rosbag2 folder.

    Raises FileError, NotARecordingError, UnsupportedVersionError or DamagedFileError.
    """
    try:
        is_folder = path.is_dir()
        head = b"" if is_folder else _head(path)
    except FileNotFoundError:
        raise FileError(path, "no such file or folder") from None
    except OSError as err:
        raise FileError(path, err.strerror or str(err)) from err
    kind = bag_format(path, head)
    if kind is None:
        raise NotARecordingError(path, "neither a ROS 1 bag nor a rosbag2 recording nor an MCAP file")
    if is_folder:
        from rrbridge_bridge.readers._folder import FolderReader

        return FolderReader(path)
    if head.startswith(PACKED_MAGICS):
        from rrbridge_bridge.readers._unpack import UnpackedReader

        return UnpackedReader(path)
    return _reader_for(kind, path)


def _reader_for(kind: BagFormat, path: Path) -> BagReader:
    if kind == "bag":
        from rrbridge_bridge.readers.bag import Ros1BagReader

        return Ros1BagReader(path)
    if kind == "db3":
        from rrbridge_bridge.readers.db3 import Db3Reader

        return Db3Reader(path)
    from rrbridge_bridge.readers.mcap import McapReader

    return McapReader(path)


def _head(path: Path) -> bytes:
    if not stat.S_ISREG(path.stat().st_mode):
        # Opening a pipe would wait for somebody to write to it, and a file is read from several places.
        raise FileError(path, "is not a file but a pipe, a socket or a device; recordings are read from files")
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)
