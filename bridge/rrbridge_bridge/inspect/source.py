"""Where commands get messages from: a recording of any kind now; whatever else has topics may follow the same protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from rrbridge import importers
from rrbridge.columns import Columns
from rrbridge.errors import DamagedFileError, DecodeError, UnknownTypeError
from rrbridge.importers import ImportOptions, Note
from rrbridge_bridge.decode import Decode, decode_what_can, decoder_for
from rrbridge_bridge.decode.definitions import registry_for
from rrbridge_bridge.inspect.values import Path as FieldPath
from rrbridge_bridge.inspect.values import Style, Value, plain_value, value_of
from rrbridge_bridge.raw import Connection, Int64s, RawBatch
from rrbridge_bridge.readers import BagReader, ReadOptions, open_bag
from rrbridge_bridge.readers._blocks import Rows

if TYPE_CHECKING:
    from rrbridge._descriptor import ComponentDescriptor
    from rrbridge.chunk import Chunk
    from rrbridge.rrd import Manifest
    from rrbridge_bridge.decode.tree import Definition

__all__ = ["Arrivals", "BagSource", "Channel", "ChunkSource", "Message", "RawSource", "Source", "source_of"]

FIELDS = ":message"
"""Ends the name of the component that holds a message's fields."""


@dataclass(frozen=True, eq=False, slots=True)
class Message:
    """One message, read when asked for a value."""

    topic: str
    msgtype: str
    log_time_nanos: int
    value: Callable[[FieldPath, Style], Value]
    """The message, or a field of it. Raises InvalidValueError if there is no such field."""


@dataclass(frozen=True, eq=False, slots=True)
class Arrivals:
    """When messages of one topic came and how large they were; arrays of shape (N,)."""

    topic: str
    log_time_nanos: Int64s
    sizes: Int64s
    """Bytes as they travelled; of what no longer has them, the bytes it takes in the recording."""


class Source(Protocol):
    """Something that has topics and messages."""

    def topics(self) -> Mapping[str, str]:
        """The type of each topic; of several the first."""

    def messages(self, options: ReadOptions) -> Iterator[Message]:
        """Messages one by one, in the order in which they came."""

    def arrivals(self, options: ReadOptions, *, exact: bool) -> Iterator[Arrivals]:
        """Times and sizes only, many at once. If not `exact`, sizes may be those that an index lets guess."""

    @property
    def notes(self) -> Sequence[Note]:
        """What reading found to be missing or odd."""


def source_of(path: Path, definitions: Sequence[Path] = ()) -> Source:
    """A file or folder of any kind. Raises FileError."""
    from rrbridge_bridge.importers import BagImporter

    if isinstance(importers.find(path), BagImporter):
        return BagSource(path, definitions)
    return ChunkSource(path, definitions)


class _Messages(Protocol):
    """What can be read message by message."""

    @property
    def connections(self) -> Sequence[Connection]: ...

    @property
    def notes(self) -> Sequence[Note]: ...

    def rows(self, options: ReadOptions | None = None) -> Iterator[Rows]: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class BagSource:
    """A recording of messages as they travelled."""

    def __init__(self, path: Path, definitions: Sequence[Path] = ()) -> None:
        self.path = path
        self._definitions = definitions
        self._distro = ""
        self._notes: dict[Note, None] = {}

    @property
    def notes(self) -> Sequence[Note]:
        """What reading found to be missing or odd."""
        return tuple(self._notes)

    def topics(self) -> Mapping[str, str]:
        """The type of each topic."""
        with self._opened() as reader:
            return {c.topic: c.msgtype for c in reversed(reader.connections)}

    def messages(self, options: ReadOptions) -> Iterator[Message]:
        """Messages in file order, decoded many at a time."""
        known: dict[int, Channel] = {}
        for connection, batches in self._runs(options, known):
            channel = known[connection]
            yield from channel.messages(batches)
        for channel in known.values():
            self._notes |= dict.fromkeys(channel.notes())

    def _runs(self, options: ReadOptions, known: dict[int, Channel]) -> Iterator[tuple[int, RawBatch]]:
        """Stretches of messages of one connection that follow each other."""
        with self._opened() as reader:
            for rows in reader.rows(options):
                connections = {c.id: c for c in reader.connections}
                cuts = np.flatnonzero(np.diff(rows.connection_ids)) + 1
                for index in np.split(np.arange(len(rows.order)), cuts):
                    connection = connections.get(int(rows.connection_ids[index[0]])) if len(index) else None
                    if connection is None:
                        continue
                    if connection.id not in known:
                        known[connection.id] = Channel.of(connection, self._definitions, self._distro)
                    yield connection.id, rows.batch(connection, slice(int(index[0]), int(index[-1]) + 1))
            self._notes |= dict.fromkeys(reader.notes)

    def arrivals(self, options: ReadOptions, *, exact: bool) -> Iterator[Arrivals]:
        """Times and sizes, without decoding; without reading the messages where an index knows them all."""
        indexed = None if exact else self._by_index(options)
        if indexed is not None:
            yield from indexed
            return
        with self._opened() as reader:
            for rows in reader.rows(options):
                topics = {c.id: c.topic for c in reader.connections}
                for number in np.unique(rows.connection_ids).tolist():
                    if number in topics:
                        own = rows.connection_ids == number
                        yield Arrivals(topics[number], rows.log_time_nanos[own], rows.sizes[own])
            self._notes |= dict.fromkeys(reader.notes)

    def _opened(self) -> _Messages:
        reader = open_bag(self.path)
        self._distro = reader.ros_distro
        return reader

    def _by_index(self, options: ReadOptions) -> list[Arrivals] | None:
        with open_bag(self.path) as reader:
            try:
                return _by_index(reader, options)
            except DamagedFileError:
                return None  # reading says what is wrong, and goes on behind it


