"""A recording that a program logs to."""

from __future__ import annotations

import contextlib
import itertools
import logging
import operator
import os
import sys
import threading
import time
import uuid
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Protocol, Self, TypeAlias, cast, runtime_checkable

from rrbridge import _active, _entity_path
from rrbridge._archetype import Archetype
from rrbridge._arrow import copied, duplicate
from rrbridge._auto_index import AUTO_INDEX, AutoIndex
from rrbridge._batcher import Batcher, ChunkBatcherConfig
from rrbridge._batches import DescribedComponentBatch, Layout, layout_of
from rrbridge._chunk import Chunk, ComponentColumn
from rrbridge._clock import STATIC, Clock, Stamps
from rrbridge._messages import LogMessage, StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge._misuse import caller_depth, strict_mode, warn_on_misuse
from rrbridge._process import open_streams
from rrbridge._sinks import FileSink, MemorySink, RrdSink, Sink, Tee
from rrbridge._timeline import (
    STATIC_TIME,
    DurationLike,
    TimeColumn,
    TimeKind,
    TimestampLike,
    duration_nanos,
    timestamp_nanos,
)
from rrbridge._tuid import new_tuid_parts
from rrbridge.encodings import Batch
from rrbridge.errors import FileError, InvalidValueError, RrbridgeWarning

if TYPE_CHECKING:
    import pyarrow as pa

    from rrbridge._lazy_store import LazyStore
    from rrbridge._outputs import BinaryStream, MemoryRecording
    from rrbridge._store import ChunkStore
    from rrbridge.blueprint import BlueprintLike

__all__ = ["AsComponents", "RecordingStream"]


log = logging.getLogger(__name__)

FORCED_PATH = "_RERUN_TEST_FORCE_SAVE"
"""In the environment: the file that every recording goes to, whatever the program says; for comparing programs."""


@runtime_checkable
class AsComponents(Protocol):
    """Anything that can say which components it consists of; archetypes do."""

    def as_component_batches(self) -> list[DescribedComponentBatch]:
        """Its components."""


Loggable: TypeAlias = AsComponents | Iterable[DescribedComponentBatch]
EntityPathLike: TypeAlias = str | list[object]


