"""Going through a file that may be damaged anywhere, and finding the next whole frame after each damage."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rrbridge.errors import FileError, UnsupportedVersionError
from rrbridge.rrd._codec import DECODE_ERRORS, Decoder, Entry
from rrbridge.rrd._container import (
    FRAME,
    HEADER_BYTES,
    MAGIC,
    TRAILER_BYTES,
    FrameKind,
    HeaderError,
    TooOldError,
    parse_header,
    parse_trailer,
)
from rrbridge.rrd._frames import Frame
from rrbridge.rrd._manifest import Manifest
from rrbridge.rrd._protocol import decode_footer
from rrbridge.rrd.tools._torn import entity_of_torn_chunk

__all__ = ["Gap", "Salvage"]

WINDOW_BYTES = 1 << 20
BEGINNING = re.compile(rb"[\x01-\x03]\0{7}|RRF2")
"""What a frame with a message, or another stream, begins with."""
HEADER = re.compile(re.escape(MAGIC))
FIRST_FIELD = 0x0A
"""The first byte of every message: field 1, with a length."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes that cannot be read."""

    offset: int
    size: int
    reason: str
    holds_data: bool
    """False where it is known that only an index stood here."""
    entity_path: str | None = None
    """Whose data it was, where its beginning still says so."""


@dataclass(frozen=True, slots=True)
class _Bad:
    """What stands at a place is no whole frame."""

    reason: str
    holds_data: bool = True
    claimed_end: int | None = None
    """Where it would end by its own account."""


@dataclass(frozen=True, slots=True)
class _Good:
    end: int
    entry: Entry | None = None


