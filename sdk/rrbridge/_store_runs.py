"""The chunks of one entity in memory: those of one layout are put together as they come.

Small chunks wait until a query comes, or until they are enough for a chunk of the size aimed at. When a query comes, what
waits is put together; the pieces that this leaves are put together eight at a time, then eight of those, and so on, so
that each row is copied a few times only, however often queries and chunks take turns.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rrbridge._chunk import Chunk
from rrbridge._compaction import MAX_BYTES, Layout, Targets, merged
from rrbridge._memory import give_back
from rrbridge._store_index import ALWAYS, NEVER, Cells, Latest, Span, tuid_order
from rrbridge._timeline import STATIC_TIME

__all__ = ["OVERHEAD_BYTES", "Group", "Run", "memory_of"]

OVERHEAD_BYTES = 10 * 1024
"""About what a chunk takes in memory beside its data: a schema of its own, and what is looked up in it."""
_MOST_WAITING = 512
"""Chunks; as small ones take more beside their data than in it."""
_MOST_BEFORE_GIVING_BACK = 8192
"""Chunks; small ones leave holes of some ten megabytes in the heap, which the system gets back in a millisecond."""


def memory_of(chunk: Chunk) -> int:
    """Size of a chunk's data in memory: an upper bound that is quick to find for small ones."""
    held = int(chunk.to_record_batch().get_total_buffer_size())
    return held if held <= MAX_BYTES else chunk.nbytes


class Run:
    """A chunk in memory, and what was looked up in it."""

    __slots__ = ("_cells", "_spans", "_statics", "_time_ranges", "age", "chunk", "is_rest", "level", "nbytes")

    def __init__(self, chunk: Chunk, nbytes: int, age: int, level: int = 0, *, is_rest: bool = False) -> None:
        self.chunk = chunk
        self.nbytes = nbytes
        self.age = age
        """The revision that its oldest rows came with."""
        self.level = level
        """How often its rows were put together with others."""
        self.is_rest = is_rest
        """Whether it is what was kept of chunks that were dropped."""
        self._cells: dict[str, Cells] = {}
        self._spans: dict[tuple[str, str], Span | None] = {}
        self._statics: dict[str, Latest | None] = {}
        self._time_ranges: dict[str, tuple[int, int]] | None = None

    @property
    def held(self) -> int:
        """What it takes in memory, all in all."""
        return self.nbytes + OVERHEAD_BYTES

    def cells(self, component: str) -> Cells:
        """One of its components."""
        found = self._cells.get(component)
        if found is None:
            found = self._cells[component] = Cells(self.chunk, component)
        return found

    def span(self, timeline: str, component: str) -> Span | None:
        """The rows that set a component, in order of a timeline; None if there are none."""
        key = (timeline, component)
        if key not in self._spans:
            known = timeline in self.chunk.times and component in self.chunk.components
            self._spans[key] = Span.of(self.cells(component), timeline) if known else None
        return self._spans[key]

    def static(self, component: str) -> Latest | None:
        """Of a static chunk, the cell with the greatest row id; None if there is none."""
        if component not in self._statics:
            cells = self.cells(component)
            valid = cells.valid()
            order = tuid_order(self.chunk.row_ids)
            if valid is not None:
                order = order[valid[order]]
            self._statics[component] = Latest(cells, int(order[-1]), None) if len(order) else None
        return self._statics[component]

    @property
    def time_ranges(self) -> dict[str, tuple[int, int]]:
        """First and last time on each timeline, the reserved time left out."""
        if self._time_ranges is None:
            self._time_ranges = {}
            for name, column in self.chunk.times.items():
                low, high = int(column.values.min()), int(column.values.max())
                if low == STATIC_TIME:
                    kept = column.values[column.values > STATIC_TIME]
                    low, high = (int(kept.min()), int(kept.max())) if len(kept) else (NEVER, ALWAYS)
                if low <= high:
                    self._time_ranges[name] = low, high
        return self._time_ranges