class RawSource(BagSource):
    """The bytes of messages that a recording of chunks kept."""

    def _opened(self) -> _Messages:
        from rrbridge_bridge.readers.rrd import RrdMessages

        return RrdMessages(self.path)

    def _by_index(self, options: ReadOptions) -> list[Arrivals] | None:  # noqa: ARG002 - as its base has it
        return None


def _by_index(reader: BagReader, options: ReadOptions) -> list[Arrivals] | None:
    """What the indexes say of all messages; None if they do not say it."""
    from rrbridge_bridge.inspect.parts import has_index, indexed_messages, is_complete, parts_of

    found = []
    for part in parts_of(reader):
        if not has_index(part):
            return None
        topics = {c.id: c.topic for c in part.connections}
        counts: dict[int, int] = {}
        for messages in indexed_messages(part):
            for number in np.unique(messages.connection_ids).tolist():
                own = np.flatnonzero(messages.connection_ids == number)
                counts[number] = counts.get(number, 0) + len(own)
                own = own[_within(messages.log_time_nanos[own], options)]
                if number in topics and options.wants(topics[number]):
                    found.append(Arrivals(topics[number], messages.log_time_nanos[own], messages.sizes[own]))
        if not is_complete(part, counts):
            return None
    return found


def _within(times: Int64s, options: ReadOptions) -> Any:
    keep = np.ones(len(times), np.bool_)
    if options.start_nanos is not None:
        keep &= times >= options.start_nanos
    if options.end_nanos is not None:
        keep &= times <= options.end_nanos
    return keep


@dataclass(eq=False, slots=True)
class Channel:
    """How the messages of one connection are decoded, and what could not be."""

    connection: Connection
    decode: Decode | None
    definitions: Mapping[str, Definition]
    why: str = ""
    bad: int = 0

    @classmethod
    def of(cls, connection: Connection, folders: Sequence[Path], distro: str) -> Channel:
        """Ready to decode, or with the reason why not."""
        try:
            decode = decoder_for(connection, definitions=folders, ros_distro=distro)
        except (DecodeError, UnknownTypeError) as err:
            return cls(connection, None, {}, str(err))
        try:
            return cls(connection, decode, registry_for(connection, folders=folders, ros_distro=distro))
        except (DecodeError, UnknownTypeError):
            return cls(connection, decode, {})

    def messages(self, batch: RawBatch) -> Iterator[Message]:
        """Those that can be decoded; the others are counted."""
        if self.decode is None:
            self.bad += len(batch)
            return
        got = decode_what_can(self.decode, batch)
        self.bad += len(got.bad)
        if got.error:
            self.why = str(got.error)
        topic, msgtype, times = self.connection.topic, self.connection.msgtype, batch.log_time_nanos.tolist()
        for at, row in enumerate(got.rows.tolist()):
            yield Message(topic, msgtype, times[row], partial(self._value, got.columns, at))

    def _value(self, msgs: Columns, row: int, path: FieldPath, style: Style) -> Value:
        definitions, msgtype = self.definitions, self.connection.msgtype
        return value_of(msgs, row, msgtype=msgtype, definitions=definitions, path=path, style=style)

    def notes(self) -> Iterator[Note]:
        """What was missing."""
        if self.bad:
            yield Note(f"{self.bad} messages of {self.connection.topic} cannot be read: {self.why}", is_loss=True)


