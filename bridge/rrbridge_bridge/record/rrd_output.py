"""Recording into `.rrd` files: messages' bytes, and what they mean, as chunks of one recording."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from rrbridge._chunk import Chunk
from rrbridge._messages import StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge.rrd import RrdWriter
from rrbridge_bridge.channel import marked_as_repeated
from rrbridge_bridge.live.source import Document
from rrbridge_bridge.raw import Connection, Int64s, RawBatch
from rrbridge_bridge.record import chunks
from rrbridge_bridge.record.counters import Account
from rrbridge_bridge.record.growing import GrowingFile
from rrbridge_bridge.record.output import RunInfo
from rrbridge_bridge.rowids import orders_of

__all__ = ["ChunkMaker", "RrdFile", "RrdOutput"]

log = logging.getLogger(__name__)


class ChunkMaker(Protocol):
    """Turns messages into chunks."""

    def announce(self, connection: Connection) -> Iterable[Chunk]:
        """Static data about a connection; again when more has become known of it."""

    def bytes_only(self, batch: RawBatch) -> Iterable[Chunk]:
        """The messages' bytes, and nothing that takes time."""

    def convert(self, batch: RawBatch, *, repeated: bool = False) -> Iterable[Chunk]:
        """The messages as they are to be recorded: bytes if asked for, fields, what adapters make of them.

        `repeated` marks messages from before the file.
        """

    def settle(self, *, is_end: bool = False) -> Iterable[Chunk]:
        """What had to wait for messages of other topics, or for time to pass, when all that has arrived was converted."""

    def notes(self) -> Iterable[tuple[str, str]]:
        """Topics and sentences: what a person should know of what was made of messages; those told before too."""

    def undecoded(self) -> Mapping[tuple[str, str], tuple[int, str]]:
        """By topic and type: messages that `convert` could keep only as bytes, and why; the first reason."""


@dataclass(eq=False)
class _Held:
    """Rows of one connection that were made of messages which still hold."""

    orders: Int64s
    rows: list[Chunk] = field(default_factory=list)

    def add(self, made: Iterable[Chunk]) -> None:
        for chunk in made:
            if not chunk.is_static:
                keep = np.isin(orders_of(chunk.row_ids), self.orders)
                if keep.any():
                    self.rows.append(chunk if keep.all() else chunk.take(np.flatnonzero(keep)))


class _Memory:
    """What every later file of the run begins with."""

    def __init__(self) -> None:
        self.documents: dict[str, Chunk] = {}
        """By entity, the last."""
        self._statics: dict[tuple[str, str], Chunk] = {}
        self._held: dict[int, _Held] = {}

    def note(self, chunk: Chunk) -> None:
        """A chunk is written."""
        if chunk.is_static:
            for component in chunk.components:
                key = (chunk.entity_path, component)
                self._statics.pop(key, None)
                self._statics[key] = chunk

    def hold(self, connection: int, orders: Int64s, made: Iterable[Chunk]) -> None:
        """Of a connection, rows of these messages hold now, some of which have just been made."""
        before = self._held.get(connection)
        held = self._held[connection] = _Held(orders)
        held.add([*(before.rows if before else ()), *made])

    def hold_too(self, message: RawBatch, made: Iterable[Chunk]) -> None:
        """Rows were made of a message that holds and was not written before."""
        held = self._held.setdefault(message.connection.id, _Held(message.order))
        held.orders = np.union1d(held.orders, message.order)
        held.add(made)

    def settled(self, made: Sequence[Chunk]) -> None:
        """More was made of messages that came earlier."""
        if made:
            for held in self._held.values():
                held.add(made)

    def statics(self) -> Iterable[Chunk]:
        """Static data, each chunk once."""
        return {chunk.tuid: chunk for chunk in self._statics.values()}.values()

    def rows_of(self, message: RawBatch) -> list[Chunk]:
        """What was made of one message; nothing if it was not written yet."""
        held = self._held.get(message.connection.id)
        one = _Held(message.order)
        one.add(held.rows if held else ())
        return one.rows


class RrdOutput:
    """`.rrd` files: each a part of one recording, which together are the whole."""

    suffix = ".rrd"

    def __init__(
        self,
        maker: ChunkMaker,
        *,
        keeps_bytes: bool = True,
        application_id: str = "rrbridge",
        recording_id: str | None = None,
        compression: Literal["lz4", "none"] = "lz4",
    ) -> None:
        """`keeps_bytes`: whether `maker` keeps messages' bytes, so that decoding may give way."""
        self.maker = maker
        self.keeps_bytes = keeps_bytes
        self.compression: Literal["lz4", "none"] = compression
        self.store_info = StoreInfo.new(StoreId(StoreKind.RECORDING, application_id, recording_id or uuid.uuid4().hex))
        self.memory = _Memory()
        self.stage_fault = ""
        self.faults: dict[tuple[str, str], tuple[int, str]] = {}
        self._info: tuple[RunInfo, list[Chunk]] | None = None

    def open(self, path: Path, info: RunInfo) -> RrdFile:
        """Begin a file. Raises RecorderError, FileError."""
        return RrdFile(path, self, info)

    def recording_info(self, info: RunInfo) -> list[Chunk]:
        """The run's properties, the same for all its files."""
        if self._info is None or self._info[0] != info:
            self._info = (info, chunks.recording_info(info))
        return self._info[1]

    def notes(self) -> Iterable[tuple[str, str]]:
        """See `ChunkMaker.notes`; and what went wrong with drawing."""
        return [*self.maker.notes(), *([("", self.stage_fault)] if self.stage_fault else [])]

    def undecoded(self) -> Mapping[tuple[str, str], tuple[int, str]]:
        """Messages that could not be decoded, and those with which decoding failed."""
        found = dict(self.maker.undecoded())
        for topic, (count, reason) in self.faults.items():
            before, first = found.get(topic, (0, ""))
            found[topic] = (before + count, first or reason)
        return found


