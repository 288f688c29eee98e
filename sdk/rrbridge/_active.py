"""Which recording the logging functions mean: that of the `with` block around, this thread's, else the program's."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from rrbridge._recording import RecordingStream

__all__ = [
    "get_data_recording",
    "get_global_data_recording",
    "get_thread_local_data_recording",
    "set_global_data_recording",
    "set_thread_local_data_recording",
]

Stack: TypeAlias = "tuple[RecordingStream, ...]"

_global_recording: RecordingStream | None = None
_thread = threading.local()
_stack: ContextVar[Stack] = ContextVar("rrbridge_recordings", default=())
"""Recordings of the `with` blocks around, innermost last; a task of asyncio has its own."""


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
    blocks = _stack.get()
    return blocks[-1] if blocks else getattr(_thread, "recording", None)


def set_thread_local_data_recording(recording: RecordingStream | None) -> RecordingStream | None:
    """Make a recording this thread's; returns the one before."""
    before: RecordingStream | None = getattr(_thread, "recording", None)
    _thread.recording = recording
    return before


def push(recording: RecordingStream) -> None:
    """Enter a `with` block."""
    _stack.set((*_stack.get(), recording))


def pop(recording: RecordingStream) -> None:
    """Leave the innermost `with` block of this recording."""
    blocks = list(_stack.get())
    if recording in blocks:
        del blocks[len(blocks) - 1 - blocks[::-1].index(recording)]
    _stack.set(tuple(blocks))


def stack() -> Stack:
    """The `with` blocks around."""
    return _stack.get()


def replace_stack(blocks: Stack) -> Stack:
    """Put other `with` blocks around; returns those before."""
    before = _stack.get()
    _stack.set(blocks)
    return before


def get_data_recording(recording: RecordingStream | None = None) -> RecordingStream | None:
    """The recording given, else this thread's, else the program's."""
    return recording or get_thread_local_data_recording() or _global_recording
