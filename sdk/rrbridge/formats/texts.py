"""Texts, plain or in Markdown."""

from __future__ import annotations

from pathlib import Path

from rrbridge._archetype import Archetype
from rrbridge.errors import FileError
from rrbridge.formats._contents import ContentImporter

__all__ = ["importer"]


def _text(path: Path, content: bytes, media_type: str | None) -> Archetype:
    from rrbridge.archetypes.text import TextDocument

    try:
        return TextDocument(content.decode(), media_type=media_type)
    except UnicodeDecodeError as err:
        raise FileError(path, f"not UTF-8 text: {err}") from err


importer = ContentImporter("text", {".md": "text/markdown", ".txt": "text/plain"}, _text)
