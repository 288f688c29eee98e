"""Which column of a table is a timeline, and what its numbers mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["IndexColumn", "TimeUnit"]

TimeUnit: TypeAlias = Literal["ns", "us", "ms", "s"]
"""The unit that numbers of a file are in."""


@dataclass(frozen=True)
class IndexColumn:
    """A column to take as a timeline."""

    path: str
    """Its name, or its path within a file."""
    kind: Literal["timestamp", "duration", "sequence"]
    input_unit: TimeUnit | None = None
    """What the numbers in the file are in; None for a sequence."""

    @classmethod
    def timestamp(cls, path: str, *, input_unit: TimeUnit = "ns") -> IndexColumn:
        """Times since the Unix epoch."""
        return cls(path, "timestamp", input_unit)

    @classmethod
    def duration(cls, path: str, *, input_unit: TimeUnit = "ns") -> IndexColumn:
        """Times since some beginning."""
        return cls(path, "duration", input_unit)

    @classmethod
    def sequence(cls, path: str) -> IndexColumn:
        """Whole numbers without a unit."""
        return cls(path, "sequence")
