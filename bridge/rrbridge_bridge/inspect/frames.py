"""The frames of a running robot, of the last minute."""

from __future__ import annotations

from collections import deque

from rrbridge._store import ChunkStore
from rrbridge._transform_frames import speaks_of_frames
from rrbridge.chunk import Chunk
from rrbridge.importers import ImportOptions
from rrbridge_bridge.live.source import Received
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.record.maker import DriverMaker

__all__ = ["TIMELINE", "TYPES", "FrameListener"]

TIMELINE = "message_log_time"
TYPES = frozenset(
    {
        "tf2_msgs/msg/TFMessage",
        "tf/msg/tfMessage",
        *(
            f"{package}{name}"
            for package in ("foxglove.", "foxglove_msgs/msg/")
            for name in ("FrameTransform", "FrameTransforms")
        ),
    }
)
"""Messages that hold transforms."""
KEPT_NANOS = 60_000_000_000


class FrameListener:
    """Takes messages with transforms; `store` has those of the last minute, and all static ones."""

    def __init__(self) -> None:
        self._maker = DriverMaker(ImportOptions(fields="none"))
        self._known: dict[int, Connection] = {}
        self._waiting: dict[int, list[RawBatch]] = {}
        self._static: dict[str, Chunk] = {}
        self._moving: deque[tuple[int, Chunk]] = deque()

    def add(self, event: Received) -> None:
        """Messages as they arrived."""
        connection = event.batch.connection
        if self._known.get(connection.id) != connection:
            self._known[connection.id] = connection
            self._maker.announce(connection)
        self._waiting.setdefault(connection.id, []).append(event.batch)

    def _take_in(self) -> None:
        """What has arrived, many messages at once."""
        chunks = [
            chunk for batches in self._waiting.values() for chunk in self._maker.convert(RawBatch.joined(batches))
        ]
        self._waiting.clear()
        for chunk in (*chunks, *self._maker.settle()):
            if not any(map(speaks_of_frames, chunk.components)):
                continue
            if chunk.is_static:
                self._static[chunk.entity_path] = chunk
            else:
                self._moving.append((int(chunk.times[TIMELINE].values.max()), chunk))
        while self._moving and self._moving[0][0] < self._moving[-1][0] - KEPT_NANOS:
            self._moving.popleft()

    def store(self) -> ChunkStore:
        """What is known now."""
        self._take_in()
        store = ChunkStore()
        for chunk in (*self._static.values(), *(chunk for _, chunk in self._moving)):
            store.insert(chunk)
        return store
