"""Text."""

from __future__ import annotations

from dataclasses import KW_ONLY

from rrbridge import components as c
from rrbridge._archetype import DrawnArchetype


class TextLog(DrawnArchetype):
    """A line of a log."""

    text: c.TextLike
    level: c.TextLogLevelLike | None = None
    """`LogLevel.INFO`, …, or any word."""
    _: KW_ONLY
    color: c.ColorLike | None = None


class TextDocument(DrawnArchetype):
    """A text to read."""

    text: c.TextLike
    _: KW_ONLY
    media_type: c.MediaTypeLike | None = None
    """`text/plain` or `text/markdown`."""
