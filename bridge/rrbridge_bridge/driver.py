"""The driver: raw batches of any connections in, chunks of one recording out. Files and live sources share it.

Entities follow the reference importer where it has an answer: entity path = topic. Where it has none:

* Several types on one topic: the first owns `/topic`, another one lives at `/topic/__<type>`.
* `McapChannel` and `McapSchema` stand as static data on the topic's entity, for every connection, as the reference writes them
  for MCAP files; so it is known what bytes are, and a recording with bytes (`--raw`) can become a bag again. A topic's second
  connection has its own at `/topic/__channel/<id>`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from rrbridge import _entity_path, plugins
from rrbridge._archetype import Archetype
from rrbridge.adapters import Adapter, Adapters
from rrbridge.archetypes.meta import McapChannel, McapSchema
from rrbridge.chunk import Chunk
from rrbridge.errors import DecodeError, UnknownTypeError
from rrbridge.importers import ImportOptions
from rrbridge.stages import Takes
from rrbridge_bridge.channel import Channel
from rrbridge_bridge.decode import Decode, decoder_for
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.recording import Recording, one_row
from rrbridge_bridge.report import TopicReport
from rrbridge_bridge.staging import StageRun

__all__ = ["Driver"]

MAX_ID = 2**16 - 1
"""MCAP counts channels and schemas in 16 bits."""


@dataclass(frozen=True, slots=True)
class _Schema:
    name: str
    encoding: str
    definition: str
    number: int
    """In its file; 0 where it has none."""


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
        self._about: dict[int, str] = {}
        """Where static data about a channel stands."""
        self._about_paths: set[str] = set()
        self._schema_ids: dict[_Schema, int] = {}
        self._owners: dict[str, str] = {}
        self._reports: dict[tuple[str, str, str], TopicReport] = {}
        self._stages: dict[tuple[str, str], StageRun] = {}
        self._stage_numbers: dict[str, int] = {}

    @property
    def reports(self) -> Sequence[TopicReport]:
        """What became of each topic, by name."""
        return sorted(self._reports.values(), key=lambda r: (r.topic, r.msgtype))

    def sibling(self, options: ImportOptions) -> Driver:
        """For another robot of the same recording: its topics are others, the ids of channels and schemas are not shared."""
        other = Driver(options, adapters=self._adapters)
        other._channel_ids, other._schema_ids = self._channel_ids, self._schema_ids
        return other

    def next_file(self, ros_distro: str = "") -> None:
        """Batches from now on are of another file, which comes after the ones before."""
        self._channels = {}
        self._ros_distro = ros_distro
        self._recording.row_ids.next_file()
        for run in self._stages.values():
            run.next_file()

    def announce(self, connections: Iterable[Connection]) -> list[Chunk]:
        """Static data about connections, also of those that will have no messages."""
        return [
            chunk
            for connection in connections
            if connection.id not in self._channels
            for chunk in self._static_chunks(self._channel(connection))
        ]

    def learn(self, connection: Connection) -> list[Chunk]:
        """Static data about a connection, again when more is known of it than was announced: other metadata, or a definition.

        Its later messages are decoded as the definition says, whatever their own batches know of it.
        """
        before = self._channels.get(connection.id)
        if before is None:
            return self.announce([connection])
        if before.connection == connection:
            return []
        return self._static_chunks(self._channel(connection, before))

    def convert(self, batch: RawBatch, *, repeated: bool = False) -> list[Chunk]:
        """All chunks of a batch, announcing its connection if that is new.

        `repeated` marks messages that were sent before a cut and stand at its start again.
        """
        chunks = self.announce([batch.connection])
        chunks += self._channels[batch.connection.id].convert(batch, repeated=repeated)
        return chunks + self.step() if batch.ends_step else chunks

    def in_step(self, topic: str, msgtype: str) -> bool:
        """Whether these messages must be brought into order with those of another connection that was announced."""
        return any(run.has_several for run in self._stage_runs(topic, msgtype))

    def step(self) -> list[Chunk]:
        """What stages make of messages that had to wait; of what came so far, nothing is missing."""
        return [chunk for run in self._stages.values() for chunk in run.step()]

    def settle(self, until_nanos: int, *, is_end: bool = False) -> list[Chunk]:
        """What is due up to a log time without a message; no message to come was logged before."""
        return self.step() + [
            chunk for run in self._stages.values() for chunk in run.settle(until_nanos, is_end=is_end)
        ]

    def bytes_only(self, batch: RawBatch, *, repeated: bool = False) -> list[Chunk]:
        """The bytes of a batch, without decoding it."""
        chunks = self.announce([batch.connection])
        return chunks + self._channels[batch.connection.id].bytes_only(batch, repeated=repeated)

    def report_of(self, connection: Connection) -> TopicReport:
        """What became so far of a connection that was announced."""
        return self._channels[connection.id].report

    def entity_path(self, connection: Connection) -> str:
        """Where a connection's messages go; the first type to ask for a topic owns its entity."""
        parts = [*self.options.prefix.strip("/").split("/"), *connection.topic.split("/")]
        if self._owners.setdefault(connection.topic, connection.msgtype) != connection.msgtype:
            parts.append("__" + connection.msgtype.replace("/", "."))
        return _entity_path.normalize([part for part in parts if part])

    def _channel(self, connection: Connection, before: Channel | None = None) -> Channel:
        entity_path = self.entity_path(connection)
        key = (connection.topic, connection.msgtype, connection.encoding)
        report = self._reports.get(key)
        adapter = self._adapter(connection)
        if report is None:
            report = TopicReport(*key, entity_path)
            self._reports[key] = report
        decode = self._decoder(connection, report)
        stages = self._stage_runs(connection.topic, connection.msgtype)
        for run in stages:
            run.join(connection)
        if decode is not None and (adapter is not None or stages):
            report.mapped_by = stages[0].stage.name if adapter is None else adapter.name
        channel = Channel(
            connection,
            self._new_channel_id(connection.id) if before is None else before.channel_id,
            entity_path,
            self._recording,
            report,
            decode,
            adapter,
            stages,
        )
        self._channels[connection.id] = channel
        return channel

    def _stage_runs(self, topic: str, msgtype: str) -> list[StageRun]:
        """The stages that messages go to, with their memories."""
        runs = []
        for stage in self._adapters.stages_of(msgtype):
            if stage.reference != (self.options.mapping == "reference"):
                continue
            try:
                if not any(self._gives(takes, topic, msgtype) for takes in stage.takes):
                    continue
                key = (stage.name, stage.group(topic))
            except plugins.FAULTS as err:
                plugins.leave_out(stage.name, topic, f"{type(err).__name__}: {err}")
                continue
            if key not in self._stages:
                number = self._stage_numbers.setdefault(stage.name, len(self._stage_numbers))
                self._stages[key] = StageRun(stage, number, self._recording)
            runs.append(self._stages[key])
        return runs

    def _gives(self, takes: Takes, topic: str, msgtype: str) -> bool:
        return takes.wants(topic, msgtype) and not (takes.wholly and self._adapters.find(msgtype))

    def _adapter(self, connection: Connection) -> Adapter | None:
        adapter = self._adapters.find(connection.msgtype)
        if adapter is not None and self.options.mapping == "reference" and not adapter.reference:
            return None
        return adapter

    def _decoder(self, connection: Connection, report: TopicReport) -> Decode | None:
        try:
            return decoder_for(connection, definitions=self.options.definitions, ros_distro=self._ros_distro)
        except (UnknownTypeError, DecodeError) as err:
            report.because(err)
            return None

    def _new_channel_id(self, wanted: int) -> int:
        channel_id = _free_id(wanted, self._channel_ids)
        self._channel_ids.add(channel_id)
        return channel_id

    def _static_chunks(self, channel: Channel) -> list[Chunk]:
        connection, path = channel.connection, self._about_path(channel)
        about: list[Archetype] = [
            McapChannel(
                id=channel.channel_id,
                topic=connection.topic,
                message_encoding=connection.encoding,
                metadata=dict(connection.metadata),
            )
        ]
        if connection.msgtype or connection.definition_format:
            name = connection.schema_name or connection.msgtype
            schema = _Schema(name, connection.definition_format, connection.definition, connection.schema_id)
            if schema not in self._schema_ids:
                self._schema_ids[schema] = _free_id(schema.number or None, set(self._schema_ids.values()))
            about.append(
                McapSchema(
                    id=self._schema_ids[schema],
                    name=schema.name,
                    encoding=schema.encoding,
                    data=connection.definition_bytes,
                )
            )
        return [Chunk.from_columns(path, components=[c for archetype in about for c in one_row(archetype)])]

    def _about_path(self, channel: Channel) -> str:
        path = self._about.get(channel.channel_id)
        if path is None:
            path = channel.entity_path
            if path in self._about_paths:
                path = _entity_path.join(path, f"__channel/{channel.channel_id}")
            self._about_paths.add(path)
            self._about[channel.channel_id] = path
        return path


def _free_id(wanted: int | None, taken: Collection[int]) -> int:
    """The wanted number if it is free, or else another; 0 where all are taken."""
    if wanted is not None and 0 <= wanted <= MAX_ID and wanted not in taken:
        return wanted
    highest = max(taken, default=0)
    if highest < MAX_ID:
        return highest + 1
    return next((number for number in range(1, MAX_ID + 1) if number not in taken), 0)
