"""Where recordings go, by the names of the reference's `rerun.sinks`."""

from __future__ import annotations

from rrbridge._global import disconnect as disconnect
from rrbridge._global import get_application_id as get_application_id
from rrbridge._global import save as save
from rrbridge._global import send_blueprint as send_blueprint
from rrbridge._global import set_sinks as set_sinks
from rrbridge._global import spawn as spawn
from rrbridge._global import stdout as stdout
from rrbridge._outputs import BinaryStream as BinaryStream
from rrbridge._recording import RecordingStream as RecordingStream
from rrbridge._sinks import FileSink as FileSink

__all__ = [
    "BinaryStream",
    "FileSink",
    "RecordingStream",
    "disconnect",
    "get_application_id",
    "save",
    "send_blueprint",
    "set_sinks",
    "spawn",
    "stdout",
]
