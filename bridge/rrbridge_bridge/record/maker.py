"""Messages to chunks for the recorder: the driver that files use too, asked so that it can give way."""

from __future__ import annotations

from rrbridge.adapters import Adapters
from rrbridge.chunk import Chunk
from rrbridge.importers import ImportOptions
from rrbridge_bridge.driver import Driver
from rrbridge_bridge.raw import Connection, RawBatch

__all__ = ["DriverMaker"]


class DriverMaker:
    """Chunks by the driver."""

    def __init__(self, options: ImportOptions, *, decode: bool = True, adapters: Adapters | None = None) -> None:
        """With `decode=False` messages are kept as bytes alone."""
        self._driver = Driver(options, adapters=adapters)
        self._decode = decode
        self._until_nanos = 0
        """The latest log time so far."""

    def announce(self, connection: Connection) -> list[Chunk]:
        """The connection's channel and schema; again when more is known of it than before."""
        return self._driver.learn(connection)

    def bytes_only(self, batch: RawBatch) -> list[Chunk]:
        """The messages' bytes."""
        return self._driver.bytes_only(batch)

    def convert(self, batch: RawBatch, *, repeated: bool = False) -> list[Chunk]:
        """Everything that is to be recorded of the messages, bytes first; `repeated` marks those from before the file."""
        if not self._decode:
            return self._driver.bytes_only(batch, repeated=repeated)
        if len(batch):
            self._until_nanos = max(self._until_nanos, int(batch.log_time_nanos.max()))
        made = self._driver.convert(batch, repeated=repeated)
        return sorted(made, key=lambda chunk: "McapMessage:data" not in chunk.components)

    def settle(self, *, is_end: bool = False) -> list[Chunk]:
        """What had to wait for messages of other topics, or for time to pass, when all that has arrived was converted."""
        return self._driver.settle(self._until_nanos, is_end=is_end) if self._decode else []

    def notes(self) -> list[tuple[str, str]]:
        """Topics and sentences: what a person should know of what was made of messages; those told before too."""
        return [(report.topic, note.text) for report in self._driver.reports for note in report.notes]

    def undecoded(self) -> dict[tuple[str, str], tuple[int, str]]:
        """By topic and type: messages that could be kept only as bytes, and why."""
        if not self._decode:
            return {}
        return {(report.topic, report.msgtype): (report.undecodable, report.reason) for report in self._driver.reports}
