"""Messages of several files as one stream by time, with bounded memory.

Files are read in their own order, which nearly is the order of time: recorders write what they receive, and some write several
topics side by side. So blocks are read from whichever file is furthest behind, and some MiB of messages are held back and sorted
before they leave. A message that stands further from its place than that leaves at once, and is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from rrbridge_bridge.raw import Bytes, Int64s, gather_spans
from rrbridge_bridge.readers._blocks import Rows

__all__ = ["Feed", "Run", "Stream", "compact", "in_order", "run_of"]

LEAVING_BYTES = 4 << 20
"""About so much leaves at a time."""
ROW_BYTES = 64
"""What a message takes beside its payload."""
DENSE = 1.25
"""Messages that fill a piece of a buffer, but for headers and the like, are not copied out of it."""
SPARSE = 4
"""A buffer that is so many times larger than what is needed of it is replaced by a smaller one."""


@dataclass(frozen=True, eq=False, slots=True)
class Run:
    """N messages in the order in which they are due, over one buffer; arrays of shape (N,)."""

    buffer: Bytes
    connection_ids: Int64s
    starts: Int64s
    sizes: Int64s
    log_time_nanos: Int64s
    publish_time_nanos: Int64s
    due_nanos: Int64s
    """By which of the two they are ordered."""

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def nbytes(self) -> int:
        """What it takes of memory, about."""
        return len(self.buffer) + ROW_BYTES * len(self)


@dataclass(eq=False, slots=True)
class Feed:
    """One file."""

    blocks: Iterator[Rows]
    """In file order, already with the stream's connection numbers."""
    reached_nanos: int
    """The latest time so far; before the first block, when it begins."""
    is_finished: bool = False

    def next(self, key: Callable[[Rows], Int64s]) -> Rows | None:
        """The next block that is not empty; None at the end."""
        for rows in self.blocks:
            if len(rows):
                self.reached_nanos = max(self.reached_nanos, int(key(rows).max()))
                return rows
        self.is_finished = True
        return None


def _log_times(rows: Rows) -> Int64s:
    return rows.log_time_nanos


def _publish_times(rows: Rows) -> Int64s:
    return rows.publish_time_nanos


@dataclass(eq=False)
class Stream:
    """Reads feeds to their end."""

    feeds: Sequence[Feed]
    held_bytes: int
    """So many are held back to be sorted."""
    by_publish_time: bool = False
    misplaced: int = 0
    """Messages that stood too far from their place to be brought there."""
    _held: list[Rows] = field(default_factory=list)

    def runs(self) -> Generator[Run]:
        """All messages. Raises FileError."""
        key = _publish_times if self.by_publish_time else _log_times
        sent_until: int | None = None
        held = 0
        while waiting := [feed for feed in self.feeds if not feed.is_finished]:
            feed = min(waiting, key=lambda feed: feed.reached_nanos)
            rows = feed.next(key)
            if rows is None:
                continue
            self._held.append(rows)
            held += _weight(rows)
            rows = None
            while held > self.held_bytes + LEAVING_BYTES:
                going = [feed.reached_nanos for feed in self.feeds if not feed.is_finished]
                run = self._leaving(key, min(going, default=None), self.held_bytes)
                if run is None:
                    break
                held = sum(map(_weight, self._held))
                sent_until = self._note_misplaced(run, sent_until)
                yield run
        while (run := self._leaving(key, None, 0)) is not None:
            sent_until = self._note_misplaced(run, sent_until)
            yield run

    def _note_misplaced(self, run: Run, sent_until: int | None) -> int:
        if sent_until is not None:
            self.misplaced += int(np.searchsorted(run.due_nanos, sent_until))
        return max(int(run.due_nanos[-1]), sent_until or 0)

    def _leaving(self, key: Callable[[Rows], Int64s], until_nanos: int | None, keep_bytes: int) -> Run | None:
        """The earliest of what is held, up to a time, so that about `keep_bytes` stay; None if nothing may leave."""
        if not self._held:
            return None
        due = np.concatenate([key(rows) for rows in self._held])
        weights = np.concatenate([rows.sizes for rows in self._held]) + ROW_BYTES
        which = np.repeat(np.arange(len(self._held)), [len(rows) for rows in self._held])
        order = np.argsort(due, kind="stable")
        so_far = np.cumsum(weights[order])
        most = min(LEAVING_BYTES, int(so_far[-1]) - keep_bytes)
        count = max(1, int(np.searchsorted(so_far, most, side="right")))
        if until_nanos is not None:
            count = min(count, int(np.searchsorted(due[order], until_nanos, side="right")))
        if not count:
            return None
        leaves = np.zeros(len(due), np.bool_)
        leaves[order[:count]] = True
        gone, kept = [], []
        for number, rows in enumerate(self._held):
            mask = leaves[which == number]
            if mask.any():
                gone.append(rows.take(mask))
            if not mask.all():
                kept.append(compact(rows.take(~mask)) if mask.any() else rows)
        self._held = kept
        return run_of(gone, key)


def _weight(rows: Rows) -> int:
    return int(rows.sizes.sum()) + ROW_BYTES * len(rows)


def in_order(parts: Sequence[Rows], key: Callable[[Rows], Int64s] = _log_times) -> Rows:
    """Rows of several buffers, at least one, as one by time."""
    if len(parts) == 1:
        rows = _cut_out(parts[0])
        return rows.take(np.argsort(key(rows), kind="stable"))
    buffers = [gather_spans(rows.buffer, rows.starts, rows.sizes) for rows in parts]
    sizes = np.concatenate([rows.sizes for rows in parts])
    joined = Rows(
        np.concatenate(buffers),
        np.concatenate([rows.connection_ids for rows in parts]),
        np.cumsum(sizes) - sizes,
        sizes,
        np.concatenate([rows.log_time_nanos for rows in parts]),
        np.concatenate([rows.publish_time_nanos for rows in parts]),
        np.concatenate([rows.sequence for rows in parts]),
        np.concatenate([rows.order for rows in parts]),
    )
    return joined.take(np.argsort(key(joined), kind="stable"))


def _cut_out(rows: Rows) -> Rows:
    """The same over the piece of the buffer that they lie in, or, where others lie between them, over a copy."""
    first, end = int(rows.starts.min()), int((rows.starts + rows.sizes).max())
    if end - first <= DENSE * int(rows.sizes.sum()):
        return replace(rows, buffer=rows.buffer[first:end], starts=rows.starts - first)
    return _copied(rows)


def _copied(rows: Rows) -> Rows:
    buffer = gather_spans(rows.buffer, rows.starts, rows.sizes)
    return replace(rows, buffer=buffer, starts=np.cumsum(rows.sizes) - rows.sizes)


def run_of(parts: Sequence[Rows], key: Callable[[Rows], Int64s] = _log_times) -> Run:
    """The same as a run."""
    rows = in_order(parts, key)
    return Run(
        rows.buffer,
        rows.connection_ids,
        rows.starts,
        rows.sizes,
        rows.log_time_nanos,
        rows.publish_time_nanos,
        key(rows),
    )


def compact(rows: Rows) -> Rows:
    """The same in a smaller buffer, where much of it is no longer needed."""
    return rows if len(rows.buffer) <= SPARSE * int(rows.sizes.sum()) else _copied(rows)
