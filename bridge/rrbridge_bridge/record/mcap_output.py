"""Recording into `.mcap` files: messages' bytes, in the profile of their ROS.

Beside the messages stand metadata records:

* `rrbridge.recording`: `recording_id`, `start_nanos`, `name`, `robot`;
* `rrbridge.metadata`: what the person noted;
* `rrbridge.repeated`, before all messages: by topic, how many of its first messages stand in an earlier file of the run, or were
  sent before the snapshot, and hold on; and `log_time_nanos`, at which they stand here;
* `rrbridge.account`, at the end: by topic, a JSON object of what happened to it (`counters.Account`).
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from rrbridge_bridge.live.source import Document
from rrbridge_bridge.raw import Connection, Int64s, RawBatch
from rrbridge_bridge.readers._beside import AttachedFile, NamedMetadata
from rrbridge_bridge.readers._blocks import Rows
from rrbridge_bridge.readers.repeats import RECORDING, REPEATED, REPEATED_AT
from rrbridge_bridge.record.counters import Account, FileCounts
from rrbridge_bridge.record.growing import GrowingFile
from rrbridge_bridge.record.output import RunInfo

if TYPE_CHECKING:
    from rrbridge_bridge.writers.mcap import McapSink

__all__ = ["ACCOUNT", "METADATA", "McapFile", "McapOutput"]

METADATA, ACCOUNT = "rrbridge.metadata", "rrbridge.account"
PROFILES = {"cdr": "ros2", "ros1": "ros1"}
"""By the encoding of messages."""
ZSTD_LEVEL = 1
"""Higher levels take more time than a recorder has: 3 packs camera pictures at 150 MB/s, 1 at 2900 MB/s."""
TOGETHER_BYTES = 1 << 14
"""Topics whose messages are smaller on average are put in the order of arrival, all together."""


class McapOutput:
    """`.mcap` files."""

    suffix = ".mcap"

    def __init__(
        self,
        *,
        profile: str | None = None,
        recording_id: str | None = None,
        compression: Literal["zstd", "lz4", "none"] = "zstd",
    ) -> None:
        """`profile`: `ros2`, `ros1` or another; None: that of the first topic, and the file is empty until there is one."""
        self.profile = profile
        self.recording_id = recording_id or uuid.uuid4().hex
        self.compression = compression
        self.connections: dict[int, Connection] = {}
        """All of the run, as they are known now."""
        self.documents: dict[str, Document] = {}

    def open(self, path: Path, info: RunInfo) -> McapFile:
        """Begin a file. Raises RecorderError, FileError."""
        return McapFile(path, self, info)

    def notes(self) -> Sequence[tuple[str, str]]:
        """Nothing is made of messages."""
        return ()

    def undecoded(self) -> Mapping[tuple[str, str], tuple[int, str]]:
        """Bytes are all there is."""
        return {}


@dataclass(eq=False)
class _Gathered:
    """Messages that will be written together, in the order of their arrival."""

    batches: list[RawBatch] = field(default_factory=list)

    def rows(self) -> Rows:
        batches, self.batches = self.batches, []
        one = batches[0] if len(batches) == 1 else None
        buffers = [batch.buffer for batch in batches]
        bases = np.cumsum([0, *map(len, buffers[:-1])])
        made = Rows(
            buffers[0] if one else np.concatenate(buffers),
            np.repeat([batch.connection.id for batch in batches], [len(batch) for batch in batches]),
            np.concatenate([batch.starts + base for batch, base in zip(batches, bases, strict=True)]),
            np.concatenate([batch.sizes for batch in batches]),
            np.concatenate([batch.log_time_nanos for batch in batches]),
            np.concatenate([batch.publish_time_nanos for batch in batches]),
            np.concatenate([batch.sequence for batch in batches]),
            np.concatenate([batch.order for batch in batches]),
        )
        return made if one else made.take(np.argsort(made.order, kind="stable"))


class McapFile(GrowingFile):
    """One `.mcap` file that grows."""

    decodes = False

    def __init__(self, path: Path, output: McapOutput, info: RunInfo) -> None:
        """Create it. Raises RecorderError, FileError."""
        super().__init__(path)
        self._output = output
        self._info = info
        self._sink: McapSink | None = None
        self._announced: dict[int, Connection] = {}
        """What stands in the file."""
        self._waiting: list[AttachedFile] = []
        self._gathered = _Gathered()
        try:
            if output.profile is not None:
                self._begin(output.profile)
        except BaseException:
            self._place.withdraw()
            raise

    @property
    def bytes_written(self) -> int:
        """Size of the file so far."""
        return 0 if self._sink is None else self._sink.file.position

    def _sync(self) -> None:
        if self._sink is not None:
            self._sink.file.sync()

    def announce(self, connection: Connection) -> None:
        """Channel and schema are written before the first message, when most is known of them."""
        self._output.connections[connection.id] = connection
        if self._sink is None:
            self._begin(PROFILES.get(connection.encoding, ""))

    def document(self, document: Document) -> None:
        """Attach a text."""
        self._output.documents[document.entity] = document
        self._attach(document, document.time_nanos)

    def write(self, batch: RawBatch, *, in_haste: bool, held: Int64s | None = None) -> int:  # noqa: ARG002 - bytes are all there is
        """Take messages, to be written at the next flush."""
        self._counts.add(batch)
        self._take(batch)
        return 0

    def _take(self, batch: RawBatch) -> None:
        self._describe(self._output.connections.get(batch.connection.id, batch.connection))
        if batch.payload_bytes >= TOGETHER_BYTES * len(batch):
            self._sink_of(batch.connection).write(_Gathered([batch]).rows())
        else:
            self._gathered.batches.append(batch)

    def repeat(self, messages: Sequence[RawBatch], at_nanos: int) -> None:
        """Say how many come, then write them."""
        for document in self._output.documents.values():
            self._attach(document, at_nanos)
        if not messages:
            return
        counts = Counter(message.connection.topic for message in messages for _ in range(len(message)))
        marks = {REPEATED_AT: str(at_nanos), **{topic: str(count) for topic, count in counts.items()}}
        self._sink_of(messages[0].connection).add(NamedMetadata(REPEATED, marks))
        for message in messages:
            self._take(replace(message, log_time_nanos=np.full(len(message), at_nanos, np.int64)))
        self.flush()

    def settle(self, *, is_end: bool) -> None:
        """Nothing waits for anything."""

    def flush(self) -> None:
        """Write what was taken, in the order of its arrival."""
        if self._sink is not None:
            if self._gathered.batches:
                self._sink.write(self._gathered.rows())
            self._sink.flush()

    def account(self, account: Account) -> None:
        """An account is written only at the end: records of MCAP add to each other."""

    def close(self, account: Account) -> None:
        """Write account and summary, sync, and give the file its name."""
        if self._sink is None:
            self._begin("")
        assert self._sink is not None
        for connection in self._output.connections.values():
            self._describe(connection)
        self.flush()
        self._sink.add(NamedMetadata(ACCOUNT, _account(account, self._counts)))
        with self._lock:
            self._closed = True
            self._sink.finish()
            self._place.finish()

    def abandon(self) -> None:
        """Leave it as it is."""
        with self._lock:
            self._closed = True
            if self._sink is not None:
                self._sink.abandon()

    def _begin(self, profile: str) -> None:
        from rrbridge_bridge.writers._format import WriteOptions
        from rrbridge_bridge.writers.mcap import McapSink

        self._output.profile = profile or self._output.profile
        options = WriteOptions(compression=self._output.compression)
        self._sink = McapSink(self._place.active_path, options, profile, zstd_level=ZSTD_LEVEL)
        info = self._info
        about = {
            "recording_id": self._output.recording_id,
            "start_nanos": str(info.start_nanos),
            "name": info.name,
            **({"robot": info.robot} if info.robot else {}),
        }
        self._sink.add(NamedMetadata(RECORDING, about))
        if info.metadata:
            self._sink.add(NamedMetadata(METADATA, dict(info.metadata)))
        while self._waiting:
            self._sink.add(self._waiting.pop(0))

    def _sink_of(self, connection: Connection) -> McapSink:
        if self._sink is None:
            self._begin(PROFILES.get(connection.encoding, ""))
        assert self._sink is not None
        return self._sink

    def _describe(self, connection: Connection) -> None:
        """Write the channel unless it stands there; once more when its definition has become known."""
        before = self._announced.get(connection.id)
        if before is None or (connection.definition and not before.definition):
            self._announced[connection.id] = connection
            self._sink_of(connection).announce(connection)

    def _attach(self, document: Document, at_nanos: int) -> None:
        attached = AttachedFile(
            name=document.entity,
            media_type=document.media_type,
            log_time_nanos=at_nanos,
            create_time_nanos=document.time_nanos,
            data=document.text.encode(),
            offset=0,
        )
        if self._sink is None:
            self._waiting.append(attached)
        else:
            self._sink.add(attached)


def _account(account: Account, in_file: FileCounts) -> dict[str, str]:
    """By topic; where one has several types, by topic and type."""
    topics = Counter(topic.topic for topic in account.topics)
    made = {}
    for topic in account.topics:
        facts = {
            "type": topic.msgtype,
            "received": topic.received,
            "received_bytes": topic.received_bytes,
            "lost": topic.lost,
            "dropped": topic.dropped,
            "paused": topic.paused,
            "throttled": topic.throttled,
            "written": topic.written,
            "in_file": in_file.of(topic),
            **({"refused": topic.refused} if topic.refused else {}),
        }
        key = topic.topic if topics[topic.topic] == 1 else f"{topic.topic} {topic.msgtype}"
        made[key] = json.dumps(facts)
    made["complete"] = json.dumps(account.complete)
    made["clock"] = json.dumps(account.clock)
    return made
