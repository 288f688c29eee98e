"""Recordings of messages in, one recording of ours out: `.bag`, `.db3`, `.mcap` and rosbag2 folders → chunks."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from rrbridge._arrow import list_type, nested
from rrbridge._descriptor import ComponentDescriptor
from rrbridge.adapters import Adapters
from rrbridge.archetypes.meta import RecordingInfo
from rrbridge.chunk import Chunk, ComponentColumn
from rrbridge.importers import ImportOptions, Note
from rrbridge_bridge.beside import Beside
from rrbridge_bridge.driver import Driver
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.readers import BagReader, ReadOptions, open_bag
from rrbridge_bridge.readers.profiles import mcap_profile
from rrbridge_bridge.recording import one_row
from rrbridge_bridge.report import TopicReport, further_notes, notes_of

__all__ = ["Conversion", "is_latched"]

PROPERTIES = "/__properties"
MAX_ROWS = 65_536
MAX_BYTES = 2 << 20
TRANSIENT_LOCAL = re.compile(r"durability:\s*(?:1|transient_local)\b")


class Conversion:
    """One recording made of one or more recorded files, in order. `reports` and `notes` fill while `chunks` runs."""

    def __init__(self, paths: Sequence[Path], options: ImportOptions, *, adapters: Adapters | None = None) -> None:
        self.paths = tuple(paths)
        self.options = options
        self.notes: list[Note] = []
        """What a person should know about the files: cut off, unindexed …"""
        self.topics: set[str] = set()
        """Every topic of the files, also those that the options leave out."""
        self.start_nanos: int | None = None
        """The first log time so far."""
        self.end_nanos: int | None = None
        self._driver = Driver(options, adapters=adapters)

    @property
    def reports(self) -> Sequence[TopicReport]:
        """What became of each topic, by name."""
        return self._driver.reports

    def chunks(self) -> Generator[Chunk]:
        """Everything. Memory is bounded by the size of batches, not of files. Raises FileError.

        Notes, also on messages that did not become what they should, go to the options' `note` at the end.
        """
        formats, profiles = [], []
        beside = Beside()
        for path in self.paths:
            with open_bag(path) as reader:
                formats.append(reader.format)
                profiles.append(mcap_profile(reader) or "")
                self._driver.next_file(reader.ros_distro)
                self.topics |= {connection.topic for connection in reader.connections}
                yield from self._driver.announce(c for c in reader.connections if self.options.wants(c.topic))
                yield from self._carried(reader)
                for batch in reader.batches(self._read_options()):
                    self._see(batch)
                    yield from self._driver.convert(batch)
                yield from self._driver.step()
                beside.take(reader)
                self._note(path, [*reader.notes, *beside.notes])
        yield from self._driver.settle(self.end_nanos or 0)
        self.notes += further_notes(self.reports)
        yield from beside.chunks()
        yield from self._properties(formats, profiles)
        self._tell(notes_of(self.reports))

    def _note(self, path: Path, notes: Iterable[Note]) -> None:
        if len(self.paths) > 1:
            notes = [replace(note, text=f"{_name(path)}: {note.text}") for note in notes]
        self.notes += notes
        self._tell(notes)

    def _tell(self, notes: Iterable[Note]) -> None:
        if tell := self.options.note:
            for note in notes:
                tell(note)

    def _read_options(self) -> ReadOptions:
        options = ReadOptions.of(self.options)
        return replace(options, max_rows=MAX_ROWS, max_bytes=MAX_BYTES, in_step=self._driver.in_step)

    def _see(self, batch: RawBatch) -> None:
        if len(batch):
            first, last = int(batch.log_time_nanos.min()), int(batch.log_time_nanos.max())
            self.start_nanos = first if self.start_nanos is None else min(first, self.start_nanos)
            self.end_nanos = last if self.end_nanos is None else max(last, self.end_nanos)

    def _carried(self, reader: BagReader) -> Iterator[Chunk]:
        """What was latched when the cut begins: without it a recording that starts later would lack its transforms and maps.

        The messages stand at the time of the cut, marked as repeated; their publish time stays.
        """
        start = self.options.start_nanos
        if start is None or not self.options.carries_latched:
            return
        latched = {c.id: c for c in reader.connections if is_latched(c) and self.options.wants(c.topic)}
        if not latched:
            return
        topics = {connection.topic for connection in latched.values()}
        last: dict[int, RawBatch] = {}
        for batch in reader.batches(ReadOptions(wants=topics.__contains__, end_nanos=start - 1)):
            if batch.connection.id not in latched or not len(batch):
                continue
            if batch.connection.topic.endswith("tf_static"):  # each message may hold other edges
                yield from self._repeated(batch, start)
            else:
                last[batch.connection.id] = batch.take(np.array([len(batch) - 1]))
        for batch in last.values():
            yield from self._repeated(batch, start)

    def _repeated(self, batch: RawBatch, at_nanos: int) -> list[Chunk]:
        at = np.full(len(batch), at_nanos, np.int64)
        return self._driver.convert(replace(batch, log_time_nanos=at), repeated=True)

    def _properties(self, formats: Sequence[str], profiles: Sequence[str]) -> Iterator[Chunk]:
        """The recording's own properties; last, because only now all is known."""
        names = [_name(path) for path in self.paths]
        name = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
        info = RecordingInfo(start_time=self.start_nanos, name=name)
        yield Chunk.from_columns(PROPERTIES, components=one_row(info))
        about = {"profile": profiles} if "MCAP" in formats else {}
        yield _property("source", file=names, format=formats, **about)
        if self.notes:
            yield _property("notes", text=[note.text for note in self.notes])
        if self.options.robot:
            yield _property("robot", name=[self.options.robot])


def _name(path: Path) -> str:
    """A file's name as text, also where it is none in UTF-8."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def is_latched(connection: Connection) -> bool:
    """Whether late subscribers get the last message: ROS 1 latching, ROS 2 transient local, static transforms."""
    qos = connection.metadata.get("offered_qos_profiles", "")
    return (
        connection.topic.endswith("tf_static")
        or connection.metadata.get("latching", "0") in ("1", "true", "True")
        or TRANSIENT_LOCAL.search(qos) is not None
    )


def _property(entity: str, **values: Sequence[str]) -> Chunk:
    columns = [
        ComponentColumn(ComponentDescriptor(k), nested([list(v)], list_type(pa.utf8()))) for k, v in values.items()
    ]
    return Chunk.from_columns(f"{PROPERTIES}/{entity}", components=columns)
