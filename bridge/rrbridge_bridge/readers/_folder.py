"""A rosbag2 folder: its parts, in order, read as one recording."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from rrbridge.errors import FileError
from rrbridge.importers import Note, Summary, TopicSummary
from rrbridge_bridge.closing import Closing
from rrbridge_bridge.raw import Connection, Int64s, RawBatch
from rrbridge_bridge.readers import _open
from rrbridge_bridge.readers._beside import AttachedFile, HoldsMore, NamedMetadata
from rrbridge_bridge.readers._blocks import Rows
from rrbridge_bridge.readers._metadata import MAX_METADATA_BYTES, RosbagMetadata, parse_metadata
from rrbridge_bridge.readers._notes import Notes
from rrbridge_bridge.readers._reader import BagReader, ReadOptions

__all__ = ["FolderReader", "is_one_run", "storage_of"]

METADATA = "metadata.yaml"
T = TypeVar("T")
PART_NAME = re.compile(r"(?P<run>.*?)(?:_(?P<number>\d+))?\.(?P<kind>db3|mcap)(?:\.zstd|\.zst)?")


def storage_of(folder: Path) -> Literal["db3", "mcap"] | None:
    """What the parts of a rosbag2 folder are; None for a folder that is none."""
    try:
        kinds = {match["kind"] for path in folder.iterdir() if (match := PART_NAME.fullmatch(path.name))}
    except OSError:
        return None
    if kinds == {"mcap"}:
        return "mcap"
    return "db3" if kinds else None


def is_one_run(folder: Path) -> bool:
    """Whether a folder is said to be a recording by its `metadata.yaml`, or by its parts: numbered, or called as the folder."""
    if (folder / METADATA).is_file():
        return True
    try:
        matches = [match for path in folder.iterdir() if (match := PART_NAME.fullmatch(path.name))]
    except OSError:
        return False
    runs = {(match["run"], match["kind"]) for match in matches}
    is_named = any(match["number"] or match["run"] == folder.resolve().name for match in matches)
    return len(runs) == 1 and is_named


class FolderReader(Closing):
    """The parts of a rosbag2 recording, one after the other. Parts are opened one at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._notes = Notes()
        self._metadata = self._read_metadata()
        self.parts = self._find_parts()
        self._connections: dict[tuple[object, ...], Connection] = {}
        self._first = self._open_first()
        self._is_whole = False

    def close(self) -> None:
        """Let go of the files."""
        self._first.close()

    @property
    def format(self) -> str:
        """What the parts are."""
        return self._first.format

    @property
    def ros_distro(self) -> str:
        """From metadata.yaml, or the first part."""
        return (self._metadata.ros_distro if self._metadata else "") or self._first.ros_distro

    @property
    def mcap_profile(self) -> str | None:
        """What the first part says that its messages follow."""
        return self._first.mcap_profile

    @property
    def metadata(self) -> RosbagMetadata | None:
        """What metadata.yaml says; None if there is none."""
        return self._metadata

    @property
    def notes(self) -> Sequence[Note]:
        """What a person should know about this recording; reading may add to it."""
        return self._notes.found

    @property
    def connections(self) -> Sequence[Connection]:
        """Every connection of all parts; the same topic, type and definition in several parts is one."""
        if not self._is_whole:
            for part, reader in self._readers():
                for connection in reader.connections:
                    self._ours(connection)
                self._take_notes(part, reader)
            self._is_whole = True
        return tuple(self._connections.values())

    def summary(self) -> Summary:
        """What the folder holds: from metadata.yaml where it is complete, otherwise from the parts."""
        size = sum(map(_size, self.parts))
        metadata = self._metadata
        if metadata and metadata.is_complete:
            encodings = {(c.topic, c.msgtype): c.encoding for c in self.connections}
            topics = tuple(
                TopicSummary(topic, msgtype, count, encodings.get((topic, msgtype), ""))
                for (topic, msgtype), count in metadata.counts.items()
            )
            return Summary(
                self.path, self.format, size, metadata.start_nanos, metadata.end_nanos, topics, self._notes.texts
            )
        return self._summed(size)

    def _summed(self, size: int) -> Summary:
        by_topic: dict[tuple[str, str], TopicSummary] = {}
        spans = []
        for part, reader in self._readers():
            found = reader.summary()
            self._take_notes(part, reader)
            spans += [time for time in (found.start_nanos, found.end_nanos) if time is not None]
            for topic in found.topics:
                key = (topic.topic, topic.msgtype)
                by_topic[key] = _merged(by_topic[key], topic) if key in by_topic else topic
        start, end = (min(spans), max(spans)) if spans else (None, None)
        return Summary(self.path, self.format, size, start, end, tuple(by_topic.values()), self._notes.texts)

    def batches(self, options: ReadOptions | None = None) -> Iterator[RawBatch]:
        """The messages of all parts; see `BagReader.batches`."""
        options = options or ReadOptions()
        total = sum(map(_size, self.parts))
        done, base = 0, 0
        found: Counter[tuple[str, str]] = Counter()
        for part, reader in self._readers():
            size = _size(part)
            following = base
            here = replace(options, progress=_shifted(options, done, size, total))
            for batch in self._as_far_as_readable(part, reader.batches(here)):
                if len(batch):
                    following = max(following, base + int(batch.order.max()) + 1)
                found[batch.connection.topic, batch.connection.msgtype] += len(batch)
                yield replace(batch, connection=self._ours(batch.connection), order=batch.order + base)
            self._take_notes(part, reader)
            base = following
            done += size
        self._check_counts(found, options)

    def _check_counts(self, found: Mapping[tuple[str, str], int], options: ReadOptions) -> None:
        if self._metadata and options.is_all_times and not self._notes.has_losses:
            missing = self._metadata.missing(found, options.wants)
            if missing:
                self._notes.lost(f"{missing} of the messages that {METADATA} counts are not there")

    def metadata_records(self) -> Iterator[NamedMetadata]:
        """Metadata of all parts."""
        for part, reader in self._readers():
            if isinstance(reader, HoldsMore):
                yield from reader.metadata_records()
                self._take_notes(part, reader)

    def attachments(self) -> Iterator[AttachedFile]:
        """Attachments of all parts."""
        for part, reader in self._readers():
            if isinstance(reader, HoldsMore):
                yield from reader.attachments()
                self._take_notes(part, reader)

    def rows(self, options: ReadOptions | None = None) -> Iterator[Rows]:
        """The messages of all parts in order; see `BagReader.rows`."""
        options = options or ReadOptions()
        total = sum(map(_size, self.parts))
        done, base = 0, 0
        found: Counter[int] = Counter()
        for part, reader in self._readers():
            size = _size(part)
            following = base
            here = replace(options, progress=_shifted(options, done, size, total))
            for rows in self._as_far_as_readable(part, reader.rows(here)):
                if len(rows.order):
                    following = max(following, base + int(rows.order.max()) + 1)
                ids = self._our_ids(rows.connection_ids, reader)
                found.update(
                    dict(zip(*(values.tolist() for values in np.unique(ids, return_counts=True)), strict=True))
                )
                yield replace(rows, connection_ids=ids, order=rows.order + base)
            self._take_notes(part, reader)
            base = following
            done += size
        by_topic: Counter[tuple[str, str]] = Counter()
        for connection in self._connections.values():
            by_topic[connection.topic, connection.msgtype] += found[connection.id]
        self._check_counts(by_topic, options)

    def readers(self) -> Iterator[BagReader]:
        """A reader of each part, open for as long as it is looked at."""
        return (reader for _, reader in self._readers())

    def our_connection(self, connection: Connection) -> Connection:
        """The connection of the whole recording that a part's connection is."""
        return self._ours(connection)

    def _our_ids(self, ids: Int64s, reader: BagReader) -> Int64s:
        known = {connection.id: connection for connection in reader.connections}
        distinct, inverse = np.unique(ids, return_inverse=True)
        ours = np.array([self._ours(known[n]).id if n in known else -1 for n in distinct.tolist()], np.int64)
        return ours[inverse]

    def _as_far_as_readable(self, part: Path, messages: Iterator[T]) -> Iterator[T]:
        """A part's messages, up to where it cannot be read; a recording's only part raises FileError there."""
        try:
            yield from messages
        except FileError as err:
            if len(self.parts) == 1:
                raise
            self._lose(part, err)

    def _open_first(self) -> BagReader:
        """The first part that can be opened; those before it are noted and left out. Raises FileError if none can."""
        while True:
            try:
                return _open.open_bag(self.parts[0])
            except FileError as err:
                if len(self.parts) == 1:
                    raise
                self._lose(self.parts[0], err)
                self.parts = self.parts[1:]

    def _lose(self, part: Path, error: FileError) -> None:
        self._notes.lost(f"{part.name} cannot be read: {error.message}")

    def _take_notes(self, part: Path, reader: BagReader) -> None:
        one = len(self.parts) == 1
        self._notes.take(note if one else replace(note, text=f"{part.name}: {note.text}") for note in reader.notes)

    def _readers(self) -> Iterator[tuple[Path, BagReader]]:
        """Every part, opened for as long as it is looked at."""
        yield self.parts[0], self._first
        for part in self.parts[1:]:
            try:
                reader = _open.open_bag(part)
            except FileError as err:
                self._lose(part, err)
                continue
            with reader:
                yield part, reader

    def _ours(self, connection: Connection) -> Connection:
        """The connection of the whole recording that a part's connection is."""
        key = (
            connection.topic,
            connection.msgtype,
            connection.encoding,
            connection.definition,
            *sorted(connection.metadata.items()),
        )
        if key not in self._connections:
            self._connections[key] = replace(connection, id=len(self._connections) + 1)
        return self._connections[key]

    def _read_metadata(self) -> RosbagMetadata | None:
        path = self.path / METADATA
        try:
            if path.stat().st_size > MAX_METADATA_BYTES:
                self._notes.say(f"{METADATA} is too large to be one; it is not used")
                return None
            return parse_metadata(path.read_text("utf-8", "replace"))
        except FileNotFoundError:
            self._notes.say(f"no {METADATA}; the parts were found by their names")
        except ValueError as err:
            self._notes.say(f"{METADATA} cannot be used: {err}")
        except OSError as err:
            raise FileError(path, err.strerror or str(err)) from err
        return None

    def _find_parts(self) -> tuple[Path, ...]:
        if self._metadata and self._metadata.files:
            parts = [self.path / name for name in dict.fromkeys(self._metadata.files)]
            there = [part for part in map(_with_suffix, parts) if part]
            if not there:
                self._notes.say(f"the parts have other names than in {METADATA}; they were found by their names")
            elif len(there) < len(parts):
                self._notes.lost(
                    f"{len(parts) - len(there)} of the {len(parts)} parts that {METADATA} names are missing"
                )
            if there:
                return self._with_unnamed(there)
        runs: dict[tuple[str, str], list[tuple[int, Path]]] = {}
        for path in sorted(_files_in(self.path)):
            if (match := PART_NAME.fullmatch(path.name)) and path.is_file():
                runs.setdefault((match["run"], match["kind"]), []).append((int(match["number"] or 0), path))
        if not runs:
            raise FileError(self.path, "no .db3 or .mcap file in this folder")
        if len(runs) > 1:
            names = ", ".join(path.name for run in runs.values() for _, path in run[:1])
            raise FileError(self.path, f"the folder holds several recordings; name one of {names}")
        (run,) = runs.values()
        return tuple(path for _, path in sorted(run))

    def _with_unnamed(self, named: Sequence[Path]) -> tuple[Path, ...]:
        """The parts that the metadata names, and after them those of the same run that it does not know of.

        rosbag2 writes the names when it closes a recording; one that went on after that, or was mended, may have more.
        """
        keys = [_run_and_number(part) for part in named]
        more: dict[tuple[str, str, int], Path] = {}
        for path in sorted(_files_in(self.path)):
            key = _run_and_number(path)
            if key is None or key in keys or not path.is_file():
                continue
            if any(known is not None and known[:2] == key[:2] for known in keys):
                self._notes.say(f"{METADATA} does not name {path.name}; it is read too")
                more.setdefault(key, path)
            else:
                self._notes.say(f"{METADATA} does not name {path.name}; it is left out")
        return (*named, *(more[key] for key in sorted(more)))


