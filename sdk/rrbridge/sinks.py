"""Where recordings go, by the names of the reference's `rerun.sinks`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from rrbridge._global import disconnect as disconnect
from rrbridge._global import get_application_id as get_application_id
from rrbridge._global import is_enabled as _is_enabled
from rrbridge._global import save as save
from rrbridge._global import send_blueprint as send_blueprint
from rrbridge._global import set_sinks as set_sinks
from rrbridge._global import spawn as spawn
from rrbridge._global import stdout as stdout
from rrbridge._outputs import BinaryStream as BinaryStream
from rrbridge._recording import RecordingStream as RecordingStream
from rrbridge._sinks import FileSink as FileSink

if TYPE_CHECKING:
    from rrbridge.blueprint import BlueprintLike as BlueprintLike

__all__ = [
    "BinaryStream",
    "BlueprintLike",
    "FileSink",
    "LogSinkLike",
    "RecordingStream",
    "disconnect",
    "get_application_id",
    "is_recording_enabled",
    "save",
    "send_blueprint",
    "set_sinks",
    "spawn",
    "stdout",
]

LogSinkLike: TypeAlias = FileSink
"""What `set_sinks` takes."""


def is_recording_enabled(recording: RecordingStream | None) -> bool:
    """Whether anything is logged."""
    return _is_enabled(recording)


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name == "BlueprintLike":  # blueprints load when they are used
            from rrbridge.blueprint import BlueprintLike

            return BlueprintLike
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
