"""The single files of a recording, and what their indexes tell of messages without their being read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rrbridge.errors import DamagedFileError
from rrbridge_bridge.readers import BagReader
from rrbridge_bridge.readers._folder import FolderReader
from rrbridge_bridge.readers._indexed import Indexed, joined
from rrbridge_bridge.readers._unpack import UnpackedReader
from rrbridge_bridge.readers.bag import Ros1BagReader
from rrbridge_bridge.readers.db3 import Db3Reader
from rrbridge_bridge.readers.mcap import McapReader

__all__ = ["has_index", "indexed_messages", "is_complete", "parts_of"]


def parts_of(reader: BagReader) -> Iterator[BagReader]:
    """The readers of single files below one, each open for as long as it is looked at."""
    if isinstance(reader, UnpackedReader):
        yield from parts_of(reader.inner)
    elif isinstance(reader, FolderReader):
        for part in reader.readers():
            yield from parts_of(part)
    else:
        yield reader


def has_index(reader: BagReader) -> bool:
    """Whether a single file can tell of its messages without their being read."""
    return not isinstance(reader, (McapReader, Ros1BagReader)) or reader.chunk_count > 0


def indexed_messages(reader: BagReader) -> Iterator[Indexed]:
    """What the index of a single file says of its messages: all of them only if `is_complete` says so afterwards."""
    try:
        if isinstance(reader, Db3Reader):
            for ids, times, sizes in reader.heads():
                yield Indexed(ids, times, sizes)
        elif isinstance(reader, (McapReader, Ros1BagReader)):
            yield from joined(reader.indexed())
    except (DamagedFileError, ValueError):
        return  # reading the messages will say what is wrong


def is_complete(reader: BagReader, counts: Mapping[int, int]) -> bool:
    """Whether messages by connection, as an index names them, are as many as the file says it has."""
    known = {c.id: (c.topic, c.msgtype) for c in reader.connections}
    found: dict[tuple[str, str], int] = {}
    for number, count in counts.items():
        if number in known:
            found[known[number]] = found.get(known[number], 0) + count
    claimed: dict[tuple[str, str], int] = {}
    for topic in reader.summary().topics:
        key = (topic.topic, topic.msgtype)
        claimed[key] = claimed.get(key, 0) + (topic.count or 0)
    return {key: count for key, count in claimed.items() if count} == found
