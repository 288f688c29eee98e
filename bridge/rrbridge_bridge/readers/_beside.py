"""What a file may hold besides messages: attachments and named metadata, as MCAP has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

__all__ = ["AttachedFile", "HoldsMore", "NamedMetadata"]


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file within a file: a calibration, a picture, a robot's description."""

    name: str
    media_type: str
    """`text/plain` …; empty where the writer gave none."""
    log_time_nanos: int
    """When it was recorded, nanoseconds since the Unix epoch, below 2^64."""
    create_time_nanos: int
    """When it was made, nanoseconds since the Unix epoch, below 2^64; 0 where that is not known."""
    data: bytes
    offset: int
    """Where its record stands in the recording."""


@dataclass(frozen=True, slots=True)
class NamedMetadata:
    """Facts under a name, as a recorder notes them."""

    name: str
    values: Mapping[str, str]


@runtime_checkable
class HoldsMore(Protocol):
    """A reader of a format that can hold more than messages.

    Where the file lists what it holds, only that is read; otherwise it is walked, unless all messages were read before.
    """

    def metadata_records(self) -> Iterator[NamedMetadata]:
        """Metadata, in file order. Raises FileError."""

    def attachments(self) -> Iterator[AttachedFile]:
        """Attachments, in file order, one in memory at a time. Raises FileError."""
