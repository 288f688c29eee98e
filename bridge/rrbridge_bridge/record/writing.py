"""The writer thread: gathers messages, writes them every second, and syncs; decoding gives way when it falls behind."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from rrbridge._chunk import Chunk
from rrbridge.errors import FileError, RecorderError
from rrbridge_bridge.live.source import Announced, Document, Notice, Received, Severity
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.record import chunks
from rrbridge_bridge.record.backlog import Backlog, weight
from rrbridge_bridge.record.counters import TopicCounters, TopicState
from rrbridge_bridge.record.file import RecordingFile, Syncer

__all__ = ["FLUSH_BYTES", "FLUSH_SECS", "ChunkMaker", "WriterThread"]

log = logging.getLogger(__name__)

FLUSH_SECS = 1.0
FLUSH_BYTES = 2 << 20
ACCOUNT_SECS = 5.0
GATHERED_SHARE = 0.25
"""Of the backlog's bound: gathered messages above it are written before their second is over."""
BEHIND_SHARE = 0.4
"""Of the backlog's bound: above it, decoding gives way."""
SLOW_SYNC_SECS = 2.0
NICENESS = 5
"""Of the writer thread alone: what is written a little later is not lost, what is received too late is."""


class ChunkMaker(Protocol):
    """Turns messages into chunks."""

    def announce(self, connection: Connection) -> Iterable[Chunk]:
        """Static data about a connection; again when more has become known of it."""

    def bytes_only(self, batch: RawBatch) -> Iterable[Chunk]:
        """The messages' bytes, and nothing that takes time."""

    def convert(self, batch: RawBatch) -> Iterable[Chunk]:
        """The messages as they are to be recorded: bytes if asked for, fields, what adapters make of them."""

    def settle(self, *, is_end: bool = False) -> Iterable[Chunk]:
        """What had to wait for messages of other topics, or for time to pass, when all that has arrived was converted."""

    def notes(self) -> Iterable[tuple[str, str]]:
        """Topics and sentences: what a person should know of what was made of messages; those told before too."""

    def undecoded(self) -> Mapping[tuple[str, str], tuple[int, str]]:
        """By topic and type: messages that `convert` could keep only as bytes, and why; the first reason."""


@dataclass(eq=False)
class _Gathered:
    """What waits to be written of one connection."""

    batches: list[Received] = field(default_factory=list)
    weight: int = 0


