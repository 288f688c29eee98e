"""Whole sound files."""

from __future__ import annotations

from pathlib import Path

from rrbridge._archetype import Archetype
from rrbridge._media_type import MEDIA_TYPES as ALL_TYPES
from rrbridge.formats._contents import ContentImporter

__all__ = ["importer"]

MEDIA_TYPES = {suffix: ALL_TYPES[suffix] for suffix in (".aac", ".flac", ".m4a", ".mp3", ".ogg", ".wav")}
OPUS = {".opus": "audio/ogg"}


def _sound(path: Path, content: bytes, media_type: str | None) -> Archetype:  # noqa: ARG001 - as all are called
    from rrbridge.archetypes.assets import AssetAudio

    return AssetAudio(contents=content, media_type=media_type)


importer = ContentImporter("sound", MEDIA_TYPES | OPUS, _sound)
