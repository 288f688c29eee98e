"""The driver: raw batches of any connections in, chunks of one recording out. Files and live sources share it.

Entities follow the reference importer where it has an answer: entity path = topic. Where it has none:

* Several types on one topic: the first owns `/topic`, another one lives at `/topic/__<type>`.
* `McapChannel` and `McapSchema` stand as static data on the topic's entity, for every connection, as the reference writes them
  for MCAP files; so it is known what bytes are, and a recording with bytes (`--raw`) can become a bag again. A topic's second
  connection has its own at `/topic/__channel/<id>`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rrbridge import _entity_path
from rrbridge._archetype import Archetype
from rrbridge.adapters import Adapter, Adapters
from rrbridge.archetypes.meta import McapChannel, McapSchema
from rrbridge.chunk import Chunk
from rrbridge.errors import DecodeError, UnknownTypeError
from rrbridge.importers import ImportOptions
from rrbridge_bridge.channel import Channel
from rrbridge_bridge.decode import Decode, decoder_for
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.recording import Recording, one_row
from rrbridge_bridge.report import TopicReport

__all__ = ["Driver"]

MAX_ID = 2**16 - 1
"""MCAP counts channels and schemas in 16 bits."""


@dataclass(frozen=True, slots=True)
class _Schema:
    msgtype: str
    encoding: str
    definition: str


class Driver:
    """Makes one recording of batches; `reports` says what became of them.

    Connections are told apart by their id; call `next_file` before the batches of another file.
    """

    def __init__(
        self, options: ImportOptions | None = None, *, adapters: Adapters | None = None, ros_distro: str = ""
    ) -> None:
        self.options = options or ImportOptions()
        self._adapters = adapters if adapters is not None else Adapters.discover()
        self._ros_distro = ros_distro
        self._recording = Recording(self.options)
        self._channels: dict[int, Channel] = {}
        self._channel_ids: set[int] = set()
        self._announced: set[str] = set()
        self._schema_ids: dict[_Schema, int] = {}
        self._owners: dict[str, str] = {}
        self._reports: dict[tuple[str, str, str], TopicReport] = {}

    @property
    def reports(self) -> Sequence[TopicReport]:
        """What became of each topic, by name."""
        return sorted(self._reports.values(), key=lambda r: (r.topic, r.msgtype))

    def next_file(self, ros_distro: str = "") -> None:
        """Batches from now on are of another file, which comes after the ones before."""
        self._channels = {}
        self._ros_distro = ros_distro
        self._recording.row_ids.next_file()

    def announce(self, connections: Iterable[Connection]) -> list[Chunk]:
        """Static data about connections, also of those that will have no messages."""
        return [
            chunk
            for connection in connections
            if connection.id not in self._channels
            for chunk in self._static_chunks(self._channel(connection))
        ]

    def convert(self, batch: RawBatch, *, repeated: bool = False) -> list[Chunk]:
        """All chunks of a batch, announcing its connection if that is new.

        `repeated` marks messages that were sent before a cut and stand at its start again.
        """
        chunks = self.announce([batch.connection])
        return chunks + self._channels[batch.connection.id].convert(batch, repeated=repeated)

    def bytes_only(self, batch: RawBatch) -> list[Chunk]:
        """The bytes of a batch, without decoding it."""
        chunks = self.announce([batch.connection])
        return chunks + self._channels[batch.connection.id].bytes_only(batch)

    def entity_path(self, connection: Connection) -> str:
        """Where a connection's messages go; the first type to ask for a topic owns its entity."""
        parts = [*self.options.prefix.strip("/").split("/"), *connection.topic.split("/")]
        if self._owners.setdefault(connection.topic, connection.msgtype) != connection.msgtype:
            parts.append("__" + connection.msgtype.replace("/", "."))
        return _entity_path.normalize([part for part in parts if part])

    def _channel(self, connection: Connection) -> Channel:
        entity_path = self.entity_path(connection)
        key = (connection.topic, connection.msgtype, connection.encoding)
        report = self._reports.get(key)
        adapter = self._adapter(connection)
        if report is None:
            report = TopicReport(*key, entity_path)
            self._reports[key] = report
        decode = self._decoder(connection, report)
        if adapter is not None and decode is not None:
            report.mapped_by = adapter.name
        channel = Channel(
            connection, self._new_channel_id(connection.id), entity_path, self._recording, report, decode, adapter
        )
        self._channels[connection.id] = channel
        return channel

    def _adapter(self, connection: Connection) -> Adapter | None:
        adapter = self._adapters.by_type.get(connection.msgtype)
        if adapter is not None and self.options.mapping == "reference" and not adapter.reference:
            return None
        return adapter

    def _decoder(self, connection: Connection, report: TopicReport) -> Decode | None:
        try:
            return decoder_for(connection, definitions=self.options.definitions, ros_distro=self._ros_distro)
        except (UnknownTypeError, DecodeError) as err:
            report.because(str(err))
            return None

    def _new_channel_id(self, wanted: int) -> int:
        channel_id = wanted
        if channel_id > MAX_ID or channel_id in self._channel_ids:
            channel_id = next(i for i in range(1, MAX_ID + 1) if i not in self._channel_ids)
        self._channel_ids.add(channel_id)
        return channel_id

    def _static_chunks(self, channel: Channel) -> list[Chunk]:
        connection, path = channel.connection, channel.entity_path
        if path in self._announced:
            path = _entity_path.join(path, f"__channel/{channel.channel_id}")
        self._announced.add(path)
        about: list[Archetype] = [
            McapChannel(
                id=channel.channel_id,
                topic=connection.topic,
                message_encoding=connection.encoding,
                metadata=dict(connection.metadata),
            )
        ]
        if connection.definition_format:
            schema = _Schema(connection.msgtype, connection.definition_format, connection.definition)
            about.append(
                McapSchema(
                    id=self._schema_ids.setdefault(schema, len(self._schema_ids) + 1) & MAX_ID,
                    name=schema.msgtype,
                    encoding=schema.encoding,
                    data=schema.definition.encode("latin-1" if schema.encoding == "protobuf" else "utf-8", "replace"),
                )
            )
        return [Chunk.from_columns(path, components=[c for archetype in about for c in one_row(archetype)])]
