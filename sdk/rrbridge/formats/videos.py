"""Whole videos, with a time for each frame."""

from __future__ import annotations

from pathlib import Path

from rrbridge._archetype import Archetype
from rrbridge.formats._contents import ContentImporter

__all__ = ["importer"]


def _video(path: Path, content: bytes, media_type: str | None) -> Archetype:  # noqa: ARG001 - the video says what it is
    from rrbridge.archetypes.assets import AssetVideo

    return AssetVideo.from_fields(blob=content)


importer = ContentImporter("video", {".mp4": "video/mp4"}, _video)
