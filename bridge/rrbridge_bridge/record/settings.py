"""What was asked of a recording, and what each part of the recorder is told of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import rich_click as click

from rrbridge.errors import InvalidValueError
from rrbridge.importers import ImportOptions
from rrbridge_bridge.live.qos_overrides import read_overrides
from rrbridge_bridge.live.source import DRAIN_SECS, SourceOptions
from rrbridge_bridge.record.backlog import DropPolicy
from rrbridge_bridge.record.maker import DriverMaker
from rrbridge_bridge.record.output import Output
from rrbridge_bridge.record.recorder import RecorderOptions
from rrbridge_bridge.record.rrd_output import RrdOutput
from rrbridge_bridge.record.selection import Selection
from rrbridge_bridge.topic_patterns import topic_pattern

__all__ = ["RecordSettings"]


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
    qos_overrides: Path | None = None
    """A file with profiles by topic."""

    duration: float | None = None
    """Seconds."""
    limit: int | None = None
    """Messages of each topic."""
    start_paused: bool = False

    output: Path | None = None
    raw: bool = True
    decode: bool = True
    compression: Literal["lz4", "none"] = "lz4"
    application_id: str = "rrbridge"
    robot: str | None = None
    prefix: str = ""
    recording_id: str | None = None

    throttle: tuple[tuple[str, float], ...] = ()
    """Topics, and messages per second."""
    drop: tuple[tuple[str, str], ...] = ()
    """Topics, and the name of a `DropPolicy`."""
    backlog: int = 256_000_000
    """Bytes."""
    min_free: int = 200_000_000
    """Bytes."""
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
        """What the recorder is told. Raises click.UsageError for what is no pattern of topics."""
        for topic, _ in (*self.throttle, *self.drop):
            try:
                topic_pattern(topic)
            except InvalidValueError as err:
                raise click.UsageError(str(err)) from err
        return RecorderOptions(
            backlog_bytes=self.backlog,
            min_free_bytes=self.min_free,
            drain_secs=self.drain,
            throttle_hertz=dict(self.throttle),
            drop={topic: DropPolicy(policy) for topic, policy in self.drop},
            start_paused=self.start_paused,
            robot=self.robot,
        )

    def import_options(self) -> ImportOptions:
        """What becomes of messages."""
        if not (self.raw or self.decode):
            raise click.UsageError("with both --no-raw and --no-decode nothing would be recorded")
        return ImportOptions(raw=self.raw, prefix=self.prefix)

    def outputs(self) -> tuple[Output, ...]:
        """The kinds of files to write."""
        maker = DriverMaker(self.import_options(), decode=self.decode)
        return (
            RrdOutput(
                maker,
                keeps_bytes=self.raw,
                application_id=self.application_id,
                recording_id=self.recording_id,
                compression=self.compression,
            ),
        )

    def source_options(self, address: str) -> SourceOptions:
        """What the live source is told. Raises FileError for profiles that cannot be read."""
        return SourceOptions(
            address=address,
            ros_python=self.ros_python,
            drain_secs=self.drain,
            qos_overrides=read_overrides(self.qos_overrides) if self.qos_overrides else {},
            parameters=self.parameters,
        )
