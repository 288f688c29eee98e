"""Recordings that a conversion reads: parts of one run, and those that hold messages' bytes alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rrbridge._messages import LogMessage, StoredChunk, StoreId
from rrbridge.chunk import Chunk
from rrbridge.errors import FileError
from rrbridge.importers import ImportOptions
from rrbridge.rrd import RrdReader
from rrbridge.rrd._importer import RrdImporter
from rrbridge.rrd._message_bytes import holds_undecoded, is_of_messages
from rrbridge.rrd.tools.latched import REPEATED
from rrbridge.rrd.tools.merge import Repeats
from rrbridge_bridge.inputs import Source

__all__ = ["BesideMessages", "RrdParts", "is_undecoded"]


def is_undecoded(source: Source) -> bool:
    """Whether it holds messages' bytes alone."""
    if not isinstance(source.importer, RrdImporter):
        return False
    try:
        with RrdReader(source.path, on_damage=lambda _: None) as reader:
            return holds_undecoded(reader)
    except FileError:
        return False  # what is wrong is told when it is read


class BesideMessages(RrdImporter):
    """Takes of a recording what is neither a message nor describes where messages came from."""

    def messages(self, path: Path, options: ImportOptions) -> Iterator[LogMessage]:
        """Everything else, in order. Raises FileError."""
        return (message for message in self.chosen(path, options) if not is_of_messages(message))


class RrdParts:
    """Recordings that may be parts of one run, each of which says again what holds from before."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._repeats = Repeats.in_files(_readable(paths), keeps_rows=False)
        self._known: set[tuple[StoreId, bytes]] = set()

    def fresh(self, stored: StoredChunk) -> Chunk | None:
        """What an earlier part does not have."""
        key = (stored.store_id, stored.chunk.tuid)
        if key in self._known:
            return None
        self._known.add(key)
        if REPEATED in stored.chunk.components:
            return self._repeats.unseen(stored.store_id, stored.chunk)
        self._repeats.see(stored.store_id, stored.chunk)
        return stored.chunk


def _readable(paths: Sequence[Path]) -> Iterator[RrdReader]:
    """Those whose index can be read; what is wrong with others is told when they are."""
    for path in paths:
        try:
            reader = RrdReader(path)
            reader.footer()
        except FileError:
            continue
        yield reader
