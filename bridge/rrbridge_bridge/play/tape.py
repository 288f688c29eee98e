"""The recordings that are played, as one: which connections, from when to when, and their messages from any place on."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from rrbridge import importers
from rrbridge.errors import FileError
from rrbridge.importers import Note
from rrbridge_bridge.ahead import ahead
from rrbridge_bridge.inspect.parts import parts_of
from rrbridge_bridge.latched import is_latched
from rrbridge_bridge.play.stream import Feed, Run, Stream, compact, in_order, run_of
from rrbridge_bridge.raw import Connection
from rrbridge_bridge.readers import ReadOptions
from rrbridge_bridge.readers._blocks import Rows
from rrbridge_bridge.readers._time_spans import HasTimeSpans, TimeSpans
from rrbridge_bridge.readers.rrd import RrdMessages
from rrbridge_bridge.report import TopicReport
from rrbridge_bridge.writers._messages import MessageReader, check_bytes, open_messages
from rrbridge_bridge.writers._transcode import TranscodeError, Transcoder
from rrbridge_bridge.writers._typestores import described

__all__ = ["Tape", "TapeOptions", "messages_kept"]

SORTED_SHARE = 4
"""This part of what may be read ahead is held back to be sorted."""
WINDOW_SHARE = 4
"""And this part of that is read at a time from a file whose messages do not stand by time."""
MAX_KEPT = 1000
"""A latched topic gives at most so many messages to whoever comes late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeOptions:
    """Which messages, and in what order."""

    wants: Callable[[str], bool] = lambda _: True
    """Whether a topic is to be played, by its name in the recording."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Topics that are played under another name."""
    definitions: tuple[Path, ...] = ()
    """Folders to search for message definitions."""
    by_publish_time: bool = False
    """In the order in which messages were sent, instead of that in which they were recorded."""
    read_ahead_bytes: int = 64 << 20


@dataclass(eq=False, slots=True)
class _Recording:
    path: Path
    reader: MessageReader
    numbers: dict[int, int]
    """The tape's number of each connection."""
    start_nanos: int | None
    end_nanos: int | None
    counts: Mapping[str, int]
    """Messages by topic, where the index says."""

    def time_spans(self) -> TimeSpans | None:
        """When the parts of its files begin and end, in file order."""
        if isinstance(self.reader, RrdMessages):
            return self.reader.time_spans()
        found = [part.time_spans() if isinstance(part, HasTimeSpans) else None for part in parts_of(self.reader)]
        known = [spans for spans in found if spans is not None]
        return TimeSpans.joined(known) if len(known) == len(found) else None

    @property
    def distro(self) -> str:
        return "" if isinstance(self.reader, RrdMessages) else self.reader.ros_distro

    def rows(self, options: ReadOptions) -> Iterator[Rows]:
        for rows in self.reader.rows(options):
            ids, which = np.unique(rows.connection_ids, return_inverse=True)
            numbers = np.array([self.numbers.get(number, -1) for number in ids.tolist()], np.int64)[which]
            known = numbers >= 0
            numbered = replace(rows, connection_ids=numbers)
            yield numbered if known.all() else numbered.take(known)


