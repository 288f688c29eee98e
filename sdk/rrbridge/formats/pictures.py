"""Pictures, as they are compressed."""

from __future__ import annotations

from pathlib import Path

from rrbridge._archetype import Archetype
from rrbridge.formats._contents import ContentImporter

__all__ = ["MEDIA_TYPES", "importer"]

_ANYMAP = "image/x-portable-anymap"
MEDIA_TYPES = {
    ".avif": "image/avif",
    ".bmp": "image/bmp",
    ".dds": "image/vnd-ms.dds",
    ".exr": "image/x-exr",
    ".farbfeld": None,
    ".ff": "application/octet-stream",
    ".gif": "image/gif",
    ".hdr": "image/vnd.radiance",
    ".ico": "image/x-icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".pam": _ANYMAP,
    ".pbm": _ANYMAP,
    ".pgm": _ANYMAP,
    ".png": "image/png",
    ".ppm": _ANYMAP,
    ".tga": "image/x-targa",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
}


def _picture(path: Path, content: bytes, media_type: str | None) -> Archetype:  # noqa: ARG001 - as all are called
    from rrbridge.archetypes.images import EncodedImage

    return EncodedImage.from_fields(blob=content, media_type=media_type)


importer = ContentImporter("picture", MEDIA_TYPES, _picture)
