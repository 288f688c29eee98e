"""Says of decoding how long it takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rrbridge.chunk import Chunk
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.record.rrd_output import ChunkMaker
from rrbridge_bridge.record.stages import Stage, Stages

__all__ = ["StagedMaker"]


class StagedMaker:
    """Makes chunks as another does, and notes that this is being done."""

    def __init__(self, inner: ChunkMaker, stages: Stages) -> None:
        self._inner = inner
        self._stages = stages

    def announce(self, connection: Connection) -> Iterable[Chunk]:
        """Static data about a connection."""
        return self._inner.announce(connection)

    def bytes_only(self, batch: RawBatch) -> Iterable[Chunk]:
        """The messages' bytes."""
        return self._inner.bytes_only(batch)

    def convert(self, batch: RawBatch, *, repeated: bool = False) -> Iterable[Chunk]:
        """The messages as they are to be recorded."""
        with self._stages.doing(Stage.DECODING, batch.connection.topic):
            return list(self._inner.convert(batch, repeated=repeated))

    def settle(self, *, is_end: bool = False) -> Iterable[Chunk]:
        """What had to wait."""
        with self._stages.doing(Stage.DECODING, "several topics"):
            return list(self._inner.settle(is_end=is_end))

    def notes(self) -> Iterable[tuple[str, str]]:
        """Topics and sentences."""
        return self._inner.notes()

    def undecoded(self) -> Mapping[tuple[str, str], tuple[int, str]]:
        """Messages that could be kept only as bytes."""
        return self._inner.undecoded()
