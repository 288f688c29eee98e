"""Meshes."""

from __future__ import annotations

from dataclasses import KW_ONLY
from pathlib import Path
from typing import IO, Any

from rrbridge import components as c
from rrbridge._archetype import ComponentColumnList, DrawnArchetype
from rrbridge._files import file_content
from rrbridge._image_format import ChannelDatatype, ColorModel, ImageFormat
from rrbridge._pictures import pixels, raw_bytes


class Mesh3D(DrawnArchetype):
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

    def __init__(
        self,
        *,
        vertex_positions: c.Position3DLike,
        triangle_indices: c.TriangleIndicesLike | None = None,
        vertex_normals: c.Vector3DLike | None = None,
        vertex_colors: c.ColorLike | None = None,
        vertex_texcoords: c.Texcoord2DLike | None = None,
        albedo_texture: Any | None = None,
        albedo_factor: c.AlbedoFactorLike | None = None,
        face_rendering: c.MeshFaceRenderingLike | None = None,
        class_ids: c.ClassIdLike | None = None,
    ) -> None:
        """`albedo_texture`: an image of shape (h, w, 3 or 4), laid on the mesh by `vertex_texcoords`."""
        buffer, image_format = None, None
        if albedo_texture is not None:
            array, count = pixels("Mesh3D", albedo_texture, (3, 4))
            model = ColorModel.RGB if count == 3 else ColorModel.RGBA
            image_format = ImageFormat(
                array.shape[1], array.shape[0], None, model, ChannelDatatype.from_dtype(array.dtype)
            )
            buffer = raw_bytes(array)
        self._assign(
            vertex_positions=vertex_positions, triangle_indices=triangle_indices, vertex_normals=vertex_normals,
            vertex_colors=vertex_colors, vertex_texcoords=vertex_texcoords, albedo_factor=albedo_factor,
            face_rendering=face_rendering, albedo_texture_buffer=buffer, albedo_texture_format=image_format,
            class_ids=class_ids,
        )  # fmt: skip

    @classmethod
    def columns(  # type: ignore[override]  # columns take the texture's buffer and format
        cls,
        *,
        vertex_positions: c.Position3DLike | None = None,
        triangle_indices: c.TriangleIndicesLike | None = None,
        vertex_normals: c.Vector3DLike | None = None,
        vertex_colors: c.ColorLike | None = None,
        vertex_texcoords: c.Texcoord2DLike | None = None,
        albedo_factor: c.AlbedoFactorLike | None = None,
        face_rendering: c.MeshFaceRenderingLike | None = None,
        albedo_texture_buffer: c.ImageBufferLike | None = None,
        albedo_texture_format: c.ImageFormatLike | None = None,
        class_ids: c.ClassIdLike | None = None,
    ) -> ComponentColumnList:
        """Many rows at once."""
        return cls._columns(
            {
                "vertex_positions": vertex_positions, "triangle_indices": triangle_indices,
                "vertex_normals": vertex_normals, "vertex_colors": vertex_colors,
                "vertex_texcoords": vertex_texcoords, "albedo_factor": albedo_factor,
                "face_rendering": face_rendering, "albedo_texture_buffer": albedo_texture_buffer,
                "albedo_texture_format": albedo_texture_format, "class_ids": class_ids,
            }
        )  # fmt: skip


class Asset3D(DrawnArchetype):
    """A whole mesh file: glTF, GLB, OBJ, STL, DAE."""

    blob: c.BlobLike
    _: KW_ONLY
    media_type: c.MediaTypeLike | None = None
    albedo_factor: c.AlbedoFactorLike | None = None

    def __init__(
        self,
        *,
        path: str | Path | None = None,
        contents: c.BlobLike | IO[bytes] | None = None,
        media_type: c.MediaTypeLike | None = None,
        albedo_factor: c.AlbedoFactorLike | None = None,
    ) -> None:
        """Give `path`, or `contents` with its media type."""
        contents, media_type = file_content("Asset3D", path, contents, media_type)
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
