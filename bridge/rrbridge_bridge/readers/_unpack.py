"""Files that are compressed as a whole (`.db3.zstd`, `.mcap.gz`, `.bag.bz2` …): unpacked to a temporary file, then read."""

from __future__ import annotations

import bz2
import gzip
import shutil
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, cast

import zstandard

from rrbridge.errors import DamagedFileError, FileError, NotARecordingError
from rrbridge.importers import Note, Summary
from rrbridge_bridge.closing import Closing
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.readers import _open
from rrbridge_bridge.readers._beside import AttachedFile, HoldsMore, NamedMetadata
from rrbridge_bridge.readers._blocks import Rows
from rrbridge_bridge.readers._reader import BagReader, ReadOptions

__all__ = ["UnpackedReader"]

STEP_BYTES = 4 << 20
DISK_MARGIN_BYTES = 512 << 20
"""So much of the temporary folder's disk stays free, whatever a file unpacks to."""


MAX_RATIO = 2000
"""What unpacks to more times its size, and to more than `MANY_BYTES`, is refused. Few recordings become 100 times smaller."""
MANY_BYTES = 1 << 30


class UnpackedReader(Closing):
    """Reads a compressed file by way of a temporary one, which goes when this is closed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._folder = TemporaryDirectory(prefix="rrbridge-")
        try:
            unpacked = Path(self._folder.name, path.stem)
            self._torn = _unpack(path, unpacked)
            self._inner: BagReader = _open.open_bag(unpacked)
        except FileError as err:
            self._folder.cleanup()
            if Path(err.path) != unpacked:
                raise
            raise FileError(path, f"{self._torn or 'what is in it cannot be read'}: {err.message}") from err
        except BaseException:
            self._folder.cleanup()
            raise

    def close(self) -> None:
        """Let go of the file and remove the temporary one."""
        self._inner.close()
        self._folder.cleanup()

    @property
    def format(self) -> str:
        """What is inside."""
        return self._inner.format

    @property
    def ros_distro(self) -> str:
        """The ROS distribution that made the file, if it says so."""
        return self._inner.ros_distro

    @property
    def mcap_profile(self) -> str | None:
        """What an MCAP file says that its messages follow."""
        return self._inner.mcap_profile

    @property
    def connections(self) -> Sequence[Connection]:
        """Every connection."""
        return self._inner.connections

    @property
    def notes(self) -> Sequence[Note]:
        """What a person should know about this file."""
        return (*([Note(self._torn, is_loss=True)] if self._torn else []), *self._inner.notes)

    def summary(self) -> Summary:
        """What the file holds; its size is that of the compressed file."""
        inner = self._inner.summary()
        return replace(
            inner, path=self.path, size_bytes=self.path.stat().st_size, notes=tuple(note.text for note in self.notes)
        )

    def batches(self, options: ReadOptions | None = None) -> Iterator[RawBatch]:
        """The messages; see `BagReader.batches`."""
        return self._inner.batches(options)

    def metadata_records(self) -> Iterator[NamedMetadata]:
        """Metadata, where the format has such."""
        return self._inner.metadata_records() if isinstance(self._inner, HoldsMore) else iter(())

    def attachments(self) -> Iterator[AttachedFile]:
        """Attachments, where the format has such."""
        return self._inner.attachments() if isinstance(self._inner, HoldsMore) else iter(())

    def rows(self, options: ReadOptions | None = None) -> Iterator[Rows]:
        """The messages in file order; see `BagReader.rows`."""
        return self._inner.rows(options)

    @property
    def inner(self) -> BagReader:
        """What reads the unpacked file."""
        return self._inner


def _unpack(source: Path, target: Path) -> str:
    """Write the unpacked file; a note if the compressed one ends too early. Raises FileError."""
    written = 0
    try:
        packed = source.stat().st_size
        room = shutil.disk_usage(target.parent).free - DISK_MARGIN_BYTES
        with source.open("rb") as file, target.open("wb") as out, _stream(file) as stream:
            while True:
                try:
                    part = stream.read(STEP_BYTES)
                except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as err:
                    if not written:
                        raise DamagedFileError(source, f"it cannot be unpacked: {err}", offset=0) from err
                    return f"the compressed file is damaged or cut off ({err}); what could be unpacked is read"
                if not part:
                    return ""
                if not written and _open.bag_format(target, part[: _open.HEAD_BYTES]) is None:
                    raise NotARecordingError(source, "what is packed in it is no recording")
                written += len(part)
                if written > MANY_BYTES and written > MAX_RATIO * packed:
                    raise DamagedFileError(
                        source, f"{packed} bytes unpack to more than {written}, as in a bomb", offset=0
                    )
                if written > room:
                    raise FileError(
                        source, f"it unpacks to more than {room} bytes, for which {target.parent} has no room"
                    )
                out.write(part)
    except OSError as err:
        raise FileError(source, err.strerror or str(err)) from err


def _stream(file: IO[bytes]) -> IO[bytes]:
    """The unpacked bytes of a zstd, gzip or bz2 file."""
    magic = file.read(4)
    file.seek(0)
    if magic == _open.ZSTD_MAGIC:
        stream: IO[bytes] = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        return stream
    if magic.startswith(_open.GZIP_MAGIC):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    return bz2.BZ2File(file)
