"""Where a recording goes: a file, a pipe, or memory until one of these is chosen."""

from __future__ import annotations

# Where pandas is installed, pyarrow imports it with the first array of Python values, which may be at exit, when this
# module can no longer be imported: a recording would end without its last rows.
import concurrent.futures.thread  # noqa: F401
import contextlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from rrbridge._messages import LogMessage
from rrbridge.errors import InvalidValueError

__all__ = ["FileSink", "MemorySink", "RrdSink", "Sink", "Tee"]


@dataclass(frozen=True, slots=True)
class FileSink:
    """A file for `set_sinks`."""

    path: str | os.PathLike[str]
    write_footer: bool = True
    """Whether it gets an index at its end, which lets large files open at once."""


class Sink(Protocol):
    """Takes the messages of one recording, in order, from one thread at a time."""

    @property
    def is_file(self) -> bool:
        """Whether it can be finished, for others to read."""

    def send(self, message: LogMessage) -> None:
        """Take a message. Raises FileError."""

    def flush(self) -> None:
        """Pass on everything taken so far."""

    def close(self) -> None:
        """Take no more."""

    def let_go(self) -> None:
        """In a forked child: leave everything to the parent."""

    def kept(self) -> Iterable[LogMessage] | None:
        """Everything taken so far, after a flush; None if it cannot be had any more. Raises FileError."""


class MemorySink:
    """Keeps messages until there is somewhere to send them."""

    is_file = False

    def __init__(self) -> None:
        self.messages: list[LogMessage] = []

    def send(self, message: LogMessage) -> None:
        """Keep a message."""
        self.messages.append(message)

    def drain(self) -> list[LogMessage]:
        """Give up what was kept."""
        messages, self.messages = self.messages, []
        return messages

    def flush(self) -> None:
        """Nothing to pass on."""

    def close(self) -> None:
        """Nothing to finish."""

    def let_go(self) -> None:
        """Nothing the parent would miss."""

    def kept(self) -> Iterable[LogMessage]:
        """What was not yet given up."""
        return list(self.messages)


class RrdSink:
    """Writes an `.rrd` file, or an `.rrd` stream to a pipe."""

    def __init__(
        self, target: str | os.PathLike[str] | IO[bytes], *, write_footer: bool = True, pipe: IO[bytes] | None = None
    ) -> None:
        """`pipe`: the target once more, if it is to be closed with the recording."""
        from rrbridge.rrd import RrdWriter  # loads when it is used, to keep `import rrbridge` short

        if not isinstance(target, str | os.PathLike) and not hasattr(target, "write"):
            raise InvalidValueError("save", "a path", repr(target)[:80])
        self._path = target if isinstance(target, str | os.PathLike) else None
        self._writer = RrdWriter(target)
        self.is_file = isinstance(target, str | os.PathLike)
        if pipe is not None:
            self._writer.path = Path("the viewer")
        self._write_footer = write_footer
        self._pipe = pipe

    def send(self, message: LogMessage) -> None:
        """Append a message."""
        self._writer.write(message)

    def flush(self) -> None:
        """Hand everything to the operating system."""
        self._writer.flush()

    def close(self) -> None:
        """Finish the file."""
        try:
            self._writer.close(footer=self._write_footer)
        finally:
            self._close_pipe()

    def let_go(self) -> None:
        """Close this process's ends."""
        self._writer.abandon()
        self._close_pipe()

    def _close_pipe(self) -> None:
        if self._pipe is not None:
            with contextlib.suppress(OSError):  # the reader may be gone, then there is nothing left to tell it
                self._pipe.close()

    def kept(self) -> Iterable[LogMessage] | None:
        """What the file holds, if it is one."""
        from rrbridge.rrd import RrdReader

        return RrdReader(self._path).messages() if self._path is not None else None


class Tee:
    """Several sinks that all take everything."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = tuple(sinks)
        self.is_file = all(sink.is_file for sink in sinks)

    def send(self, message: LogMessage) -> None:
        """Pass a message to each."""
        for sink in self._sinks:
            sink.send(message)

    def flush(self) -> None:
        """Flush each."""
        for sink in self._sinks:
            sink.flush()

    def close(self) -> None:
        """Finish each."""
        for sink in self._sinks:
            sink.close()

    def let_go(self) -> None:
        """Leave each."""
        for sink in self._sinks:
            sink.let_go()

    def kept(self) -> Iterable[LogMessage] | None:
        """What the first of them has that still has it."""
        return next((kept for sink in self._sinks if (kept := sink.kept()) is not None), None)
