"""The messages of several recordings as one stream, in order: what formats of messages are written from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from rrbridge import importers
from rrbridge.errors import FileError
from rrbridge.importers import ImportOptions, Note
from rrbridge_bridge.latched import is_latched
from rrbridge_bridge.raw import Connection, Int64s
from rrbridge_bridge.readers import AttachedFile, BagReader, HoldsMore, NamedMetadata, ReadOptions, open_bag
from rrbridge_bridge.readers._blocks import Rows
from rrbridge_bridge.readers.repeats import RunParts
from rrbridge_bridge.readers.rrd import NoBytesError, RrdMessages

__all__ = ["MessageReader", "Messages", "Source", "check_bytes", "open_messages"]

NAMED_TOPICS = 5
MessageReader: TypeAlias = BagReader | RrdMessages
"""What has messages, each with its bytes."""


def open_messages(path: Path) -> MessageReader:
    """A reader for the messages of any recording that has their bytes. Raises FileError."""
    if not path.is_dir() and importers.find(path).name == "RRD":
        return RrdMessages(path)
    return open_bag(path)


class Source:
    """One of the recordings, while it is read."""

    def __init__(self, path: Path, reader: MessageReader, numbers: Mapping[int, int]) -> None:
        self.path = path
        self.reader = reader
        self._numbers = numbers
        """The stream's number of each connection."""

    @property
    def profile(self) -> str | None:
        """Of MCAP files and what was made of them."""
        return self.reader.profile if isinstance(self.reader, RrdMessages) else self.reader.mcap_profile

    @property
    def ros_distro(self) -> str:
        """The ROS distribution that the recording says it was made by, or empty."""
        return "" if isinstance(self.reader, RrdMessages) else self.reader.ros_distro

    def beside(self) -> Iterator[NamedMetadata | AttachedFile]:
        """What is no message."""
        if isinstance(self.reader, HoldsMore):
            yield from self.reader.metadata_records()
            yield from self.reader.attachments()

    def numbered(self, rows: Rows) -> tuple[Rows, int]:
        """Rows with the stream's numbers, and how many belong to no connection and are left out."""
        ids, which = np.unique(rows.connection_ids, return_inverse=True)
        numbers = np.array([self._numbers.get(number, -1) for number in ids.tolist()], np.int64)[which]
        known = numbers >= 0
        rows = replace(rows, connection_ids=numbers)
        return (rows, 0) if known.all() else (rows.take(known), int((~known).sum()))


class Messages:
    """Files one after the other. The same topic, type, definition and origin in several files is one connection."""

    def __init__(self, paths: Sequence[Path], options: ImportOptions) -> None:
        self.paths = tuple(paths)
        self.options = options
        self.notes: list[Note] = []
        """What a person should know about the files."""
        self.topics: set[str] = set()
        """Every topic of the files, also those that the options leave out."""
        self.connections: dict[int, Connection] = {}
        """Those of the files so far, by number."""
        self.start_nanos: int | None = None
        self.end_nanos: int | None = None
        self._known: dict[tuple[object, ...], int] = {}
        self._parts = RunParts()

    def sources(self) -> Iterator[Source]:
        """Each recording, opened for as long as it is looked at. One of several that cannot be opened is a loss.

        Raises FileError if none can, or if one has no bytes of its messages.
        """
        failed: list[FileError] = []
        for path in self.paths:
            try:
                opened = open_messages(path)
            except NoBytesError:
                raise
            except FileError as err:
                failed.append(err)
                self.notes.append(Note(str(err), is_loss=True))
                continue
            with opened as reader:
                if isinstance(reader, RrdMessages):
                    check_bytes(reader, self.options.wants)
                self.topics |= {connection.topic for connection in reader.connections}
                wanted = [c for c in reader.connections if self.options.wants(c.topic)]
                yield Source(path, reader, {c.id: self._number(c, is_only=len(self.paths) == 1) for c in wanted})
                name = f"{path.name}: " if len(self.paths) > 1 else ""
                self.notes += [replace(note, text=name + note.text) for note in reader.notes]
        if len(failed) == len(self.paths):
            raise failed[0]

    def blocks(self, source: Source) -> Iterator[Rows]:
        """The chosen messages of one of them, in order; first what was latched when the chosen time begins."""
        options = ReadOptions.of(self.options)
        unknown = 0
        self._parts.begin(source.reader if len(self.paths) > 1 else None)
        connections = {connection.id: connection for connection in source.reader.connections}
        for rows in self._carried(source):
            yield rows
        for block in source.reader.rows(options):
            rows, lost = source.numbered(self._parts.fresh(block, connections))
            unknown += lost
            if len(rows):
                self._see(rows.log_time_nanos)
                yield rows
        if unknown:
            self.notes.append(
                Note(f"{unknown} messages belong to no known connection; they are left out", is_loss=True)
            )

    def _number(self, connection: Connection, *, is_only: bool) -> int:
        key = (
            connection.topic,
            connection.msgtype,
            connection.encoding,
            connection.definition,
            *sorted(connection.metadata.items()),
        )
        if is_only or key not in self._known:
            number = connection.id if connection.id not in self.connections else max(self.connections) + 1
            self._known[key] = number
            self.connections[number] = replace(connection, id=number)
        return self._known[key]

    def _see(self, times: Int64s) -> None:
        first, last = int(times.min()), int(times.max())
        self.start_nanos = first if self.start_nanos is None else min(first, self.start_nanos)
        self.end_nanos = last if self.end_nanos is None else max(last, self.end_nanos)

    def _carried(self, source: Source) -> list[Rows]:
        """The last latched messages from before the chosen time, at its start; of static transforms all of them."""
        start = self.options.start_nanos
        if start is None or not self.options.carries_latched:
            return []
        latched = {c.id: c for c in source.reader.connections if is_latched(c) and self.options.wants(c.topic)}
        if not latched:
            return []
        topics = {connection.topic for connection in latched.values()}
        last: dict[int, Rows] = {}
        every: list[Rows] = []
        for block in source.reader.rows(ReadOptions(wants=topics.__contains__, end_nanos=start - 1)):
            for number, connection in latched.items():
                rows = np.flatnonzero(block.connection_ids == number)
                if not len(rows):
                    continue
                if connection.topic.endswith("tf_static"):  # each message may hold other edges
                    every.append(block.take(rows))
                else:
                    last[number] = block.take(rows[-1:])
        kept = [*every, *last.values()]
        if not kept:
            return []
        count = sum(map(len, kept))
        self.notes.append(Note(f"{count} latched messages from before the start stand at the start again"))
        kept.sort(key=lambda rows: int(rows.order[0]))
        return [source.numbered(replace(r, log_time_nanos=np.full(len(r), start, np.int64)))[0] for r in kept]


def check_bytes(reader: RrdMessages, wants: Callable[[str], bool]) -> None:
    """Raises FileError if bytes of wanted messages are missing: half of a topic would look like all of it."""
    missing = [topic for topic in reader.topics_without_bytes() if wants(topic)]
    if missing:
        names = ", ".join(missing[:NAMED_TOPICS]) + (" …" if len(missing) > NAMED_TOPICS else "")
        raise FileError(
            reader.path,
            f"has not the bytes of all messages ({names}); convert the original bag, make the .rrd with --raw, or leave these "
            "topics out with -x",
        )
