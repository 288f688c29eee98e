"""Where a recording goes: a file, a pipe, or memory until one of these is chosen."""

from __future__ import annotations

import os
from typing import IO, Protocol

import pyarrow as pa

from rrbridge._messages import LogMessage
from rrbridge.rrd import RrdWriter

__all__ = ["FileSink", "MemorySink", "Sink"]


class Sink(Protocol):
    """Takes the messages of one recording, in order, from one thread at a time."""

    def send(self, message: LogMessage) -> None:
        """Take a message. Raises FileError."""

    def flush(self) -> None:
        """Pass on everything taken so far."""

    def close(self) -> None:
        """Take no more."""


class MemorySink:
    """Keeps messages until there is somewhere to send them."""

    def __init__(self) -> None:
        self.messages: list[LogMessage] = []

    def send(self, message: LogMessage) -> None:
        """Keep a message."""
        self.messages.append(message)

    def flush(self) -> None:
        """Nothing to pass on."""

    def close(self) -> None:
        """Nothing to finish."""


class FileSink:
    """Writes an `.rrd` file, or an `.rrd` stream to a pipe."""

    def __init__(self, target: str | os.PathLike[str] | IO[bytes], *, write_footer: bool = True) -> None:
        self._writer = RrdWriter(target)
        self._write_footer = write_footer
        # With its first array of Python values pyarrow imports pandas where that is installed; at exit, when a file is
        # finished, it is too late for an import.
        pa.array([])

    def send(self, message: LogMessage) -> None:
        """Append a message."""
        self._writer.write(message)

    def flush(self) -> None:
        """Hand everything to the operating system."""
        self._writer.flush()

    def close(self) -> None:
        """Finish the file."""
        self._writer.close(footer=self._write_footer)
