"""Which part of a chunk is meant: by entity, timeline, staticness and components."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from rrbridge._chunk import Chunk
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._query_contents import Contents
from rrbridge.errors import InvalidValueError

__all__ = ["ChunkFilter", "ComponentsLike", "ContentLike", "HasExpressions", "expressions"]


@runtime_checkable
class HasExpressions(Protocol):
    """Rules about entities as an object, such as the reference's `ContentFilter`."""

    def to_exprs(self) -> list[str]:
        """The rules as text."""


ContentLike = HasExpressions | str | Iterable[str]
ComponentsLike = ComponentDescriptor | str | Iterable[ComponentDescriptor | str]


def expressions(content: ContentLike) -> str | Iterable[str]:
    """Rules about entities as text."""
    return content.to_exprs() if isinstance(content, HasExpressions) else content


@dataclass(frozen=True, slots=True)
class ChunkFilter:
    """Criteria of which all must hold; None: any."""

    contents: Contents | None = None
    has_timeline: str | None = None
    is_static: bool | None = None
    components: frozenset[str] | None = None
    """Only these columns are meant, and only chunks that have one of them."""

    @classmethod
    def of(
        cls,
        content: ContentLike | None,
        has_timeline: str | None,
        is_static: bool | None,
        components: ComponentsLike | None,
    ) -> ChunkFilter:
        """From what callers give. Raises InvalidValueError."""
        contents = None if content is None else Contents.parse(expressions(content))
        return cls(contents, has_timeline, is_static, None if components is None else _names(components))

    def takes(self, entity_path: str, *, is_static: bool, timelines: Iterable[str], components: Iterable[str]) -> bool:
        """Whether any part of a chunk is meant, from what is known about it."""
        if self.contents is not None and not self.contents.includes(entity_path):
            return False
        if self.is_static is not None and is_static is not self.is_static:
            return False
        if self.has_timeline is not None and self.has_timeline not in timelines:
            return False
        return self.components is None or not self.components.isdisjoint(components)

    def takes_chunk(self, chunk: Chunk) -> bool:
        """Whether any part of it is meant."""
        return self.takes(
            chunk.entity_path, is_static=chunk.is_static, timelines=chunk.times, components=chunk.components
        )

    def kept(self, chunk: Chunk) -> Chunk | None:
        """The part that is meant; the chunk itself where no components are named."""
        if not self.takes_chunk(chunk):
            return None
        return chunk if self.components is None else _with_columns(chunk, self.components & chunk.components.keys())

    def rest(self, chunk: Chunk) -> Chunk | None:
        """The part that is not meant; the chunk itself where nothing of it is."""
        if not self.takes_chunk(chunk):
            return chunk
        remaining = chunk.components.keys() - (chunk.components.keys() if self.components is None else self.components)
        return _with_columns(chunk, frozenset(remaining)) if remaining else None


def _names(components: ComponentsLike) -> frozenset[str]:
    given: Iterable[Any] = (components,) if isinstance(components, str | ComponentDescriptor) else components
    try:
        names = [getattr(component, "component", component) for component in given]
    except TypeError:
        names = [None]
    if not all(isinstance(name, str) for name in names):
        raise InvalidValueError("components", "names such as Points3D:positions, or descriptors", repr(components)[:80])
    return frozenset(names)


def _with_columns(chunk: Chunk, names: frozenset[str]) -> Chunk:
    columns = [column for name, column in chunk.components.items() if name in names]
    return Chunk.from_columns(chunk.entity_path, times=chunk.times.values(), components=columns, row_ids=chunk.row_ids)
