"""Writing recordings: whole frames, one after the other, and an index at the end."""

from __future__ import annotations

import errno
import io
import logging
import os
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self

from rrbridge._chunk import Chunk
from rrbridge._messages import ActivateBlueprint, LogMessage, StoredChunk, StoreId, StoreInfo
from rrbridge.errors import FileError
from rrbridge.rrd._codec import Entry, pack_chunk
from rrbridge.rrd._container import FRAME, FrameKind, stream_header, trailer
from rrbridge.rrd._ipc import GATHER_MIN_BYTES
from rrbridge.rrd._manifest_builder import ManifestBuilder
from rrbridge.rrd._protocol import (
    ArrowMsg,
    Compression,
    encode_activation,
    encode_arrow_msg,
    encode_footer,
    encode_store_id,
    encode_store_info,
)

__all__ = ["RrdWriter"]

GATHER_MAX_PARTS = 1024
"""As many parts of a frame as one `writev` takes on Linux (IOV_MAX)."""

log = logging.getLogger(__name__)

_COMPRESSIONS = {"lz4": Compression.LZ4, "none": Compression.NONE}


def _error(path: Path, err: OSError | ValueError) -> FileError:
    return FileError(path, getattr(err, "strerror", None) or str(err))


class RrdWriter:
    """Writes a recording (or a layout, `.rbl`) to a file or a pipe; not for several threads at once.

    Each message goes out as one whole frame in one `write` call, so that a process killed at any moment leaves a file
    that opens. `close` adds the index that lets large files open at once; without it a file is complete all the same.

    Application ids that viewers do not take are rewritten as the reference rewrites them, with a warning (FORMAT §2.2).
    """

    def __init__(
        self, target: str | os.PathLike[str] | IO[bytes], *, compression: Literal["lz4", "none"] = "lz4"
    ) -> None:
        """Open a file, replacing what it held, or take an open binary file or pipe, which stays the caller's to close.

        Raises FileError.
        """
        self._compression = _COMPRESSIONS[compression]
        if isinstance(target, str | os.PathLike):
            self.path = Path(target)
            try:
                self._file: IO[bytes] = self.path.open("wb", buffering=0)
            except OSError as err:
                raise _error(self.path, err) from err
            self._owned = True
        else:
            name = getattr(target, "name", None)
            self.path = Path(name if isinstance(name, str) else "<stream>")  # a pipe's name is a number
            self._file = target
            self._owned = False
        self._position = 0
        self._closed = False
        self._manifests: dict[StoreId, ManifestBuilder] = {}
        self._store_ids: dict[StoreId, bytes] = {}
        try:
            self._put(stream_header(lz4=self._compression is Compression.LZ4))
        except FileError:
            if self._owned:
                self._file.close()
            raise

    @property
    def bytes_written(self) -> int:
        """Size of the stream so far."""
        return self._position

    def write(self, message: LogMessage) -> None:
        """Append one message. Raises FileError when the disk is full or the reader of a pipe is gone.

        A frame that could only be written in part is taken back where the file allows it.
        """
        if self._closed:
            raise FileError(self.path, "already finished; nothing can be added")
        match message:
            case StoredChunk(store_id, chunk):
                self._put_chunk(store_id, chunk, pack_chunk(store_id, chunk, self._compression))
            case StoreInfo():
                self._frame(FrameKind.STORE_INFO, encode_store_info(message))
            case ActivateBlueprint():
                self._frame(FrameKind.ACTIVATION, encode_activation(message))

    def copy(self, entry: Entry, store_id: StoreId | None = None) -> None:
        """Append a message that was read, with its data as it was packed there; under another store id if one is given.

        What is not in today's form is written anew. Raises FileError.
        """
        if self._closed:
            raise FileError(self.path, "already finished; nothing can be added")
        message = entry.message
        match message:
            case StoredChunk(own_id, chunk) if entry.packed is not None and entry.is_current:
                compression = entry.packed.compression or Compression.NONE
                packed = replace(entry.packed, compression=compression, chunk_id=chunk.tuid, is_static=chunk.is_static)
                self._put_chunk(store_id or own_id, chunk, packed)
            case StoreInfo(own_id) if store_id is None and self._encoded(own_id) in bytes(entry.payload):
                self._frame(FrameKind.STORE_INFO, bytes(entry.payload))  # says who produced it better than we could
            case _:
                self.write(message if store_id is None else replace(message, store_id=store_id))

    def flush(self) -> None:
        """Hand everything to the operating system."""
        try:
            self._file.flush()
        except (OSError, ValueError) as err:  # a ValueError says that somebody closed it
            raise _error(self.path, err) from err

    def sync(self) -> None:
        """Put everything on the disk (`fdatasync`), to survive a power cut; does nothing for a pipe."""
        self.flush()
        try:
            os.fdatasync(self._file.fileno())
        except OSError as err:
            if err.errno not in (errno.EINVAL, errno.ENOTSUP, None):
                raise _error(self.path, err) from err

    def close(self, *, footer: bool = True) -> None:
        """Finish; with the index unless told otherwise. Closing twice does nothing.

        Leave the footer out of a stream that another is to follow.
        """
        if self._closed:
            return
        self._closed = True
        try:
            if footer:
                payload = encode_footer([builder.build() for builder in self._manifests.values() if len(builder)])
                frame = FRAME.pack(FrameKind.END, len(payload)) + payload
                self._put(frame + trailer(self._position + FRAME.size, payload))
            self.flush()
        finally:
            if self._owned:
                self._file.close()

    def abandon(self) -> None:
        """Write no more, and leave the file as it is."""
        self._closed = True
        if self._owned:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if err is None:
            self.close()
            return
        try:
            self.close(footer=not isinstance(err, FileError))
        except FileError as second:
            log.warning("%s could not be finished: %s", self.path, second.message)

    def _put_chunk(self, store_id: StoreId, chunk: Chunk, packed: ArrowMsg) -> None:
        parts = encode_arrow_msg(self._encoded(store_id), packed)
        size = sum(map(len, parts))
        before = self._position
        builder = self._manifests.get(store_id)
        if builder is None:
            builder = self._manifests[store_id] = ManifestBuilder(store_id)
        count = len(builder)
        try:
            self._put(FRAME.pack(FrameKind.ARROW, size), *parts)
            builder.add(chunk, before + FRAME.size, size, packed.uncompressed_size)
        except BaseException:  # Ctrl-C falls anywhere: the chunk is in the file and in the index, or in neither
            builder.cut(count)
            self._take_back(before)
            raise

    def _encoded(self, store_id: StoreId) -> bytes:
        encoded = self._store_ids.get(store_id)
        if encoded is None:
            encoded = self._store_ids[store_id] = encode_store_id(store_id)
        return encoded

    def _frame(self, kind: FrameKind, payload: bytes) -> None:
        self._put(FRAME.pack(kind, len(payload)) + payload)

    def _put(self, *parts: bytes | memoryview) -> None:
        size = sum(map(len, parts))
        try:
            done = 0
            if self._owned and size >= GATHER_MIN_BYTES and len(parts) <= GATHER_MAX_PARTS and hasattr(os, "writev"):
                done = os.writev(self._file.fileno(), parts)
            view = memoryview(b"".join(parts) if done < size else b"")[done:]
            while view:
                view = view[self._write_some(view) :]
        except (OSError, ValueError) as err:
            self._take_back(self._position)
            raise _error(self.path, err) from err
        except BaseException:
            self._take_back(self._position)
            raise
        self._position += size

    def _write_some(self, view: memoryview) -> int:
        written: int | None = self._file.write(view)
        if written is not None:
            return written
        if isinstance(self._file, io.RawIOBase):
            raise BlockingIOError(errno.EAGAIN, "the other end takes no more for now; use a blocking file")
        return len(view)  # a minimal file-like object that does not count

    def _take_back(self, position: int) -> None:
        if not self._owned:
            return
        try:
            self._file.truncate(position)
            self._file.seek(position)
            self._position = position
        except OSError:
            log.debug("%s: a partial frame stays at its end", self.path)
