"""Which recording the logging functions mean: this thread's, else the program's."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rrbridge._recording import RecordingStream

__all__ = [
    "get_data_recording",
    "get_global_data_recording",
    "get_thread_local_data_recording",
    "set_global_data_recording",
    "set_thread_local_data_recording",
]

_global_recording: RecordingStream | None = None
_thread = threading.local()


def get_global_data_recording() -> RecordingStream | None:
    """The program's recording."""
    return _global_recording


def set_global_data_recording(recording: RecordingStream | None) -> RecordingStream | None:
    """Make a recording the program's; returns the one before."""
    global _global_recording  # that there is one for the program is the point
    before, _global_recording = _global_recording, recording
    return before


def get_thread_local_data_recording() -> RecordingStream | None:
    """This thread's recording."""
    stack: list[RecordingStream] = getattr(_thread, "stack", [])
    return stack[-1] if stack else getattr(_thread, "recording", None)


def set_thread_local_data_recording(recording: RecordingStream | None) -> RecordingStream | None:
    """Make a recording this thread's; returns the one before."""
    before: RecordingStream | None = getattr(_thread, "recording", None)
    _thread.recording = recording
    return before


def push(recording: RecordingStream) -> None:
    """Make a recording this thread's until it is popped."""
    if not hasattr(_thread, "stack"):
        _thread.stack = []
    _thread.stack.append(recording)


def pop(recording: RecordingStream) -> None:
    """Undo the last `push` of this recording."""
    stack: list[RecordingStream] = _thread.stack
    del stack[len(stack) - 1 - stack[::-1].index(recording)]


def get_data_recording(recording: RecordingStream | None = None) -> RecordingStream | None:
    """The recording given, else this thread's, else the program's."""
    return recording or get_thread_local_data_recording() or _global_recording
