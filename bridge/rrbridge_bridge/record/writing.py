"""The writer thread: gathers messages, writes them every second, and syncs; decoding gives way when it falls behind."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from rrbridge.errors import FileError, RecorderError
from rrbridge_bridge.live.source import Announced, Document, Notice, Received, Severity
from rrbridge_bridge.raw import RawBatch
from rrbridge_bridge.record.active import free_bytes
from rrbridge_bridge.record.backlog import Backlog, weight
from rrbridge_bridge.record.clock import Clocks
from rrbridge_bridge.record.counters import Account, TopicCounters, topics_in
from rrbridge_bridge.record.held import HeldMessages
from rrbridge_bridge.record.output import Output
from rrbridge_bridge.record.parts import Parts
from rrbridge_bridge.record.stages import Stage, Stages
from rrbridge_bridge.record.statics import adds_up, is_static
from rrbridge_bridge.record.syncing import Syncer
from rrbridge_bridge.record.window import Window

__all__ = ["FLUSH_BYTES", "Cuts", "WriterThread"]

log = logging.getLogger(__name__)

FLUSH_BYTES = 15 << 19
"""Of a topic: more is written before its second is over. Decoding takes some milliseconds however many messages there are, and
chunks are cut at 4 MB: this makes two of them."""
ACCOUNT_SECS = 5.0
GATHERED_SHARE = 0.25
"""Of the backlog's bound: gathered messages above it are written before their second is over."""
OWN_SHARE = 0.1
"""Of a part's size: so much at least is its own."""
BEHIND_SHARE = 0.4
"""Of the backlog's bound: above it, decoding gives way."""
CATCH_UP_SECS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuts:
    """When to do what."""

    flush_secs: float = 1.0
    sync_secs: float = 1.0
    max_bytes: int | None = None
    """Of a part."""
    max_secs: float | None = None
    """Of a part."""
    min_free_bytes: int = 0
    snapshot_at_end: bool = False

    @property
    def gathered_bytes(self) -> int:
        """Of a topic, at most: a part whose end is reached has no more than that too much."""
        return FLUSH_BYTES if self.max_bytes is None else min(FLUSH_BYTES, self.max_bytes // 4)


@dataclass(eq=False)
class _Gathered:
    """What waits to be written of one connection."""

    batches: list[Received] = field(default_factory=list)
    weight: int = 0


class WriterThread:
    """Takes batches from the backlog until it is closed and empty, then finishes the files."""

    def __init__(
        self,
        parts: Parts,
        outputs: Sequence[Output],
        backlog: Backlog,
        counters: dict[int, TopicCounters],
        notify: Callable[[Notice], None],
        cuts: Cuts,
        window: Window | None = None,
        stages: Stages | None = None,
    ) -> None:
        """With a window, nothing is written but what `ask_snapshot` asks for."""
        self._parts = parts
        self._outputs = outputs
        self._backlog = backlog
        self._counters = counters
        self._notify = notify
        self._cuts = cuts
        self._window = window
        self._stages = stages or Stages()
        self._clocks = Clocks()
        self._held = HeldMessages()
        self._announced: deque[Announced] = deque()
        self._documents: deque[Document] = deque()
        self._gathered: dict[int, _Gathered] = {}
        self._gathered_weight = 0
        self._told: set[tuple[str, str]] = set()
        self._abort = threading.Event()
        self._split = threading.Event()
        self._snapshot = threading.Event()
        self._part_began = time.monotonic()
        self._part_begin_bytes = 0
        self._part_messages = 0
        self._latest_nanos = time.time_ns()
        self._next_account = 0.0
        self._next_sync = 0.0
        self.free_bytes: int | None = None
        """On the disk, when it was last looked: by this thread alone, as a disk that is gone may not answer."""
        self.error: str = ""
        """Why the files could not be finished; empty while all is well."""
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="record-write", daemon=True)
        if window is None:
            parts.open_next((), self._latest_nanos, self._account(complete=True))

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def announce(self, announced: Announced) -> None:
        """A connection's facts, to be written before its messages. From any thread."""
        self._announced.append(announced)

    def add(self, document: Document) -> None:
        """A text to be written. From any thread."""
        self._documents.append(document)

    def ask_split(self) -> None:
        """Begin another part soon. From any thread."""
        self._split.set()
        self._backlog.wake()

    def ask_snapshot(self) -> None:
        """Write what the window holds soon. From any thread."""
        self._snapshot.set()
        self._backlog.wake()

    @property
    def window_bytes(self) -> int:
        """What the window holds."""
        return 0 if self._window is None else self._window.nbytes

    def abort(self) -> None:
        """Leave the files as they are, as soon as the current write is done."""
        self._abort.set()
        self._backlog.close()

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join()

    def _run(self) -> None:
        try:
            stopped = ""
            syncer = Syncer(self._sync)
            try:
                self._write_all(syncer)
            except DiskLowError as err:
                stopped = str(err)
                self._write_the_rest()
            finally:
                syncer.close()
            self._parts.finish(self._account(complete=not stopped))
            self.error = stopped
        except (FileError, RecorderError) as err:
            self._give_up(str(err))
        except Exception as err:  # the files must be left in order whatever fails
            log.exception("the writer failed")
            self._give_up(f"unexpected {type(err).__name__}: {err}")
        finally:
            self._backlog.close()
            self.ended.set()

    def _sync(self) -> None:
        with self._stages.doing(Stage.SYNCING):
            self._parts.sync()

    def _give_up(self, reason: str) -> None:
        self.error = reason
        self._parts.abandon()
        self._backlog.close()
        while (received := self._backlog.get(0.0)) is not None:
            self._count_dropped(received)
        for gathered in self._gathered.values():
            for received in gathered.batches:
                self._count_dropped(received)

    def _write_the_rest(self) -> None:
        """The disk is low: what has come is written all the same, as far as half of the margin reaches."""
        self._backlog.close()
        while (received := self._backlog.get(0.0)) is not None:
            if free_bytes(self._parts.folder) > self._cuts.min_free_bytes / 2:
                while self._announced:
                    self._announce(self._announced.popleft())
                self._take(received)
            else:
                self._count_dropped(received)
        self._flush_all(is_end=True)

    def _count_dropped(self, received: Received) -> None:
        self._counters[received.batch.connection.id].dropped += len(received.batch)

    def _write_all(self, syncer: Syncer) -> None:
        next_flush = time.monotonic() + self._cuts.flush_secs
        while True:
            received = self._backlog.get(max(next_flush - time.monotonic(), 0.0))
            if self._abort.is_set():
                raise RecorderError("aborted; what was not written yet is lost")
            while self._announced:
                self._announce(self._announced.popleft())
            while self._documents:
                self._parts.document(self._documents.popleft())
            if received is not None:
                self._take(received)
            finished = received is None and self._backlog.is_finished
            if self._window is not None and (self._snapshot.is_set() or (finished and self._wants_last_window)):
                self._snapshot.clear()
                self._write_window(self._window)
            if time.monotonic() >= next_flush or finished or self._split.is_set():
                self._flush_all(is_end=finished)
                self._look_after(syncer)
                next_flush = time.monotonic() + self._cuts.flush_secs
                if self._is_part_over() and not finished:
                    self._next_part()
            if finished:
                return

    @property
    def _wants_last_window(self) -> bool:
        return self._cuts.snapshot_at_end and self.window_bytes > 0

    def _look_after(self, syncer: Syncer) -> None:
        """What is to be done every second or so, when everything is written."""
        self._look_at_decoding()
        now = time.monotonic()
        if jump := self._clocks.look():
            text = f"the clock was set {'forward' if jump > 0 else 'back'} by {abs(jump) / 1e9:.1f} s"
            self._notify(Notice(Severity.WARNING, f"{text}; how it ran stands in the recording"))
        if now >= self._next_account:
            self._parts.account(self._account(complete=False))
            self._next_account = now + ACCOUNT_SECS
        if now >= self._next_sync:
            syncer.ask()
            self._next_sync = now + self._cuts.sync_secs - self._cuts.flush_secs / 2
        self._parts.check()
        self._check_space()

    def _check_space(self) -> None:
        free = self.free_bytes = free_bytes(self._parts.folder)
        if free < self._cuts.min_free_bytes:
            raise DiskLowError(
                f"only {free / 1e6:.0f} MB are free beside {self._parts.stem}; stopped before the disk is full"
            )

    def _is_part_over(self) -> bool:
        asked = self._split.is_set()
        self._split.clear()
        if not self._part_messages or self._window is not None:
            return False
        cuts = self._cuts
        return (
            asked
            or (cuts.max_secs is not None and time.monotonic() - self._part_began >= cuts.max_secs)
            or self._is_too_large()
        )

    def _is_too_large(self) -> bool:
        """Whether the part has its size, and not by what all parts have alone (the robot's meshes may be larger)."""
        limit, size = self._cuts.max_bytes, self._parts.current_bytes
        return limit is not None and size >= limit and size - self._part_begin_bytes >= OWN_SHARE * limit

    def _next_part(self) -> None:
        """Begin another part; everything that has come is written to the one before it."""
        self._parts.open_next(self._held.messages(), self._latest_nanos, self._account(complete=True))
        self._part_began = time.monotonic()
        self._part_begin_bytes = self._parts.current_bytes
        self._part_messages = 0

    def _catch_up(self) -> None:
        """Take what waits, for a moment at most: it came before the snapshot was asked for."""
        until = time.monotonic() + CATCH_UP_SECS
        while time.monotonic() < until and (received := self._backlog.get(0.0)) is not None:
            while self._announced:
                self._announce(self._announced.popleft())
            self._take(received)

    def _write_window(self, window: Window) -> None:
        """Write a part of its own with what the window holds, and what holds from before."""
        self._catch_up()
        batches = window.take_all()
        if not batches:
            self._notify(Notice(Severity.WARNING, "there is nothing to write: no message came since the last snapshot"))
            return
        self._check_space()
        there = {
            order
            for received in batches
            if self._held.orders(received.batch.connection.id) is not None
            for order in received.batch.order.tolist()
        }
        held = [message for message in self._held.messages() if int(message.order[0]) not in there]
        begin_nanos = min(int(received.batch.log_time_nanos[0]) for received in batches)
        self._parts.open_next(held, begin_nanos, self._account(complete=True))
        for received in batches:
            self._gather(received)
        self._flush_all(is_end=False)
        self._parts.close_current(self._account(complete=True))

    def _announce(self, announced: Announced) -> None:
        connection = announced.connection
        self._gathered.setdefault(connection.id, _Gathered())
        if is_static(announced):
            self._held.watch(connection.id, is_sum=adds_up(connection.topic))
        self._parts.announce(connection)

    def _take(self, received: Received) -> None:
        self._held.take(received)
        if self._window is None:
            self._gather(received)
            return
        self._window.add(received)
        self._backlog.written(weight(received))

    def _gather(self, received: Received) -> None:
        size = weight(received)
        gathered = self._gathered[received.batch.connection.id]
        gathered.batches.append(received)
        gathered.weight += size
        self._gathered_weight += size
        if gathered.weight >= self._cuts.gathered_bytes:
            self._flush([gathered])
            if self._is_too_large():
                self._split.set()
        elif self._gathered_weight > GATHERED_SHARE * self._backlog.limit_bytes:
            self._flush(self._gathered.values())

    def _flush_all(self, *, is_end: bool) -> None:
        self._flush(self._gathered.values())
        self._parts.settle(is_end=is_end)

    def _flush(self, streams: Iterable[_Gathered]) -> None:
        """Write what was gathered."""
        freed = 0
        batches = []
        for gathered in streams:
            if gathered.batches:
                batches.append(RawBatch.joined([received.batch for received in gathered.batches]))
                freed += gathered.weight
                gathered.weight, gathered.batches = 0, []
        try:
            self._write(batches)
        except BaseException:  # some of them may be in the files; none is said to be saved
            for batch in batches:
                self._counters[batch.connection.id].dropped += len(batch)
            raise
        for batch in batches:
            self._counters[batch.connection.id].written += len(batch)
        self._gathered_weight -= freed
        if self._window is None:
            self._backlog.written(freed)

    def _write(self, batches: Sequence[RawBatch]) -> None:
        """Write messages; only their bytes while writing cannot keep up: what they mean can be had from these later."""
        if not batches:
            return
        held = [self._held.orders(batch.connection.id) for batch in batches]
        with self._stages.doing(Stage.WRITING):
            postponed = self._parts.write(batches, held, lambda: self._backlog.fill > BEHIND_SHARE)
        for batch, count in zip(batches, postponed, strict=True):
            self._counters[batch.connection.id].postponed += count
            self._part_messages += len(batch)
        self._latest_nanos = int(batches[-1].log_time_nanos[-1])

    def _look_at_decoding(self) -> None:
        """Take over what could not be decoded, and say so once per topic."""
        for output in self._outputs:
            undecoded = output.undecoded()
            for counters in topics_in(self._counters):
                count, reason = undecoded.get((counters.topic, counters.msgtype), (0, ""))
                if count and not counters.undecodable:
                    kept = "the bytes are recorded all the same"
                    self._notify(Notice(Severity.WARNING, f"cannot be decoded: {reason}; {kept}", counters.topic))
                counters.undecodable = max(counters.undecodable, count)
            for topic, text in output.notes():
                if (topic, text) not in self._told:
                    self._told.add((topic, text))
                    self._notify(Notice(Severity.INFO, text, topic))

    def _account(self, *, complete: bool) -> Account:
        states = [counters.state() for counters in topics_in(self._counters)]
        return Account(states, complete, tuple(self._clocks.readings))


class DiskLowError(RecorderError):
    """Too little space is left to go on; there is enough to finish the files."""
