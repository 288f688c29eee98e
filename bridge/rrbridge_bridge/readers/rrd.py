"""Messages out of an `.rrd` that has their bytes: `McapMessage:data`, in the order of row ids.

A file may be larger than memory, and its chunks, one topic each, overlap in row ids. So the chunks' ranges of ids are found
first; then chunks are read in the order of their first ids, and rows are given out as far as no unread chunk can have earlier
ones. Chunks of which rows are still to come keep their ids and times in memory, and their bytes as long as there is room.

Rows that a cut carried along, marked as repeated, are messages only of latched topics: only these were to be had again by whoever
came late to the robot, too.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import list_values, valid_rows
from rrbridge._chunk import Chunk
from rrbridge._messages import StoreId, StoreKind
from rrbridge.errors import DamagedFileError, FileError
from rrbridge.importers import Note, Summary
from rrbridge.rrd import Damage, Manifest, RrdReader
from rrbridge.rrd._importer import importer
from rrbridge.rrd._message_bytes import DATA
from rrbridge.rrd.tools.latched import REPEATED
from rrbridge_bridge.beside import ATTACHMENTS, METADATA, RECORDS
from rrbridge_bridge.closing import Closing
from rrbridge_bridge.latched import is_latched
from rrbridge_bridge.raw import Bytes, Connection, Int64s, RawBatch
from rrbridge_bridge.readers._beside import AttachedFile, NamedMetadata
from rrbridge_bridge.readers._blocks import Blocks, Rows
from rrbridge_bridge.readers._notes import Notes
from rrbridge_bridge.readers._reader import ReadOptions
from rrbridge_bridge.readers._rrd_channels import Channels, pairs_of
from rrbridge_bridge.readers._time_spans import TimeSpans

__all__ = ["NoBytesError", "RrdMessages"]

FIELDS = ":message"
"""What components with all fields of a message end in."""
BLOCK_BYTES = 16 << 20
"""So many payload bytes of new chunks are taken up at a time."""
HELD_BYTES = 256 << 20
"""So many payload bytes of chunks that are not used up stay in memory; others are read again."""
SOURCE = "/__properties/source"
NOTHING = np.zeros(0, np.uint8)


class NoBytesError(FileError):
    """A recording without messages' bytes."""


@dataclass(frozen=True, slots=True)
class _Span:
    """Where a chunk lies in the order of rows."""

    index: int
    """In the manifest."""
    first: bytes
    last: bytes
    nbytes: int
    """Of its payloads."""


class _Open:
    """The rows of a chunk that are still to come."""

    def __init__(self, index: int, rows: Rows, ids: npt.NDArray[np.bytes_]) -> None:
        self.index = index
        self._rows = rows
        """Without their buffer."""
        self._ids = ids
        self._at = 0

    def __len__(self) -> int:
        return len(self._ids) - self._at

    def until(self, horizon: bytes | None) -> tuple[Rows, npt.NDArray[np.bytes_]]:
        """The rows before an id, which then are given out; None: all."""
        stop = len(self._ids) if horizon is None else int(np.searchsorted(self._ids, np.bytes_(horizon)))
        part = slice(self._at, max(stop, self._at))
        self._at = part.stop
        return self._rows.take(part), self._ids[part]


