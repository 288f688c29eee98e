"""Torn MCAP files: every message that can be read, in a file that is finished, with indexes and statistics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mcap.writer import Writer

from rrbridge._timeline import TimeKind
from rrbridge.rrd.tools.recover import Loss, Recovery, TimeSpan
from rrbridge_bridge.readers._blocks import Rows
from rrbridge_bridge.readers._mcap_records import MAGIC
from rrbridge_bridge.readers._reader import ReadOptions
from rrbridge_bridge.readers.mcap import McapReader

__all__ = ["is_mcap", "recover_mcap"]

Progress = Callable[[int, int], None]


def is_mcap(path: Path) -> bool:
    """Whether a file begins like one."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False  # whoever reads it will say why


def recover_mcap(path: Path, target: Path, progress: Progress | None = None) -> Recovery:
    """Write what can be read of a file to `target`: messages in their order, metadata and attachments. Raises FileError.

    Channels and schemas get new numbers; everything else stays.
    """
    found = Recovery(streams=1)
    with McapReader(path) as reader, target.open("wb") as output:
        writer = Writer(output)
        writer.start(reader.header.profile, f"rrbridge recover; {reader.header.library}")
        copied = _Messages(reader, writer, found)
        for rows in reader.rows(ReadOptions(progress=progress)):
            copied.take(rows)
        for record in reader.metadata_records():
            writer.add_metadata(record.name, dict(record.values))
        for attached in reader.attachments():
            writer.add_attachment(
                attached.create_time_nanos, attached.log_time_nanos, attached.name, attached.media_type, attached.data
            )
        writer.finish()  # type: ignore[no-untyped-call]
        if copied.unknown:
            found.losses += (Loss(None, None, f"{copied.unknown} messages belong to no channel", holds_data=True),)
        found.losses += tuple(Loss(None, None, note.text, holds_data=note.is_loss) for note in reader.notes)
        found.finished_streams = int(reader.statistics is not None)
    return found


class _Messages:
    """Messages on their way from one file to the other."""

    def __init__(self, reader: McapReader, writer: Writer, found: Recovery) -> None:
        self.unknown = 0
        self._reader = reader
        self._writer = writer
        self._found = found
        self._channels: dict[int, int] = {}
        self._schemas: dict[int, int] = {0: 0}

    def take(self, rows: Rows) -> None:
        view = memoryview(rows.buffer)  # type: ignore[arg-type]
        add = self._writer.add_message
        for number, start, size, log, publish, sequence in zip(
            rows.connection_ids.tolist(),
            rows.starts.tolist(),
            rows.sizes.tolist(),
            rows.log_time_nanos.tolist(),
            rows.publish_time_nanos.tolist(),
            rows.sequence.tolist(),
            strict=True,
        ):
            channel = self._channels.get(number) or self._register(number)
            if channel is None:
                self.unknown += 1
                continue
            add(channel, log, bytes(view[start : start + size]), publish, sequence)
            self._found.messages += 1
        if len(rows.log_time_nanos):
            first, last = int(rows.log_time_nanos.min()), int(rows.log_time_nanos.max())
            known = self._found.times.get("log_time")
            span = TimeSpan(TimeKind.TIMESTAMP, first, last) if known is None else known.widened(first, last)
            self._found.times["log_time"] = span

    def _register(self, number: int) -> int | None:
        """The channel's number in the other file; None if this file does not describe it."""
        channel = self._reader.channels_so_far.get(number)
        if channel is None:
            return None
        schema = self._reader.schemas_so_far.get(channel.schema_id)
        if channel.schema_id not in self._schemas and schema is not None:
            self._schemas[channel.schema_id] = self._writer.register_schema(schema.name, schema.encoding, schema.data)
        found = self._writer.register_channel(
            channel.topic, channel.message_encoding, self._schemas.get(channel.schema_id, 0), channel.metadata
        )
        self._channels[number] = found
        return found
