"""Meshes."""

from __future__ import annotations

from dataclasses import KW_ONLY
from pathlib import Path

from rrbridge import components as c
from rrbridge._archetype import Archetype, ComponentColumnList
from rrbridge.encodings import read_bytes
from rrbridge.errors import InvalidValueError

_MEDIA_TYPES = {
    ".glb": "model/gltf-binary",
    ".gltf": "model/gltf+json",
    ".obj": "model/obj",
    ".stl": "model/stl",
    ".dae": "model/vnd.collada+xml",
}


class Mesh3D(Archetype):
    """Triangles."""

    vertex_positions: c.Position3D
    """Shape (n, 3), metres."""
    _: KW_ONLY
    triangle_indices: c.TriangleIndices | None = None
    """Shape (m, 3); none: every three vertices are a triangle."""
    vertex_normals: c.Vector3D | None = None
    vertex_colors: c.Color | None = None
    vertex_texcoords: c.Texcoord2D | None = None
    albedo_factor: c.AlbedoFactor | None = None
    face_rendering: c.MeshFaceRenderingLike | None = None
    albedo_texture_buffer: c.ImageBuffer | None = None
    albedo_texture_format: c.ImageFormat | None = None
    class_ids: c.ClassId | None = None


class Asset3D(Archetype):
    """A whole mesh file: glTF, GLB, OBJ, STL, DAE."""

    blob: c.Blob
    _: KW_ONLY
    media_type: c.MediaType | None = None
    albedo_factor: c.AlbedoFactor | None = None

    def __init__(
        self,
        *,
        path: str | Path | None = None,
        contents: c.Blob | None = None,
        media_type: c.MediaType | None = None,
        albedo_factor: c.AlbedoFactor | None = None,
    ) -> None:
        """Give `path`, or `contents` with its media type."""
        if (path is None) == (contents is None):
            raise InvalidValueError("Asset3D", "exactly one of path=, contents=", "both" if path else "neither")
        if path is not None:
            contents = read_bytes(path)
            media_type = media_type or _MEDIA_TYPES.get(Path(path).suffix.lower())
        self._assign(blob=contents, media_type=media_type, albedo_factor=albedo_factor)

    @classmethod
    def columns(  # type: ignore[override]  # columns take the file's bytes, not its path
        cls,
        *,
        blob: c.Blob | None = None,
        media_type: c.MediaType | None = None,
        albedo_factor: c.AlbedoFactor | None = None,
    ) -> ComponentColumnList:
        """Many rows at once."""
        return cls._columns({"blob": blob, "media_type": media_type, "albedo_factor": albedo_factor})