class RrdMessages(Closing):
    """The messages of the one recording in a file that has any."""

    format = "RRD"
    ros_distro = ""
    """Not known: recordings keep the definitions of their messages."""
    mcap_profile = None
    """It is no MCAP file."""

    def __init__(self, path: Path) -> None:
        """Raises FileError if the file has no messages with bytes, or several recordings that have."""
        self.path = path
        self._notes = Notes()
        self._reader = RrdReader(path, on_damage=self._tell)
        manifests = [m for m in self._reader.manifests() if m.store_id.kind is StoreKind.RECORDING]
        having = [manifest for manifest in manifests if _raw_chunks(manifest).size or _is_of_nothing(manifest)]
        if not having:
            raise NoBytesError(
                path,
                "has no message bytes, so these cannot be had again; convert the original bag, or make the .rrd with --raw "
                "(rrbridge record keeps the bytes unless told --no-raw)",
            )
        if len(having) > 1:
            raise FileError(path, "holds several recordings with messages, which cannot be one; give a file for each")
        self._manifest = having[0]
        self.known_until = b""
        """The last row id of earlier parts of the same run: what was carried over from there is left out."""
        self.last_id = b""
        """The last row id so far."""
        self._payloads: OrderedDict[int, Bytes] = OrderedDict()
        self._held = 0

    def _tell(self, damage: Damage) -> None:
        self._notes.lost(str(damage))

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()

    @property
    def store_id(self) -> StoreId:
        """Of the recording."""
        return self._manifest.store_id

    @property
    def notes(self) -> Sequence[Note]:
        """What a person should know about this file; reading may add to it."""
        return self._notes.found

    @cached_property
    def _statics(self) -> dict[str, dict[str, pa.Array]]:
        """Static cells by entity and component: of several, those that were logged last."""
        found: dict[str, dict[str, pa.Array]] = {}
        newest: dict[tuple[str, str], bytes] = {}
        for index in np.flatnonzero(self._manifest.is_static):
            chunk = self._chunk(int(index))
            if chunk is None:
                continue
            ids = _ids(chunk)
            for name, column in chunk.components.items():
                for row in np.argsort(ids, kind="stable").tolist():
                    key = (chunk.entity_path, name)
                    if name == "McapSchema:name" and column.cells[row].is_valid and key in newest:
                        self._check_one_type(
                            chunk.entity_path, found[chunk.entity_path][name], column.cells[row].values
                        )
                    if column.cells[row].is_valid and ids[row] >= newest.get(key, b""):
                        newest[key] = bytes(ids[row])
                        found.setdefault(chunk.entity_path, {})[name] = column.cells[row].values
        return found

    def _check_one_type(self, entity: str, one: pa.Array, other: pa.Array) -> None:
        types = sorted({str(name) for name in (*one.to_pylist(), *other.to_pylist())})
        if len(types) > 1:
            text = f"{entity} is a topic of recordings that were put together, with messages of {' and '.join(types)}"
            self._notes.lost(f"{text}: all are taken for one of these; convert each recording by itself")

    @cached_property
    def connections(self) -> Sequence[Connection]:
        """One for each channel, by id."""
        return self._channels.connections()

    @cached_property
    def _channels(self) -> Channels:
        return Channels(self._statics)

    @property
    def time_range(self) -> tuple[int, int] | None:
        """When the first and the last message was logged; None without messages."""
        times, raw = self._manifest.times("message_log_time"), _raw_chunks(self._manifest)
        raw = raw[times.present[raw]]
        return (int(times.start[raw].min()), int(times.end[raw].max())) if len(raw) else None

    def time_spans(self) -> TimeSpans | None:
        """When its chunks begin and end."""
        times, raw = self._manifest.times("message_log_time"), _raw_chunks(self._manifest)
        if not times.present[raw].all():
            return None
        known = self._manifest.uncompressed_sizes
        sizes = (self._manifest.byte_sizes if known is None else known)[raw].astype(np.int64)
        return TimeSpans(times.start[raw], times.end[raw], np.maximum(sizes, 1))

    def topics_without_bytes(self) -> list[str]:
        """Topics with messages of which some, or all, have no bytes: such as were converted without `--raw`.

        The recording says whether it was; a recorder's does not, there are then fewer rows with bytes than with fields.
        """
        manifest = self._manifest
        topics = {path: cells for path, cells in self._statics.items() if "McapChannel:topic" in cells}
        paths = np.array(manifest.entity_paths, object)
        has_bytes = np.isin(np.arange(len(manifest)), _raw_chunks(manifest))
        kept = self._statics.get(SOURCE, {}).get("bytes")
        if kept is not None and "all" not in kept.to_pylist():
            others = {_topic_of(path, topics) for path in set(paths[~manifest.is_static & ~has_bytes])}
            missing = [path for path in topics if path in others]
        else:
            used = {_topic_of(path, topics) for path in set(paths[~manifest.is_static])}
            with_bytes = _rows_with(manifest, lambda component: component == DATA)
            with_fields = _rows_with(manifest, lambda component: component.endswith(FIELDS))
            missing = [p for p in topics if p in used and with_bytes.get(p, 0) < max(1, with_fields.get(p, 0))]
        return sorted(str(topics[path]["McapChannel:topic"][0].as_py()) for path in missing)

    @property
    def profile(self) -> str | None:
        """Of the MCAP file that the recording was made of."""
        cells = self._statics.get(SOURCE, {}).get("profile")
        return None if cells is None or not len(cells) else str(cells[0].as_py())

    def metadata_records(self) -> Iterator[NamedMetadata]:
        """Metadata records of the MCAP files that the recording was made of."""
        every = self._statics.get(RECORDS, {})
        if {"names", "values"} <= every.keys():
            for name, pairs in zip(every["names"].to_pylist(), every["values"].to_pylist(), strict=True):
                yield NamedMetadata(name, pairs_of(pairs))
        else:
            for name, cells in self._statics.get(METADATA, {}).items():
                yield from (NamedMetadata(name, pairs_of(pairs)) for pairs in cells.to_pylist())

    def attachments(self) -> Iterator[AttachedFile]:
        """Attachments of these files."""
        kept = self._statics.get(ATTACHMENTS, {})
        if not {"data", "metadata"} <= kept.keys():
            return
        for data, about in zip(kept["data"], kept["metadata"].to_pylist(), strict=True):
            facts = pairs_of(about)
            yield AttachedFile(
                name=facts.get("name", ""),
                media_type=facts.get("media_type", ""),
                log_time_nanos=int(facts.get("log_time", "0")),
                create_time_nanos=int(facts.get("create_time", "0")),
                data=data.values.to_numpy().tobytes(),
                offset=int(facts.get("offset", "0")),
            )

    def summary(self) -> Summary:
        """What the file holds, one topic per entity."""
        return importer.info(self.path)

    def batches(self, options: ReadOptions | None = None) -> Iterator[RawBatch]:
        """The messages in file order within each connection; see `BagReader.batches`."""
        options = options or ReadOptions()
        blocks = Blocks({connection.id: connection for connection in self.connections}, options)
        for rows in self.rows(options):
            yield from blocks.add(rows)
        yield from blocks.flush()
        if blocks.unknown:
            self._notes.lost(f"{blocks.unknown} messages belong to no known connection; they are left out")

    def rows(self, options: ReadOptions | None = None) -> Iterator[Rows]:
        """The messages of all connections in the order of row ids; see `BagReader.rows`."""
        options = options or ReadOptions()
        connections = {connection.id: connection for connection in self.connections}
        spans = self._spans(options)
        total = sum(span.nbytes for span in spans)
        active: list[_Open] = []
        at, done, order = 0, 0, 0
        while at < len(spans) or active:
            taken = 0
            while at < len(spans) and taken < BLOCK_BYTES:
                opened = self._opened(spans[at].index)
                taken += spans[at].nbytes
                at += 1
                if opened is not None:
                    active.append(opened)
            rows = self._merged(active, spans[at].first if at < len(spans) else None, order)
            active = [one for one in active if len(one)]
            self._forget_all_but({one.index for one in active})
            order += len(rows)
            done += taken
            yield rows.chosen(connections, options)
            if options.progress:
                options.progress(done, total)

    def _spans(self, options: ReadOptions) -> list[_Span]:
        """Every chunk that may have wanted rows, by its first id."""
        manifest, spans = self._manifest, []
        times = manifest.times("message_log_time")
        wanted = {path: self._is_wanted(path, options) for path in set(manifest.entity_paths)}
        for index in _raw_chunks(manifest).tolist():
            if not wanted[manifest.entity_paths[index]]:
                continue
            if times.present[index] and (
                (options.end_nanos is not None and times.start[index] > options.end_nanos)
                or (options.start_nanos is not None and times.end[index] < options.start_nanos)
            ):
                continue
            chunk = self._chunk(index)
            if chunk is None or DATA not in chunk.components:
                continue
            ids = np.sort(_ids(chunk))
            _, payload_lists = list_values(chunk.components[DATA].cells)
            spans.append(_Span(index, bytes(ids[0]), bytes(ids[-1]), payload_lists.nbytes))
        spans.sort(key=lambda span: span.first)
        return spans

    def _is_wanted(self, entity: str, options: ReadOptions) -> bool:
        """Whether chunks of an entity may have messages of a wanted topic."""
        named = self._statics.get(entity, {}).get("McapChannel:topic")
        return named is None or any(options.wants(str(topic)) for topic in named.to_pylist())

    def _opened(self, index: int) -> _Open | None:
        chunk = self._chunk(index)
        if chunk is None:
            return None
        rows, buffer = self._rows_of(chunk)
        ids = _ids(chunk)[rows.order]
        superfluous = self._superfluous(chunk, rows, ids)
        if superfluous.any():
            rows, ids = rows.take(~superfluous), ids[~superfluous]
        if len(ids) > 1 and (ids[1:] < ids[:-1]).any():
            by_id = np.argsort(ids, kind="stable")
            rows, ids = rows.take(by_id), ids[by_id]
        self._hold(index, buffer)
        return _Open(index, rows, ids)

    @cached_property
    def _latched(self) -> list[int]:
        return [connection.id for connection in self.connections if is_latched(connection)]

    def _superfluous(self, chunk: Chunk, rows: Rows, ids: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bool_]:
        """Which messages of a chunk are there only because a cut carried them along."""
        marks = chunk.components.get(REPEATED)
        if marks is None:
            return np.zeros(len(rows), np.bool_)
        is_repeated = valid_rows(marks.cells)[rows.order]
        return is_repeated & (~np.isin(rows.connection_ids, self._latched) | (ids <= np.bytes_(self.known_until)))

    def _rows_of(self, chunk: Chunk) -> tuple[Rows, Bytes]:
        """The messages of a chunk, and the buffer that they are in; their `order` is the row."""
        cells = chunk.components[DATA].cells
        starts, sizes, rows, buffer = _payloads(cells)
        count = len(rows)
        channels = _numbers(chunk, "channel_id", rows)
        if channels is None:
            cell = self._statics.get(chunk.entity_path, {}).get("McapChannel:id")
            channels = np.full(count, -1 if cell is None else cell[0].as_py(), np.int64)
        channels = self._channels.numbers(chunk.entity_path, channels)
        sequence = _numbers(chunk, "sequence", rows)
        times = {name: column.values[rows] for name, column in chunk.times.items()}
        log_times = times.get("message_log_time", times.get("log_time", np.zeros(count, np.int64)))
        return Rows(
            NOTHING,
            channels,
            starts,
            sizes,
            log_times,
            times.get("message_publish_time", log_times),
            np.zeros(count, np.uint32) if sequence is None else sequence.astype(np.uint32),
            rows,
        ), buffer

    def _merged(self, active: Sequence[_Open], horizon: bytes | None, order: int) -> Rows:
        """All rows of the open chunks before an id, in order, over one buffer."""
        parts, ids, pieces, base = [], [], [], 0
        for one in active:
            rows, own = one.until(horizon)
            if not len(rows):
                continue
            payload = self._payload(one.index)
            # Of a large chunk only the part that is needed moves on.
            low = int(rows.starts.min())
            high = int((rows.starts + rows.sizes).max())
            pieces.append(payload[low:high])
            parts.append(replace(rows, starts=rows.starts + (base - low)))
            ids.append(own)
            base += high - low
        if not parts:
            return _nothing()
        every_id = np.concatenate(ids)
        by_id = np.argsort(every_id, kind="stable")
        self.last_id = max(self.last_id, bytes(every_id[by_id[-1]]))
        joined = _joined(parts, np.concatenate(pieces) if len(pieces) > 1 else pieces[0])
        merged = joined.take(by_id)
        return replace(merged, order=np.arange(order, order + len(merged)))

    def _payload(self, index: int) -> Bytes:
        found = self._payloads.get(index)
        if found is None:
            chunk = self._chunk(index)
            if chunk is None:
                raise FileError(self.path, "became unreadable while it was read")
            found = _payloads(chunk.components[DATA].cells)[3]
            self._hold(index, found)
        else:
            self._payloads.move_to_end(index)
        return found

    def _hold(self, index: int, payload: Bytes) -> None:
        self._payloads[index] = payload
        self._held += len(payload)
        while self._held > HELD_BYTES and len(self._payloads) > 1:
            self._held -= len(self._payloads.popitem(last=False)[1])

    def _forget_all_but(self, needed: set[int]) -> None:
        for index in [index for index in self._payloads if index not in needed]:
            self._held -= len(self._payloads.pop(index))

    def _chunk(self, index: int) -> Chunk | None:
        """None if it is damaged, which is told."""
        try:
            return self._reader.chunk(self._manifest, index)
        except DamagedFileError as err:
            self._tell(Damage(err.offset, err.reason))
            return None


