"""What importers of tables have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from rrbridge.chunk import Chunk
from rrbridge.errors import FileError
from rrbridge.importers import ImportOptions, Summary, TopicSummary

__all__ = ["Batches", "TableImporter"]


class Batches(Protocol):
    """Reads a table."""

    def __call__(
        self, path: Path, tell: Callable[[str], None], progress: Callable[[int, int], None] | None
    ) -> Iterator[pa.RecordBatch]:
        """Batches with equal schemas; `tell` hears of losses. Raises FileError."""


class TableImporter:
    """Opens one kind of table."""

    def __init__(self, name: str, takes: Callable[[Path, bytes], bool], batches: Batches) -> None:
        self.name = name
        self._takes = takes
        self._batches = batches

    def probe(self, path: Path, head: bytes) -> bool:
        """By name and first bytes."""
        return not path.is_dir() and self._takes(path, head)

    def chunks(self, path: Path, options: ImportOptions) -> Iterator[Chunk]:
        """All its data. Raises FileError."""
        from rrbridge_bridge.tables._chunks import TableChunks, clocks_of

        made: TableChunks | None = None
        losses: dict[str, None] = {}
        for batch in self._batches(path, losses.setdefault, options.progress):
            if made is None:
                made = TableChunks(_stem(path), options, clocks_of(batch))
            yield from made.of(batch)
        if made is None:
            made = TableChunks(_stem(path), options, ())
        made.notes |= losses
        made.tell()

    def info(self, path: Path) -> Summary:
        """By reading it."""
        from rrbridge_bridge.tables._chunks import TableChunks, clocks_of

        made: TableChunks | None = None
        counts: Counter[str] = Counter()
        kinds: dict[str, str] = {}
        spans: list[int] = []
        losses: dict[str, None] = {}
        for batch in self._batches(path, losses.setdefault, None):
            if made is None:
                made = TableChunks(_stem(path), ImportOptions(), clocks_of(batch))
            for chunk in made.of(batch):
                counts[chunk.entity_path] += chunk.num_rows
                kinds[chunk.entity_path] = next(iter(chunk.components)).split(":")[0]
                stamps = [time.values for time in chunk.times.values() if time.kind.name == "TIMESTAMP"]
                spans += [int(edge) for values in stamps for edge in (values.min(), values.max())]
            spans = [min(spans), max(spans)] if spans else []
        topics = tuple(TopicSummary(entity, kinds[entity], counts[entity]) for entity in counts)
        start, end = spans or (None, None)
        return Summary(path, self.name, _size(path), start, end, topics, tuple(losses))

    def recording_id(self, path: Path) -> str:
        """Of the file's size, beginning and end."""
        from rrbridge_bridge.run_id import content_id

        return content_id(path)


def _stem(path: Path) -> str:
    return path.name.split(".")[0] or path.name


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as err:
        raise FileError(path, err.strerror or str(err)) from err
