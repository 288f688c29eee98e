"""The files of a run: one after the other, and of each kind of output one at a time.

A part is what stands between two splits: `run_0003.rrd`, and `run_0003.mcap` beside it if both are recorded. The next part is
opened before the one before it is closed, and closing (index, sync, name) has a thread of its own, so a split costs the writer
what it takes to open files, however long the run is. Rings delete the oldest parts that are closed.
"""

from __future__ import annotations

import logging
import queue
import re
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rrbridge.errors import FileError, RecorderError, RrbridgeError
from rrbridge_bridge.format import size
from rrbridge_bridge.live.source import Document, Notice, Severity
from rrbridge_bridge.raw import Connection, Int64s, RawBatch
from rrbridge_bridge.record.active import ACTIVE_SUFFIX
from rrbridge_bridge.record.counters import Account
from rrbridge_bridge.record.output import Output, OutputFile, RunInfo

__all__ = ["Parts", "Ring"]

log = logging.getLogger(__name__)


WAITING_PARTS = 2
"""So many may wait to be closed; then writing waits too, or a ring's disk would fill before anything is deleted."""


@dataclass(frozen=True, slots=True)
class Ring:
    """How much of a run to keep."""

    files: int | None = None
    """So many parts, the current one counted too."""
    nbytes: int | None = None
    """All parts together, of all outputs."""


@dataclass(frozen=True, slots=True)
class _Closed:
    """A part that is written no more."""

    paths: tuple[Path, ...]
    nbytes: int
    is_finished: bool

    @classmethod
    def of(cls, files: Sequence[OutputFile]) -> _Closed:
        paths = tuple(path for file in files if (path := file.kept_path))
        return cls(paths, sum(file.bytes_written for file in files), all(file.is_finished for file in files))


