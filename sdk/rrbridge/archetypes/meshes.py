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

    vertex_positions: c.Position3DLike
    """Shape (n, 3), metres."""
    _: KW_ONLY
    triangle_indices: c.TriangleIndicesLike | None = None
    """Shape (m, 3); none: every three vertices are a triangle."""
    vertex_normals: c.Vector3DLike | None = None
    vertex_colors: c.ColorLike | None = None
    vertex_texcoords: c.Texcoord2DLike | None = None
    albedo_factor: c.AlbedoFactorLike | None = None
    face_rendering: c.MeshFaceRenderingLike | None = None
    albedo_texture_buffer: c.ImageBufferLike | None = None
    albedo_texture_format: c.ImageFormatLike | None = None
    class_ids: c.ClassIdLike | None = None


class Asset3D(Archetype):
    """A whole mesh file: glTF, GLB, OBJ, STL, DAE."""

    blob: c.BlobLike
    _: KW_ONLY
    media_type: c.MediaTypeLike | None = None
    albedo_factor: c.AlbedoFactorLike | None = None

    def __init__(
        self,
        *,
        path: str | Path | None = None,
        contents: c.BlobLike | None = None,
        media_type: c.MediaTypeLike | None = None,
        albedo_factor: c.AlbedoFactorLike | None = None,
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
        blob: c.BlobLike | None = None,
        media_type: c.MediaTypeLike | None = None,
        albedo_factor: c.AlbedoFactorLike | None = None,
    ) -> ComponentColumnList:
        """Many rows at once."""
        return cls._columns({"blob": blob, "media_type": media_type, "albedo_factor": albedo_factor})
