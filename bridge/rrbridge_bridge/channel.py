"""One connection on its way into a recording: raw batches in, chunks out. Built once per connection, then only arrays move.

What an adapter need not care about, because it is done here for all:

* **entity**: the topic; `Emit.at` is below it.
* **times**: `message_log_time`, `message_publish_time`, and `ros2_timestamp` (ROS 1: `ros1_timestamp`; not ROS: `timestamp`)
  from `header.stamp`, or from a `stamp` or `timestamp` of the message itself; a zero stamp stays zero, as in the reference.
  `Emit.times` adds to these or replaces them; one named `rrbridge.columns.STAMP` goes where `header.stamp` would.
* **frames**: `CoordinateFrame:frame` from `header.frame_id`, one per message, on the topic's entity (for images with
  `_image_plane` behind it) and on every entity below it that gets spatial data. Not where the adapter emits that component
  itself, nor beside a Pinhole. A Transform3D without any frame places its entity, so it gets `parent_frame` instead.
  Spelling (a leading `/`, an empty name, the robot's prefix) is `rrbridge_bridge.frames`' business.
* **static transforms**: of a topic `…/tf_static`, each edge becomes a static row of its own entity.
* **failures**: an adapter may raise, or say that it `Skipped` messages; they keep their fields, and their bytes if the adapter
  `carries` some. If it does, a message that becomes no row counts as skipped even if the adapter says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rrbridge._arrow import list_array, list_values, primitive, unit_lists
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.adapters import Adapter, Skipped
from rrbridge.chunk import Chunk, ComponentColumn
from rrbridge.columns import STAMP, Columns, Emit, Ragged, is_stamp, nanos, take
from rrbridge.importers import Note
from rrbridge.plugins import FAULTS
from rrbridge_bridge import fields
from rrbridge_bridge.decode import Decode, Salvaged, decode_what_can
from rrbridge_bridge.emits import Placed, checked_rows, last_static_rows, scatter
from rrbridge_bridge.frames import with_frames
from rrbridge_bridge.raw import Connection, Int64s, RawBatch, gather_spans
from rrbridge_bridge.recording import Recording
from rrbridge_bridge.report import TopicReport
from rrbridge_bridge.salvage import salvage
from rrbridge_bridge.sharing import beside_their_bytes
from rrbridge_bridge.staging import StageRun

__all__ = ["Channel", "marked_as_repeated"]

RAW_DATA = ComponentDescriptor("McapMessage:data", "rerun.archetypes.McapMessage", "rerun.components.Blob")
CHANNEL_ID = ComponentDescriptor("channel_id")
SEQUENCE = ComponentDescriptor("sequence")
REPEATED = ComponentDescriptor("repeated")
LOG_TIMELINE = "message_log_time"
NO_ROWS = np.arange(0)
UNDECODED = frozenset({"ros2idl", "omgidl", "jsonschema", "json", "flatbuffer"})
"""Definitions and encodings that the reference importer does not read, so that it keeps bytes."""
STAMP_TIMELINES = {"ros1": "ros1_timestamp", "cdr": "ros2_timestamp"}
"""Where a message's own time goes, by encoding; of others to `timestamp`, as in the reference."""
CLOCK_TYPE = "rosgraph_msgs/msg/Clock"

ROS1_NAMES = {
    "sensor_msgs/msg/CameraInfo": {"D": "d", "K": "k", "R": "r", "P": "p"},
    "stereo_msgs/msg/DisparityImage": {"T": "t"},
}
"""Fields that ROS 2 spells differently; recordings have its names."""


