"""What became of each topic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from rrbridge.chunk import Chunk
from rrbridge.errors import DecodeError
from rrbridge.importers import Note

__all__ = ["TopicReport", "further_notes", "notes_of", "topics_by_reason"]

NAMED_TOPICS = 4

ARCHETYPES = "rerun.archetypes."
MAX_REASONS = 8
"""A fault may be told in other words for every message."""


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
    """Messages that could not be decoded, for want of a definition or because their bytes do not follow it; kept as bytes."""
    unmapped: int = 0
    """Messages of which the adapter could not make all that it should; their fields are kept."""
    with_fields: bool = False
    """Whether messages' fields became columns."""
    raw_only: bool = False
    """Whether the messages are kept as bytes and nothing else."""
    left_out: int = 0
    """Messages of which nothing was kept, as asked for by `--fields none`."""
    reasons: list[str] = field(default_factory=list)
    """Why messages were kept as bytes, or not mapped: the first few reasons, as they came up."""
    notes: list[Note] = field(default_factory=list)
    """What else a person should know."""
    entities: set[str] = field(default_factory=set)
    """Entity paths written to."""
    archetypes: set[str] = field(default_factory=set)
    """What was written, by the names of archetypes; what is of none, message fields for example, is not among them."""
    start_nanos: int | None = None
    """When the first message was logged."""
    end_nanos: int | None = None

    def enter(self, chunk: Chunk) -> None:
        """Count a chunk."""
        self.entities.add(chunk.entity_path)
        self.rows += chunk.num_rows
        self.nbytes += chunk.nbytes
        for descriptor in chunk.columns.components:
            if descriptor.archetype and descriptor.archetype.startswith(ARCHETYPES):
                self.archetypes.add(descriptor.archetype.removeprefix(ARCHETYPES))

    def see(self, first_nanos: int, last_nanos: int) -> None:
        """Messages were logged between these times."""
        self.start_nanos = first_nanos if self.start_nanos is None else min(first_nanos, self.start_nanos)
        self.end_nanos = last_nanos if self.end_nanos is None else max(last_nanos, self.end_nanos)

    @property
    def name(self) -> str:
        """The topic, with the prefix of its robot if it has one."""
        return self.entity_path if not self.entity_path.startswith(self.topic) else self.topic

    @property
    def span_nanos(self) -> int | None:
        """From the first to the last message."""
        return None if self.start_nanos is None or self.end_nanos is None else self.end_nanos - self.start_nanos

    @property
    def hertz(self) -> float | None:
        """Messages per second between the first and the last."""
        span = self.span_nanos
        return (self.messages - 1) * 1e9 / span if span and self.messages > 1 else None

    @property
    def reason(self) -> str:
        """The first reason; empty without any."""
        return self.reasons[0] if self.reasons else ""

    @property
    def is_lossless(self) -> bool:
        """Whether all messages became what they should."""
        return not (self.undecodable or self.unmapped or any(note.is_loss for note in self.notes))

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

    def because(self, reason: str | BaseException) -> None:
        """Remember a reason, unless there are many already. The topic is known, so it is not said again."""
        if isinstance(reason, DecodeError):
            reason = reason.within_topic
        reason = str(reason)
        if reason not in self.reasons and len(self.reasons) < MAX_REASONS:
            self.reasons.append(reason)

    def note(self, note: Note) -> None:
        """Remember a note, unless there are many already."""
        if note not in self.notes and len(self.notes) < MAX_REASONS:
            self.notes.append(note)


def topics_by_reason(reports: Iterable[TopicReport]) -> dict[str, str]:
    """Each reason why messages are not what they should be, and the topics that it concerns, in words."""
    found: dict[str, list[str]] = {}
    for report in reports:
        for reason in report.reasons if report.messages else ():
            found.setdefault(reason, []).append(report.topic)
    return {reason: _listed(topics) for reason, topics in found.items()}


def notes_of(reports: Iterable[TopicReport]) -> list[Note]:
    """The same as notes about a file, and what else there is to know."""
    losses = [Note(f"{topics}: {reason}", is_loss=True) for reason, topics in topics_by_reason(reports).items()]
    return losses + further_notes(reports)


def further_notes(reports: Iterable[TopicReport]) -> list[Note]:
    """What else a person should know, by topic."""
    return [replace(note, text=f"{report.topic}: {note.text}") for report in reports for note in report.notes]


def _listed(topics: list[str]) -> str:
    more = len(topics) - NAMED_TOPICS
    return ", ".join(topics[:NAMED_TOPICS]) + (f" and {more} more" if more > 0 else "")
