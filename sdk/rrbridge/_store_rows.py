"""How the store finds rows: per entity, timeline and component, the chunks' time ranges in sorted lists.

A latest-at query is one binary search among chunks and one inside each chunk that overlaps the answer: one chunk for data
that arrived in order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from rrbridge._store_index import ALWAYS, NEVER, Indices, Span, Times, tuid_order

__all__ = ["ColdColumn", "Column", "Found", "MixedRows", "Rows"]


class Found(NamedTuple):
    """Where in a span the answers for some times are."""

    span: Span
    which: slice | Indices
    """Of the times asked for."""
    positions: Indices


class Rows(ABC):
    """All rows of an entity that set one component, on one timeline."""

    resident: list[Span] | None = None
    """All spans, if they are in memory."""

    @abstractmethod
    def find(self, time: int) -> tuple[Span | None, int, int, int]:
        """`(span, position, since, until)` of the greatest (time, row id) at or before a time.

        The answer is the same for all times in `[since, until)`; the span is None where there is no such row.
        """

    @abstractmethod
    def spans(self, low: int, high: int) -> Iterator[tuple[Span, slice]]:
        """The entries of a closed range of times, span by span, in order of the spans' first times."""

    def find_many(self, times: Times) -> list[Found]:
        """`find` for many times, which must rise. Times before the first row are in no answer."""
        if not len(times):
            return []
        _, _, first, _ = self.find(int(times[0]))
        parts = list(self.spans(first, int(times[-1])))
        if not parts:
            return []
        merged = np.concatenate([span.times[part] for span, part in parts])
        order = tuid_order(np.concatenate([span.row_ids(part) for span, part in parts]), merged)
        latest = merged[order].searchsorted(times, "right") - 1
        known = np.flatnonzero(latest >= 0)
        entries = order[latest[known]]
        ends = np.cumsum([part.stop - part.start for _, part in parts])
        which = ends.searchsorted(entries, "right")
        found = []
        for index in np.unique(which).tolist():
            span, part = parts[index]
            chosen = which == index
            begin = int(ends[index]) - (part.stop - part.start)
            found.append(Found(span, known[chosen], entries[chosen] - begin + part.start))
        return found


class Spans(Rows):
    """Rows chunk by chunk: spans in order of their first times."""

    _firsts: Sequence[int]
    _last_so_far: Sequence[int]
    """The latest time in a span and all before it."""

    @abstractmethod
    def _span(self, index: int) -> Span | None:
        """One of them; None if it turns out to have no rows."""

    @abstractmethod
    def _in_order(self) -> tuple[Times, bool]:
        """The spans' first times, and whether each span ends before the next begins."""

    def find(self, time: int) -> tuple[Span | None, int, int, int]:
        after = bisect_right(self._firsts, time)
        until = self._firsts[after] if after < len(self._firsts) else NEVER
        best: Span | None = None
        best_position, best_time = -1, ALWAYS
        for index in range(after - 1, -1, -1):
            if best is not None and self._last_so_far[index] < best_time:
                break
            span = self._span(index)
            if span is None:
                continue
            position = span.position(time)
            if position + 1 < len(span.times):
                until = min(until, span.time_at(position + 1))
            if position < 0:
                continue
            found = span.time_at(position)
            if (
                best is None
                or found > best_time
                or (found == best_time and span.row_id_at(position) > best.row_id_at(best_position))
            ):
                best, best_position, best_time = span, position, found
        return best, best_position, best_time, until

    def find_many(self, times: Times) -> list[Found]:
        firsts, in_order = self._in_order()
        if not in_order:
            return super().find_many(times)
        bounds = np.append(times.searchsorted(firsts), len(times))
        found = []
        for index in np.flatnonzero(bounds[1:] > bounds[:-1]).tolist():
            span, part = self._span(index), slice(int(bounds[index]), int(bounds[index + 1]))
            positions = None if span is None else span.times.searchsorted(times[part], "right") - 1
            if span is None or positions is None or positions[0] < 0:
                return super().find_many(times)  # what was said of the span is not so
            found.append(Found(span, part, positions))
        return found

    def spans(self, low: int, high: int) -> Iterator[tuple[Span, slice]]:
        start = bisect_left(self._last_so_far, low)
        for index in range(start, bisect_right(self._firsts, high)):
            span = self._span(index)
            if span is None:
                continue
            if span.first >= low and span.last <= high:
                yield span, slice(0, len(span.times))
            elif span.last >= low:
                part = span.between(low, high)
                if part.start < part.stop:
                    yield span, part


