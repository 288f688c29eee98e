"""What a conversion reads: the files and folders that were named, and what is in the folders."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rrbridge import _folders, importers
from rrbridge.errors import FileError, InvalidValueError, NotARecordingError
from rrbridge.importers import Importer, Note
from rrbridge_bridge.times import TimePoint, as_nanos, parse_time

__all__ = ["Found", "Input", "Source", "absolute_times", "find_sources", "is_part", "size_of"]


NAMED_FILES = 3


@dataclass(frozen=True, slots=True)
class Input:
    """A file or folder as it was named."""

    path: Path
    prefix: str = ""
    """Of its entities and frames."""
    offset_nanos: int = 0
    """Added to its times, as its clock was wrong by that."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file, or a folder that an importer takes as one."""

    path: Path
    importer: Importer
    prefix: str = ""
    offset_nanos: int = 0
    below: tuple[str, ...] = ()
    """The folders between the input and this."""

    @property
    def input(self) -> Input:
        """Itself, named alone."""
        return Input(self.path, self.prefix, self.offset_nanos)


@dataclass(frozen=True, slots=True)
class Found:
    """What inputs come to."""

    sources: tuple[Source, ...]
    failed: tuple[FileError, ...]
    """What is called a recording, but cannot be opened."""
    strangers: tuple[Path, ...]
    """Files in folders that nobody opens."""

    def notes(self) -> list[Note]:
        """What of this is left out."""
        notes = [Note(str(err), is_loss=True) for err in self.failed]
        if self.strangers:
            names = ", ".join(path.name for path in self.strangers[:NAMED_FILES])
            more = len(self.strangers) - NAMED_FILES
            notes.append(Note(f"left alone: {names}{f' and {more} more files' if more > 0 else ''}"))
        return notes


def find_sources(inputs: Sequence[Input], *, recordings_only: bool = False) -> Found:
    """In order. `recordings_only`: without pictures, meshes and the like in folders, unless there is nothing else.

    What cannot be opened is in `failed` if there is anything else. Raises FileError if not, or for an input that is missing, or
    that is there twice.
    """
    sources: list[Source] = []
    failed: list[FileError] = []
    strangers: list[Path] = []
    for given in inputs:
        try:
            inside = _folders.contents(given.path)
        except NotARecordingError as err:
            failed.append(err)
            continue
        members = inside.recordings() if recordings_only else inside.members
        sources += [Source(m.path, m.importer, given.prefix, given.offset_nanos, m.below) for m in members]
        failed += inside.failed
        strangers += inside.strangers
    if not sources:
        raise failed[0]
    _check_once(sources)
    return Found(tuple(sources), tuple(failed), tuple(strangers))


def _check_once(sources: Sequence[Source]) -> None:
    """Raises FileError if all messages of a file would be there twice, as with `convert runs runs/a.bag`."""
    seen = set()
    for source in sources:
        key = (os.path.realpath(source.path), source.prefix, source.offset_nanos)
        if key in seen:
            raise FileError(source.path, "is there twice; name it once, or with another --prefix or --offset")
        seen.add(key)


def is_part(source: Source) -> bool:
    """Whether it belongs into a recording rather than being one."""
    return _folders.is_part(source.importer)


def absolute_times(
    sources: Sequence[Source | Path], start: str | None, end: str | None
) -> tuple[int | None, int | None]:
    """`--start` and `--end` as nanoseconds since the epoch. Raises InvalidValueError or FileError.

    InvalidValueError also if the end is before the start.
    """
    points = [None if text is None else parse_time(text) for text in (start, end)]
    span = _span(sources) if any(point and point.is_relative for point in points) else (0, 0)

    def absolute(point: TimePoint | None) -> int | None:
        return None if point is None else as_nanos(point.absolute(*span))

    first, last = absolute(points[0]), absolute(points[1])
    if first is not None and last is not None and last < first:
        raise InvalidValueError("--end", f"a time after --start ({start})", str(end))
    return first, last


def _span(sources: Sequence[Source | Path]) -> tuple[int, int]:
    """From the first to the last message of all; a file that cannot be opened will be told of when it is read."""
    found = []
    for source in sources:
        path, offset = (source, 0) if isinstance(source, Path) else (source.path, source.offset_nanos)
        try:
            summary = importers.info(path)
        except FileError:
            if len(sources) == 1:
                raise
            continue
        found += [time + offset for time in (summary.start_nanos, summary.end_nanos) if time is not None]
    return min(found, default=0), max(found, default=0)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; 0 for what is not there."""
    try:
        if path.is_dir():
            return sum(p.stat().st_size for p in path.iterdir() if p.is_file())
        return path.stat().st_size
    except OSError:
        return 0