@dataclass(slots=True, eq=False)
class Group:
    """The chunks of an entity that have one layout."""

    layout: Layout
    targets: Targets | None
    """None: chunks stay as they come."""
    settled: list[Run] = field(default_factory=list)
    """Those that are as large as they should be."""
    unsettled: list[Run] = field(default_factory=list)
    revision: int = -1
    """The store's when its newest chunk came."""
    generation: int = 0
    """Grows when some of the settled are gone."""
    nbytes: int = 0
    """Of all of them; of those that wait, an upper bound."""
    _waiting: list[Chunk] = field(default_factory=list)
    _waiting_rows: int = 0
    _waiting_bytes: int = 0
    _waiting_since: int = 0
    _put_together_since: int = 0
    """Chunks, since free memory was given back."""

    @property
    def runs(self) -> list[Run]:
        """All its chunks, but for those that wait."""
        return self.settled + self.unsettled

    @property
    def is_waiting(self) -> bool:
        """Whether `settle` has something to do."""
        return bool(self._waiting)

    def insert(self, chunk: Chunk, rows: int, nbytes: int, age: int) -> None:
        """Take a chunk of this layout, with so many rows and bytes, at a revision of the store."""
        targets = self.targets
        self.nbytes += nbytes
        self.revision = age
        if targets is None or not targets.is_small(rows, nbytes):
            self.settled.append(Run(chunk, nbytes, age))
            return
        if (
            self._waiting_rows + rows > targets.max_rows
            or self._waiting_bytes + nbytes > targets.max_bytes
            or len(self._waiting) >= _MOST_WAITING
        ):
            self.settle()
        if not self._waiting:
            self._waiting_since = age
        self._waiting.append(chunk)
        self._waiting_rows += rows
        self._waiting_bytes += nbytes

    def settle(self) -> None:
        """Put together what waits."""
        if not self._waiting:
            return
        self._put_together_since += len(self._waiting)
        self._settle()
        if self._put_together_since >= _MOST_BEFORE_GIVING_BACK:
            self._put_together_since = 0
            give_back()

    def _settle(self) -> None:
        waiting, nbytes = self._waiting, self._waiting_bytes
        self._waiting, self._waiting_rows, self._waiting_bytes = [], 0, 0
        self._pack(waiting, nbytes, self._waiting_since, 0)
        while self._put_together():
            pass

    def _pack(self, chunks: list[Chunk], nbytes: int, age: int, level: int) -> None:
        assert self.targets is not None
        packed = merged(chunks, self.layout, self.targets)
        self.nbytes -= nbytes
        for chunk in packed:
            run = Run(chunk, memory_of(chunk) if chunk is not chunks[0] else chunk.nbytes, age, level)
            self.nbytes += run.nbytes
            is_small = len(packed) == 1 and self.targets.is_small(chunk.num_rows, run.nbytes)
            (self.unsettled if is_small else self.settled).append(run)

    def _put_together(self) -> bool:
        assert self.targets is not None
        last = self.unsettled[-self.targets.fan_out :]
        if len(last) < self.targets.fan_out or last[0].level > last[-1].level:
            return False
        del self.unsettled[-len(last) :]
        chunks: list[Chunk] = []
        rows = nbytes = 0
        for run in last:
            if rows + run.chunk.num_rows > self.targets.max_rows or nbytes + run.nbytes > self.targets.max_bytes:
                self._pack(chunks, nbytes, last[0].age, last[-1].level + 1)
                chunks, rows, nbytes = [], 0, 0
            chunks.append(run.chunk)
            rows += run.chunk.num_rows
            nbytes += run.nbytes
        self._pack(chunks, nbytes, last[0].age, last[-1].level + 1)
        return True

    @property
    def held(self) -> int:
        """What its chunks take in memory, all in all."""
        return self.nbytes + OVERHEAD_BYTES * (len(self.settled) + len(self.unsettled) + len(self._waiting))

    def replace(self, gone: set[int], fresh: list[Run]) -> None:
        """Let go of runs, given by `id`, and take others for them."""
        self.settled = fresh + [run for run in self.settled if id(run) not in gone]
        self.unsettled = [run for run in self.unsettled if id(run) not in gone]
        self.nbytes = sum(run.nbytes for run in self.runs) + self._waiting_bytes
        self.generation += 1