class Column(Spans):
    """Rows in memory."""

    def __init__(self) -> None:
        self.resident: list[Span] = []
        self._firsts: list[int] = []
        self._last_so_far: list[int] = []
        self._unsettled: set[int] = set()
        self._unsettled_from = 0
        self._arrays: tuple[Times, bool] | None = None

    def update(self, settled: Iterable[Span], unsettled: Iterable[Span] = ()) -> None:
        """Take spans that stay, and spans that only stay until the next update."""
        self._arrays = None
        start = self._unsettled_from
        passing = list(unsettled)
        fresh = [*settled, *passing]
        rest = [span for span in self.resident[start:] if id(span) not in self._unsettled]
        if fresh:
            start = min(start, bisect_right(self._firsts, min(span.first for span in fresh)))
            rest = self.resident[start : self._unsettled_from] + rest
        del self.resident[start:], self._firsts[start:], self._last_so_far[start:]
        rest = sorted(rest + fresh, key=_first_of)
        highest = self._last_so_far[-1] if self._last_so_far else ALWAYS
        self._last_so_far += list(accumulate((span.last for span in rest), max, initial=highest))[1:]
        self._firsts += [span.first for span in rest]
        self.resident += rest
        self._unsettled = {id(span) for span in passing}
        first = min((span.first for span in passing), default=None)
        self._unsettled_from = len(self.resident) if first is None else bisect_left(self._firsts, first)

    def __bool__(self) -> bool:
        return bool(self.resident)

    def _span(self, index: int) -> Span:
        return self.resident[index]

    def _in_order(self) -> tuple[Times, bool]:
        if self._arrays is None:
            firsts = np.array(self._firsts, np.int64)
            self._arrays = firsts, bool(np.all(np.array(self._last_so_far[:-1], np.int64) < firsts[1:]))
        return self._arrays


class ColdColumn(Spans):
    """Rows in a file: it is known which times each chunk has, and the chunks are read when they are needed."""

    def __init__(
        self, firsts: Times, lasts: Times, chunks: Indices, load: Callable[[int], Span | None], *, is_exact: bool
    ) -> None:
        """First and last times of chunks, in order of the first, and what gives the span of a chunk.

        Unless they are exact, a chunk's times may also lie within these bounds, or be none.
        """
        last_so_far = np.maximum.accumulate(lasts)
        self._firsts = np.ascontiguousarray(firsts).data
        self._last_so_far = last_so_far.data
        self._chunks = chunks
        self._load = load
        self._arrays = firsts, is_exact and bool(np.all(last_so_far[:-1] < firsts[1:]))

    def _span(self, index: int) -> Span | None:
        return self._load(int(self._chunks[index]))

    def _in_order(self) -> tuple[Times, bool]:
        return self._arrays


class MixedRows(Rows):
    """Rows of which some are in a file and some came since."""

    def __init__(self, *parts: Rows) -> None:
        self._parts = parts

    def find(self, time: int) -> tuple[Span | None, int, int, int]:
        best: tuple[Span | None, int, int] = None, -1, ALWAYS
        until = NEVER
        for part in self._parts:
            span, position, since, part_until = part.find(time)
            until = min(until, part_until)
            if span is not None and (best[0] is None or _is_later(span, position, best[0], best[1])):
                best = span, position, since
        return *best, until

    def spans(self, low: int, high: int) -> Iterator[tuple[Span, slice]]:
        for part in self._parts:
            yield from part.spans(low, high)


def _is_later(span: Span, position: int, other: Span, other_position: int) -> bool:
    times = span.time_at(position), other.time_at(other_position)
    return times[0] > times[1] or (times[0] == times[1] and span.row_id_at(position) > other.row_id_at(other_position))


def _first_of(span: Span) -> int:
    return span.first
