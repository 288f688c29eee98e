"""Meshes given as vertices and triangles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from rrbridge.components import MeshFaceRendering
from rrbridge.errors import InvalidValueError
from rrbridge_viewer.render.geometry import vertex_normals
from rrbridge_viewer.render.pixel_formats import ImageFormat, pixels_of
from rrbridge_viewer.render.primitives import Colors, Mesh, Primitive
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._ours import visualizers
from rrbridge_viewer.visualizers._values import class_color, entity_color, instance_poses, positions_of, rgba

FACES: dict[int, Literal["front", "back"]] = {MeshFaceRendering.Front: "front", MeshFaceRendering.Back: "back"}


@visualizers("Mesh3D", needs=["Mesh3D:vertex_positions"], content="3D")
def mesh3d(entity: EntityData) -> Iterator[Primitive]:
    """Lit; drawn at each instance pose if there are any. Without indices, three vertices in a row are a triangle."""
    vertices = positions_of(entity, "Mesh3D:vertex_positions")
    triangles = entity.array("Mesh3D:triangle_indices")
    if triangles is None:
        triangles = np.arange(len(vertices) // 3 * 3, dtype=np.uint32).reshape(-1, 3)
    triangles = triangles.astype(np.uint32, copy=False)
    if len(triangles) and int(triangles.max()) >= len(vertices):
        raise InvalidValueError("Mesh3D:triangle_indices", f"below {len(vertices)}", str(int(triangles.max())))
    normals = entity.array("Mesh3D:vertex_normals")
    if normals is None or len(normals) != len(vertices):
        normals = vertex_normals(vertices, triangles)
    texcoords = entity.array("Mesh3D:vertex_texcoords")
    texture = _texture(entity)
    textured = texture is not None and texcoords is not None and len(texcoords) == len(vertices)
    factor = entity.array("Mesh3D:albedo_factor")
    albedo = (1.0, 1.0, 1.0, 1.0) if factor is None else tuple((rgba(factor)[0] / 255).tolist())
    yield Mesh(
        vertices=vertices,
        triangles=triangles,
        normals=normals.astype(np.float32, copy=False),
        colors=_colors(entity, plain=textured or factor is not None),
        texcoords=texcoords.astype(np.float32, copy=False) if textured and texcoords is not None else None,
        texture=texture if textured else None,
        albedo=albedo,
        poses=instance_poses(entity),
        faces=FACES.get(int(entity.scalar("Mesh3D:face_rendering") or 0), "both"),
    )


def _colors(entity: EntityData, *, plain: bool) -> Colors:
    logged = entity.array("Mesh3D:vertex_colors")
    if logged is not None:
        return rgba(logged)
    if plain:
        return np.full((1, 4), 255, np.uint8)
    class_id = entity.scalar("Mesh3D:class_ids")
    return entity_color(entity.path) if class_id is None else class_color(entity, int(class_id))[None]


def _texture(entity: EntityData) -> Colors | None:
    buffer = entity.bytes_of("Mesh3D:albedo_texture_buffer")
    if buffer is None:
        return None
    pixels = pixels_of(buffer, ImageFormat.of(entity.scalar("Mesh3D:albedo_texture_format")))
    if pixels.ndim == 3:
        return pixels
    grey = np.clip(pixels, 0, 255).astype(np.uint8)
    return np.dstack([grey, grey, grey, np.full_like(grey, 255)])
