"""What was asked of a conversion, as it was typed: plain values, so that it can be kept and handed to another process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rrbridge.importers import ImportOptions
from rrbridge_bridge.inputs import Source, absolute_times
from rrbridge_bridge.retiming import parse_alias
from rrbridge_bridge.topic_patterns import topic_pattern

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to convert, whatever the files."""

    topics: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    start: str | None = None
    end: str | None = None
    timelines: tuple[str, ...] = ()
    """Pairs of timelines that are one, `A=B`."""
    fields: Literal["all", "unmapped", "none"] = "all"
    mapping: Literal["all", "reference"] = "all"
    raw: bool = False
    application_id: str | None = None
    """None: that of the first recording that has one, else `rrbridge`."""
    recording_id: str | None = None
    robot: str | None = None
    definitions: tuple[str, ...] = ()
    to: str | None = None
    """The name of an output format; None: `.rrd`."""
    compression: str | None = None
    chunk_bytes: int | None = None
    index: str = ""

    def options(self, sources: Sequence[Source]) -> ImportOptions:
        """For these sources. Raises InvalidValueError or FileError."""
        start_nanos, end_nanos = absolute_times(sources, self.start, self.end)
        return ImportOptions(
            recording_id=self.recording_id,
            robot=self.robot,
            include=tuple(map(topic_pattern, self.topics)),
            exclude=tuple(map(topic_pattern, self.exclude)),
            start_nanos=start_nanos,
            end_nanos=end_nanos,
            fields=self.fields,
            mapping=self.mapping,
            raw=self.raw,
            definitions=tuple(map(Path, self.definitions)),
        )

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """Raises InvalidValueError."""
        return tuple(map(parse_alias, self.timelines))

    def check(self) -> None:
        """Raises InvalidValueError for what can be told to be wrong without looking at files."""
        self.aliases()
        for pattern in (*self.topics, *self.exclude):
            topic_pattern(pattern)

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Settings:
        """What `plain` was made of."""
        values: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in plain.items()}
        return cls(**values)