class ChunkSource:
    """A recording of chunks: an entity is a topic; a message is its fields, or else the components logged at once."""

    def __init__(self, path: Path, definitions: Sequence[Path] = ()) -> None:
        self.path = path
        self._notes: dict[Note, None] = {}
        self._raw = RawSource(path, definitions)

    @property
    def notes(self) -> Sequence[Note]:
        """What reading found to be missing or odd."""
        return tuple(self._notes | dict.fromkeys(self._raw.notes))

    def topics(self) -> Mapping[str, str]:
        """The archetypes of each entity."""
        return {topic.topic: topic.msgtype for topic in importers.info(self.path).topics}

    def messages(self, options: ReadOptions) -> Iterator[Message]:
        """Messages whose bytes were kept; then the rows of each other chunk, or only fields where messages kept these."""
        raw, with_fields = self._kinds()
        kept, others = _parted(options, raw)
        if any(map(options.wants, raw)):
            yield from self._raw.messages(kept)
        for chunk in self._chunks(others):
            topic, times = chunk.entity_path, _log_times(chunk).tolist()
            cells = {name: column.cells for name, column in chunk.components.items()}
            if topic not in with_fields:
                for row in range(chunk.num_rows):
                    yield Message(topic, "", times[row], partial(_components, cells, row))
                continue
            for name in filter(_is_fields, cells):
                msgtype = name.removesuffix(FIELDS).replace(".", "/")
                for row in np.flatnonzero(cells[name].is_valid()).tolist():
                    yield Message(topic, msgtype, times[row], partial(_struct, cells[name], row))

    def arrivals(self, options: ReadOptions, *, exact: bool) -> Iterator[Arrivals]:
        """Times and sizes of messages whose bytes were kept; of others, times, and the bytes that they take here.

        What a message became may be in several chunks: it counts where its fields are.
        """
        raw, with_fields = self._kinds()
        kept, others = _parted(options, raw)
        if any(map(options.wants, raw)):
            yield from self._raw.arrivals(kept, exact=exact)
        times: dict[str, list[Int64s]] = {}
        nbytes: dict[str, int] = {}
        for chunk in self._chunks(others):
            if not chunk.is_static:
                entity = chunk.entity_path
                nbytes[entity] = nbytes.get(entity, 0) + chunk.nbytes
                if entity not in with_fields or any(map(_is_fields, chunk.components)):
                    times.setdefault(entity, []).append(_log_times(chunk))
        for entity, found in times.items():
            own = np.concatenate(found)
            yield Arrivals(entity, own, np.full(len(own), nbytes[entity] // len(own), np.int64))

    def _kinds(self) -> tuple[set[str], set[str]]:
        """Entities that have the bytes of all messages, and entities that have their fields."""
        from rrbridge.rrd import RrdReader
        from rrbridge.rrd._message_bytes import DATA

        reader = RrdReader(self.path, on_damage=lambda _: None)  # whoever reads the chunks is told
        kept: dict[str, int] = {}
        fields: dict[str, int] = {}
        for manifest in reader.manifests():
            for entity, components in manifest.components.items():
                for one in components:
                    rows = max((_rows(manifest, name, one) for name in manifest.timelines), default=0)
                    if one.component == DATA:
                        kept[entity] = kept.get(entity, 0) + rows
                    elif _is_fields(one.component):
                        fields[entity] = fields.get(entity, 0) + rows
        whole = {entity for entity, rows in kept.items() if rows >= fields.get(entity, 0)}
        # A prefix gives entities other names than topics.
        return (whole & self._raw.topics().keys() if whole else whole), set(fields)

    def _chunks(self, options: ReadOptions) -> Iterator[Chunk]:
        from rrbridge._messages import StoredChunk, StoreKind

        def note(found: Note) -> None:
            self._notes[found] = None

        asked = ImportOptions(
            start_nanos=options.start_nanos, end_nanos=options.end_nanos, note=note, progress=options.progress
        )
        for message in importers.read(self.path, asked):
            if isinstance(message, StoredChunk) and message.store_id.kind is StoreKind.RECORDING:
                chunk = message.chunk
                if chunk.num_rows and options.wants(chunk.entity_path):
                    yield chunk


def _parted(options: ReadOptions, kept: set[str]) -> tuple[ReadOptions, ReadOptions]:
    """The same of what was kept, and of all else."""
    return (
        replace(options, wants=lambda topic: topic in kept and options.wants(topic)),
        replace(options, wants=lambda topic: topic not in kept and options.wants(topic)),
    )


def _rows(manifest: Manifest, timeline: str, component: ComponentDescriptor) -> int:
    """How many values a component has on a timeline."""
    found = manifest.component_rows(timeline, component)
    if found is not None:
        return int(found.sum())
    times = manifest.component_times(timeline, component)
    return 0 if times is None else int(times.present.sum())


def _is_fields(component: str) -> bool:
    return component.endswith(FIELDS)


def _log_times(chunk: Chunk) -> Int64s:
    for name in ("message_log_time", "log_time", *chunk.times):
        if name in chunk.times:
            return np.asarray(chunk.times[name].values, np.int64)
    return np.zeros(chunk.num_rows, np.int64)


def _struct(cells: Any, row: int, path: FieldPath, style: Style) -> Value:
    return plain_value(cells[row].as_py()[0], path, style)


def _components(cells: Mapping[str, Any], row: int, path: FieldPath, style: Style) -> Value:
    found = {name: column[row].as_py() for name, column in cells.items() if column[row].is_valid}
    return plain_value(found, path, style)