class Salvage:
    """The whole messages of a file on a disk; `gaps` tells afterwards what lies between them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.gaps: list[Gap] = []
        self.streams = 0
        """How many streams were put one after the other."""
        self.finished_streams = 0
        """How many of those end with an index and what points to it."""
        self.indexes: list[tuple[int, Manifest]] = []
        """Indexes that can be read, each with the start of its stream."""
        self._stream_start = 0
        self._decoder = Decoder()

    def entries(self, progress: Callable[[int, int], None] | None = None) -> Iterator[Entry]:
        """Every whole message. Raises FileError, or UnsupportedVersionError for a file from before the format was settled."""
        try:
            with self.path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                self._refuse_old(file)
                at = 0
                while at < size:
                    found = self._unbroken(file, at, self._at(file, at, size), size)
                    if isinstance(found, _Bad):
                        end = self._resume(file, at, found, size)
                        self.gaps.append(self._gap(file, at, end, found))
                        at = end
                        continue
                    if found.entry is not None:
                        yield found.entry
                    at = found.end
                    if progress is not None:
                        progress(at, size)
        except OSError as err:
            raise FileError(self.path, err.strerror or str(err)) from err

    def _refuse_old(self, file: IO[bytes]) -> None:
        try:
            parse_header(_read(file, 0, HEADER_BYTES))
        except TooOldError as err:
            raise UnsupportedVersionError(self.path, str(err)) from None
        except HeaderError:
            return

    def _at(self, file: IO[bytes], at: int, size: int) -> _Good | _Bad:
        head = _read(file, at, FRAME.size)
        if head[:4] == MAGIC:
            return self._header(head, at)
        if at == 0:
            return _Bad("no header: the file does not begin with RRF2", holds_data=False)
        if len(head) < FRAME.size:
            return _Bad("the file ends inside a frame's header")
        kind, length = FRAME.unpack(head)
        if kind > FrameKind.ACTIVATION:
            return _Bad("no frame begins here")
        start, end = at + FRAME.size, at + FRAME.size + length
        if end > size:
            missing = end - size
            return _Bad(f"the file ends inside a frame, {missing} bytes before its end", holds_data=kind > 0)
        if length and _read(file, start, 1)[0] != FIRST_FIELD:
            return _Bad("a frame that holds no message", claimed_end=end)  # its length is not believed, as memory goes
        if kind == FrameKind.END:
            return self._end(file, start, length, size)
        try:
            entry = self._decoder.decode(Frame(FrameKind(kind), start, memoryview(_read(file, start, length))))
        except DECODE_ERRORS as err:
            return _Bad(str(err), claimed_end=end)
        return _Good(end, entry)

    def _unbroken(self, file: IO[bytes], at: int, found: _Good | _Bad, size: int) -> _Good | _Bad:
        """The same, unless the frame swallowed the beginning of another stream: a torn one can still look whole."""
        if isinstance(found, _Bad) or found.end == size:
            return found
        head = _read(file, found.end, FRAME.size)
        if head[:4] == MAGIC or int.from_bytes(head[:8], "little") <= FrameKind.ACTIVATION:
            return found
        if self._stream_inside(file, at, found.end, size) is None:
            return found
        return _Bad("the frame ends early: another stream begins in it", claimed_end=found.end)

    def _stream_inside(self, file: IO[bytes], at: int, end: int, size: int) -> int | None:
        """Where in a frame another stream begins, if one does."""
        place = at + 1
        while place < end:
            window = _read(file, place, min(WINDOW_BYTES, end - place) + HEADER_BYTES)
            for match in HEADER.finditer(window):
                inner = place + match.start()
                if inner < end and self._is_frame(file, inner, size):
                    after = inner + HEADER_BYTES
                    if after == size or self._is_frame(file, after, size):
                        return inner
            place += WINDOW_BYTES
        return None

    def _header(self, head: bytes, at: int) -> _Good | _Bad:
        try:
            parse_header(head[:HEADER_BYTES])
        except HeaderError as err:
            return _Bad(str(err))
        self.streams += 1
        self._stream_start = at
        return _Good(at + HEADER_BYTES)

    def _end(self, file: IO[bytes], start: int, length: int, size: int) -> _Good | _Bad:
        """An end frame: empty ones are legal, but zeros look like many of them."""
        end = start + length
        after = _read(file, end, TRAILER_BYTES)
        has_trailer = parse_trailer(after) is not None
        if not length and not has_trailer and after and after[:4] != MAGIC:
            return _Bad("zeros, as a power cut leaves them" if not any(after) else "something foreign follows an end")
        if length:
            try:
                manifests = [Manifest.decode(raw) for raw in decode_footer(memoryview(_read(file, start, length)))]
            except DECODE_ERRORS as err:
                return _Bad(f"the index is damaged: {err}", holds_data=False, claimed_end=end)
            self.indexes += [(self._stream_start, manifest) for manifest in manifests]
        if has_trailer:
            self.finished_streams += 1
            return _Good(end + TRAILER_BYTES)
        if length and 0 < size - end <= TRAILER_BYTES and after[:4] != MAGIC:
            self.gaps.append(Gap(end, size - end, "the file ends inside its trailer", holds_data=False))
            return _Good(size)
        return _Good(end)

    def _resume(self, file: IO[bytes], at: int, bad: _Bad, size: int) -> int:
        """The next place where a message or stream begins, or the end of the file."""
        claimed = bad.claimed_end
        if claimed is not None and (claimed == size or self._is_frame(file, claimed, size)):
            return self._stream_inside(file, at, claimed, size) or claimed
        window_start = at + 1
        while window_start < size:
            window = _read(file, window_start, WINDOW_BYTES + FRAME.size)
            if window.count(0) == len(window):
                window_start += WINDOW_BYTES
                continue
            for match in BEGINNING.finditer(window):
                if match.start() >= WINDOW_BYTES:
                    break
                place = window_start + match.start()
                if self._is_frame(file, place, size):
                    return self._index_before(file, place, at, size) or place
            window_start += WINDOW_BYTES
        return self._index_before(file, size, at, size) or size

    def _index_before(self, file: IO[bytes], end: int, at: int, size: int) -> int | None:
        """The frame of the index whose trailer ends here, if there is one after the damage."""
        trailer = parse_trailer(_read(file, max(end - TRAILER_BYTES, 0), min(end, TRAILER_BYTES)))
        if trailer is None:
            return None
        start = end - TRAILER_BYTES - trailer.size - FRAME.size
        return start if start > at and self._is_frame(file, start, size) else None

    def _is_frame(self, file: IO[bytes], at: int, size: int) -> bool:
        """Whether a stream, a message or an index begins here and can be read."""
        head = _read(file, at, FRAME.size + 1)
        if head[:4] == MAGIC:
            try:
                parse_header(_read(file, at, HEADER_BYTES))
            except HeaderError:
                return False
            return True
        if len(head) <= FRAME.size:
            return False
        kind, length = FRAME.unpack(head[: FRAME.size])
        if kind > FrameKind.ACTIVATION or not 0 < length <= size - at - FRAME.size or head[FRAME.size] != FIRST_FIELD:
            return False
        payload = memoryview(_read(file, at + FRAME.size, length))
        try:
            if kind == FrameKind.END:
                decode_footer(payload)
            else:
                self._decoder.decode(Frame(FrameKind(kind), at + FRAME.size, payload))
        except DECODE_ERRORS:
            return False
        return True

    def _gap(self, file: IO[bytes], at: int, end: int, bad: _Bad) -> Gap:
        entity = entity_of_torn_chunk(_read(file, at, min(end - at, WINDOW_BYTES)))
        return Gap(at, end - at, bad.reason, bad.holds_data, entity)


def _read(file: IO[bytes], at: int, count: int) -> bytes:
    """The bytes there are; the caller has checked the count against the file's size where it may be large."""
    file.seek(at)
    return file.read(count)