def _run_and_number(part: Path) -> tuple[str, str, int] | None:
    match = PART_NAME.fullmatch(part.name)
    return match and (match["run"], match["kind"], int(match["number"] or 0))


def _files_in(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as err:
        raise FileError(folder, err.strerror or str(err)) from err


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except OSError:
        return 0  # it is gone; whoever opens it says so


def _with_suffix(part: Path) -> Path | None:
    """The part, or the part with the suffix that its compression adds."""
    for path in (part, part.with_name(f"{part.name}.zstd"), part.with_name(part.name.removesuffix(".zstd"))):
        if path.is_file():
            return path
    return None


def _merged(a: TopicSummary, b: TopicSummary) -> TopicSummary:
    starts = [time for time in (a.start_nanos, b.start_nanos) if time is not None]
    ends = [time for time in (a.end_nanos, b.end_nanos) if time is not None]
    count = None if a.count is None or b.count is None else a.count + b.count
    return replace(a, count=count, start_nanos=min(starts, default=None), end_nanos=max(ends, default=None))


def _shifted(options: ReadOptions, done: int, size: int, total: int) -> Callable[[int, int], None] | None:
    report = options.progress
    if report is None:
        return None

    def progress(part_done: int, part_total: int) -> None:
        # A compressed part reports on its unpacked size.
        report(done + (size * part_done // part_total if part_total else size), total)

    return progress
