"""The logging functions of the module: they act on the recording given, this thread's, or the program's."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Iterable
from pathlib import Path

from rrbridge._active import get_data_recording
from rrbridge._chunk import ComponentColumn
from rrbridge._misuse import caller_depth, set_strict_mode, strict_mode
from rrbridge._recording import EntityPathLike, Loggable, RecordingStream
from rrbridge._timeline import DurationLike, TimeColumn, TimestampLike
from rrbridge.errors import InvalidValueError, RrbridgeWarning

__all__ = [
    "disable_timeline",
    "disconnect",
    "get_application_id",
    "get_recording_id",
    "init",
    "is_enabled",
    "log",
    "reset_time",
    "save",
    "send_columns",
    "send_property",
    "send_recording_name",
    "send_recording_start_time_nanos",
    "set_log_tick_enabled",
    "set_log_time_enabled",
    "set_time",
    "stdout",
]


def init(
    application_id: str,
    *,
    recording_id: str | uuid.UUID | None = None,
    default_enabled: bool = True,
    strict: bool | None = None,
    send_properties: bool = True,
) -> None:
    """Start the recording that the program's logging functions use."""
    if strict is not None:
        set_strict_mode(strict)
    RecordingStream(
        application_id,
        recording_id=recording_id,
        make_default=True,
        default_enabled=default_enabled,
        send_properties=send_properties,
    )


def _active(recording: RecordingStream | None) -> RecordingStream | None:
    found = get_data_recording(recording)
    if found is None:
        if strict_mode():
            raise InvalidValueError("recording", "rr.init(…) to have been called", "no recording")
        warnings.warn("no recording yet, nothing was logged: call rr.init(…) first", RrbridgeWarning, caller_depth())
    return found


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


def save(path: str | Path, recording: RecordingStream | None = None, *, write_footer: bool = True) -> None:
    """Write the recording to a file from now on, beginning with what was logged so far."""
    if (stream := _active(recording)) is not None:
        stream.save(path, write_footer=write_footer)


def stdout(recording: RecordingStream | None = None, *, write_footer: bool = True) -> None:
    """Write the recording to standard output, for `rrbridge view -`."""
    if (stream := _active(recording)) is not None:
        stream.stdout(write_footer=write_footer)


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
