"""What was asked of a recording, and what each part of the recorder is told of it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import rich_click as click

from rrbridge.errors import InvalidValueError
from rrbridge.importers import ImportOptions
from rrbridge_bridge.format import size
from rrbridge_bridge.live.qos_overrides import QosProfile
from rrbridge_bridge.live.source import DRAIN_SECS, SourceOptions
from rrbridge_bridge.record.backlog import DropPolicy
from rrbridge_bridge.record.maker import DriverMaker
from rrbridge_bridge.record.mcap_output import McapOutput
from rrbridge_bridge.record.output import Output
from rrbridge_bridge.record.places import Place, place_of
from rrbridge_bridge.record.recorder import RecorderOptions
from rrbridge_bridge.record.rrd_output import ChunkMaker, RrdOutput
from rrbridge_bridge.record.selection import Selection
from rrbridge_bridge.record.span import Span
from rrbridge_bridge.topic_patterns import topic_pattern

__all__ = ["RecordSettings"]

FLUSH_SECS = 1.0
"""Messages are gathered so long at most before they are written."""
SNAPSHOT_BYTES = 512_000_000
"""Held in memory at most, where only a time was given."""
COMPRESSIONS = {"rrd": ("lz4", "none"), "mcap": ("zstd", "lz4", "none")}
"""By format, the usual one first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSettings:
    """The options of `rrbridge record`, as they were read."""

    topics: tuple[str, ...] = ()
    every: bool = False
    regex: tuple[str, ...] = ()
    topic_types: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    exclude_topics: tuple[str, ...] = ()
    exclude_types: tuple[str, ...] = ()
    include_hidden: bool = False
    services: tuple[str, ...] = ()
    every_service: bool = False
    actions: tuple[str, ...] = ()
    every_action: bool = False
    parameters: bool = False

    from_: str | None = None
    ros_python: str | None = None
    qos_overrides: Mapping[str, QosProfile] | None = None
    """By topic."""

    duration: float | None = None
    """Seconds."""
    limit: int | None = None
    """Messages of each topic."""
    start_paused: bool = False

    output: tuple[Path, ...] = ()
    """Files or a folder."""
    formats: tuple[str, ...] = ()
    """Names, or several in one with commas between."""
    raw: bool = True
    decode: bool = True
    compression: str | None = None
    """None: what is usual for the format."""
    application_id: str = "rrbridge"
    robot: str | None = None
    prefix: str = ""
    recording_id: str | None = None
    metadata: tuple[tuple[str, str], ...] = ()

    max_size: int | None = None
    """Bytes."""
    max_duration: float | None = None
    """Seconds."""
    keep_files: int | None = None
    keep_size: int | None = None
    """Bytes."""
    snapshot: tuple[Span, ...] = ()
    snapshot_at_end: bool = False
    trigger_topic: str | None = None

    throttle: tuple[tuple[str, float], ...] = ()
    """Topics, and messages per second."""
    drop: tuple[tuple[str, str], ...] = ()
    """Topics, and the name of a `DropPolicy`."""
    backlog: int = 256_000_000
    """Bytes."""
    min_free: int = 200_000_000
    """Bytes."""
    sync: float = 1.0
    """Seconds."""
    drain: float = DRAIN_SECS
    """Seconds."""

    listing: bool = False
    """Whether to say what could be recorded, and record nothing."""
    as_json: bool = False
    name: str | None = None
    """For `rrbridge control`."""

    def selection(self) -> Selection:
        """Which topics. Raises click.UsageError when none are asked for."""
        asked = (self.topics, self.every, self.regex, self.topic_types, self.services, self.actions)
        nothing = not (any(asked) or self.every_service or self.every_action)
        if nothing and not self.listing:
            raise click.UsageError("name the topics to record, or -a for all, or -e REGEX, or --topic-types TYPE")
        try:
            return Selection.of(
                self.topics,
                every=self.every or nothing,
                pattern=self.regex,
                exclude=self.exclude,
                types=self.topic_types,
                exclude_topics=self.exclude_topics,
                exclude_types=self.exclude_types,
                hidden=self.include_hidden,
                services=self.services,
                actions=self.actions,
                every_service=self.every_service,
                every_action=self.every_action,
            )
        except re.error as err:
            raise click.UsageError(f"not a regular expression: {err.pattern!r}: {err}") from err

    def recorder_options(self) -> RecorderOptions:
        """What the recorder is told. Raises click.UsageError for what is no pattern of topics, and for contradictions."""
        self._check_patterns()
        self._check_parts()
        secs = [span.secs for span in self.snapshot if span.secs is not None]
        nbytes = [span.nbytes for span in self.snapshot if span.nbytes is not None]
        return RecorderOptions(
            backlog_bytes=self.backlog,
            min_free_bytes=self.min_free,
            flush_secs=min(FLUSH_SECS, self.sync),
            sync_secs=self.sync,
            drain_secs=self.drain,
            throttle_hertz=dict(self.throttle),
            drop={topic: DropPolicy(policy) for topic, policy in self.drop},
            max_bytes=self.max_size,
            max_secs=self.max_duration,
            keep_files=self.keep_files,
            keep_bytes=self.keep_size,
            snapshot_bytes=min(nbytes or [SNAPSHOT_BYTES]) if self.snapshot else None,
            snapshot_secs=min(secs, default=None),
            snapshot_at_end=self.snapshot_at_end,
            start_paused=self.start_paused,
            limit=self.limit,
            robot=self.robot,
            metadata=dict(self.metadata),
        )

    def _check_patterns(self) -> None:
        for topic, _ in (*self.throttle, *self.drop):
            try:
                topic_pattern(topic)
            except InvalidValueError as err:
                raise click.UsageError(str(err)) from err

    @property
    def held(self) -> str:
        """How much is held for snapshots, in words; empty if everything is written."""
        return " or ".join(
            f"{span.secs:g} s" if span.secs is not None else size(span.nbytes or 0) for span in self.snapshot
        )

    @property
    def is_ring(self) -> bool:
        """Whether the oldest files are deleted."""
        return self.keep_files is not None or self.keep_size is not None

    @property
    def has_parts(self) -> bool:
        """Whether files are numbered from the first on."""
        return self._splits or bool(self.snapshot)

    @property
    def _splits(self) -> bool:
        return self.max_size is not None or self.max_duration is not None

    def _check_parts(self) -> None:
        if self._splits and self.snapshot:
            raise click.UsageError(
                "with --snapshot each snapshot is a file: --max-size and --max-duration have no meaning"
            )
        if self.is_ring and not self.has_parts:
            raise click.UsageError("--keep-files and --keep-size need parts: --max-size, --max-duration or --snapshot")
        if (self.trigger_topic or self.snapshot_at_end) and not self.snapshot:
            option = "--trigger-topic triggers snapshots" if self.trigger_topic else "--snapshot-at-end writes one"
            raise click.UsageError(f"{option}: give --snapshot 30s, or --snapshot 500MB, too")

    def place(self) -> Place:
        """Where it goes. Raises click.UsageError for contradictions."""
        return place_of(self.output, self.formats)

    def outputs(self, formats: Sequence[str], wrap: Callable[[ChunkMaker], ChunkMaker]) -> tuple[Output, ...]:
        """The kinds of files to write; `wrap` is put around what makes chunks. Raises click.UsageError for contradictions."""
        if "rrd" in formats and not (self.raw or self.decode):
            raise click.UsageError("with both --no-raw and --no-decode nothing would be recorded")
        if not (self.raw or "rrd" in formats):
            raise click.UsageError("an .mcap file holds the messages' bytes: --no-raw leaves nothing for it")
        if self.compression and not any(self.compression in COMPRESSIONS[kind] for kind in formats):
            known = "; ".join(f".{kind}: {', '.join(COMPRESSIONS[kind])}" for kind in formats)
            raise click.UsageError(f"there is no {self.compression} for this file; {known}")
        recording_id = self.recording_id or uuid.uuid4().hex
        return tuple(self._rrd(recording_id, wrap) if kind == "rrd" else self._mcap(recording_id) for kind in formats)

    def decodes(self, formats: Sequence[str]) -> bool:
        """Whether it is worked out what messages mean."""
        return self.decode and "rrd" in formats

    def _rrd(self, recording_id: str, wrap: Callable[[ChunkMaker], ChunkMaker]) -> RrdOutput:
        maker = DriverMaker(ImportOptions(raw=self.raw, prefix=self.prefix), decode=self.decode)
        return RrdOutput(
            wrap(maker),
            keeps_bytes=self.raw,
            application_id=self.application_id,
            recording_id=recording_id,
            compression="none" if self.compression == "none" else "lz4",
        )

    def _mcap(self, recording_id: str) -> McapOutput:
        compression: Literal["zstd", "lz4", "none"] = (
            "none" if self.compression == "none" else "lz4" if self.compression == "lz4" else "zstd"
        )
        return McapOutput(recording_id=recording_id, compression=compression)

    def source_options(self, address: str) -> SourceOptions:
        """What the live source is told."""
        return SourceOptions(
            address=address,
            ros_python=self.ros_python,
            drain_secs=self.drain,
            qos_overrides=self.qos_overrides or {},
            parameters=self.parameters and not self.listing,
        )
