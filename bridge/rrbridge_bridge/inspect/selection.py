"""What several files and the names typed on the command line come to: which messages to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rrbridge.importers import Note
from rrbridge_bridge.inspect.names import Asked, files_and_topics, resolve
from rrbridge_bridge.inspect.source import Source, source_of
from rrbridge_bridge.readers import ReadOptions

__all__ = ["Selection", "select"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Sources, the topics of them that are wanted, and within which times."""

    sources: Sequence[Source]
    asked: Sequence[Asked]
    """Empty: every topic."""
    start_nanos: int | None
    end_nanos: int | None

    def options(self) -> ReadOptions:
        """How to read the sources."""
        wanted = {one.topic for one in self.asked}
        return ReadOptions(
            wants=lambda topic: not wanted or topic in wanted, start_nanos=self.start_nanos, end_nanos=self.end_nanos
        )

    def losses(self) -> list[str]:
        """What could not be read, once reading has come to its end."""
        notes: dict[Note, None] = {note: None for source in self.sources for note in source.notes}
        return [note.text for note in notes if note.is_loss]


def select(
    arguments: Sequence[str],
    *,
    start: str | None = None,
    end: str | None = None,
    definitions: Sequence[Path] = (),
) -> Selection:
    """Files first, then topics. Raises FileError, InvalidValueError."""
    from rrbridge._folders import recordings_in

    given, names = files_and_topics(arguments)
    files = recordings_in(*given)
    sources = [source_of(path, definitions) for path in files]
    known = {topic for source in sources for topic in source.topics()} if names else set()
    asked = [resolve(name, known) for name in names]
    if start is None and end is None:
        return Selection(sources, asked, None, None)
    from rrbridge_bridge.convert import absolute_times  # which brings what converts, and that takes time

    return Selection(sources, asked, *absolute_times(files, start, end))