def _raw_chunks(manifest: Manifest) -> Int64s:
    """The chunks that may hold message bytes."""
    having = {path for path, known in manifest.components.items() if any(d.component == DATA for d in known)}
    is_raw = np.array([path in having for path in manifest.entity_paths], np.bool_) & ~manifest.is_static
    for timeline in manifest.timelines:
        for descriptor in {d for known in manifest.components.values() for d in known if d.component == DATA}:
            counts = manifest.component_rows(timeline, descriptor)
            if counts is not None and timeline == "message_log_time":
                is_raw &= counts > 0
    return np.flatnonzero(is_raw)


def _topic_of(path: str, topics: Collection[str]) -> str | None:
    """The nearest entity at or above one that is a topic's."""
    while path not in topics and path != "/":
        path = path.rpartition("/")[0] or "/"
    return path if path in topics else None


def _rows_with(manifest: Manifest, is_wanted: Callable[[str], bool]) -> dict[str, int]:
    """How many rows of each entity have such a component, as far as the index tells; else as many as its chunks have."""
    paths = np.array(manifest.entity_paths, object)
    found: dict[str, int] = {}
    for entity, known in manifest.components.items():
        here = (paths == entity) & ~manifest.is_static
        for descriptor in known:
            if not is_wanted(descriptor.component) or not here.any():
                continue
            counts = manifest.component_rows("message_log_time", descriptor)
            if counts is None:
                counts = manifest.num_rows if manifest.num_rows is not None else np.ones(len(manifest), np.uint64)
            found[entity] = max(found.get(entity, 0), int(counts[here].sum()))
    return found


