"""Where a recording goes when it does not go to a file: memory, to be taken out as bytes."""

from __future__ import annotations

import threading
from io import BytesIO
from typing import TYPE_CHECKING

from rrbridge._messages import StoreInfo
from rrbridge.rrd import RrdWriter

if TYPE_CHECKING:
    from rrbridge._recording import RecordingStream
    from rrbridge._sinks import MemorySink

__all__ = ["BinaryStream", "ByteBuffer", "MemoryRecording"]


class ByteBuffer:
    """A file of bytes not yet read; written by one thread, read by another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parts: list[bytes] = []

    def write(self, data: bytes | memoryview) -> int:
        """Add bytes."""
        with self._lock:
            self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing to pass on."""

    def take(self) -> bytes:
        """Everything written since the last time."""
        with self._lock:
            parts, self._parts = self._parts, []
        return b"".join(parts)


class MemoryRecording:
    """A recording kept in memory."""

    def __init__(self, storage: MemorySink, recording: RecordingStream) -> None:
        """`storage` is the sink that `recording` has; `RecordingStream.memory_recording` makes both."""
        self.storage = storage
        self._recording = recording

    def num_msgs(self) -> int:
        """How many messages there are, after a flush."""
        self._recording.flush()
        return len(self.storage.messages)

    def drain_as_bytes(self) -> bytes:
        """Everything as the bytes of an `.rrd` file; it is then no longer kept."""
        self._recording.flush()
        messages = self.storage.drain()
        file = BytesIO()
        writer = RrdWriter(file)
        if not any(isinstance(message, StoreInfo) for message in messages):
            writer.write(StoreInfo.new(self._recording.store_id))
        for message in messages:
            writer.write(message)
        writer.close()
        return file.getvalue()


class BinaryStream:
    """A recording as a stream of bytes in `.rrd` form, to be read as it grows."""

    def __init__(self, storage: ByteBuffer, recording: RecordingStream) -> None:
        """`storage` is what `recording` writes to; `RecordingStream.binary_stream` makes both."""
        self._storage = storage
        self._recording = recording

    def read(self, *, flush: bool = True, flush_timeout_sec: float = float("inf")) -> bytes | None:
        """What was logged since the last time; None if that is nothing. Raises TimeoutError."""
        if flush:
            self.flush(flush_timeout_sec)
        return self._storage.take() or None

    def flush(self, timeout_sec: float = float("inf")) -> None:
        """Let everything logged so far become readable. Raises TimeoutError."""
        self._recording.flush(timeout_sec=timeout_sec)