@dataclass(frozen=True, eq=False)
class Channel:
    """One connection of one recording."""

    connection: Connection
    channel_id: int
    """What raw messages are marked with: distinct within the recording."""
    entity_path: str
    recording: Recording
    report: TopicReport
    decode: Decode | None
    """None: the messages can only be kept as bytes; the report says why."""
    adapter: Adapter | None
    stages: Sequence[StageRun] = ()

    def convert(self, batch: RawBatch, *, repeated: bool = False) -> list[Chunk]:
        """All chunks of a batch. `repeated` marks messages that were sent before a cut and stand at its start again."""
        self.report.messages += len(batch)
        if not len(batch):
            return []
        decoded = None if self.decode is None else decode_what_can(self.decode, batch)
        chunks = list(self._converted(batch, decoded))
        self.count(chunks)
        if repeated:
            chunks = [chunk if chunk.is_static else marked_as_repeated(chunk) for chunk in chunks]
        if decoded is not None and len(decoded.rows):
            for stage in self.stages:
                chunks += stage.take(self, batch.take(decoded.rows), self._renamed(decoded.columns))
        return chunks

    def count(self, chunks: Iterable[Chunk]) -> None:
        """Enter chunks into the report."""
        for chunk in chunks:
            self.report.enter(chunk)

    def bytes_only(self, batch: RawBatch, *, repeated: bool = False) -> list[Chunk]:
        """The messages' bytes and nothing else: what a recorder that has fallen behind still has time for."""
        self.report.messages += len(batch)
        chunks = self.recording.chunks(batch, _log_times(batch), [self._raw(batch)])
        return [marked_as_repeated(chunk) for chunk in chunks] if repeated else list(chunks)

    def _converted(self, batch: RawBatch, got: Salvaged | None) -> Iterator[Chunk]:
        if got is None:
            self.report.raw_only = True
            self.report.undecodable += len(batch)
            yield from self.recording.chunks(batch, _log_times(batch), [self._raw(batch)])
            return
        if len(got.rows):
            good = batch if len(got.rows) == len(batch) else batch.take(got.rows)
            yield from self._messages(good, self._renamed(got.columns))
        if len(got.bad):
            self.report.undecodable += len(got.bad)
            self.report.because(got.error or "they cannot be decoded")
            bad = batch.take(got.bad)
            yield from self.recording.chunks(bad, _log_times(bad), [self._raw(bad)])

    def _messages(self, batch: RawBatch, msgs: Columns) -> Iterator[Chunk]:
        options = self.recording.options
        count = len(batch)
        placed = self._mapped(msgs) if self.adapter else []
        carries = self.adapter.carries if self.adapter else frozenset[str]()
        keeps_bytes = options.raw or (options.mapping == "reference" and self._is_undecoded_by_reference)
        raw_rows = _rows_without(placed, count) if carries else np.arange(0)
        placed = with_frames(placed, msgs, self.entity_path)
        if options.fields == "all" or (options.fields == "unmapped" and not self.is_mapped):
            placed += self._fields(msgs, without=carries)
        if options.fields == "none" and not self.is_mapped and not options.raw:
            self.report.left_out += count
        if keeps_bytes:
            placed, raw_rows = beside_their_bytes(placed, batch, self._raw, self.entity_path)
        if len(raw_rows) == count:
            placed.append(self._raw(batch))
        elif len(raw_rows):
            raw = self._raw(batch.take(raw_rows))
            placed.append(replace(raw, rows=raw_rows))
        yield from self.recording.chunks(batch, self.times(batch, msgs), placed)

    def _mapped(self, msgs: Columns) -> list[Placed]:
        """What the adapter makes of the messages, message by message where it cannot take all at once."""
        adapter, count = self.adapter, len(msgs)
        assert adapter is not None

        def run(rows: Int64s) -> tuple[list[Placed], list[Skipped], list[Note]]:
            return self.collected(adapter(msgs if len(rows) == count else take(msgs, rows)), rows, count)

        got = salvage(count, run, FAULTS)  # an adapter may be a stranger's; its faults cost only what it would add
        found = [placed for _, (part, _, _) in got.parts for placed in part]
        skipped = [part for _, (_, parts, _) in got.parts for part in parts]
        if got.failed:
            skipped.append(
                Skipped(np.array(got.failed), f"{adapter.name} failed: {type(got.error).__name__}: {got.error}")
            )
        self.count_skipped(skipped, count, _rows_without(found, count) if adapter.carries else np.arange(0))
        return found

    def collected(
        self, emitted: Iterable[Emit | Skipped | Note], rows: Int64s, count: int
    ) -> tuple[list[Placed], list[Skipped], list[Note]]:
        """What was made of some of `count` messages, as rows of all of them."""
        whole = len(rows) == count
        found: list[Placed] = []
        skipped: list[Skipped] = []
        notes: list[Note] = []
        for item in emitted:
            if isinstance(item, Note):
                notes.append(item)
                continue
            if isinstance(item, Skipped):
                skipped.append(Skipped(rows[checked_rows(item.rows, len(rows), "Skipped.rows")], item.reason))
                continue
            for placed in scatter(self.named(item), self.entity_path, len(rows), self.recording.root_path):
                if not whole and not placed.static:
                    placed = replace(placed, rows=rows if placed.rows is None else rows[placed.rows])
                found += self._as_static(placed)
        return found, skipped, notes

    def count_skipped(self, skipped: Iterable[Skipped], count: int, without: Int64s = NO_ROWS) -> None:
        """Count the messages that could not be taken. `without`: those of which there is no row, but should be."""
        is_skipped = np.zeros(count, np.bool_)
        for part in skipped:
            if len(part.rows):
                is_skipped[part.rows] = True
                self.report.because(part.reason)
        if not is_skipped[without].all():
            is_skipped[without] = True
            self.report.because("nothing was made of them, and no reason given")
        self.report.unmapped += int(is_skipped.sum())

    def _renamed(self, msgs: Columns) -> Columns:
        names = ROS1_NAMES.get(self.connection.msgtype, {})
        if not any(name in names for name in msgs):
            return msgs
        return Columns(len(msgs), {names.get(name, name): msgs[name] for name in msgs}, self.connection.msgtype)

    @property
    def is_mapped(self) -> bool:
        """Whether messages become more than their fields."""
        return self.adapter is not None or bool(self.stages)

    @property
    def _is_undecoded_by_reference(self) -> bool:
        """Whether the reference importer knows only the messages' bytes."""
        return self.connection.definition_format in UNDECODED or self.connection.encoding in UNDECODED

    @property
    def _stamp_timeline(self) -> str:
        return STAMP_TIMELINES.get(self.connection.encoding, "timestamp")

    def named(self, emit: Emit) -> Emit:
        """With the stamp's timeline called as it is in this recording."""
        own = [TimeColumn.of(self._stamp_timeline, t.kind, t.values) if t.timeline == STAMP else t for t in emit.times]
        return replace(emit, times=own)

    def _as_static(self, placed: Placed) -> Iterable[Placed]:
        if placed.static or not self.connection.topic.endswith("tf_static"):
            return [placed]
        for column in placed.columns:
            if column.descriptor.component == "Transform3D:child_frame":
                _, children = list_values(column.cells)
                if len(children) == len(placed):
                    return last_static_rows(placed, children)
        return [placed]

    def _fields(self, msgs: Columns, *, without: frozenset[str]) -> list[Placed]:
        connection = self.connection
        # As the reference names it, also where an MCAP file of ROS 2 says `std_msgs/Float64`.
        spelled = connection.schema_name if connection.definition_format == "ros2msg" else ""
        archetype = fields.archetype_name(spelled or connection.msgtype or connection.encoding)
        column = fields.message_column(msgs, archetype, without=without)
        if column is None:
            return []
        self.report.with_fields = True
        name = self.recording.type_name(archetype, column.cells.type)
        if name != archetype:
            column = ComponentColumn(fields.component_of(name), column.cells)
        return [Placed(self.entity_path, (column,))]

    def _raw(self, batch: RawBatch) -> Placed:
        """The messages' bytes, and what else it takes to write them into a bag again."""
        data = _payloads(batch)
        blobs = list_array(data.offsets, primitive(data.values), nullable=False)
        count = len(batch)
        columns = (
            ComponentColumn(RAW_DATA, unit_lists(blobs)),
            ComponentColumn(CHANNEL_ID, unit_lists(primitive(np.full(count, self.channel_id, np.uint16)))),
            ComponentColumn(SEQUENCE, unit_lists(primitive(batch.sequence.astype(np.uint32)))),
        )
        return Placed(self.entity_path, columns)

    def times(self, batch: RawBatch, msgs: Columns) -> list[TimeColumn]:
        """The messages' own times, one value each."""
        times = _log_times(batch)
        stamp = _stamp_nanos(msgs)
        if stamp is not None:
            times.append(TimeColumn.of(self._stamp_timeline, TimeKind.TIMESTAMP, stamp))
        if self.connection.msgtype == CLOCK_TYPE and "clock" in msgs:
            times.append(TimeColumn.of("sim_time", TimeKind.TIMESTAMP, nanos(msgs.clock)))
        return times


