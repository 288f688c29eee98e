"""Cutting a stream into frames, whatever state it is in (FORMAT §3.6, §3.7)."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from rrbridge.rrd._container import (
    FRAME,
    HEADER_BYTES,
    MAGIC,
    OUR_VERSION,
    TRAILER_BYTES,
    FrameKind,
    HeaderError,
    Trailer,
    Version,
    parse_header,
    parse_trailer,
)

__all__ = ["End", "Frame", "FrameReader", "Tear"]

log = logging.getLogger(__name__)

PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Frame:
    """One message, still packed."""

    kind: FrameKind
    offset: int
    """Where the payload begins, from the start of the file."""
    payload: memoryview


@dataclass(frozen=True, slots=True)
class End:
    """How a stream was closed."""

    offset: int
    """Where the index begins, from the start of the file."""
    payload: memoryview
    trailer: Trailer | None
    stream_start: int


@dataclass(frozen=True, slots=True)
class Tear:
    """The place from which nothing can be read any more."""

    offset: int
    reason: str
    is_cut: bool
    """Whether writing was interrupted here; otherwise something foreign follows."""


class FrameReader:
    """The frames of a file or pipe, in order, over all streams that were put one after the other.

    Memory is taken only for bytes that are there: a regular file is asked for its size, a pipe is read in pieces.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._position = 0
        self._ahead = b""
        self._size = _size_of(file)
        self.version: Version | None = None
        """Of the stream being read."""
        self.tear: Tear | None = None
        """Why reading ended, unless it ended properly."""
        self.is_finished = False
        """Whether the last stream read was closed by its writer."""
        self.streams = 0
        """How many streams began."""
        self.end: End | None = None
        """Of the stream being read, once it was closed."""
        self.stream_start = 0
        """Where the stream being read begins, from the start of the file."""

    @property
    def position(self) -> int:
        """How many bytes were taken."""
        return self._position

    @property
    def size(self) -> int | None:
        """How many there are; None for a pipe."""
        return self._size

    def __iter__(self) -> Iterator[Frame]:
        """Read to the end. Raises HeaderError (or TooOldError) if the very first header cannot be read."""
        self._open_stream()
        while True:
            start = self._position
            head = self._take(FRAME.size)
            if not head:
                return
            if head[:4] == MAGIC:
                self._give_back(head)
                if not self._open_next_stream():
                    return
                continue
            if len(head) < FRAME.size:
                self.tear = Tear(start, "the file ends inside a frame's header", is_cut=True)
                return
            number, length = FRAME.unpack(head)
            if number > FrameKind.ACTIVATION:
                self.tear = Tear(start, f"no frame: kind {number}", is_cut=False)
                return
            offset = self._position
            payload = self._take(length)
            if len(payload) < length:
                missing = length - len(payload)
                self.tear = Tear(start, f"the file ends inside a frame, {missing} bytes before its end", is_cut=True)
                return
            if number == FrameKind.END:
                if not self._close_stream(start, memoryview(payload)):
                    return
                continue
            yield Frame(FrameKind(number), offset, memoryview(payload))

    def _open_stream(self) -> None:
        self.stream_start, self.end = self._position, None
        version = parse_header(self._take(HEADER_BYTES))
        if version.release > OUR_VERSION.release and version != self.version:
            log.warning(
                "%s is of version %s, newer than this rrbridge knows (%s); what is new in it is not understood",
                getattr(self._file, "name", "the stream"),
                version,
                OUR_VERSION,
            )
        self.version = version
        self.is_finished = False
        self.streams += 1

    def _open_next_stream(self) -> bool:
        start = self._position
        try:
            self._open_stream()
        except HeaderError as err:
            self.tear = Tear(start, f"a second stream begins and cannot be read: {err}", is_cut=False)
            return False
        return True

    def _close_stream(self, start: int, payload: memoryview) -> bool:
        """After an end frame: skip the trailer; whether another stream may follow."""
        is_empty = not payload
        after = self._position
        tail = self._take(TRAILER_BYTES)
        trailer = parse_trailer(tail)
        self.end = End(start + FRAME.size, payload, trailer, self.stream_start)
        if trailer is not None:
            self.is_finished = True
            after = self._position
            tail = self._take(len(MAGIC))
        if not tail:
            self.is_finished = True
            return False
        if tail[: len(MAGIC)] == MAGIC:
            self._give_back(tail)
            return True
        if self.is_finished:
            self.tear = Tear(after, "something foreign follows the end", is_cut=False)
        elif is_empty and not any(tail):
            self.tear = Tear(start, "the rest is zeros, as a power cut leaves it", is_cut=True)
        elif len(tail) < TRAILER_BYTES or not any(tail):
            self.tear = Tear(after, "the file ends inside its trailer", is_cut=True)
        else:
            self.tear = Tear(after, "something foreign follows the end", is_cut=False)
        return False

    def _give_back(self, data: bytes) -> None:
        self._ahead = data + self._ahead
        self._position -= len(data)

    def _take(self, count: int) -> bytes:
        """The next bytes, fewer only where the file ends."""
        data, self._ahead = self._ahead[:count], self._ahead[count:]
        wanted = count - len(data)
        if self._size is not None:
            wanted = min(wanted, max(self._size - self._position - len(data), 0))
            data = (data + self._file.read(wanted)) if data else self._file.read(wanted)
        elif wanted:
            data = b"".join((data, *self._pieces(wanted)))
        self._position += len(data)
        return data

    def _pieces(self, wanted: int) -> Iterator[bytes]:
        while wanted:
            piece = self._file.read(min(wanted, PIECE_BYTES))
            if not piece:
                return
            wanted -= len(piece)
            yield piece


def _size_of(file: IO[bytes]) -> int | None:
    """Bytes from here to the end of a regular file; None for anything else."""
    try:
        status = os.fstat(file.fileno())
        return status.st_size - file.tell() if stat.S_ISREG(status.st_mode) else None
    except (OSError, AttributeError):  # io.UnsupportedOperation is an OSError
        return None
