"""Reading recordings: from front to back whatever their state, or by their index."""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from rrbridge._chunk import Chunk
from rrbridge._messages import LogMessage, StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge.errors import DamagedFileError, FileError, InvalidValueError, NotARecordingError, UnsupportedVersionError
from rrbridge.rrd._codec import DECODE_ERRORS, Decoder, Entry, chunk_of
from rrbridge.rrd._container import (
    FRAME,
    HEADER_BYTES,
    TRAILER_BYTES,
    FrameKind,
    HeaderError,
    TooOldError,
    Version,
    parse_header,
    parse_trailer,
)
from rrbridge.rrd._frames import FrameReader
from rrbridge.rrd._manifest import Manifest
from rrbridge.rrd._manifest_builder import ManifestBuilder
from rrbridge.rrd._protocol import StoreIds, decode_arrow_msg, decode_footer

if TYPE_CHECKING:
    from rrbridge._chunk_stream import LazyChunkStream
    from rrbridge._lazy_store import LazyStore, StoreEntry

__all__ = ["Damage", "Footer", "RrdReader"]

log = logging.getLogger(__name__)

BUFFER_BYTES = 1 << 20
PROGRESS_BYTES = 1 << 20
"""How much is read between two calls of `progress`."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Messages in a row that were left out because they could not be read."""

    offset: int
    """Where the frame of the first begins."""
    reason: str
    """What is wrong with the first."""

    def __str__(self) -> str:
        """`left out from byte 96: …`."""
        return f"left out from byte {self.offset}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Footer:
    """The index at the end of a finished file."""

    manifests: tuple[Manifest, ...]

    def manifest(self, store_id: StoreId) -> Manifest | None:
        """The index of one store."""
        return next((m for m in self.manifests if m.store_id == store_id), None)


