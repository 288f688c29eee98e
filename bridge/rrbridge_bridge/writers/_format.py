"""What an output format says about itself, and what writing one leaves to tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rrbridge.importers import ImportOptions, Note
    from rrbridge_bridge.report import TopicReport

__all__ = ["OutputFormat", "WriteOptions", "Written"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """How to write."""

    compression: str | None = None
    """One of the format's; None: its default."""
    chunk_bytes: int | None = None
    """How much is put together before it is compressed; None: the format's default."""
    index: str = ""
    """Of tables: the timeline whose times rows have; empty: when messages were logged."""
    force: bool = False
    """Whether what is there may be replaced."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written."""

    output: Path
    format: str
    topics: Sequence[TopicReport]
    notes: Sequence[Note]
    input_bytes: int
    output_bytes: int
    start_nanos: int | None
    end_nanos: int | None
    seconds: float
    """How long it took."""

    @property
    def is_lossless(self) -> bool:
        """Whether every message of the files is in the output as it should be."""
        return not any(note.is_loss for note in self.notes) and all(topic.is_lossless for topic in self.topics)


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """One format."""

    name: str
    """As `--to` has it."""
    describes: str
    """`ROS 1 bag`, for people."""
    suffix: str
    """What names of such files end in, or of the files in such a folder."""
    compressions: tuple[str, ...]
    """The first is the default."""
    write: Callable[[Sequence[Path], Path, ImportOptions, WriteOptions], Written]
    """Writes files to a path, which appears when it is complete. Raises FileError."""
    is_folder: bool = False