class WriterThread:
    """Takes batches from the backlog until it is closed and empty, then finishes the file."""

    def __init__(
        self,
        file: RecordingFile,
        backlog: Backlog,
        counters: dict[int, TopicCounters],
        maker: ChunkMaker,
        notify: Callable[[Notice], None],
        *,
        raw: bool,
        min_free_bytes: int,
        robot: str | None = None,
    ) -> None:
        self._file = file
        self._backlog = backlog
        self._counters = counters
        self._notify = notify
        self._maker = maker
        self._raw = raw
        self._robot = robot
        self._min_free_bytes = min_free_bytes
        self._announced: deque[Announced] = deque()
        self._documents: deque[Document] = deque()
        self._gathered: dict[int, _Gathered] = {}
        self._gathered_weight = 0
        self._told: set[tuple[str, str]] = set()
        self._abort = threading.Event()
        self.error: str = ""
        """Why the file could not be finished; empty while all is well."""
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="record-write", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def announce(self, announced: Announced) -> None:
        """A connection's facts, to be written before its messages. From any thread."""
        self._announced.append(announced)

    def add(self, document: Document) -> None:
        """A text to be written. From any thread."""
        self._documents.append(document)

    def abort(self) -> None:
        """Leave the file as it is, as soon as the current write is done."""
        self._abort.set()
        self._backlog.close()

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join()

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # where a sandbox forbids it, it goes without
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        try:
            stopped = ""
            syncer = Syncer(self._file)
            try:
                self._write_all(syncer)
            except DiskLowError as err:
                stopped = str(err)
            finally:
                syncer.close()
            self._file.write(chunks.account(self._states(), complete=not stopped))
            self._file.close()
            self.error = stopped
        except (FileError, RecorderError) as err:
            self._give_up(str(err))
        except Exception as err:  # the file must be left in order whatever fails
            log.exception("the writer failed")
            self._give_up(f"unexpected {type(err).__name__}: {err}")
        finally:
            self._backlog.close()
            self.ended.set()

    def _give_up(self, reason: str) -> None:
        self.error = reason
        try:
            self._file.abandon()
        except FileError as err:
            log.debug("%s", err)

    def _write_all(self, syncer: Syncer) -> None:
        for chunk in chunks.recording_info(time.time_ns(), self._file.path.stem, self._robot):
            self._file.write(chunk)
        next_flush = time.monotonic() + FLUSH_SECS
        next_account = 0.0
        slow_told = False
        while True:
            received = self._backlog.get(max(next_flush - time.monotonic(), 0.0))
            if self._abort.is_set():
                raise RecorderError("aborted; what was not written yet is lost")
            while self._announced:
                self._announce(self._announced.popleft())
            while self._documents:
                self._file.write(chunks.document(self._documents.popleft()))
            if received is not None:
                self._gather(received)
            finished = received is None and self._backlog.is_finished
            if time.monotonic() >= next_flush or finished:
                self._flush(self._gathered.values())
                self._settle(is_end=finished)
                self._look_at_decoding()
                if time.monotonic() >= next_account:
                    self._file.write(chunks.account(self._states(), complete=False))
                    next_account = time.monotonic() + ACCOUNT_SECS
                syncer.ask()
                if syncer.longest_secs > SLOW_SYNC_SECS and not slow_told:
                    slow_told = True
                    text = f"the disk took {syncer.longest_secs:.1f} s to sync; a power cut would cost that much"
                    self._notify(Notice(Severity.WARNING, text))
                self._check_space()
                next_flush = time.monotonic() + FLUSH_SECS
            if finished:
                return

    def _check_space(self) -> None:
        self._file.check_place()
        free = self._file.free_bytes()
        if free < self._min_free_bytes:
            raise DiskLowError(
                f"only {free / 1e6:.0f} MB are free beside {self._file.path}; stopped before the disk is full"
            )

    def _announce(self, announced: Announced) -> None:
        connection = announced.connection
        self._gathered.setdefault(connection.id, _Gathered())
        for chunk in self._maker.announce(connection):
            self._file.write(chunk)

    def _gather(self, received: Received) -> None:
        size = weight(received)
        gathered = self._gathered[received.batch.connection.id]
        gathered.batches.append(received)
        gathered.weight += size
        self._gathered_weight += size
        if gathered.weight >= FLUSH_BYTES:
            self._flush([gathered])
        elif self._gathered_weight > GATHERED_SHARE * self._backlog.limit_bytes:
            self._flush(self._gathered.values())

    def _flush(self, streams: Iterable[_Gathered]) -> None:
        """Write what was gathered."""
        for gathered in streams:
            if gathered.batches:
                batch = RawBatch.joined([received.batch for received in gathered.batches])
                size, gathered.weight, gathered.batches = gathered.weight, 0, []
                self._gathered_weight -= size
                self._write(batch)
                self._backlog.written(size)

    def _settle(self, *, is_end: bool) -> None:
        try:
            made = list(self._maker.settle(is_end=is_end))
        except Exception as err:  # no fault in what is drawn may cost the recording
            log.exception("what waited could not be converted")
            text = f"some messages are not drawn: {type(err).__name__}: {err}"
            self._notify(Notice(Severity.ERROR, text))
            return
        for chunk in made:
            self._file.write(chunk)

    def _write(self, batch: RawBatch) -> None:
        """Write messages; only their bytes while writing cannot keep up: what they mean can be had from these later."""
        counters = self._counters[batch.connection.id]
        if self._raw and self._backlog.fill > BEHIND_SHARE:
            made = list(self._maker.bytes_only(batch))
            counters.postponed += len(batch)
        else:
            try:
                made = list(self._maker.convert(batch))
            except Exception as err:  # no fault in decoding may cost the recording
                log.exception("%s could not be converted", batch.connection.topic)
                text = f"could not be converted, only bytes are kept: {type(err).__name__}: {err}"
                self._notify(Notice(Severity.ERROR, text, batch.connection.topic))
                made = list(self._maker.bytes_only(batch))
                counters.postponed += len(batch)
        for chunk in made:
            self._file.write(chunk)
        counters.written += len(batch)

    def _look_at_decoding(self) -> None:
        """Take over what could not be decoded, and say so once per topic."""
        undecoded = self._maker.undecoded()
        for counters in list(self._counters.values()):
            count, reason = undecoded.get((counters.topic, counters.msgtype), (0, ""))
            if count and not counters.undecodable:
                kept = "the bytes are recorded all the same"
                self._notify(Notice(Severity.WARNING, f"cannot be decoded: {reason}; {kept}", counters.topic))
            counters.undecodable = count
        for topic, text in self._maker.notes():
            if (topic, text) not in self._told:
                self._told.add((topic, text))
                self._notify(Notice(Severity.INFO, text, topic))

    def _states(self) -> list[TopicState]:
        return [counters.state() for counters in list(self._counters.values())]


class DiskLowError(RecorderError):
    """Too little space is left to go on; there is enough to finish the file."""