class RrdFile(GrowingFile):
    """One `.rrd` file that grows."""

    decodes = True

    def __init__(self, path: Path, output: RrdOutput, info: RunInfo) -> None:
        """Create it. Raises RecorderError, FileError."""
        super().__init__(path)
        self._output = output
        try:
            self._writer = RrdWriter(self._place.active_path, compression=output.compression)
        except BaseException:
            self._place.withdraw()
            raise
        known = list(output.memory.statics())
        try:
            self._writer.write(output.store_info)
            chunks_of_run = [*output.recording_info(info), *known]
            self._write({chunk.tuid: chunk for chunk in chunks_of_run}.values())
        except BaseException:
            self.abandon()
            self._place.withdraw()
            raise

    @property
    def bytes_written(self) -> int:
        """Size of the file so far."""
        return self._writer.bytes_written

    def _sync(self) -> None:
        self._writer.sync()

    def announce(self, connection: Connection) -> None:
        """Write channel and schema."""
        self._write(self._output.maker.announce(connection))

    def document(self, document: Document) -> None:
        """Write a text."""
        chunk = self._output.memory.documents[document.entity] = chunks.document(document)
        self._put(chunk)

    def write(self, batch: RawBatch, *, in_haste: bool, held: Int64s | None = None) -> int:
        """Append messages."""
        self._counts.add(batch)
        maker, memory = self._output.maker, self._output.memory
        postponed = 0
        if in_haste and self._output.keeps_bytes:
            made = list(maker.bytes_only(batch))
            postponed = len(batch)
        else:
            made = self._converted(batch)
        self._write(made)
        if held is not None:
            memory.hold(batch.connection.id, held, made)
        return postponed

    def flush(self) -> None:
        """Everything is written at once."""

    def _converted(self, batch: RawBatch, *, repeated: bool = False) -> list[Chunk]:
        try:
            return list(self._output.maker.convert(batch, repeated=repeated))
        except Exception as err:  # no fault in decoding may cost the recording
            log.exception("%s could not be converted", batch.connection.topic)
            self._fault(batch, f"{type(err).__name__}: {err}")
            return list(self._output.maker.bytes_only(batch))

    def _fault(self, batch: RawBatch, reason: str) -> None:
        topic = (batch.connection.topic, batch.connection.msgtype)
        count, first = self._output.faults.get(topic, (0, reason))
        self._output.faults[topic] = (count + len(batch), first)

    def repeat(self, messages: Sequence[RawBatch], at_nanos: int) -> None:
        """Repeat what was made of them, under the same row ids; what was never made is made now."""
        self._write(marked_as_repeated(chunk, at_nanos) for chunk in self._output.memory.documents.values())
        for message in messages:
            rows = self._output.memory.rows_of(message)
            if rows:
                self._write(marked_as_repeated(chunk, at_nanos) for chunk in rows)
                continue
            at = np.full(len(message), at_nanos, np.int64)
            made = self._converted(replace(message, log_time_nanos=at), repeated=True)
            self._write(made)
            self._output.memory.hold_too(message, made)

    def settle(self, *, is_end: bool) -> None:
        """Write what waited."""
        try:
            made = list(self._output.maker.settle(is_end=is_end))
        except Exception as err:  # no fault in what is drawn may cost the recording
            log.exception("what waited could not be converted")
            self._output.stage_fault = f"some messages are not drawn: {type(err).__name__}: {err}"
            return
        self._write(made)
        self._output.memory.settled(made)

    def account(self, account: Account) -> None:
        """Write what has happened so far; it replaces an earlier account."""
        self._writer.write(StoredChunk(self._output.store_info.store_id, chunks.account(account, self._counts)))

    def close(self, account: Account) -> None:
        """Write account and index, sync, and give the file its name."""
        self.account(account)
        with self._lock:
            self._closed = True
            self._writer.close()
            self._place.finish()

    def abandon(self) -> None:
        """Leave it as it is."""
        with self._lock:
            self._closed = True
            self._writer.abandon()

    def _write(self, made: Iterable[Chunk]) -> None:
        for chunk in made:
            self._put(chunk)

    def _put(self, chunk: Chunk) -> None:
        self._writer.write(StoredChunk(self._output.store_info.store_id, chunk))
        self._output.memory.note(chunk)