def marked_as_repeated(chunk: Chunk, at_nanos: int | None = None) -> Chunk:
    """The same rows, marked as such that stand elsewhere too; at another log time if one is given."""
    count = chunk.num_rows
    times = dict(chunk.times)
    if at_nanos is not None:
        times[LOG_TIMELINE] = TimeColumn.of(LOG_TIMELINE, TimeKind.TIMESTAMP, np.full(count, at_nanos, np.int64))
    marks = ComponentColumn(REPEATED, unit_lists(primitive(np.ones(count, np.bool_))))
    components = {**chunk.components, REPEATED.component: marks}
    return Chunk.from_columns(
        chunk.entity_path, times=times.values(), components=components.values(), row_ids=chunk.row_ids
    )


def _log_times(batch: RawBatch) -> list[TimeColumn]:
    return [
        TimeColumn.of(LOG_TIMELINE, TimeKind.TIMESTAMP, batch.log_time_nanos),
        TimeColumn.of("message_publish_time", TimeKind.TIMESTAMP, batch.publish_time_nanos),
    ]


def _stamp_nanos(msgs: Columns) -> Int64s | None:
    header = msgs.get("header")
    places = [header.get("stamp")] if isinstance(header, Columns) else [msgs.get("stamp"), msgs.get("timestamp")]
    return next((nanos(stamp) for stamp in places if is_stamp(stamp)), None)


def _rows_without(placed: list[Placed], count: int) -> Int64s:
    """Messages that no row was made of."""
    without = np.ones(count, np.bool_)
    for item in placed:
        if not item.static:
            without[slice(None) if item.rows is None else item.rows] = False
    return np.flatnonzero(without)


def _payloads(batch: RawBatch) -> Ragged:
    """The messages' bytes end to end."""
    sizes, starts = batch.sizes, batch.starts
    offsets = Ragged.from_lengths(sizes, None).offsets
    if np.array_equal(starts, starts[0] + offsets[:-1]):
        first = int(starts[0])
        return Ragged(offsets, batch.buffer[first : first + int(offsets[-1])])
    return Ragged(offsets, gather_spans(batch.buffer, starts, sizes))
