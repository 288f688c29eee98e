"""Meshes as they are; a PLY file without faces is a cloud of points or Gaussian splats."""

from __future__ import annotations

from pathlib import Path

from rrbridge._archetype import Archetype
from rrbridge._media_type import MEDIA_TYPES as ALL_TYPES
from rrbridge.formats._contents import ContentImporter

__all__ = ["MEDIA_TYPES", "importer"]

MEDIA_TYPES = {suffix: ALL_TYPES[suffix] for suffix in (".ply", ".glb", ".gltf", ".obj", ".stl", ".dae")}


def _mesh(path: Path, content: bytes, media_type: str | None) -> Archetype:
    if path.suffix.lower() == ".ply":
        from rrbridge._ply import archetype_of_ply

        return archetype_of_ply(path, content)
    from rrbridge.archetypes.meshes import Asset3D

    return Asset3D(contents=content, media_type=media_type)


importer = ContentImporter("mesh", MEDIA_TYPES, _mesh)