class RecordingStream:
    """A recording being made. Safe from any thread; times are set per thread.

    What is logged before `save` or `stdout` is kept and goes to the first of them.
    """

    def __init__(
        self,
        application_id: str,
        *,
        recording_id: str | uuid.UUID | None = None,
        make_default: bool = False,
        make_thread_default: bool = False,
        default_enabled: bool = True,
        send_properties: bool = True,
        batcher_config: ChunkBatcherConfig | None = None,
    ) -> None:
        """Start a recording; `RERUN=0` in the environment turns all of them off, `RERUN=1` on.

        Without a `recording_id` it is the same for all recordings of a program and the processes it starts with
        `multiprocessing`, so that they log to one recording.
        """
        if not application_id:
            raise InvalidValueError("application_id", "a name", "an empty string")
        self.store_id = StoreId(StoreKind.RECORDING, application_id, str(recording_id or default_recording_id()))
        self._enabled = _switch("RERUN", default=default_enabled)
        self._stamps = Stamps(
            log_time=_switch("RERUN_LOG_TIME", default=True), log_tick=_switch("RERUN_LOG_TICK", default=False)
        )
        self._ticks = itertools.count()
        self._thread = threading.local()
        self._batcher = Batcher(batcher_config or ChunkBatcherConfig())
        self._sink: Sink = MemorySink()
        self._sink_lock = threading.RLock()
        self._wake = threading.Condition()
        self._flusher: threading.Thread | None = None
        self._failure: FileError | None = None
        self._followers: weakref.WeakSet[ChunkStore] = weakref.WeakSet()
        self.dropped_rows = 0
        """How many rows were given up because too much was waiting (`ChunkBatcherConfig(when_full="drop")`)."""
        self._sink.send(
            StoreInfo.new(self.store_id, f"rrbridge on Python {sys.version_info.major}.{sys.version_info.minor}")
        )
        open_streams.add(self)
        self._forced_path = os.environ.get(FORCED_PATH) if self._enabled else None
        if self._forced_path:
            self._use(lambda: RrdSink(str(self._forced_path)))
        if send_properties:
            self.send_recording_start_time_nanos(time.time_ns())
        if make_default:
            _active.set_global_data_recording(self)
        if make_thread_default:
            _active.set_thread_local_data_recording(self)

    @warn_on_misuse
    def log(
        self,
        entity_path: EntityPathLike,
        entity: Loggable,
        *extra: Loggable,
        static: bool = False,
        strict: bool | None = None,  # noqa: ARG002 - read by warn_on_misuse
    ) -> None:
        """Log archetypes at an entity, at this thread's current times; `static`: for all times."""
        if not self._enabled:
            return
        layout, values = _row(entity) if not extra else _row_of_several((entity, *extra))
        if not values or self._is_full():
            return
        timelines, times = (STATIC, ()) if static else self._clock().now(self._stamps, self._ticks)
        path = _entity_path.normalize(entity_path)
        if self._batcher.append(path, timelines, (*new_tuid_parts(), *times), layout, values):
            self._flush_soon()

    @warn_on_misuse
    def send_columns(
        self,
        entity_path: str,
        indexes: Iterable[TimeColumn],
        columns: Iterable[ComponentColumn],
        *,
        strict: bool | None = None,  # noqa: ARG002 - read by warn_on_misuse
    ) -> None:
        """Log many rows at once, at the times given; without `indexes` they are static."""
        if self._enabled:
            times = [TimeColumn.from_like(index) for index in indexes]
            components = list(_columns(columns))
            if not components or self._is_full(len(components[0])):
                return
            batcher = self._batcher
            if self._flusher is None or batcher.pending_bytes >= batcher.config.max_bytes_in_flight:
                self.send_chunk(Chunk.from_columns(entity_path, times, components))
                return
            times = [TimeColumn.of(time.timeline, time.kind, duplicate(time.values)) for time in times]
            components = [ComponentColumn(column.descriptor, copied(column.cells)) for column in components]
            batcher.add(Chunk.from_columns(entity_path, times, components))
            with self._wake:
                self._wake.notify()

    def send_chunk(self, chunk: Chunk) -> None:
        """Log a chunk as it is."""
        if self._enabled:
            self._send([chunk])

    @warn_on_misuse
    def set_time(
        self,
        timeline: str,
        *,
        sequence: int | None = None,
        duration: DurationLike | None = None,
        timestamp: TimestampLike | None = None,
    ) -> None:
        """Set this thread's time on a timeline. Plain numbers are seconds; time stamps count from the Unix epoch."""
        kind, value = _time(sequence, duration, timestamp)
        self._clock().set(timeline, kind, value)

    def disable_timeline(self, timeline: str) -> None:
        """Leave this timeline out of what this thread logs from now on."""
        self._clock().drop(timeline)

    def reset_time(self) -> None:
        """Forget all times of this thread."""
        self._clock().clear()

    def set_log_time_enabled(self, enabled: bool) -> None:
        """Whether rows carry the wall clock, on `log_time`."""
        self._stamps = Stamps(log_time=enabled, log_tick=self._stamps.log_tick)

    def set_log_tick_enabled(self, enabled: bool) -> None:
        """Whether rows carry a running number, on `log_tick`."""
        self._stamps = Stamps(log_time=self._stamps.log_time, log_tick=enabled)

    def send_property(self, name: str, values: Loggable) -> None:
        """Say something about the recording as a whole."""
        self.log(["__properties", name], values, static=True)

    def send_recording_name(self, name: str) -> None:
        """What viewers call the recording."""
        from rrbridge.archetypes.meta import RecordingInfo  # archetypes load when they are used

        self.log("/__properties", RecordingInfo.from_fields(name=name), static=True)

    def send_recording_start_time_nanos(self, nanos: int) -> None:
        """When it began, nanoseconds since the Unix epoch."""
        from rrbridge.archetypes.meta import RecordingInfo

        self.log("/__properties", RecordingInfo.from_fields(start_time=nanos), static=True)

    def get_application_id(self) -> str:
        """The application's id."""
        return self.store_id.application_id

    def get_recording_id(self) -> str:
        """The recording's id."""
        return self.store_id.recording_id

    def is_enabled(self) -> bool:
        """Whether anything is logged."""
        return self._enabled

    def save(
        self, path: str | Path, default_blueprint: BlueprintLike | None = None, *, write_footer: bool = True
    ) -> None:
        """Write the recording to a file from now on, beginning with what was kept so far. Raises FileError.

        `default_blueprint`: how it is shown as long as nobody arranges it differently.
        """
        if self._may_choose("save"):
            self._use(lambda: RrdSink(path, write_footer=write_footer), default_blueprint)

    def stdout(self, default_blueprint: BlueprintLike | None = None, *, write_footer: bool = True) -> None:
        """Write the recording to standard output, for `rrbridge view -`."""
        if not self._may_choose("stdout"):
            return
        if sys.stdout.isatty():
            raise InvalidValueError("stdout", "standard output to be a pipe or a file", "a terminal")
        self._use(lambda: RrdSink(sys.stdout.buffer, write_footer=write_footer), default_blueprint)

    def set_sinks(self, *sinks: FileSink, default_blueprint: BlueprintLike | None = None) -> None:
        """Write the recording to several places from now on, beginning with what was kept so far. Raises FileError."""
        for sink in sinks:
            if not isinstance(sink, FileSink):
                raise InvalidValueError("set_sinks", "sinks: FileSink(path)", repr(sink)[:80])
        if self._may_choose("set_sinks"):
            self._use(
                lambda: Tee([RrdSink(sink.path, write_footer=sink.write_footer) for sink in sinks]), default_blueprint
            )

    def send_blueprint(self, blueprint: BlueprintLike, *, make_active: bool = True, make_default: bool = True) -> None:
        """Say how recordings of this application are shown: now, and when a person asks for the default again."""
        if self._enabled:
            self._send_messages(self._blueprint(blueprint, make_active=make_active, make_default=make_default))

    def memory_recording(self) -> MemoryRecording:
        """Keep the recording in memory from now on, to be taken out as the bytes of a file."""
        from rrbridge._outputs import MemoryRecording

        sink = MemorySink()
        self._use(lambda: sink)
        return MemoryRecording(sink, self)

    def binary_stream(self) -> BinaryStream:
        """Write the recording to a stream of bytes that the program reads itself."""
        from rrbridge._outputs import BinaryStream, ByteBuffer

        buffer = ByteBuffer()
        self._use(lambda: RrdSink(cast("IO[bytes]", buffer), write_footer=False))
        return BinaryStream(buffer, self)

    def spawn(
        self,
        *,
        memory_limit: str = "75%",
        executable_name: str = "rrbridge",
        executable_path: str | None = None,
        default_blueprint: BlueprintLike | None = None,
    ) -> None:
        """Start a viewer and show it the recording from now on, beginning with what was kept so far. Raises FileError."""
        from rrbridge._spawn import spawn_viewer

        if not self._may_choose("spawn"):
            return
        pipe = spawn_viewer(memory_limit=memory_limit, executable_name=executable_name, executable_path=executable_path)
        self._use(lambda: RrdSink(pipe, write_footer=False, pipe=pipe), default_blueprint)

    @warn_on_misuse
    def log_file_from_path(
        self, file_path: str | Path, *, entity_path_prefix: str | None = None, static: bool = False
    ) -> None:
        """Log what a file holds: a recording or bag of any kind, an image, a mesh, a video, a sound, a text."""
        from rrbridge._file_logging import messages_of_file

        if self._enabled:
            self._send_messages(
                messages_of_file(Path(file_path), self.store_id, prefix=entity_path_prefix, static=static)
            )

    @warn_on_misuse
    def log_file_from_contents(
        self,
        file_path: str | Path,
        file_contents: bytes,
        *,
        entity_path_prefix: str | None = None,
        static: bool = False,
    ) -> None:
        """Log what a file of this name with this content would hold."""
        from rrbridge._file_logging import messages_of_contents

        if self._enabled:
            self._send_messages(
                messages_of_contents(
                    Path(file_path), file_contents, self.store_id, prefix=entity_path_prefix, static=static
                )
            )

    def send_chunks(self, chunks: Chunk | ChunkStore | LazyStore | Iterable[Chunk]) -> None:
        """Log chunks as they are: one, many, those of a store, or what a lazy stream makes."""
        from rrbridge._dataframe import each_chunk

        for chunk in each_chunk(chunks):
            self.send_chunk(chunk)

    def send_record_batch(
        self,
        batch: pa.RecordBatch,
        *,
        index: str | list[str] | AutoIndex | None = AUTO_INDEX,
        entity_path: str | None = None,
    ) -> None:
        """Log the rows of a record batch; see `Chunk.from_record_batch`. Raises InvalidChunkError."""
        from rrbridge._dataframe import chunks_of_batch

        self.send_chunks(chunks_of_batch(batch, index, entity_path))

    def send_dataframe(
        self, df: Any, *, index: str | list[str] | AutoIndex | None = AUTO_INDEX, entity_path: str | None = None
    ) -> None:
        """Log the rows of a table: of pyarrow, pandas or polars, or anything that hands out Arrow. Raises InvalidChunkError."""
        from rrbridge._dataframe import batches_of

        for batch in batches_of(df):
            self.send_record_batch(batch, index=index, entity_path=entity_path)

    @property
    def has_failed(self) -> bool:
        """Whether nothing more is recorded: the disk is full, the viewer was closed. The log has said why."""
        return self._failure is not None

    def follow(self) -> ChunkStore:
        """A store of what was logged so far, that takes in whatever is logged as long as somebody holds it.

        It has what was flushed; `flush` brings it up to date. What a file has is read from there. What went elsewhere,
        to a viewer or a pipe, is not in it, and a warning says so. Raises FileError.
        """
        from rrbridge._store import ChunkStore

        with self._sink_lock:
            self.flush()
            store, kept = ChunkStore(self.store_id), self._sink.kept()
            if kept is None:
                log.warning("what was logged so far went to a pipe or viewer: only what comes now can be queried")
            for message in kept or ():
                if isinstance(message, StoredChunk) and message.store_id == self.store_id:
                    store.insert(message.chunk)
            self._followers.add(store)
        return store

    def disconnect(self) -> None:
        """Finish the file; what is logged from now on is kept in memory."""
        self._use(MemorySink)

    def flush(self, *, timeout_sec: float = 1e38) -> None:
        """Return when all that was logged is handed over. Raises FileError if it cannot be, or TimeoutError."""
        if not self._sink_lock.acquire(timeout=min(timeout_sec, threading.TIMEOUT_MAX)):
            raise TimeoutError(f"the recording was not flushed within {timeout_sec} s")
        try:
            self._write_pending()
            if self._failure is not None:
                raise self._failure
        finally:
            self._sink_lock.release()

    def __enter__(self) -> Self:
        _active.push(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Finish the file, so that it can be read; what is logged from now on is kept in memory until the next `save`.

        Raises FileError if it cannot be, unless the block is left with an error of its own.
        """
        _active.pop(self)
        try:
            self._leave()
        except FileError:
            if err is None:
                raise

    def _leave(self) -> None:
        self.flush()
        with self._sink_lock:
            if self._sink.is_file:
                self._use(MemorySink)

    def __del__(self, is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        """Nobody can log to it any more: what was logged must be in the file.

        When the interpreter ends, that has been done, and globals like `sys` may be gone.
        """
        if not is_finalizing() and hasattr(self, "_flusher") and not isinstance(self._sink, MemorySink):
            try:
                self._use(MemorySink)
            except FileError as err:
                log.error("%s", err)  # noqa: TRY400 - the sentence says it all

    def _clock(self) -> Clock:
        """This thread's times."""
        try:
            clock: Clock = self._thread.clock
        except AttributeError:
            clock = self._thread.clock = Clock()
        return clock

    def _may_choose(self, call: str) -> bool:
        """Whether the program says where the recording goes."""
        if self._forced_path:
            log.debug("%s is set, %s does nothing", FORCED_PATH, call)
        return self._enabled and not self._forced_path

    def _use(self, make_sink: Callable[[], Sink], default_blueprint: BlueprintLike | None = None) -> None:
        """Finish the sink in use and go on with another, which gets the blueprint before anything else."""
        blueprint = self._blueprint(default_blueprint, make_active=False, make_default=True)
        with self._sink_lock:
            self._write_pending()
            kept: Sequence[LogMessage] = [StoreInfo.new(self.store_id)]
            if isinstance(self._sink, MemorySink):
                kept = self._sink.messages
            else:  # first, for the next may be the same file
                before, self._sink = self._sink, MemorySink()
                self._sink.send(kept[0])
                before.close()
            sink = make_sink()
            for message in (*blueprint, *kept):
                sink.send(message)
            self._sink, self._failure = sink, None
            with self._reporting():
                sink.flush()
        if not isinstance(sink, MemorySink) and self._flusher is None:
            self._flusher = threading.Thread(
                target=_flush_forever, args=(weakref.ref(self),), name="rrbridge", daemon=True
            )
            self._flusher.start()

    def _write_pending(self, *, everything: bool = True) -> None:
        """Pass on what was logged. Under the lock from the start, so that whoever has it next finds nothing under way."""
        with self._sink_lock:
            chunks = self._batcher.take(everything=everything)
            self._send(chunks)
            for _ in chunks:  # a sink that has failed takes no more: let go of the rest
                pass

    def _blueprint(self, blueprint: BlueprintLike | None, *, make_active: bool, make_default: bool) -> list[LogMessage]:
        if blueprint is None:
            return []
        from rrbridge.blueprint._blueprint import to_messages  # blueprints load when they are used

        application_id = self.store_id.application_id
        return list(to_messages(blueprint, application_id, make_active=make_active, make_default=make_default))

    def _send(self, chunks: Iterable[Chunk]) -> None:
        self._send_messages(StoredChunk(self.store_id, chunk) for chunk in chunks)

    def _send_messages(self, messages: Iterable[LogMessage]) -> None:
        """Pass on messages, past the buffers of pipes; errors of the sink go to `_reporting`, those of messages to the caller."""
        for message in messages:
            with self._sink_lock:
                if self._failure is not None:
                    return
                with self._reporting():
                    self._sink.send(message)
                if self._followers and isinstance(message, StoredChunk) and message.store_id == self.store_id:
                    for store in tuple(self._followers):
                        store.insert(message.chunk)

        with self._sink_lock, self._reporting():
            if self._failure is None:
                self._sink.flush()

    @contextlib.contextmanager
    def _reporting(self) -> Iterator[None]:
        """An error of the sink is said once, and kept for `flush`."""
        try:
            yield
        except FileError as err:
            self._failure = err
            log.error("nothing more is recorded: %s", err)  # noqa: TRY400 - the sentence says it all

    def _flush_soon(self) -> None:
        if self._flusher is None or self._must_write():
            self._write_pending(everything=False)
            if self._must_write():
                self._write_pending()
            return
        with self._wake:
            self._wake.notify()

    def _must_write(self) -> bool:
        batcher = self._batcher
        return batcher.config.when_full == "block" and batcher.pending_bytes >= batcher.config.max_bytes_in_flight

    def _is_full(self, rows: int = 1) -> bool:
        """Whether rows must be given up, since too much waits to be written. Counts them."""
        batcher = self._batcher
        config = batcher.config
        if config.when_full == "block" or batcher.pending_bytes < config.max_bytes_in_flight:
            return False
        self.dropped_rows += rows
        return True

    def _after_fork(self) -> None:
        """Start anew in a child process: locks may be held by threads that are gone, files are the parent's."""
        self._batcher = Batcher(self._batcher.config)
        self._sink.let_go()
        self._sink, self._failure = MemorySink(), None
        self._followers = weakref.WeakSet()
        self._sink.send(StoreInfo.new(self.store_id))
        self._sink_lock = threading.RLock()
        self._wake = threading.Condition()
        self._flusher = None


def _flush_forever(reference: weakref.ref[RecordingStream]) -> None:
    """Write what is due when it is, and everything at every tick, as long as anybody holds the recording."""
    next_tick: float | None = None
    while (stream := reference()) is not None:
        wake, seconds = stream._wake, min(stream._batcher.config.flush_tick_secs, threading.TIMEOUT_MAX)
        del stream
        next_tick = time.monotonic() + seconds if next_tick is None else next_tick
        with wake:
            wake.wait(max(next_tick - time.monotonic(), 0))
        if (stream := reference()) is not None:
            is_tick = time.monotonic() >= next_tick
            stream._write_pending(everything=is_tick)
            next_tick = None if is_tick else next_tick
        del stream


def _time(sequence: int | None, duration: DurationLike | None, timestamp: TimestampLike | None) -> tuple[TimeKind, int]:
    if (sequence is None) + (duration is None) + (timestamp is None) != 2:
        raise InvalidValueError("set_time", "exactly one of sequence=, duration=, timestamp=", "another number")
    if sequence is not None:
        try:
            kind, value = TimeKind.SEQUENCE, operator.index(sequence)
        except TypeError:
            raise InvalidValueError("sequence", "a whole number", repr(sequence)[:80]) from None
    elif duration is not None:
        kind, value = TimeKind.DURATION, duration_nanos(duration)
    else:
        assert timestamp is not None
        kind, value = TimeKind.TIMESTAMP, timestamp_nanos(timestamp)
    if not STATIC_TIME < value < -STATIC_TIME:
        raise InvalidValueError("set_time", "a time within 63 bits", str(value))
    return kind, value


def _row(entity: Any) -> tuple[Layout, tuple[Batch, ...]]:
    """What a row of an archetype holds."""
    return entity.as_row() if isinstance(entity, Archetype) else _row_of_batches(described_batches(entity))


def _row_of_several(entities: Iterable[Any]) -> tuple[Layout, tuple[Batch, ...]]:
    return _row_of_batches([batch for entity in entities for batch in described_batches(entity)])


def _row_of_batches(batches: Sequence[DescribedComponentBatch]) -> tuple[Layout, tuple[Batch, ...]]:
    if len({batch.descriptor.component for batch in batches}) < len(batches):
        batches = _each_once(batches)
    return layout_of([(b.descriptor, b.encoding) for b in batches]), tuple([b.batch for b in batches])


def _each_once(batches: Sequence[DescribedComponentBatch]) -> list[DescribedComponentBatch]:
    """Of the same component the first counts, with a warning; of different ones by the same name the last."""
    first = {batch.descriptor: batch for batch in reversed(batches)}
    if len(first) < len(batches):
        names = [batch.descriptor.component for batch in batches]
        repeated = ", ".join(sorted({name for name in names if names.count(name) > 1}))
        if strict_mode():
            raise InvalidValueError("log", "each component once", f"several of {repeated}")
        warnings.warn(f"several of {repeated} in one call; the first counts", RrbridgeWarning, caller_depth())
    return list({batch.descriptor.component: batch for batch in reversed(first.values())}.values())


def described_batches(entity: Any) -> list[DescribedComponentBatch]:
    """The batches of an archetype, of anything else that has some, or of a list of them. Raises InvalidValueError."""
    if isinstance(entity, Archetype):
        return entity.as_component_batches()
    if entity is None:
        raise InvalidValueError("log", "an archetype", "None")
    if hasattr(entity, "as_component_batches"):
        given: list[Any] = list(entity.as_component_batches())
    else:
        try:
            given = list(entity)
        except TypeError:
            given = [entity]
    return [_described(batch) for batch in given if batch is not None]


def _described(batch: Any) -> DescribedComponentBatch:
    if isinstance(batch, DescribedComponentBatch):
        return batch
    if hasattr(batch, "component_descriptor") and hasattr(batch, "as_arrow_array"):
        return DescribedComponentBatch(batch, batch.component_descriptor())
    raise InvalidValueError("entity", "an archetype or component batches", repr(batch)[:80])


def _columns(columns: Iterable[Any]) -> Iterator[ComponentColumn]:
    for column in columns:
        if isinstance(column, ComponentColumn):
            yield column
        elif hasattr(column, "component_descriptor") and hasattr(column, "as_arrow_array"):
            yield ComponentColumn(column.component_descriptor(), column.as_arrow_array())
        else:
            raise InvalidValueError("columns", "component columns", repr(column)[:80])


def default_recording_id() -> str:
    """The same in this program and the processes that it starts with `multiprocessing`; another in each run."""
    from hashlib import blake2b
    from multiprocessing import process

    return blake2b(bytes(process.current_process().authkey), digest_size=16, key=b"recording id").hexdigest()


def _switch(variable: str, *, default: bool) -> bool:
    value = os.environ.get(variable, "").strip().lower()
    return value in ("1", "true", "on", "yes") if value else default
