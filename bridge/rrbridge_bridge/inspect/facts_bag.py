"""Facts about recordings of messages."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rrbridge.errors import DamagedFileError, DecodeError, UnknownTypeError
from rrbridge_bridge.inspect.facts import Attached, Facts, TopicFacts
from rrbridge_bridge.inspect.facts_recorder import recorded_in_mcap
from rrbridge_bridge.inspect.parts import indexed_messages, is_complete, parts_of
from rrbridge_bridge.inspect.sample import Frames, frame_reader, frames_of
from rrbridge_bridge.inspect.tally import Tally, tally_rows
from rrbridge_bridge.raw import Connection
from rrbridge_bridge.readers import BagReader, open_bag
from rrbridge_bridge.readers._folder import FolderReader
from rrbridge_bridge.readers._indexed import Compression
from rrbridge_bridge.readers.bag import Ros1BagReader
from rrbridge_bridge.readers.db3 import Db3Reader
from rrbridge_bridge.readers.mcap import McapReader

__all__ = ["bag_facts"]

HEADS_BYTES = 256 << 20
"""A larger `.db3` is not gone through row by row unasked: its rows stand between the payloads."""
QUICK_CHUNKS = 8192
"""Nor are the message indexes of a file with more chunks, which stand behind each chunk."""
TRANSIENT_LOCAL = re.compile(r"durability:\s*(?:1\b|['\"]?transient_local)")


@dataclass(slots=True)
class _Gathered:
    """What is put together from one file, or the parts of one recording."""

    tallies: dict[tuple[str, str], list[Tally]] = field(default_factory=dict)
    is_timed: bool = True
    """Whether every part told the times of all its messages."""
    is_exact: bool = True
    compression: list[Compression] = field(default_factory=list)
    made_by: dict[str, str] = field(default_factory=dict)
    attachments: list[Attached] = field(default_factory=list)
    metadata: dict[str, Mapping[str, str]] = field(default_factory=dict)
    frames: dict[tuple[str, str], dict[str, None]] = field(default_factory=dict)
    sampled: int = 0


def bag_facts(path: Path, *, scan: bool, definitions: Sequence[Path] = ()) -> Facts:
    """What a bag, an MCAP file or a rosbag2 recording holds. Raises FileError."""
    with open_bag(path) as reader:
        summary = reader.summary()
        found = _Gathered()
        for number, part in enumerate(parts_of(reader)):
            _gather(found, part, scan=scan, definitions=definitions, with_frames=number == 0)
        connections: dict[tuple[str, str], list[Connection]] = {}
        for connection in reader.connections:
            connections.setdefault((connection.topic, connection.msgtype), []).append(connection)
        counts: dict[tuple[str, str], int | None] = {}
        for topic in summary.topics:
            key = (topic.topic, topic.msgtype)
            known = counts.get(key, 0)
            counts[key] = None if topic.count is None or known is None else known + topic.count
        distro = reader.ros_distro
        topics = tuple(_topic(key, connections.get(key, []), counts[key], found, definitions, distro) for key in counts)
        if distro:
            found.made_by.setdefault("ros_distro", distro)
        return Facts(
            path=path,
            format=summary.format,
            size_bytes=summary.size_bytes,
            start_nanos=summary.start_nanos,
            end_nanos=summary.end_nanos,
            made_by=found.made_by,
            parts=tuple(part.name for part in reader.parts) if isinstance(reader, FolderReader) else (),
            compression=tuple(_summed(found.compression)),
            topics=topics,
            attachments=tuple(found.attachments),
            metadata=found.metadata,
            recorded=recorded_in_mcap(found.metadata),
            notes=tuple(dict.fromkeys((*summary.notes, *(note.text for note in reader.notes)))),
            is_exact=found.is_timed and found.is_exact,
            sampled_messages=found.sampled,
        )


def _gather(found: _Gathered, reader: BagReader, *, scan: bool, definitions: Sequence[Path], with_frames: bool) -> None:
    known = {c.id: (c.topic, c.msgtype) for c in reader.connections}
    frames = Frames()
    if scan:
        tallies: dict[int, Tally] | None = _scanned(reader, frames, definitions)
    else:
        tallies = _indexed(reader, found)
        if with_frames:
            frames = frames_of(reader, definitions)
    if tallies is None:
        found.is_timed = False
    for number, tally in (tallies or {}).items():
        if number in known:
            found.tallies.setdefault(known[number], []).append(tally)
    for number, names in frames.by_connection.items():
        found.frames.setdefault(known[number], {}).update(names)
    found.sampled += frames.messages
    if isinstance(reader, McapReader):
        _gather_mcap(found, reader)
    elif isinstance(reader, Ros1BagReader):
        if reader.chunk_count <= QUICK_CHUNKS:
            with contextlib.suppress(DamagedFileError):  # reading will say what is wrong
                found.compression += reader.compressions()
    elif isinstance(reader, Db3Reader):
        metadata = reader.metadata()
        if metadata and metadata.custom:
            found.metadata["custom_data"] = metadata.custom


def _gather_mcap(found: _Gathered, reader: McapReader) -> None:
    found.compression += reader.compressions()
    for name, value in (("library", reader.header.library), ("profile", reader.header.profile)):
        if value:
            found.made_by.setdefault(name, value)
    if reader.index is None:
        return  # what stands between the messages is found by a full read only
    for record in reader.metadata_records():
        found.metadata.setdefault(record.name, record.values)
    for index in reader.index.attachments:
        found.attachments.append(Attached(index.name, index.media_type, index.data_size, index.log_time))


def _scanned(reader: BagReader, frames: Frames, definitions: Sequence[Path]) -> dict[int, Tally]:
    tallies: dict[int, Tally] = {}
    make = frame_reader(reader.ros_distro, definitions)
    for rows in reader.rows():
        tally_rows(tallies, rows.connection_ids, rows.log_time_nanos, rows.sizes)
        frames.take(rows, {c.id: c for c in reader.connections}, make, None)
    return tallies


def _indexed(reader: BagReader, found: _Gathered) -> dict[int, Tally] | None:
    """By what an index says; None if it does not speak of all messages, or is too long to be read unasked."""
    if isinstance(reader, Db3Reader) and reader.size_bytes > HEADS_BYTES:
        return None
    if isinstance(reader, (McapReader, Ros1BagReader)):
        if reader.chunk_count > QUICK_CHUNKS:
            return None
        found.is_exact = False
    tallies: dict[int, Tally] = {}
    for part in indexed_messages(reader):
        tally_rows(tallies, part.connection_ids, part.log_time_nanos, part.sizes)
    return tallies if is_complete(reader, {number: tally.count for number, tally in tallies.items()}) else None


def _topic(
    key: tuple[str, str],
    connections: Sequence[Connection],
    count: int | None,
    found: _Gathered,
    definitions: Sequence[Path],
    distro: str,
) -> TopicFacts:
    tallies = found.tallies.get(key, []) if found.is_timed else []
    starts = [t.start_nanos for t in tallies if t.start_nanos is not None]
    ends = [t.end_nanos for t in tallies if t.end_nanos is not None]
    # With several publishers the topic is silent only when all are, which these figures do not tell.
    longest = max(tallies, key=lambda t: t.gap_nanos) if len(tallies) == 1 else None
    topic, msgtype = key
    return TopicFacts(
        topic=topic,
        msgtype=msgtype,
        encoding=connections[0].encoding if connections else "",
        count=count,
        start_nanos=min(starts, default=None),
        end_nanos=max(ends, default=None),
        nbytes=sum(t.nbytes for t in tallies) if found.is_timed else None,
        gap_nanos=longest.gap_nanos if longest and longest.count > 1 else None,
        gap_at_nanos=longest.gap_at_nanos if longest else None,
        frames=tuple(name for name in found.frames.get(key, {}) if name),
        definition=_definition(connections[0], definitions, distro) if connections else "",
        connections=len(connections),
        is_latched=any(map(_is_latched, connections)),
    )


def _definition(connection: Connection, folders: Sequence[Path], distro: str) -> str:
    from rrbridge_bridge.decode import decoder_for

    if connection.definition:
        return "recorded"
    if connection.encoding not in ("cdr", "ros1"):
        return ""
    try:
        decoder_for(connection, definitions=folders, ros_distro=distro)
    except (DecodeError, UnknownTypeError):
        return "missing"
    return "known"


def _is_latched(connection: Connection) -> bool:
    qos = connection.metadata.get("offered_qos_profiles", "")
    return connection.metadata.get("latching") == "1" or bool(TRANSIENT_LOCAL.search(qos))


def _summed(found: Sequence[Compression]) -> Iterator[Compression]:
    by_codec: dict[str, Compression] = {}
    for one in found:
        known = by_codec.get(one.codec, Compression(one.codec, 0, 0, 0))
        by_codec[one.codec] = replace(
            known,
            chunks=known.chunks + one.chunks,
            packed_bytes=known.packed_bytes + one.packed_bytes,
            unpacked_bytes=known.unpacked_bytes + one.unpacked_bytes,
        )
    return iter(by_codec.values())
