"""The same recordings in fewer, larger chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from rrbridge._chunk import Chunk
from rrbridge._compaction import MAX_BYTES, MAX_ROWS, MAX_ROWS_IF_UNSORTED, Targets, compact
from rrbridge._messages import StoredChunk, StoreId, StoreKind
from rrbridge._optimization import OptimizationProfile
from rrbridge.rrd._codec import Entry
from rrbridge.rrd._writer import RrdWriter
from rrbridge.rrd.tools.merge import Merged, Repeats, merged_messages

__all__ = ["Optimized", "optimize"]

READ_BYTES = 32 << 20
DENSE_BYTES = 128 << 20
"""How much of small chunks may wait for others: as they were read, and put together once."""
CHUNK_BYTES = 8192
"""What a chunk takes beside its data."""


@dataclass(slots=True)
class Optimized:
    """What it made."""

    merged: Merged = field(default_factory=Merged)
    chunks_out: int = 0


def optimize(
    passes: Callable[[], Iterable[Entry]],
    writer: RrdWriter,
    profile: OptimizationProfile,
    *,
    again: bool,
    repeats: Callable[[], Repeats] = Repeats,
) -> Optimized:
    """Put small chunks together, one recording after the other; layouts stay as they are.

    `passes` reads everything, anew each time it is called if it may be called `again`: once for each recording. If not, as
    with a pipe, chunks of recordings after the first are copied. Memory is bounded by `READ_BYTES` and `DENSE_BYTES`,
    however large the file. Raises FileError.
    """
    found, others = Optimized(), _Others(writer, again=again)
    done: list[StoreId] = []
    while True:
        counts = found.merged if not done else Merged()
        messages = merged_messages(passes(), counts, repeats())
        store = _One(messages, others if not done else None, done)
        for chunk in _put_together(store, profile):
            assert store.store_id is not None
            if store.last is not None and store.last.message.chunk is chunk:
                writer.copy(store.last.entry)
            else:
                writer.write(StoredChunk(store.store_id, chunk))
            found.chunks_out += 1
        found.chunks_out += others.taken_chunks()
        if store.store_id is None:
            return found
        done.append(store.store_id)
        if not others.waiting - set(done):
            return found


class _Others:
    """What is not put together: announcements, layouts, and what waits for a pass of its own."""

    def __init__(self, writer: RrdWriter, *, again: bool) -> None:
        self.writer = writer
        self.waiting: set[StoreId] = set()
        self._again = again
        self._chunks = 0

    def take(self, one: Entry | StoredChunk) -> None:
        message = one.message if isinstance(one, Entry) else one
        if isinstance(message, StoredChunk) and message.store_id.kind is StoreKind.RECORDING and self._again:
            self.waiting.add(message.store_id)
            return
        self._chunks += isinstance(message, StoredChunk)
        if isinstance(one, Entry):
            self.writer.copy(one)
        else:
            self.writer.write(one)

    def taken_chunks(self) -> int:
        taken, self._chunks = self._chunks, 0
        return taken


def _put_together(store: _One, profile: OptimizationProfile) -> Iterator[Chunk]:
    """Its chunks by the profile, in two steps, so that memory is kept whatever the chunks are.

    A small chunk as it was read holds on to all the bytes it was read from, many times its own; so few of them wait at a
    time. What becomes of those is dense, and more may wait.
    """
    targets = Targets(
        MAX_BYTES if profile.max_bytes is None else profile.max_bytes,
        MAX_ROWS if profile.max_rows is None else profile.max_rows,
        MAX_ROWS_IF_UNSORTED if profile.max_rows_if_unsorted is None else profile.max_rows_if_unsorted,
    )

    def read_cost(chunk: Chunk) -> int:
        packed = None if store.last is None else store.last.entry.packed
        return dense_cost(chunk) + (0 if packed is None or not is_small(chunk) else packed.uncompressed_size)

    def dense_cost(chunk: Chunk) -> int:
        return CHUNK_BYTES + chunk.nbytes if is_small(chunk) else 0

    def is_small(chunk: Chunk) -> bool:
        return targets.is_small(chunk.num_rows, chunk.nbytes)

    def compacted(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        return compact(
            chunks,
            max_bytes=targets.max_bytes,
            max_rows=targets.max_rows,
            max_rows_if_unsorted=targets.max_rows_if_unsorted,
        )

    dense = _in_stretches(store.chunks(), compacted, read_cost, READ_BYTES)
    return _in_stretches(dense, profile.applied, dense_cost, DENSE_BYTES)


def _in_stretches(
    chunks: Iterator[Chunk],
    put_together: Callable[[Iterable[Chunk]], Iterator[Chunk]],
    cost: Callable[[Chunk], int],
    limit: int,
) -> Iterator[Chunk]:
    """Stretches of chunks that cost so much to hold, each put together for itself."""
    is_done = False

    def stretch() -> Iterator[Chunk]:
        nonlocal is_done
        held = 0
        for chunk in chunks:
            held += cost(chunk)
            yield chunk
            if held > limit:
                return
        is_done = True

    while not is_done:
        yield from put_together(stretch())


class _Read(NamedTuple):
    """A chunk as it was read."""

    entry: Entry
    message: StoredChunk


class _One:
    """The chunks of one recording: of the first that is not done yet."""

    def __init__(self, messages: Iterator[Entry | StoredChunk], others: _Others | None, done: list[StoreId]) -> None:
        self.store_id: StoreId | None = None
        self.last: _Read | None = None
        """The one that was handed out last."""
        self._messages = messages
        self._others = others
        self._done = done

    def chunks(self) -> Iterator[Chunk]:
        for one in self._messages:
            message = one.message if isinstance(one, Entry) else one
            if self.store_id is None and isinstance(message, StoredChunk) and self._may_begin(message):
                self.store_id = message.store_id
            if isinstance(message, StoredChunk) and message.store_id == self.store_id:
                self.last = _Read(one, message) if isinstance(one, Entry) else None
                yield message.chunk
            elif self._others is not None:
                self._others.take(one)
        self.last = None

    def _may_begin(self, message: StoredChunk) -> bool:
        return message.store_id.kind is StoreKind.RECORDING and message.store_id not in self._done
