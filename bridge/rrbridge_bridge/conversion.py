"""Files in, one recording out: messages of bags become chunks, and what is no bag joins them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from rrbridge import _entity_path, plugins
from rrbridge._arrow import list_type, nested
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._messages import LogMessage
from rrbridge.adapters import Adapters
from rrbridge.archetypes.meta import RecordingInfo
from rrbridge.chunk import Chunk, ComponentColumn
from rrbridge.errors import RrbridgeError
from rrbridge.formats.robots import RobotImporter
from rrbridge.importers import ImportOptions, MessageImporter, Note
from rrbridge_bridge.beside import Beside
from rrbridge_bridge.driver import Driver
from rrbridge_bridge.importers import BagImporter, mcap
from rrbridge_bridge.inputs import Source, size_of
from rrbridge_bridge.joining import PROPERTIES, Joining
from rrbridge_bridge.latched import is_latched
from rrbridge_bridge.raw import RawBatch
from rrbridge_bridge.readers import BagReader, ReadOptions, open_bag
from rrbridge_bridge.readers.repeats import RunParts
from rrbridge_bridge.recording import one_row
from rrbridge_bridge.report import TopicReport, further_notes, notes_of
from rrbridge_bridge.retiming import Timelines
from rrbridge_bridge.times import as_nanos

__all__ = ["Conversion"]

log = logging.getLogger(__name__)

MAX_ROWS = 65_536
MAX_BYTES = 8 << 20
"""The points of so many bytes of scans, three times as much, still fit into memory that the allocator uses again (32 MiB)."""


class Conversion:
    """One recording made of one or more files, in order. `reports` and `notes` fill while `chunks` runs.

    Of several sources, one that cannot be read costs only itself: it is noted as a loss.
    """

    def __init__(
        self,
        sources: Sequence[Path | Source],
        options: ImportOptions,
        *,
        adapters: Adapters | None = None,
        aliases: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.sources = tuple(bag_source(one, options) if isinstance(one, Path) else one for one in sources)
        self._undecoded = tuple(filter(_is_undecoded, self.sources))
        """Recordings that hold messages' bytes alone, which are decoded as those of bags are, and kept."""
        if self._undecoded:
            options = replace(options, raw=True)
        self.options = options
        self.notes: list[Note] = []
        """What a person should know about the files: cut off, unindexed …"""
        self.topics: set[str] = set()
        """Every topic of the files, also those that the options leave out."""
        self.start_nanos: int | None = None
        """The first log time so far."""
        self.end_nanos: int | None = None
        self.failed: list[Exception] = []
        """Why sources could not be read, or not to their end."""
        self._driver = Driver(options, adapters=adapters)
        self._drivers = {(options.prefix, 0): self._driver}
        self._ends: dict[Driver, int] = {}
        """The last log time that a driver got, by its clock."""
        self._joining = Joining(self._span, self.sources, joints_may_move=any(map(self._has_messages, self.sources)))
        self._timelines = Timelines(aliases, self._once)
        self._keeps_times = not aliases and all(_is_bag(source) and not source.offset_nanos for source in self.sources)
        self._formats: list[tuple[str, str]] = []
        self._parts = RunParts()
        self._bytes_done = 0
        self._bytes = sum(size_of(source.path) for source in self.sources)

    @property
    def reports(self) -> Sequence[TopicReport]:
        """What became of each topic, by name."""
        made = [report for driver in self._drivers.values() for report in driver.reports]
        return sorted((*made, *self._joining.reports.values()), key=lambda r: (r.topic, r.entity_path, r.msgtype))

    @property
    def layouts(self) -> Sequence[LogMessage]:
        """What recordings brought along besides data."""
        return self._joining.layouts

    def chunks(self) -> Generator[Chunk]:
        """Everything. Memory is bounded by the size of batches, not of files. Raises FileError.

        Notes, also on messages that did not become what they should, go to the options' `note` at the end.
        """
        beside = Beside()
        for source in self.sources:
            yield from self._tolerated(source, beside)
            self._bytes_done += size_of(source.path)
        for (_, offset_nanos), driver in self._drivers.items():
            for chunk in driver.settle(self._ends.get(driver, 0), is_end=True):
                yield self._retimed(chunk, offset_nanos)
        yield from self._joining.resting(self._log_timelines(), self.start_nanos)
        self.notes += further_notes(self.reports)
        for name in sorted(self._timelines.unseen):
            self._once(f"--timeline: nothing has times on {name}")
        yield from beside.chunks()
        yield from self._properties()
        self._tell(notes_of(self.reports))

    def _tolerated(self, source: Source, beside: Beside) -> Iterator[Chunk]:
        """What a source gives; what it fails with is noted if there are others. Raises FileError if there are none."""
        read = self._bag(source, beside) if self._has_messages(source) else self._other(source)
        try:
            for chunk in read:
                yield self._retimed(chunk, source.offset_nanos)
        except plugins.FAULTS as err:
            if len(self.sources) == 1 or not isinstance(err, Exception):
                raise
            log.debug("%s", source.path, exc_info=err)
            self.failed.append(err)
            text = str(err) if isinstance(err, RrbridgeError | OSError) else f"unexpected {type(err).__name__}: {err}"
            self._note(source.path, [Note(text.removeprefix(f"{source.path}: "), is_loss=True)])

    def _bag(self, source: Source, beside: Beside) -> Iterator[Chunk]:
        driver = self._driver_of(source)
        options = self._options_of(source)
        told: dict[Note, None] = {}
        opened: Callable[[Path], BagReader] = open_bag
        if source in self._undecoded:
            from rrbridge_bridge.readers.rrd import RrdMessages
            from rrbridge_bridge.rrd_sources import BesideMessages

            opened = RrdMessages
            rest = replace(options, progress=None, note=told.setdefault)
            yield from self._joining.chunks(replace(source, importer=BesideMessages()), rest)
        with opened(source.path) as reader:
            self._formats.append((reader.format, reader.mcap_profile or ""))
            driver.next_file(reader.ros_distro)
            self.topics |= {connection.topic for connection in reader.connections}
            yield from driver.announce(c for c in reader.connections if options.wants(c.topic))
            yield from self._carried(reader, driver, options)
            wanted = ReadOptions.of(options)
            self._parts.begin(reader if len(self.sources) > 1 else None)
            for whole in reader.batches(
                replace(wanted, max_rows=MAX_ROWS, max_bytes=MAX_BYTES, in_step=driver.in_step)
            ):
                batch = self._parts.fresh(whole, {whole.connection.id: whole.connection})
                chunks = driver.convert(batch)
                self._see(batch, driver, source.offset_nanos)
                yield from chunks
                del whole, batch, chunks  # before the reader takes new memory for what comes next
            yield from driver.step()
            beside.take(reader)
            self._note(source.path, dict.fromkeys([*told, *reader.notes, *beside.notes]))

    def _has_messages(self, source: Source) -> bool:
        return _is_bag(source) or source in self._undecoded

    def _other(self, source: Source) -> Iterator[Chunk]:
        """What is no bag: chunks as their importer makes them."""
        self._formats.append((source.importer.name, ""))
        notes: dict[Note, None] = {}
        yield from self._joining.chunks(source, replace(self._options_of(source), note=notes.setdefault))
        self.topics |= self._joining.reports.keys()
        self._note(source.path, notes)

    def _driver_of(self, source: Source) -> Driver:
        key = (source.prefix, source.offset_nanos)
        if key not in self._drivers:
            self._drivers[key] = self._driver.sibling(replace(self.options, prefix=source.prefix))
        return self._drivers[key]

    def _retimed(self, chunk: Chunk, offset_nanos: int) -> Chunk:
        return chunk if self._keeps_times else self._timelines.of(chunk, offset_nanos)

    def _options_of(self, source: Source) -> ImportOptions:
        """For one source; its times are those of its own clock."""
        offset, given = source.offset_nanos, self.options
        below = source.below if _is_called_by_file(source) else ()
        return replace(
            given,
            prefix="/".join((source.prefix, *map(_escaped, below))).strip("/"),
            start_nanos=None if given.start_nanos is None else as_nanos(given.start_nanos - offset),
            end_nanos=None if given.end_nanos is None else as_nanos(given.end_nanos - offset),
            progress=self._progress(source),
        )

    def _progress(self, source: Source) -> Callable[[int, int], None] | None:
        tell = self.options.progress
        if tell is None:
            return None
        size = size_of(source.path)

        def progress(done: int, total: int) -> None:
            # A compressed file reports on its unpacked size.
            assert tell is not None
            tell(self._bytes_done + (size * done // total if total else size), self._bytes)

        return progress

    def _note(self, path: Path, notes: Iterable[Note]) -> None:
        if len(self.sources) > 1:
            notes = [replace(note, text=f"{_name(path)}: {note.text}") for note in notes]
        self.notes += notes
        self._tell(notes)

    def _once(self, text: str) -> None:
        note = Note(text)
        if note not in self.notes:
            self.notes.append(note)
            self._tell([note])

    def _tell(self, notes: Iterable[Note]) -> None:
        if tell := self.options.note:
            for note in notes:
                tell(note)

    def _see(self, batch: RawBatch, driver: Driver, offset_nanos: int) -> None:
        if len(batch):
            first, last = int(batch.log_time_nanos.min()), int(batch.log_time_nanos.max())
            self._ends[driver] = max(last, self._ends.get(driver, last))
            self._span(first + offset_nanos, last + offset_nanos, driver.report_of(batch.connection))

    def _span(self, first_nanos: int, last_nanos: int, report: TopicReport) -> None:
        report.see(first_nanos, last_nanos)
        self.start_nanos = first_nanos if self.start_nanos is None else min(first_nanos, self.start_nanos)
        self.end_nanos = last_nanos if self.end_nanos is None else max(last_nanos, self.end_nanos)

    def _carried(self, reader: BagReader, driver: Driver, options: ImportOptions) -> Iterator[Chunk]:
        """What was latched when the cut begins: without it a recording that starts later would lack its transforms and maps.

        The messages stand at the time of the cut, marked as repeated; their publish time stays.
        """
        start = options.start_nanos
        if start is None or not options.carries_latched:
            return
        latched = {c.id: c for c in reader.connections if is_latched(c) and options.wants(c.topic)}
        if not latched:
            return
        topics = {connection.topic for connection in latched.values()}
        last: dict[int, RawBatch] = {}
        for batch in reader.batches(ReadOptions(wants=topics.__contains__, end_nanos=start - 1)):
            if batch.connection.id not in latched or not len(batch):
                continue
            if batch.connection.topic.endswith("tf_static"):  # each message may hold other edges
                yield from _repeated(driver, batch, start)
            else:
                last[batch.connection.id] = batch.take(np.array([len(batch) - 1]))
        for batch in last.values():
            yield from _repeated(driver, batch, start)

    def _properties(self) -> Iterator[Chunk]:
        """The recording's own properties; last, because only now all is known."""
        if len(self.sources) > 1 or not isinstance(self.sources[0].importer, MessageImporter):
            yield from self._origin()
        if self.notes:
            yield _property("notes", text=[note.text for note in self.notes])
        if self.options.robot:
            yield _property("robot", name=[self.options.robot])

    def _log_timelines(self) -> list[str]:
        """What messages of these sources are on."""
        stamps = {1 if name.startswith("ROS 1") else 2 for name, _ in self._formats}
        return ["message_log_time", "message_publish_time", *(f"ros{version}_timestamp" for version in sorted(stamps))]

    def _origin(self) -> Iterator[Chunk]:
        names = [_name(source.path) for source in self.sources]
        name = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
        info = RecordingInfo(start_time=self.start_nanos, name=name)
        yield Chunk.from_columns(PROPERTIES, components=one_row(info))
        formats = [name for name, _ in self._formats]
        about = {"profile": [profile for _, profile in self._formats]} if "MCAP" in formats else {}
        if "RRD" not in formats:  # which has its own, or none, of its own messages
            about["bytes"] = ["all" if self.options.raw else "of what was not decoded"]
        yield _property("source", file=names, format=formats, **about)


def bag_source(path: Path, options: ImportOptions) -> Source:
    """A file or folder of messages, whatever it is called."""
    return Source(path, mcap, options.prefix)


def _is_bag(source: Source) -> bool:
    return isinstance(source.importer, BagImporter)


def _is_undecoded(source: Source) -> bool:
    if not isinstance(source.importer, MessageImporter):
        return False
    from rrbridge_bridge.rrd_sources import is_undecoded

    return is_undecoded(source)


def _is_called_by_file(source: Source) -> bool:
    """Whether its entities are named after the file, so that files in several folders may have the same."""
    return not isinstance(source.importer, BagImporter | MessageImporter | RobotImporter)


def _repeated(driver: Driver, batch: RawBatch, at_nanos: int) -> list[Chunk]:
    at = np.full(len(batch), at_nanos, np.int64)
    return driver.convert(replace(batch, log_time_nanos=at), repeated=True)


def _escaped(part: str) -> str:
    return _entity_path.escape_entity_path_part(part)


def _name(path: Path) -> str:
    """A file's name as text, also where it is none in UTF-8."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def _property(entity: str, **values: Sequence[str]) -> Chunk:
    columns = [
        ComponentColumn(ComponentDescriptor(k), nested([list(v)], list_type(pa.utf8()))) for k, v in values.items()
    ]
    return Chunk.from_columns(f"{PROPERTIES}/{entity}", components=columns)
