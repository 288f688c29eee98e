"""Whether files are as their formats have them, and whether their indexes tell the truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rrbridge.errors import DamagedFileError
from rrbridge.importers import Note
from rrbridge_bridge.format import many
from rrbridge_bridge.inspect.check.findings import Finding, Severity, seconds
from rrbridge_bridge.readers import BagReader
from rrbridge_bridge.readers._chunked import ChunkedReader
from rrbridge_bridge.readers._folder import FolderReader
from rrbridge_bridge.readers._metadata import RosbagMetadata
from rrbridge_bridge.readers._unpack import UnpackedReader
from rrbridge_bridge.readers.db3 import Db3Reader
from rrbridge_bridge.readers.mcap import McapReader

__all__ = ["index_findings", "metadata_findings", "note_findings", "part_findings"]

SLACK_NANOS = 1_000_000
"""rosbag2 rounds times in metadata.yaml, but not by more."""


def note_findings(notes: Sequence[Note]) -> Iterator[Finding]:
    """What reading found to be missing, or made up for."""
    for note in notes:
        if note.is_loss:
            advice = "`rrbridge recover` writes what is left to a whole file; look at the recorder's disk and power"
            yield Finding(Severity.ERROR, "damaged", note.text, advice=advice)
        else:
            advice = "nothing is lost; `rrbridge recover` (ROS: `rosbag reindex`, `ros2 bag reindex`) makes a new index"
            yield Finding(Severity.WARNING, "index", note.text, advice=advice)


def part_findings(reader: BagReader) -> Iterator[Finding]:
    """What one file's format has to say beyond what reading tells."""
    if isinstance(reader, Db3Reader):
        for problem in reader.problems():
            advice = "`sqlite3 FILE .recover` may save more; `rrbridge convert` takes what can be read"
            yield Finding(Severity.ERROR, "sqlite", f"{reader.path.name}: SQLite finds: {problem}", advice=advice)
    if isinstance(reader, McapReader):
        try:
            yield from _mcap(reader)
        except DamagedFileError as err:
            yield Finding(Severity.ERROR, "damaged", f"{reader.path.name}: {err.reason} at byte {err.offset}")
        yield from note_findings(reader.notes)


def _mcap(reader: McapReader) -> Iterator[Finding]:
    bare = [crc for crc in reader.chunk_crcs() if not crc]
    if bare:
        text = f"{many(len(bare), 'chunk')} of {reader.path.name} without checksum: damage to them would go unnoticed"
        advice = "let the writer make them (rosbag2: storage preset without noChunkCRC)"
        yield Finding(Severity.NOTE, "no-checksum", text, advice=advice, times=len(bare))
    for _ in reader.attachments():
        pass  # each is checked against its checksum, and the reader notes what is wrong


def metadata_findings(
    reader: BagReader,
    counts: Mapping[tuple[str, str], int],
    span: tuple[int, int] | None,
) -> Iterator[Finding]:
    """Where `metadata.yaml`, or the metadata in a `.db3`, contradicts the messages. `counts` by topic and type."""
    metadata, where = _metadata(reader)
    if metadata is None or metadata.message_count is None:
        return
    advice = "`ros2 bag reindex FOLDER` makes it anew"
    known = {key: count for key, count in metadata.counts.items() if count}
    for key in sorted(known.keys() | counts.keys()):
        said, there = known.get(key, 0), counts.get(key, 0)
        if said != there:
            severity = Severity.ERROR if there < said else Severity.WARNING
            text = f"{where} counts {said} messages of {key[1]}, and there are {there}"
            yield Finding(severity, "metadata", text, key[0], None, advice)
    total = sum(counts.values())
    if metadata.message_count != total and not known.keys() ^ counts.keys():
        text = f"{where} counts {metadata.message_count} messages in all, and there are {total}"
        yield Finding(Severity.WARNING, "metadata", text, advice=advice)
    if span is None or metadata.start_nanos is None or metadata.end_nanos is None:
        return
    for name, said, there in zip(("begins", "ends"), (metadata.start_nanos, metadata.end_nanos), span, strict=True):
        if abs(said - there) > SLACK_NANOS:
            side = "after" if said > there else "before"
            text = f"by {where} the recording {name} {seconds(said - there)} {side} its messages do"
            yield Finding(Severity.WARNING, "metadata", text, "", there, advice)


def _metadata(reader: BagReader) -> tuple[RosbagMetadata | None, str]:
    if isinstance(reader, FolderReader):
        return reader.metadata, "metadata.yaml"
    if isinstance(reader, Db3Reader):
        metadata = reader.metadata()
        # What the recorder wrote when it began counts nothing yet.
        is_of_all = metadata is not None and metadata.is_of_one_file and metadata.is_complete
        return (metadata if is_of_all else None), "the metadata in the file"
    return None, ""


def index_findings(
    reader: BagReader, counts: Mapping[tuple[str, str], int], span: tuple[int, int] | None
) -> Iterator[Finding]:
    """Where the index of a bag or an MCAP file contradicts its messages. `counts` by topic and type."""
    inner = reader.inner if isinstance(reader, UnpackedReader) else reader
    if not isinstance(inner, ChunkedReader):
        return
    summary = inner.summary()
    advice = "programs that trust the index will be wrong: `rrbridge recover` writes a new one"
    said: dict[tuple[str, str], int] = {}
    for topic in summary.topics:
        key = (topic.topic, topic.msgtype)
        said[key] = said.get(key, 0) + (topic.count or 0)
    for key in sorted(said.keys() | counts.keys()):
        if said.get(key, 0) != counts.get(key, 0):
            text = f"the index counts {said.get(key, 0)} messages of {key[1]}, and there are {counts.get(key, 0)}"
            yield Finding(Severity.WARNING, "index", text, key[0], None, advice)
    if span is None or summary.start_nanos is None or summary.end_nanos is None:
        return
    for name, claimed, there in zip(("begins", "ends"), (summary.start_nanos, summary.end_nanos), span, strict=True):
        if claimed != there:
            side = "after" if claimed > there else "before"
            text = f"by the index the recording {name} {seconds(claimed - there)} {side} its messages do"
            yield Finding(Severity.WARNING, "index", text, "", there, advice)