def _is_of_nothing(manifest: Manifest) -> bool:
    """Whether it was made of a bag without any messages."""
    about = {"McapChannel:topic", "format"}
    names = {descriptor.component for known in manifest.components.values() for descriptor in known}
    return bool(manifest.is_static.all()) and not about.isdisjoint(names)


def _ids(chunk: Chunk) -> npt.NDArray[np.bytes_]:
    raw: npt.NDArray[np.bytes_] = np.ascontiguousarray(chunk.row_ids, ">u8").view("S16").reshape(-1)
    return raw


def _payloads(cells: pa.Array) -> tuple[Int64s, Int64s, Int64s, Bytes]:
    """`(starts, sizes, rows, buffer)` of the messages in a column: one per row that has a value."""
    row_offsets, lists = list_values(cells)
    counts = (row_offsets[1:] - row_offsets[:-1]).astype(np.int64)
    byte_offsets, values = list_values(lists)
    offsets = byte_offsets.astype(np.int64)
    rows = np.repeat(np.arange(len(counts)), counts)
    buffer: Bytes = np.asarray(values.to_numpy(), np.uint8)
    return offsets[:-1], offsets[1:] - offsets[:-1], rows, buffer


def _numbers(chunk: Chunk, component: str, rows: Int64s) -> Int64s | None:
    column = chunk.components.get(component)
    if column is None:
        return None
    values = column.cells.take(pa.array(rows)).flatten()
    return values.to_numpy(zero_copy_only=False).astype(np.int64) if len(values) == len(rows) else None


def _nothing() -> Rows:
    none = np.zeros(0, np.int64)
    return Rows(NOTHING, none, none, none, none, none, np.zeros(0, np.uint32), none)


def _joined(parts: Sequence[Rows], buffer: Bytes) -> Rows:
    def all_of(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])

    return Rows(
        buffer,
        all_of("connection_ids"),
        all_of("starts"),
        all_of("sizes"),
        all_of("log_time_nanos"),
        all_of("publish_time_nanos"),
        all_of("sequence"),
        all_of("order"),
    )