class Tape:
    """Several recordings as one. A context manager; leaving it closes the files."""

    def __init__(self, paths: Sequence[Path], options: TapeOptions) -> None:
        """Raises FileError if a file cannot be opened or has no bytes of its messages."""
        self.options = options
        self.connections: dict[int, Connection] = {}
        """As recorded, by number."""
        self.played: dict[int, Connection] = {}
        """As they are played, by number; filled by `prepare`."""
        self.topics: set[str] = set()
        """Every topic of the recordings, also those that are not wanted."""
        self.misplaced = 0
        """Messages so far that could not be brought into order."""
        self._known: dict[tuple[object, ...], int] = {}
        self._reports: list[TopicReport] = []
        self._transcoders: dict[str, Transcoder] = {}
        self._latched: tuple[int, Run | None] | None = None
        self._stack = ExitStack()
        self._recordings: list[_Recording] = []
        try:
            for path in paths:
                self._recordings.append(self._opened(path))
        except BaseException:
            self._stack.close()
            raise
        if not self.connections:
            self._stack.close()
            listed = ", ".join(sorted(self.topics))
            why = f"no topic is chosen; there are {listed}" if listed else "there are no messages in it"
            raise FileError(paths[0], why)
        self._recordings.sort(key=lambda one: (one.start_nanos is None, one.start_nanos or 0))
        starts = [one.start_nanos for one in self._recordings if one.start_nanos is not None]
        ends = [one.end_nanos for one in self._recordings if one.end_nanos is not None]
        self.start_nanos = min(starts, default=0)
        """When the first message was recorded."""
        self.end_nanos = max(ends, default=0)
        """When the last one was."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _opened(self, path: Path) -> _Recording:
        reader = open_messages(path)
        self._stack.push(reader.__exit__)
        wants = self.options.wants
        if isinstance(reader, RrdMessages):
            check_bytes(reader, wants)
        summary = importers.info(path)
        start, end = summary.start_nanos, summary.end_nanos
        if isinstance(reader, RrdMessages):
            start, end = reader.time_range or (None, None)
        self.topics |= {connection.topic for connection in reader.connections}
        numbers = {one.id: self._number(one) for one in reader.connections if wants(one.topic)}
        return _Recording(path, reader, numbers, start, end, {t.topic: t.count or 0 for t in summary.topics})

    def _number(self, connection: Connection) -> int:
        key = (
            connection.topic,
            connection.msgtype,
            connection.encoding,
            connection.definition,
            *sorted(connection.metadata.items()),
        )
        number = self._known.setdefault(key, len(self._known))
        self.connections.setdefault(number, replace(connection, id=number))
        return number

    def prepare(self, encodings: frozenset[str]) -> dict[str, str]:
        """Bring connections to one of these encodings, empty: any; what cannot be, by topic and with the reason."""
        refused = {}
        distros = {n: one.distro for one in reversed(self._recordings) for n in one.numbers.values()}
        for number, connection in self.connections.items():
            report = TopicReport(connection.topic, connection.msgtype, connection.encoding, "")
            self._reports.append(report)
            try:
                brought = self._brought(connection, encodings, distros[number], report)
            except TranscodeError as err:
                refused[connection.topic] = str(err)
                continue
            brought = described(brought, self.options.definitions, distros[number]) or brought
            self.played[number] = replace(brought, topic=self.options.names.get(brought.topic, brought.topic))
        return refused

    def _brought(
        self, connection: Connection, encodings: frozenset[str], distro: str, report: TopicReport
    ) -> Connection:
        if not encodings or connection.encoding in encodings:
            return connection
        encoding = next((name for name in ("cdr", "ros1") if name in encodings), None)
        if encoding is None:
            wanted = ", ".join(sorted(encodings))
            raise TranscodeError(
                f"its messages are encoded as {connection.encoding or 'nothing known'}, and only {wanted} can be sent"
            )
        if encoding not in self._transcoders:
            self._transcoders[encoding] = Transcoder(encoding, self.options.definitions)
        return self._transcoders[encoding].connection(connection, distro, report)

    def leave_out(self, number: int) -> None:
        """Do not play a connection after all."""
        del self.played[number]

    @contextmanager
    def runs(self, start_nanos: int | None, end_nanos: int | None) -> Iterator[Iterator[Run]]:
        """The messages between two times, both included, read ahead in a thread while the context lasts."""
        feeds = []
        for one in self._recordings:
            seed = one.start_nanos if one.start_nanos is not None else self.start_nanos
            feeds.append(Feed(self._blocks(one, start_nanos, end_nanos), max(seed, start_nanos or seed)))
        most = self.options.read_ahead_bytes
        stream = Stream(feeds, most // SORTED_SHARE, self.options.by_publish_time)
        try:
            with ahead(stream.runs(), lambda run: run.nbytes, most - most // SORTED_SHARE) as runs:
                yield runs
        finally:
            self.misplaced += stream.misplaced

    def _blocks(self, recording: _Recording, start_nanos: int | None, end_nanos: int | None) -> Generator[Rows]:
        if isinstance(recording.reader, RrdMessages):
            recording.reader.known_until = self._known_until(recording)
        wanted = self._topics_of(self.played)
        by_publish = self.options.by_publish_time
        read = ReadOptions(
            wants=wanted.__contains__,
            start_nanos=None if by_publish else start_nanos,
            end_nanos=None if by_publish else end_nanos,
        )
        for rows in self._in_windows(recording, read):
            keep = np.isin(rows.connection_ids, list(self.played))
            if by_publish:
                keep &= (rows.publish_time_nanos >= start_nanos) if start_nanos is not None else True
                keep &= (rows.publish_time_nanos <= end_nanos) if end_nanos is not None else True
            yield self._transcoded(rows if keep.all() else rows.take(keep))

    def _in_windows(self, recording: _Recording, read: ReadOptions) -> Iterator[Rows]:
        """What is to be read; one stretch of time after the other, where messages stand too far from their places."""
        spans, held = recording.time_spans(), self.options.read_ahead_bytes // SORTED_SHARE
        if spans is None or (not isinstance(recording.reader, RrdMessages) and spans.displaced_bytes() <= held):
            yield from recording.rows(read)
            return
        for low, high in spans.windows(read.start_nanos, read.end_nanos, held // WINDOW_SHARE):
            parts = [rows for rows in recording.rows(replace(read, start_nanos=low, end_nanos=high)) if len(rows)]
            if parts:
                yield in_order(parts)

    def _known_until(self, recording: _Recording) -> bytes:
        """The last row of earlier parts of the same run, which this part may repeat."""
        assert isinstance(recording.reader, RrdMessages)
        found = b""
        for one in self._recordings[: self._recordings.index(recording)]:
            if isinstance(one.reader, RrdMessages) and one.reader.store_id == recording.reader.store_id:
                found = max(found, one.reader.known_until, one.reader.last_id)
        return found

    def _topics_of(self, numbers: Mapping[int, object] | set[int]) -> set[str]:
        return {self.connections[number].topic for number in numbers}

    def _transcoded(self, rows: Rows) -> Rows:
        for transcoder in self._transcoders.values():
            rows = transcoder.rows(rows)
        return rows

    def latched_before(self, position_nanos: int) -> Run | None:
        """What a late listener would have at a place: the last messages of latched topics, of static transforms all.

        Must not be called while runs are read.
        """
        if self._latched is None or self._latched[0] != position_nanos:
            self._latched = (position_nanos, self._find_latched(position_nanos))
        return self._latched[1]

    def _find_latched(self, position_nanos: int) -> Run | None:
        latched = {number for number in self.played if is_latched(self.connections[number])}
        statics = {number for number in latched if _is_static(self.connections[number])}
        topics = self._topics_of(latched)
        by_publish = self.options.by_publish_time
        last: dict[int, Rows] = {}
        every: list[Rows] = []
        read = ReadOptions(wants=topics.__contains__, end_nanos=None if by_publish else position_nanos - 1)
        for recording in self._recordings:
            if not latched.intersection(recording.numbers.values()) or (recording.start_nanos or 0) >= position_nanos:
                continue
            for rows in recording.rows(read):
                due = rows.publish_time_nanos if by_publish else rows.log_time_nanos
                for number in latched.intersection(rows.connection_ids.tolist()):
                    own = np.flatnonzero((rows.connection_ids == number) & (due < position_nanos))
                    if not len(own):
                        continue
                    if number in statics:
                        every.append(compact(rows.take(own)))
                        continue
                    newest = rows.take(own[np.argmax(due[own])][None])
                    if number not in last or due[own].max() >= _due(last[number], by_publish=by_publish):
                        last[number] = compact(newest)
        kept = [self._transcoded(rows) for rows in (*every, *last.values())]
        kept = [rows for rows in kept if len(rows)]
        return run_of(kept) if kept else None

    def keep(self, number: int) -> int:
        """How many messages of a latched connection whoever comes late is to be given."""
        connection = self.connections[number]
        if not _is_static(connection):
            return messages_kept(connection)
        counts = (one.counts.get(connection.topic, 0) for one in self._recordings)
        return min(max(sum(counts), 1), MAX_KEPT)

    def notes(self) -> list[Note]:
        """What was found out about the files so far."""
        name = len(self._recordings) > 1
        found = [
            replace(note, text=f"{one.path.name}: {note.text}" if name else note.text)
            for one in self._recordings
            for note in one.reader.notes
        ]
        for transcoder in self._transcoders.values():
            found += transcoder.notes()
        for report in self._reports:
            if report.undecodable:
                why = "; ".join(report.reasons)
                found.append(
                    Note(f"{report.topic}: {report.undecodable} messages were not played: {why}", is_loss=True)
                )
        return found


def messages_kept(connection: Connection) -> int:
    """How many messages its publishers kept for whoever came late, as the recording says; at least one."""
    import yaml

    text = connection.metadata.get("offered_qos_profiles", "")
    try:
        profiles = yaml.safe_load(text) if text else []
    except yaml.YAMLError:
        return 1
    depths = (
        [profile.get("depth") for profile in profiles if isinstance(profile, dict)]
        if isinstance(profiles, list)
        else []
    )
    return min(max(sum(max(depth, 1) for depth in depths if isinstance(depth, int)), 1), MAX_KEPT)


def _due(rows: Rows, *, by_publish: bool) -> int:
    return int((rows.publish_time_nanos if by_publish else rows.log_time_nanos)[0])


def _is_static(connection: Connection) -> bool:
    """Whether each message may hold other transforms."""
    return connection.topic.endswith("tf_static")
