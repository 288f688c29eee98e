"""Messages that files of one run of `rrbridge record` say twice: each part begins with what is latched and holds on.

An MCAP file names these topics in its metadata (`rrbridge.repeated`), a recording marks the rows. Where an earlier part was
read, they are left out again.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from rrbridge._messages import StoreId
from rrbridge_bridge.latched import is_latched
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.readers._blocks import Rows

if TYPE_CHECKING:
    from rrbridge_bridge.readers.rrd import RrdMessages

__all__ = ["RECORDING", "REPEATED", "REPEATED_AT", "RunParts"]

RECORDING, REPEATED = "rrbridge.recording", "rrbridge.repeated"
REPEATED_AT = "log_time_nanos"
"""The key, beside the topics, of the log time at which repeated messages stand."""

Key: TypeAlias = tuple[str, int, int, int]
Messages = TypeVar("Messages", Rows, RawBatch)


class RunParts:
    """Parts that are read one after the other."""

    def __init__(self) -> None:
        self._seen: dict[str, set[Key]] = {}
        """By recording id, latched messages so far."""
        self._known: set[Key] | None = None
        self._repeated: Mapping[str, str] = {}
        self._at_nanos: int | None = None
        self._known_until: dict[StoreId, bytes] = {}
        """The last row ids so far."""
        self._recording: RrdMessages | None = None

    def begin(self, reader: object | None) -> None:
        """The messages that come next are of this reader; None if it is the only one. Raises FileError."""
        if reader is None:
            return
        from rrbridge_bridge.readers.mcap import McapReader
        from rrbridge_bridge.readers.rrd import RrdMessages

        self._known, self._repeated, self._at_nanos = None, {}, None
        if self._recording is not None:
            read = self._recording
            self._known_until[read.store_id] = max(read.known_until, read.last_id)
        self._recording = reader if isinstance(reader, RrdMessages) else None
        if self._recording is not None:
            self._recording.known_until = self._known_until.get(self._recording.store_id, b"")
        if not isinstance(reader, McapReader):
            return
        found = {record.name: record.values for record in reader.metadata_records()}
        recording_id = found.get(RECORDING, {}).get("recording_id")
        if recording_id is None:
            return
        self._known = self._seen.setdefault(recording_id, set())
        self._repeated = found.get(REPEATED, {})
        at = self._repeated.get(REPEATED_AT, "")
        self._at_nanos = int(at) if re.fullmatch(r"\d{1,19}", at) else None

    def fresh(self, messages: Messages, connections: Mapping[int, Connection]) -> Messages:
        """Without those that an earlier part has."""
        if self._known is None:
            return messages
        ids = _connection_ids(messages)
        latched = [
            number for number in np.unique(ids).tolist() if number in connections and is_latched(connections[number])
        ]
        if not latched:
            return messages
        keep = np.ones(len(messages), np.bool_)
        for row in np.flatnonzero(np.isin(ids, latched)).tolist():
            topic = connections[int(ids[row])].topic
            key = self._key(messages, row, topic)
            keep[row] = not self._is_repeated(messages, row, topic) or key not in self._known
            self._known.add(key)
        return messages if keep.all() else messages.take(keep)

    def _is_repeated(self, messages: Rows | RawBatch, row: int, topic: str) -> bool:
        return topic in self._repeated and int(messages.log_time_nanos[row]) == self._at_nanos

    def _key(self, messages: Rows | RawBatch, row: int, topic: str) -> Key:
        start = int(messages.starts[row])
        payload = messages.buffer[start : start + int(messages.sizes[row])]
        return topic, int(messages.publish_time_nanos[row]), int(messages.sequence[row]), zlib.crc32(payload.data)


def _connection_ids(messages: Rows | RawBatch) -> npt.NDArray[np.int64]:
    if isinstance(messages, Rows):
        return messages.connection_ids
    return np.full(len(messages), messages.connection.id, np.int64)
