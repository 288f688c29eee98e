"""The logging functions of the module: they act on the recording given, this thread's, or the program's."""

from __future__ import annotations

import sys
import uuid
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rrbridge import _entity_path
from rrbridge._active import get_data_recording
from rrbridge._auto_index import AUTO_INDEX, AutoIndex
from rrbridge._chunk import ComponentColumn
from rrbridge._misuse import caller_depth, set_strict_mode, strict_mode, warn_on_misuse
from rrbridge._recording import EntityPathLike, Loggable, RecordingStream
from rrbridge._timeline import DurationLike, TimeColumn, TimestampLike
from rrbridge.errors import InvalidValueError, RrbridgeWarning

if TYPE_CHECKING:
    import pyarrow as pa

    from rrbridge._chunk import Chunk
    from rrbridge._lazy_store import LazyStore
    from rrbridge._outputs import BinaryStream, MemoryRecording
    from rrbridge._sinks import FileSink
    from rrbridge._store import ChunkStore
    from rrbridge.blueprint import BlueprintLike

__all__ = [
    "binary_stream",
    "disable_timeline",
    "disconnect",
    "get_application_id",
    "get_recording_id",
    "init",
    "is_enabled",
    "log",
    "log_file_from_contents",
    "log_file_from_path",
    "memory_recording",
    "new_entity_path",
    "reset_time",
    "save",
    "send_blueprint",
    "send_chunks",
    "send_columns",
    "send_dataframe",
    "send_property",
    "send_record_batch",
    "send_recording_name",
    "send_recording_start_time_nanos",
    "set_log_tick_enabled",
    "set_log_time_enabled",
    "set_sinks",
    "set_time",
    "spawn",
    "stdout",
    "version",
]


def init(
    application_id: str,
    *,
    recording_id: str | uuid.UUID | None = None,
    spawn: bool = False,
    init_logging: bool = True,  # noqa: ARG001 - the reference's name; log messages go through Python's logging
    default_enabled: bool = True,
    strict: bool | None = None,
    default_blueprint: BlueprintLike | None = None,
    send_properties: bool = True,
) -> None:
    """Start the recording that the program's logging functions use; with `spawn` a viewer shows it, by `default_blueprint`.

    `strict`: whether misuse raises; by default `RERUN_STRICT` in the environment says.
    """
    if strict is not None:
        set_strict_mode(strict)
    stream = RecordingStream(
        application_id,
        recording_id=recording_id,
        make_default=True,
        default_enabled=default_enabled,
        send_properties=send_properties,
    )
    if spawn:
        stream.spawn(default_blueprint=default_blueprint)


def _active(recording: RecordingStream | None) -> RecordingStream | None:
    found = get_data_recording(recording)
    if found is None:
        if strict_mode():
            raise InvalidValueError("recording", "rr.init(…) to have been called", "no recording")
        warnings.warn("no recording yet, nothing was logged: call rr.init(…) first", RrbridgeWarning, caller_depth())
    return found


@warn_on_misuse
def log(
    entity_path: EntityPathLike,
    entity: Loggable,
    *extra: Loggable,
    static: bool = False,
    recording: RecordingStream | None = None,
    strict: bool | None = None,
) -> None:
    """Log archetypes at an entity, at this thread's current times; `static`: for all times."""
    if (stream := _active(recording)) is not None:
        stream.log(entity_path, entity, *extra, static=static, strict=strict)


@warn_on_misuse
def send_columns(
    entity_path: str,
    indexes: Iterable[TimeColumn],
    columns: Iterable[ComponentColumn],
    *,
    recording: RecordingStream | None = None,
    strict: bool | None = None,
) -> None:
    """Log many rows at once, at the times given; without `indexes` they are static."""
    if (stream := _active(recording)) is not None:
        stream.send_columns(entity_path, indexes, columns, strict=strict)


