"""Stages on their way: messages of several connections brought into order, the memory between calls, rows out.

A stage with one connection runs on each batch at once. One with several has to wait for its slowest connection: readers give
such connections' messages in steps (`ReadOptions.in_step`), and at the end of a step nothing that stands before in the file is
missing. Then the messages of a step are given in order of log time, in runs of one topic and type. A file that is not in order
of log time is put in order within a step, not beyond.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rrbridge.adapters import Skipped
from rrbridge.chunk import Chunk
from rrbridge.columns import Columns, Emit, Text, concat, take
from rrbridge.importers import Note
from rrbridge.plugins import FAULTS
from rrbridge.stages import Messages, Stage
from rrbridge_bridge.emits import Placed, scatter
from rrbridge_bridge.frames import with_frames
from rrbridge_bridge.raw import Connection, Int64s, RawBatch
from rrbridge_bridge.recording import Recording
from rrbridge_bridge.salvage import salvage

if TYPE_CHECKING:
    from rrbridge_bridge.channel import Channel

__all__ = ["StageRun"]

log = logging.getLogger(__name__)

HELD_BYTES = 64 << 20
"""Payloads that wait for a step to end; above it they are given as they are."""
ROWS_BITS = 20
"""Rows that a message may become in one stage, as a power of two; each stage has its own block of row ids."""
MAX_STAGES = 7
"""Blocks of row ids below those of settled rows; stages beyond share the last one."""
SETTLED_BLOCK = MAX_STAGES + 1


@dataclass(frozen=True, eq=False, slots=True)
class _Taken:
    """Messages of one topic and type that wait for their stage."""

    channel: Channel
    batch: RawBatch
    msgs: Columns
    is_first: bool

    def take(self, rows: Int64s) -> _Taken:
        return replace(self, batch=self.batch.take(rows), msgs=take(self.msgs, rows))


@dataclass(eq=False)
class StageRun:
    """One stage for one group of topics: its state, and the messages that wait for it."""

    stage: Stage
    number: int
    """Its place among all stages of the recording."""
    recording: Recording

    def __post_init__(self) -> None:
        self._state = self.stage.start
        self._connections: set[int] = set()
        self._is_needed = not any(takes.needed for takes in self.stage.takes)
        self._held: list[_Taken] = []
        self._held_bytes = 0
        self._last: _Taken | None = None
        self._settled_rows = 0

    @property
    def has_several(self) -> bool:
        """Whether messages of several connections have to be brought into order."""
        return self._is_needed and len(self._connections) > 1

    def join(self, connection: Connection) -> None:
        """Announce a connection that the stage takes messages of."""
        self._connections.add(connection.id)
        wanted = (takes for takes in self.stage.takes if takes.wants(connection.topic, connection.msgtype))
        self._is_needed |= any(takes.needed for takes in wanted)

    def next_file(self) -> None:
        """Forget the connections, not the state."""
        self._connections.clear()

    def take(self, channel: Channel, batch: RawBatch, msgs: Columns) -> Iterator[Chunk]:
        """Take messages in; give out what is ready."""
        if not self._is_needed:
            return
        connection = channel.connection
        wanted = [t for t in self.stage.takes if t.wants(connection.topic, connection.msgtype)]
        taken = _Taken(channel, _without_payload(batch), msgs, is_first=any(t.first for t in wanted))
        if not self.has_several and not self._held:
            yield from self._in_order([taken])
            return
        self._held.append(taken)
        self._held_bytes += batch.payload_bytes
        if self._held_bytes > HELD_BYTES:
            yield from self.step()

    def step(self) -> Iterator[Chunk]:
        """Run on everything that waits: nothing that was logged before it is still to come."""
        held, self._held, self._held_bytes = self._held, [], 0
        yield from self._in_order(held)

    def settle(self, until_nanos: int, *, is_end: bool) -> Iterator[Chunk]:
        """What is due up to then without a message."""
        if self.stage.settle is None or self._last is None:
            return
        try:
            state, emits = self.stage.settle(self._state, until_nanos, is_end)
            placed = [item for emit in emits for item in self._settled(emit)]
        except FAULTS as err:
            self._blame(self._last, err)
            return
        self._state = state
        for item in placed:
            if item.static:
                chunks = list(self.recording.static_chunks(self.recording.spelled(item)))
                self._last.channel.count(chunks)
                yield from chunks
                continue
            first = (SETTLED_BLOCK << ROWS_BITS) + self._settled_rows
            self._settled_rows += len(item)
            chunk = self.recording.placed_after(item, int(self._last.batch.order.max()), first)
            self._last.channel.count([chunk])
            yield chunk

    def _settled(self, emit: Emit) -> Iterator[Placed]:
        assert self._last is not None
        channel = self._last.channel
        yield from scatter(channel.named(emit), channel.entity_path, 0, channel.recording.root_path, free=True)

    def _in_order(self, held: Sequence[_Taken]) -> Iterator[Chunk]:
        kinds = [_sorted(kind) for kind in _merged(held)]
        for kind in kinds:
            if kind.is_first:
                yield from self._run(kind)
        others = [kind for kind in kinds if not kind.is_first and len(kind.batch)]
        for kind in _interleaved(others):
            yield from self._run(kind)

    def _run(self, taken: _Taken) -> Iterator[Chunk]:
        channel, count = taken.channel, len(taken.batch)
        if not count:
            return
        self._last = taken

        def run(rows: Int64s) -> tuple[list[Placed], list[Skipped], list[Note]]:
            part = taken if len(rows) == count else taken.take(rows)
            state, emitted = self.stage.function(self._state, self._messages(part))
            placed, skipped, notes = channel.collected(emitted, rows, count)
            self._state = state
            return placed, skipped, notes

        got = salvage(count, run, FAULTS)
        skipped = [item for _, (_, items, _) in got.parts for item in items]
        if got.failed:
            skipped.append(
                Skipped(np.array(got.failed), f"{self.stage.name} failed: {type(got.error).__name__}: {got.error}")
            )
        channel.count_skipped(skipped, count)
        for note in (note for _, (_, _, notes) in got.parts for note in notes):
            channel.report.note(note)
        placed = [item for _, (items, _, _) in got.parts for item in items]
        placed = with_frames(placed, taken.msgs, channel.entity_path, at_topic=channel.adapter is None)
        first_row = (1 + min(self.number, MAX_STAGES - 1)) << ROWS_BITS
        times = channel.times(taken.batch, taken.msgs)
        chunks = list(self.recording.chunks(taken.batch, times, placed, first_row=first_row))
        channel.count(chunks)
        yield from chunks

    def _messages(self, taken: _Taken) -> Messages:
        connection, batch = taken.channel.connection, taken.batch
        return Messages(
            connection.topic,
            taken.msgs,
            batch.log_time_nanos,
            batch.publish_time_nanos,
            connection.encoding,
            self.recording.options.definitions,
        )

    def _blame(self, taken: _Taken, err: BaseException) -> None:
        """Say that a stage failed without a message being to blame."""
        reason = f"{type(err).__name__}: {err}"
        taken.channel.report.note(Note(f"{self.stage.name} failed: {reason}", is_loss=True))
        log.debug("stage %s failed", self.stage.name, exc_info=err)


def _without_payload(batch: RawBatch) -> RawBatch:
    none = np.zeros(len(batch), np.int64)
    return replace(batch, buffer=np.zeros(0, np.uint8), starts=none, sizes=none)


def _merged(held: Iterable[_Taken]) -> list[_Taken]:
    """Messages of one topic, type and definition end to end, so that they need not be given in pieces."""
    kinds: dict[tuple[object, ...], list[_Taken]] = {}
    for taken in held:
        kinds.setdefault((taken.channel.entity_path, _structure(taken.msgs)), []).append(taken)
    return [
        replace(
            parts[0],
            batch=RawBatch.joined([part.batch for part in parts]),
            msgs=concat([part.msgs for part in parts]),
        )
        for parts in kinds.values()
    ]


def _structure(column: object) -> object:
    """Equal for columns that can be put end to end."""
    if isinstance(column, Columns):
        return tuple((name, _structure(column[name])) for name in column)
    if isinstance(column, np.ndarray):
        return column.dtype.str, column.shape[1:]
    if isinstance(column, Text):
        return "text"
    return "list", _structure(getattr(column, "values", None))


def _sorted(taken: _Taken) -> _Taken:
    times, order = taken.batch.log_time_nanos, taken.batch.order
    if np.all(np.diff(times) >= 0) and np.all(np.diff(order) >= 0):
        return taken
    return taken.take(np.lexsort((order, times)))


def _interleaved(kinds: Sequence[_Taken]) -> Iterator[_Taken]:
    """Runs of one kind, in order of log time over all."""
    if len(kinds) < 2:
        yield from kinds
        return
    kind = np.concatenate([np.full(len(k.batch), i) for i, k in enumerate(kinds)])
    row = np.concatenate([np.arange(len(k.batch)) for k in kinds])
    times = np.concatenate([k.batch.log_time_nanos for k in kinds])
    order = np.lexsort((np.concatenate([k.batch.order for k in kinds]), times))
    for index in np.split(order, np.flatnonzero(np.diff(kind[order])) + 1):
        yield kinds[int(kind[index[0]])].take(row[index])