class RrdReader:
    """Reads a recording (or a layout, `.rbl`).

    `messages` goes from front to back and takes a file in any state: finished or not, torn, concatenated, through a
    pipe. What cannot be read is left out, logged, and told afterwards by `damage` and `truncated_at`. `footer` and
    `chunk_at` go by the index, without reading the rest.
    """

    path: Path
    """Of the file; for a pipe, what it is called."""

    def __init__(
        self,
        path: str | os.PathLike[str] | IO[bytes],
        *,
        strict: bool = False,
        on_damage: Callable[[Damage], None] | None = None,
    ) -> None:
        """Take a path, or an open binary file or pipe, which is read once, from where it stands.

        With `strict`, damage raises DamagedFileError where it is met instead of being left out. Whoever gives
        `on_damage` is told instead of the log.
        """
        self._stream: IO[bytes] | None = None
        if isinstance(path, str | os.PathLike):
            self.path = Path(path)
        else:
            self.path = Path(str(getattr(path, "name", "<stream>")))
            self._stream = path
        self._strict = strict
        self._on_damage = on_damage
        self._chunk_file: int | None = None
        self._close_chunk_file: Callable[[], object] = _nothing
        self._manifests: tuple[Manifest, ...] | None = None
        self._forget()

    def _forget(self) -> None:
        self.version: Version | None = None
        """Of the format, once reading began."""
        self.truncated_at: int | None = None
        """After reading: the size of what is whole, if writing was interrupted; None if it was not."""
        self._damage: list[Damage] = []

    @property
    def damage(self) -> tuple[Damage, ...]:
        """After reading: what was left out."""
        return tuple(self._damage)

    def messages(self, progress: Callable[[int, int], None] | None = None) -> Iterator[LogMessage]:
        """Everything in the file, in order. `progress` is told bytes done and bytes in all.

        Raises FileError: NotARecordingError, UnsupportedVersionError, or DamagedFileError if strict.
        """
        for entry in self.entries(progress):
            yield entry.message

    def entries(self, progress: Callable[[int, int], None] | None = None) -> Iterator[Entry]:
        """The same with the bytes that each message stands in; a pipe has no size in all, so its progress has none to reach.

        Raises FileError as `messages` does.
        """
        self._forget()
        decoder = Decoder()
        bad_since: int | None = None
        told = 0
        try:
            with self._open() as file:
                frames = FrameReader(file)
                for frame in frames:
                    self.version = frames.version
                    try:
                        entry = decoder.decode(frame)
                    except DECODE_ERRORS as err:
                        if bad_since is None:
                            bad_since = frame.offset - FRAME.size
                            self._note(bad_since, str(err))
                        continue
                    bad_since = None
                    yield entry
                    if progress is not None and frames.position - told >= PROGRESS_BYTES:
                        told = frames.position
                        progress(told, frames.size or told)
                self.version = frames.version
                if progress is not None:
                    progress(frames.position, frames.size or frames.position)
        except TooOldError as err:
            raise UnsupportedVersionError(self.path, str(err)) from None
        except HeaderError as err:
            raise NotARecordingError(self.path, str(err)) from None
        except OSError as err:
            raise FileError(self.path, err.strerror or str(err)) from err
        if frames.tear is not None:
            if frames.tear.is_cut:
                self.truncated_at = frames.tear.offset if bad_since is None else bad_since
            self._note(frames.tear.offset, frames.tear.reason)
        elif bad_since is not None and not frames.is_finished:
            self.truncated_at = bad_since

    def _note(self, offset: int, reason: str) -> None:
        if self._strict:
            raise DamagedFileError(self.path, reason, offset=offset)
        self._damage.append(Damage(offset, reason))
        self._tell(self._damage[-1])

    def tell(self, error: DamagedFileError) -> None:
        """Say that a chunk which the index has is left out, as it could not be read."""
        self._tell(Damage(error.offset, error.reason))

    def _tell(self, damage: Damage) -> None:
        if self._on_damage is not None:
            self._on_damage(damage)
        else:
            log.warning("%s: %s", self.path, damage)

    def _open(self) -> AbstractContextManager[IO[bytes]]:
        if self._stream is not None:
            return nullcontext(self._stream)
        return self.path.open("rb", buffering=BUFFER_BYTES)

    def footer(self) -> Footer | None:
        """The index of a finished file; None if there is none, or none that fits this file. Raises FileError.

        A file made by joining finished ones has the index of its last part only, which is not taken.
        """
        if self._stream is not None:
            return None
        try:
            with self.path.open("rb") as file:
                payload = self._footer_payload(file)
        except OSError as err:
            raise FileError(self.path, err.strerror or str(err)) from err
        if payload is None:
            return None
        try:
            return Footer(tuple(Manifest.decode(raw) for raw in decode_footer(memoryview(payload))))
        except DECODE_ERRORS as err:
            log.warning("%s: its index cannot be read (%s); the file is read as if it had none", self.path, err)
            return None

    def _footer_payload(self, file: IO[bytes]) -> bytes | None:
        try:
            self.version = parse_header(file.read(HEADER_BYTES))
        except TooOldError as err:
            raise UnsupportedVersionError(self.path, str(err)) from None
        except HeaderError as err:
            raise NotARecordingError(self.path, str(err)) from None
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - TRAILER_BYTES, 0))
        trailer = parse_trailer(file.read())
        if trailer is None or trailer.offset + trailer.size + TRAILER_BYTES != size:
            return None
        if trailer.offset < HEADER_BYTES + FRAME.size:
            return None
        file.seek(trailer.offset - FRAME.size)
        if FRAME.unpack(file.read(FRAME.size)) != (FrameKind.END, trailer.size):
            return None
        payload = file.read(trailer.size)
        if not trailer.matches(payload):
            log.warning("%s: its index does not match its checksum; the file is read as if it had none", self.path)
            return None
        return payload

    def manifests(self) -> tuple[Manifest, ...]:
        """One index per store: from the footer, or else made by reading the whole file once. Raises FileError."""
        if self._manifests is None:
            footer = self.footer()
            self._manifests = self.scan() if footer is None else footer.manifests
        return self._manifests

    def scan(self, progress: Callable[[int, int], None] | None = None) -> tuple[Manifest, ...]:
        """One index per store, made by reading the whole file, whatever its footer says. Raises FileError."""
        builders: dict[StoreId, ManifestBuilder] = {}
        for entry in self.entries(progress):
            message = entry.message
            if isinstance(message, StoredChunk) and entry.packed is not None:
                builder = builders.setdefault(message.store_id, ManifestBuilder(message.store_id))
                builder.add(message.chunk, entry.offset, len(entry.payload), entry.packed.uncompressed_size)
        return tuple(builder.manifest() for builder in builders.values())

    def stores(self) -> list[StoreId]:
        """The stores in the file, in order of appearance; those announced but empty too, unless an index says otherwise.

        Raises FileError.
        """
        footer = self.footer()
        if footer is not None:
            return [manifest.store_id for manifest in footer.manifests]
        found: dict[StoreId, None] = {}
        for message in self.messages():
            if isinstance(message, StoreInfo | StoredChunk):
                found.setdefault(message.store_id)
        return list(found)

    def recordings(self) -> list[StoreEntry]:
        """The recordings in the file, by name. Raises FileError."""
        return [entry for entry in self._entries_by_name() if entry.kind == "recording"]

    def blueprints(self) -> list[StoreEntry]:
        """The blueprints in the file, by name. Raises FileError."""
        return [entry for entry in self._entries_by_name() if entry.kind == "blueprint"]

    def _entries_by_name(self) -> list[StoreEntry]:
        from rrbridge._lazy_store import StoreEntry

        return [StoreEntry.of(store_id) for store_id in self.stores()]

    def stream(self, *, store: StoreEntry | None = None) -> LazyChunkStream:
        """The chunks of a recording or blueprint, from front to back whatever the file's state; None: its first recording.

        Raises InvalidValueError if the file has no such store, FileError at once or when it runs.
        """
        from rrbridge._chunk_nodes import Source
        from rrbridge._chunk_stream import LazyChunkStream

        store_id = None if store is None and self._stream is not None else self._chosen(store)
        return LazyChunkStream(Source(repr(self), lambda: self._chunks_of(store_id)))

    def _chunks_of(self, store_id: StoreId | None) -> Iterator[Chunk]:
        """The chunks of a store; None: of the first recording that is met, as a pipe is read once."""
        for message in self.messages():
            if store_id is None and message.store_id.kind is StoreKind.RECORDING:
                store_id = message.store_id
            if isinstance(message, StoredChunk) and message.store_id == store_id:
                yield message.chunk

    def store(self, *, store: StoreEntry | None = None) -> LazyStore:
        """A recording or blueprint by its index, made by reading the file once if it has none; None: its first recording.

        Raises InvalidValueError if the file has no such store, FileError.
        """
        from rrbridge._lazy_store import LazyStore

        store_id = self._chosen(store)
        return LazyStore(self, next(m for m in self.manifests() if m.store_id == store_id))

    def _chosen(self, entry: StoreEntry | None) -> StoreId:
        if entry is None:
            first = self._first_recording()
            if first is None:
                raise InvalidValueError("store", "a file with a recording", f"{self.path}, which has none")
            return first
        stores = self.stores()
        if entry.store_id not in stores:
            names = ", ".join(f"{s.application_id}/{s.recording_id}" for s in stores) or "none"
            raise InvalidValueError("store", f"one of the stores of {self.path}: {names}", repr(entry))
        return entry.store_id

    def _first_recording(self) -> StoreId | None:
        """By what is announced first, which costs less than an index of many chunks."""
        return next((one.store_id for one in self.messages() if one.store_id.kind is StoreKind.RECORDING), None)

    def __repr__(self) -> str:
        return f"RrdReader({self.path})"

    def chunk(self, manifest: Manifest, index: int) -> Chunk:
        """One chunk of an index. Raises FileError."""
        return self.chunk_at(int(manifest.byte_offsets[index]), int(manifest.byte_sizes[index]))

    def chunk_at(self, offset: int, size: int) -> Chunk:
        """The chunk whose message stands at `offset`; safe to call from several threads. Raises FileError.

        The bytes are read rather than mapped: a stick that is pulled out is then an error, not the end of the process.
        """
        try:
            descriptor = self._chunk_file
            if descriptor is None:
                descriptor = self._chunk_file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
                self._close_chunk_file = weakref.finalize(self, os.close, descriptor)
            if offset + size > os.fstat(descriptor).st_size:
                raise DamagedFileError(self.path, f"a chunk of {size} bytes lies outside the file", offset=offset)
            payload = os.pread(descriptor, size, offset)
        except OSError as err:
            raise FileError(self.path, err.strerror or str(err)) from err
        try:
            return chunk_of(decode_arrow_msg(memoryview(payload), StoreIds()))
        except DECODE_ERRORS as err:
            raise DamagedFileError(self.path, str(err), offset=offset) from err

    def close(self) -> None:
        """Let go of the file that `chunk_at` keeps open."""
        self._chunk_file = None
        self._close_chunk_file()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _nothing() -> None:
    """Nothing is open yet."""