@warn_on_misuse
def set_time(
    timeline: str,
    *,
    recording: RecordingStream | None = None,
    sequence: int | None = None,
    duration: DurationLike | None = None,
    timestamp: TimestampLike | None = None,
) -> None:
    """Set this thread's time on a timeline. Plain numbers are seconds; time stamps count from the Unix epoch."""
    if (stream := _active(recording)) is not None:
        stream.set_time(timeline, sequence=sequence, duration=duration, timestamp=timestamp)


def disable_timeline(timeline: str, recording: RecordingStream | None = None) -> None:
    """Leave this timeline out of what this thread logs from now on."""
    if (stream := _active(recording)) is not None:
        stream.disable_timeline(timeline)


def reset_time(recording: RecordingStream | None = None) -> None:
    """Forget all times of this thread."""
    if (stream := _active(recording)) is not None:
        stream.reset_time()


def set_log_time_enabled(enabled: bool, recording: RecordingStream | None = None) -> None:
    """Whether rows carry the wall clock, on `log_time`."""
    if (stream := _active(recording)) is not None:
        stream.set_log_time_enabled(enabled)


def set_log_tick_enabled(enabled: bool, recording: RecordingStream | None = None) -> None:
    """Whether rows carry a running number, on `log_tick`."""
    if (stream := _active(recording)) is not None:
        stream.set_log_tick_enabled(enabled)


def save(
    path: str | Path,
    default_blueprint: BlueprintLike | None = None,
    recording: RecordingStream | None = None,
    *,
    write_footer: bool = True,
) -> None:
    """Write the recording to a file from now on, beginning with what was logged so far."""
    if (stream := _active(recording)) is not None:
        stream.save(path, default_blueprint, write_footer=write_footer)


def stdout(
    default_blueprint: BlueprintLike | None = None,
    recording: RecordingStream | None = None,
    *,
    write_footer: bool = True,
) -> None:
    """Write the recording to standard output, for `rrbridge view -`."""
    if (stream := _active(recording)) is not None:
        stream.stdout(default_blueprint, write_footer=write_footer)


def disconnect(recording: RecordingStream | None = None) -> None:
    """Finish the file; what is logged from now on is kept in memory."""
    if (stream := _active(recording)) is not None:
        stream.disconnect()


def send_property(name: str, values: Loggable, recording: RecordingStream | None = None) -> None:
    """Say something about the recording as a whole."""
    if (stream := _active(recording)) is not None:
        stream.send_property(name, values)


def send_recording_name(name: str, recording: RecordingStream | None = None) -> None:
    """What viewers call the recording."""
    if (stream := _active(recording)) is not None:
        stream.send_recording_name(name)


def send_recording_start_time_nanos(nanos: int, recording: RecordingStream | None = None) -> None:
    """When it began, nanoseconds since the Unix epoch."""
    if (stream := _active(recording)) is not None:
        stream.send_recording_start_time_nanos(nanos)


def set_sinks(
    *sinks: FileSink, default_blueprint: BlueprintLike | None = None, recording: RecordingStream | None = None
) -> None:
    """Write the recording to several places from now on, beginning with what was logged so far."""
    if (stream := _active(recording)) is not None:
        stream.set_sinks(*sinks, default_blueprint=default_blueprint)


def send_blueprint(
    blueprint: BlueprintLike,
    *,
    make_active: bool = True,
    make_default: bool = True,
    recording: RecordingStream | None = None,
) -> None:
    """Say how recordings of this application are shown: now, and when a person asks for the default again."""
    if (stream := _active(recording)) is not None:
        stream.send_blueprint(blueprint, make_active=make_active, make_default=make_default)


def spawn(
    *,
    memory_limit: str = "75%",
    executable_name: str = "rrbridge",
    executable_path: str | None = None,
    default_blueprint: BlueprintLike | None = None,
    recording: RecordingStream | None = None,
) -> None:
    """Start a viewer and show it the recording from now on, beginning with what was logged so far."""
    if (stream := _active(recording)) is not None:
        stream.spawn(
            memory_limit=memory_limit,
            executable_name=executable_name,
            executable_path=executable_path,
            default_blueprint=default_blueprint,
        )


