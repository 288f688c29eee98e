"""How much a snapshot is to hold."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Span"]


@dataclass(frozen=True, slots=True)
class Span:
    """A time or a size."""

    secs: float | None = None
    nbytes: int | None = None
