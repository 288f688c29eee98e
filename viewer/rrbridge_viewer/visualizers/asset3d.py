"""Meshes as files: glTF, OBJ, STL, COLLADA, PLY."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rrbridge_viewer.render.geometry import composed
from rrbridge_viewer.render.mesh_loading import load_meshes
from rrbridge_viewer.render.primitives import Primitive
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._ours import visualizers
from rrbridge_viewer.visualizers._values import instance_poses, rgba


@visualizers("Asset3D", needs=["Asset3D:blob"], content="3D")
def asset3d(entity: EntityData) -> Iterator[Primitive]:
    """Every mesh of the file's scene; the whole at each instance pose if there are any."""
    blob = entity.bytes_of("Asset3D:blob")
    if blob is None:
        return
    factor = entity.array("Asset3D:albedo_factor")
    outer = instance_poses(entity)
    for mesh in load_meshes(blob, entity.scalar("Asset3D:media_type")):
        placed = (
            mesh if outer is None else replace(mesh, poses=outer if mesh.poses is None else composed(outer, mesh.poses))
        )
        yield placed if factor is None else replace(placed, albedo=tuple((rgba(factor)[0] / 255).tolist()))
