"""The steps of a lazy stream, and how they run: chunk by chunk, on demand.

A step hands out None where it did work without anything for its taker yet: a chunk went to the other branch of a split.
That is what lets `merge` take turns, and keeps memory flat however the chunks of two branches are distributed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias, runtime_checkable

from rrbridge._chunk import Chunk
from rrbridge._chunk_filter import ChunkFilter
from rrbridge.errors import ConsumedStreamError, InvalidChunkError

__all__ = ["Branch", "Each", "Filtered", "Joined", "Node", "OnceOnly", "Run", "Source", "Split", "execute", "filtered"]

Ticks: TypeAlias = Iterator[Chunk | None]


@dataclass(slots=True, eq=False)
class Run:
    """One execution of a pipeline."""

    splits: dict[int, _SplitRun] = field(default_factory=dict)


class Node(Protocol):
    """One step."""

    def open(self, run: Run) -> Ticks:
        """The chunks of this step in a run; everything before it has been opened when this returns."""

    def __str__(self) -> str: ...


@runtime_checkable
class Narrows(Protocol):
    """A source that knows what its chunks are before it reads them."""

    def narrowed(self, criteria: ChunkFilter) -> Node:
        """The same source without chunks of which a filter takes no part."""


def execute(node: Node) -> Iterator[Chunk]:
    """The chunks that a pipeline makes, from the beginning."""
    return (chunk for chunk in node.open(Run()) if chunk is not None)


@dataclass(frozen=True, eq=False)
class Source:
    """Where chunks come from."""

    label: str
    chunks: Callable[[], Iterable[Chunk]]

    def open(self, run: Run) -> Ticks:  # noqa: ARG002 - the beginning of every run
        return (_checked(chunk) for chunk in self.chunks())

    def __str__(self) -> str:
        return self.label


class OnceOnly:
    """An iterator as a source of one run. Raises ConsumedStreamError at the next."""

    def __init__(self, chunks: Iterator[Chunk]) -> None:
        self._chunks: Iterator[Chunk] | None = chunks

    def __call__(self) -> Iterator[Chunk]:
        if self._chunks is None:
            raise ConsumedStreamError(
                "the iterator that this stream was made from is used up; make it from a list, or collect() it"
            )
        chunks, self._chunks = self._chunks, None
        return chunks


@dataclass(frozen=True, eq=False)
class Each:
    """What a function makes of each chunk."""

    label: str
    before: Node
    apply: Callable[[Chunk], Iterable[Chunk]]

    def open(self, run: Run) -> Ticks:
        return self._chunks(self.before.open(run))

    def _chunks(self, before: Ticks) -> Ticks:
        for chunk in before:
            if chunk is None:
                yield None
            else:
                yield from map(_checked, self.apply(chunk))

    def __str__(self) -> str:
        return f"{self.before}.{self.label}"


@dataclass(frozen=True, eq=False)
class Filtered:
    """The part of each chunk that a filter means, or the other part."""

    before: Node
    criteria: ChunkFilter
    is_meant: bool

    def open(self, run: Run) -> Ticks:
        return self._chunks(self.before.open(run))

    def _chunks(self, before: Ticks) -> Ticks:
        part = self.criteria.kept if self.is_meant else self.criteria.rest
        for chunk in before:
            kept = None if chunk is None else part(chunk)
            if kept is not None or chunk is None:
                yield kept

    def __str__(self) -> str:
        return f"{self.before}.{'filter' if self.is_meant else 'drop'}(…)"


def filtered(node: Node, criteria: ChunkFilter) -> Node:
    """The part of each chunk of a step that a filter means. A source that knows its chunks leaves the others unread."""
    return Filtered(_narrowed(node, criteria), criteria, True)


def _narrowed(node: Node, criteria: ChunkFilter) -> Node:
    if isinstance(node, Narrows):
        return node.narrowed(criteria)
    return replace(node, before=_narrowed(node.before, criteria)) if isinstance(node, Filtered) else node


@dataclass(frozen=True, eq=False)
class Split:
    """A step that two branches have in common."""

    before: Node
    criteria: ChunkFilter


class _SplitRun:
    """A split in a run: its steps run once for both branches, or for the one that is taken."""

    def __init__(self, split: Split) -> None:
        self.split = split
        self.waiting: dict[bool, deque[Chunk]] = {}
        self.before: Ticks | None = None

    def advance(self) -> bool:
        """Take one chunk from before and hand out its parts; False at the end."""
        assert self.before is not None
        for chunk in self.before:
            if chunk is not None:
                for is_meant, queue in self.waiting.items():
                    criteria = self.split.criteria
                    part = criteria.kept(chunk) if is_meant else criteria.rest(chunk)
                    if part is not None:
                        queue.append(part)
            return True
        return False


@dataclass(frozen=True, eq=False)
class Branch:
    """One of the two branches of a split."""

    split: Split
    is_meant: bool

    def open(self, run: Run) -> Ticks:
        shared = run.splits.get(id(self.split))
        if shared is None:
            shared = run.splits[id(self.split)] = _SplitRun(self.split)
            shared.before = self.split.before.open(run)
        shared.waiting[self.is_meant] = deque()
        return self._chunks(shared)

    def _chunks(self, shared: _SplitRun) -> Ticks:
        queue = shared.waiting[self.is_meant]
        while queue or shared.advance():
            yield queue.popleft() if queue else None

    def __str__(self) -> str:
        return f"{self.split.before}.split(…)[{0 if self.is_meant else 1}]"


@dataclass(frozen=True, eq=False)
class Joined:
    """Several streams, which take turns; the order within each stays."""

    streams: tuple[Node, ...]

    def open(self, run: Run) -> Ticks:
        return self._chunks([stream.open(run) for stream in self.streams])

    def _chunks(self, streams: list[Ticks]) -> Ticks:
        turn = deque(streams)
        while turn:
            stream = turn.popleft()
            for chunk in stream:
                yield chunk
                turn.append(stream)
                break

    def __str__(self) -> str:
        return f"merge({', '.join(map(str, self.streams))})"


def _checked(chunk: Chunk) -> Chunk:
    if not isinstance(chunk, Chunk):
        raise InvalidChunkError(f"not a chunk but {type(chunk).__name__}")
    return chunk