def memory_recording(recording: RecordingStream | None = None) -> MemoryRecording:
    """Keep the recording in memory from now on, to be taken out as the bytes of a file. Raises InvalidValueError."""
    return _required(recording).memory_recording()


def binary_stream(recording: RecordingStream | None = None) -> BinaryStream:
    """Write the recording to a stream of bytes that the program reads itself. Raises InvalidValueError."""
    return _required(recording).binary_stream()


def log_file_from_path(
    file_path: str | Path,
    *,
    entity_path_prefix: str | None = None,
    static: bool = False,
    recording: RecordingStream | None = None,
) -> None:
    """Log what a file holds: a recording or bag of any kind, an image, a mesh, a video, a sound, a text."""
    if (stream := _active(recording)) is not None:
        stream.log_file_from_path(file_path, entity_path_prefix=entity_path_prefix, static=static)


def log_file_from_contents(
    file_path: str | Path,
    file_contents: bytes,
    *,
    entity_path_prefix: str | None = None,
    static: bool = False,
    recording: RecordingStream | None = None,
) -> None:
    """Log what a file of this name with this content would hold."""
    if (stream := _active(recording)) is not None:
        stream.log_file_from_contents(file_path, file_contents, entity_path_prefix=entity_path_prefix, static=static)


def send_chunks(
    chunks: Chunk | ChunkStore | LazyStore | Iterable[Chunk], *, recording: RecordingStream | None = None
) -> None:
    """Log chunks as they are: one, many, those of a store, or what a lazy stream makes."""
    if (stream := _active(recording)) is not None:
        stream.send_chunks(chunks)


def send_record_batch(
    batch: pa.RecordBatch,
    recording: RecordingStream | None = None,
    *,
    index: str | list[str] | AutoIndex | None = AUTO_INDEX,
    entity_path: str | None = None,
) -> None:
    """Log the rows of a record batch; see `Chunk.from_record_batch`."""
    if (stream := _active(recording)) is not None:
        stream.send_record_batch(batch, index=index, entity_path=entity_path)


def send_dataframe(
    df: Any,
    recording: RecordingStream | None = None,
    *,
    index: str | list[str] | AutoIndex | None = AUTO_INDEX,
    entity_path: str | None = None,
) -> None:
    """Log the rows of a table: of pyarrow, pandas or polars, or anything that hands out Arrow."""
    if (stream := _active(recording)) is not None:
        stream.send_dataframe(df, index=index, entity_path=entity_path)


def new_entity_path(entity_path: list[Any]) -> str:
    """The path of parts that need no escaping: `["world", "a b"]` is `/world/a\\ b`."""
    return _entity_path.normalize(entity_path)


def version() -> str:
    """Which rrbridge this is, on which Python."""
    from importlib import metadata

    return f"rrbridge {metadata.version('rrbridge')} on Python {sys.version_info.major}.{sys.version_info.minor}"


def _required(recording: RecordingStream | None) -> RecordingStream:
    found = get_data_recording(recording)
    if found is None:
        raise InvalidValueError("recording", "rr.init(…) to have been called", "no recording")
    return found


def is_enabled(recording: RecordingStream | None = None) -> bool:
    """Whether anything is logged."""
    found = get_data_recording(recording)
    return found is not None and found.is_enabled()


def get_application_id(recording: RecordingStream | None = None) -> str | None:
    """The application's id."""
    found = get_data_recording(recording)
    return None if found is None else found.get_application_id()


def get_recording_id(recording: RecordingStream | None = None) -> str | None:
    """The recording's id."""
    found = get_data_recording(recording)
    return None if found is None else found.get_recording_id()