class Parts:
    """The files of a run. Every method belongs to the writer, but `sync` and what only looks."""

    def __init__(
        self,
        path: Path,
        outputs: Sequence[Output],
        info: RunInfo,
        *,
        is_numbered: bool,
        ring: Ring,
        notify: Callable[[Notice], None],
    ) -> None:
        """`path`: what the files are called, with or without the suffix of an output. Raises RecorderError if there are such."""
        suffixes = {output.suffix for output in outputs}
        self.stem = path.with_suffix("") if path.suffix in suffixes else path
        self._outputs = outputs
        self._info = info
        self._is_numbered = is_numbered
        self._ring = ring
        self._notify = notify
        self._current: Sequence[OutputFile] = ()
        self._closing: deque[OutputFile] = deque()
        """Handed over, and not yet whole."""
        self._count = 0
        self._connections: dict[int, Connection] = {}
        self._closed: deque[_Closed] = deque()
        self._deleted_bytes = 0
        self._documents: dict[str, Document] = {}
        """Those that no part has yet."""
        self._error: RrbridgeError | None = None
        self._to_close: queue.Queue[tuple[Sequence[OutputFile], Account] | None] = queue.Queue(WAITING_PARTS)
        self._closer = threading.Thread(target=self._close_parts, name="record-close", daemon=True)
        self._check_free_names()
        self._closer.start()

    def _check_free_names(self) -> None:
        """Parts of an earlier run must not be taken for some of this one."""
        pattern = re.compile(re.escape(self.stem.name) + r"_\d{4,}")
        suffixes = [output.suffix + end for output in self._outputs for end in ("", ACTIVE_SUFFIX)]
        taken = self.stem.parent.iterdir() if self._is_numbered and self.stem.parent.is_dir() else ()
        for other in taken:
            for suffix in suffixes:
                if other.name.endswith(suffix) and pattern.fullmatch(other.name.removesuffix(suffix)):
                    raise RecorderError(
                        f"{other} exists already; parts of two runs would be mixed up, name another file"
                    )

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self.stem.parent

    @property
    def is_open(self) -> bool:
        """Whether there is a part to write to."""
        return bool(self._current)

    @property
    def current_bytes(self) -> int:
        """The size of the largest file of the current part."""
        return max((file.bytes_written for file in self._current), default=0)

    @property
    def bytes_written(self) -> int:
        """Everything that the run has written, kept or not."""
        closed = sum(part.nbytes for part in list(self._closed))
        return self._deleted_bytes + closed + sum(file.bytes_written for file in self._current)

    @property
    def count(self) -> int:
        """How many parts have been begun."""
        return self._count

    @property
    def kept_paths(self) -> tuple[Path, ...]:
        """Where the files are that were not deleted, in their order."""
        closed = [path for part in list(self._closed) for path in part.paths if path.exists()]
        return (*closed, *(path for file in self._current if (path := file.kept_path)))

    @property
    def is_finished(self) -> bool:
        """Whether all files are whole and have their names."""
        return not self._current and all(part.is_finished for part in list(self._closed))

    def open_next(self, held: Sequence[RawBatch], at_nanos: int, account: Account) -> None:
        """Begin a part, with the messages that hold from before; the one before it is closed on the side.

        Raises RecorderError, FileError.
        """
        name = self.stem.name + (f"_{self._count:04d}" if self._is_numbered or self._count else "")
        opened: list[OutputFile] = []
        try:
            for output in self._outputs:
                file = output.open(self.stem.with_name(name + output.suffix), self._info)
                opened.append(file)
            for file in opened:
                self._begin(file, held, at_nanos)
        except BaseException:
            for file in opened:
                _withdraw(file)
            raise
        self._documents.clear()
        self._count += 1
        self.close_current(account)
        self._current = opened

    def _begin(self, file: OutputFile, held: Sequence[RawBatch], at_nanos: int) -> None:
        for connection in self._connections.values():
            file.announce(connection)
        if self._count or held:
            file.repeat(held, at_nanos)
        for document in self._documents.values():
            file.document(document)

    def close_current(self, account: Account) -> None:
        """Close the current part on the side."""
        before = self._current
        self._closing.extend(before)
        self._current = ()
        if before:
            self._to_close.put((before, account))

    def announce(self, connection: Connection) -> None:
        """A connection will bring messages."""
        self._connections[connection.id] = connection
        for file in self._current:
            file.announce(connection)

    def document(self, document: Document) -> None:
        """A text for the recording."""
        if not self._current:
            self._documents[document.entity] = document
        for file in self._current:
            file.document(document)

    def write(
        self, batches: Sequence[RawBatch], held: Sequence[Int64s | None], in_haste: Callable[[], bool]
    ) -> list[int]:
        """Append messages and hand them to the operating system; of each batch, how many have bytes alone because of haste.

        Files of bytes alone come first: they have the messages before decoding takes its time.
        """
        postponed = [0] * len(batches)
        for file in sorted(self._current, key=lambda file: file.decodes):
            for number, batch in enumerate(batches):
                count = file.write(batch, in_haste=in_haste(), held=held[number])
                postponed[number] = max(postponed[number], count)
            file.flush()
        return postponed

    def settle(self, *, is_end: bool) -> None:
        """All that has arrived was written."""
        for file in self._current:
            file.settle(is_end=is_end)

    def account(self, account: Account) -> None:
        """What has happened so far."""
        for file in self._current:
            file.account(account)

    def check(self) -> None:
        """Raises what went wrong on the side, and FileError when the current part was taken away."""
        if self._error is not None:
            raise self._error
        for file in self._current:
            file.check_place()

    def sync(self) -> None:
        """Put on the disk what was written so far; from any thread."""
        current = self._current  # looked at first: files go from there to those that are closing
        for file in (*self._closing, *current):
            file.sync()

    def finish(self, account: Account) -> None:
        """Close the current part and wait for all. Raises what went wrong."""
        self.close_current(account)
        self._to_close.put(None)
        self._closer.join()
        if self._error is not None:
            raise self._error

    def abandon(self) -> None:
        """Leave the current part as it is; the others are closed."""
        before, self._current = self._current, ()
        for file in before:
            _leave(file)
        self._to_close.put(None)
        self._closer.join()
        if before:
            self._closed.append(_Closed.of(before))

    def _close_parts(self) -> None:
        while (part := self._to_close.get()) is not None:
            files, account = part
            for file in files:
                try:
                    file.sync()
                    file.close(account)
                except RrbridgeError as err:
                    self._error = self._error or err
                    _leave(file)
                except Exception as err:  # the other files must be closed whatever fails
                    log.exception("%s could not be closed", file.path)
                    self._error = self._error or FileError(file.path, f"unexpected {type(err).__name__}: {err}")
                    _leave(file)
                self._closing.remove(file)
            closed = _Closed.of(files)
            self._closed.append(closed)
            if closed.is_finished and (self._is_numbered or self._count > 1):
                names = " and ".join(file.path.name for file in files)
                self._notify(Notice(Severity.INFO, f"{names} finished, {size(closed.nbytes)}"))
            self._delete_oldest()

    def _delete_oldest(self) -> None:
        """Keep to the ring; the current part is never deleted."""
        while self._closed and self._is_too_much():
            part = self._closed.popleft()
            self._deleted_bytes += part.nbytes
            for path in part.paths:
                if path.name.endswith(ACTIVE_SUFFIX):
                    continue  # what could not be finished is for a person to look at
                try:
                    path.unlink()
                except OSError as err:
                    text = f"{path} cannot be deleted: {err.strerror or err}"
                    self._notify(Notice(Severity.WARNING, text))

    def _is_too_much(self) -> bool:
        is_recording = 1 if self._current else 0
        if self._ring.files is not None and len(self._closed) + is_recording > self._ring.files:
            return True
        nbytes = sum(part.nbytes for part in self._closed) + sum(file.bytes_written for file in self._current)
        return self._ring.nbytes is not None and nbytes > self._ring.nbytes


def _leave(file: OutputFile) -> None:
    """Abandon a file after something else went wrong."""
    try:
        file.abandon()
    except FileError as err:
        log.debug("%s", err)


def _withdraw(file: OutputFile) -> None:
    """Take away a file that has just been made and holds nothing of its own."""
    try:
        file.abandon()
        if path := file.kept_path:
            path.unlink()
    except (FileError, OSError) as err:
        log.debug("%s", err)
