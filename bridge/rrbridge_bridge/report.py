"""What became of each topic."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["TopicReport"]


@dataclass(slots=True)
class TopicReport:
    """Counts of one topic and type, growing while messages are converted."""

    topic: str
    msgtype: str
    encoding: str
    entity_path: str
    mapped_by: str = ""
    """The adapter, as `module.function`; empty if the type has none."""
    messages: int = 0
    """Messages read."""
    rows: int = 0
    """Rows written, over all entities."""
    nbytes: int = 0
    """Size of what was written, in memory."""
    undecodable: int = 0
    """Messages whose bytes do not follow the type's definition; kept as bytes."""
    unmapped: int = 0
    """Messages that the adapter could not take; their fields are kept."""
    with_fields: bool = False
    """Whether messages' fields became columns."""
    raw_only: bool = False
    """Whether the messages are kept as bytes and nothing else."""
    left_out: int = 0
    """Messages of which nothing was kept, as asked for by `--fields none`."""
    reason: str = ""
    """Why messages were kept as bytes, or not mapped; the first time that it happened."""
    entities: set[str] = field(default_factory=set)
    """Entity paths written to."""

    @property
    def is_lossless(self) -> bool:
        """Whether all messages became what they should."""
        return not (self.undecodable or self.unmapped)

    @property
    def kept_as(self) -> str:
        """One phrase: the adapter's name, `fields only`, `bytes only` or `nothing`; empty without messages."""
        if not self.messages:
            return ""
        if self.mapped_by and self.undecodable < self.messages:
            return self.mapped_by.removeprefix("rrbridge_bridge.messages.")
        if self.with_fields:
            return "fields only"
        return "bytes only" if self.rows else "nothing"

    def because(self, reason: str) -> None:
        """Remember the first reason."""
        if not self.reason:
            self.reason = reason
