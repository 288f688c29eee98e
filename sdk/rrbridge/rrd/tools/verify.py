"""Whether a file is as the format has it: every message, their order and ids, and the index."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO

from rrbridge._messages import ActivateBlueprint, LogMessage, StoredChunk, StoreId, StoreInfo
from rrbridge._timeline import TimeKind
from rrbridge.errors import FileError, NotARecordingError, UnsupportedVersionError
from rrbridge.rrd import _wire as wire
from rrbridge.rrd._codec import DECODE_ERRORS, Decoder, Entry
from rrbridge.rrd._container import FRAME, OUR_VERSION, HeaderError, TooOldError
from rrbridge.rrd._frames import Frame, FrameReader
from rrbridge.rrd._manifest_builder import ManifestBuilder
from rrbridge.rrd._protocol import SOURCE_OTHER
from rrbridge.rrd.tools._chunk_rules import WITHOUT_ID, check_chunk
from rrbridge.rrd.tools._index_rules import check_index
from rrbridge.rrd.tools._problems import Problem, Problems

__all__ = ["Problem", "verify"]

Progress = Callable[[int, int], None]
STORE_INFO, STORE_SOURCE = 2, 5
"""Fields of SetStoreInfo and of StoreInfo."""


def verify(source: Path | IO[bytes], *, check_index: bool = True, progress: Progress | None = None) -> list[Problem]:
    """Everything that is wrong with a file or pipe. `check_index`: whether there must be an index, and a right one.

    Memory: ids of chunks, and what an index of the file takes. Raises FileError if it cannot be read at all:
    NotARecordingError, UnsupportedVersionError.
    """
    name = source if isinstance(source, Path) else Path(str(getattr(source, "name", "<stream>")))
    work = _Work()
    try:
        with _opened(source) as file:
            work.read(FrameReader(file), progress)
    except TooOldError as err:
        raise UnsupportedVersionError(name, str(err)) from None
    except HeaderError as err:
        raise NotARecordingError(name, str(err)) from None
    except OSError as err:
        raise FileError(name, err.strerror or str(err)) from err
    if check_index:
        work.check_index()
    return list(work.problems)


def _opened(source: Path | IO[bytes]) -> AbstractContextManager[IO[bytes]]:
    if isinstance(source, str | os.PathLike):
        return Path(source).open("rb", buffering=1 << 20)
    return nullcontext(source)


class _Work:
    def __init__(self) -> None:
        self.problems = Problems()
        self._frames: FrameReader
        self._decoder = Decoder()
        self._announced: set[StoreId] = set()
        self._with_chunks: set[StoreId] = set()
        self._chunk_ids: set[tuple[StoreId, bytes]] = set()
        self._kinds: dict[tuple[StoreId, str], TimeKind] = {}
        self._builders: dict[StoreId, ManifestBuilder] = {}
        """Of the stream being read."""
        self._stream = 0

    def read(self, frames: FrameReader, progress: Progress | None) -> None:
        self._frames = frames
        for frame in frames:
            if frames.streams != self._stream:
                self._begin_stream(frame)
            self._take(frame)
            if progress is not None:
                progress(frames.position, frames.size or frames.position)
        if frames.tear is not None:
            self.problems.error(frames.tear.offset, frames.tear.reason)

    def _begin_stream(self, frame: Frame) -> None:
        self._stream = self._frames.streams
        self._builders = {}
        version = self._frames.version
        if version is not None and version.release > OUR_VERSION.release:
            self.problems.warn(0, f"of version {version}, which is newer than this check knows")
        if self._stream > 1:
            text = "another stream follows: files put one after the other have no index of all; `rrbridge recover` mends that"
            self.problems.error(frame.offset - FRAME.size, text)

    def _take(self, frame: Frame) -> None:
        offset = frame.offset - FRAME.size
        try:
            entry = self._decoder.decode(frame)
        except DECODE_ERRORS as err:
            self.problems.error(offset, f"a message cannot be read: {err}")
            return
        self._check_order(offset, entry.message)
        match entry.message:
            case StoreInfo():
                sources = list(_sources(frame.payload))
                if not _is_sound(frame.payload):
                    self.problems.error(offset, "a store's announcement holds a damaged message, which readers refuse")
                elif not sources:
                    self.problems.error(offset, "a store is announced without saying who made it, which readers refuse")
                elif not all(map(_is_readable, sources)):
                    self.problems.error(offset, "who made a store is said in no UTF-8, which readers refuse")
            case StoredChunk(store_id, chunk):
                self._check_ids(offset, store_id, entry)
                check_chunk(self.problems, offset, entry, chunk)
                assert entry.packed is not None
                builder = self._builders.setdefault(store_id, ManifestBuilder(store_id))
                start = self._frames.stream_start
                builder.add(chunk, entry.offset - start, len(entry.payload), entry.packed.uncompressed_size)

    def _check_order(self, offset: int, message: LogMessage) -> None:
        store_id = message.store_id
        match message:
            case StoreInfo():
                self._announced.add(store_id)
            case StoredChunk():
                if store_id not in self._announced:
                    text = "chunks of a store that is not announced before; some readers refuse that"
                    self.problems.error(offset, text, store_id.recording_id)
                self._with_chunks.add(store_id)
            case ActivateBlueprint():
                if store_id not in self._with_chunks:
                    self.problems.warn(offset, "a layout is activated before its chunks", store_id.recording_id)

    def _check_ids(self, offset: int, store_id: StoreId, entry: Entry) -> None:
        message = entry.message
        assert isinstance(message, StoredChunk)
        chunk = message.chunk
        if (store_id, chunk.tuid) in self._chunk_ids:
            self.problems.error(offset, "two chunks of one id; only one of them is seen", chunk.id)
        self._chunk_ids.add((store_id, chunk.tuid))
        for name, column in chunk.times.items():
            known = self._kinds.setdefault((store_id, name), column.kind)
            if known is not column.kind:
                kinds = f"{known.name.lower()}, then {column.kind.name.lower()}"
                self.problems.error(offset, f"timeline {name} changes what it is: {kinds}")

    def check_index(self) -> None:
        made = {store_id: builder.manifest() for store_id, builder in self._builders.items()}
        end = self._frames.end
        if end is not None and end.payload and any(problem.text == WITHOUT_ID for problem in self.problems):
            self.problems.error(end.offset, "an index, but messages without their chunks' ids, which fails tools")
        check_index(self.problems, end, self._frames.position, made)


def _sources(message: memoryview) -> Iterator[memoryview]:
    """Who made a store, of its announcement."""
    for number, info in wire.fields(message):
        if number == STORE_INFO:
            yield from (
                wire.octets(value) for number, value in wire.fields(wire.octets(info)) if number == STORE_SOURCE
            )


def _is_sound(message: memoryview) -> bool:
    """Whether the messages in an announcement can be read, those too that say nothing that we need."""
    try:
        for number, info in wire.fields(message):
            if number == STORE_INFO:
                for _, value in wire.fields(wire.octets(info)):
                    list(wire.fields(wire.octets(value)))
    except wire.WireError:
        return False
    return True


def _is_readable(source: memoryview) -> bool:
    """Whether a name that is text is UTF-8."""
    kind, payloads = 0, []
    for number, value in wire.fields(source):
        if number == 1:
            kind = wire.number(value)
        elif number == 2:
            payloads += [bytes(wire.octets(inner)) for n, inner in wire.fields(wire.octets(value)) if n == 1]
    if kind != SOURCE_OTHER:
        return True
    try:
        b"".join(payloads).decode()
    except UnicodeDecodeError:
        return False
    return True
